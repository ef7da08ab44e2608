package exec

import (
	"maps"
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
//
// Of the marks in a batch only the last is acted on: those before it would put the
// same rows out a little sooner. A late left row meets the versions that are still there and comes out with the
// next watermark, as in Flink.
type TemporalJoin struct {
	Base
	spec  *jobgraph.TemporalJoin
	ctx   *Context
	cond  *expr.Program
	sides [2]side
	left  *keyed.MultiBuckets
	right *keyed.Multi
	keys  keyed.Keys
	slots []keyed.Slot
	stale map[keyed.Slot]bool // keys with versions that will be dropped; they stay in memory
	later *keySet             // the same in the checkpoint
	mark  int64
	clean int64 // the watermark of the last forget
	seq   uint64
	ident idents
	feed  feed
}

// temporalBucket is the width of the left rows' buckets, in microseconds.
const temporalBucket = 1_000_000

// The words kept with a row: of a left one waitTime, waitSeq and its kind, of a
// right one its time and kind.
const (
	leftKind = waitWords
	leftWord = waitWords + 1

	rightTime  = 0
	rightKind  = 1
	rightWords = 2
)

// NewTemporalJoin returns the operator.
func NewTemporalJoin(spec *jobgraph.TemporalJoin) *TemporalJoin { return &TemporalJoin{spec: spec} }

// Open implements Operator.
func (j *TemporalJoin) Open(ctx *Context) error {
	s := j.spec
	j.ctx, j.stale = ctx, map[keyed.Slot]bool{}
	// The rows and versions of one key meet in one place, and no condition looks at the
	// key again: a NULL has the versions of NULL, as in Flink.
	nulls := slices.Repeat([]bool{true}, len(s.LeftKeys))
	j.sides[0], j.sides[1] = newSide(s.LeftKeys, s.LeftTypes, nulls), newSide(s.RightKeys, s.RightTypes, nulls)
	var err error
	if j.cond, err = compileCond(s.Cond, ctx.Env); err != nil {
		return err
	}
	left := ctx.evicting(j.sides[0].shape("left", ctx, leftWord))
	left.InOrder = true
	if j.left, err = keyed.OpenMultiBuckets(ctx.State, left); err != nil {
		return err
	}
	if j.right, err = keyed.OpenMulti(ctx.State, ctx.evicting(j.sides[1].shape("right", ctx, rightWords))); err != nil {
		return err
	}
	if j.later, err = openKeySet(ctx, "stale", j.right, j.sides[1].keyTs); err != nil {
		return err
	}
	j.mark = restoredTime(ctx.State, "watermark")
	j.clean = j.mark
	j.seq = lastWaiting(ctx, j.left)
	for _, slot := range append(j.later.restored(), slices.Collect(j.right.Each)...) {
		j.noteStale(slot)
	}
	j.right.Follow(keyed.Follower{Leaves: func(s keyed.Slot) bool { return !j.stale[s] }})
	return nil
}

// Process implements Operator.
func (j *TemporalJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	j.right.Trim()
	err := trimWaiting(j.ctx, j.left)
	if b.Len() > 0 {
		j.keep(in, b)
	}
	if m, ok := lastMark(b); ok && err == nil {
		j.advance(m)
	}
	if err == nil {
		err = j.right.Err()
	}
	if err != nil {
		return false, err
	}
	return j.feed.drain(out)
}

// keep keeps rows of an input. Right rows that no left row can match are left out,
// and so is -U: the +U behind it says all.
func (j *TemporalJoin) keep(in int, b *vec.Batch) {
	s := &j.sides[in]
	rows := j.ident.positions(b)
	if in == 0 {
		times := rowtimes(b.Cols[j.spec.LeftTime])
		byBucket(times, rows, temporalBucket, func(t int64, part []int32) {
			m := j.left.At(t)
			for i, r := range j.add(s, m, b, part) {
				j.seq++
				x := m.Extra(r)
				x[waitTime], x[waitSeq], x[leftKind] = uint64(timeAt(times, part[i])), j.seq, uint64(b.Kind(int(part[i])))
			}
			j.left.Settle(t)
		})
		return
	}
	times := rowtimes(b.Cols[j.spec.RightTime])
	if b.Kinds != nil {
		kept := make([]int32, 0, len(rows))
		for _, r := range rows {
			if b.Kind(int(r)) != vec.UpdateBefore {
				kept = append(kept, r)
			}
		}
		if rows = kept; len(rows) == 0 {
			return
		}
	}
	for i, r := range j.add(s, j.right, b, rows) {
		x := j.right.Extra(r)
		x[rightTime], x[rightKind] = uint64(timeAt(times, rows[i])), uint64(b.Kind(int(rows[i])))
		j.noteStale(j.slots[i])
	}
}

func (j *TemporalJoin) add(s *side, m *keyed.Multi, b *vec.Batch, rows []int32) []keyed.Ref {
	s.prepare(&j.keys, &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: rows})
	j.slots = grow(j.slots, len(rows))
	if m == j.right {
		m.Upsert(&j.keys, j.slots)
	} else {
		m.Append(&j.keys, j.slots)
	}
	refs := make([]keyed.Ref, len(rows))
	m.AddRows(j.slots, b.Cols, rows, refs)
	return refs
}

// noteStale notes a key that has more than the one version it needs.
func (j *TemporalJoin) noteStale(slot keyed.Slot) {
	if j.right.Count(slot) > 1 || j.gone(j.right.First(slot)) {
		j.stale[slot] = true
	}
}

// gone reports whether a version is a deletion.
func (j *TemporalJoin) gone(r keyed.Ref) bool {
	return vec.RowKind(j.right.Extra(r)[rightKind]) == vec.Delete
}

func (j *TemporalJoin) timeOf(r keyed.Ref) int64 { return int64(j.right.Extra(r)[rightTime]) }

// Watermark implements Operator.
func (j *TemporalJoin) Watermark(t int64, out Output) (bool, error) {
	j.advance(t)
	return j.feed.drain(out)
}

// Resume implements Operator.
func (j *TemporalJoin) Resume(out Output) (bool, error) { return j.feed.drain(out) }

// advance puts out the left rows up to the watermark, a bucket at a time.
func (j *TemporalJoin) advance(mark int64) {
	j.mark = max(j.mark, mark)
	times := dueTimes(j.left, j.mark)
	j.feed.pieces(func() (bool, error) {
		if len(times) == 0 {
			j.forget()
			return false, nil
		}
		t := times[0]
		times = times[1:]
		j.right.Trim()
		return true, j.fire(t)
	})
	j.feed.watermark(mark)
}

func (j *TemporalJoin) fire(t int64) error {
	m, due, err := dueRows(j.left, t, j.mark)
	if err != nil {
		return err
	}
	for from := 0; from < len(due); from += vec.BatchRowsMax {
		if err := j.join(m, due[from:min(from+vec.BatchRowsMax, len(due))]); err != nil {
			return err
		}
	}
	leave(j.left, t, temporalBucket, j.mark, due)
	return nil
}

// versions finds the right row of each due row, 0 if there is none.
func (j *TemporalJoin) versions(b *vec.Batch, due []waiting) []keyed.Ref {
	out := make([]keyed.Ref, len(due))
	s := &j.sides[0]
	s.prepare(&j.keys, b)
	j.slots = grow(j.slots, len(due))
	j.right.Find(&j.keys, j.slots)
	for i, slot := range j.slots {
		if slot == keyed.None {
			continue
		}
		best := int64(math.MinInt64)
		for r := j.right.First(slot); r != 0; r = j.right.Next(r) {
			if at := j.timeOf(r); at <= due[i].time && at >= best {
				best, out[i] = at, r
			}
		}
		if out[i] != 0 && j.gone(out[i]) {
			out[i] = 0
		}
	}
	return out
}

// join makes the output of some due rows.
func (j *TemporalJoin) join(m *keyed.Multi, due []waiting) error {
	left := make([]keyed.Ref, len(due))
	kinds := make([]vec.RowKind, len(due))
	changes := false
	for i, d := range due {
		left[i] = d.ref
		kinds[i] = vec.RowKind(m.Extra(d.ref)[leftKind])
		changes = changes || kinds[i] != vec.Insert
	}
	b := &vec.Batch{Cols: gather(m, left, j.sides[0].types), Rows: len(due)}
	right := j.versions(b, due)
	if changes {
		b.Kinds = kinds
	}
	n := len(b.Cols)
	b.Cols = append(b.Cols, gather(j.right, right, j.sides[1].types)...)
	if j.cond != nil {
		sel, err := j.cond.Filter(b.Cols, nil, b.Rows)
		if err != nil {
			return err
		}
		if sel != nil { // nil: all of them
			passed := make([]keyed.Ref, len(right))
			for _, s := range sel {
				passed[s] = right[s]
			}
			right = passed
		}
	}
	switch {
	case !slices.Contains(right, 0):
	case j.spec.JoinKind == jobgraph.Left:
		b.Cols = append(b.Cols[:n:n], gather(j.right, right, j.sides[1].types)...)
	default:
		b.Sel = []int32{}
		for i, r := range right {
			if r != 0 {
				b.Sel = append(b.Sel, int32(i))
			}
		}
	}
	j.feed.batch(b)
	return nil
}

// forget drops versions that no left row can see any more: of each key those
// before the last one at or below the watermark, and that one too if it is a
// deletion.
func (j *TemporalJoin) forget() {
	if j.mark == j.clean {
		return
	}
	j.clean = j.mark
	for slot := range j.stale {
		last, at := keyed.Ref(0), int64(math.MinInt64)
		for r := j.right.First(slot); r != 0; r = j.right.Next(r) {
			if t := j.timeOf(r); t <= j.mark && t >= at {
				last, at = r, t
			}
		}
		if last == 0 {
			continue
		}
		left := j.right.Count(slot)
		gone := j.gone(last)
		for r := j.right.First(slot); r != 0; {
			next := j.right.Next(r)
			if t := j.timeOf(r); t <= at && (r != last || gone) {
				j.right.Remove(slot, r)
				left--
			}
			r = next
		}
		if left == 0 || left == 1 && !j.gone(j.right.First(slot)) {
			delete(j.stale, slot)
		}
	}
}

// Snapshot implements Operator.
func (j *TemporalJoin) Snapshot(base.Epoch) error {
	saveTime(j.ctx.State, "watermark", j.mark)
	if err := snapshotWaiting(j.ctx, j.left, j.seq); err != nil {
		return err
	}
	if err := j.later.snapshot(maps.Keys(j.stale)); err != nil {
		return err
	}
	return j.right.Snapshot()
}

// Close implements Operator.
func (j *TemporalJoin) Close() error {
	j.left.Close()
	j.right.Close()
	j.later.close()
	return nil
}
