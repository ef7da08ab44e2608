//go:build !linux

package keyed

// newChunk returns n zero words.
func newChunk(n int) []uint64 { return make([]uint64, n) }

// Large returns n zero values for memory of a table that another package lays out.
func Large[T any](n int) []T { return make([]T, n) }
