//go:build !linux

package keyed

// newChunk returns n zero words.
func newChunk(n int) []uint64 { return make([]uint64, n) }
