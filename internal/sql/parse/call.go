package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// call reads the arguments of a function and the clauses behind them.
func (p *parser) call(name ast.Path, pos ast.Pos) *ast.Call {
	c := &ast.Call{Pos: pos, Name: name}
	if !p.enter() {
		return c
	}
	p.expectOp("(")
	c.Distinct = p.accept("DISTINCT")
	if !c.Distinct {
		p.accept("ALL")
	}
	switch {
	case p.tok().isPunct("*") && p.ahead(1).isPunct(")"):
		p.i++
		c.Star = true
	case !p.isOp(")"):
		c.Args = list(p, (*parser).arg)
	}
	p.innerClauses(c)
	p.expectOp(")")
	p.callTail(c)
	p.leave()
	return c
}

// innerClauses reads ORDER BY and IGNORE NULLS inside the parentheses.
func (p *parser) innerClauses(c *ast.Call) {
	p.nullTreatment(c)
	if p.accept("ORDER", "BY") {
		c.OrderBy = list(p, (*parser).sortItem)
	}
}

// nullTreatment reads IGNORE NULLS or RESPECT NULLS; it reports whether one came.
func (p *parser) nullTreatment(c *ast.Call) bool {
	switch {
	case p.accept("IGNORE", "NULLS"):
		c.Nulls = ast.IgnoreNulls
	case p.accept("RESPECT", "NULLS"):
		c.Nulls = ast.RespectNulls
	default:
		return false
	}
	return true
}

// callTail reads WITHIN GROUP, FILTER, IGNORE NULLS and OVER.
func (p *parser) callTail(c *ast.Call) {
	for {
		switch {
		case c.WithinGroup == nil && p.accept("WITHIN", "GROUP"):
			p.expectOp("(")
			p.expect("ORDER", "BY")
			c.WithinGroup = list(p, (*parser).sortItem)
			p.expectOp(")")
		case c.Filter == nil && p.tok().isWord("FILTER"):
			p.i++
			p.expectOp("(")
			p.expect("WHERE")
			c.Filter = p.expr()
			p.expectOp(")")
		case c.Over == nil && p.accept("OVER"):
			c.Over = p.windowSpec()
		case c.Nulls == ast.NullsUnset && p.nullTreatment(c):
		default:
			return
		}
	}
}

// arg reads one argument of a function.
func (p *parser) arg() ast.Expr {
	t, next := p.tok(), p.ahead(1)
	switch {
	case t.isName() && next.isPunct("=>"):
		a := &ast.NamedArg{Pos: t.pos, Name: p.name()}
		p.i++
		if !p.enter() {
			return a
		}
		a.Value = p.arg()
		p.leave()
		return a
	case t.isWord("TABLE"):
		return p.tableArg()
	case t.isWord("DESCRIPTOR") && next.isPunct("("):
		p.i++
		return &ast.Descriptor{Pos: t.pos, Columns: p.names()}
	case t.isWord("MODEL") && next.isName():
		p.i++
		return &ast.ModelArg{Pos: t.pos, Name: p.path()}
	case p.lambdaAhead():
		return p.lambda()
	case p.starAhead():
		return p.star()
	}
	x := p.expr()
	if s, ok := x.(*ast.Subquery); ok && p.is("PARTITION") {
		return p.partitioning(&ast.TableArg{Pos: s.Pos, Query: s.Query})
	}
	return x
}

// tableArg reads TABLE t, TABLE (query), TABLE f(…), with partitioning and order.
func (p *parser) tableArg() ast.Expr {
	a := &ast.TableArg{Pos: p.take().pos}
	switch n := p.pathLen(); {
	case p.isOp("("):
		a.Query = p.parenQuery()
	case n > 0 && p.ahead(n).isPunct("("):
		pos := p.pos()
		a.Call = p.call(p.funcPath(n), pos)
	default:
		a.Name = p.path()
	}
	return p.partitioning(a)
}

// partitioning reads PARTITION BY and ORDER BY of a table argument: one
// expression, or several in parentheses.
func (p *parser) partitioning(a *ast.TableArg) ast.Expr {
	if p.accept("PARTITION", "BY") {
		x := p.expr()
		if r, ok := x.(*ast.Row); ok && !r.Explicit {
			a.PartitionBy = r.Elems
		} else {
			a.PartitionBy = []ast.Expr{x}
		}
	}
	if p.accept("ORDER", "BY") {
		if p.tok().isPunct("(") {
			a.OrderBy = parenList(p, (*parser).sortItem)
		} else {
			a.OrderBy = []ast.SortItem{p.sortItem()}
		}
	}
	return a
}

// lambdaAhead reports whether x -> or (x, y) -> comes next.
func (p *parser) lambdaAhead() bool {
	if p.tok().isName() {
		return p.ahead(1).isPunct("->")
	}
	if !p.tok().isPunct("(") {
		return false
	}
	n := 1
	for p.ahead(n).isName() && p.ahead(n+1).isPunct(",") {
		n += 2
	}
	if p.ahead(n).isName() {
		n++
	}
	return p.ahead(n).isPunct(")") && p.ahead(n+1).isPunct("->")
}

func (p *parser) lambda() ast.Expr {
	l := &ast.Lambda{Pos: p.pos()}
	switch {
	case !p.acceptOp("("):
		l.Params = []ast.Name{p.name()}
	case !p.acceptOp(")"):
		l.Params = list(p, (*parser).name)
		p.expectOp(")")
	}
	p.expectOp("->")
	l.Body = p.expr()
	return l
}

// atMeasurePrefix reports whether RUNNING or FINAL stands before a call.
func (p *parser) atMeasurePrefix() bool {
	t := p.tok()
	return (t.isWord("RUNNING") || t.isWord("FINAL")) && p.ahead(1).kind == tWord && p.ahead(2).isPunct("(")
}

// measureCall reads RUNNING f(…) or FINAL f(…).
func (p *parser) measureCall() ast.Expr {
	t := p.take()
	x := p.primary()
	c, ok := x.(*ast.Call)
	if !ok {
		p.failAt(t, t.up+" stands before a function")
		return x
	}
	c.Running = ast.Running
	if t.up == "FINAL" {
		c.Running = ast.Final
	}
	return c
}
