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
	"github.com/millrace-io/millrace/internal/fsys"
)

// InFlight is the table of a task's first store that has the rows which the barrier of
// the snapshot has overtaken.
const InFlight = "in-flight"

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

	// Drain lets the tables that have put off writing (Table.Defer) write about n
	// entries of the last snapshot, and reports whether that has all of them now.
	// Before, it is not to be persisted, and there is no next one.
	Drain(n int) (done bool, err error)

	// Crowded reports whether so much waits to be written to files that a Drain with
	// something to do had better come later, which nobody tells: the task need not wait
	// for the storage, as long as there is memory for what waits behind the snapshot.
	Crowded() bool

	// Failed is the first error that reading a table has come to. An operator's tables
	// return theirs by the next Snapshot; who ends without one asks here.
	Failed() error

	// Size is about how many bytes the state has.
	Size() int64

	Close() error
}

// Times are the names of values that are event times, which mean nothing once a job
// has come to the end of time and is to go on after all.
var Times = []string{"watermark", "told"}

// A Table is one ordered map of a Store. Keys start with their key group, two
// bytes big-endian.
type Table interface {
	// Lookup calls found for the entries whose key begins with prefixes[i] and is
	// Suffix bytes longer, in the order of their keys, for every i in any order.
	// The bytes are valid only during the call.
	Lookup(prefixes [][]byte, found func(i int, key, val []byte) error) error

	// Suffix says how many bytes keys have behind what Lookup is asked for; 0
	// unless it is called. It is called before anything else.
	Suffix(n int)

	// Put sets a key, Delete removes one; the bytes are copied.
	Put(key, val []byte) error
	Delete(key []byte) error

	// Stale tells that n entries which were put before count no more, because they
	// were put again or lie in a range that was deleted.
	Stale(n int)

	// Expire tells when entries count no more: ends returns when one does by its value,
	// 0 for never, and now how late it is, both in one unit. What has ended may be left
	// out, together with older entries of the key, whenever files are written. Both are
	// called by any goroutine.
	Expire(ends func(val []byte) int64, now func() int64)

	// Defer puts off writing what has changed, so that a Snapshot takes no time:
	// after the next one, drain is called until it has nothing more, to write about n
	// entries by Late. Who defers writes, too, what was frozen before changing it.
	Defer(drain func(n int) (more bool))

	// Late is Put, for the last snapshot.
	Late(key, val []byte) error

	// LateRow is Late of a list's row, which is copied as it is and encoded when it is
	// needed: Rows says how, by any goroutine. Its key is what Under was told, and behind
	// it seq, in eight bytes big-endian, which is the Suffix of the table. It is not ok,
	// and nothing is written, if the number that Under returned counts no more.
	Rows(encode func(dst []byte, row []uint64) []byte)
	Under(key []byte) int
	LateRow(under int, seq uint64, row []uint64) (ok bool, err error)

	// DeleteRange removes all keys with from <= key < to.
	DeleteRange(from, to []byte) error

	// Scan yields the entries with from <= key < to, in key order; nil bounds are
	// the ends. The bytes are valid until the next step. Changes made during a
	// Scan are not seen by it. A file that cannot be read ends the Scan; Err says so.
	Scan(from, to []byte) iter.Seq2[[]byte, []byte]

	// Err returns the error that ended the last Scan.
	Err() error

	// Relieve is called between two batches of input, when memory is short: what was put
	// off goes on its way at once if much waits for it.
	Relieve()

	// Resident tells that the caller has all entries in memory and will not read
	// for now: what the store keeps for reading may go.
	Resident()

	// Empty reports whether there is certainly nothing to read.
	Empty() bool
}

// A Snapshot is a frozen Store on its way to checkpoint storage.
type Snapshot interface {
	// Persist makes the snapshot durable and returns the handle that restores
	// it. It uploads only what no earlier epoch has uploaded. It may run on
	// another goroutine than the store's, one Persist at a time, in the order of
	// the snapshots, also after the store was closed. Epochs may be given up after
	// Persist: the next snapshot then still counts their files as its own.
	Persist() (Handle, error)
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
	// Run is the number of the run that the file is a part of: neighbours with one
	// number, not 0, have ascending keys that do not overlap.
	Run int `json:",omitempty"`
	// Entries is how many it has; 0 if that is not known.
	Entries int `json:",omitempty"`
	// Ends is when about half of the entries count no more (Table.Expire), 0 if most
	// do not expire.
	Ends int64 `json:",omitempty"`
}

// Files are where a store puts its files and reads them: checkpoint storage, or a
// folder of the process for a job without checkpoints. All methods may be called
// from many goroutines.
type Files interface {
	Put(name string, data []byte) error
	Open(name string) (fsys.File, error)
	// Owner is part of the names of files: no other process that puts files in the same
	// place has the same.
	Owner() string
	// Drop tells that the store reads a file no longer that it has put or that a
	// handle named. One that no handle has named is deleted; others may be once no
	// checkpoint names them.
	Drop(name string, named bool)
}

// A Backend makes stores.
type Backend interface {
	// Open returns a store for the groups of r, filled from the handles' entries
	// that fall in r. Handles may overlap r in any way: that is how a job
	// restores at another parallelism. prefix starts the names of new files.
	//
	// Files are read when their entries are asked for. Damaged ones are errors
	// that are ErrCorrupt and name the file.
	Open(prefix string, r base.Range, from []Handle, files Files) (Store, error)
}
