package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterAggregate moves a filter on grouping keys below the aggregate.
func filterAggregate(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	a, ok := f.Input.(*logical.Aggregate)
	if !ok || c.shared[a] || a.Sets != nil || len(a.Keys) == 0 {
		return n
	}
	move, stay := c.split(expr.Conjuncts(f.Cond), func(e *expr.Expr) bool {
		return len(expr.Columns(e)) > 0 && within(e, 0, len(a.Keys))
	})
	if len(move) == 0 {
		return n
	}
	for i, e := range move {
		move[i] = expr.Remap(e, func(col int) int { return a.Keys[col] })
	}
	return filtered(a.With([]logical.Node{filtered(a.Input, move)}), stay)
}
