package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// from reads the tables of FROM; a comma binds weaker than JOIN.
func (p *parser) from() ast.TableExpr {
	left := p.joined()
	for p.isOp(",") && p.link(&p.tableLinks) {
		pos := p.pos()
		p.i++
		left = &ast.Join{Pos: pos, Kind: ast.JoinComma, Left: left, Right: p.joined()}
	}
	return left
}

// joined reads a table and the joins behind it.
func (p *parser) joined() ast.TableExpr {
	if !p.enter() {
		return &ast.TableRef{}
	}
	defer p.leave()
	return p.joins(p.tableSuffixes(p.tableFactor()))
}

// joins goes on with the joins behind left.
func (p *parser) joins(left ast.TableExpr) ast.TableExpr {
	for {
		j := p.joinWord()
		if j == nil || !p.link(&p.tableLinks) {
			return left
		}
		j.Left = left
		j.Right = p.tableSuffixes(p.tableFactor())
		p.joinCondition(j)
		left = j
	}
}

// joinWord reads the words up to and with JOIN; nil when no join comes.
func (p *parser) joinWord() *ast.Join {
	start := p.i
	j := &ast.Join{Pos: p.pos()}
	j.Natural = p.accept("NATURAL")
	switch {
	case p.accept("JOIN"):
		return j
	case p.accept("INNER"):
	case p.accept("CROSS"):
		j.Kind = ast.JoinCross
	case p.tok().isWord("ASOF") && p.ahead(1).isWord("JOIN"):
		p.i++
		j.Kind = ast.JoinAsof
	case p.accept("LEFT"):
		j.Kind = p.leftJoin()
	case p.accept("RIGHT"):
		j.Kind = ast.JoinRight
		p.accept("OUTER")
	case p.accept("FULL"):
		j.Kind = ast.JoinFull
		p.accept("OUTER")
	default:
		if p.i > start { // NATURAL
			p.fail()
		}
		return nil
	}
	p.expect("JOIN")
	return j
}

// leftJoin reads the words between LEFT and JOIN.
func (p *parser) leftJoin() ast.JoinKind {
	switch t := p.tok(); {
	case p.accept("OUTER"):
	case t.isWord("SEMI"):
		p.i++
		return ast.JoinLeftSemi
	case t.isWord("ANTI"):
		p.i++
		return ast.JoinLeftAnti
	case t.isWord("ASOF"):
		p.i++
		return ast.JoinLeftAsof
	}
	return ast.JoinLeft
}

// joinCondition reads ON or USING, and MATCH_CONDITION of an ASOF join.
func (p *parser) joinCondition(j *ast.Join) {
	if j.Kind == ast.JoinAsof || j.Kind == ast.JoinLeftAsof {
		p.expect("MATCH_CONDITION")
		j.Match = p.expr()
	}
	if j.Kind == ast.JoinCross || j.Natural {
		return
	}
	switch {
	case p.accept("ON"):
		j.On = p.expr()
	case p.accept("USING"):
		j.Using = p.names()
	}
}

// tableFactor reads one table without what may follow it.
func (p *parser) tableFactor() ast.TableExpr {
	pos := p.pos()
	lateral := p.accept("LATERAL")
	switch {
	case p.accept("UNNEST"):
		u := &ast.Unnest{Pos: pos, Lateral: lateral}
		u.Args = parenList(p, (*parser).expr)
		if p.accept("WITH") {
			p.expect("ORDINALITY")
			u.Ordinality = true
		}
		return u
	case p.tok().isWord("TABLE") && p.ahead(1).isPunct("("):
		p.i += 2
		f := &ast.TableFunc{Pos: pos, Lateral: lateral, Call: p.namedCall()}
		p.expectOp(")")
		return f
	case lateral && p.isOp("("):
		return &ast.Derived{Pos: pos, Lateral: true, Query: p.parenQuery()}
	case p.isOp("("):
		return p.tableParens()
	}
	if n := p.pathLen(); n > 0 && p.ahead(n).isPunct("(") {
		return &ast.TableFunc{Pos: pos, Lateral: lateral, Bare: true, Call: p.namedCall()}
	}
	if lateral {
		p.fail("TABLE", wantQuery)
	}
	p.note("a table")
	return &ast.TableRef{Pos: pos, Name: p.path()}
}

// pathLen returns how many tokens the path that comes next has; a reserved
// word counts when it may name a function.
func (p *parser) pathLen() int {
	n := 0
	for {
		t := p.ahead(n)
		if t.kind != tQuoted && (t.kind != tWord || structural[t.up]) {
			return 0
		}
		n++
		if !p.ahead(n).isPunct(".") {
			return n
		}
		n++
	}
}

// namedCall reads f(…).
func (p *parser) namedCall() *ast.Call {
	pos := p.pos()
	n := p.pathLen()
	if n == 0 || !p.ahead(n).isPunct("(") {
		p.fail("a table function")
		return &ast.Call{}
	}
	return p.call(p.funcPath(n), pos)
}

// tableParens reads a query or a join in parentheses.
func (p *parser) tableParens() ast.TableExpr {
	start, pos := p.i, p.pos()
	if !p.enter() {
		return &ast.TableRef{}
	}
	defer p.leave()
	p.expectOp("(")
	if atQuery(p.tok(), p.ahead(1)) {
		q := p.query()
		p.expectOp(")")
		return &ast.Derived{Pos: pos, Query: q}
	}
	p.note("SELECT", "VALUES")
	inner := p.i
	t := p.from()
	// ((SELECT …) UNION …): what was read as a table is the query's first part.
	if d, ok := t.(*ast.Derived); ok && !d.Lateral && d.Alias == nil && d.Sample == nil {
		if p.atTail() {
			t = &ast.Derived{Pos: pos, Query: p.queryFrom(d.Query, inner)}
		} else {
			d.Query.Source = p.source(start + 1)
		}
	}
	p.expectOp(")")
	return t
}

// tableSuffixes reads what may follow a table: hints, a time, an alias, a sample,
// MATCH_RECOGNIZE, PIVOT, UNPIVOT.
func (p *parser) tableSuffixes(t ast.TableExpr) ast.TableExpr {
	for p.err == nil {
		switch {
		case p.tok().kind == tHintOpen:
			ref, ok := t.(*ast.TableRef)
			if !ok {
				p.failAt(p.tok(), "hints follow the name of a table")
				return t
			}
			ref.Hints = append(ref.Hints, p.hints()...)
		case p.accept("FOR"):
			p.asOf(t)
		case p.accept("TABLESAMPLE"):
			p.sample(t)
		case p.is("MATCH_RECOGNIZE"):
			t = p.matchRecognize(t)
		case p.tok().isWord("PIVOT") && p.ahead(1).isPunct("("):
			t = p.pivot(t)
		case p.tok().isWord("UNPIVOT") && (p.ahead(1).isPunct("(") || p.ahead(2).isWord("NULLS")):
			t = p.unpivot(t)
		default:
			if !p.tableAlias(t) {
				return t
			}
		}
		if !p.link(&p.tableLinks) {
			return t
		}
	}
	return t
}

// asOf reads SYSTEM_TIME AS OF expr; FOR has been read.
func (p *parser) asOf(t ast.TableExpr) {
	p.expect("SYSTEM_TIME", "AS", "OF")
	ref, ok := t.(*ast.TableRef)
	if !ok || ref.AsOf != nil {
		p.failAt(p.tok(), "FOR SYSTEM_TIME AS OF follows the name of a table, once")
		return
	}
	ref.AsOf = p.expr()
}

// sample reads BERNOULLI|SYSTEM (percent) [REPEATABLE (seed)].
func (p *parser) sample(t ast.TableExpr) {
	s := &ast.Sample{Pos: p.pos(), Method: p.expectOneOf("BERNOULLI", "SYSTEM")}
	p.expectOp("(")
	s.Percent = p.expr()
	p.expectOp(")")
	if p.accept("REPEATABLE") {
		p.expectOp("(")
		s.Repeatable = p.expr()
		p.expectOp(")")
	}
	var at **ast.Sample
	switch t := t.(type) {
	case *ast.TableRef:
		at = &t.Sample
	case *ast.Derived:
		at = &t.Sample
	}
	if at == nil || *at != nil {
		p.failAt(p.tok(), "TABLESAMPLE follows a table or a query, once")
		return
	}
	*at = s
}

// tableAlias reads [AS] name [(columns)] into t; it reports whether one came.
func (p *parser) tableAlias(t ast.TableExpr) bool {
	at := aliasOf(t)
	if at == nil || *at != nil {
		return false
	}
	pos := p.pos()
	var a ast.Alias
	switch tok := p.tok(); {
	case p.accept("AS"):
		a.Name = p.name()
	case !tok.isName(), tok.isWord("MATCH_CONDITION"), tok.isWord("ASOF") && p.ahead(1).isWord("JOIN"):
		return false
	default:
		a.Name = p.bareAlias()
	}
	a.Pos = pos
	if p.isOp("(") {
		a.Columns = p.names()
	}
	*at = &a
	return true
}

// aliasOf returns where t keeps its alias, nil for a join.
func aliasOf(t ast.TableExpr) **ast.Alias {
	switch t := t.(type) {
	case *ast.TableRef:
		return &t.Alias
	case *ast.Derived:
		return &t.Alias
	case *ast.TableFunc:
		return &t.Alias
	case *ast.Unnest:
		return &t.Alias
	case *ast.MatchRecognize:
		return &t.Alias
	case *ast.Pivot:
		return &t.Alias
	case *ast.Unpivot:
		return &t.Alias
	}
	return nil
}
