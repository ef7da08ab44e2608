package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// expr reads a scalar expression.
func (p *parser) expr() ast.Expr {
	if p.exprDepth == 0 {
		p.links = 0
	}
	p.exprDepth++
	x := p.binary(0)
	p.exprDepth--
	return x
}

// noExpr stands where an expression failed, so that no tree has a nil in it.
func noExpr() ast.Expr { return &ast.Literal{} }

// binary reads an expression of operators that bind at least as strongly as min.
func (p *parser) binary(min int) ast.Expr {
	if !p.enter() {
		return noExpr()
	}
	x := p.prefix()
	for {
		next := p.infix(x, min)
		if next == nil {
			break
		}
		x = next
		if !p.link(&p.links) {
			break
		}
	}
	p.leave()
	return x
}

// prefix reads a primary with the operators before it.
func (p *parser) prefix() ast.Expr {
	t := p.tok()
	switch {
	case t.isWord("NOT"):
		p.i++
		return &ast.Unary{Pos: t.pos, Op: ast.OpNot, X: p.binary(precNot)}
	case t.isPunct("-"):
		p.i++
		return &ast.Unary{Pos: t.pos, Op: ast.OpNeg, X: p.binary(precUnary)}
	case t.isPunct("+"):
		p.i++
		return &ast.Unary{Pos: t.pos, Op: ast.OpPos, X: p.binary(precUnary)}
	}
	return p.postfix(p.primary())
}

// postfix reads what binds closest: x[i], x.field, x AT TIME ZONE z.
func (p *parser) postfix(x ast.Expr) ast.Expr {
	for {
		t := p.tok()
		switch {
		case t.isPunct("["):
			p.i++
			x = &ast.Index{Pos: t.pos, X: x, Index: p.expr()}
			p.expectOp("]")
		case t.isPunct("."):
			p.i++
			f := &ast.Field{Pos: t.pos, X: x}
			if f.Star = p.acceptOp("*"); !f.Star {
				f.Name = p.name()
			}
			x = f
		case t.isWord("AT"):
			p.i++
			z := &ast.AtTimeZone{Pos: t.pos, X: x}
			if !p.accept("LOCAL") {
				p.expect("TIME", "ZONE")
				z.Zone = p.binary(precUnary)
			}
			x = z
		default:
			return x
		}
		if !p.link(&p.links) {
			return x
		}
	}
}

// atExprStart reports whether an expression can begin at the current token.
func (p *parser) atExprStart() bool {
	t := p.tok()
	switch t.kind {
	case tWord:
		if structural[t.up] {
			return exprWords[t.up]
		}
		return !reserved[t.up] || niladic[t.up] || p.ahead(1).isPunct("(") || p.ahead(1).kind == tString
	case tPunct:
		return t.text == "(" || t.text == "-" || t.text == "+" || t.text == "?"
	case tEOF, tHintOpen, tHintClose, tBad:
		return false
	}
	return true
}

// exprWords are the structural words that begin an expression or stand in GROUP BY.
var exprWords = wordSet(`
CASE CAST CUBE DEFAULT EXISTS FALSE INTERVAL MULTISET NOT NULL ROLLUP ROW TRUE
TRY_CAST UNKNOWN
`)

// primary reads an expression without operators around it.
func (p *parser) primary() ast.Expr {
	t := p.tok()
	switch t.kind {
	case tInt, tDecimal, tApprox:
		p.i++
		return &ast.Literal{Pos: t.pos, Kind: numberKind[t.kind], Text: t.text}
	case tString, tUnicode:
		return p.stringLiteral()
	case tBinary:
		p.i++
		return &ast.Literal{Pos: t.pos, Kind: ast.LitBinary, Text: t.text}
	case tQuoted:
		return p.pathOrCall()
	case tWord:
		return p.wordPrimary()
	case tPunct:
		switch t.text {
		case "(":
			return p.parens()
		case "?":
			return p.param()
		}
	}
	p.fail(wantExpr)
	return noExpr()
}

var numberKind = map[kind]ast.LiteralKind{
	tInt: ast.LitInt, tDecimal: ast.LitDecimal, tApprox: ast.LitApprox,
}

func (p *parser) param() ast.Expr {
	x := &ast.Param{Pos: p.pos(), Index: p.params}
	p.i++
	p.params++
	return x
}

// wordPrimary reads an expression that begins with a word.
func (p *parser) wordPrimary() ast.Expr {
	t := p.tok()
	if f := keywordExprs[t.up]; f != nil {
		if x := f(p); x != nil {
			return x
		}
	}
	switch {
	case p.ahead(1).isPunct("(") && !structural[t.up]:
		if f := specialCalls[t.up]; f != nil {
			return f(p)
		}
	case niladic[t.up]:
		p.i++
		return &ast.Call{Pos: t.pos, Name: ast.Path{{Pos: t.pos, Text: t.up}}, NoParens: true}
	case p.atMeasurePrefix():
		return p.measureCall()
	case reserved[t.up]:
		p.guess("CASE", "CAST", "EXISTS", "INTERVAL", "NULL", "TRUE", "FALSE", "ROW", "NOT")
		p.fail(wantExpr)
		return noExpr()
	}
	return p.pathOrCall()
}

// keywordExprs read the expressions that a keyword begins. Each returns nil,
// with nothing read, where the word is only a name.
var keywordExprs map[string]func(*parser) ast.Expr

func init() {
	keywordExprs = map[string]func(*parser) ast.Expr{
		"NULL":      func(p *parser) ast.Expr { return p.constant(ast.LitNull, "") },
		"TRUE":      func(p *parser) ast.Expr { return p.constant(ast.LitBool, "TRUE") },
		"FALSE":     func(p *parser) ast.Expr { return p.constant(ast.LitBool, "FALSE") },
		"UNKNOWN":   func(p *parser) ast.Expr { return p.constant(ast.LitUnknown, "") },
		"DEFAULT":   func(p *parser) ast.Expr { return &ast.Default{Pos: p.take().pos} },
		"DATE":      func(p *parser) ast.Expr { return p.timeLiteral(ast.LitDate) },
		"TIME":      func(p *parser) ast.Expr { return p.timeLiteral(ast.LitTime) },
		"TIMESTAMP": func(p *parser) ast.Expr { return p.timeLiteral(ast.LitTimestamp) },
		"INTERVAL":  (*parser).interval,
		"CASE":      (*parser).caseExpr,
		"CAST":      (*parser).cast,
		"TRY_CAST":  (*parser).cast,
		"EXISTS":    (*parser).exists,
		"ARRAY":     (*parser).array,
		"MAP":       (*parser).mapExpr,
		"MULTISET":  (*parser).multiset,
		"ROW":       (*parser).row,
	}
}

func (p *parser) constant(k ast.LiteralKind, text string) ast.Expr {
	return &ast.Literal{Pos: p.take().pos, Kind: k, Text: text}
}

// pathOrCall reads a.b.c or a.b.f(…).
func (p *parser) pathOrCall() ast.Expr {
	pos := p.pos()
	if n := p.pathLen(); n > 0 && p.ahead(n).isPunct("(") {
		return p.call(p.funcPath(n), pos)
	}
	p.note(wantExpr)
	return &ast.Ident{Pos: pos, Path: p.path()}
}

// funcPath reads the n tokens of a function's name, where reserved words are allowed.
func (p *parser) funcPath(n int) ast.Path {
	var path ast.Path
	for end := p.i + n; p.i < end; p.i++ {
		if t := p.tok(); t.kind != tPunct {
			path = append(path, ast.Name{Pos: t.pos, Text: t.text})
		}
	}
	return path
}

// parens reads (query), (expr) or (a, b).
func (p *parser) parens() ast.Expr {
	pos := p.pos()
	p.i++
	if atQuery(p.tok(), p.ahead(1)) {
		q := p.query()
		p.expectOp(")")
		return &ast.Subquery{Pos: pos, Query: q}
	}
	p.note("SELECT")
	start := p.i
	x := p.expr()
	// ((SELECT …) UNION …): what was read as a value is the query's first part.
	if s, ok := x.(*ast.Subquery); ok && p.atTail() {
		x = &ast.Subquery{Pos: pos, Query: p.queryFrom(s.Query, start)}
	}
	if !p.isOp(",") {
		p.expectOp(")")
		return x
	}
	r := &ast.Row{Pos: pos, Elems: []ast.Expr{x}}
	for p.acceptOp(",") {
		r.Elems = append(r.Elems, p.expr())
	}
	p.expectOp(")")
	return r
}

func (p *parser) caseExpr() ast.Expr {
	c := &ast.Case{Pos: p.take().pos}
	if !p.is("WHEN") {
		c.Operand = p.expr()
	}
	for {
		w := ast.When{Pos: p.pos()}
		p.expect("WHEN")
		w.Cond = p.expr()
		if c.Operand != nil && p.isOp(",") {
			r := &ast.Row{Pos: w.Pos, Elems: []ast.Expr{w.Cond}}
			for p.acceptOp(",") {
				r.Elems = append(r.Elems, p.expr())
			}
			w.Cond = r
		}
		p.expect("THEN")
		w.Then = p.expr()
		c.Whens = append(c.Whens, w)
		if !p.is("WHEN") {
			break
		}
	}
	if p.accept("ELSE") {
		c.Else = p.expr()
	}
	p.expect("END")
	return c
}

func (p *parser) cast() ast.Expr {
	t := p.take()
	c := &ast.Cast{Pos: t.pos, Try: t.up == "TRY_CAST"}
	p.expectOp("(")
	c.X = p.expr()
	p.expect("AS")
	c.Type = p.typeName()
	p.expectOp(")")
	return c
}

func (p *parser) exists() ast.Expr {
	x := &ast.Exists{Pos: p.take().pos}
	p.expectOp("(")
	x.Query = p.query()
	p.expectOp(")")
	return x
}

// bracketed reads [a, b], which may be empty.
func (p *parser) bracketed() []ast.Expr {
	p.expectOp("[")
	var l []ast.Expr
	if !p.isOp("]") {
		l = list(p, (*parser).expr)
	}
	p.expectOp("]")
	return l
}

// queryInside reports whether (query) follows the current word.
func (p *parser) queryInside() bool {
	return p.ahead(1).isPunct("(") && atQuery(p.ahead(2), p.ahead(3))
}

func (p *parser) array() ast.Expr {
	x := &ast.Array{Pos: p.pos()}
	switch {
	case p.ahead(1).isPunct("["):
		p.i++
		x.Elems = p.bracketed()
	case p.queryInside():
		p.i++
		x.Query = p.parenQuery()
	default:
		return nil
	}
	return x
}

func (p *parser) mapExpr() ast.Expr {
	x := &ast.Map{Pos: p.pos()}
	switch {
	case p.ahead(1).isPunct("["):
		p.i++
		x.KeysAndValues = p.bracketed()
		if len(x.KeysAndValues)%2 != 0 && p.err == nil {
			p.failAt(p.tok(), "a MAP takes keys and values in pairs")
		}
	case p.queryInside():
		p.i++
		x.Query = p.parenQuery()
	default:
		return nil
	}
	return x
}

func (p *parser) multiset() ast.Expr {
	x := &ast.Multiset{Pos: p.take().pos}
	if p.tok().isPunct("(") {
		x.Query = p.parenQuery()
	} else {
		x.Elems = p.bracketed()
	}
	return x
}

func (p *parser) row() ast.Expr {
	x := &ast.Row{Pos: p.take().pos, Explicit: true}
	p.expectOp("(")
	if !p.isOp(")") {
		x.Elems = list(p, (*parser).starOrExpr)
	}
	p.expectOp(")")
	return x
}

// starOrExpr reads t.* or an expression.
func (p *parser) starOrExpr() ast.Expr {
	if p.starAhead() {
		return p.star()
	}
	return p.expr()
}
