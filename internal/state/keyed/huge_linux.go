package keyed

import (
	"syscall"
	"unsafe"
)

const hugePage = 2 << 20

// newChunk returns n zero words. Large ones are asked to lie in huge pages:
// tables are read at random, and with pages of 4 KiB every read misses the TLB as
// well as the cache. The advice goes for the 2 MiB pages around, whose other parts
// are likely to be the next chunks. It is only advice: errors do not matter.
func newChunk(n int) []uint64 {
	c := make([]uint64, n)
	if n*8 >= hugePage/8 {
		advise(uintptr(unsafe.Pointer(&c[0])), uintptr(n)*8)
	}
	return c
}

// Large returns n zero values for memory of a table that another package lays out, in
// huge pages like the tables' own.
func Large[T any](n int) []T {
	s := make([]T, n)
	if bytes := uintptr(n) * unsafe.Sizeof(*new(T)); bytes >= hugePage/8 {
		advise(uintptr(unsafe.Pointer(&s[0])), bytes)
	}
	return s
}

func advise(at, bytes uintptr) {
	from := at &^ (hugePage - 1)
	to := (at + bytes + hugePage - 1) &^ (hugePage - 1)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
}
