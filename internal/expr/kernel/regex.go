package kernel

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"github.com/millrace-io/millrace/internal/numtext"
)

// regexTimeout bounds one match of a pattern that needs backtracking.
const regexTimeout = time.Second

// A Regex is a regular expression of Java's kind (java.util.regex). What Go's
// linear-time engine can do runs there; look-around, back references, possessive
// quantifiers and atomic groups run in a backtracking engine, with a time limit for
// each match. A Regex is not safe for concurrent use.
type Regex struct {
	java    javaPattern
	pattern string
	re      *regexp.Regexp  // nil: only the backtracking engine will do
	literal literal         // of re
	back    *regexp2.Regexp // made when first needed
}

// NewRegex compiles a pattern. The error says what is wrong with it, and where.
func NewRegex(pattern string) (*Regex, error) {
	java, err := readJava(pattern)
	if err != nil {
		return nil, err
	}
	r := &Regex{java: java, pattern: pattern}
	if java.only == "" {
		if r.re, err = regexp.Compile(java.linear); err == nil {
			r.literal = literalOf(java.linear)
			return r, nil
		}
		r.java.only = "the size of its repetitions" // more than the linear engine has
	}
	return r, r.backtrack()
}

func (r *Regex) backtrack() error {
	if r.back != nil {
		return nil
	}
	back, err := regexp2.Compile(r.java.back, regexp2.None)
	if err != nil {
		return fmt.Errorf("regular expression %q: %w", r.pattern, err)
	}
	back.MatchTimeout = regexTimeout
	r.back = back
	return nil
}

// linear reports whether the linear engine gives Java's answer for s: it does not
// know of the line breaks that $ and, in the mode of many lines, ^ stand at, and of
// words that are not ASCII.
func (r *Regex) linear(s []byte) bool {
	if r.re == nil {
		return false
	}
	if r.java.words && !numtext.ASCII(s) && r.backtrack() == nil {
		return false
	}
	switch {
	case r.java.lines:
		return !bytes.ContainsAny(s, "\n\r\u0085\u2028\u2029") || r.backtrack() != nil
	case r.java.ends:
		return !endsInBreak(s) || r.backtrack() != nil
	}
	return true
}

// endsInBreak reports whether a character that Java counts as a line break is last.
func endsInBreak(s []byte) bool {
	if n := len(s); n == 0 || s[n-1] < utf8.RuneSelf {
		return n > 0 && (s[n-1] == '\n' || s[n-1] == '\r')
	}
	r, _ := utf8.DecodeLastRune(s)
	return r == 0x85 || r == 0x2028 || r == 0x2029
}

func (r *Regex) failed(s []byte, err error) error {
	why := r.java.only
	if why == "" {
		why = "ends of lines"
	}
	return fmt.Errorf("regular expression %q on a text of %d bytes took more than %s, as it needs backtracking for %s: %w",
		r.pattern, len(s), regexTimeout, why, err)
}

// Match reports whether the pattern occurs in s.
func (r *Regex) Match(s []byte) (bool, error) {
	if r.linear(s) {
		at := r.literal.from(s)
		return at >= 0 && r.re.Match(s[at:]), nil
	}
	ok, err := r.back.MatchString(string(s))
	if err != nil {
		return false, r.failed(s, err)
	}
	return ok, nil
}

// Groups is the number of groups of the pattern, without the whole match.
func (r *Regex) Groups() int { return len(r.java.groups) }

// First returns the text of the first match; ok is false if there is none.
func (r *Regex) First(s []byte) (text []byte, ok bool, err error) {
	if r.linear(s) {
		if at := r.literal.from(s); at >= 0 {
			text = r.re.Find(s[at:]) // nil or not: this way costs no allocation
		}
		return text, text != nil, nil
	}
	m, err := r.Find(s)
	if m == nil || err != nil {
		return nil, false, err
	}
	return s[m[0]:m[1]], true, nil
}

// Find returns the first match: pairs of byte offsets, the whole match first and
// then each group, -1 for a group that took no part; nil if there is none.
func (r *Regex) Find(s []byte) ([]int, error) {
	if r.linear(s) {
		at := r.literal.from(s)
		if at < 0 {
			return nil, nil
		}
		found := r.re.FindSubmatchIndex(s[at:])
		for i, x := range found {
			if x >= 0 {
				found[i] = x + at
			}
		}
		return found, nil
	}
	m, err := r.back.FindStringMatch(string(s))
	if err != nil {
		return nil, r.failed(s, err)
	}
	if m == nil {
		return nil, nil
	}
	return offsets(m, s), nil
}

// FindAll returns all matches that do not overlap, as Find returns one.
func (r *Regex) FindAll(s []byte) ([][]int, error) {
	if r.linear(s) {
		if r.literal.from(s) < 0 {
			return nil, nil
		}
		return r.all(s), nil
	}
	var out [][]int
	m, err := r.back.FindStringMatch(string(s))
	for err == nil && m != nil {
		out = append(out, offsets(m, s))
		m, err = r.back.FindNextMatch(m)
	}
	if err != nil {
		return nil, r.failed(s, err)
	}
	return out, nil
}

// all finds matches as Java does: an empty match may stand right behind another
// match, where Go's engine leaves it out.
func (r *Regex) all(s []byte) (out [][]int) {
	found := r.re.FindAllSubmatchIndex(s, -1)
	for i, m := range found {
		out = append(out, m)
		next := len(s) + 1
		if i+1 < len(found) {
			next = found[i+1][0]
		}
		if m[1] == m[0] || m[1] == next {
			continue
		}
		if e := r.emptyAt(s, m[1]); e != nil && e[0] < next {
			out = append(out, e)
		}
	}
	return out
}

// emptyAt returns the empty match at a place where a match has just ended.
func (r *Regex) emptyAt(s []byte, at int) []int {
	if !r.mayBeEmpty() {
		return nil
	}
	if r.backtrack() != nil {
		return nil
	}
	m, err := r.back.FindStringMatchStartingAt(string(s), at)
	if err != nil || m == nil {
		return nil
	}
	if o := offsets(m, s); o[0] == at && o[1] == at {
		return o
	}
	return nil
}

// mayBeEmpty reports whether the pattern may match without taking a character.
func (r *Regex) mayBeEmpty() bool {
	return r.re.Match(nil) || strings.Contains(r.java.linear, `\b`) || strings.Contains(r.java.linear, `\B`)
}

// offsets turns a match's places, counted in runes, into places in s.
func offsets(m *regexp2.Match, s []byte) []int {
	at := make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		at = append(at, i)
		_, size := utf8.DecodeRune(s[i:])
		i += size
	}
	at = append(at, len(s))
	var out []int
	for _, g := range m.Groups() {
		if len(g.Captures) == 0 {
			out = append(out, -1, -1)
			continue
		}
		out = append(out, at[g.Index], at[g.Index+g.Length])
	}
	return out
}

// A Cache remembers what was last made of a text, so that a constant pattern is
// compiled once, and a column of patterns once a run of equal ones.
type Cache[T any] struct {
	key  string
	have bool
	val  T
	err  error
}

// Get returns what f makes of key.
func (c *Cache[T]) Get(key []byte, f func(key string) (T, error)) (T, error) {
	if !c.have || c.key != string(key) {
		c.key, c.have = string(key), true
		c.val, c.err = f(c.key)
	}
	return c.val, c.err
}
