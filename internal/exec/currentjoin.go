package exec

import (
	"math"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// CurrentJoin joins each left row with the right rows of its key as they are when it
// comes: a temporal join by processing time. Right rows are kept under their key; left
// rows are not, unless they may be taken back (joined.go).
//
// A right input that ends is read to its end first: the plan gives its channels the
// better priority, and left rows that a barrier lets through nevertheless are held,
// and saved with the checkpoint.
type CurrentJoin struct {
	Base
	leaver
	spec   *jobgraph.CurrentJoin
	ctx    *Context
	right  side
	match  matcher
	keys   keyed.Keys
	awaits bool
	held   []heldRows
	saved  savedRows
	rising
	feed  feed
	swept int64
}

// heldRows are left rows that have not been joined, or a watermark between them.
type heldRows struct {
	b    *vec.Batch // without Sel and Marks; nil: a watermark
	mark int64
}

// NewCurrentJoin returns the operator.
func NewCurrentJoin(spec *jobgraph.CurrentJoin) *CurrentJoin { return &CurrentJoin{spec: spec} }

// Open implements Operator.
func (j *CurrentJoin) Open(ctx *Context) (err error) {
	s := j.spec
	j.ctx, j.awaits = ctx, s.Await
	if j.leaver, err = newLeaver(ctx, s.JoinKind, s.LeftKeys, s.LeftTypes, s.RightTypes, s.Keep, s.LeftTTLMs); err != nil {
		return err
	}
	if err = j.match.compile(s.Cond, ctx.Env); err != nil {
		return err
	}
	j.right = newSide(s.RightKeys, s.RightTypes, nil)
	stamps := 0
	if s.RightTTLMs > 0 {
		stamps = 1
	}
	shape := ctx.expiringKeys(j.right.shape("right", ctx, stamps), 0, s.RightTTLMs)
	if j.right.rows, err = keyed.OpenMulti(ctx.State, shape); err != nil {
		return err
	}
	j.saved = newSavedRows(ctx, s.LeftTypes, s.LeftKeys, true)
	return j.saved.restore(ctx.State, j.hold, j.fence)
}

// hold takes left rows, fence the watermark behind them.
func (j *CurrentJoin) hold(b *vec.Batch) {
	if b.Rows > 0 {
		j.held = append(j.held, heldRows{b: b})
	}
}

func (j *CurrentJoin) fence(t int64) {
	if j.rises(t) {
		j.held = append(j.held, heldRows{mark: t})
	}
}

// Process implements Operator.
func (j *CurrentJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	j.right.rows.Trim()
	j.trim()
	if in == 1 {
		j.change(b)
		if m, ok := lastMark(b); ok {
			j.fence(m)
		}
	} else {
		c := vec.Compact(b)
		from := 0
		for _, m := range c.Marks { // each stays between the rows that it stood between
			j.hold(sliceBatch(c, from, int(m.Row)))
			j.fence(m.Time)
			from = int(m.Row)
		}
		j.hold(sliceBatch(c, from, c.Rows))
	}
	if err := j.right.rows.Err(); err != nil {
		return false, err
	}
	return j.goOn(out)
}

// goOn joins what is held, unless the right side is still read.
func (j *CurrentJoin) goOn(out Output) (bool, error) {
	if !j.awaits {
		for _, h := range j.held {
			if h.b == nil {
				j.feed.watermark(h.mark)
				continue
			}
			j.feed.batches(j.join(h.b))
		}
		j.held = nil
	}
	return j.feed.drain(out)
}

// change keeps the right side as it is now.
func (j *CurrentJoin) change(b *vec.Batch) {
	j.right.prepare(&j.keys, b)
	rows := j.right.rows
	for i := range b.Len() {
		r := b.Row(i)
		if j.right.void(b, r) {
			continue
		}
		adds := b.Kind(r).Adds()
		slot := rows.SlotOne(&j.keys, i, adds)
		if adds {
			ref := rows.Add(slot, b.Cols, r)
			if j.spec.RightTTLMs > 0 {
				rows.Extra(ref)[0] = uint64(j.ctx.Env.Now() / 1000)
			}
			j.touch(slot)
		} else if slot != keyed.None {
			if ref := rows.FindRow(slot, b.Cols, r); ref != 0 {
				last := rows.Count(slot) == 1
				rows.Remove(slot, ref)
				if !last {
					j.touch(slot)
				}
			}
		}
	}
}

// touch writes down, at a key's right rows, that they were used.
func (j *CurrentJoin) touch(slot keyed.Slot) {
	if j.spec.RightTTLMs == 0 || slot == keyed.None {
		return
	}
	freshen(j.right.rows, slot, 0, j.ctx.Env.Now()/1000, j.spec.RightTTLMs)
}

// Tick implements Operator: what was not used for its time is forgotten.
func (j *CurrentJoin) Tick(now int64, _ Output) (bool, error) {
	if len(j.feed.queue) > 0 {
		return false, nil // it refers to what might go
	}
	ms := now / 1000
	if j.spec.RightTTLMs > 0 && ms-j.swept >= j.spec.RightTTLMs/2 {
		j.swept = ms
		forgetKeys(j.right.rows, 0, ms-j.spec.RightTTLMs)
	}
	j.sweep(ms)
	return false, nil
}

// forgetKeys drops the keys whose last row has an older stamp, in that extra word.
func forgetKeys(m *keyed.Multi, word int, before int64) {
	var gone []keyed.Slot
	for s := range m.Each {
		if int64(m.Extra(m.Last(s))[word]) < before {
			gone = append(gone, s)
		}
	}
	for _, s := range gone {
		m.DeleteKey(s)
	}
}

// join makes the batches of a left one. What takes back is not matched: its matches
// are dropped.
func (j *CurrentJoin) join(b *vec.Batch) func() (*vec.Batch, error) {
	v := &leaving{b: b}
	begun, ended := false, false
	var made feed
	return func() (*vec.Batch, error) {
		if !begun {
			begun = true
			j.match.start(b, true, &j.left, &j.right)
			for i := range j.match.slots {
				if !j.asks(b, i) {
					j.match.slots[i] = keyed.None
				}
				j.touch(j.match.slots[i])
			}
		}
		if len(made.queue) == 0 && !ended {
			upto, err := j.match.more()
			if err != nil {
				return nil, err
			}
			if n := len(j.match.rows); n > 0 {
				v.pieces = []piece{{append([]int32(nil), j.match.rows...), gather(j.right.rows, j.match.refs, j.right.types)}}
			}
			ended = upto == b.Rows
			if _, err := j.leave(v, ended, &made); err != nil {
				return nil, err
			}
		}
		if len(made.queue) > 0 {
			it := made.queue[0]
			made.queue = made.queue[1:]
			return it.next()
		}
		if ended {
			return nil, nil
		}
		return &vec.Batch{}, nil
	}
}

// Resume implements Operator.
func (j *CurrentJoin) Resume(out Output) (bool, error) { return j.feed.drain(out) }

// Watermark implements Operator.
func (j *CurrentJoin) Watermark(t int64, out Output) (bool, error) {
	if t < math.MaxInt64 {
		j.fence(t)
	}
	return j.goOn(out)
}

// EndInput implements Operator.
func (j *CurrentJoin) EndInput(in int, out Output) (bool, error) {
	if in == 1 {
		j.awaits = false
	}
	return j.goOn(out)
}

// Snapshot implements Operator.
func (j *CurrentJoin) Snapshot(base.Epoch) error {
	if err := j.saved.start(j.ctx.State); err != nil {
		return err
	}
	for _, h := range j.held {
		err := error(nil)
		if h.b == nil {
			err = j.saved.fence(j.ctx.State, h.mark)
		} else {
			err = j.saved.add(j.ctx.State, h.b, 0)
		}
		if err != nil {
			return err
		}
	}
	if err := j.saved.end(j.ctx.State); err != nil {
		return err
	}
	if err := j.right.rows.Snapshot(); err != nil {
		return err
	}
	return j.snapshot()
}

// Close implements Operator.
func (j *CurrentJoin) Close() error {
	j.close()
	j.right.rows.Close()
	return nil
}
