package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// fold computes what is constant. A condition that is TRUE goes; one that never
// holds leaves no rows.
func fold(c *context, n logical.Node) logical.Node {
	switch n := n.(type) {
	case *logical.Filter:
		cond := c.simplify(n.Cond)
		switch {
		case cond.IsTrue():
			return n.Input
		case cond.IsFalse():
			return &logical.Values{Out: n.Schema()}
		case cond == n.Cond:
			return n
		}
		return &logical.Filter{Input: n.Input, Cond: cond}
	case *logical.Project:
		exprs := slices.Clone(n.Exprs)
		for i, e := range exprs {
			exprs[i] = c.fold(e)
		}
		if slices.Equal(exprs, n.Exprs) {
			return n
		}
		return &logical.Project{Input: n.Input, Exprs: exprs, Out: n.Out}
	case *logical.Correlate:
		args := slices.Clone(n.Args)
		for i, e := range args {
			args[i] = c.fold(e)
		}
		if slices.Equal(args, n.Args) {
			return n
		}
		out := *n
		out.Args = args
		return &out
	case *logical.Match:
		return foldMatch(c, n)
	case *logical.Join:
		if n.Cond == nil {
			return n
		}
		cond := c.simplify(n.Cond)
		if cond == n.Cond {
			return n
		}
		out := *n
		if out.Cond = cond; cond.IsTrue() {
			out.Cond = nil
		}
		return &out
	}
	return n
}

// fold keeps the expression itself when nothing in it is constant, and a type
// that the plan relies on.
func (c *context) fold(e *expr.Expr) *expr.Expr {
	out, err := expr.Fold(e, c.env)
	if err != nil || out == e || !out.Type.Equal(e.Type) || expr.Equal(out, e) {
		return e
	}
	return out
}

// simplify folds a condition and drops conjuncts that occur twice.
func (c *context) simplify(cond *expr.Expr) *expr.Expr {
	folded := c.fold(cond)
	var parts []*expr.Expr
	all := expr.Conjuncts(folded)
	for _, p := range all {
		if p.IsFalse() {
			return expr.Bool(false)
		}
		if !slices.ContainsFunc(parts, func(q *expr.Expr) bool { return expr.Equal(p, q) }) || expr.Volatile(p, c.env) {
			parts = append(parts, p)
		}
	}
	if len(parts) == len(all) && folded == cond {
		return cond
	}
	out := expr.And(parts)
	if expr.Equal(out, cond) {
		return cond
	}
	return out
}
