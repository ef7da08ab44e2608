package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// What messages call the things that are no keywords.
const (
	wantName   = "a name"
	wantExpr   = "an expression"
	wantString = "a string"
	wantNumber = "a whole number"
	wantType   = "a type"
	wantQuery  = "a query"
)

// isName reports whether t can be a name: quoted, or a word that is not reserved.
func (t *token) isName() bool {
	return t.kind == tQuoted || t.kind == tWord && !reserved[t.up]
}

// name reads one identifier.
func (p *parser) name() ast.Name {
	if !p.tok().isName() {
		p.fail(wantName)
		return ast.Name{Pos: p.pos()}
	}
	t := p.take()
	return ast.Name{Pos: t.pos, Text: t.text}
}

// names reads (a, b).
func (p *parser) names() []ast.Name { return parenList(p, (*parser).name) }

// path reads a.b.c.
func (p *parser) path() ast.Path {
	l := ast.Path{p.name()}
	for p.tok().isPunct(".") && p.ahead(1).kind != tPunct {
		p.i++
		l = append(l, p.name())
	}
	return l
}

// asAlias reads AS name, or a name alone; Text is "" when neither comes.
func (p *parser) asAlias() ast.Name {
	if p.accept("AS") {
		return p.name()
	}
	if !p.tok().isName() {
		return ast.Name{}
	}
	return p.bareAlias()
}

// bareAlias takes a name without AS for an alias.
func (p *parser) bareAlias() ast.Name {
	p.mayBe("FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET",
		"FETCH", "UNION", "INTERSECT", "EXCEPT", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS",
		"NATURAL", "ON", "USING", "OVER", "FILTER")
	return p.name()
}

// mayBe remembers that the current word, which is taken for a name, could be a
// misspelling of one of the keywords words, or of one looked for here.
func (p *parser) mayBe(words ...string) {
	if p.track && p.tok().kind == tWord {
		p.guess(words...)
		p.aliasAt = p.i
		p.aliasSeen = append(append([]string(nil), p.tried...), p.guesses...)
	}
}

// str reads a string.
func (p *parser) str() string {
	switch p.tok().kind {
	case tString:
		return p.take().text
	case tUnicode:
		return p.unicodeString()
	}
	p.fail(wantString)
	return ""
}

// unicodeString reads U&'…' [UESCAPE 'c'].
func (p *parser) unicodeString() string {
	t := p.take()
	esc := '\\'
	if p.accept("UESCAPE") {
		e := p.tok()
		if r := []rune(e.text); e.kind != tString || len(r) != 1 {
			p.fail("one character in quotes")
			return ""
		} else {
			esc = r[0]
		}
		p.i++
	}
	s, ok := unescape(t.text, esc)
	if !ok {
		p.failAt(t, "malformed Unicode escape: four hex digits follow the escape character, or + and six")
	}
	return s
}

// whole reads an unsigned integer that fits an int.
func (p *parser) whole() int {
	t := p.tok()
	if t.kind != tInt {
		p.fail(wantNumber)
		return 0
	}
	n := 0
	for _, c := range []byte(t.text) {
		if n = n*10 + int(c-'0'); n > 1<<31-1 {
			p.failAt(t, "the number is too large")
			return 0
		}
	}
	p.i++
	return n
}

// comment reads [COMMENT 'text'].
func (p *parser) comment() *string {
	if !p.accept("COMMENT") {
		return nil
	}
	s := p.str()
	return &s
}

// option reads 'key' = 'value'.
func (p *parser) option() ast.Option {
	o := ast.Option{Pos: p.pos(), Key: p.str()}
	p.expectOp("=")
	o.Value = p.str()
	return o
}

// options reads ('key' = 'value', …), which may be empty.
func (p *parser) options() []ast.Option {
	p.expectOp("(")
	var l []ast.Option
	if !p.isOp(")") {
		l = list(p, (*parser).option)
	}
	p.expectOp(")")
	return l
}

// withOptions reads [WITH (…)].
func (p *parser) withOptions() []ast.Option {
	if !p.accept("WITH") {
		return nil
	}
	return p.options()
}

// hints reads [/*+ A('k'='v'), B(x) */].
func (p *parser) hints() []ast.Hint {
	if p.tok().kind != tHintOpen {
		return nil
	}
	p.i++
	l := []ast.Hint{p.hint()}
	for p.tok().kind != tHintClose && p.err == nil {
		p.acceptOp(",")
		l = append(l, p.hint())
	}
	p.take()
	return l
}

func (p *parser) hint() ast.Hint {
	t := p.tok()
	if t.kind != tWord {
		p.fail("the name of a hint")
		return ast.Hint{}
	}
	p.i++
	h := ast.Hint{Pos: t.pos, Name: t.up}
	if !p.acceptOp("(") || p.acceptOp(")") {
		return h
	}
	for {
		pos, word := p.pos(), p.hintWord()
		if p.acceptOp("=") {
			h.Options = append(h.Options, ast.Option{Pos: pos, Key: word, Value: p.hintWord()})
		} else {
			h.Args = append(h.Args, word)
		}
		if !p.acceptOp(",") {
			break
		}
	}
	p.expectOp(")")
	return h
}

// hintWord reads a string, a number or a path as text.
func (p *parser) hintWord() string {
	switch t := p.tok(); t.kind {
	case tString, tUnicode:
		return p.str()
	case tInt, tDecimal, tApprox:
		return p.take().text
	case tWord:
		if !t.isName() { // TRUE, a reserved name
			return p.take().text
		}
	}
	return p.path().String()
}
