package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterScan tells a scan what the filter above it asks for; a source may skip
// what fails. The filter stays.
func filterScan(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	s, ok := f.Input.(*logical.Scan)
	if !ok || c.shared[s] {
		return n
	}
	told, _ := c.split(expr.Conjuncts(f.Cond), comparesColumn)
	if len(told) == 0 || slices.EqualFunc(told, s.Filter, expr.Equal) {
		return n
	}
	out := *s
	out.Filter = told
	return &logical.Filter{Input: &out, Cond: f.Cond}
}

// comparesColumn reports whether a condition compares a column with constants.
func comparesColumn(e *expr.Expr) bool {
	if e.Op != expr.Call || len(expr.Columns(e)) != 1 {
		return false
	}
	switch e.Func {
	case "=", "<>", "<", "<=", ">", ">=", "IN", "IS NULL", "IS NOT NULL":
	default:
		return false
	}
	for _, a := range e.Args {
		if a.Op == expr.Call {
			return false
		}
	}
	return true
}
