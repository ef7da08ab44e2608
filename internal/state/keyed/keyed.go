// Package keyed holds the typed tables that operators keep their state in, over
// the ordered map of package state.
//
// A Table maps keys to entries of a fixed number of 64-bit words, inline, with
// stable slots; a word may refer to a blob of any length. A Multi keeps a list of
// rows under each key. Both come in buckets, by time, for windows and intervals.
// Memory is chunks of fixed size without pointers. What changes is remembered by
// slot, and Snapshot writes it to the store; opening reads it back.
//
// Keys are canonical: a key has one hash (package keyenc) whatever the width of
// its columns, and its key group is the hash's high half modulo the job's groups.
// So Keys made of an INT column find what was put under a BIGINT; decimals must
// have the scale of the table's key.
//
// # Layout
//
//	index   []uint64, open addressing: hash tag (32) | slot+1 (32), in segments
//	        that double until they have segmentMax cells and then split in two
//	slab    chunks of entries: [caller's words][key words][hash]
//	arena   chunks with free lists by size: long keys, blobs, rows
//
// What a key has in its entry depends on its columns:
//
//	one column, fixed width up to 8 bytes   its word; no hash
//	several such, or wider                  their words, a word of null bits, hash
//	one string                              arena reference and length, hash
//	anything else                           the same, of its keyenc.AppendKey form
//
// A key of one column that is NULL has a slot like any other but no cell in the
// index: the table remembers it.
//
// # Durability
//
// A structure is a state.Table of its Shape's name:
//
//	key     group (2 bytes, big-endian) [bucket's time (8)] AppendKey form [row's sequence (8)]
//	value   version, words, blobs                 of a Table
//	        version, extra words, AppendRow form  of a Multi, an entry a row
//
// Changes are written by Snapshot; removals at once, if what is removed had been
// written. A bucket is dropped by a range delete for each key group that had
// entries in it. An error of the store is returned by the next Snapshot.
//
// Nothing here is for more than one goroutine.
package keyed

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/types"
)

// A Slot names an entry of a Table until it is deleted; None is no entry.
type Slot int32

// None is the slot of a key that is absent.
const None Slot = -1

// A Shape says how a table is opened.
type Shape struct {
	Name   string // of the table in the operator's store
	Key    []types.Type
	Words  int          // in an entry
	Blobs  []int        // the words that refer to blobs
	Row    []types.Type // Multi: the columns of its rows
	Extra  int          // Multi: words kept with each row
	Groups int          // key groups of the job
	Memory *base.Budget
	// Evicts lets entries leave memory when it is short: the operator calls Trim
	// where it holds no slots, and reads entries by key only.
	Evicts bool
	// InOrder: buckets of it are read as time goes on, the earliest first, and rows are
	// only added to those that are not read yet.
	InOrder bool
	// Expiry is when entries that are out of memory count no more; nil: never.
	Expiry *Expiry
}

// A Follower keeps, about the entries of a table that evicts, something more in
// memory, by slot.
type Follower struct {
	// Came tells of entries that the store had, before the call that brought them
	// returns.
	Came func(slots []Slot)
	// Leaves tells that an entry is about to leave; false keeps it.
	Leaves func(s Slot) bool
	// Held is how much memory the follower has, and how much of that is free for
	// new entries; nil: nothing that counts.
	Held func() (bytes, free int64)
	// Whole tells, of a bucket, that all entries are about to leave, and that they
	// have left.
	Whole func(begins bool)
}

// A meter counts the memory of one structure against the budget.
type meter struct {
	budget *base.Budget
	bytes  int64
	over   bool   // the budget was exceeded once
	all    *int64 // of a bucket: what all of them have
}

func (m *meter) add(n int) {
	m.bytes += int64(n)
	if m.all != nil {
		*m.all += int64(n)
	}
	if !m.budget.Add(int64(n)) && n > 0 {
		m.over = true
	}
}

// release gives all of it back.
func (m *meter) release() { m.add(int(-m.bytes)) }
