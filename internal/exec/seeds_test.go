package exec_test

import "testing"

// seeds is how many of n seeds a random test takes: a third of them when tests are
// to be short.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return max(2, n/3)
	}
	return n
}
