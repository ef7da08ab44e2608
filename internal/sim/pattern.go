package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A step is a variable of a pattern, which takes one row, with its condition.
type step struct {
	cond string // with %s for the variable; "": any row
	of   func(row, first event) bool
}

func (g *grammar) step(i int) step {
	n := int64(g.n(80))
	switch g.n(4) {
	case 0:
		return step{fmt.Sprintf("%%s.v >= %d", n), func(e, _ event) bool { return holds(e.val, ">=", n) }}
	case 1:
		return step{fmt.Sprintf("%%s.v < %d", n), func(e, _ event) bool { return holds(e.val, "<", n) }}
	case 2:
		if i > 0 {
			return step{"%s.v < A.v", func(e, first event) bool { return holds(e.val, "<", first.val) }}
		}
	}
	return step{"", func(event, event) bool { return true }}
}

// pattern is MATCH_RECOGNIZE: two to four rows of a key, one behind the other, each
// with a condition.
func (g *grammar) pattern(depth int) relation {
	in := g.stream(min(depth, 2))
	if !in.unique {
		return relation{}
	}
	g.timed = true
	with, name := g.with(in.sql)
	var steps []step
	var vars, conds []string
	for i := range 2 + g.n(3) {
		s := g.step(i)
		v := string(rune('A' + i))
		steps, vars = append(steps, s), append(vars, v)
		if s.cond != "" {
			conds = append(conds, v+" AS "+fmt.Sprintf(s.cond, v))
		}
	}
	if len(conds) == 0 {
		conds = []string{"A AS A.v >= 0"}
		steps[0] = step{"", func(e, _ event) bool { return holds(e.val, ">=", 0) }}
	}
	skip := g.pick("PAST LAST ROW", "TO NEXT ROW")
	last := vars[len(vars)-1]
	out := relation{sql: fmt.Sprintf("%sSELECT k AS x, y, z FROM %s MATCH_RECOGNIZE (PARTITION BY k ORDER BY t MEASURES A.i AS y, %s.v AS z AFTER MATCH SKIP %s PATTERN (%s) DEFINE %s)",
		with, name, last, skip, strings.Join(vars, " "), strings.Join(conds, ", "))}
	byKey := map[cell][]event{}
	for _, e := range slices.SortedFunc(slices.Values(in.rows), func(a, b event) int { return cmp.Compare(a.time, b.time) }) {
		byKey[e.key] = append(byKey[e.key], e)
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		rows := byKey[key]
		for i := 0; i+len(steps) <= len(rows); i++ {
			if !matches(steps, rows[i:]) {
				continue
			}
			out.rows = append(out.rows, row{key, rows[i].id, rows[i+len(steps)-1].val})
			if skip == "PAST LAST ROW" {
				i += len(steps) - 1
			}
		}
	}
	return out
}

func matches(steps []step, rows []event) bool {
	for i, s := range steps {
		if !s.of(rows[i], rows[0]) {
			return false
		}
	}
	return true
}
