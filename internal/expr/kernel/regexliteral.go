package kernel

import (
	"bytes"
	"regexp/syntax"
	"unicode/utf8"
)

// A literal is a text that every match of a pattern has in it, and how many bytes of the
// match lie before it at most. A text without it is not looked at any further; in
// another no match begins earlier than that before the first one.
type literal struct {
	text   []byte // nil: there is none
	before int
}

// literalMin is the shortest that is looked for: a shorter one is nearly everywhere.
const literalMin = 3

// literalOf finds the longest literal of a pattern of Go's kind.
func literalOf(pattern string) (l literal) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return l
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	before := 0
	for _, p := range parts {
		if text := literalText(p); len(text) >= max(literalMin, len(l.text)+1) {
			l = literal{[]byte(text), before}
		}
		n := lengthMax(p)
		if n < 0 {
			break
		}
		before += n
	}
	return l
}

// literalText is what a part of a pattern matches, if that is one text.
func literalText(re *syntax.Regexp) string {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase != 0 {
		return ""
	}
	return string(re.Rune)
}

// lengthMax is how many bytes a part matches at most, -1 if there is no limit worth it.
func lengthMax(re *syntax.Regexp) int {
	const limit = 1 << 10
	n := 0
	switch re.Op {
	case syntax.OpLiteral:
		n = utf8.UTFMax * len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		n = utf8.UTFMax
	case syntax.OpStar, syntax.OpPlus:
		return -1
	case syntax.OpCapture, syntax.OpQuest:
		n = lengthMax(re.Sub[0])
	case syntax.OpRepeat:
		sub := lengthMax(re.Sub[0])
		if re.Max < 0 || sub < 0 {
			return -1
		}
		n = re.Max * sub
	case syntax.OpConcat, syntax.OpAlternate:
		for _, s := range re.Sub {
			k := lengthMax(s)
			switch {
			case k < 0:
				return -1
			case re.Op == syntax.OpConcat:
				n += k
			default:
				n = max(n, k)
			}
		}
	}
	if n > limit {
		return -1
	}
	return n
}

// from returns a place before which no match begins, -1 if there is none at all. It is
// the front of s, or behind it so far that the character there is before every match:
// what looks at it finds what it would find in s, and what holds at the front of a text
// only, ^ and \A, holds for no match.
func (l *literal) from(s []byte) int {
	if l.text == nil {
		return 0
	}
	at := bytes.Index(s, l.text)
	if at < 0 {
		return -1
	}
	at = max(at-l.before-1, 0)
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return at
}
