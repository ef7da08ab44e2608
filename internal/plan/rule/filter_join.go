package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterJoin moves a filter into a join: to the sides, or into the condition of
// an inner join. Only the side that is kept whole may be filtered from above; a
// filter that no NULL row passes makes an outer join a plainer one first.
func filterJoin(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	if t, ok := f.Input.(*logical.TemporalJoin); ok {
		return c.filterTemporal(f, t)
	}
	j, ok := f.Input.(*logical.Join)
	if !ok || c.shared[j] || j.Interval != nil || j.Window != nil {
		return n
	}
	conjuncts := expr.Conjuncts(f.Cond)
	kind := c.plainer(j, conjuncts)
	nl := len(j.Left.Schema())
	all := len(j.Schema())
	keepsLeft := kind != jobgraph.Right && kind != jobgraph.Full
	keepsRight := kind == jobgraph.Inner || kind == jobgraph.Right
	out := *j
	out.JoinKind = kind
	left, stay := c.split(conjuncts, func(e *expr.Expr) bool { return keepsLeft && within(e, 0, nl) })
	right, stay := c.split(stay, func(e *expr.Expr) bool { return keepsRight && within(e, nl, all) })
	var inner []*expr.Expr
	if kind == jobgraph.Inner {
		inner, stay = c.split(stay, func(*expr.Expr) bool { return true })
	}
	if len(left)+len(right)+len(inner) == 0 && kind == j.JoinKind {
		return n
	}
	eq := j.Equi()
	mirrorRight := c.mirror(left, eq.Left, shift(eq.Right, nl), j)
	mirrorLeft := c.mirror(right, shift(eq.Right, nl), eq.Left, j)
	out.Left = filtered(j.Left, append(left, keepIf(keepsLeft, mirrorLeft)...))
	right = append(right, mirrorRight...)
	for i, e := range right {
		right[i] = shifted(e, -nl)
	}
	out.Right = filtered(j.Right, right)
	if len(inner) > 0 {
		out.Cond = expr.And(append(expr.Conjuncts(j.Cond), inner...))
	}
	return filtered(&out, stay)
}

func keepIf(yes bool, list []*expr.Expr) []*expr.Expr {
	if yes {
		return list
	}
	return nil
}

func shift(cols []int, by int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = c + by
	}
	return out
}

// filterTemporal moves what reads left columns below a temporal join.
func (c *context) filterTemporal(f *logical.Filter, t *logical.TemporalJoin) logical.Node {
	nl := len(t.Left.Schema())
	left, stay := c.split(expr.Conjuncts(f.Cond), func(e *expr.Expr) bool { return within(e, 0, nl) })
	if len(left) == 0 || c.shared[t] {
		return f
	}
	out := *t
	out.Left = filtered(t.Left, left)
	return filtered(&out, stay)
}

// plainer is the kind of a join when only rows that pass conjuncts count: the
// side whose NULL rows never pass need not be filled up with NULLs.
func (c *context) plainer(j *logical.Join, conjuncts []*expr.Expr) jobgraph.JoinKind {
	if !c.on(ruleOuterJoin) {
		return j.JoinKind
	}
	nl := len(j.Left.Schema())
	rejects := func(lo, hi int) bool {
		for _, e := range conjuncts {
			if c.rejectsNull(e, lo, hi) {
				return true
			}
		}
		return false
	}
	switch j.JoinKind {
	case jobgraph.Left:
		if rejects(nl, len(j.Out)) {
			return jobgraph.Inner
		}
	case jobgraph.Right:
		if rejects(0, nl) {
			return jobgraph.Inner
		}
	case jobgraph.Full:
		l, r := rejects(0, nl), rejects(nl, len(j.Out))
		switch {
		case l && r:
			return jobgraph.Inner
		case l:
			return jobgraph.Left
		case r:
			return jobgraph.Right
		}
	}
	return j.JoinKind
}

// rejectsNull reports whether a condition is not TRUE when all columns of
// [lo, hi) are NULL.
func (c *context) rejectsNull(e *expr.Expr, lo, hi int) bool {
	reads := false
	for _, col := range expr.Columns(e) {
		reads = reads || col >= lo && col < hi
	}
	if !reads || expr.Volatile(e, c.env) {
		return false
	}
	if strict(e, lo, hi) {
		return true
	}
	nulls := expr.Map(e, func(x *expr.Expr) *expr.Expr {
		if x.Op == expr.Col && x.Index >= lo && x.Index < hi {
			return expr.NullOf(x.Type)
		}
		return x
	})
	out, err := expr.Fold(nulls, c.env)
	return err == nil && out.IsFalse()
}

// strict reports whether a comparison reads a column of [lo, hi) as it is: it is
// NULL when the column is, whatever the other side.
func strict(e *expr.Expr, lo, hi int) bool {
	switch e.Func {
	case "=", "<>", "<", "<=", ">", ">=", "LIKE":
	default:
		return false
	}
	for _, a := range e.Args {
		if a.Op == expr.Col && a.Index >= lo && a.Index < hi {
			return true
		}
	}
	return false
}
