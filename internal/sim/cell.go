package sim

import (
	"cmp"
	"math"
)

// A cell is a value of a table: BIGINT, or a time in microseconds, or NULL, which is
// the lowest number there is.
type cell = int64

const null cell = math.MinInt64

// A row of a query's result.
type row [3]cell

func compareRows(a, b row) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]), cmp.Compare(a[2], b[2]))
}

// An event is a row of a source, or of a query that keeps the event time: an
// identity, a key, a value and a time. Only the value may be NULL.
type event struct {
	id, key cell
	val     cell
	time    int64
}

// apply is SQL's arithmetic and comparison: NULL with anything is NULL.
func apply(a, b cell, f func(a, b int64) int64) cell {
	if a == null || b == null {
		return null
	}
	return f(a, b)
}

// holds is SQL's comparison of which only TRUE counts.
func holds(a cell, op string, b cell) bool {
	if a == null || b == null {
		return false
	}
	switch op {
	case "=":
		return a == b
	case "<>":
		return a != b
	case "<":
		return a < b
	}
	return a >= b
}

// An aggregate is a function over rows, as SQL text and as what it gives: over the
// values for which the filter held.
type aggregate struct {
	text string // with %s for the column
	of   func(vals []cell) cell
}

func known(vals []cell) (out []int64) {
	for _, v := range vals {
		if v != null {
			out = append(out, v)
		}
	}
	return out
}

func distinct(vals []int64) (out []int64) {
	seen := map[int64]bool{}
	for _, v := range vals {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

func sum(vals []int64) cell {
	if len(vals) == 0 {
		return null
	}
	var s int64
	for _, v := range vals {
		s += v
	}
	return s
}

func extreme(vals []int64, better func(a, b int64) bool) cell {
	best := null
	for _, v := range vals {
		if best == null || better(v, best) {
			best = v
		}
	}
	return best
}

var aggregates = []aggregate{
	{"COUNT(*)", func(v []cell) cell { return int64(len(v)) }},
	{"COUNT(%s)", func(v []cell) cell { return int64(len(known(v))) }},
	{"SUM(%s)", func(v []cell) cell { return sum(known(v)) }},
	{"MIN(%s)", func(v []cell) cell { return extreme(known(v), func(a, b int64) bool { return a < b }) }},
	{"MAX(%s)", func(v []cell) cell { return extreme(known(v), func(a, b int64) bool { return a > b }) }},
	{"COUNT(DISTINCT %s)", func(v []cell) cell { return int64(len(distinct(known(v)))) }},
	{"SUM(DISTINCT %s)", func(v []cell) cell { return sum(distinct(known(v))) }},
	{"AVG(%s)", func(v []cell) cell {
		k := known(v)
		if len(k) == 0 {
			return null
		}
		return sum(k) / int64(len(k))
	}},
}
