package keyed

import (
	"testing"

	"github.com/millrace-io/millrace/internal/base"
)

// short is how many of n rounds a random test takes: a third of them when tests are
// to be short.
func short[N uint64 | base.Epoch](n N) N {
	if testing.Short() {
		return n / 3
	}
	return n
}
