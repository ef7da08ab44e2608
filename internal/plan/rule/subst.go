package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
)

// Substitute replaces columns by the expressions that compute them. nil exprs
// change nothing. A column that has no name of its own takes the one it replaces.
func Substitute(e *expr.Expr, exprs []*expr.Expr) *expr.Expr {
	if exprs == nil {
		return e
	}
	return expr.Map(e, func(e *expr.Expr) *expr.Expr {
		if e.Op != expr.Col {
			return e
		}
		by := exprs[e.Index]
		if by.Op == expr.Col && by.Name == "" && e.Name != "" {
			c := *by
			c.Name = e.Name
			return &c
		}
		return by
	})
}

// Mergeable reports whether expressions may be written over what is below the
// ones that they read, so that nothing volatile and nothing costly is computed
// more often than before.
func Mergeable(above, below []*expr.Expr) bool {
	uses := make([]int, len(below))
	for _, e := range above {
		expr.Walk(e, func(e *expr.Expr) bool {
			if e.Op == expr.Col && e.Index < len(uses) {
				uses[e.Index]++
			}
			return true
		})
	}
	for i, e := range below {
		switch {
		case e.Op != expr.Call || uses[i] == 0:
		case expr.Volatile(e, nil):
			return false
		case uses[i] > 1 && !cheap(e):
			return false
		}
	}
	return true
}

// cheap reports whether an expression costs so little that computing it again is
// better than an operator in between.
func cheap(e *expr.Expr) bool {
	if e.Op != expr.Call {
		return true
	}
	switch e.Func {
	case "REINTERPRET", "FIELD":
		return cheap(e.Args[0])
	case "CAST":
		return e.Args[0].Op != expr.Call && e.Type.Phys() == e.Args[0].Type.Phys()
	}
	return false
}
