package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// matchRecognize reads MATCH_RECOGNIZE (…) behind its input.
func (p *parser) matchRecognize(in ast.TableExpr) ast.TableExpr {
	m := &ast.MatchRecognize{Pos: p.pos(), Input: in}
	p.expect("MATCH_RECOGNIZE")
	p.expectOp("(")
	if p.accept("PARTITION", "BY") {
		m.PartitionBy = list(p, (*parser).expr)
	}
	if p.accept("ORDER", "BY") {
		m.OrderBy = list(p, (*parser).sortItem)
	}
	if p.accept("MEASURES") {
		m.Measures = list(p, (*parser).measure)
	}
	switch {
	case p.accept("ONE", "ROW", "PER", "MATCH"):
		m.OneRow = true
	case p.accept("ALL", "ROWS", "PER", "MATCH"):
		m.AllRows = true
	}
	m.AfterMatch = p.afterMatch()
	p.expect("PATTERN")
	p.rowPattern(m)
	if p.accept("WITHIN") {
		m.Within = p.expr()
	}
	if p.accept("SUBSET") {
		m.Subsets = list(p, (*parser).subset)
	}
	p.expect("DEFINE")
	m.Defines = list(p, (*parser).define)
	p.expectOp(")")
	return m
}

func (p *parser) measure() ast.SelectItem {
	it := ast.SelectItem{Pos: p.pos(), X: p.expr()}
	p.expect("AS")
	it.Alias = p.name()
	return it
}

func (p *parser) afterMatch() *ast.AfterMatch {
	a := &ast.AfterMatch{Pos: p.pos()}
	if !p.accept("AFTER") {
		return nil
	}
	p.expect("MATCH", "SKIP")
	switch {
	case p.accept("PAST"):
		p.expect("LAST", "ROW")
		return a
	case p.accept("TO", "NEXT", "ROW"):
		a.Skip = ast.SkipToNextRow
		return a
	}
	p.expect("TO")
	a.Skip = ast.SkipToLast
	// FIRST and LAST are names too: SKIP TO last, the variable.
	if next := p.ahead(1); next.isName() && !next.isWord("PATTERN") {
		if p.expectOneOf("FIRST", "LAST") == "FIRST" {
			a.Skip = ast.SkipToFirst
		}
	}
	p.note("NEXT", "FIRST", "LAST")
	a.Symbol = p.name()
	return a
}

// rowPattern reads ([^] pattern [$]).
func (p *parser) rowPattern(m *ast.MatchRecognize) {
	p.expectOp("(")
	m.StrictStart = p.acceptOp("^")
	m.Pattern = p.patternAlt()
	m.StrictEnd = p.acceptOp("$")
	p.expectOp(")")
}

func (p *parser) patternAlt() ast.Pattern {
	pos := p.pos()
	if !p.enter() {
		return &ast.PatternVar{}
	}
	defer p.leave()
	items := []ast.Pattern{p.patternSeq()}
	for p.acceptOp("|") {
		items = append(items, p.patternSeq())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &ast.PatternAlt{Pos: pos, Items: items}
}

func (p *parser) patternSeq() ast.Pattern {
	pos := p.pos()
	items := []ast.Pattern{p.patternRepeat()}
	for t := p.tok(); t.isName() || t.isWord("PERMUTE") || t.isPunct("(") || t.isPunct("{"); t = p.tok() {
		items = append(items, p.patternRepeat())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &ast.PatternSeq{Pos: pos, Items: items}
}

// patternRepeat reads a pattern and its quantifier.
func (p *parser) patternRepeat() ast.Pattern {
	r := &ast.PatternRepeat{Pos: p.pos(), Item: p.patternFactor()}
	switch {
	case p.acceptOp("*"):
		r.Min, r.Max = 0, -1
	case p.acceptOp("+"):
		r.Min, r.Max = 1, -1
	case p.acceptOp("?"):
		r.Min, r.Max = 0, 1
	case p.tok().isPunct("{") && !p.ahead(1).isPunct("-"):
		p.i++
		p.repetition(r)
	default:
		return r.Item
	}
	r.Reluctant = p.acceptOp("?")
	return r
}

// repetition reads n}, n,}, ,m} or n,m}.
func (p *parser) repetition(r *ast.PatternRepeat) {
	if p.tok().kind == tInt {
		r.Min = p.whole()
		r.Max = r.Min
	} else if !p.tok().isPunct(",") {
		p.fail(wantNumber)
	}
	if p.acceptOp(",") {
		r.Max = -1
		if p.tok().kind == tInt {
			r.Max = p.whole()
		}
	}
	p.expectOp("}")
}

func (p *parser) patternFactor() ast.Pattern {
	pos := p.pos()
	switch {
	case p.acceptOp("("):
		x := p.patternAlt()
		p.expectOp(")")
		return x
	case p.tok().isPunct("{") && p.ahead(1).isPunct("-"):
		p.i += 2
		x := &ast.PatternExclude{Pos: pos, Item: p.patternAlt()}
		p.expectOp("-")
		p.expectOp("}")
		return x
	case p.accept("PERMUTE"):
		return &ast.PatternPermute{Pos: pos, Items: parenList(p, (*parser).patternAlt)}
	}
	p.note("a pattern variable")
	return &ast.PatternVar{Pos: pos, Name: p.name()}
}

func (p *parser) subset() ast.PatternSubset {
	s := ast.PatternSubset{Pos: p.pos(), Name: p.name()}
	p.expectOp("=")
	s.Of = p.names()
	return s
}

func (p *parser) define() ast.PatternDefine {
	d := ast.PatternDefine{Pos: p.pos(), Name: p.name()}
	p.expect("AS")
	d.Cond = p.expr()
	return d
}
