package keyed

import (
	"maps"
	"slices"
	"unsafe"
)

// Buckets that are read in order
//
// Rows that wait for the watermark are put into the bucket of their time, and read
// when it comes: once, the earliest bucket first. Nobody looks at them in between. So
// it is known what is needed last, and no clock has to guess: when memory is short the
// buckets leave from the last one on, and never those that were brought for what comes
// next. In the store the rows of a time lie apart, by key group, so that to bring one
// bucket costs as much as to bring the next hundred, and as many come as fill a part of
// the memory that there is. Of a bucket that is out of memory next to nothing stays, for
// there may be one for each second of a day.

const (
	// Of the memory at which entries leave it, one orderAhead'th is for buckets that
	// come with the one that is asked for.
	orderAhead    = 16
	orderBytesMin = 256 << 10
	orderBytesMax = 8 << 20
	orderMax      = 1 << 14 // buckets
	// When memory is short more leaves than has to, one orderSlack'th of what is there.
	orderSlack = 4
)

// bucketBytes is what a bucket costs beside what it has: that of a Multi, and what is
// made with it.
const bucketBytes = int(unsafe.Sizeof(Multi{})) + 256

// remains is what is known of a bucket that has left memory.
type remains struct {
	wrote groupSet
	away  int    // entries, or rows, about
	seq   uint64 // of a Multi
}

// leave notes what remains of the bucket of a time.
func (b *byTime[T]) leave(t int64, r *remains) {
	if b.left == nil {
		b.left = map[int64]*remains{}
	}
	b.left[t] = r
	b.away += r.away
}

// comeBack returns what remains of the bucket of a time, which is one again; nil if it
// has not left.
func (b *byTime[T]) comeBack(t int64) *remains {
	r := b.left[t]
	if r != nil {
		delete(b.left, t)
		b.away -= r.away
	}
	return r
}

// trimLast lets the last buckets leave memory.
func (b *byTime[T]) trimLast(more int64) {
	enough := b.held - b.held/orderSlack
	for _, t := range slices.Backward(slices.Sorted(maps.Keys(b.of))) {
		if b.held <= enough && !b.shape.Memory.Short(b.held+more) {
			return
		}
		b.letGo(t)
	}
}

// letGo lets a bucket leave memory.
func (b *byTime[T]) letGo(t int64) {
	x := b.of[t]
	x.putOutRows()
	b.setCold(t)
	if len(b.left) == 0 || t < b.firstLeft {
		b.firstLeft = t
	}
	b.leave(t, x.remains())
	delete(b.of, t)
	if len(b.spare) == 0 && x.recycle() {
		b.spare = append(b.spare, x) // for the next one that does not stay
	} else {
		x.Close()
	}
}

// Settle is called when rows were added to the bucket of a time. It leaves memory again
// if it, or one before it, was out of memory, and there is no room for all of them.
func (b *byTime[T]) Settle(t int64) {
	if len(b.left) > 0 && t >= b.firstLeft && b.shape.Memory.Lacks(int64(b.away)*b.of[t].perRow()) {
		b.letGo(t)
	}
}

// lookInOrder is look for buckets that are read in order.
func (b *byTime[T]) lookInOrder(came int64) {
	aim := min(max(b.shape.Memory.Room()/orderAhead, orderBytesMin), orderBytesMax)
	switch {
	case came > 2*aim:
		b.ahead /= 2
	case came < aim/2:
		b.ahead = min(2*b.ahead+1, orderMax)
	}
	for _, t := range b.times {
		if b.left[t] != nil {
			b.firstLeft = t
			return
		}
	}
}

// perRow is about how much memory an entry takes.
func (t *Table) perRow() int64 { return int64(8*t.stride + 16) }

func (m *Multi) perRow() int64 { return m.Table.perRow() + int64(8*(rowHead+m.extra+m.fixed)) }

// putOutRows lets all entries leave memory, which the table keeps for others. What was
// frozen of them is written then.
func (t *Table) putOutRows() {
	t.putOutEach(t.putOut)
	t.ice = ice{}
}

func (m *Multi) putOutRows() {
	m.putOutEach(m.putOut)
	m.changed, m.compacted, m.ice = m.changed[:0], 0, ice{odd: m.ice.odd}
}

// remains and goOn implement bucket.
func (t *Table) remains() *remains { return &remains{wrote: t.wrote, away: t.cold.away} }

func (t *Table) goOn(r *remains) {
	t.wrote = r.wrote
	t.cold.on, t.cold.away = true, r.away
}

func (m *Multi) remains() *remains {
	r := m.Table.remains()
	r.seq = m.seq
	return r
}

func (m *Multi) goOn(r *remains) {
	m.Table.goOn(r)
	m.seq = r.seq
}
