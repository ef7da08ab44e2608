// Package state keeps what operators must remember, so that it survives them.
//
// All state is one ordered map from bytes to bytes, sharded by key group.
// Values, lists, maps, window contents and timers are key encodings on top of
// it (package keyed). An operator works on its own typed structures and touches
// the map once a key and epoch: it reads a key when it first meets it and writes
// it back when the epoch ends. That write-back set is the incremental checkpoint.
package state

import (
	"iter"

	"github.com/millrace-io/millrace/internal/base"
)

// A Store holds the state of one operator in one subtask: the key groups of one
// base.Range, and what is not keyed. It is used by one goroutine, save where a
// method says otherwise.
type Store interface {
	// Range is the key groups that this store owns.
	Range() base.Range

	// Table returns the table of that name, made empty if it does not exist.
	Table(name string) Table

	// Value and SetValue keep what belongs to the subtask and not to a key (a
	// watermark). After a restore Values returns what the former subtasks had,
	// in the order of their numbers; all of them if the parallelism has changed.
	// Who gets several sets one before the next Snapshot, which keeps none of them.
	Values(name string) [][]byte
	SetValue(name string, val []byte)

	// Snapshot freezes what has changed since the last one and returns at once.
	// The store may be written on while the snapshot is made durable.
	Snapshot(e base.Epoch) (Snapshot, error)

	// Size is about how many bytes the state has.
	Size() int64

	Close() error
}

// A Table is one ordered map of a Store. Keys start with their key group, two
// bytes big-endian.
type Table interface {
	// Get looks up every key and calls found for those present, in any order.
	// The value is valid only during the call.
	Get(keys [][]byte, found func(i int, val []byte)) error

	// Put sets a key, Delete removes one; the bytes are copied.
	Put(key, val []byte) error
	Delete(key []byte) error

	// DeleteRange removes all keys with from <= key < to.
	DeleteRange(from, to []byte) error

	// Scan yields the entries with from <= key < to, in key order; nil bounds are
	// the ends. The bytes are valid until the next step. Changes made during a
	// Scan are not seen by it.
	Scan(from, to []byte) iter.Seq2[[]byte, []byte]

	// WriteOnly tells that the caller has read what it wants, keeps all of it
	// itself and will never call Get or Scan again: the store may forget whatever
	// it need not write any more.
	WriteOnly()
}

// A Snapshot is a frozen Store on its way to checkpoint storage.
type Snapshot interface {
	// Persist makes the snapshot durable and returns the handle that restores
	// it. It uploads only what no earlier epoch has uploaded. It may run on
	// another goroutine than the store's, one Persist at a time, in the order of
	// the snapshots. Epochs may be given up after Persist: the next snapshot then
	// still counts their files as its own.
	Persist(put func(name string, data []byte) error) (Handle, error)
}

// A Handle names the immutable files that hold one operator subtask's state at
// an epoch.
type Handle struct {
	Range  base.Range
	Files  []File            // oldest first; a later file's entries replace an earlier's
	Values map[string][]byte `json:",omitempty"`
	Bytes  int64             // of state, about
}

// A File is one immutable file of a Handle.
type File struct {
	Name  string
	Bytes int64
	Sum   uint64 // xxh3 of the contents
	// Range is the key groups for which the file counts in this handle, within
	// the handle's own; the zero Range means all of those. A file that was
	// inherited from another parallelism has groups that were written elsewhere
	// since.
	Range base.Range `json:",omitzero"`
}

// A Backend makes stores.
type Backend interface {
	// Open returns a store for the groups of r, filled from the handles' entries
	// that fall in r. Handles may overlap r in any way: that is how a job
	// restores at another parallelism. prefix starts the names of new files.
	//
	// get reads a file whole. It must work as long as the store lives, also from
	// the goroutine of Persist, for files of the handles and for those that
	// Persist has put: old files are merged there. A nil get turns that off.
	// Damaged files are errors that are ErrCorrupt and name the file.
	Open(prefix string, r base.Range, from []Handle, get func(name string) ([]byte, error)) (Store, error)
}
