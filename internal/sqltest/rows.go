package sqltest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/rowtext"
)

// Fold adds changes up, from nothing. The rows come back sorted. An error names the
// first change that takes away a row that is not there: the changelog is not well
// formed.
func Fold(changes []Change) ([]string, error) {
	bag := map[string]int{}
	for i, c := range changes {
		if c.Kind.Adds() {
			bag[c.Row]++
			continue
		}
		if bag[c.Row] == 0 {
			return nil, fmt.Errorf("change %d of %d takes away what is not there: %s", i+1, len(changes), c)
		}
		bag[c.Row]--
	}
	var rows []string
	for row, n := range bag {
		for range n {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows, nil
}

// A Comparison says when two lists of rows are the same.
type Comparison struct {
	Ordered bool    // the order counts
	Tol     float64 // how far numbers may be apart, relative to them; 0 is not at all
}

// Diff compares two lists of rows. It returns "" when they are the same, else the
// first rows that differ.
func (c Comparison) Diff(got, want []string) string {
	if c.Ordered {
		for i := range min(len(got), len(want)) {
			if !c.same(got[i], want[i]) {
				return fmt.Sprintf("row %d is %q, want %q", i+1, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			return fmt.Sprintf("%d rows, want %d", len(got), len(want))
		}
		return ""
	}
	missing, extra := c.match(got, want)
	if len(missing)+len(extra) == 0 {
		return ""
	}
	return fmt.Sprintf("%d rows, want %d; missing %q, extra %q", len(got), len(want), first(missing), first(extra))
}

// Show writes the difference of two lists of rows as lines: what is missing begins
// with -, what is too much with +.
func (c Comparison) Show(got, want []string) string {
	var b strings.Builder
	line := func(mark, row string) { fmt.Fprintf(&b, "  %s %s\n", mark, strings.ReplaceAll(row, "\n", "\n    ")) }
	if !c.Ordered {
		missing, extra := c.match(got, want)
		fmt.Fprintf(&b, "  %d rows, want %d\n", len(got), len(want))
		for _, r := range missing {
			line("-", r)
		}
		for _, r := range extra {
			line("+", r)
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	for len(got) > 0 || len(want) > 0 {
		if len(got) > 0 && len(want) > 0 && c.same(got[0], want[0]) {
			line(" ", got[0])
			got, want = got[1:], want[1:]
			continue
		}
		// The nearest row at which both go on the same decides what is missing.
		g, w := c.meet(got, want)
		for _, r := range want[:w] {
			line("-", r)
		}
		for _, r := range got[:g] {
			line("+", r)
		}
		got, want = got[g:], want[w:]
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// meet returns how many rows of each are passed over until both have the same one.
func (c Comparison) meet(got, want []string) (g, w int) {
	for sum := 1; sum <= len(got)+len(want)-2; sum++ {
		for g := max(0, sum-len(want)+1); g <= min(sum, len(got)-1); g++ {
			if c.same(got[g], want[sum-g]) {
				return g, sum - g
			}
		}
	}
	return len(got), len(want)
}

func first(rows []string) []string { return rows[:min(len(rows), 3)] }

// match pairs rows off: those that are equal as text, then those that are the same.
func (c Comparison) match(got, want []string) (missing, extra []string) {
	count := map[string]int{}
	for _, r := range got {
		count[r]++
	}
	for _, r := range want {
		if count[r] == 0 {
			missing = append(missing, r)
			continue
		}
		count[r]--
	}
	for _, r := range got {
		if count[r] > 0 {
			count[r]--
			extra = append(extra, r)
		}
	}
	missing = slices.DeleteFunc(missing, func(w string) bool {
		at := slices.IndexFunc(extra, func(g string) bool { return c.same(g, w) })
		if at >= 0 {
			extra = slices.Delete(extra, at, at+1)
		}
		return at >= 0
	})
	return missing, extra
}

func (c Comparison) same(got, want string) bool {
	if got == want {
		return true
	}
	return slices.EqualFunc(rowtext.Parse(got), rowtext.Parse(want), c.sameCell)
}

func (c Comparison) sameCell(a, b rowtext.Cell) bool {
	switch {
	case a == b:
		return true
	case a.Null || b.Null:
		return false
	case strings.Contains(a.Text, "{") && sortMaps(a.Text) == sortMaps(b.Text):
		return true
	case c.Tol == 0:
		return false
	}
	x, err1 := strconv.ParseFloat(a.Text, 64)
	y, err2 := strconv.ParseFloat(b.Text, 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) <= c.Tol*max(1, math.Abs(x), math.Abs(y))
}

var mapText = regexp.MustCompile(`\{[^{}]*\}`)

// sortMaps writes the entries of maps in order: they have none.
func sortMaps(s string) string {
	return mapText.ReplaceAllStringFunc(s, func(m string) string {
		entries := strings.Split(m[1:len(m)-1], ", ")
		slices.Sort(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	})
}
