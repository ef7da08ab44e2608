package bind

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/print"
	"github.com/millrace-io/millrace/types"
)

// An exprBinder binds the expressions of one clause.
type exprBinder struct {
	b      *Binder
	sc     *scope // what names mean; nil when there are no columns
	blk    *block // the SELECT block, for calls that become placeholders; nil outside
	clause string // "WHERE", for messages
	agg    bool   // aggregate calls may stand here
	over   bool   // OVER calls may stand here
	inAgg  string // the aggregate whose argument is being bound
	params map[string]*expr.Expr
	match  *matchBinder // in DEFINE and MEASURES
	nav    matchNav
}

// bind types an expression. A column that comes of it is called, in the errors of
// rows, as e reads.
func (x *exprBinder) bind(e ast.Expr) (*expr.Expr, error) {
	v, err := x.bindNode(e)
	if err != nil || v.Op != expr.Col || v.Name != "" {
		return v, err
	}
	c := *v
	c.Name = strings.ReplaceAll(print.Expr(e), "`", "")
	return &c, nil
}

func (x *exprBinder) bindNode(e ast.Expr) (*expr.Expr, error) {
	switch e := e.(type) {
	case *ast.Ident:
		return x.ident(e)
	case *ast.Literal:
		return x.b.literal(e, false)
	case *ast.Interval:
		return x.interval(e)
	case *ast.Symbol:
		return placed(expr.Text(e.Text), posOf(e)), nil
	case *ast.Unary:
		return x.unary(e)
	case *ast.Binary:
		return x.binary(e)
	case *ast.Between:
		return x.between(e)
	case *ast.In:
		return x.in(e)
	case *ast.Quantified:
		return x.quantified(e)
	case *ast.Like:
		return x.like(e)
	case *ast.Is:
		return x.is(e)
	case *ast.Case:
		return x.caseOf(e)
	case *ast.Cast:
		return x.cast(e)
	case *ast.Call:
		return x.bindCall(e)
	case *ast.Subquery:
		return x.scalarSubquery(e)
	case *ast.Exists:
		return x.exists(e)
	}
	return x.constructor(e)
}

// constructor binds what makes and takes apart collections and rows.
func (x *exprBinder) constructor(e ast.Expr) (*expr.Expr, error) {
	switch e := e.(type) {
	case *ast.Index:
		return x.callOf(e, "ITEM", e.X, e.Index)
	case *ast.Field:
		if e.Star {
			return nil, errAt(e, "'.*' may only stand in a select list")
		}
		v, err := x.bind(e.X)
		if err != nil {
			return nil, err
		}
		return fieldOf(v, e, e.Name)
	case *ast.Array:
		return x.collection(e, "ARRAY", e.Elems, e.Query)
	case *ast.Map:
		return x.collection(e, "MAP", e.KeysAndValues, e.Query)
	case *ast.Multiset:
		return x.collection(e, "MULTISET", e.Elems, e.Query)
	case *ast.Row:
		args, err := x.list(e.Elems)
		if err != nil {
			return nil, err
		}
		return rowOf(e, args), nil
	case *ast.AtTimeZone:
		return nil, unsupported(e, "AT TIME ZONE")
	case *ast.Star:
		return nil, errAt(e, "'*' may only stand in a select list or in COUNT(*)")
	case *ast.Default:
		return nil, errAt(e, "DEFAULT is not an expression here")
	case *ast.Param:
		return nil, unsupported(e, "a parameter '?'")
	case *ast.Lambda:
		return nil, unsupported(e, "a lambda")
	case *ast.NamedArg:
		return nil, errAt(e, "the argument '%s =>' is named, but the function takes its arguments by position", e.Name.Text)
	case *ast.TableArg:
		return nil, errAt(e, "a table is not a value: TABLE may only stand in a call of a table function")
	case *ast.Descriptor:
		return nil, errAt(e, "DESCRIPTOR may only stand in a call of a table function")
	case *ast.ModelArg:
		return nil, unsupported(e, "MODEL")
	}
	return nil, unsupported(e, kindOf(e))
}

func (x *exprBinder) ident(id *ast.Ident) (*expr.Expr, error) {
	if p := x.params[id.Path[0].Text]; p != nil {
		return withFields(placed(p, posOf(id)), id, id.Path[1:])
	}
	if x.match != nil && x.sc != nil {
		return x.match.ident(x, id)
	}
	if x.sc == nil {
		if bareCall(id) {
			return x.call(id, "PI")
		}
		if x.params != nil {
			return nil, x.unknownParam(id)
		}
		return nil, errAt(id, "column '%s' cannot be used in %s", id.Path, x.clause)
	}
	e, err := x.sc.resolve(id)
	if err != nil && bareCall(id) {
		return x.call(id, "PI")
	}
	return e, err
}

// unknownParam is the error for a name in a function's body, which sees nothing but
// the function's parameters.
func (x *exprBinder) unknownParam(id *ast.Ident) error {
	name := id.Path[0].Text
	names := slices.Sorted(maps.Keys(x.params))
	err := nearAt(id, name, names, "unknown parameter '%s' in %s", id.Path, x.clause)
	if e := err.(*base.Error); e.Hint == "" {
		e.Hint = "it has no parameters"
		if len(names) > 0 {
			e.Hint = "its parameters are " + strings.Join(names, ", ")
		}
	}
	return err
}

// call makes a call of a function with arguments that are bound; what is wrong
// with it is said at n.
func (x *exprBinder) call(n ast.Node, name string, args ...*expr.Expr) (*expr.Expr, error) {
	return callAt(posOf(n), name, args...)
}

// callAt is the one place where functions are resolved. The result of a call is
// never a time attribute.
func callAt(pos base.Pos, name string, args ...*expr.Expr) (*expr.Expr, error) {
	e, err := expr.NewCall(name, args...)
	if err != nil {
		return nil, atPos(pos, err)
	}
	c := *e
	c.Pos, c.Type = pos, e.Type.Plain()
	return &c, nil
}

// callOf binds the arguments too.
func (x *exprBinder) callOf(n ast.Node, name string, args ...ast.Expr) (*expr.Expr, error) {
	list, err := x.list(args)
	if err != nil {
		return nil, err
	}
	return x.call(n, name, list...)
}

func (x *exprBinder) list(args []ast.Expr) ([]*expr.Expr, error) {
	var out []*expr.Expr
	for _, a := range args {
		e, err := x.bind(a)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// condition binds an expression that must be BOOLEAN.
func (x *exprBinder) condition(e ast.Expr) (*expr.Expr, error) {
	c, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	if c.Type.Kind == types.Null {
		return expr.NullOf(types.TBoolean), nil
	}
	if c.Type.Kind != types.Boolean {
		return nil, errAt(e, "%s must be a BOOLEAN, not %s", x.clause, c.Type.Name())
	}
	return c, nil
}

func (x *exprBinder) unary(e *ast.Unary) (*expr.Expr, error) {
	if l, ok := e.X.(*ast.Literal); ok && e.Op == ast.OpNeg && l.Kind >= ast.LitInt && l.Kind <= ast.LitApprox {
		return x.b.literal(l, true)
	}
	v, err := x.bind(e.X)
	if err != nil {
		return nil, err
	}
	switch e.Op {
	case ast.OpNot:
		return x.call(e, "NOT", v)
	case ast.OpNeg:
		return x.call(e, "-", v)
	}
	if !v.Type.Numeric() && !v.Type.Interval() {
		return nil, errAt(e, "'+' needs a number, not %s", v.Type.Name())
	}
	return v, nil
}

func (x *exprBinder) binary(e *ast.Binary) (*expr.Expr, error) {
	if e.Op == ast.OpOverlaps {
		return x.overlaps(e)
	}
	if e.Op >= ast.OpContains && e.Op <= ast.OpImmediatelySucceeds {
		return nil, unsupported(e, e.Op.String())
	}
	l, err := x.bind(e.L)
	if err != nil {
		return nil, err
	}
	r, err := x.bind(e.R)
	if err != nil {
		return nil, err
	}
	return x.operate(e, e.Op, l, r)
}

// operate makes l op r; rows are compared field by field.
func (x *exprBinder) operate(n ast.Node, op ast.BinaryOp, l, r *expr.Expr) (*expr.Expr, error) {
	if l.Is("ROW") && r.Is("ROW") && (op == ast.OpEq || op == ast.OpNe) {
		eq, err := x.equalRows(n, l, r)
		if err != nil || op == ast.OpEq {
			return eq, err
		}
		return x.call(n, "NOT", eq)
	}
	return x.call(n, op.String(), l, r)
}

func (x *exprBinder) equalRows(n ast.Node, l, r *expr.Expr) (*expr.Expr, error) {
	if len(l.Args) != len(r.Args) {
		return nil, errAt(n, "rows of %d and %d fields cannot be compared", len(l.Args), len(r.Args))
	}
	var parts []*expr.Expr
	for i := range l.Args {
		p, err := x.operate(n, ast.OpEq, l.Args[i], r.Args[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return expr.And(parts), nil
}

func (x *exprBinder) overlaps(e *ast.Binary) (*expr.Expr, error) {
	l, ok := e.L.(*ast.Row)
	r, ok2 := e.R.(*ast.Row)
	if !ok || !ok2 || len(l.Elems) != 2 || len(r.Elems) != 2 {
		return nil, errAt(e, "OVERLAPS takes two periods: (start, end) OVERLAPS (start, end)")
	}
	args, err := x.list([]ast.Expr{l.Elems[0], l.Elems[1], r.Elems[0], r.Elems[1]})
	if err != nil {
		return nil, err
	}
	for _, i := range []int{1, 3} {
		// (start, length) is (start, start + length).
		if args[i].Type.Interval() {
			if args[i], err = x.call(e, "+", args[i-1], args[i]); err != nil {
				return nil, err
			}
		}
	}
	return x.call(e, "OVERLAPS", args...)
}

// between is x >= low AND x <= high.
func (x *exprBinder) between(e *ast.Between) (*expr.Expr, error) {
	args, err := x.list([]ast.Expr{e.X, e.Low, e.High})
	if err != nil {
		return nil, err
	}
	v, low, high := args[0], args[1], args[2]
	within := func(low, high *expr.Expr) (*expr.Expr, error) {
		a, err := x.call(e, ">=", v, low)
		if err != nil {
			return nil, err
		}
		b, err := x.call(e, "<=", v, high)
		if err != nil {
			return nil, err
		}
		return x.call(e, "AND", a, b)
	}
	c, err := within(low, high)
	if err != nil {
		return nil, err
	}
	if e.Symmetric {
		d, err := within(high, low)
		if err != nil {
			return nil, err
		}
		if c, err = x.call(e, "OR", c, d); err != nil {
			return nil, err
		}
	}
	return x.not(e, e.Not, c)
}

func (x *exprBinder) not(n ast.Node, yes bool, e *expr.Expr) (*expr.Expr, error) {
	if !yes {
		return e, nil
	}
	return x.call(n, "NOT", e)
}

// in is a call of IN over constants, otherwise the OR of comparisons.
func (x *exprBinder) in(e *ast.In) (*expr.Expr, error) {
	if e.Query != nil {
		return x.inQuery(e)
	}
	v, err := x.bind(e.X)
	if err != nil {
		return nil, err
	}
	list, err := x.list(e.List)
	if err != nil {
		return nil, err
	}
	constant := !v.Is("ROW")
	for i, c := range list {
		if list[i], err = expr.Fold(c, x.b.env); err != nil {
			return nil, at(e.List[i], err)
		}
		constant = constant && list[i].Op == expr.Lit
	}
	if constant && len(list) > 1 {
		c, err := x.call(e, "IN", append([]*expr.Expr{v}, list...)...)
		if err != nil {
			return nil, err
		}
		return x.not(e, e.Not, c)
	}
	return x.anyOf(e, e.Not, ast.OpEq, v, list, "OR")
}

// anyOf is v op list[0] OR v op list[1] …, or with AND.
func (x *exprBinder) anyOf(n ast.Node, not bool, op ast.BinaryOp, v *expr.Expr, list []*expr.Expr, join string) (*expr.Expr, error) {
	var parts []*expr.Expr
	for _, c := range list {
		p, err := x.operate(n, op, v, c)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	c := parts[0]
	if len(parts) > 1 {
		var err error
		if c, err = x.call(n, join, parts...); err != nil {
			return nil, err
		}
	}
	return x.not(n, not, c)
}

func (x *exprBinder) quantified(e *ast.Quantified) (*expr.Expr, error) {
	if e.Query != nil {
		return x.quantifiedQuery(e)
	}
	v, err := x.bind(e.X)
	if err != nil {
		return nil, err
	}
	list, err := x.list(e.List)
	if err != nil {
		return nil, err
	}
	join := "OR"
	if e.Quantifier == ast.All {
		join = "AND"
	}
	return x.anyOf(e, false, e.Op, v, list, join)
}

var likeNames = [...]string{ast.LikeLike: "LIKE", ast.LikeSimilar: "SIMILAR TO", ast.LikeILike: "ILIKE", ast.LikeRLike: "REGEXP"}

func (x *exprBinder) like(e *ast.Like) (*expr.Expr, error) {
	args := []ast.Expr{e.X, e.Pattern}
	if e.Escape != nil {
		args = append(args, e.Escape)
	}
	c, err := x.callOf(e, likeNames[e.Kind], args...)
	if err != nil {
		return nil, err
	}
	return x.not(e, e.Not, c)
}

var isNames = map[ast.IsKind]string{
	ast.IsNull: "NULL", ast.IsUnknown: "NULL", ast.IsTrue: "TRUE", ast.IsFalse: "FALSE", ast.IsJSON: "JSON VALUE",
	ast.IsJSONObject: "JSON OBJECT", ast.IsJSONArray: "JSON ARRAY", ast.IsJSONScalar: "JSON SCALAR",
}

func (x *exprBinder) is(e *ast.Is) (*expr.Expr, error) {
	name, ok := isNames[e.Kind]
	if !ok {
		return nil, unsupported(e, "IS A SET and IS EMPTY")
	}
	if e.Kind >= ast.IsJSON {
		if e.Not {
			name = "NOT " + name // no negation: both are FALSE for NULL
		}
		return x.callOf(e, "IS "+name, e.X)
	}
	v, err := x.bind(e.X)
	if err != nil {
		return nil, err
	}
	if e.Kind != ast.IsNull && v.Type.Kind != types.Boolean {
		return nil, errAt(e, "IS %s needs a BOOLEAN, not %s", name, v.Type.Name())
	}
	if e.Not {
		name = "NOT " + name
	}
	return x.call(e, "IS "+name, v)
}

// caseOf is CASE(condition, value, …, else).
func (x *exprBinder) caseOf(e *ast.Case) (*expr.Expr, error) {
	var operand *expr.Expr
	var err error
	if e.Operand != nil {
		if operand, err = x.bind(e.Operand); err != nil {
			return nil, err
		}
	}
	var args []*expr.Expr
	cond := *x
	cond.clause = "WHEN"
	for _, w := range e.Whens {
		var c *expr.Expr
		if operand == nil {
			c, err = cond.condition(w.Cond)
		} else {
			c, err = x.matches(operand, w.Cond)
		}
		if err != nil {
			return nil, err
		}
		v, err := x.bind(w.Then)
		if err != nil {
			return nil, err
		}
		args = append(args, c, v)
	}
	last := expr.NullOf(types.TNull)
	if e.Else != nil {
		if last, err = x.bind(e.Else); err != nil {
			return nil, err
		}
	}
	return x.call(e, "CASE", append(args, last)...)
}

// matches is operand = cond, or one of several.
func (x *exprBinder) matches(operand *expr.Expr, cond ast.Expr) (*expr.Expr, error) {
	list := []ast.Expr{cond}
	if r, ok := cond.(*ast.Row); ok && !r.Explicit && !operand.Is("ROW") {
		list = r.Elems
	}
	vals, err := x.list(list)
	if err != nil {
		return nil, err
	}
	return x.anyOf(cond, false, ast.OpEq, operand, vals, "OR")
}

func (x *exprBinder) cast(e *ast.Cast) (*expr.Expr, error) {
	v, err := x.bind(e.X)
	if err != nil {
		return nil, err
	}
	t, err := dataType(e.Type)
	if err != nil {
		return nil, err
	}
	if e.Try {
		c, err := expr.TryCast(v, t)
		if err != nil {
			return nil, at(e, err)
		}
		return plainCast(placed(c, posOf(e))), nil
	}
	if v.Type.Kind == types.Float && t.Kind == types.Double && isConstant(v) {
		// A constant keeps its digits, as in Flink's planner: 0.1 stays 0.1.
		if v, err = expr.Cast(v, types.TString); err != nil {
			return nil, at(e, err)
		}
	}
	return castTo(e, v, t)
}

func isConstant(e *expr.Expr) bool {
	constant := true
	expr.Walk(e, func(e *expr.Expr) bool {
		constant = constant && e.Op != expr.Col
		return constant
	})
	return constant
}

// castTo casts to a type that keeps e's nullability and is no time attribute.
func castTo(n ast.Node, e *expr.Expr, t types.Type) (*expr.Expr, error) {
	c, err := expr.Cast(e, t.Plain())
	if err != nil {
		return nil, at(n, err)
	}
	if c == e {
		return plainCast(e), nil
	}
	return plainCast(placed(c, posOf(n))), nil
}

// plainCast takes the time attribute from what a cast gives: casting a rowtime
// to its own type makes it a common column.
func plainCast(e *expr.Expr) *expr.Expr {
	if !e.Type.Rowtime && !e.Type.Proctime {
		return e
	}
	if e.Op == expr.Col {
		return &expr.Expr{Op: expr.Call, Func: "REINTERPRET", Args: []*expr.Expr{e}, Type: e.Type.Plain(), Pos: e.Pos}
	}
	c := *e
	c.Type = e.Type.Plain()
	return &c
}

// rowOf makes a ROW; its fields are called as Flink calls them.
func rowOf(n ast.Node, args []*expr.Expr) *expr.Expr {
	t := types.Type{Kind: types.Row, NotNull: true}
	for i, a := range args {
		t.Fields = append(t.Fields, types.Field{Name: fmt.Sprintf("EXPR$%d", i), Type: a.Type.Plain()})
	}
	return &expr.Expr{Op: expr.Call, Func: "ROW", Args: args, Type: t, Pos: posOf(n)}
}

func (x *exprBinder) collection(n ast.Node, name string, elems []ast.Expr, q *ast.Query) (*expr.Expr, error) {
	if q != nil {
		return nil, unsupported(n, name+"(SELECT …)")
	}
	return x.callOf(n, name, elems...)
}

// fold returns the constant that an expression without columns is.
func (x *exprBinder) constant(e ast.Expr, what string) (*expr.Expr, error) {
	none := *x
	none.sc, none.blk, none.clause = nil, nil, what
	v, err := none.bind(e)
	if err != nil {
		return nil, err
	}
	if v, err = expr.Fold(v, x.b.env); err != nil {
		return nil, at(e, err)
	}
	if v.Op != expr.Lit {
		return nil, errAt(e, "%s must be a constant", what)
	}
	return v, nil
}

// functionNames are all that a call could have meant.
func (x *exprBinder) functionNames() []string {
	var out []string
	for _, n := range append(fn.Names(), agg.Names()...) {
		if n[0] >= 'A' && n[0] <= 'Z' && !strings.Contains(n, " ") {
			out = append(out, n)
		}
	}
	return append(out, x.b.cat.FunctionNames()...)
}
