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
	f, err := x.b.cat.Function(c.Name.Strings()...)
	if err != nil {
		return nil, at(c, err)
	}
	if f != nil {
		if !f.System {
			x.b.note(&c.Name, f.Path)
		}
		return x.userCall(c, f)
	}
	if len(c.Name) > 1 {
		return nil, errAt(c, "unknown function '%s'", c.Name)
	}
	if x.match != nil {
		if e, err := x.match.call(x, c, name); e != nil || err != nil {
			return e, err
		}
	}
	switch {
	case name == "MATCH_ROWTIME" || name == "MATCH_PROCTIME":
		return nil, errAt(c, "Function '%s()' can only be used in MATCH_RECOGNIZE.", name)
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
	if fn.Lookup(name) == nil && (c.Distinct || c.Star || c.Filter != nil) {
		return nil, nearAt(c, name, x.functionNames(), "unknown function '%s'", c.Name)
	}
	if c.Distinct || c.Star || c.Filter != nil || len(c.OrderBy) > 0 || len(c.WithinGroup) > 0 || c.Nulls != ast.NullsUnset {
		return nil, errAt(c, "%s is not an aggregate: DISTINCT, *, FILTER, ORDER BY and IGNORE NULLS do not apply to it", name)
	}
	return x.scalarCall(c, name)
}

func (x *exprBinder) scalarCall(c *ast.Call, name string) (*expr.Expr, error) {
	if c.JSON != nil || name == "JSON_OBJECT" || name == "JSON_ARRAY" {
		return x.jsonCall(c, name)
	}
	args, err := x.list(c.Args)
	if err != nil {
		return nil, err
	}
	if e, ok, err := x.sessionCall(c, name, len(args)); ok {
		return e, err
	}
	if fn.Lookup(name) == nil {
		return nil, nearAt(c, name, x.functionNames(), "unknown function '%s'", c.Name)
	}
	return x.call(c, name, args...)
}

// goFunction is the name in the registry of the function that stands for a class:
// that of the class itself, com.example.CountChar is COUNT_CHAR.
func goFunction(class string) string {
	name := class[strings.LastIndexAny(class, ".$")+1:]
	var out []byte
	for i := range len(name) {
		if upper := name[i] >= 'A' && name[i] <= 'Z'; upper && i > 0 && (name[i-1] < 'A' || name[i-1] > 'Z') {
			out = append(out, '_')
		}
		out = append(out, name[i])
	}
	return strings.ToUpper(string(out))
}

// standsForClass reports whether a function may be taken for a class of its name: one
// that the program has registered, or that of the Nexmark benchmark. A built-in
// function need not do what somebody's class of the same name does.
func standsForClass(name string) bool { return fn.User(name) || name == "COUNT_CHAR" }

// userCall writes out a function with a SQL body, or calls the Go function that
// stands for a class.
func (x *exprBinder) userCall(c *ast.Call, f *catalog.Function) (*expr.Expr, error) {
	if f.Body == nil {
		return x.scalarCall(c, goFunction(f.Class))
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

// jsonCall passes the clauses of a JSON function as constants, in the form that
// fn/scalar/json.go takes. RETURNING is a TRY_CAST around the call.
func (x *exprBinder) jsonCall(c *ast.Call, name string) (*expr.Expr, error) {
	j := c.JSON
	if j == nil {
		j = &ast.JSONClauses{}
	}
	args, err := x.list(c.Args)
	if err != nil {
		return nil, err
	}
	switch name {
	case "JSON_EXISTS":
		fail, _, err := x.jsonBehavior(j.OnError, "FALSE")
		if err != nil {
			return nil, err
		}
		args = append(args, fail)
	case "JSON_VALUE":
		for _, b := range []*ast.JSONBehavior{j.OnEmpty, j.OnError} {
			word, def, err := x.jsonBehavior(b, "NULL")
			if err != nil {
				return nil, err
			}
			args = append(args, word, def)
		}
	case "JSON_QUERY":
		if j.Quotes == ast.JSONOmitQuotes {
			return nil, unsupported(c, "OMIT QUOTES")
		}
		args = append(args, expr.Text([...]string{"WITHOUT", "WITHOUT", "UNCONDITIONAL", "CONDITIONAL"}[j.Wrapper]))
		for _, b := range []*ast.JSONBehavior{j.OnEmpty, j.OnError} {
			word, _, err := x.jsonBehavior(b, "NULL")
			if err != nil {
				return nil, err
			}
			args = append(args, word)
		}
	case "JSON_OBJECT", "JSON_ARRAY":
		null := "NULL"
		if j.OnNull == ast.JSONAbsentOnNull || j.OnNull == ast.JSONNullUnset && name == "JSON_ARRAY" {
			null = "ABSENT"
		}
		args = append([]*expr.Expr{expr.Text(null)}, args...)
	}
	e, err := x.call(c, name, args...)
	if err != nil || j.Returning == nil {
		return e, err
	}
	t, err := dataType(j.Returning)
	if err != nil {
		return nil, err
	}
	if name == "JSON_QUERY" && t.Kind == types.Array {
		if !t.Elem.Character() {
			return nil, errAt(j.Returning, "JSON_QUERY gives STRING or ARRAY<STRING>, not %s", t.Name())
		}
		return x.call(c, "RETURNING ARRAY", e)
	}
	if e, err = expr.TryCast(e, t); err != nil {
		return nil, at(j.Returning, err)
	}
	return placed(e, posOf(c)), nil
}

// jsonBehavior is the word of ON EMPTY or ON ERROR, and its default as a text.
func (x *exprBinder) jsonBehavior(b *ast.JSONBehavior, def string) (word, value *expr.Expr, err error) {
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
	value, err = castTo(b.Default, d, types.TString)
	return expr.Text("DEFAULT"), value, err
}
