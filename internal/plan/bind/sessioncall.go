package bind

import (
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// sessionCall binds the calls that the registry cannot answer: what the session
// knows, and what only a declaration may call. ok is false for all others.
func (x *exprBinder) sessionCall(c *ast.Call, name string, args int) (e *expr.Expr, ok bool, err error) {
	switch name {
	case "PROCTIME":
		if args > 0 {
			return nil, false, nil
		}
		t := types.LTZOf(3).Nullable(false)
		t.Proctime = true
		return &expr.Expr{Op: expr.Call, Func: name, Type: t, Pos: posOf(c)}, true, nil
	case "CURRENT_DATABASE":
		if args > 0 {
			return nil, true, errAt(c, "CURRENT_DATABASE takes no arguments")
		}
		_, db := x.b.cat.Current()
		return placed(expr.Literal(types.TString.Nullable(false), db), posOf(c)), true, nil
	case "SOURCE_WATERMARK":
		return nil, true, errAt(c, "SOURCE_WATERMARK() may only stand in a declaration: WATERMARK FOR column AS SOURCE_WATERMARK()")
	}
	return nil, false, nil
}

// bareCall is a function that is called without parentheses where no column has its
// name: PI.
func bareCall(id *ast.Ident) bool {
	return len(id.Path) == 1 && strings.EqualFold(id.Path[0].Text, "PI")
}
