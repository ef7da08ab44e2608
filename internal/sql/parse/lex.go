package parse

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// lexer cuts source text into tokens. It never fails: what is no token becomes
// a bad token with a message.
type lexer struct {
	src    string
	off    int
	inHint bool
	toks   []token

	// The place of the last position asked for, from which the next is counted.
	at ast.Pos
}

// lex returns the tokens of src; the last is tEOF.
func lex(src string) []token {
	l := &lexer{src: src, at: ast.Pos{Line: 1, Col: 1}}
	l.toks = make([]token, 0, len(src)/4+8)
	for l.next() {
	}
	return l.toks
}

// pos returns the position of offset off, which never goes back.
func (l *lexer) pos(off int) ast.Pos {
	for _, c := range []byte(l.src[l.at.Offset:off]) {
		if c == '\n' {
			l.at.Line++
			l.at.Col = 1
		} else if c&0xC0 != 0x80 {
			l.at.Col++
		}
	}
	l.at.Offset = off
	return l.at
}

// add appends a token that starts at start and ends where the lexer stands.
func (l *lexer) add(k kind, start int, text string) *token {
	l.toks = append(l.toks, token{kind: k, text: text, pos: l.pos(start), end: l.off})
	return &l.toks[len(l.toks)-1]
}

func (l *lexer) bad(start int, msg string) {
	l.add(tBad, start, l.src[start:l.off]).up = msg
}

// unclosed adds the bad token of a quote or comment that the source's end cuts off.
func (l *lexer) unclosed(start int, what string) {
	l.off = len(l.src)
	t := l.add(tBad, start, l.src[start:])
	t.up, t.open = what+" is not closed", true
}

// peek returns the byte n after the current one, 0 past the end.
func (l *lexer) peek(n int) byte {
	if l.off+n < len(l.src) {
		return l.src[l.off+n]
	}
	return 0
}

// next adds one token, or skips blanks and comments; it is false after tEOF.
func (l *lexer) next() bool {
	for l.off < len(l.src) && isBlank(l.src[l.off]) {
		l.off++
	}
	if l.off >= len(l.src) {
		l.add(tEOF, l.off, "")
		return false
	}
	start := l.off
	c := l.src[start]
	switch {
	case c == '-' && l.peek(1) == '-':
		l.lineComment()
	case c == '/' && l.peek(1) == '*':
		l.blockComment(start)
	case l.inHint && c == '*' && l.peek(1) == '/':
		l.off += 2
		l.inHint = false
		l.add(tHintClose, start, "*/")
	case c == '\'':
		l.quoted(start, start, '\'', tString)
	case c == '`':
		l.quoted(start, start, '`', tQuoted)
	case c == '"':
		l.quoted(start, start, '"', tBad)
	case isDigit(c) || c == '.' && isDigit(l.peek(1)):
		l.number(start)
	case isWordStart(c):
		l.word(start)
	case c >= utf8.RuneSelf:
		l.unicodeWord(start)
	default:
		l.punct(start)
	}
	return true
}

func (l *lexer) lineComment() {
	if i := strings.IndexByte(l.src[l.off:], '\n'); i >= 0 {
		l.off += i + 1
		return
	}
	l.off = len(l.src)
}

func (l *lexer) blockComment(start int) {
	if l.peek(2) == '+' {
		l.off += 3
		l.inHint = true
		l.add(tHintOpen, start, "/*+")
		return
	}
	i := strings.Index(l.src[start+2:], "*/")
	if i < 0 {
		l.unclosed(start, "comment")
		return
	}
	l.off = start + 2 + i + 2
}

// number reads 12, 1.5, .5, 1., 1e3.
func (l *lexer) number(start int) {
	k := tInt
	l.digits()
	if l.peek(0) == '.' && l.peek(1) != '.' && !isWordStart(l.peek(1)) {
		k = tDecimal
		l.off++
		l.digits()
	}
	if e := l.peek(0); e == 'e' || e == 'E' {
		n := 1
		if s := l.peek(1); s == '+' || s == '-' {
			n = 2
		}
		if isDigit(l.peek(n)) {
			k = tApprox
			l.off += n
			l.digits()
		}
	}
	l.add(k, start, l.src[start:l.off])
}

func (l *lexer) digits() {
	for isDigit(l.peek(0)) {
		l.off++
	}
}

// word reads an unquoted word, or the string that it is the prefix of.
func (l *lexer) word(start int) {
	if l.prefixed(start) {
		return
	}
	for l.off < len(l.src) {
		c := l.src[l.off]
		// A dollar sign goes on with a word, but A$ at the end of a row
		// pattern is the variable A and the end.
		if isWordStart(c) || isDigit(c) || c == '$' && isWordStart(l.peek(1)) {
			l.off++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		r, n := utf8.DecodeRuneInString(l.src[l.off:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			break
		}
		l.off += n
	}
	// _UTF16'text': the name of a character set, which changes nothing here.
	if l.src[start] == '_' && l.peek(0) == '\'' {
		l.quoted(start, l.off, '\'', tString)
		return
	}
	text := l.src[start:l.off]
	l.add(tWord, start, text).up = strings.ToUpper(text)
}

func (l *lexer) unicodeWord(start int) {
	r, n := utf8.DecodeRuneInString(l.src[start:])
	switch {
	case unicode.IsLetter(r):
		l.word(start)
	case unicode.IsSpace(r):
		l.off += n
	case r == utf8.RuneError:
		l.off += n
		l.bad(start, "the text is not valid UTF-8")
	default:
		l.off += n
		l.bad(start, "unexpected character '"+string(r)+"'")
	}
}

// twoBytes holds the operators of two characters.
var twoBytes = map[string]string{
	"<>": "<>", "!=": "!=", "<=": "<=", ">=": ">=", "||": "||", "=>": "=>", "->": "->",
}

func (l *lexer) punct(start int) {
	if start+2 <= len(l.src) {
		if s, ok := twoBytes[l.src[start:start+2]]; ok {
			l.off += 2
			l.add(tPunct, start, s)
			return
		}
	}
	l.off++
	c := l.src[start]
	if strings.IndexByte("()[]{},;.+-*/%<>=?|^$:", c) < 0 {
		l.bad(start, "unexpected character '"+string(rune(c))+"'")
		return
	}
	l.add(tPunct, start, l.src[start:l.off])
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWordStart reports whether an ASCII c begins a word.
func isWordStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}
