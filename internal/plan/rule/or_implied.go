package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// orImplied filters the sides of an inner join by what follows from an OR over both: of
// (a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4) that a.x is 1 or 3, and b.y 2 or 4. The
// OR stays. In a batch only: a stream would compute both for each row, and have no less
// state for it where most rows pass.
func orImplied(c *context, n logical.Node) logical.Node {
	j, ok := n.(*logical.Join)
	if !ok || !c.Batch || j.JoinKind != jobgraph.Inner || j.Cond == nil || j.Interval != nil || j.Window != nil {
		return n
	}
	nl := len(j.Left.Schema())
	all := nl + len(j.Right.Schema())
	var left, right []*expr.Expr
	for _, e := range expr.Conjuncts(j.Cond) {
		if !e.Is("OR") || expr.Volatile(e, c.env) {
			continue
		}
		left = append(left, c.implied(e, j.Left, 0, nl)...)
		right = append(right, c.implied(e, j.Right, nl, all)...)
	}
	if len(left)+len(right) == 0 {
		return n
	}
	out := *j
	out.Left, out.Right = filtered(j.Left, left), filtered(j.Right, right)
	return &out
}

// implied is what an OR says of the columns [lo, hi) alone, column by column, over the
// side that has them; nothing of what is asked of it already.
func (c *context) implied(or *expr.Expr, side logical.Node, lo, hi int) []*expr.Expr {
	var out []*expr.Expr
	for _, col := range expr.Columns(or) {
		if col < lo || col >= hi {
			continue
		}
		e := ofColumn(or, col)
		if e == nil {
			continue
		}
		e = expr.Remap(e, func(int) int { return col - lo })
		if folded, err := expr.Fold(e, c.env); err == nil {
			e = folded
		}
		if !asked(side, e) {
			out = append(out, e)
		}
	}
	return out
}

// ofColumn is the OR of what each branch asks of one column alone; nil if one of them
// asks nothing.
func ofColumn(or *expr.Expr, col int) *expr.Expr {
	out := *or
	out.Args = nil
	for _, b := range disjuncts(or) {
		var own []*expr.Expr
		for _, x := range expr.Conjuncts(b) {
			if cols := expr.Columns(x); len(cols) == 1 && cols[0] == col {
				own = append(own, x)
			}
		}
		if len(own) == 0 {
			return nil
		}
		out.Args = append(out.Args, expr.And(own))
	}
	return &out
}

// asked reports whether rows of n are known to pass e: a filter asks it, here or where
// the columns come from.
func asked(n logical.Node, e *expr.Expr) bool {
	for {
		switch x := n.(type) {
		case *logical.Filter:
			if asks(expr.Conjuncts(x.Cond), e) {
				return true
			}
			n = x.Input
		case *logical.Project:
			if slices.ContainsFunc(expr.Columns(e), func(c int) bool { return x.Exprs[c].Op != expr.Col }) {
				return false
			}
			e = expr.Remap(e, func(c int) int { return x.Exprs[c].Index })
			n = x.Input
		case *logical.Join:
			nl := len(x.Left.Schema())
			switch {
			case within(e, 0, nl):
				n = x.Left
			case within(e, nl, len(x.Out)):
				e, n = shifted(e, -nl), x.Right
			default:
				return false
			}
		default:
			return false
		}
	}
}
