package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// orFactor takes out of an OR what all of its branches ask: (a AND x) OR (a AND y)
// becomes a AND (x OR y), so that a may be a join's key, or move to a side.
func orFactor(c *context, n logical.Node) logical.Node {
	switch n := n.(type) {
	case *logical.Filter:
		if cond, ok := c.factored(n.Cond); ok {
			return &logical.Filter{Input: n.Input, Cond: cond}
		}
	case *logical.Join:
		if cond, ok := c.factored(n.Cond); ok {
			out := *n
			out.Cond = cond
			return &out
		}
	}
	return n
}

// factored factors the conjuncts of a condition, and reports whether it could.
func (c *context) factored(cond *expr.Expr) (*expr.Expr, bool) {
	var out []*expr.Expr
	did := false
	for _, e := range expr.Conjuncts(cond) {
		parts := c.common(e)
		did = did || len(parts) > 0
		if len(parts) == 0 {
			parts = []*expr.Expr{e}
		}
		out = append(out, parts...)
	}
	if !did {
		return cond, false
	}
	return expr.And(out), true
}

// common returns what all branches of an OR ask and the OR of what is left of them;
// nothing if they have nothing in common.
func (c *context) common(e *expr.Expr) []*expr.Expr {
	if !e.Is("OR") || expr.Volatile(e, c.env) {
		return nil
	}
	branches := disjuncts(e)
	var shared []*expr.Expr
	for _, x := range expr.Conjuncts(branches[0]) {
		if !slices.ContainsFunc(branches[1:], func(b *expr.Expr) bool { return !asks(expr.Conjuncts(b), x) }) {
			shared = append(shared, x)
		}
	}
	if len(shared) == 0 {
		return nil
	}
	rest := *e
	rest.Args = nil
	for _, b := range branches {
		left := slices.DeleteFunc(expr.Conjuncts(b), func(x *expr.Expr) bool { return asks(shared, x) })
		if len(left) == 0 {
			return shared // one branch asks no more
		}
		rest.Args = append(rest.Args, expr.And(left))
	}
	return append(shared, &rest)
}

func asks(list []*expr.Expr, x *expr.Expr) bool {
	return slices.ContainsFunc(list, func(e *expr.Expr) bool { return expr.Equal(e, x) })
}

// disjuncts returns the predicates that e is the OR of, nested ones flattened.
func disjuncts(e *expr.Expr) []*expr.Expr {
	if !e.Is("OR") {
		return []*expr.Expr{e}
	}
	var out []*expr.Expr
	for _, a := range e.Args {
		out = append(out, disjuncts(a)...)
	}
	return out
}
