package kernel

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/millrace-io/millrace/vec"
)

// A Like is a compiled LIKE pattern: % stands for any text, _ for one character.
type Like struct {
	kind    likeKind
	text    []byte   // of the simple kinds
	parts   [][]byte // of likeParts: what stands between the %, empty at an end that has one
	pattern []rune   // of the general one: characters, anyOne, anyRun
}

type likeKind uint8

const (
	likeExact likeKind = iota
	likePrefix
	likeSuffix
	likeContains
	likeParts
	likeGeneral
)

const (
	anyOne rune = -1
	anyRun rune = -2
)

// NewLike compiles a pattern; escape is the character that makes the next one
// stand for itself, 0 for none.
func NewLike(pattern []byte, escape rune) (*Like, error) {
	l := &Like{}
	escaped := false
	for _, r := range string(pattern) {
		switch {
		case escaped:
			if r != '%' && r != '_' && r != escape {
				return nil, fmt.Errorf("the LIKE pattern %q escapes %q, and only %%, _ and the escape itself can be", pattern, r)
			}
			escaped = false
		case escape != 0 && r == escape:
			escaped = true
			continue
		case r == '%':
			r = anyRun
		case r == '_':
			r = anyOne
		}
		if r == anyRun && len(l.pattern) > 0 && l.pattern[len(l.pattern)-1] == anyRun {
			continue
		}
		l.pattern = append(l.pattern, r)
	}
	if escaped {
		return nil, fmt.Errorf("the LIKE pattern %q ends in its escape character", pattern)
	}
	l.classify()
	return l, nil
}

// classify finds the patterns that a plain search decides.
func (l *Like) classify() {
	p := l.pattern
	front := len(p) > 0 && p[0] == anyRun
	if front {
		p = p[1:]
	}
	back := len(p) > 0 && p[len(p)-1] == anyRun
	if back {
		p = p[:len(p)-1]
	}
	if slices.Contains(p, anyOne) {
		l.kind = likeGeneral
		return
	}
	if slices.Contains(p, anyRun) {
		l.kind = likeParts
		l.parts = parts(l.pattern)
		return
	}
	l.text = []byte(string(p))
	switch {
	case front && (back || len(p) == 0):
		l.kind = likeContains
	case front:
		l.kind = likeSuffix
	case back:
		l.kind = likePrefix
	}
}

// parts cuts a pattern without anyOne at its anyRun.
func parts(p []rune) (out [][]byte) {
	for {
		i := slices.Index(p, anyRun)
		if i < 0 {
			return append(out, []byte(string(p)))
		}
		out, p = append(out, []byte(string(p[:i]))), p[i+1:]
	}
}

// Match reports whether s is what the pattern describes.
func (l *Like) Match(s []byte) bool {
	switch l.kind {
	case likeExact:
		return bytes.Equal(s, l.text)
	case likePrefix:
		return bytes.HasPrefix(s, l.text)
	case likeSuffix:
		return bytes.HasSuffix(s, l.text)
	case likeContains:
		return bytes.Contains(s, l.text)
	case likeParts:
		return l.inParts(s)
	}
	return l.general(s)
}

// inParts finds each part behind the one before; the first and the last stand at the ends.
func (l *Like) inParts(s []byte) bool {
	last := len(l.parts) - 1
	if !bytes.HasPrefix(s, l.parts[0]) {
		return false
	}
	s = s[len(l.parts[0]):]
	if !bytes.HasSuffix(s, l.parts[last]) {
		return false
	}
	s = s[:len(s)-len(l.parts[last])]
	for _, p := range l.parts[1:last] {
		i := bytes.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}

// general matches greedily and goes back to the last % when it is stuck.
func (l *Like) general(s []byte) bool {
	p := l.pattern
	i, j := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(s[i:])
		}
		switch {
		case j < len(p) && p[j] == anyRun:
			star, mark = j, i
			j++
		case j < len(p) && (p[j] == anyOne || p[j] == r):
			i += size
			j++
		case star >= 0:
			_, size := utf8.DecodeRune(s[mark:])
			mark += size
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(p) && p[j] == anyRun {
		j++
	}
	return j == len(p)
}

// MatchAll matches a column of texts against one pattern.
func MatchAll(l *Like, s StrView, rows []int32, n int) vec.Vector {
	out := make([]bool, n)
	if rows != nil || s.Const() {
		Each(rows, n, func(i int) { out[i] = l.Match(s.At(i)) })
		return &vec.Fixed[bool]{Vals: out}
	}
	text := string(l.text)
	switch l.kind {
	case likeExact:
		matchExact(s, text, out)
	case likePrefix:
		matchPrefix(s, text, out)
	case likeSuffix:
		matchSuffix(s, text, out)
	default:
		for i := range out {
			out[i] = l.Match(s.At(i))
		}
	}
	return &vec.Fixed[bool]{Vals: out}
}

func matchExact(s StrView, text string, out []bool) {
	offs := s.Offs[: len(out)+1 : len(out)+1]
	for i := range out {
		from, to := offs[i], offs[i+1]
		out[i] = int(to-from) == len(text) && string(s.Data[from:to]) == text
	}
}

func matchPrefix(s StrView, text string, out []bool) {
	offs := s.Offs[: len(out)+1 : len(out)+1]
	for i := range out {
		from, to := offs[i], offs[i+1]
		out[i] = int(to-from) >= len(text) && string(s.Data[from:from+uint32(len(text))]) == text
	}
}

func matchSuffix(s StrView, text string, out []bool) {
	offs := s.Offs[: len(out)+1 : len(out)+1]
	for i := range out {
		from, to := offs[i], offs[i+1]
		out[i] = int(to-from) >= len(text) && string(s.Data[to-uint32(len(text)):to]) == text
	}
}
