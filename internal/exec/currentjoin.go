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
	slots  []keyed.Slot
	ident  idents
	awaits bool
	held   []*vec.Batch
	mark   heldMark
	saved  savedRows
	feed   feed
}

// NewCurrentJoin returns the operator.
func NewCurrentJoin(spec *jobgraph.CurrentJoin) *CurrentJoin { return &CurrentJoin{spec: spec} }

// Open implements Operator.
func (j *CurrentJoin) Open(ctx *Context) (err error) {
	s := j.spec
	j.ctx, j.awaits = ctx, s.Await
	if j.leaver, err = newLeaver(ctx, s.JoinKind, s.LeftKeys, s.LeftTypes, s.RightTypes, s.Keep); err != nil {
		return err
	}
	if err = j.match.compile(s.Cond, ctx.Env); err != nil {
		return err
	}
	j.right = newSide(s.RightKeys, s.RightTypes, nil)
	if j.right.rows, err = keyed.OpenMulti(ctx.State, j.right.shape("right", ctx, 0)); err != nil {
		return err
	}
	j.saved = newSavedRows(ctx, s.LeftTypes, s.LeftKeys, true)
	return j.saved.restore(ctx.State, func(b *vec.Batch) { j.held = append(j.held, b) })
}

// Process implements Operator.
func (j *CurrentJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	m, fence := lastMark(b)
	switch {
	case b.Len() == 0:
	case in == 1:
		j.change(b)
	default:
		j.held = append(j.held, vec.Compact(&vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: b.Sel, Kinds: b.Kinds}))
	}
	if fence {
		j.mark.hold(m)
	}
	if err := j.right.rows.Err(); err != nil {
		return false, err
	}
	return j.goOn(out)
}

// goOn joins what is held, unless the right side is still read.
func (j *CurrentJoin) goOn(out Output) (bool, error) {
	if !j.awaits {
		for _, b := range j.held {
			j.feed.batches(j.join(b))
		}
		j.held = nil
	}
	if len(j.held) == 0 {
		j.mark.release(&j.feed)
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
			rows.Add(slot, b.Cols, r)
		} else if slot != keyed.None {
			if ref := rows.FindRow(slot, b.Cols, r); ref != 0 {
				rows.Remove(slot, ref)
			}
		}
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
		j.mark.hold(t)
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
	for _, b := range j.held {
		if err := j.saved.add(j.ctx.State, b, 0); err != nil {
			return err
		}
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
