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
package keyed

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Slot names an entry of a Table until it is deleted; None is no entry.
type Slot int32

// None is the slot of a key that is absent.
const None Slot = -1

// Keys are the keys of some rows of a batch, hashed.
type Keys struct {
	Cols []vec.Vector // flat
	Rows []int32      // positions; nil means all of N
	N    int          // rows in each column
	Hash []uint64     // by ordinal: of the i'th row that counts
	// unexported: canonical key words or bytes
}

// Len returns the number of keys.
func (k *Keys) Len() int {
	if k.Rows != nil {
		return len(k.Rows)
	}
	return k.N
}

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
}

// Prepare hashes the keys of the rows of a batch. The result is valid until the
// next Prepare on the same Keys.
func (k *Keys) Prepare(shape []types.Type, cols []vec.Vector, rows []int32, n int) { panic("keyed") }

// A Table maps keys to entries.
type Table struct{}

// Open makes the table and reads what the store has of it.
func Open(s state.Store, shape Shape) (*Table, error) { panic("keyed") }

// Find sets slots[i] to the slot of the i'th key, or None.
func (t *Table) Find(k *Keys, slots []Slot) { panic("keyed") }

// Upsert sets slots[i] to the slot of the i'th key, made with zero words if it
// was absent. The slots made are returned, in order; valid until the next call.
func (t *Table) Upsert(k *Keys, slots []Slot) (made []Slot) { panic("keyed") }

// Words returns an entry's words, to read and write; valid until the next Upsert.
func (t *Table) Words(s Slot) []uint64 { panic("keyed") }

// Slab returns the memory of the entries, for loops over many slots: the words of
// slot s begin at slab[s>>shift][(int(s)&mask)*stride]. Valid until the next Upsert.
func (t *Table) Slab() (slab [][]uint64, shift uint, mask, stride int) { panic("keyed") }

// Blob returns the bytes that word w refers to; nil if it was never set. Valid
// until the next SetBlob.
func (t *Table) Blob(s Slot, w int) []byte { panic("keyed") }

// SetBlob copies b and lets word w refer to it.
func (t *Table) SetBlob(s Slot, w int, b []byte) { panic("keyed") }

// Touch remembers that entries have changed since the last Snapshot. Upsert and
// Delete remember by themselves what they make and remove.
func (t *Table) Touch(slots ...Slot) { panic("keyed") }

// Delete removes an entry; its slot may be used again.
func (t *Table) Delete(s Slot) { panic("keyed") }

// Keys returns the key columns of the slots.
func (t *Table) Keys(slots []Slot) []vec.Vector { panic("keyed") }

// Len returns the number of entries, Each yields their slots in the order in which
// they were made (slots used again aside).
func (t *Table) Len() int { panic("keyed") }

// Each yields the live slots, ascending.
func (t *Table) Each(yield func(Slot) bool) { panic("keyed") }

// Snapshot writes what has changed to the store.
func (t *Table) Snapshot() error { panic("keyed") }

// Clear drops all entries at once, here and in the store.
func (t *Table) Clear() { panic("keyed") }

// A Ref names a row of a Multi; 0 is no row.
type Ref uint32

// A Multi keeps a list of rows under each key, in the order of arrival.
type Multi struct {
	Table // the keys; an entry's words are the Multi's own
}

// OpenMulti makes the table and reads what the store has of it.
func OpenMulti(s state.Store, shape Shape) (*Multi, error) { panic("keyed") }

// Add appends a row of a batch to the list of a slot.
func (m *Multi) Add(s Slot, cols []vec.Vector, row int) Ref { panic("keyed") }

// First and Next walk the list of a slot; Count is its length.
func (m *Multi) First(s Slot) Ref { panic("keyed") }

// Next returns the row after r, or 0.
func (m *Multi) Next(r Ref) Ref { panic("keyed") }

// Count is the number of rows of a slot.
func (m *Multi) Count(s Slot) int { panic("keyed") }

// Remove takes a row out of the list of a slot; a key without rows is deleted.
func (m *Multi) Remove(s Slot, r Ref) { panic("keyed") }

// FindRow returns a row of the slot that equals the row of the batch, the last
// one added, or 0.
func (m *Multi) FindRow(s Slot, cols []vec.Vector, row int) Ref { panic("keyed") }

// Extra returns the words kept with a row, to read and write; TouchRow remembers
// that they have changed.
func (m *Multi) Extra(r Ref) []uint64 { panic("keyed") }

// TouchRow remembers that a row's extra words have changed.
func (m *Multi) TouchRow(s Slot, r Ref) { panic("keyed") }

// Gather returns a column of the rows; NULL for Ref 0.
func (m *Multi) Gather(refs []Ref, col int) vec.Vector { panic("keyed") }

// DeleteKey removes a key with all of its rows.
func (m *Multi) DeleteKey(s Slot) { panic("keyed") }

// Buckets are Tables by time: a window's end, say.
type Buckets struct{}

// OpenBuckets makes the buckets and reads what the store has of them.
func OpenBuckets(s state.Store, shape Shape) (*Buckets, error) { panic("keyed") }

// At returns the table of a time, made if it does not exist; Get returns nil then.
func (b *Buckets) At(t int64) *Table { panic("keyed") }

// Get returns the table of a time, or nil.
func (b *Buckets) Get(t int64) *Table { panic("keyed") }

// Times returns the times that have a table, ascending.
func (b *Buckets) Times() []int64 { panic("keyed") }

// Drop removes a bucket whole.
func (b *Buckets) Drop(t int64) { panic("keyed") }

// Snapshot writes what has changed to the store.
func (b *Buckets) Snapshot() error { panic("keyed") }

// MultiBuckets are Multis by time.
type MultiBuckets struct{}

// OpenMultiBuckets makes the buckets and reads what the store has of them.
func OpenMultiBuckets(s state.Store, shape Shape) (*MultiBuckets, error) { panic("keyed") }

// At returns the Multi of a time, made if it does not exist.
func (b *MultiBuckets) At(t int64) *Multi { panic("keyed") }

// Get returns the Multi of a time, or nil.
func (b *MultiBuckets) Get(t int64) *Multi { panic("keyed") }

// Times returns the times that have rows, ascending.
func (b *MultiBuckets) Times() []int64 { panic("keyed") }

// Drop removes a bucket whole.
func (b *MultiBuckets) Drop(t int64) { panic("keyed") }

// Snapshot writes what has changed to the store.
func (b *MultiBuckets) Snapshot() error { panic("keyed") }
