package bind

import (
	"strings"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// inlineMax is how deep functions with SQL bodies may call each other.
const inlineMax = 32

// bindCall binds a call by name: an OVER call, an aggregate, a grouping
// function, a property of a group window, a user's function or a scalar one.
func (x *exprBinder) bindCall(c *ast.Call) (*expr.Expr, error) {
	name := strings.ToUpper(c.Name.Last())
	if f := x.b.cat.Function(c.Name.Strings()...); f != nil {
		return x.userCall(c, f)
	}
	if len(c.Name) > 1 {
		return nil, errAt(c, "unknown function '%s'", c.Name)
	}
	switch {
	case c.Over != nil:
		return x.overCall(c, name)
	case isAgg(name):
		return x.aggCall(c, name)
	case onlyOver(name):
		return nil, errAt(c, "%s needs an OVER clause", name)
	case name == "GROUPING" || name == "GROUPING_ID" || name == "GROUP_ID":
		return x.groupingCall(c, name)
	case legacyProp(name):
		return x.windowProp(c, name)
	case legacyWindow(name):
		return nil, errAt(c, "%s is a group window and may only stand in GROUP BY; as a table function write TABLE(%s(TABLE t, DESCRIPTOR(time), …))", name, name)
	}
	if c.Distinct || c.Star || c.Filter != nil || len(c.OrderBy) > 0 || len(c.WithinGroup) > 0 || c.Nulls != ast.NullsUnset {
		return nil, errAt(c, "%s is not an aggregate: DISTINCT, *, FILTER, ORDER BY and IGNORE NULLS do not apply to it", name)
	}
	return x.scalarCall(c, name)
}

func (x *exprBinder) scalarCall(c *ast.Call, name string) (*expr.Expr, error) {
	if c.JSON != nil {
		return x.jsonCall(c, name)
	}
	args, err := x.list(c.Args)
	if err != nil {
		return nil, err
	}
	if name == "PROCTIME" && len(args) == 0 {
		t := types.LTZOf(3).Nullable(false)
		t.Proctime = true
		return &expr.Expr{Op: expr.Call, Func: name, Type: t, Pos: posOf(c)}, nil
	}
	if fn.Lookup(name) == nil {
		return nil, nearAt(c, name, x.functionNames(), "unknown function '%s'", c.Name)
	}
	return x.call(c, name, args...)
}

// userCall writes out a function with a SQL body.
func (x *exprBinder) userCall(c *ast.Call, f *catalog.Function) (*expr.Expr, error) {
	if f.Body == nil {
		return nil, unsupported(c, "a function of class '"+f.Class+"'")
	}
	if len(c.Args) != len(f.Params) {
		return nil, errAt(c, "function '%s' takes %d arguments, not %d", f.Path.Name, len(f.Params), len(c.Args))
	}
	if x.b.depth >= inlineMax {
		return nil, errAt(c, "function '%s' is nested more than %d deep: does it call itself?", f.Path.Name, inlineMax)
	}
	params := map[string]*expr.Expr{}
	for i, p := range f.Params {
		a, err := x.bind(c.Args[i])
		if err != nil {
			return nil, err
		}
		if !expr.CanCast(a.Type, p.Type, true) {
			return nil, errAt(c.Args[i], "argument '%s' of '%s' is %s, not %s", p.Name, f.Path.Name, p.Type.Name(), a.Type.Name())
		}
		if params[p.Name], err = castTo(c.Args[i], a, p.Type); err != nil {
			return nil, err
		}
	}
	x.b.depth++
	defer func() { x.b.depth-- }()
	body := exprBinder{b: x.b, clause: "the body of function '" + f.Path.Name + "'", params: params}
	e, err := body.bind(f.Body)
	if err != nil {
		return nil, errAt(c, "function '%s': %v", f.Path.Name, err)
	}
	if e, err = castTo(c, e, f.Returns); err != nil {
		return nil, err
	}
	return placed(e, posOf(c)), nil
}

var jsonBehaviors = [...]string{ast.JSONNull: "NULL", ast.JSONError: "ERROR", ast.JSONDefault: "DEFAULT",
	ast.JSONEmptyArray: "EMPTY ARRAY", ast.JSONEmptyObject: "EMPTY OBJECT", ast.JSONTrue: "TRUE", ast.JSONFalse: "FALSE", ast.JSONUnknown: "UNKNOWN"}

// jsonCall passes the clauses of a JSON function as constants behind its arguments:
//
//	JSON_VALUE(x, path, on empty, its default, on error, its default), cast to RETURNING
//	JSON_QUERY(x, path, wrapper, on empty, on error, quotes)
//	JSON_EXISTS(x, path, on error)
//	JSON_OBJECT('NULL' or 'ABSENT', k, v, …), JSON_ARRAY('NULL' or 'ABSENT', v, …)
func (x *exprBinder) jsonCall(c *ast.Call, name string) (*expr.Expr, error) {
	args, err := x.list(c.Args)
	if err != nil {
		return nil, err
	}
	j := c.JSON
	behavior := func(b *ast.JSONBehavior, def string) (*expr.Expr, *expr.Expr, error) {
		if b == nil {
			return expr.Text(def), expr.NullOf(types.TString), nil
		}
		if b.Kind != ast.JSONDefault {
			return expr.Text(jsonBehaviors[b.Kind]), expr.NullOf(types.TString), nil
		}
		d, err := x.bind(b.Default)
		if err != nil {
			return nil, nil, err
		}
		text, err := castTo(b.Default, d, types.TString)
		return expr.Text("DEFAULT"), text, err
	}
	empty, emptyValue, err := behavior(j.OnEmpty, "NULL")
	if err != nil {
		return nil, err
	}
	def := "NULL"
	if name == "JSON_EXISTS" {
		def = "FALSE"
	}
	fail, failValue, err := behavior(j.OnError, def)
	if err != nil {
		return nil, err
	}
	switch name {
	case "JSON_VALUE":
		e, err := x.call(c, name, append(args, empty, emptyValue, fail, failValue)...)
		if err != nil || j.Returning == nil {
			return e, err
		}
		return x.returning(c, e)
	case "JSON_EXISTS":
		return x.call(c, name, append(args, fail)...)
	case "JSON_QUERY":
		wrapper := [...]string{"WITHOUT", "WITHOUT", "WITH", "CONDITIONAL"}[j.Wrapper]
		quotes := [...]string{"KEEP", "KEEP", "OMIT"}[j.Quotes]
		e, err := x.call(c, name, append(args, expr.Text(wrapper), empty, fail, expr.Text(quotes))...)
		if err != nil || j.Returning == nil {
			return e, err
		}
		return x.returning(c, e)
	case "JSON_OBJECT", "JSON_ARRAY":
		null := "NULL"
		if j.OnNull == ast.JSONAbsentOnNull || j.OnNull == ast.JSONNullUnset && name == "JSON_ARRAY" {
			null = "ABSENT"
		}
		return x.call(c, name, append([]*expr.Expr{expr.Text(null)}, args...)...)
	}
	return x.call(c, name, args...)
}

func (x *exprBinder) returning(c *ast.Call, e *expr.Expr) (*expr.Expr, error) {
	t, err := dataType(c.JSON.Returning)
	if err != nil {
		return nil, err
	}
	return castTo(c.JSON.Returning, e, t)
}
