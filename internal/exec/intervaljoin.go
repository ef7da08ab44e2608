package exec

import (
	"math"

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
	mark  int64
	queue []intervalWork
}

// reach is where, seen from a row's time, matching rows of the other side lie.
type reach struct{ from, to int64 }

// intervalWork is something still to do: a batch to be matched with a bucket of the
// other side, rows to be put out alone, or a watermark to be forwarded.
type intervalWork struct {
	in     int
	batch  *vec.Batch
	bucket *keyed.Multi // to match with; nil: keep the rows of batch
	hits   []int32      // by ordinal, matches of the batch's rows so far
	begun  bool
	alone  []keyed.Ref // of bucket, of side in
	drop   int64       // then drop this bucket
	isDrop bool
	mark   int64
	isMark bool
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
		if j.rows[i], err = keyed.OpenMultiBuckets(ctx.State, j.sides[i].shape(name, ctx, 1)); err != nil {
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
	segments(b, func(part *vec.Batch, mark *vec.Mark) {
		if part.Len() > 0 {
			j.enqueue(in, part)
		}
		if mark != nil {
			j.expire(mark.Time)
		}
	})
	return j.Resume(out)
}

// enqueue plans the work for rows of one input: a probe of each bucket that their
// times reach, then keeping them.
func (j *IntervalJoin) enqueue(in int, b *vec.Batch) {
	times := vec.Flat(b.Cols[j.time(in)]).(*vec.Fixed[int64])
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range b.Len() {
		if r := b.Row(i); !times.Valid.Null(r) {
			lo, hi = min(lo, times.Vals[r]), max(hi, times.Vals[r])
		}
	}
	hits := make([]int32, b.Len())
	if lo <= hi {
		from, to := j.bucket(lo+j.reach[in].from), hi+j.reach[in].to
		for _, t := range j.rows[1-in].Times() {
			if t >= from && t <= to {
				j.queue = append(j.queue, intervalWork{in: in, batch: b, bucket: j.rows[1-in].Get(t), hits: hits})
			}
		}
	}
	j.queue = append(j.queue, intervalWork{in: in, batch: b, hits: hits})
}

// expire plans the end of the buckets that no later row can match.
func (j *IntervalJoin) expire(mark int64) {
	j.mark = max(j.mark, mark)
	for in := range 2 {
		for _, t := range j.rows[in].Times() {
			if last := satAdd(t+j.width-1, j.reach[in].to); last <= j.mark {
				j.queue = append(j.queue, intervalWork{in: in, isDrop: true, drop: t})
			}
		}
	}
	if mark != math.MaxInt64 {
		mark = satAdd(mark, -j.hold)
	}
	j.queue = append(j.queue, intervalWork{isMark: true, mark: mark})
}

// Watermark implements Operator.
func (j *IntervalJoin) Watermark(t int64, out Output) (bool, error) {
	j.expire(t)
	return j.Resume(out)
}

// Resume implements Operator.
func (j *IntervalJoin) Resume(out Output) (bool, error) {
	for range EmitBatchesMax {
		if len(j.queue) == 0 {
			return false, nil
		}
		w := &j.queue[0]
		done, err := true, error(nil)
		switch {
		case w.isMark:
			err = out.Watermark(w.mark)
		case w.isDrop:
			done, err = j.dropBucket(w, out)
		case w.bucket != nil:
			done, err = j.probe(w, out)
		default:
			err = j.keep(w, out)
		}
		if err != nil {
			return false, err
		}
		if done {
			j.queue[0] = intervalWork{}
			j.queue = j.queue[1:]
		}
	}
	return len(j.queue) > 0, nil
}

// probe matches a batch with one bucket, a piece at a time.
func (j *IntervalJoin) probe(w *intervalWork, out Output) (bool, error) {
	other := &j.sides[1-w.in]
	other.rows = w.bucket
	if !w.begun {
		w.begun = true
		j.match.start(w.batch, w.in == 0, &j.sides[w.in], other)
		j.match.times = &timeBound{own: j.time(w.in), other: j.time(1 - w.in), reach: j.reach[w.in]}
	}
	upto, err := j.match.more()
	if err != nil {
		return false, err
	}
	for i, r := range j.match.rows {
		w.hits[r]++
		w.bucket.Extra(j.match.refs[i])[0] = 1
		w.bucket.TouchRow(w.bucket.SlotOf(j.match.refs[i]), j.match.refs[i])
		j.pairs.add(vec.Insert, int32(w.batch.Row(int(r))), j.match.refs[i])
	}
	if j.pairs.len() > 0 {
		j.pairs.ownLeft = w.in == 0
		if err := out.Emit(j.pairs.batch(w.batch, j.sides[w.in].types, w.bucket, other.types)); err != nil {
			return false, err
		}
	}
	return upto >= len(w.hits), nil
}

// keep stores the rows of a batch that may still find a match. Rows of an outer
// side that cannot, and have none, come out alone at once.
func (j *IntervalJoin) keep(w *intervalWork, out Output) error {
	s := &j.sides[w.in]
	times := vec.Flat(w.batch.Cols[j.time(w.in)]).(*vec.Fixed[int64])
	var alone []int32
	byBucket := map[int64][]int32{}
	var order []int64
	for i := range w.batch.Len() {
		r := w.batch.Row(i)
		void := times.Valid.Null(r) || s.void(w.batch, r)
		if void || satAdd(times.Vals[r], j.reach[w.in].to) <= j.mark {
			if j.outer[w.in] && w.hits[i] == 0 {
				alone = append(alone, int32(r))
			}
			continue
		}
		t := j.bucket(times.Vals[r])
		if byBucket[t] == nil {
			order = append(order, t)
		}
		byBucket[t] = append(byBucket[t], int32(i))
	}
	for _, t := range order {
		j.store(w, t, byBucket[t])
	}
	if len(alone) == 0 {
		return nil
	}
	for _, r := range alone {
		j.pairs.add(vec.Insert, r, 0)
	}
	j.pairs.ownLeft = w.in == 0
	return out.Emit(j.pairs.batch(w.batch, s.types, nil, j.sides[1-w.in].types))
}

func (j *IntervalJoin) store(w *intervalWork, t int64, ordinals []int32) {
	s, b := &j.sides[w.in], w.batch
	m := j.rows[w.in].At(t)
	rows := make([]int32, len(ordinals))
	for k, i := range ordinals {
		rows[k] = int32(b.Row(int(i)))
	}
	part := &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: rows}
	var keys keyed.Keys
	s.prepare(&keys, part)
	slots := make([]keyed.Slot, len(rows))
	m.Upsert(&keys, slots)
	for k, i := range ordinals {
		r := m.Add(slots[k], b.Cols, int(rows[k]))
		if w.hits[i] > 0 {
			m.Extra(r)[0] = 1
		}
	}
}

// dropBucket puts out what an outer side has not matched, then drops the bucket.
func (j *IntervalJoin) dropBucket(w *intervalWork, out Output) (bool, error) {
	m := j.rows[w.in].Get(w.drop)
	if m == nil {
		return true, nil
	}
	if !w.begun && j.outer[w.in] {
		for slot := range m.Each {
			for r := m.First(slot); r != 0; r = m.Next(r) {
				if m.Extra(r)[0] == 0 {
					w.alone = append(w.alone, r)
				}
			}
		}
	}
	w.begun = true
	if n := min(len(w.alone), vec.BatchRowsMax); n > 0 {
		for _, r := range w.alone[:n] {
			j.pairs.add(vec.Insert, absent, r)
		}
		w.alone = w.alone[n:]
		j.pairs.ownLeft = w.in == 1
		if err := out.Emit(j.pairs.batch(&vec.Batch{}, j.sides[1-w.in].types, m, j.sides[w.in].types)); err != nil {
			return false, err
		}
	}
	if len(w.alone) > 0 {
		return false, nil
	}
	j.rows[w.in].Drop(w.drop)
	return true, nil
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
