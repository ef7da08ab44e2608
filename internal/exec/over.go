package exec

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Over appends a column for each call to its rows. How it works depends on when a
// row's results are known:
//
//	at the end          all rows are sorted by partition and order, and each
//	                    partition is computed whole (overEnd)
//	by rowtime          rows wait until the watermark has passed them; then their
//	                    results never change. Running aggregates keep an accumulator
//	                    a partition, frames the rows that they still need (overStream)
//	by processing time  the same, without waiting
//	by anything else    the rows of a partition are kept in order; a change tells
//	                    again what it changes (overChanges)
type Over struct {
	Base
	spec  *jobgraph.Over
	ctx   *Context
	feed  feed
	ident idents
	mode  overMode
}

// overMode is one way of the four.
type overMode interface {
	process(b *vec.Batch) error
	watermark(t int64) error
	end() error
	snapshot() error
	close()
}

// NewOver returns the operator for a spec.
func NewOver(spec *jobgraph.Over) Operator { return &Over{spec: spec} }

// proctime reports whether rows are ordered by processing time.
func (o *Over) proctime() bool {
	k := o.spec.Order
	return len(k) > 0 && o.spec.Types[k[0].Col].Proctime && !k[0].Desc
}

// Open implements Operator.
func (o *Over) Open(ctx *Context) (err error) {
	o.ctx = ctx
	switch {
	case o.spec.Emit == jobgraph.AtEnd:
		o.mode, err = openOverEnd(o)
	case o.spec.Time >= 0 || o.proctime():
		o.mode, err = openOverStream(o)
	default:
		o.mode, err = openOverChanges(o)
	}
	return err
}

// Process implements Operator.
func (o *Over) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if err := o.mode.process(b); err != nil {
		return false, err
	}
	return o.feed.drain(out)
}

// Watermark implements Operator.
func (o *Over) Watermark(t int64, out Output) (bool, error) {
	if err := o.mode.watermark(t); err != nil {
		return false, err
	}
	return o.feed.drain(out)
}

// EndInput implements Operator.
func (o *Over) EndInput(_ int, out Output) (bool, error) {
	if err := o.mode.end(); err != nil {
		return false, err
	}
	return o.feed.drain(out)
}

// Resume implements Operator.
func (o *Over) Resume(out Output) (bool, error) { return o.feed.drain(out) }

// Snapshot implements Operator.
func (o *Over) Snapshot(base.Epoch) error { return o.mode.snapshot() }

// Close implements Operator.
func (o *Over) Close() error {
	if o.mode != nil {
		o.mode.close()
	}
	return nil
}

// overCalls are calls that are computed together, with a table for their
// accumulators that is made anew for each run.
type overCalls struct {
	order *ordering
	list  []*overCall
	at    []int // of the calls in the spec
	table *keyed.Table
	words int
	key   keyed.Keys
	slots []keyed.Slot
}

// newOverCalls binds those calls of a spec that wanted says.
func newOverCalls(spec *jobgraph.Over, ts []types.Type, order *ordering, wanted func(*overCall) bool, mem *base.Budget) (*overCalls, error) {
	c := &overCalls{order: order, words: 1}
	var blobs []int
	for i, s := range spec.Calls {
		call, err := newOverCall(s, ts, c.words)
		if err != nil {
			return nil, err
		}
		if !wanted(call) {
			continue
		}
		if call.agg != nil {
			for _, b := range call.agg.Blobs() {
				blobs = append(blobs, c.words+b)
			}
		}
		c.words += call.words()
		if call.running && call.spec.Distinct && call.arg() >= 0 && call.spec.Func != "MIN" && call.spec.Func != "MAX" {
			call.seenCols = spec.Partition
			shape := keyed.Shape{Name: "seen", Key: append(pickTypes(ts, spec.Partition), ts[call.arg()]), Words: 1, Groups: 1, Memory: mem}
			if call.seen, err = keyed.Open(scratch{1}, shape); err != nil {
				return nil, err
			}
		}
		c.list, c.at = append(c.list, call), append(c.at, i)
	}
	var err error
	c.table, err = keyed.Open(scratch{1}, keyed.Shape{Name: "accs", Key: []types.Type{types.TBigInt}, Words: c.words, Blobs: blobs, Groups: 1, Memory: mem})
	return c, err
}

// goOn reports whether a partition can be computed in pieces: the calls need only
// what they have accumulated.
func (c *overCalls) goOn() bool {
	return !slices.ContainsFunc(c.list, func(call *overCall) bool {
		switch call.spec.Func {
		case "ROW_NUMBER", "RANK", "DENSE_RANK":
			return false
		}
		return !call.running
	})
}

// whole computes the calls over whole partitions; the first of them may have begun
// in the run before.
func (c *overCalls) whole(p *overPart, begun bool) ([]vec.Vector, error) {
	p.prepare(c.order)
	n := len(p.starts) - 1
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i)
	}
	if !begun {
		c.table.Clear()
	}
	c.key.Prepare([]types.Type{types.TBigInt}, []vec.Vector{&vec.Fixed[int64]{Vals: ids}}, nil, n)
	c.slots = grow(c.slots, n)
	c.table.Upsert(&c.key, c.slots)
	p.slots = c.slots
	for _, call := range c.list {
		if call.seen != nil && !begun {
			call.seen.Clear()
		}
	}
	return c.eval(p, c.table)
}

// eval computes the calls, whose accumulators are in a table.
func (c *overCalls) eval(p *overPart, t *keyed.Table) ([]vec.Vector, error) {
	var g agg.Groups
	g.On(t)
	out := make([]vec.Vector, len(c.list))
	for i, call := range c.list {
		v, err := call.eval(p, &g)
		if err != nil {
			return nil, err
		}
		if v.Len() != p.n {
			return nil, fmt.Errorf("%s OVER has made %d results for %d rows", call.spec.Func, v.Len(), p.n)
		}
		out[i] = v
	}
	return out, nil
}

func (c *overCalls) close() {
	c.table.Close()
	for _, call := range c.list {
		if call.seen != nil {
			call.seen.Close()
		}
		if call.seenRows != nil {
			call.seenRows.Close()
		}
	}
}

func everyCall(*overCall) bool { return true }
