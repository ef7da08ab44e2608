package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// TemporalJoin joins each left row with the version of the right row of its key
// that was valid at the left row's event time.
//
// Left rows wait in buckets by time until the watermark passes them; right changes
// are kept under the key with their time and kind. When the watermark passes, the
// rows of each bucket that are due come out, each with the version whose time is
// the greatest that is not above the row's; a deletion is a version without a row.
// Versions that a later one has replaced before the watermark are dropped.
type TemporalJoin struct {
	Base
	spec   *jobgraph.TemporalJoin
	ctx    *Context
	cond   *expr.Program
	sides  [2]side
	left   *keyed.MultiBuckets
	right  *keyed.Multi
	keys   keyed.Keys
	slots  []keyed.Slot
	mark   int64
	forgot int64 // the watermark of the last forget
	seq    uint64
	feed   feed
}

// temporalBucket is the width of the left rows' buckets, in microseconds.
const temporalBucket = 1_000_000

// The words kept with a row: of a left row its order of arrival, of a right one its
// kind.
const temporalExtra = 1

// NewTemporalJoin returns the operator.
func NewTemporalJoin(spec *jobgraph.TemporalJoin) *TemporalJoin { return &TemporalJoin{spec: spec} }

// Open implements Operator.
func (j *TemporalJoin) Open(ctx *Context) error {
	s := j.spec
	j.ctx = ctx
	j.sides[0], j.sides[1] = newSide(s.LeftKeys, s.LeftTypes, nil), newSide(s.RightKeys, s.RightTypes, nil)
	var err error
	if j.cond, err = compileCond(s.Cond, ctx.Env); err != nil {
		return err
	}
	if j.left, err = keyed.OpenMultiBuckets(ctx.State, j.sides[0].shape("left", ctx, temporalExtra)); err != nil {
		return err
	}
	if j.right, err = keyed.OpenMulti(ctx.State, j.sides[1].shape("right", ctx, temporalExtra)); err != nil {
		return err
	}
	j.mark = restoredTime(ctx.State, "watermark")
	for _, t := range j.left.Times() {
		m := j.left.Get(t)
		for slot := range m.Each {
			for r := m.First(slot); r != 0; r = m.Next(r) {
				j.seq = max(j.seq, m.Extra(r)[0])
			}
		}
	}
	return nil
}

// Process implements Operator.
func (j *TemporalJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	segments(b, func(part *vec.Batch, mark *vec.Mark) {
		if part.Len() > 0 {
			j.keep(in, part)
		}
		if mark != nil {
			j.advance(mark.Time)
		}
	})
	j.forget()
	return j.feed.drain(out)
}

func (j *TemporalJoin) keep(in int, b *vec.Batch) {
	s := &j.sides[in]
	s.prepare(&j.keys, b)
	if in == 1 {
		for i := range b.Len() {
			row := b.Row(i)
			if kind := b.Kind(row); kind != vec.UpdateBefore && !s.void(b, row) {
				r := j.right.Add(j.right.SlotOne(&j.keys, i, true), b.Cols, row)
				j.right.Extra(r)[0] = uint64(kind)
			}
		}
		return
	}
	times := vec.Flat(b.Cols[j.spec.LeftTime]).(*vec.Fixed[int64])
	for i := range b.Len() {
		row := b.Row(i)
		m := j.left.At(floorDiv(times.Vals[row], temporalBucket) * temporalBucket)
		r := m.Add(m.SlotOne(&j.keys, i, true), b.Cols, row)
		j.seq++
		m.Extra(r)[0] = j.seq
	}
}

// Watermark implements Operator.
func (j *TemporalJoin) Watermark(t int64, out Output) (bool, error) {
	j.advance(t)
	j.forget()
	return j.feed.drain(out)
}

// Resume implements Operator.
func (j *TemporalJoin) Resume(out Output) (bool, error) { return j.feed.drain(out) }

// due is a left row whose time has come, with its version.
type due struct {
	time    int64
	seq     uint64
	ref     keyed.Ref
	slot    keyed.Slot
	version keyed.Ref // 0: none
}

// advance puts out the left rows up to the watermark.
func (j *TemporalJoin) advance(mark int64) {
	j.mark = max(j.mark, mark)
	for _, t := range j.left.Times() {
		if t <= j.mark {
			j.fire(t)
		}
	}
	j.feed.watermark(mark)
}

func (j *TemporalJoin) fire(t int64) {
	m := j.left.Get(t)
	var ready []due
	for slot := range m.Each {
		for r := m.First(slot); r != 0; r = m.Next(r) {
			if at := m.Gather([]keyed.Ref{r}, j.spec.LeftTime).(*vec.Fixed[int64]).Vals[0]; at <= j.mark {
				ready = append(ready, due{time: at, seq: m.Extra(r)[0], ref: r, slot: slot})
			}
		}
	}
	slices.SortFunc(ready, func(a, b due) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq))
	})
	j.versions(m, ready)
	for from := 0; from < len(ready); from += vec.BatchRowsMax {
		if b := j.join(m, ready[from:min(from+vec.BatchRowsMax, len(ready))]); b != nil {
			j.feed.batch(b)
		}
	}
	if t+temporalBucket-1 <= j.mark {
		j.left.Drop(t)
		return
	}
	for _, d := range ready {
		m.Remove(d.slot, d.ref)
	}
}

// versions finds the right row of each due row.
func (j *TemporalJoin) versions(m *keyed.Multi, ready []due) {
	refs := make([]keyed.Ref, len(ready))
	for i, d := range ready {
		refs[i] = d.ref
	}
	cols := make([]vec.Vector, len(j.sides[0].types))
	for _, k := range j.sides[0].keys {
		cols[k] = m.Gather(refs, k)
	}
	b := &vec.Batch{Cols: cols, Rows: len(ready)}
	j.sides[0].prepare(&j.keys, b)
	slots := make([]keyed.Slot, len(ready))
	j.right.Find(&j.keys, slots)
	for i := range ready {
		if slots[i] == keyed.None || j.sides[0].void(b, i) {
			continue
		}
		best := int64(math.MinInt64)
		for r := j.right.First(slots[i]); r != 0; r = j.right.Next(r) {
			if at := j.rightTime(r); at <= ready[i].time && at >= best {
				best, ready[i].version = at, r
			}
		}
		if v := ready[i].version; v != 0 && vec.RowKind(j.right.Extra(v)[0]) == vec.Delete {
			ready[i].version = 0
		}
	}
}

func (j *TemporalJoin) rightTime(r keyed.Ref) int64 {
	return j.right.Gather([]keyed.Ref{r}, j.spec.RightTime).(*vec.Fixed[int64]).Vals[0]
}

// join makes the output of some due rows, or nil.
func (j *TemporalJoin) join(m *keyed.Multi, ready []due) *vec.Batch {
	left, right := make([]keyed.Ref, len(ready)), make([]keyed.Ref, len(ready))
	for i, d := range ready {
		left[i], right[i] = d.ref, d.version
	}
	cols := append(gather(m, left, j.sides[0].types), gather(j.right, right, j.sides[1].types)...)
	b := &vec.Batch{Cols: cols, Rows: len(ready)}
	keep := make([]bool, len(ready))
	if j.cond != nil {
		sel, err := j.cond.Filter(cols, everyRow(b.Rows), b.Rows)
		if err != nil {
			j.feed.batches(func() (*vec.Batch, error) { return nil, err })
			return nil
		}
		for _, s := range sel {
			keep[s] = right[s] != 0
		}
	} else {
		for i := range keep {
			keep[i] = right[i] != 0
		}
	}
	if !slices.Contains(keep, false) {
		return b
	}
	if j.spec.JoinKind == jobgraph.Left {
		for i, k := range keep {
			if !k {
				right[i] = 0
			}
		}
		b.Cols = append(cols[:len(j.sides[0].types):len(j.sides[0].types)], gather(j.right, right, j.sides[1].types)...)
		return b
	}
	b.Sel = []int32{}
	for i, k := range keep {
		if k {
			b.Sel = append(b.Sel, int32(i))
		}
	}
	return b
}

// everyRow returns the positions of n rows.
func everyRow(n int) []int32 {
	return (&idents{}).upTo(n)
}

// forget drops versions that no left row can see any more: of each key those
// before the last one at or below the watermark.
func (j *TemporalJoin) forget() {
	if j.mark == j.forgot {
		return
	}
	j.forgot = j.mark
	var slots []keyed.Slot
	for slot := range j.right.Each {
		if j.right.Count(slot) > 1 {
			slots = append(slots, slot)
		}
	}
	for _, slot := range slots {
		last, at := keyed.Ref(0), int64(math.MinInt64)
		for r := j.right.First(slot); r != 0; r = j.right.Next(r) {
			if t := j.rightTime(r); t <= j.mark && t >= at {
				last, at = r, t
			}
		}
		for r := j.right.First(slot); r != 0 && last != 0; {
			next := j.right.Next(r)
			if t := j.rightTime(r); r != last && t <= at {
				j.right.Remove(slot, r)
			}
			r = next
		}
	}
}

// Snapshot implements Operator.
func (j *TemporalJoin) Snapshot(base.Epoch) error {
	saveTime(j.ctx.State, "watermark", j.mark)
	if err := j.left.Snapshot(); err != nil {
		return err
	}
	return j.right.Snapshot()
}
