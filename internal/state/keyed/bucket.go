package keyed

import (
	"slices"

	"github.com/millrace-io/millrace/internal/state"
)

// Buckets are Tables by time: a window's end, say.
type Buckets struct{ byTime[*Table] }

// OpenBuckets makes the buckets and reads what the store has of them.
func OpenBuckets(s state.Store, shape Shape) (*Buckets, error) {
	describe(s, EntryBuckets, shape)
	b := &Buckets{}
	disk := s.Table(shape.Name)
	b.make = func(t int64) *Table {
		x := newTable(disk, shape)
		x.isBucket, x.time = true, t
		return x
	}
	x := b.make(0)
	defer x.Close()
	if err := x.load(b.At); err != nil {
		return nil, err
	}
	return b, nil
}

// MultiBuckets are Multis by time.
type MultiBuckets struct{ byTime[*Multi] }

// OpenMultiBuckets makes the buckets and reads what the store has of them.
func OpenMultiBuckets(s state.Store, shape Shape) (*MultiBuckets, error) {
	describe(s, ListBuckets, shape)
	b := &MultiBuckets{}
	disk := s.Table(shape.Name)
	b.make = func(t int64) *Multi {
		x := newMulti(disk, shape)
		x.isBucket, x.time = true, t
		return x
	}
	x := b.make(0)
	defer x.Close()
	if err := x.load(b.At); err != nil {
		return nil, err
	}
	return b, nil
}

// A bucket is a *Table or a *Multi.
type bucket interface {
	comparable
	Len() int
	Bytes() int64
	Snapshot() error
	Close()
	wipe()
	takeErr() error
	// recycle empties the table and keeps its memory, if it was used well.
	recycle() bool
	setTime(int64)
}

// spareMax is how many dropped tables are kept for the next buckets: windows come
// and go at one rate and have about one size.
const spareMax = 2

// byTime is what Buckets and MultiBuckets have in common.
type byTime[T bucket] struct {
	make  func(t int64) T
	of    map[int64]T
	times []int64 // ascending
	spare []T
	err   error
}

// At returns the table of a time, made if it does not exist.
func (b *byTime[T]) At(t int64) T {
	if x, ok := b.of[t]; ok {
		return x
	}
	if b.of == nil {
		b.of = map[int64]T{}
	}
	var x T
	if n := len(b.spare); n > 0 {
		x, b.spare = b.spare[n-1], b.spare[:n-1]
		x.setTime(t)
	} else {
		x = b.make(t)
	}
	b.of[t] = x
	i, _ := slices.BinarySearch(b.times, t)
	b.times = slices.Insert(b.times, i, t)
	return x
}

// Get returns the table of a time, or nil.
func (b *byTime[T]) Get(t int64) T { return b.of[t] }

// Times returns the times that have a table, empty ones too: what is never dropped
// stays. Ascending; the slice is the caller's.
func (b *byTime[T]) Times() []int64 { return slices.Clone(b.times) }

// Len returns the number of entries, or keys, of all buckets.
func (b *byTime[T]) Len() (n int) {
	for _, x := range b.of {
		n += x.Len()
	}
	return n
}

// Bytes returns the memory of all buckets, which their budget counts.
func (b *byTime[T]) Bytes() (n int64) {
	for _, x := range b.of {
		n += x.Bytes()
	}
	for _, x := range b.spare {
		n += x.Bytes()
	}
	return n
}

// Drop removes a bucket whole.
func (b *byTime[T]) Drop(t int64) {
	x, ok := b.of[t]
	if !ok {
		return
	}
	x.wipe()
	if err := x.takeErr(); b.err == nil {
		b.err = err
	}
	if len(b.spare) < spareMax && x.recycle() {
		b.spare = append(b.spare, x)
	} else {
		x.Close()
	}
	delete(b.of, t)
	i, _ := slices.BinarySearch(b.times, t)
	if i == 0 { // as a rule
		b.times = b.times[1:]
	} else {
		b.times = slices.Delete(b.times, i, i+1)
	}
}

// Snapshot writes what has changed to the store.
func (b *byTime[T]) Snapshot() error {
	err := b.err
	b.err = nil
	for _, t := range b.times {
		if e := b.of[t].Snapshot(); err == nil {
			err = e
		}
	}
	return err
}

// Close gives the memory back to the budget. The store keeps what it has.
func (b *byTime[T]) Close() {
	for _, x := range b.of {
		x.Close()
	}
	for _, x := range b.spare {
		x.Close()
	}
	b.of, b.times, b.spare = nil, nil, nil
}

func (t *Table) takeErr() error {
	err := t.err
	t.err = nil
	return err
}

func (t *Table) setTime(at int64) { t.time = at }

func (t *Table) recycle() bool {
	// To clear a large table for each of many small buckets would cost more than
	// it saves.
	if t.mem.over || t.index.cells() > 16*(t.n+segmentMin) {
		return false
	}
	t.index.recycle()
	t.arena.recycle()
	clear(t.live)
	clear(t.touched)
	clear(t.durable)
	t.wrote = nil
	t.next, t.freed, t.null, t.n, t.dirty = 0, None, None, 0, false
	return true
}

func (m *Multi) recycle() bool {
	if !m.Table.recycle() {
		return false
	}
	m.rows.recycle()
	m.changed, m.long = m.changed[:0], nil
	return true
}
