package logical

import (
	"github.com/millrace-io/millrace/internal/expr"
)

// Equi is a join condition taken apart: the pairs of columns that must be equal,
// and what else must hold.
type Equi struct {
	Left, Right []int // numbered in their own inputs
	NullSafe    []bool
	Rest        *expr.Expr // nil is TRUE
}

// Equi takes the condition of a join apart.
func (n *Join) Equi() Equi { return EquiOf(n.Cond, len(n.Left.Schema())) }

// EquiOf takes a condition apart that sees the columns of a left input, left of
// them, then those of a right one.
func EquiOf(cond *expr.Expr, left int) Equi {
	var e Equi
	var rest []*expr.Expr
	for _, c := range expr.Conjuncts(cond) {
		safe := c.Is("IS NOT DISTINCT FROM")
		if (!safe && !c.Is("=")) || len(c.Args) != 2 || c.Args[0].Op != expr.Col || c.Args[1].Op != expr.Col {
			rest = append(rest, c)
			continue
		}
		l, r := c.Args[0].Index, c.Args[1].Index
		if l > r {
			l, r = r, l
		}
		if l >= left || r < left {
			rest = append(rest, c)
			continue
		}
		e.Left, e.Right, e.NullSafe = append(e.Left, l), append(e.Right, r-left), append(e.NullSafe, safe)
	}
	if len(rest) > 0 {
		e.Rest = expr.And(rest)
	}
	return e
}

// AnyNullSafe returns NullSafe, or nil when no pair is.
func (e Equi) AnyNullSafe() []bool {
	for _, s := range e.NullSafe {
		if s {
			return e.NullSafe
		}
	}
	return nil
}
