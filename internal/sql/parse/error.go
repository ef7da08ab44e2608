package parse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// Error is a syntax error.
type Error struct {
	Pos  ast.Pos
	Word string // the word found, as it stands in the source; "" at the end of input
	Msg  string // what is wrong: unexpected 'FORM'; expected …
	Hint string // what may help: did you mean FROM?
}

// Error returns line:col: message; hint.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Col, e.Msg)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// expectedMax is how many alternatives a message lists.
const expectedMax = 8

// expectedText writes "expected A, B or C" of the words tried.
func expectedText(words []string) string {
	// Things and the end of the statement before keywords; a name only when nothing says what it names.
	var list []string
	for _, thing := range []bool{true, false} {
		for _, w := range words {
			isThing := w[0] >= 'a' && w[0] <= 'z' || w == "';'"
			if isThing == thing && !slices.Contains(list, w) && (w != wantName || len(list) == 0) {
				list = append(list, w)
			}
		}
	}
	if len(list) > 1 && list[0] == wantName && list[1][0] >= 'a' && list[1][0] <= 'z' {
		list = list[1:]
	}
	switch {
	case len(list) == 0:
		return ""
	case len(list) == 1:
		return "expected " + list[0]
	case len(list) > expectedMax:
		return "expected " + strings.Join(list[:expectedMax], ", ") + ", …"
	}
	return "expected " + strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// near returns the keyword among words that word is a likely misspelling of,
// or "". Of two as near it takes the one of the same length (FORM is FROM, not
// FOR), then the first.
func near(word string, words []string) string {
	word = strings.ToUpper(word)
	limit := 1
	if len(word) > 4 {
		limit = 2
	}
	if len(word) < 3 || len(word) > 30 {
		return ""
	}
	best, bestAt := "", limit+1
	for _, w := range words {
		if w == "" || w[0] < 'A' || w[0] > 'Z' || w == word {
			continue
		}
		d := distance(word, w, limit)
		if d < bestAt || d == bestAt && d <= limit && len(w) == len(word) && len(best) != len(word) {
			best, bestAt = w, d
		}
	}
	return best
}

// distance is the edit distance of a and b, a swap of neighbours counting one
// (optimal string alignment); any value above limit stands for more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	var rows [3][]int
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev2, prev, cur := rows[0], rows[1], rows[2]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = prev, cur, prev2
	}
	return rows[1][len(b)]
}
