package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// joinCondition moves what a join's condition asks of one side alone to that
// side, if rows of it that fail are not told by themselves.
func joinCondition(c *context, n logical.Node) logical.Node {
	j, ok := n.(*logical.Join)
	if !ok || j.Cond == nil || j.Interval != nil || j.Window != nil {
		return n
	}
	nl := len(j.Left.Schema())
	all := nl + len(j.Right.Schema())
	dropsLeft := j.JoinKind == jobgraph.Inner || j.JoinKind == jobgraph.Semi || j.JoinKind == jobgraph.Right
	dropsRight := j.JoinKind != jobgraph.Right && j.JoinKind != jobgraph.Full
	conjuncts := expr.Conjuncts(j.Cond)
	onLeft := func(e *expr.Expr) bool { return len(expr.Columns(e)) > 0 && within(e, 0, nl) }
	left, stay := c.split(conjuncts, func(e *expr.Expr) bool { return dropsLeft && onLeft(e) })
	right, stay := c.split(stay, func(e *expr.Expr) bool { return dropsRight && len(expr.Columns(e)) > 0 && within(e, nl, all) })
	if len(left)+len(right) == 0 {
		return n
	}
	eq := j.Equi()
	toRight := keepIf(dropsRight, c.mirror(left, eq.Left, shift(eq.Right, nl), j))
	toLeft := keepIf(dropsLeft, c.mirror(right, shift(eq.Right, nl), eq.Left, j))
	right = append(right, toRight...)
	for i, e := range right {
		right[i] = shifted(e, -nl)
	}
	out := *j
	out.Left, out.Right = filtered(j.Left, append(left, toLeft...)), filtered(j.Right, right)
	if out.Cond = expr.And(stay); len(stay) == 0 {
		out.Cond = nil
	}
	return &out
}
