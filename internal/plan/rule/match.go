package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// matchExprs rewrites the conditions and measures of a match; n itself comes back
// when nothing has changed.
func matchExprs(n *logical.Match, f func(*expr.Expr) *expr.Expr) *logical.Match {
	out := *n
	out.Vars, out.Measures = slices.Clone(n.Vars), slices.Clone(n.Measures)
	changed := false
	for i, v := range n.Vars {
		if v.Cond != nil {
			out.Vars[i].Cond = f(v.Cond)
			changed = changed || out.Vars[i].Cond != v.Cond
		}
	}
	for i, e := range n.Measures {
		out.Measures[i] = f(e)
		changed = changed || out.Measures[i] != e
	}
	if !changed {
		return n
	}
	return &out
}

// foldMatch computes what is constant in a match; a condition that is TRUE goes.
func foldMatch(c *context, n *logical.Match) *logical.Match {
	out := matchExprs(n, c.fold)
	for i, v := range out.Vars {
		if v.Cond != nil && v.Cond.IsTrue() {
			next := *out
			next.Vars = slices.Clone(out.Vars)
			next.Vars[i].Cond = nil
			out = &next
		}
	}
	return out
}

// needMatch asks for the columns that a match reads of its input.
func (p *pruner) needMatch(n *logical.Match) {
	p.need(n.Input, n.Partition...)
	p.orders(n.Input, n.Order)
	width := len(n.Input.Schema())
	matchExprs(n, func(e *expr.Expr) *expr.Expr {
		for _, c := range expr.Columns(e) {
			if c < width {
				p.need(n.Input, c)
			}
		}
		return e
	})
	for _, r := range n.Refs {
		switch r.RefKind {
		case jobgraph.MatchLast, jobgraph.MatchFirst:
			p.need(n.Input, r.Col)
		case jobgraph.MatchAgg:
			p.call(n.Input, *r.Call)
		}
	}
}

// match keeps what is read of the input; a match emits all of its columns.
func (p *pruner) match(n *logical.Match) pruned {
	in := p.trimmed(n.Input)
	before, after := len(n.Input.Schema()), len(in.node.Schema())
	out := *matchExprs(n, func(e *expr.Expr) *expr.Expr {
		return expr.Remap(e, func(i int) int {
			if i >= before {
				return i - before + after
			}
			return in.to[i]
		})
	})
	out.Input, out.Partition, out.Order = in.node, in.cols(n.Partition), in.order(n.Order)
	out.Refs = slices.Clone(n.Refs)
	for i, r := range out.Refs {
		switch r.RefKind {
		case jobgraph.MatchLast, jobgraph.MatchFirst:
			out.Refs[i].Col = in.to[r.Col]
		case jobgraph.MatchAgg:
			call := in.call(*r.Call)
			out.Refs[i].Call = &call
		}
	}
	return pruned{&out, upTo(len(n.Out))}
}
