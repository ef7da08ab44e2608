package print

import (
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
)

// specialShapes say for each function with a syntax of its own whether a call
// has the arguments that the syntax can express. One that has not was written
// with its name in back-ticks, as a function of the user.
var specialShapes = map[string]func(*ast.Call) bool{
	"EXTRACT":        func(c *ast.Call) bool { return len(c.Args) == 2 && isSymbol(c, 0) && isExpr(c, 1) },
	"FLOOR":          func(c *ast.Call) bool { return len(c.Args) > 0 },
	"CEIL":           func(c *ast.Call) bool { return len(c.Args) > 0 },
	"CEILING":        func(c *ast.Call) bool { return len(c.Args) > 0 && !isSymbol(c, 1) },
	"TIMESTAMPADD":   func(c *ast.Call) bool { return isSymbol(c, 0) },
	"TIMESTAMPDIFF":  func(c *ast.Call) bool { return isSymbol(c, 0) },
	"POSITION":       func(c *ast.Call) bool { n := len(c.Args); return (n == 2 || n == 3) && isExpr(c, 0, 1, 2) },
	"SUBSTRING":      func(c *ast.Call) bool { return len(c.Args) > 0 && isExpr(c, 0) },
	"OVERLAY":        func(c *ast.Call) bool { return len(c.Args) > 0 && isExpr(c, 0) },
	"TRIM":           func(c *ast.Call) bool { return len(c.Args) == 3 && isSymbol(c, 0) && isExpr(c, 1, 2) },
	"JSON_VALUE":     func(c *ast.Call) bool { return len(c.Args) > 0 && isExpr(c, 0) },
	"JSON_QUERY":     func(c *ast.Call) bool { return len(c.Args) > 0 && isExpr(c, 0) },
	"JSON_EXISTS":    func(c *ast.Call) bool { return len(c.Args) > 0 && isExpr(c, 0) },
	"JSON_OBJECT":    func(c *ast.Call) bool { return len(c.Args)%2 == 0 && allExprs(c) },
	"JSON_ARRAY":     allExprs,
	"JSON_OBJECTAGG": func(c *ast.Call) bool { return len(c.Args) == 2 && allExprs(c) },
	"JSON_ARRAYAGG":  func(c *ast.Call) bool { return len(c.Args) == 1 && allExprs(c) },
}

// isSymbol reports whether argument i is a Symbol.
func isSymbol(c *ast.Call, i int) bool {
	if i >= len(c.Args) {
		return false
	}
	_, ok := c.Args[i].(*ast.Symbol)
	return ok
}

// isExpr reports whether the arguments at these places, as far as there are
// any, are plain expressions.
func isExpr(c *ast.Call, at ...int) bool {
	for _, i := range at {
		if i >= len(c.Args) {
			continue
		}
		switch c.Args[i].(type) {
		case *ast.NamedArg, *ast.TableArg, *ast.ModelArg, *ast.Descriptor, *ast.Lambda, *ast.Star, *ast.Symbol:
			return false
		}
	}
	return true
}

func allExprs(c *ast.Call) bool {
	for i := range c.Args {
		if !isExpr(c, i) {
			return false
		}
	}
	return true
}

// call writes a call inside of an expression.
func (p *printer) call(c *ast.Call) {
	switch c.Running {
	case ast.Running:
		p.put("RUNNING ")
	case ast.Final:
		p.put("FINAL ")
	}
	name := c.Name[0].Text
	if c.NoParens {
		p.put(name)
		return
	}
	shape := specialShapes[upper(name)]
	if len(c.Name) > 1 || shape == nil {
		p.plainCall(c)
		return
	}
	// FLOOR(x) keeps the case of its name, the other special forms do not.
	same := name == upper(name) || upper(name) == "FLOOR" || upper(name) == "CEIL" || upper(name) == "CEILING"
	aggregate := c.Distinct || c.Star || len(c.OrderBy) > 0
	if upper(name) == "JSON_ARRAYAGG" {
		aggregate = c.Star
	}
	if !same || aggregate || !shape(c) || isSymbol(c, 1) && len(c.Args) > 2 {
		p.quotedCall(c)
		return
	}
	p.put(name, "(")
	p.when(c.Distinct, "DISTINCT ")
	p.specialArgs(c, name)
	p.innerClauses(c)
	p.put(")")
	p.callTail(c)
}

// specialArgs writes the arguments of a function with a syntax of its own.
func (p *printer) specialArgs(c *ast.Call, name string) {
	a := c.Args
	switch {
	case name == "EXTRACT":
		p.top(a[0])
		p.put(" FROM ")
		p.top(a[1])
	case isSymbol(c, 1):
		p.top(a[0])
		p.put(" TO ")
		p.top(a[1])
	case name == "TRIM":
		p.top(a[0])
		p.put(" ")
		p.top(a[1])
		p.put(" FROM ")
		p.top(a[2])
	case name == "POSITION":
		p.expr(a[0], precRange+1)
		p.put(" IN ")
		p.top(a[1])
		if len(a) == 3 {
			p.put(" FROM ")
			p.top(a[2])
		}
	case name == "JSON_OBJECT" || name == "JSON_OBJECTAGG":
		for i := 0; i < len(a); i += 2 {
			p.when(i > 0, ", ")
			p.put("KEY ")
			p.top(a[i])
			p.put(" VALUE ")
			p.top(a[i+1])
		}
	default:
		list(p, a, ", ", p.top)
	}
}

// plainCall writes f(…), the name without back-ticks where it can be.
func (p *printer) plainCall(c *ast.Call) {
	name := c.Name[0].Text
	bare := len(c.Name) == 1 && isWord(name) && parse.Callable(name)
	if u := upper(name); u == "DESCRIPTOR" || u == "SOME" {
		bare = false // DESCRIPTOR(a) and = SOME (…) are something else
	}
	if !bare {
		p.quotedCall(c)
		return
	}
	p.put(name)
	p.args(c)
}

// quotedCall writes f(…) with the name in back-ticks.
func (p *printer) quotedCall(c *ast.Call) {
	p.path(c.Name)
	p.args(c)
}

// args writes the parentheses of a call and what follows them.
func (p *printer) args(c *ast.Call) {
	p.put("(")
	p.when(c.Distinct, "DISTINCT ")
	p.when(c.Star, "*")
	list(p, c.Args, ", ", p.top)
	p.innerClauses(c)
	p.put(")")
	p.callTail(c)
}

// innerClauses writes the clauses inside of the parentheses.
func (p *printer) innerClauses(c *ast.Call) {
	if len(c.OrderBy) > 0 {
		p.put(" ORDER BY ")
		list(p, c.OrderBy, ", ", p.sortItem)
	}
	if c.JSON != nil {
		p.json(c.JSON)
	}
}

func (p *printer) callTail(c *ast.Call) {
	switch c.Nulls {
	case ast.IgnoreNulls:
		p.put(" IGNORE NULLS")
	case ast.RespectNulls:
		p.put(" RESPECT NULLS")
	}
	if len(c.WithinGroup) > 0 {
		p.put(" WITHIN GROUP (ORDER BY ")
		list(p, c.WithinGroup, ", ", p.sortItem)
		p.put(")")
	}
	if c.Filter != nil {
		p.put(" FILTER (WHERE ")
		p.top(c.Filter)
		p.put(")")
	}
	if c.Over != nil {
		p.put(" OVER ")
		p.window(c.Over)
	}
}

func (p *printer) tableArg(a *ast.TableArg) {
	p.put("TABLE ")
	switch {
	case a.Query != nil:
		p.inner(a.Query)
	case a.Call != nil:
		p.plainCall(a.Call)
	default:
		p.path(a.Name)
	}
	if len(a.PartitionBy) > 0 {
		p.put(" PARTITION BY ")
		p.exprs(a.PartitionBy)
	}
	if len(a.OrderBy) > 0 {
		p.put(" ORDER BY ")
		parens(p, a.OrderBy, p.sortItem)
	}
}
