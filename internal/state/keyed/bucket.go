package keyed

import (
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

// Buckets are Tables by time: a window's end, say.
type Buckets struct{ byTime[*Table] }

// OpenBuckets makes the buckets and reads what the store has of them, unless it can
// be read when it is asked for.
func OpenBuckets(s state.Store, shape Shape) (*Buckets, error) {
	describe(s, EntryBuckets, shape)
	b := &Buckets{}
	b.open(s, shape)
	b.make = func(t int64) *Table {
		x := newTable(b.disk, shape)
		b.adopt(x, t)
		return x
	}
	if shape.Evicts {
		return b, b.find()
	}
	x := b.make(0)
	defer x.Close()
	if err := x.load(b.At); err != nil {
		return nil, err
	}
	return b, nil
}

// MultiBuckets are Multis by time.
type MultiBuckets struct {
	byTime[*Multi]
	seq uint64 // that of rows which the store had
}

// OpenMultiBuckets makes the buckets and reads what the store has of them, unless it
// can be read when it is asked for.
func OpenMultiBuckets(s state.Store, shape Shape) (*MultiBuckets, error) {
	describe(s, ListBuckets, shape)
	b := &MultiBuckets{}
	b.rows = true
	b.open(s, shape)
	b.make = func(t int64) *Multi {
		x := newMulti(b.disk, shape)
		x.rows.mem = x.mem
		b.adopt(&x.Table, t)
		return x
	}
	seq, known := savedSeq(s, shape.Name)
	if b.seq = seq; shape.Evicts && (known || b.disk.Empty()) {
		err := b.find()
		for _, x := range b.of {
			x.seq = seq
		}
		for _, x := range b.left {
			x.seq = seq
		}
		return b, err
	}
	x := b.make(0)
	defer x.Close()
	if err := x.load(b.At); err != nil {
		return nil, err
	}
	return b, nil
}

// Snapshot writes what has changed to the store.
func (b *MultiBuckets) Snapshot() error {
	for _, x := range b.of {
		b.seq = max(b.seq, x.seq)
	}
	for _, x := range b.left {
		b.seq = max(b.seq, x.seq)
	}
	saveSeq(b.store, b.shape.Name, b.seq)
	return b.byTime.Snapshot()
}

// A bucket is a *Table or a *Multi.
type bucket interface {
	comparable
	Len() int
	Bytes() int64
	Snapshot() error
	Close()
	Trim()
	PutOutAll()
	// wipe removes all entries from the store, with what it has of earlier buckets if
	// this is the first.
	wipe(first bool)
	// recycle empties the table and keeps its memory, if it was used well.
	recycle() bool
	setTime(int64)
	// wasUsed reports whether somebody has looked for keys since it was asked last.
	wasUsed() bool
	// storedIn tells that the store has entries of a key group that are not in memory.
	storedIn(base.KeyGroup)
	// stores reports whether it may have some.
	stores(base.KeyGroup) bool
	// isCold reports whether the store may have what is not in memory; allHere tells that
	// it has not.
	isCold() bool
	allHere()
	// takeIn takes in what a loader has read.
	takeIn(*loader) error
	// remains is what is to be known of a bucket that has left memory; goOn makes a
	// bucket go on with it.
	remains() *remains
	goOn(*remains)
	putOutRows()
	perRow() int64
}

// Dropped tables are kept for the next buckets: windows come and go at one rate and have
// about one size. A batch may close many small ones, and the next one open as many.
const (
	spareMax      = 2
	spareSmallMax = 64
	spareSmall    = 64 << 10 // bytes: up to so many a table is a small one
)

// byTime is what Buckets and MultiBuckets have in common.
type byTime[T bucket] struct {
	make  func(t int64) T
	of    map[int64]T
	times []int64 // ascending
	spare []T
	err   error

	store state.Store
	disk  state.Table
	shape Shape
	rows  bool  // they are Multis
	held  int64 // the memory of all of them
	cold  map[int64]bool
	ahead int   // how many buckets come with one that is brought
	hand  int64 // the time of the bucket that was looked at last for what can leave

	loader loader // of Bring

	// Shape.InOrder:
	left      map[int64]*remains // the buckets that have left memory
	firstLeft int64              // no time in left is below it
	away      int                // the entries, or rows, of all of them, about
}

func (b *byTime[T]) open(s state.Store, shape Shape) {
	b.store, b.shape, b.disk = s, shape, s.Table(shape.Name)
	b.hand = math.MinInt64
}

// adopt makes a table one of the buckets.
func (b *byTime[T]) adopt(x *Table, at int64) {
	if b.shape.InOrder {
		x.mem.add(bucketBytes)
	}
	x.isBucket, x.time = true, at
	x.errs = &b.err
	b.held += x.mem.bytes
	x.mem.all = &b.held
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
	if r := b.comeBack(t); r != nil {
		x.goOn(r)
	} else {
		b.note(t)
	}
	return x
}

// note adds a time.
func (b *byTime[T]) note(t int64) {
	i, _ := slices.BinarySearch(b.times, t)
	b.times = slices.Insert(b.times, i, t)
}

// Get returns the table of a time, or nil; also for one that has left memory and is
// read in order (Shape.InOrder).
func (b *byTime[T]) Get(t int64) T { return b.of[t] }

// Times returns the times that have a table, empty ones too: what is never dropped
// stays. Ascending; the slice is the caller's.
func (b *byTime[T]) Times() []int64 { return slices.Clone(b.times) }

// First returns the first of the Times.
func (b *byTime[T]) First() (t int64, ok bool) {
	if len(b.times) == 0 {
		return 0, false
	}
	return b.times[0], true
}

// Has reports whether a time is one of the Times.
func (b *byTime[T]) Has(t int64) bool {
	_, ok := slices.BinarySearch(b.times, t)
	return ok
}

// Len returns the number of entries, or keys, of all buckets.
func (b *byTime[T]) Len() (n int) {
	for _, x := range b.of {
		n += x.Len()
	}
	return n
}

// Bytes returns the memory of all buckets, which their budget counts.
func (b *byTime[T]) Bytes() int64 { return b.held }

// Err returns the first error of the store, for the operator that reads it, or is
// returned by the next Snapshot.
func (b *byTime[T]) Err() error { return b.err }

// Drop removes a bucket whole.
func (b *byTime[T]) Drop(t int64) {
	i, ok := slices.BinarySearch(b.times, t)
	if !ok {
		return
	}
	x := b.At(t)
	x.wipe(i == 0)
	b.reuse(x)
	delete(b.of, t)
	delete(b.cold, t)
	if i == 0 { // as a rule
		b.times = b.times[1:]
	} else {
		b.times = slices.Delete(b.times, i, i+1)
	}
}

// reuse keeps a dropped bucket for the next one, or gives its memory back.
func (b *byTime[T]) reuse(x T) {
	if (len(b.spare) < spareMax || len(b.spare) < spareSmallMax && x.Bytes() <= spareSmall) && x.recycle() {
		b.spare = append(b.spare, x)
	} else {
		x.Close()
	}
}

// Snapshot writes what has changed to the store.
func (b *byTime[T]) Snapshot() error {
	for _, t := range b.times {
		x, ok := b.of[t]
		if !ok {
			continue
		}
		if err := x.Snapshot(); b.err == nil {
			b.err = err
		}
	}
	err := b.err
	b.err = nil
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
	b.of, b.left, b.times, b.spare = nil, nil, nil, nil
}

func (t *Table) takeErr() error {
	err := t.err
	t.err = nil
	return err
}

func (t *Table) setTime(at int64) { t.time = at }

// Sparse reports whether the table has had many more entries than it has.
func (t *Table) Sparse() bool { return t.index.cells() > 16*(t.n+segmentMin) }

func (t *Table) recycle() bool {
	// To clear a large table for each of many small buckets would cost more than
	// it saves.
	if t.mem.over || t.Sparse() {
		return false
	}
	t.index.recycle()
	t.arena.recycle()
	clear(t.live)
	clear(t.touched)
	clear(t.durable)
	t.wrote = nil
	t.next, t.freed, t.null, t.n, t.dirty = 0, None, None, 0, false
	t.cold, t.ice, t.brought = cold{}, ice{}, nil
	return true
}

func (m *Multi) recycle() bool {
	if !m.Table.recycle() {
		return false
	}
	m.rows.recycle()
	m.changed, m.compacted, m.long, m.ice, m.seq = m.changed[:0], 0, nil, ice{}, 0
	return true
}
