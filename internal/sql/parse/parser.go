package parse

import (
	"slices"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// parser walks over the tokens of one source text.
type parser struct {
	src  string
	toks []token
	i    int
	err  error // the first error; never a nil *Error

	nesting    int // levels now open
	exprDepth  int // expressions now open, to know the outermost
	links      int // operators in the outermost expression so far
	tableLinks int // joins and set operations in the statement so far
	params     int // ? seen in the statement

	// Collected in the second run only: the words looked for at token triedAt,
	// first the ones to list, then the operators that are only guessed from.
	track     bool
	triedAt   int
	tried     []string
	guesses   []string
	deepAt    int      // token after the first words of a sequence that matched
	deep      []string // the words that should have followed there
	aliasAt   int      // token taken for an alias without AS
	aliasSeen []string // the words that could have stood there instead
}

func newParser(src string) *parser {
	return &parser{src: src, toks: lex(src)}
}

// reset moves to token i with a clean slate.
func (p *parser) reset(i int, track bool) {
	*p = parser{src: p.src, toks: p.toks, i: i, track: track, triedAt: -1, aliasAt: -1}
}

// tok returns the current token.
func (p *parser) tok() *token { return &p.toks[p.i] }

// ahead returns the token n after the current one, tEOF past the end.
func (p *parser) ahead(n int) *token {
	return &p.toks[min(p.i+n, len(p.toks)-1)]
}

// pos returns where the current token starts.
func (p *parser) pos() ast.Pos { return p.toks[p.i].pos }

// take returns the current token and moves on.
func (p *parser) take() *token {
	t := &p.toks[p.i]
	if p.i < len(p.toks)-1 {
		p.i++
	}
	return t
}

// source returns the text from token start to the token before the current one.
func (p *parser) source(start int) ast.Source {
	s := ast.Source{Pos: p.toks[start].pos}
	s.End = s.Offset
	if p.i > start {
		s.End = p.toks[p.i-1].end
	}
	return s
}

// note remembers that words were looked for at the current token.
func (p *parser) note(words ...string) {
	if p.track {
		p.renew()
		p.tried = append(p.tried, words...)
	}
}

// noteDeep remembers that kw was looked for at token i, ahead of the current
// one, behind words that matched: BY behind GROUP.
func (p *parser) noteDeep(i int, kw string) {
	if !p.track || i >= len(p.toks) {
		return
	}
	if i > p.deepAt {
		p.deepAt, p.deep = i, nil
	}
	if i == p.deepAt {
		p.deep = append(p.deep, kw)
	}
}

// guess is note for words that a message only guesses, and does not list.
func (p *parser) guess(words ...string) {
	if p.track {
		p.renew()
		p.guesses = append(p.guesses, words...)
	}
}

func (p *parser) renew() {
	if p.triedAt != p.i {
		p.triedAt, p.tried, p.guesses = p.i, nil, nil
	}
}

// isWord reports whether the token is the keyword kw, in upper case.
func (t *token) isWord(kw string) bool { return t.kind == tWord && t.up == kw }

// isPunct reports whether the token is the operator or bracket s.
func (t *token) isPunct(s string) bool { return t.kind == tPunct && t.text == s }

// is reports whether the current token is the keyword kw.
func (p *parser) is(kw string) bool {
	p.note(kw)
	return p.tok().isWord(kw)
}

// isOp reports whether the current token is the operator or bracket s.
func (p *parser) isOp(s string) bool {
	if p.track {
		p.note("'" + s + "'")
	}
	return p.tok().isPunct(s)
}

// accept moves over the keywords kws if they all come next, in this order.
func (p *parser) accept(kws ...string) bool {
	if !p.is(kws[0]) {
		return false
	}
	for n, kw := range kws[1:] {
		if !p.ahead(n + 1).isWord(kw) {
			p.noteDeep(p.i+n+1, kw)
			return false
		}
	}
	p.i += len(kws)
	return true
}

func (p *parser) acceptOp(s string) bool {
	if !p.isOp(s) {
		return false
	}
	p.i++
	return true
}

// expect moves over the keywords kws or fails.
func (p *parser) expect(kws ...string) {
	for _, kw := range kws {
		if !p.accept(kw) {
			p.fail()
			return
		}
	}
}

func (p *parser) expectOp(s string) {
	if !p.acceptOp(s) {
		p.fail()
	}
}

// oneOf takes the current token if it is one of the keywords and returns the
// keyword, or "".
func (p *parser) oneOf(kws ...string) string {
	p.note(kws...)
	t := p.tok()
	if t.kind == tWord && slices.Contains(kws, t.up) {
		p.i++
		return t.up
	}
	return ""
}

// expectOneOf is oneOf that fails when none comes next.
func (p *parser) expectOneOf(kws ...string) string {
	w := p.oneOf(kws...)
	if w == "" {
		p.fail()
	}
	return w
}

// fail records that the current token is not what was expected: expected names
// it, beside the words that were looked for here.
func (p *parser) fail(expected ...string) {
	p.note(expected...)
	if p.err == nil && p.track {
		p.err = p.unexpected()
	}
	p.stop(p.tok(), "")
}

// failAt records a message about token t.
func (p *parser) failAt(t *token, msg string) { p.stop(t, msg) }

// stop keeps the first error and jumps to the end.
func (p *parser) stop(t *token, msg string) {
	if p.err == nil {
		p.err = &Error{Pos: t.pos, Word: p.src[t.pos.Offset:t.end], Msg: msg}
	}
	p.i = len(p.toks) - 1
}

// unexpected describes the current token as an error.
func (p *parser) unexpected() *Error {
	p.renew()
	if p.deepAt > p.i {
		p.i = p.deepAt
		p.renew()
		p.tried = p.deep
	}
	t := p.tok()
	e := &Error{Pos: t.pos, Word: p.src[t.pos.Offset:t.end]}
	if t.kind == tBad {
		e.Msg = t.up
		if len(t.text) > 0 && t.text[0] == '"' {
			e.Hint = hintDoubleQuote
		}
		return e
	}
	if p.misspeltAlias(e) {
		return e
	}
	e.Msg = "unexpected " + t.shown(p.src)
	if t.kind == tWord && !reserved[t.up] {
		if kw := near(t.up, append(p.tried, p.guesses...)); kw != "" {
			e.Hint = "did you mean " + kw + "?"
			return e
		}
	}
	if s := expectedText(p.tried); s != "" {
		e.Msg += "; " + s
	}
	if t.kind == tWord && reserved[t.up] && !clauseWords[t.up] && (slices.Contains(p.tried, wantName) || slices.Contains(p.tried, wantExpr)) {
		e.Hint = t.text + " is a reserved word: as a name write `" + t.text + "`"
	}
	return e
}

// clauseWords are the reserved words that nobody means as a name.
var clauseWords = wordSet("AND AS BY ELSE FROM HAVING JOIN ON OR SELECT THEN UNION WHEN WHERE WITH")

// misspeltAlias handles SELECT a FORM t: FORM was taken for an alias, and only
// the word behind it does not fit.
func (p *parser) misspeltAlias(e *Error) bool {
	if p.aliasAt != p.i-1 || p.i == 0 {
		return false
	}
	alias := &p.toks[p.aliasAt]
	kw := near(alias.up, p.aliasSeen)
	if kw == "" {
		return false
	}
	e.Msg = "unexpected " + alias.shown(p.src) + " before " + p.tok().shown(p.src)
	e.Hint = "did you mean " + kw + "?"
	e.Pos, e.Word = alias.pos, alias.text
	return true
}

// enter opens a level of nesting; it fails and is false when there are too many.
func (p *parser) enter() bool {
	if p.nesting >= nestingMax {
		p.failAt(p.tok(), "nested more than 1000 levels deep")
		return false
	}
	p.nesting++
	return true
}

func (p *parser) leave() { p.nesting-- }

// link counts one more operator of a chain; it is false when there are too many.
func (p *parser) link(n *int) bool {
	if *n++; *n > linksMax {
		p.failAt(p.tok(), "more than 20000 operators in one expression")
		return false
	}
	return true
}

// list reads one item or more, separated by commas.
func list[T any](p *parser, item func(*parser) T) []T {
	l := []T{item(p)}
	for p.acceptOp(",") {
		l = append(l, item(p))
	}
	return l
}

// parenList reads a list in parentheses.
func parenList[T any](p *parser, item func(*parser) T) []T {
	p.expectOp("(")
	l := list(p, item)
	p.expectOp(")")
	return l
}
