package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// forms finds the forms that need windows and time: window aggregates, window
// joins, window Top-N, interval joins. It goes up from the scans, and settles
// which columns still are time attributes on the way, for a form depends on the
// ones below it.
func forms(c *context, n logical.Node) logical.Node {
	n = refresh(c, n)
	switch x := n.(type) {
	case *logical.WindowTVF:
		c.checkWindow(x)
	case *logical.Aggregate:
		n = windowAggregate(c, x)
	case *logical.Join:
		if j := windowJoin(x); j != x {
			return refresh(c, j)
		}
		n = refresh(c, intervalJoin(c, x))
	case *logical.Rank:
		n = rankWindow(x)
	}
	return n
}

// checkWindow refuses windows in a stream over what is no time attribute (any
// more): a regular join takes the attribute away.
func (c *context) checkWindow(w *logical.WindowTVF) {
	if c.Batch || w.Window.Time < 0 || c.err != nil {
		return
	}
	if f := w.Input.Schema()[w.Window.Time]; !f.Type.Rowtime && !f.Type.Proctime {
		err := base.Errorf(w.Pos, "%s needs a time attribute, but '%s' is a plain %s", w.Window.WKind, f.Name, f.Type.Plain().Name())
		err.Hint = "a join that is not bounded by time takes the time attributes away: bound it by an interval, or join windows"
		c.err = err
	}
}

// refresh settles the time attributes of a node's columns from its inputs'. What
// a regular join lets out has none in a stream: its rows come in any order.
func refresh(c *context, n logical.Node) logical.Node {
	out := n.Schema()
	attr := func(i int, from types.Type) {
		if t := out[i].Type; t.Rowtime != from.Rowtime || t.Proctime != from.Proctime {
			if &out[0] == &n.Schema()[0] {
				out = slices.Clone(out)
			}
			out[i].Type.Rowtime, out[i].Type.Proctime = from.Rowtime, from.Proctime
		}
	}
	switch x := n.(type) {
	case *logical.Project:
		in := x.Input.Schema()
		exprs := x.Exprs
		for i, e := range x.Exprs {
			if e.Op == expr.Col {
				t := in[e.Index].Type
				attr(i, t)
				if e.Type.Rowtime != t.Rowtime || e.Type.Proctime != t.Proctime {
					exprs = slices.Clone(exprs)
					exprs[i] = expr.Column(e.Index, out[i].Type)
				}
			}
		}
		if same(out, x.Out) && slices.Equal(exprs, x.Exprs) {
			return n
		}
		return &logical.Project{Input: x.Input, Exprs: exprs, Out: out}
	case *logical.Join:
		both := append(slices.Clone(x.Left.Schema()), x.Right.Schema()...)
		keeps := x.Interval != nil || x.Window != nil
		for i := range out {
			t := both[i].Type
			if !keeps && !c.Batch {
				t = t.Plain()
			}
			attr(i, t)
		}
		if same(out, x.Out) {
			return n
		}
		j := *x
		j.Out = out
		return &j
	case *logical.TemporalJoin:
		nl := len(x.Left.Schema())
		for i := range out {
			if i < nl {
				attr(i, x.Left.Schema()[i].Type)
			} else {
				attr(i, types.Type{})
			}
		}
		if same(out, x.Out) {
			return n
		}
		j := *x
		j.Out = out
		return &j
	case *logical.Over, *logical.Rank, *logical.WindowTVF, *logical.Correlate:
		in := n.Inputs()[0].Schema()
		for i := range in {
			attr(i, in[i].Type)
		}
		if same(out, n.Schema()) {
			return n
		}
		return withSchema(n, out)
	case *logical.SetOp:
		for i := range out {
			t := x.In[0].Schema()[i].Type
			for _, in := range x.In[1:] {
				t.Rowtime = t.Rowtime && in.Schema()[i].Type.Rowtime
				t.Proctime = t.Proctime && in.Schema()[i].Type.Proctime
			}
			attr(i, t)
		}
		if same(out, x.Out) {
			return n
		}
		s := *x
		s.Out = out
		return &s
	}
	return n
}

func same(a, b types.Schema) bool {
	return len(a) == 0 || &a[0] == &b[0]
}

func withSchema(n logical.Node, out types.Schema) logical.Node {
	switch x := n.(type) {
	case *logical.Over:
		c := *x
		c.Out = out
		return &c
	case *logical.Rank:
		c := *x
		c.Out = out
		return &c
	case *logical.Correlate:
		c := *x
		c.Out = out
		return &c
	case *logical.WindowTVF:
		c := *x
		c.Out = out
		return &c
	}
	return n
}
