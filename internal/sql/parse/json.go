package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// jsonPath reads JSON_VALUE, JSON_QUERY and JSON_EXISTS(x, path clauses).
func (p *parser) jsonPath() ast.Expr {
	c := p.special()
	c.Args = []ast.Expr{p.expr()}
	p.moreArgs(c)
	j := &ast.JSONClauses{}
	some := false
	for p.err == nil && p.jsonClause(j, c.Name[0].Text) {
		some = true
	}
	if some {
		c.JSON = j
	}
	return p.closed(c)
}

// jsonClause reads one clause of JSON_VALUE, JSON_QUERY or JSON_EXISTS; it
// reports whether one came.
func (p *parser) jsonClause(j *ast.JSONClauses, name string) bool {
	query := name == "JSON_QUERY"
	switch {
	case name != "JSON_EXISTS" && j.Returning == nil && p.accept("RETURNING"):
		j.Returning = p.typeName()
	case query && p.accept("WITHOUT"):
		p.accept("ARRAY")
		p.expect("WRAPPER")
		j.Wrapper = ast.JSONWithoutWrapper
	case query && p.accept("WITH"):
		j.Wrapper = ast.JSONWithWrapper
		if p.oneOf("CONDITIONAL", "UNCONDITIONAL") == "CONDITIONAL" {
			j.Wrapper = ast.JSONWithConditionalWrapper
		}
		p.accept("ARRAY")
		p.expect("WRAPPER")
	case query && p.accept("KEEP", "QUOTES"):
		j.Quotes = ast.JSONKeepQuotes
	case query && p.accept("OMIT", "QUOTES"):
		j.Quotes = ast.JSONOmitQuotes
	default:
		return p.jsonBehavior(j)
	}
	return true
}

// jsonBehavior reads … ON EMPTY or … ON ERROR.
func (p *parser) jsonBehavior(j *ast.JSONClauses) bool {
	b := &ast.JSONBehavior{Pos: p.pos()}
	switch p.oneOf("NULL", "ERROR", "DEFAULT", "EMPTY", "TRUE", "FALSE", "UNKNOWN") {
	case "NULL":
	case "ERROR":
		b.Kind = ast.JSONError
	case "DEFAULT":
		b.Kind = ast.JSONDefault
		b.Default = p.expr()
	case "EMPTY":
		b.Kind = ast.JSONEmptyArray
		if p.oneOf("ARRAY", "OBJECT") == "OBJECT" {
			b.Kind = ast.JSONEmptyObject
		}
	case "TRUE":
		b.Kind = ast.JSONTrue
	case "FALSE":
		b.Kind = ast.JSONFalse
	case "UNKNOWN":
		b.Kind = ast.JSONUnknown
	default:
		return false
	}
	p.expect("ON")
	if p.expectOneOf("EMPTY", "ERROR") == "EMPTY" {
		j.OnEmpty = b
	} else {
		j.OnError = b
	}
	return true
}

// jsonOnNull reads [NULL ON NULL | ABSENT ON NULL] into c.
func (p *parser) jsonOnNull(c *ast.Call) {
	var k ast.JSONNullClause
	switch {
	case p.accept("NULL", "ON", "NULL"):
		k = ast.JSONNullOnNull
	case p.accept("ABSENT", "ON", "NULL"):
		k = ast.JSONAbsentOnNull
	default:
		return
	}
	c.JSON = &ast.JSONClauses{OnNull: k}
}

// jsonPair reads [KEY] k VALUE v, or k : v.
func (p *parser) jsonPair(c *ast.Call) {
	key := p.tok().isWord("KEY") && !p.ahead(1).isWord("VALUE") && !p.ahead(1).isPunct(":") && !p.ahead(1).isPunct(",")
	if key {
		p.i++
	}
	k := p.expr()
	if !p.accept("VALUE") && !p.acceptOp(":") {
		p.fail()
	}
	c.Args = append(c.Args, k, p.expr())
}

// jsonObject reads JSON_OBJECT(KEY k VALUE v, … [NULL|ABSENT ON NULL]).
func (p *parser) jsonObject() ast.Expr {
	c := p.special()
	if !p.atOnNull() && !p.isOp(")") {
		p.jsonPair(c)
		for p.acceptOp(",") {
			p.jsonPair(c)
		}
	}
	p.jsonOnNull(c)
	return p.closed(c)
}

// jsonArray reads JSON_ARRAY(a, b [NULL|ABSENT ON NULL]).
func (p *parser) jsonArray() ast.Expr {
	c := p.special()
	if !p.atOnNull() && !p.isOp(")") {
		c.Args = list(p, (*parser).expr)
	}
	p.jsonOnNull(c)
	return p.closed(c)
}

// atOnNull reports whether a null clause stands where arguments would.
func (p *parser) atOnNull() bool { return p.ahead(1).isWord("ON") }

// jsonObjectAgg reads JSON_OBJECTAGG([KEY] k VALUE v [NULL|ABSENT ON NULL]).
func (p *parser) jsonObjectAgg() ast.Expr {
	c := p.special()
	p.jsonPair(c)
	p.jsonOnNull(c)
	return p.closed(c)
}

// jsonArrayAgg reads JSON_ARRAYAGG(v [ORDER BY …] [NULL|ABSENT ON NULL]).
func (p *parser) jsonArrayAgg() ast.Expr {
	c := p.special()
	c.Distinct = p.accept("DISTINCT")
	c.Args = []ast.Expr{p.expr()}
	p.innerClauses(c)
	p.jsonOnNull(c)
	return p.closed(c)
}
