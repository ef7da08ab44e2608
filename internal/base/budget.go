package base

import (
	"fmt"
	"sync/atomic"
)

// A Budget counts the bytes that a process keeps, against a limit. It may be
// used from many goroutines. A nil Budget has no limit.
type Budget struct {
	Limit int64 // bytes; 0 means none
	used  atomic.Int64
	peak  atomic.Int64
}

// Add counts n more bytes (fewer, if negative) and reports whether the budget
// still holds. The caller that gets false spills, or fails with Exceeded.
func (b *Budget) Add(n int64) bool {
	if b == nil {
		return true
	}
	u := b.used.Add(n)
	for p := b.peak.Load(); u > p && !b.peak.CompareAndSwap(p, u); p = b.peak.Load() {
	}
	return b.Limit == 0 || u <= b.Limit
}

// Used returns the bytes counted now.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Exceeded is the error of an operator that cannot do with less.
func (b *Budget) Exceeded(op string) error {
	return fmt.Errorf("%s needs more memory than the budget of %d MB; raise 'memory.size'", op, b.Limit>>20)
}
