package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A stream is a query of new rows with an event time, columns i, k, v and t, beside
// the rows that it gives.
type stream struct {
	sql    string
	rows   []event
	unique bool // no two rows have one time
}

// A relation is a query of any kind, columns x, y and z, beside the rows that it has
// in the end.
type relation struct {
	sql  string
	rows []row
	key  int // so many first columns identify a row; 0: none do
}

// A grammar draws queries and evaluates each as it draws it, by the plainest means
// that there are: whole lists of rows, no state, no time.
type grammar struct {
	rnd    *rand.Rand
	tables map[string]*source
	alias  int
	timed  bool // what was drawn depends on the event time
	fires  bool // … has windows that tell results early
}

// rowsMax is how many rows an intermediate result may have.
const rowsMax = 250

func (g *grammar) n(n int) int { return g.rnd.IntN(n) }

func (g *grammar) pick(words ...string) string { return words[g.n(len(words))] }

// as names a query for FROM.
func (g *grammar) as(sql string) (text, name string) {
	g.alias++
	name = fmt.Sprintf("t%d", g.alias)
	return "(" + sql + ") AS " + name, name
}

// stream draws a query that keeps the event time.
func (g *grammar) stream(depth int) stream {
	if depth == 0 {
		return g.scan()
	}
	forms := []func(int) stream{g.where, g.compute, g.over, g.windows, g.interval}
	for {
		if s := forms[g.n(len(forms))](depth - 1); len(s.rows) <= rowsMax && s.sql != "" {
			return s
		}
	}
}

func (g *grammar) scan() stream {
	one := func(name string) stream {
		return stream{"SELECT i, k, v, t FROM " + name, g.tables[name].events(), true}
	}
	switch g.n(5) {
	case 0:
		a, b := one("a"), one("b")
		return stream{a.sql + " UNION ALL " + b.sql, append(slices.Clone(a.rows), b.rows...), true}
	case 1:
		return one("b")
	}
	return one("a")
}

// where keeps the rows for which a drawn condition is TRUE.
func (g *grammar) where(depth int) stream {
	in := g.stream(depth)
	from, _ := g.as(in.sql)
	op, c := g.pick("<>", "<", ">="), int64(g.n(60))
	if g.n(2) == 0 {
		key := c % 9
		in.rows = slices.DeleteFunc(slices.Clone(in.rows), func(e event) bool { return !holds(e.key, op, key) })
		in.sql = fmt.Sprintf("SELECT i, k, v, t FROM %s WHERE k %s %d", from, op, key)
		return in
	}
	in.rows = slices.DeleteFunc(slices.Clone(in.rows), func(e event) bool { return !holds(e.val, op, c) })
	in.sql = fmt.Sprintf("SELECT i, k, v, t FROM %s WHERE v %s %d", from, op, c)
	return in
}

func (g *grammar) compute(depth int) stream {
	in := g.stream(depth)
	from, _ := g.as(in.sql)
	mod, add := int64(2+g.n(4)), int64(g.n(9))
	in.rows = slices.Clone(in.rows)
	for i, e := range in.rows {
		in.rows[i].key = e.key % mod
		in.rows[i].val = apply(e.val, add, func(a, b int64) int64 { return a*3 + b })
	}
	in.sql = fmt.Sprintf("SELECT i, MOD(k, %d) AS k, v * 3 + %d AS v, t FROM %s", mod, add, from)
	return in
}

// over is an aggregate over the rows before each row of its key.
func (g *grammar) over(depth int) stream {
	in := g.stream(depth)
	if !in.unique {
		return stream{}
	}
	g.timed = true
	from, _ := g.as(in.sql)
	agg := aggregates[g.n(5)]
	n := 1 + g.n(4)
	frame, inside := "", func(back int, by int64) bool { return true }
	switch g.n(3) {
	case 0:
		frame, inside = fmt.Sprintf("ROWS BETWEEN %d PRECEDING AND CURRENT ROW", n), func(back int, _ int64) bool { return back <= n }
	case 1:
		frame, inside = fmt.Sprintf("RANGE BETWEEN INTERVAL '%d' SECOND PRECEDING AND CURRENT ROW", n), func(_ int, by int64) bool { return by <= int64(n)*second }
	case 2:
		frame = g.pick("ROWS", "RANGE") + " BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
	}
	rows := slices.SortedFunc(slices.Values(in.rows), func(a, b event) int { return cmp.Compare(a.time, b.time) })
	out := slices.Clone(rows)
	before := map[cell][]event{}
	for i, e := range rows {
		list := append(before[e.key], e)
		before[e.key] = list
		var vals []cell
		for j, o := range list {
			if inside(len(list)-1-j, e.time-o.time) {
				vals = append(vals, o.val)
			}
		}
		out[i].val = agg.of(vals)
	}
	in.rows = out
	in.sql = fmt.Sprintf("SELECT i, k, %s OVER (PARTITION BY k ORDER BY t %s) AS v, t FROM %s", call(agg, "v"), frame, from)
	return in
}

func call(a aggregate, col string) string { return strings.ReplaceAll(a.text, "%s", col) }

// A window is a way to cut time, as text behind TABLE t, DESCRIPTOR(t) and as the
// ends of the windows that a time is in; a session has a gap instead.
type window struct {
	name, args string
	size       int64
	ends       func(t int64) []int64
	gap        int64
}

const second = 1_000_000

// multiple are the ends of windows of a size that begin at multiples of a slide.
func multiple(size, slide int64) func(t int64) []int64 {
	return func(t int64) (out []int64) {
		for end := t - t%slide + slide; end-size <= t; end += slide {
			out = append(out, end)
		}
		return out
	}
}

func (g *grammar) window(sessions bool) window {
	g.timed = true
	n := 3
	if sessions {
		n = 4
	}
	switch g.n(n) {
	case 0:
		return window{"HOP", "INTERVAL '1' SECOND, INTERVAL '3' SECOND", 3 * second, multiple(3*second, second), 0}
	case 1:
		return window{"CUMULATE", "INTERVAL '1' SECOND, INTERVAL '3' SECOND", 0, func(t int64) (out []int64) {
			start := t - t%(3*second)
			for end := t - t%second + second; end <= start+3*second; end += second {
				out = append(out, end)
			}
			return out
		}, 0}
	case 2:
		return window{"TUMBLE", "INTERVAL '1' SECOND", second, multiple(second, second), 0}
	}
	return window{name: "SESSION", args: "INTERVAL '0.3' SECOND", gap: 300_000}
}

// A pane is the rows of one key in one window.
type pane struct {
	key  cell
	end  int64
	rows []event
}

// cut puts rows into the windows, by key.
func (w window) cut(rows []event) []pane {
	rows = slices.SortedStableFunc(slices.Values(rows), func(a, b event) int { return cmp.Compare(a.time, b.time) })
	type at struct {
		key cell
		end int64
	}
	panes := map[at]int{}
	var out []pane
	add := func(p at, e event) {
		i, ok := panes[p]
		if !ok {
			i = len(out)
			panes[p] = i
			out = append(out, pane{key: p.key, end: p.end})
		}
		out[i].rows = append(out[i].rows, e)
	}
	if w.gap == 0 {
		for _, e := range rows {
			for _, end := range w.ends(e.time) {
				add(at{e.key, end}, e)
			}
		}
		return out
	}
	last := map[cell]int{}
	for _, e := range rows {
		i, ok := last[e.key]
		if !ok || e.time > out[i].end {
			i = len(out)
			out = append(out, pane{key: e.key})
		}
		out[i].end = e.time + w.gap
		out[i].rows = append(out[i].rows, e)
		last[e.key] = i
	}
	return out
}

// table is the window table function over a stream.
func (w window) table(name string) string {
	if w.gap > 0 {
		return fmt.Sprintf("TABLE(SESSION(TABLE %s PARTITION BY k, DESCRIPTOR(t), %s))", name, w.args)
	}
	return fmt.Sprintf("TABLE(%s(TABLE %s, DESCRIPTOR(t), %s))", w.name, name, w.args)
}

// with names a query for a window function, which takes a table's name.
func (g *grammar) with(sql string) (with, name string) {
	g.alias++
	name = fmt.Sprintf("t%d", g.alias)
	return fmt.Sprintf("WITH %s AS (%s) ", name, sql), name
}

// windows aggregates by key and window, and goes on with the window's time.
func (g *grammar) windows(depth int) stream {
	in := g.stream(depth)
	with, name := g.with(in.sql)
	w, agg := g.window(true), aggregates[g.n(6)]
	out := stream{sql: fmt.Sprintf("%sSELECT MAX(i) AS i, k, %s AS v, window_time AS t FROM %s GROUP BY k, window_start, window_end, window_time", with, call(agg, "v"), w.table(name))}
	for _, p := range w.cut(in.rows) {
		id := int64(0)
		for _, e := range p.rows {
			id = max(id, e.id)
		}
		out.rows = append(out.rows, event{id, p.key, agg.of(values(p.rows)), p.end - 1000})
	}
	return out
}

func values(rows []event) (out []cell) {
	for _, e := range rows {
		out = append(out, e.val)
	}
	return out
}

// interval joins rows of two streams whose times are close.
func (g *grammar) interval(depth int) stream {
	l, r := g.stream(depth), g.stream(depth/2)
	left, ln := g.as(l.sql)
	right, rn := g.as(r.sql)
	g.timed = true
	before, after := int64(g.n(3)), int64(g.n(2))
	out := stream{sql: fmt.Sprintf("SELECT %s.i * 1000 + %s.i AS i, %s.k AS k, %s.v + %s.v AS v, %s.t AS t FROM %s JOIN %s ON %s.k = %s.k AND %s.t BETWEEN %s.t - INTERVAL '%d' SECOND AND %s.t + INTERVAL '%d' SECOND",
		ln, rn, ln, ln, rn, ln, left, right, ln, rn, ln, rn, before, rn, after)}
	for _, a := range l.rows {
		for _, b := range r.rows {
			if a.key == b.key && a.time >= b.time-before*second && a.time <= b.time+after*second {
				out.rows = append(out.rows, event{a.id*1000 + b.id, a.key, apply(a.val, b.val, func(a, b int64) int64 { return a + b }), a.time})
			}
		}
	}
	return out
}
