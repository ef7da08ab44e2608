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
		at := uintptr(unsafe.Pointer(&c[0]))
		from := at &^ (hugePage - 1)
		to := (at + uintptr(n)*8 + hugePage - 1) &^ (hugePage - 1)
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
	}
	return c
}
