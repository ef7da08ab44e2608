package sim

import (
	"cmp"
	"fmt"
	"slices"
)

// relation draws a query of any kind.
func (g *grammar) relation(depth int) relation {
	if depth == 0 {
		return g.base()
	}
	forms := []func(int) relation{g.filter, g.project, g.group, g.group, g.join, g.join, g.exists, g.top, g.top, g.union, g.set, g.distinct,
		g.windowed, g.windowed, g.early, g.windowTop, g.windowJoin, g.dedup, g.pattern, g.asOf}
	for {
		if r := forms[g.n(len(forms))](depth - 1); len(r.rows) <= rowsMax && r.sql != "" {
			return r
		}
	}
}

// base is a table that changes, or a stream without its time.
func (g *grammar) base() relation {
	if g.n(3) == 0 {
		return relation{"SELECT k AS x, v AS y, w AS z FROM u", g.tables["u"].current(), 1}
	}
	s := g.stream(g.n(2))
	from, _ := g.as(s.sql)
	out := relation{sql: "SELECT k AS x, v AS y, i AS z FROM " + from}
	for _, e := range s.rows {
		out.rows = append(out.rows, row{e.key, e.val, e.id})
	}
	return out
}

var columns = []string{"x", "y", "z"}

// from names a relation for FROM.
func (g *grammar) from(depth int) (in relation, text, name string) {
	in = g.relation(depth)
	text, name = g.as(in.sql)
	return in, text, name
}

func (g *grammar) filter(depth int) relation {
	in, from, _ := g.from(depth)
	c, op, lit := g.n(3), g.pick("=", "<>", "<", ">="), int64(g.n(30))
	out := relation{sql: fmt.Sprintf("SELECT x, y, z FROM %s WHERE %s %s %d", from, columns[c], op, lit), key: in.key}
	for _, r := range in.rows {
		if holds(r[c], op, lit) {
			out.rows = append(out.rows, r)
		}
	}
	return out
}

func (g *grammar) project(depth int) relation {
	in, from, _ := g.from(depth)
	a, b, c := g.n(3), g.n(3), g.n(3)
	out := relation{sql: fmt.Sprintf("SELECT %s AS x, COALESCE(%s, 7) AS y, %s - %s AS z FROM %s", columns[a], columns[b], columns[c], columns[a], from)}
	for _, r := range in.rows {
		y := r[b]
		if y == null {
			y = 7
		}
		out.rows = append(out.rows, row{r[a], y, apply(r[c], r[a], func(a, b int64) int64 { return a - b })})
	}
	return out
}

// group is GROUP BY one or two columns, perhaps with HAVING or a filter.
func (g *grammar) group(depth int) relation {
	in, from, _ := g.from(depth)
	keys := []int{g.n(3)}
	if g.n(3) == 0 {
		keys = append(keys, (keys[0]+1)%3)
	}
	type call struct {
		text string
		of   func([]row) cell
	}
	draw := func() call {
		a, c := aggregates[g.n(len(aggregates))], g.n(3)
		out := call{callOf(a, columns[c]), func(rows []row) cell { return a.of(columnOf(rows, c)) }}
		if g.n(3) == 0 {
			f, lit := g.n(3), int64(g.n(20))
			text := out.text + fmt.Sprintf(" FILTER (WHERE %s >= %d)", columns[f], lit)
			return call{text, func(rows []row) cell {
				return a.of(columnOf(slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !holds(r[f], ">=", lit) }), c))
			}}
		}
		return out
	}
	groups, order := map[row][]row{}, []row{}
	for _, r := range in.rows {
		var k row
		for i, c := range keys {
			k[i] = r[c]
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], r)
	}
	text := "SELECT " + columns[keys[0]] + " AS x, "
	by := columns[keys[0]]
	calls := []call{draw()}
	if len(keys) == 2 {
		text += columns[keys[1]] + " AS y, " + calls[0].text + " AS z"
		by += ", " + columns[keys[1]]
	} else {
		calls = append(calls, draw())
		text += calls[0].text + " AS y, " + calls[1].text + " AS z"
	}
	having, most := "", int64(-1)
	if g.n(4) == 0 {
		most = int64(1 + g.n(4))
		having = fmt.Sprintf(" HAVING COUNT(*) < %d", most)
	}
	out := relation{sql: text + " FROM " + from + " GROUP BY " + by + having, key: len(keys)}
	for _, k := range order {
		rows := groups[k]
		if most >= 0 && int64(len(rows)) >= most {
			continue
		}
		r := k
		for i, c := range calls {
			r[len(keys)+i] = c.of(rows)
		}
		out.rows = append(out.rows, r)
	}
	return out
}

func callOf(a aggregate, col string) string { return call(a, col) }

func columnOf(rows []row, c int) (out []cell) {
	for _, r := range rows {
		out = append(out, r[c])
	}
	return out
}

// join is a regular join of any kind, perhaps with a second condition, or an inner one of
// three by one key.
func (g *grammar) join(depth int) relation {
	l, left, ln := g.from(depth)
	r, right, rn := g.from(depth / 2)
	a, b := g.n(3), g.n(3)
	on := fmt.Sprintf("%s.%s = %s.%s", ln, columns[a], rn, columns[b])
	match := func(p, q row) bool { return holds(p[a], "=", q[b]) }
	if g.n(3) == 0 {
		c, d := g.n(3), g.n(3)
		on += fmt.Sprintf(" AND %s.%s < %s.%s", ln, columns[c], rn, columns[d])
		match = func(p, q row) bool { return holds(p[a], "=", q[b]) && holds(p[c], "<", q[d]) }
	}
	kind := g.n(4)
	if kind == 0 && g.n(3) == 0 {
		third, rest, tn := g.from(depth / 2)
		c := g.n(3)
		out := relation{sql: fmt.Sprintf("SELECT /*+ MULTI_JOIN(%s, %s, %s) */ %s.x AS x, %s.y AS y, %s.z AS z FROM %s JOIN %s ON %s JOIN %s ON %s.%s = %s.%s",
			ln, rn, tn, ln, rn, tn, left, right, on, rest, rn, columns[b], tn, columns[c])}
		for _, p := range l.rows {
			for _, q := range r.rows {
				for _, s := range third.rows {
					if match(p, q) && holds(q[b], "=", s[c]) {
						out.rows = append(out.rows, row{p[0], q[1], s[2]})
					}
				}
			}
		}
		return out
	}
	out := relation{sql: fmt.Sprintf("SELECT %s.x AS x, %s.y AS y, %s.z AS z FROM %s %s %s ON %s", ln, rn, rn, left, []string{"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"}[kind], right, on)}
	met := make([]bool, len(r.rows))
	for _, p := range l.rows {
		found := false
		for i, q := range r.rows {
			if match(p, q) {
				found, met[i] = true, true
				out.rows = append(out.rows, row{p[0], q[1], q[2]})
			}
		}
		if !found && (kind == 1 || kind == 3) {
			out.rows = append(out.rows, row{p[0], null, null})
		}
	}
	for i, q := range r.rows {
		if !met[i] && kind >= 2 {
			out.rows = append(out.rows, row{null, q[1], q[2]})
		}
	}
	return out
}

// exists is a semi or an anti join.
func (g *grammar) exists(depth int) relation {
	l, left, ln := g.from(depth)
	r, right, rn := g.from(depth / 2)
	a, b, not := g.n(3), g.n(3), g.n(2) == 0
	word := ""
	if not {
		word = "NOT "
	}
	out := relation{sql: fmt.Sprintf("SELECT x, y, z FROM %s WHERE %sEXISTS (SELECT 1 FROM %s WHERE %s.%s = %s.%s)", left, word, right, rn, columns[b], ln, columns[a]), key: l.key}
	for _, p := range l.rows {
		if slices.ContainsFunc(r.rows, func(q row) bool { return holds(p[a], "=", q[b]) }) != not {
			out.rows = append(out.rows, p)
		}
	}
	return out
}

// top is a Top-N by all columns, so that rows that tie are equal.
func (g *grammar) top(depth int) relation {
	in, from, _ := g.from(depth)
	part, desc, n := g.n(4), g.n(2) == 0, 1+g.n(3)
	order := g.rnd.Perm(3)
	by, text := "", ""
	if part < 3 {
		by = "PARTITION BY " + columns[part] + " "
	}
	for i, c := range order {
		if i > 0 {
			text += ", "
		}
		text += columns[c]
		if i == 0 && desc {
			text += " DESC"
		}
	}
	rows := slices.Clone(in.rows)
	slices.SortStableFunc(rows, func(a, b row) int {
		for i, c := range order {
			if o := cmp.Compare(a[c], b[c]); o != 0 { // NULL is the lowest, as in Flink
				if i == 0 && desc {
					return -o
				}
				return o
			}
		}
		return 0
	})
	out := relation{sql: fmt.Sprintf("SELECT x, y, z FROM (SELECT x, y, z, ROW_NUMBER() OVER (%sORDER BY %s) AS rn FROM %s) WHERE rn <= %d", by, text, from, n), key: in.key}
	taken := map[cell]int{}
	for _, r := range rows {
		p := cell(0)
		if part < 3 {
			p = r[part]
		}
		if taken[p]++; taken[p] <= n {
			out.rows = append(out.rows, r)
		}
	}
	return out
}

func (g *grammar) union(depth int) relation {
	l, r := g.relation(depth), g.relation(depth/2)
	return relation{sql: fmt.Sprintf("(%s) UNION ALL (%s)", l.sql, r.sql), rows: append(slices.Clone(l.rows), r.rows...)}
}

// set is UNION, INTERSECT or EXCEPT, of rows or of what they are counted.
func (g *grammar) set(depth int) relation {
	l, r := g.relation(depth), g.relation(depth/2)
	op := g.pick("UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL")
	a, b := counted(l.rows), counted(r.rows)
	all := counted(append(slices.Clone(l.rows), r.rows...))
	out := relation{sql: fmt.Sprintf("(%s) %s (%s)", l.sql, op, r.sql)}
	for _, k := range sorted(all) {
		n := map[string]int{"UNION": 1, "INTERSECT": min(a[k], b[k], 1), "EXCEPT": min(a[k], 1), "INTERSECT ALL": min(a[k], b[k]), "EXCEPT ALL": a[k] - b[k]}[op]
		if op == "EXCEPT" && b[k] > 0 {
			n = 0
		}
		for range n {
			out.rows = append(out.rows, k)
		}
	}
	if op == "UNION" || op == "INTERSECT" || op == "EXCEPT" {
		out.key = 3
	}
	return out
}

func counted(rows []row) map[row]int {
	out := map[row]int{}
	for _, r := range rows {
		out[r]++
	}
	return out
}

func (g *grammar) distinct(depth int) relation {
	in, from, _ := g.from(depth)
	c := g.n(3)
	out := relation{sql: fmt.Sprintf("SELECT DISTINCT x, %s AS y, z FROM %s", columns[c], from), key: 3}
	for _, r := range in.rows {
		out.rows = append(out.rows, row{r[0], r[c], r[2]})
	}
	out.rows = sorted(counted(out.rows))
	return out
}

// windowed aggregates by key and window.
func (g *grammar) windowed(depth int) relation {
	in := g.stream(min(depth, 2))
	with, name := g.with(in.sql)
	w, agg := g.window(true), aggregates[g.n(len(aggregates))]
	const end = "TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_end)"
	out := relation{sql: fmt.Sprintf("%sSELECT k AS x, %s AS y, CAST(%s AS BIGINT) AS z FROM %s GROUP BY k, window_start, window_end", with, call(agg, "v"), end, w.table(name))}
	for _, p := range w.cut(in.rows) {
		out.rows = append(out.rows, row{p.key, agg.of(values(p.rows)), p.end / second})
	}
	return out
}

// early aggregates by key and window, and tells results before windows are complete.
func (g *grammar) early(depth int) relation {
	in := g.stream(min(depth, 2))
	with, name := g.with(in.sql)
	agg := aggregates[g.n(len(aggregates))]
	w, args := window{size: second, ends: multiple(second, second)}, "TUMBLE%s(t, INTERVAL '1' SECOND)"
	if g.n(2) == 0 {
		w, args = window{size: 3 * second, ends: multiple(3*second, second)}, "HOP%s(t, INTERVAL '1' SECOND, INTERVAL '3' SECOND)"
	}
	end := "TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', " + fmt.Sprintf(args, "_END") + ")"
	out := relation{sql: fmt.Sprintf("%sSELECT k AS x, %s AS y, CAST(%s AS BIGINT) AS z FROM %s GROUP BY k, %s", with, call(agg, "v"), end, name, fmt.Sprintf(args, ""))}
	for _, p := range w.cut(in.rows) {
		out.rows = append(out.rows, row{p.key, agg.of(values(p.rows)), p.end / second})
	}
	g.timed, g.fires = true, true
	return out
}

// windowTop is the first rows of each window.
func (g *grammar) windowTop(depth int) relation {
	in := g.stream(min(depth, 2))
	if !in.unique {
		return relation{}
	}
	with, name := g.with(in.sql)
	w, n := g.window(false), 1+g.n(3)
	out := relation{sql: fmt.Sprintf("%sSELECT k AS x, v AS y, i AS z FROM (SELECT k, v, i, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC, i) AS rn FROM %s) WHERE rn <= %d", with, w.table(name), n)}
	for _, p := range w.cut(in.rows) {
		rows := slices.SortedFunc(slices.Values(p.rows), func(a, b event) int { return cmp.Or(-cmp.Compare(a.val, b.val), cmp.Compare(a.id, b.id)) })
		for _, e := range rows[:min(n, len(rows))] {
			out.rows = append(out.rows, row{e.key, e.val, e.id})
		}
	}
	return out
}

// windowJoin joins what two streams have in a window.
func (g *grammar) windowJoin(depth int) relation {
	l, r := g.stream(min(depth, 2)), g.stream(0)
	lw, ln := g.with(l.sql)
	rw, rn := g.with(r.sql)
	w, kind := g.window(false), g.n(4)
	out := relation{sql: fmt.Sprintf("%s, %s SELECT l.k AS x, r.v AS y, r.i AS z FROM (SELECT * FROM %s) AS l %s (SELECT * FROM %s) AS r ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end",
		lw[:len(lw)-1], rw[len("WITH "):], w.table(ln), []string{"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"}[kind], w.table(rn))}
	left, right := w.cut(l.rows), w.cut(r.rows)
	for _, p := range left {
		i := slices.IndexFunc(right, func(q pane) bool { return p.key == q.key && p.end == q.end })
		for range p.rows {
			if i < 0 && (kind == 1 || kind == 3) {
				out.rows = append(out.rows, row{p.key, null, null})
			}
			if i >= 0 {
				for _, e := range right[i].rows {
					out.rows = append(out.rows, row{p.key, e.val, e.id})
				}
			}
		}
	}
	for _, q := range right {
		if kind >= 2 && !slices.ContainsFunc(left, func(p pane) bool { return p.key == q.key && p.end == q.end }) {
			for _, e := range q.rows {
				out.rows = append(out.rows, row{null, e.val, e.id})
			}
		}
	}
	return out
}

// dedup is the first or the last row of each key.
func (g *grammar) dedup(depth int) relation {
	in := g.stream(min(depth, 2))
	if !in.unique {
		return relation{}
	}
	from, _ := g.as(in.sql)
	g.timed = true
	order := g.pick("ASC", "DESC")
	out := relation{sql: fmt.Sprintf("SELECT k AS x, v AS y, i AS z FROM (SELECT k, v, i, ROW_NUMBER() OVER (PARTITION BY k ORDER BY t %s) AS rn FROM %s) WHERE rn = 1", order, from), key: 1}
	best := map[cell]event{}
	for _, e := range in.rows {
		if b, ok := best[e.key]; !ok || (e.time < b.time) == (order == "ASC") {
			best[e.key] = e
		}
	}
	for _, e := range best {
		out.rows = append(out.rows, row{e.key, e.val, e.id})
	}
	slices.SortFunc(out.rows, compareRows)
	return out
}
