package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// IntervalJoin joins rows of equal keys whose times are close:
//
//	right.time + lower <= left.time <= right.time + upper
//
// Each side keeps its rows in buckets by time, under the join key. A bucket is
// dropped whole when the watermark says that no row can come that would match any
// of its rows; on an outer side those that have not matched then come out alone.
// When memory is short buckets leave it: rows are added to keys that are out of
// memory without a look at them, and come back when the other side asks for them.
// What is put out may be older than the watermark by the interval, and by a bucket:
// so the watermark is held back by as much.
type IntervalJoin struct {
	Base
	spec  *jobgraph.IntervalJoin
	ctx   *Context
	width int64 // of a bucket
	hold  int64 // how far the watermark is held back
	reach [2]reach
	sides [2]side
	outer [2]bool
	rows  [2]*keyed.MultiBuckets
	match matcher
	pairs pairs
	keys  keyed.Keys
	slots []keyed.Slot
	mark  int64
	queue []*intervalWork
}

// reach is where, seen from a row's time, matching rows of the other side lie.
type reach struct{ from, to int64 }

// intervalWork is something still to do: rows of one input, a bucket to be dropped,
// or a watermark to be forwarded. What is there to match with is found out when the
// work begins: what came before it in a batch may have dropped buckets.
type intervalWork struct {
	what  intervalKind
	in    int
	begun bool

	batch  *vec.Batch
	times  *vec.Fixed[int64]
	probes []intervalProbe
	hits   []int32 // by position, matches so far; an outer input only

	drop  int64
	walk  *keyed.Walk // of an outer side: through the bucket
	alone []keyed.Ref // of the keys at hand: rows still to come out alone

	mark int64
}

type intervalKind uint8

const (
	intervalRows intervalKind = iota
	intervalDrop
	intervalMark
)

// intervalProbe is the rows whose times reach into a bucket of the other side.
type intervalProbe struct {
	bucket *keyed.Multi
	rows   []int32
}

// bucketsPerInterval is into how many buckets an interval is cut: more make expiry
// finer and probing slower.
const bucketsPerInterval = 4

// NewIntervalJoin returns the operator.
func NewIntervalJoin(spec *jobgraph.IntervalJoin) *IntervalJoin { return &IntervalJoin{spec: spec} }

// Open implements Operator.
func (j *IntervalJoin) Open(ctx *Context) error {
	s := j.spec
	j.ctx = ctx
	j.width = max((s.Upper-s.Lower)/bucketsPerInterval, 1000)
	j.reach = [2]reach{{-s.Upper, -s.Lower}, {s.Lower, s.Upper}}
	j.hold = max(s.Upper, -s.Lower, 0) + 2*j.width
	j.sides[0], j.sides[1] = newSide(s.LeftKeys, s.LeftTypes, nil), newSide(s.RightKeys, s.RightTypes, nil)
	j.outer[0], j.outer[1] = outer(s.JoinKind)
	var err error
	if err = j.match.compile(s.Cond, ctx.Env); err != nil {
		return err
	}
	for i, name := range [2]string{"left", "right"} {
		if j.rows[i], err = keyed.OpenMultiBuckets(ctx.State, ctx.evicting(j.sides[i].shape(name, ctx, 1))); err != nil {
			return err
		}
	}
	j.mark = restoredTime(ctx.State, "watermark")
	return nil
}

func (j *IntervalJoin) time(in int) int {
	if in == 0 {
		return j.spec.LeftTime
	}
	return j.spec.RightTime
}

func (j *IntervalJoin) bucket(t int64) int64 { return floorDiv(t, j.width) * j.width }

// Process implements Operator.
func (j *IntervalJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	if err := j.trim(); err != nil {
		return false, err
	}
	segments(b, func(part *vec.Batch, mark *vec.Mark) {
		if part.Len() > 0 {
			j.queue = append(j.queue, &intervalWork{what: intervalRows, in: in, batch: part})
		}
		if mark != nil {
			j.queue = append(j.queue, &intervalWork{what: intervalMark, mark: mark.Time})
		}
	})
	return j.Resume(out)
}

// trim lets buckets leave memory, between two batches.
func (j *IntervalJoin) trim() error {
	held := j.rows[0].Bytes() + j.rows[1].Bytes()
	for in, b := range j.rows {
		b.Trim(j.rows[1-in].Bytes())
	}
	return j.ctx.unfit(held, cmp.Or(j.rows[0].Err(), j.rows[1].Err()))
}

// Watermark implements Operator.
func (j *IntervalJoin) Watermark(t int64, out Output) (bool, error) {
	j.queue = append(j.queue, &intervalWork{what: intervalMark, mark: t})
	return j.Resume(out)
}

// Resume implements Operator.
func (j *IntervalJoin) Resume(out Output) (bool, error) {
	for sent := 0; len(j.queue) > 0; {
		w := j.queue[0]
		if j.pairs.len() > 0 {
			if sent == EmitBatchesMax {
				return true, nil
			}
			sent++
			if err := j.emit(w, out); err != nil {
				return false, err
			}
			continue
		}
		var done bool
		var err error
		switch w.what {
		case intervalRows:
			done, err = j.rowsOf(w)
		case intervalDrop:
			done, err = j.dropBucket(w)
		default:
			done, err = j.expire(w, out)
		}
		if err != nil {
			return false, err
		}
		if done && j.pairs.len() == 0 {
			j.queue = j.queue[1:]
		}
	}
	j.queue = nil
	return false, nil
}

// emit puts out a batch of pairs of the rows, or the bucket, at hand.
func (j *IntervalJoin) emit(w *intervalWork, out Output) error {
	if w.what == intervalDrop {
		j.pairs.ownLeft = w.in == 1
		m := j.rows[w.in].Get(w.drop)
		return out.Emit(j.pairs.batch(&vec.Batch{}, j.sides[1-w.in].types, m, j.sides[w.in].types))
	}
	j.pairs.ownLeft = w.in == 0
	return out.Emit(j.pairs.batch(w.batch, j.sides[w.in].types, j.sides[1-w.in].rows, j.sides[1-w.in].types))
}

// expire works off a watermark: first the buckets that no later row can match, then
// the mark itself.
func (j *IntervalJoin) expire(w *intervalWork, out Output) (bool, error) {
	if !w.begun {
		w.begun = true
		j.mark = max(j.mark, w.mark)
		var drops []*intervalWork
		for in := range 2 {
			for _, t := range j.rows[in].Times() {
				if satAdd(satAdd(t, j.width-1), j.reach[in].to) > j.mark {
					break
				}
				drops = append(drops, &intervalWork{what: intervalDrop, in: in, drop: t})
			}
		}
		j.queue = append(drops, j.queue...)
		return false, nil
	}
	mark := w.mark
	if mark != math.MaxInt64 {
		mark = satAdd(mark, -j.hold)
	}
	return true, out.Watermark(mark)
}

// rowsOf does the next step for rows of an input: finds what their times reach, or
// matches a piece of that; then keeps them.
func (j *IntervalJoin) rowsOf(w *intervalWork) (bool, error) {
	if !w.begun {
		w.begun = true
		j.reachOf(w)
	}
	if len(w.probes) == 0 {
		if w.batch != nil && w.times != nil {
			j.keep(w)
			w.times = nil
		}
		return true, nil
	}
	p := &w.probes[0]
	other := &j.sides[1-w.in]
	if p.rows != nil {
		other.rows = p.bucket
		part := &vec.Batch{Cols: w.batch.Cols, Rows: w.batch.Rows, Sel: p.rows}
		j.match.start(part, w.in == 0, &j.sides[w.in], other)
		j.match.times = &timeBound{own: j.time(w.in), other: j.time(1 - w.in), reach: j.reach[w.in]}
		p.rows = nil
	}
	upto, err := j.match.more()
	if err != nil {
		return false, err
	}
	for i, r := range j.match.rows {
		row := int32(j.match.batch.Row(int(r)))
		if j.outer[w.in] {
			w.hits[row]++
		}
		if j.outer[1-w.in] {
			j.flag(p.bucket, j.match.refs[i])
		}
		j.pairs.add(vec.Insert, row, j.match.refs[i])
	}
	if upto >= len(j.match.slots) {
		w.probes = w.probes[1:]
	}
	return false, nil
}

// flag notes that a row has matched.
func (j *IntervalJoin) flag(m *keyed.Multi, r keyed.Ref) {
	if x := m.Extra(r); x[0] == 0 {
		x[0] = 1
		m.TouchRow(m.SlotOf(r), r)
	}
}

// reachOf finds, for each bucket of the other side, the rows that reach into it.
func (j *IntervalJoin) reachOf(w *intervalWork) {
	w.times = rowtimes(w.batch.Cols[j.time(w.in)])
	if j.outer[w.in] {
		w.hits = make([]int32, w.batch.Rows)
	}
	buckets := j.rows[1-w.in].Times()
	if len(buckets) == 0 {
		return
	}
	reach := j.reach[w.in]
	buckets = within(buckets, j.bucket, w, reach)
	rows := make([][]int32, len(buckets))
	for i := range w.batch.Len() {
		r := w.batch.Row(i)
		if w.times.Valid.Null(r) {
			continue
		}
		t := w.times.Vals[r]
		from, to := satAdd(t, reach.from), satAdd(t, reach.to)
		k, _ := slices.BinarySearch(buckets, j.bucket(from))
		for ; k < len(buckets) && buckets[k] <= to; k++ {
			rows[k] = append(rows[k], int32(r))
		}
	}
	for k, part := range rows {
		if len(part) > 0 {
			w.probes = append(w.probes, intervalProbe{bucket: j.rows[1-w.in].Get(buckets[k]), rows: part})
		}
	}
}

// within cuts a list of buckets to those that some row of a batch may reach.
func within(buckets []int64, bucket func(int64) int64, w *intervalWork, reach reach) []int64 {
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range w.batch.Len() {
		if r := w.batch.Row(i); !w.times.Valid.Null(r) {
			low, high = min(low, w.times.Vals[r]), max(high, w.times.Vals[r])
		}
	}
	if low > high {
		return nil
	}
	from, _ := slices.BinarySearch(buckets, bucket(satAdd(low, reach.from)))
	to, found := slices.BinarySearch(buckets, satAdd(high, reach.to))
	if found {
		to++
	}
	return buckets[from:max(from, to)]
}

// keep stores the rows of a batch that may still find a match. Rows of an outer
// side that cannot, and have none, come out alone at once.
func (j *IntervalJoin) keep(w *intervalWork) {
	s, b := &j.sides[w.in], w.batch
	rows := make([]int32, 0, b.Len())
	void := s.anyVoid(b)
	for i := range b.Len() {
		r := b.Row(i)
		null := w.times.Valid.Null(r)
		if !null && satAdd(w.times.Vals[r], j.reach[w.in].to) > j.mark && !(void && s.void(b, r)) {
			rows = append(rows, int32(r))
			continue
		}
		if j.outer[w.in] && w.hits[r] == 0 {
			j.pairs.add(vec.Insert, int32(r), 0)
		}
	}
	byBucket(w.times, rows, j.width, func(t int64, part []int32) {
		m := j.rows[w.in].At(t)
		s.prepare(&j.keys, &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: part})
		j.slots = grow(j.slots, len(part))
		m.Append(&j.keys, j.slots)
		if !j.outer[w.in] {
			m.AddRows(j.slots, b.Cols, part, nil)
			return
		}
		for k, r := range part {
			if ref := m.Add(j.slots[k], b.Cols, int(r)); w.hits[r] > 0 {
				m.Extra(ref)[0] = 1
			}
		}
	})
	j.sides[1-w.in].rows = nil // of what comes out now, the other side is NULL
}

// dropBucket puts out what an outer side has not matched, then drops the bucket.
func (j *IntervalJoin) dropBucket(w *intervalWork) (bool, error) {
	rows := j.rows[w.in]
	m := rows.Get(w.drop)
	if m == nil {
		return true, nil
	}
	if !w.begun && j.outer[w.in] {
		w.walk = rows.Walk(w.drop, !rows.WholeAt(w.drop))
	}
	w.begun = true
	for len(w.alone) == 0 && w.walk != nil {
		slots, more, err := w.walk.Next()
		if err != nil {
			return false, err
		}
		if !more {
			w.walk = nil
		}
		w.alone = unmatched(m, slots)
	}
	if n := min(len(w.alone), vec.BatchRowsMax); n > 0 {
		for _, r := range w.alone[:n] {
			j.pairs.add(vec.Insert, absent, r)
		}
		w.alone = w.alone[n:]
		return false, nil
	}
	rows.Drop(w.drop)
	return true, nil
}

// unmatched returns the rows of keys that have not matched.
func unmatched(m *keyed.Multi, slots []keyed.Slot) (out []keyed.Ref) {
	for _, slot := range slots {
		for r := m.First(slot); r != 0; r = m.Next(r) {
			if m.Extra(r)[0] == 0 {
				out = append(out, r)
			}
		}
	}
	return out
}

// Snapshot implements Operator.
func (j *IntervalJoin) Snapshot(base.Epoch) error {
	saveTime(j.ctx.State, "watermark", j.mark)
	for _, r := range j.rows {
		if err := r.Snapshot(); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Operator.
func (j *IntervalJoin) Close() error {
	for _, r := range j.rows {
		if r != nil {
			r.Close()
		}
	}
	return nil
}
