package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/cost"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// semiKeep is the share of rows that a semi or anti join may let pass, for it to be done
// below other joins.
const semiKeep = 0.5

// semiJoin moves a semi or anti join below inner joins of its left side, to the relation
// whose columns it compares, where it leaves fewer rows to join: WHERE o.id IN (SELECT …)
// over a join of o with others. In a batch of tables whose sizes are known.
func semiJoin(c *context, n logical.Node) logical.Node {
	s, ok := n.(*logical.Join)
	if !ok || !c.Batch || s.JoinKind != jobgraph.Semi && s.JoinKind != jobgraph.Anti || len(s.Hints) > 0 {
		return n
	}
	whole := cost.Of(s.Left)
	if !whole.Known {
		return n
	}
	if out := c.pushSemi(s, whole.Rows); out != nil {
		return out
	}
	return n
}

// pushSemi returns the left side of a semi join with the join further down, or nil. most
// is how many rows it has where it is.
func (c *context) pushSemi(s *logical.Join, most float64) logical.Node {
	if c.shared[s.Left] {
		return nil
	}
	switch below := s.Left.(type) {
	case *logical.Filter:
		out := *s
		out.Left = below.Input
		if in := c.pushSemi(&out, most); in != nil {
			return &logical.Filter{Input: in, Cond: below.Cond}
		}
	case *logical.Project:
		return c.pushSemiProject(s, below, most)
	case *logical.Join:
		return c.pushSemiJoin(s, below, most)
	}
	return nil
}

func (c *context) pushSemiProject(s *logical.Join, p *logical.Project, most float64) logical.Node {
	nl, wide := len(p.Exprs), len(p.Input.Schema())
	plain := true
	cond := expr.Remap(s.Cond, func(col int) int {
		if col >= nl {
			return col - nl + wide
		}
		plain = plain && p.Exprs[col].Op == expr.Col
		return p.Exprs[col].Index
	})
	if !plain {
		return nil
	}
	out := *s
	out.Left, out.Cond, out.Out = p.Input, cond, p.Input.Schema()
	in := c.pushSemi(&out, most)
	if in == nil {
		return nil
	}
	return p.With([]logical.Node{in})
}

// pushSemiJoin puts a semi join on the side of an inner join that its condition reads, or
// further down, if that side has no more rows than the semi join has where it is.
func (c *context) pushSemiJoin(s, below *logical.Join, most float64) logical.Node {
	if !plainInner(below) {
		return nil
	}
	nl, wide := len(below.Left.Schema()), len(below.Schema())
	side, shift := below.Left, 0
	switch {
	case readsNone(s.Cond, nl, wide):
	case readsNone(s.Cond, 0, nl):
		side, shift = below.Right, nl
	default:
		return nil
	}
	own := len(side.Schema())
	moved := *s
	moved.Left, moved.Out = side, side.Schema()
	moved.Cond = expr.Remap(s.Cond, func(col int) int {
		if col >= wide {
			return col - wide + own
		}
		return col - shift
	})
	in := c.pushSemi(&moved, most)
	if in == nil {
		before, after := cost.Of(side), cost.Of(&moved)
		if !after.Known || after.Rows > semiKeep*before.Rows || before.Rows > most {
			return nil
		}
		in = &moved
	}
	if shift == 0 {
		return below.With([]logical.Node{in, below.Right})
	}
	return below.With([]logical.Node{below.Left, in})
}

// readsNone reports whether a condition reads no column of [lo, hi).
func readsNone(e *expr.Expr, lo, hi int) bool {
	return !slices.ContainsFunc(expr.Columns(e), func(c int) bool { return c >= lo && c < hi })
}
