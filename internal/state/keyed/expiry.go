package keyed

import (
	"encoding/binary"
	"sync/atomic"
)

// Time to live
//
// The entries of a table with an Expiry carry the time of their last use. Those in
// memory are the operator's to forget. Those out of memory count no more when their
// time is over: a lookup does not find them, and the store leaves them out when it
// writes files anew (state.Table.Expire). So a key that never comes again costs
// nothing for good, though nobody asks for it.
//
// The store may drop such an entry at any time, and without the versions that were
// written of it before: those are older still.

// An Expiry says when the entries of a table that evicts count no more.
type Expiry struct {
	// Word is which word of an entry, or of a row's extra words, has the time of its
	// last use; entries that have 0 there do not expire.
	Word int
	TTL  int64        // from the last use on
	Now  func() int64 // all in one unit, of all tables of a store
	// Keys lets the rows of a Multi end with the last of their key, whose word is that
	// of the key's last use. Those of the others may lag behind for half the TTL, not
	// more.
	Keys bool
}

// expiring is what a table with an Expiry has besides.
type expiring struct {
	Expiry
	clock atomic.Int64 // of the operator, for those who write files elsewhere
}

// expire tells the store of the time to live.
func (t *Table) expire() {
	x := t.shape.Expiry
	if x == nil {
		return
	}
	e := &expiring{Expiry: *x}
	t.expiring = e
	t.tellTime()
	t.disk.Expire(e.ends, e.clock.Load)
}

// tellTime lets those who write files know how late it is.
func (t *Table) tellTime() {
	if t.expiring != nil {
		t.expiring.clock.Store(t.expiring.Now())
	}
}

// ends returns when a durable value's time is over, 0 for never.
func (e *expiring) ends(val []byte) int64 {
	at := 1 + 8*e.Word
	if len(val) < at+8 {
		return 0
	}
	used := int64(binary.LittleEndian.Uint64(val[at:]))
	if used == 0 {
		return 0
	}
	if e.Keys {
		return used + e.TTL + e.TTL/2
	}
	return used + e.TTL
}

// keyOver reports whether a key counts no more whose last row has the extra words.
func (m *Multi) keyOver(extra []uint64) bool {
	e := m.expiring
	return e != nil && e.Keys && extra[e.Word] != 0 && int64(extra[e.Word])+e.TTL < e.clock.Load()
}

// over reports whether a durable value counts no more.
func (t *Table) over(val []byte) bool {
	e := t.expiring
	if e == nil {
		return false
	}
	at := e.ends(val)
	return at != 0 && at < e.clock.Load()
}
