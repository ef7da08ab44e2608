package base

import (
	"cmp"
	"fmt"
	"sync/atomic"
)

// A Budget counts the bytes that a process keeps, against a limit. It may be
// used from many goroutines. A nil Budget has no limit.
type Budget struct {
	Limit int64 // bytes; 0 means none
	// EvictAt is the use from which on tables that can put entries out of memory;
	// 0 means seven sixteenths of the Limit, so that there is room for what cannot, and
	// for what is not counted. A
	// table that has no more than EvictKeep keeps it; 0 means 1 MiB.
	EvictAt, EvictKeep int64
	// Of names whose share it is, for errors; empty: who asks for the error says. At is
	// where in the script that stands, and Else what helps beside more memory.
	Of   string
	At   Pos
	Else string

	used atomic.Int64
	peak atomic.Int64

	whole *Budget // of which this one is a share
}

// Share returns a budget for one of those who use b: it counts what that one keeps,
// and b decides whether there is room.
func (b *Budget) Share() *Budget {
	s := &Budget{whole: b}
	if b != nil {
		s.Limit, s.EvictAt, s.EvictKeep, s.Of, s.At, s.Else = b.Limit, b.EvictAt, b.EvictKeep, b.Of, b.At, b.Else
	}
	return s
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
	if b.whole != nil {
		return b.whole.Add(n)
	}
	return b.Limit == 0 || u <= b.Limit
}

// Short reports whether a table of so many bytes should put entries out.
func (b *Budget) Short(table int64) bool {
	if b == nil || b.Limit == 0 && b.EvictAt == 0 {
		return false
	}
	if b.whole != nil {
		return b.whole.Short(table)
	}
	return b.used.Load() > b.Room() && table > cmp.Or(b.EvictKeep, 1<<20)
}

// Lacks reports whether so many bytes more would be too much for entries that can leave
// memory.
func (b *Budget) Lacks(n int64) bool {
	room := b.Room()
	return room > 0 && b.Used()+n > room
}

// Room is the use from which on entries leave memory; 0: they never do.
func (b *Budget) Room() int64 {
	if b == nil {
		return 0
	}
	return cmp.Or(b.EvictAt, b.Limit/16*7)
}

// Own returns the bytes that are counted in this budget, of which it may be a share.
func (b *Budget) Own() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Bounded reports whether there is a limit.
func (b *Budget) Bounded() bool { return b != nil && b.Limit > 0 }

// Over reports whether more is used than what leaves memory could make up for: a quarter
// more than the limit.
func (b *Budget) Over() bool {
	return b != nil && b.Limit > 0 && b.Used() > b.Limit/4*5
}

// Used returns the bytes counted now, of all that share a limit.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	if b.whole != nil {
		return b.whole.Used()
	}
	return b.used.Load()
}

// Peak returns the most bytes that were counted at a time: of a share, its own.
func (b *Budget) Peak() int64 {
	if b == nil {
		return 0
	}
	return b.peak.Load()
}

// Exceeded is the error of an operator that cannot do with less.
func (b *Budget) Exceeded(op string) error {
	msg := fmt.Sprintf("%s needs more memory than the budget of %d MB; raise 'memory.size'", cmp.Or(b.Of, op), b.Limit>>20)
	if b.Else != "" {
		msg += ", or " + b.Else
	}
	return &ExceededError{Pos: b.At, msg: msg}
}

// An ExceededError says that a part of a job needs more memory than there is.
type ExceededError struct {
	Pos Pos // of that part in the script
	msg string
}

// Error implements error.
func (e *ExceededError) Error() string {
	if e.Pos != (Pos{}) {
		return fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Col, e.msg)
	}
	return e.msg
}
