package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// mirror returns what conjuncts on one side of a join say of the other by the
// equality of the keys: where a.k = b.k, what holds for a.k holds for b.k. from
// and to are the key columns, numbered over both sides.
func (c *context) mirror(conjuncts []*expr.Expr, from, to []int, j *logical.Join) []*expr.Expr {
	if !c.on(ruleEquality) {
		return nil
	}
	both := append(j.Left.Schema(), j.Right.Schema()...)
	var out []*expr.Expr
	for _, e := range conjuncts {
		cols := expr.Columns(e)
		if len(cols) == 0 || !only(e, from) {
			continue
		}
		same := true
		at := map[int]int{}
		for i, k := range from {
			at[k] = to[i]
		}
		for _, col := range cols {
			same = same && both[col].Type.Equal(both[at[col]].Type)
		}
		if same {
			out = append(out, expr.Remap(e, func(col int) int { return at[col] }))
		}
	}
	return out
}
