package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterProject moves a filter below a projection. Conjuncts that read something
// volatile stay. What is computed for the filter and for the output would be
// computed twice, so costly ones stay, too, unless a join, an aggregate or the
// like below has fewer rows to keep for it.
func filterProject(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	p, ok := f.Input.(*logical.Project)
	if !ok || c.shared[p] {
		return n
	}
	uses := func(e *expr.Expr) bool {
		for _, col := range expr.Columns(e) {
			if expr.Volatile(p.Exprs[col], c.env) || !cheap(p.Exprs[col]) && !worth(p.Input) {
				return false
			}
		}
		return true
	}
	move, stay := c.split(expr.Conjuncts(f.Cond), uses)
	if len(move) == 0 {
		return n
	}
	for i, e := range move {
		move[i] = Substitute(e, p.Exprs)
	}
	return filtered(&logical.Project{Input: filtered(p.Input, move), Exprs: p.Exprs, Out: p.Out}, stay)
}

// worth reports whether a filter may get below an operator with state.
func worth(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Project:
		return worth(n.Input)
	case *logical.Filter:
		return worth(n.Input)
	case *logical.Scan, *logical.Values:
		return false
	}
	return true
}
