package kernel

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// regexTimeout bounds one match of a pattern that needs backtracking.
const regexTimeout = time.Second

// A Regex is a regular expression of Java's kind. Patterns that Go's linear-time
// engine knows run there; look-around, back references, possessive quantifiers
// and atomic groups run in a backtracking engine with a time limit.
type Regex struct {
	re   *regexp.Regexp
	back *regexp2.Regexp
}

// NewRegex compiles a pattern.
func NewRegex(pattern string) (*Regex, error) {
	re, err := regexp.Compile(strings.ReplaceAll(pattern, `\h`, `[ \t]`))
	if err == nil {
		return &Regex{re: re}, nil
	}
	back, err := regexp2.Compile(pattern, regexp2.None)
	if err != nil {
		return nil, err
	}
	back.MatchTimeout = regexTimeout
	return &Regex{back: back}, nil
}

// Match reports whether the pattern occurs in s.
func (r *Regex) Match(s []byte) bool {
	if r.re != nil {
		return r.re.Match(s)
	}
	ok, err := r.back.MatchString(string(s))
	return ok && err == nil
}

// Groups is the number of groups of the pattern, without the whole match.
func (r *Regex) Groups() int {
	if r.re != nil {
		return r.re.NumSubexp()
	}
	return len(r.back.GetGroupNumbers()) - 1
}

// Find returns the first match: pairs of byte offsets, the whole match first and
// then each group, -1 for a group that took no part; nil if there is none.
func (r *Regex) Find(s []byte) []int {
	if r.re != nil {
		return r.re.FindSubmatchIndex(s)
	}
	m, err := r.back.FindStringMatch(string(s))
	if err != nil || m == nil {
		return nil
	}
	return offsets(m, s)
}

// FindAll returns all matches that do not overlap, as Find returns one.
func (r *Regex) FindAll(s []byte) [][]int {
	if r.re != nil {
		return r.re.FindAllSubmatchIndex(s, -1)
	}
	var out [][]int
	m, err := r.back.FindStringMatch(string(s))
	for err == nil && m != nil {
		out = append(out, offsets(m, s))
		m, err = r.back.FindNextMatch(m)
	}
	return out
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
