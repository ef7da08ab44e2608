package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterMerge makes one filter of two.
func filterMerge(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	below, ok := f.Input.(*logical.Filter)
	if !ok || c.shared[below] {
		return n
	}
	return &logical.Filter{Input: below.Input, Cond: expr.And(append(expr.Conjuncts(below.Cond), expr.Conjuncts(f.Cond)...))}
}

// filtered puts conjuncts over a relation.
func filtered(n logical.Node, conjuncts []*expr.Expr) logical.Node {
	if len(conjuncts) == 0 {
		return n
	}
	return &logical.Filter{Input: n, Cond: expr.And(conjuncts)}
}

// split divides conjuncts by whether they may move: volatile ones never do.
func (c *context) split(conjuncts []*expr.Expr, may func(e *expr.Expr) bool) (move, stay []*expr.Expr) {
	for _, e := range conjuncts {
		if !expr.Volatile(e, c.env) && may(e) {
			move = append(move, e)
		} else {
			stay = append(stay, e)
		}
	}
	return move, stay
}

// within reports whether an expression reads only columns of [lo, hi).
func within(e *expr.Expr, lo, hi int) bool {
	for _, c := range expr.Columns(e) {
		if c < lo || c >= hi {
			return false
		}
	}
	return true
}

// only reports whether an expression reads only some columns.
func only(e *expr.Expr, cols []int) bool {
	for _, c := range expr.Columns(e) {
		if !has(cols, c) {
			return false
		}
	}
	return true
}

func has(list []int, x int) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// shifted renumbers the columns of an expression.
func shifted(e *expr.Expr, by int) *expr.Expr {
	return expr.Remap(e, func(c int) int { return c + by })
}
