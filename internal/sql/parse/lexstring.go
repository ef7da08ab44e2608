package parse

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// hintDoubleQuote is what a double quote is answered with.
const hintDoubleQuote = "names are quoted with back-ticks: `name`; strings with single quotes: 'text'"

// quoted reads a token in quotes; the opening quote is at open and doubling it
// inside stands for one. A tBad is a word in double quotes.
func (l *lexer) quoted(start, open int, q byte, k kind) {
	l.off = open + 1
	doubled := false
	for {
		i := strings.IndexByte(l.src[l.off:], q)
		if i < 0 {
			l.unclosed(start, quoteName(q))
			return
		}
		l.off += i + 1
		if l.peek(0) != q {
			break
		}
		l.off++
		doubled = true
	}
	text := l.src[open+1 : l.off-1]
	if doubled {
		text = strings.ReplaceAll(text, string([]byte{q, q}), string([]byte{q}))
	}
	switch {
	case k == tBad:
		l.bad(start, "unexpected double quote")
	case k == tQuoted && text == "":
		l.bad(start, "empty name")
	default:
		l.add(k, start, text)
	}
}

func quoteName(q byte) string {
	switch q {
	case '`':
		return "back-tick"
	case '"':
		return "double quote"
	}
	return "string"
}

// prefixed reads N'text', X'hex', U&'text' and E'text'; it reports whether it did.
func (l *lexer) prefixed(start int) bool {
	c := l.src[start] | 0x20 // lower case
	switch {
	case c == 'u' && l.peek(1) == '&' && l.peek(2) == '\'':
		l.quoted(start, start+2, '\'', tUnicode)
	case l.peek(1) != '\'':
		return false
	case c == 'n':
		l.quoted(start, start+1, '\'', tString)
	case c == 'x':
		l.quoted(start, start+1, '\'', tBinary)
		l.checkHex()
	case c == 'e':
		l.escaped(start)
	default:
		return false
	}
	return true
}

// checkHex makes the last token bad when it is no even number of hex digits.
func (l *lexer) checkHex() {
	t := &l.toks[len(l.toks)-1]
	if t.kind != tBinary {
		return
	}
	if len(t.text)%2 != 0 {
		t.kind, t.up = tBad, "a binary literal needs an even number of hex digits"
		return
	}
	for _, c := range []byte(t.text) {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			t.kind, t.up = tBad, "'"+string(rune(c))+"' is no hex digit"
			return
		}
	}
	t.text = strings.ToUpper(t.text)
}

// escaped reads E'text' with C's escapes.
func (l *lexer) escaped(start int) {
	l.off = start + 2
	var b strings.Builder
	for l.off < len(l.src) {
		c := l.src[l.off]
		l.off++
		switch {
		case c == '\'' && l.peek(0) == '\'':
			l.off++
			b.WriteByte('\'')
		case c == '\'':
			l.add(tString, start, b.String())
			return
		case c == '\\' && l.off < len(l.src):
			l.escape(&b)
		default:
			b.WriteByte(c)
		}
	}
	l.unclosed(start, "string")
}

// escape resolves one escape; the lexer stands after the backslash.
func (l *lexer) escape(b *strings.Builder) {
	c := l.src[l.off]
	l.off++
	switch c {
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u', 'U', 'x':
		n := map[byte]int{'u': 4, 'U': 8, 'x': 2}[c]
		if r, ok := hexRune(l.src[l.off:], n); ok {
			l.off += n
			b.WriteRune(r)
			return
		}
		b.WriteByte(c)
	default:
		b.WriteByte(c)
	}
}

// hexRune reads n hex digits at the start of s as a code point.
func hexRune(s string, n int) (rune, bool) {
	if len(s) < n {
		return 0, false
	}
	v, err := strconv.ParseUint(s[:n], 16, 32)
	if err != nil || v > utf8.MaxRune {
		return 0, false
	}
	return rune(v), true
}

// unescape resolves the \0041 and \+010041 of a U&'…' string, whose escape character is esc.
func unescape(s string, esc rune) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r != esc || r == utf8.RuneError {
			b.WriteString(s[i : i+n])
			i += n
			continue
		}
		i += n
		if strings.HasPrefix(s[i:], string(esc)) {
			b.WriteRune(esc)
			i += n
			continue
		}
		digits := 4
		if i < len(s) && s[i] == '+' {
			digits = 6
			i++
		}
		v, ok := hexRune(s[i:], digits)
		if !ok {
			return "", false
		}
		b.WriteRune(v)
		i += digits
	}
	return b.String(), true
}
