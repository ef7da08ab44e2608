package cut

import "testing"

func TestReadWithoutVectors(t *testing.T) {
	defer func(had bool) { hasFours = had }(hasFours)
	hasFours = false
	checkRead(t)
}
