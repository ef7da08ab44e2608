package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// specialCalls read the functions with a syntax of their own. Each stands at
// the function's name, with a parenthesis behind it.
var specialCalls map[string]func(*parser) ast.Expr

func init() {
	specialCalls = map[string]func(*parser) ast.Expr{
		"EXTRACT":        (*parser).extract,
		"FLOOR":          (*parser).roundTo,
		"CEIL":           (*parser).roundTo,
		"CEILING":        (*parser).roundTo,
		"TIMESTAMPADD":   (*parser).unitFirst,
		"TIMESTAMPDIFF":  (*parser).unitFirst,
		"POSITION":       (*parser).position,
		"SUBSTRING":      (*parser).substring,
		"OVERLAY":        (*parser).overlay,
		"TRIM":           (*parser).trim,
		"JSON_VALUE":     (*parser).jsonPath,
		"JSON_QUERY":     (*parser).jsonPath,
		"JSON_EXISTS":    (*parser).jsonPath,
		"JSON_OBJECT":    (*parser).jsonObject,
		"JSON_ARRAY":     (*parser).jsonArray,
		"JSON_OBJECTAGG": (*parser).jsonObjectAgg,
		"JSON_ARRAYAGG":  (*parser).jsonArrayAgg,
	}
}

// special begins a call of a function with its own syntax: it reads the name,
// put into upper case, and the opening parenthesis.
func (p *parser) special() *ast.Call {
	t := p.take()
	p.expectOp("(")
	return &ast.Call{Pos: t.pos, Name: ast.Path{{Pos: t.pos, Text: t.up}}}
}

// closed ends a call that special began.
func (p *parser) closed(c *ast.Call) ast.Expr {
	p.expectOp(")")
	p.callTail(c)
	return c
}

// moreArgs reads arguments behind commas.
func (p *parser) moreArgs(c *ast.Call) {
	for p.acceptOp(",") {
		c.Args = append(c.Args, p.arg())
	}
}

// extract reads EXTRACT(unit FROM x).
func (p *parser) extract() ast.Expr {
	c := p.special()
	c.Args = []ast.Expr{p.symbol()}
	p.expect("FROM")
	c.Args = append(c.Args, p.expr())
	return p.closed(c)
}

// roundTo reads FLOOR(x [TO unit]) and CEIL.
func (p *parser) roundTo() ast.Expr {
	t := p.tok()
	c := p.special()
	c.Args = []ast.Expr{p.arg()}
	if p.accept("TO") {
		if t.up == "CEILING" {
			c.Name[0].Text = "CEIL"
		}
		c.Args = append(c.Args, p.symbol())
	} else {
		c.Name[0].Text = t.text
		p.moreArgs(c)
	}
	return p.closed(c)
}

// unitFirst reads TIMESTAMPADD(unit, n, t) and TIMESTAMPDIFF.
func (p *parser) unitFirst() ast.Expr {
	c := p.special()
	c.Args = []ast.Expr{p.symbol()}
	p.moreArgs(c)
	return p.closed(c)
}

// position reads POSITION(a IN b [FROM n]). IN is no operator inside of a.
func (p *parser) position() ast.Expr {
	c := p.special()
	c.Args = []ast.Expr{p.binary(precRange + 1)}
	p.expect("IN")
	c.Args = append(c.Args, p.expr())
	if p.accept("FROM") {
		c.Args = append(c.Args, p.expr())
	}
	return p.closed(c)
}

// substring reads SUBSTRING(s FROM a [FOR n]) and SUBSTRING(s, a, n).
func (p *parser) substring() ast.Expr {
	c := p.special()
	c.Args = []ast.Expr{p.expr()}
	if p.accept("FROM") {
		c.Args = append(c.Args, p.expr())
		if p.accept("FOR") {
			c.Args = append(c.Args, p.expr())
		}
	} else {
		p.moreArgs(c)
	}
	return p.closed(c)
}

// overlay reads OVERLAY(a PLACING b FROM i [FOR n]) and the form with commas.
func (p *parser) overlay() ast.Expr {
	c := p.special()
	c.Args = []ast.Expr{p.expr()}
	if p.accept("PLACING") {
		c.Args = append(c.Args, p.expr())
		p.expect("FROM")
		c.Args = append(c.Args, p.expr())
		if p.accept("FOR") {
			c.Args = append(c.Args, p.expr())
		}
	} else {
		p.moreArgs(c)
	}
	return p.closed(c)
}

// trim reads TRIM([BOTH|LEADING|TRAILING] [chars] FROM s) and TRIM(s).
func (p *parser) trim() ast.Expr {
	c := p.special()
	side := &ast.Symbol{Pos: p.pos(), Text: p.oneOf("BOTH", "LEADING", "TRAILING")}
	written := side.Text != ""
	if !written {
		side.Text = "BOTH"
	}
	chars := ast.Expr(&ast.Literal{Pos: p.pos(), Kind: ast.LitString, Text: " "})
	var s ast.Expr
	switch {
	case p.accept("FROM"):
		s = p.expr()
	default:
		x := p.expr()
		switch {
		case p.accept("FROM"):
			chars, s = x, p.expr()
		case written:
			p.fail("FROM")
		default:
			s = x
		}
	}
	c.Args = []ast.Expr{side, chars, s}
	return p.closed(c)
}
