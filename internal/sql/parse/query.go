package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// query reads [WITH …] body [ORDER BY …] [LIMIT …].
func (p *parser) query() *ast.Query {
	start := p.i
	if !p.enter() {
		return &ast.Query{}
	}
	defer p.leave()
	q := &ast.Query{With: p.with()}
	q.Body = p.setOps(p.term(), 0)
	return p.finishQuery(q, start)
}

// queryFrom goes on with a query whose first term has been read: first, in
// parentheses that began at token start.
func (p *parser) queryFrom(first *ast.Query, start int) *ast.Query {
	q := &ast.Query{Body: p.setOps(bodyOf(first), 0)}
	return p.finishQuery(q, start)
}

// finishQuery reads ORDER BY and LIMIT. A query that is only another one in
// parentheses becomes that one.
func (p *parser) finishQuery(q *ast.Query, start int) *ast.Query {
	if p.accept("ORDER", "BY") {
		q.OrderBy = list(p, (*parser).sortItem)
	}
	p.limits(q)
	if inner, ok := q.Body.(*ast.Query); ok && q.With == nil && q.OrderBy == nil && q.Offset == nil && q.Limit == nil {
		q = inner
	}
	q.Source = p.source(start)
	return q
}

// limits reads LIMIT, OFFSET and FETCH in any order, each at most once.
func (p *parser) limits(q *ast.Query) {
	limited := false
	for {
		switch {
		case !limited && p.accept("LIMIT"):
			limited = true
			if !p.accept("ALL") {
				q.Limit = p.count()
			}
		case !limited && p.accept("FETCH"):
			limited = true
			p.expectOneOf("FIRST", "NEXT")
			q.Limit = p.count()
			p.expectOneOf("ROW", "ROWS")
			p.expect("ONLY")
		case q.Offset == nil && p.accept("OFFSET"):
			q.Offset = p.count()
			p.oneOf("ROW", "ROWS")
		default:
			return
		}
	}
}

// count reads the number of LIMIT: an integer or a parameter.
func (p *parser) count() ast.Expr {
	t := p.tok()
	switch {
	case t.isPunct("?"):
		return p.param()
	case t.kind == tInt:
		p.i++
		return &ast.Literal{Pos: t.pos, Kind: ast.LitInt, Text: t.text}
	}
	p.fail(wantNumber)
	return &ast.Literal{}
}

// atQuery reports whether t begins a query, parentheses aside.
func atQuery(t, next *token) bool {
	if t.kind != tWord {
		return false
	}
	switch t.up {
	case "SELECT", "WITH", "VALUES":
		return true
	case "TABLE":
		return !next.isPunct("(")
	}
	return false
}

// atTail reports whether what comes next goes on with a query in parentheses.
func (p *parser) atTail() bool {
	p.guess("UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "OFFSET", "FETCH")
	t := p.tok()
	if t.kind != tWord {
		return false
	}
	switch t.up {
	case "UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "OFFSET", "FETCH":
		return true
	}
	return false
}

func (p *parser) with() *ast.With {
	pos := p.pos()
	if !p.accept("WITH") {
		return nil
	}
	w := &ast.With{Pos: pos, Recursive: p.accept("RECURSIVE")}
	w.Items = list(p, (*parser).cte)
	return w
}

func (p *parser) cte() ast.CTE {
	c := ast.CTE{Pos: p.pos(), Name: p.name()}
	if p.isOp("(") {
		c.Columns = p.names()
	}
	p.expect("AS")
	c.Query = p.parenQuery()
	return c
}

// parenQuery reads (query).
func (p *parser) parenQuery() *ast.Query {
	p.expectOp("(")
	q := p.query()
	p.expectOp(")")
	return q
}

// setOps goes on with the set operations that bind at least as strongly as
// min: UNION and EXCEPT 0, INTERSECT 1.
func (p *parser) setOps(left ast.Body, min int) ast.Body {
	for {
		pos := p.pos()
		kind, prec := ast.Intersect, 1
		if !p.is("INTERSECT") {
			prec = 0
			switch {
			case p.is("UNION"):
				kind = ast.Union
			case p.is("EXCEPT"), p.tok().isWord("MINUS"):
				kind = ast.Except
			default:
				return left
			}
		}
		if prec < min || !p.link(&p.tableLinks) {
			return left
		}
		p.i++
		op := &ast.SetOp{Pos: pos, Kind: kind, Left: left}
		op.All = p.accept("ALL")
		if !op.All {
			p.accept("DISTINCT")
		}
		op.Right = p.setOps(p.term(), prec+1)
		left = op
	}
}

// bodyOf returns what stands for q in a set operation.
func bodyOf(q *ast.Query) ast.Body {
	if q.With == nil && q.OrderBy == nil && q.Offset == nil && q.Limit == nil && q.Body != nil {
		return q.Body
	}
	return q
}

// term reads SELECT, VALUES, TABLE t or a query in parentheses.
func (p *parser) term() ast.Body {
	pos := p.pos()
	switch {
	case p.is("SELECT"):
		return p.selectBlock()
	case p.accept("VALUES"):
		return &ast.Values{Pos: pos, Rows: list(p, (*parser).valuesRow)}
	case p.accept("TABLE"):
		return &ast.ExplicitTable{Pos: pos, Name: p.path()}
	case p.isOp("("):
		return bodyOf(p.parenQuery())
	}
	p.fail()
	return &ast.Select{}
}

// valuesRow reads (a, b), ROW(a, b) or a single expression.
func (p *parser) valuesRow() []ast.Expr {
	if p.tok().isPunct("(") {
		return parenList(p, (*parser).expr)
	}
	x := p.expr()
	if r, ok := x.(*ast.Row); ok {
		return r.Elems
	}
	return []ast.Expr{x}
}

func (p *parser) selectBlock() *ast.Select {
	s := &ast.Select{Pos: p.pos()}
	p.expect("SELECT")
	s.Hints = p.hints()
	s.Distinct = p.accept("DISTINCT")
	if !s.Distinct {
		p.accept("ALL")
	}
	s.Items = list(p, (*parser).selectItem)
	if p.accept("FROM") {
		s.From = p.from()
	}
	if p.accept("WHERE") {
		s.Where = p.expr()
	}
	s.GroupBy = p.groupBy()
	if p.accept("HAVING") {
		s.Having = p.expr()
	}
	if p.accept("WINDOW") {
		s.Windows = list(p, (*parser).namedWindow)
	}
	if p.accept("QUALIFY") {
		s.Qualify = p.expr()
	}
	return s
}

func (p *parser) selectItem() ast.SelectItem {
	it := ast.SelectItem{Pos: p.pos()}
	if s := p.star(); s != nil {
		it.X = s
		return it
	}
	it.X = p.expr()
	it.Alias = p.asAlias()
	return it
}

// star reads * or t.*, with the columns to leave out; nil when neither comes.
func (p *parser) star() *ast.Star {
	s := &ast.Star{Pos: p.pos()}
	switch {
	case p.tok().isPunct("*"):
		p.i++
	case p.starAhead():
		s.Qualifier = p.path()
		p.i += 2
	default:
		return nil
	}
	if t := p.tok(); t.isWord("EXCEPT") || t.isWord("EXCLUDE") {
		after := p.ahead(3)
		if p.ahead(1).isPunct("(") && p.ahead(2).isName() && (after.isPunct(",") || after.isPunct(")")) {
			p.i++
			s.Except = p.names()
		}
	}
	return s
}

// starAhead reports whether a.b.* comes next.
func (p *parser) starAhead() bool {
	n := 0
	for p.ahead(n).isName() && p.ahead(n+1).isPunct(".") {
		n += 2
	}
	return n > 0 && p.ahead(n).isPunct("*")
}

func (p *parser) groupBy() *ast.GroupBy {
	pos := p.pos()
	if !p.accept("GROUP", "BY") {
		return nil
	}
	g := &ast.GroupBy{Pos: pos}
	g.Distinct = p.accept("DISTINCT")
	if !g.Distinct && p.accept("ALL") && !p.atExprStart() {
		g.All = true
		return g
	}
	g.Items = list(p, (*parser).groupItem)
	return g
}

func (p *parser) groupItem() ast.GroupItem {
	g := ast.GroupItem{Pos: p.pos()}
	if !p.enter() {
		return g
	}
	defer p.leave()
	switch {
	case p.accept("ROLLUP"):
		g.Kind = ast.GroupRollup
	case p.accept("CUBE"):
		g.Kind = ast.GroupCube
	case p.accept("GROUPING", "SETS"):
		g.Kind = ast.GroupSets
	case p.tok().isPunct("(") && p.ahead(1).isPunct(")"):
		p.i += 2
		return g
	default:
		x := p.expr()
		if r, ok := x.(*ast.Row); ok && !r.Explicit {
			g.Exprs = r.Elems
		} else {
			g.Exprs = []ast.Expr{x}
		}
		return g
	}
	g.Sets = parenList(p, (*parser).groupItem)
	return g
}

func (p *parser) namedWindow() ast.NamedWindow {
	w := ast.NamedWindow{Pos: p.pos(), Name: p.name()}
	p.expect("AS")
	w.Spec = p.windowParens()
	return w
}
