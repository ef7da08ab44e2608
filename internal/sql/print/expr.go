package print

import (
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// Levels of binding, as in the parser.
const (
	precNot     = 26
	precIs      = 28
	precCompare = 30
	precRange   = 32
	precUnary   = 80
	precPostfix = 90
	precPrimary = 100
)

// binaryPrec is the level of each binary operator.
func binaryPrec(op ast.BinaryOp) int {
	switch op {
	case ast.OpMultisetUnion, ast.OpMultisetUnionAll, ast.OpMultisetExcept, ast.OpMultisetExceptAll:
		return 14
	case ast.OpMultisetIntersect, ast.OpMultisetIntersectAll:
		return 18
	case ast.OpOr:
		return 22
	case ast.OpAnd:
		return 24
	case ast.OpAdd, ast.OpSub:
		return 40
	case ast.OpMul, ast.OpDiv, ast.OpMod, ast.OpConcat:
		return 60
	}
	return precCompare
}

// prec returns the level of the outermost operator of x.
func prec(x ast.Expr) int {
	switch x := x.(type) {
	case *ast.Binary:
		return binaryPrec(x.Op)
	case *ast.Unary:
		if x.Op == ast.OpNot {
			return precNot
		}
		return precUnary
	case *ast.Is:
		return precIs
	case *ast.Quantified:
		return precCompare
	case *ast.Between, *ast.In, *ast.Like:
		return precRange
	case *ast.AtTimeZone:
		return precPostfix
	}
	return precPrimary
}

// expr writes x, in parentheses when it binds weaker than min.
func (p *printer) expr(x ast.Expr, min int) {
	if prec(x) < min {
		p.put("(")
		p.bare(x)
		p.put(")")
		return
	}
	p.bare(x)
}

func (p *printer) top(x ast.Expr) { p.expr(x, 0) }

// exprs writes (a, b).
func (p *printer) exprs(l []ast.Expr) { parens(p, l, p.top) }

// bare writes x without parentheses around it.
func (p *printer) bare(x ast.Expr) {
	switch x := x.(type) {
	case *ast.Ident:
		p.path(x.Path)
	case *ast.Literal:
		p.literal(x)
	case *ast.Interval:
		p.interval(x)
	case *ast.Param:
		p.put("?")
	case *ast.Symbol:
		p.put(x.Text)
	case *ast.Default:
		p.put("DEFAULT")
	case *ast.Star:
		p.star(x)
	case *ast.Unary:
		p.unary(x)
	case *ast.Binary:
		l := binaryPrec(x.Op)
		p.expr(x.L, l)
		p.put(" ", x.Op.String(), " ")
		p.expr(x.R, l+1)
	case *ast.Between, *ast.In, *ast.Like, *ast.Is, *ast.Quantified:
		p.predicate(x)
	case *ast.Exists:
		p.put("EXISTS ")
		p.inner(x.Query)
	case *ast.Case:
		p.caseExpr(x)
	case *ast.Cast:
		p.when(x.Try, "TRY_")
		p.put("CAST(")
		p.top(x.X)
		p.put(" AS ")
		p.typeName(x.Type)
		p.put(")")
	case *ast.Call:
		p.call(x)
	case *ast.Index:
		p.operand(x.X)
		p.put("[")
		p.top(x.Index)
		p.put("]")
	case *ast.Field:
		p.field(x)
	case *ast.AtTimeZone:
		p.atTimeZone(x)
	case *ast.Subquery:
		p.inner(x.Query)
	default:
		p.constructor(x)
	}
}

// constructor writes the expressions that build a value, and those that only
// stand as an argument.
func (p *printer) constructor(x ast.Expr) {
	switch x := x.(type) {
	case *ast.Array:
		p.put("ARRAY")
		p.elems(x.Elems, x.Query)
	case *ast.Map:
		p.put("MAP")
		p.elems(x.KeysAndValues, x.Query)
	case *ast.Multiset:
		p.put("MULTISET")
		p.elems(x.Elems, x.Query)
	case *ast.Row:
		p.when(x.Explicit, "ROW")
		p.exprs(x.Elems)
	case *ast.Lambda:
		p.names(x.Params)
		p.put(" -> ")
		p.top(x.Body)
	case *ast.NamedArg:
		p.name(x.Name)
		p.put(" => ")
		p.top(x.Value)
	case *ast.TableArg:
		p.tableArg(x)
	case *ast.Descriptor:
		p.put("DESCRIPTOR")
		p.names(x.Columns)
	case *ast.ModelArg:
		p.put("MODEL ")
		p.path(x.Name)
	}
}

// elems writes [a, b] or (query).
func (p *printer) elems(l []ast.Expr, q *ast.Query) {
	if q != nil {
		p.inner(q)
		return
	}
	p.put("[")
	list(p, l, ", ", p.top)
	p.put("]")
}

func (p *printer) star(x *ast.Star) {
	p.path(x.Qualifier)
	p.when(len(x.Qualifier) > 0, ".")
	p.put("*")
	if len(x.Except) > 0 {
		p.put(" EXCEPT ")
		p.names(x.Except)
	}
}

func (p *printer) unary(x *ast.Unary) {
	if x.Op == ast.OpNot {
		p.put("NOT ")
		p.expr(x.X, precNot)
		return
	}
	if x.Op == ast.OpNeg {
		p.put("-")
	} else {
		p.put("+")
	}
	// Two signs in a row would begin a comment.
	if _, ok := x.X.(*ast.Unary); ok {
		p.put("(")
		p.bare(x.X)
		p.put(")")
		return
	}
	p.expr(x.X, precUnary)
}

func (p *printer) caseExpr(x *ast.Case) {
	p.put("CASE")
	if x.Operand != nil {
		p.put(" ")
		p.top(x.Operand)
	}
	for _, w := range x.Whens {
		p.put(" WHEN ")
		r, ok := w.Cond.(*ast.Row)
		if ok && x.Operand != nil && !r.Explicit {
			list(p, r.Elems, ", ", p.top)
		} else {
			p.top(w.Cond)
		}
		p.put(" THEN ")
		p.top(w.Then)
	}
	if x.Else != nil {
		p.put(" ELSE ")
		p.top(x.Else)
	}
	p.put(" END")
}

// operand writes x as what a postfix stands behind.
func (p *printer) operand(x ast.Expr) {
	switch x.(type) {
	case *ast.Ident, *ast.Index, *ast.Field, *ast.Array, *ast.Map, *ast.Cast, *ast.Row, *ast.Subquery:
		p.bare(x)
		return
	case *ast.Call:
		if !x.(*ast.Call).NoParens {
			p.bare(x)
			return
		}
	}
	p.put("(")
	p.bare(x)
	p.put(")")
}

func (p *printer) field(x *ast.Field) {
	// a.b would be one path, so an identifier needs parentheses.
	if _, ok := x.X.(*ast.Ident); ok {
		p.put("(")
		p.bare(x.X)
		p.put(")")
	} else {
		p.operand(x.X)
	}
	p.put(".")
	if x.Star {
		p.put("*")
	} else {
		p.name(x.Name)
	}
}

func (p *printer) atTimeZone(x *ast.AtTimeZone) {
	p.operand(x.X)
	if x.Zone == nil {
		p.put(" AT LOCAL")
		return
	}
	p.put(" AT TIME ZONE ")
	p.expr(x.Zone, precUnary)
}
