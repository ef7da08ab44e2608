package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// The rows of these tests: key, id, x, s, time.
var matchTypes = []types.Type{tStr, tInt, tInt, tStr, tTime}

const (
	mKey = iota
	mID
	mX
	mS
	mTime
	mRef // the first reference
)

func fcall(name string, args ...*expr.Expr) *expr.Expr {
	e, err := expr.NewCall(name, args...)
	if err != nil {
		panic(err)
	}
	return e
}

func big(n int) *expr.Expr { return expr.Literal(types.TBigInt, int64(n)) }

// matchSpec is a pattern over variables without conditions, with measures that tell
// all about a match: its first and last row, how many rows each variable has, and
// when it became known.
func matchSpec(skip jobgraph.MatchSkip, at int, within int64, vars ...jobgraph.MatchVar) *jobgraph.Match {
	s := &jobgraph.Match{Partition: []int{mKey}, Order: []jobgraph.SortKey{{Col: mTime}, {Col: mID}}, Time: mTime,
		Vars: vars, Skip: skip, SkipVar: at, Within: within, Types: matchTypes}
	measure := func(r jobgraph.MatchRef) { s.Measures = append(s.Measures, ref(s, r)) }
	measure(jobgraph.MatchRef{RefKind: jobgraph.MatchFirst, Var: jobgraph.AllVars, Col: mID, Type: types.TBigInt})
	s.Measures = append(s.Measures, expr.Column(mID, matchTypes[mID]))
	for v := range vars {
		measure(aggRef("COUNT", v, mID))
	}
	measure(aggRef("MAX", 0, mS))
	measure(jobgraph.MatchRef{RefKind: jobgraph.MatchTime, Var: jobgraph.AllVars, Type: tTime})
	return s
}

// ref adds a reference and returns its column.
func ref(s *jobgraph.Match, r jobgraph.MatchRef) *expr.Expr {
	s.Refs = append(s.Refs, r)
	return expr.Column(mRef+len(s.Refs)-1, r.Type)
}

func aggRef(name string, v, col int) jobgraph.MatchRef {
	ret := types.TBigInt
	if name == "MAX" || name == "MIN" {
		ret = matchTypes[col]
	}
	return jobgraph.MatchRef{RefKind: jobgraph.MatchAgg, Var: v, Type: ret,
		Call: &jobgraph.AggCall{Func: name, Args: []int{col}, ArgTypes: []types.Type{matchTypes[col]}, Filter: -1, Ret: ret}}
}

func matchVar(name string, least, most int) jobgraph.MatchVar {
	return jobgraph.MatchVar{Name: name, Min: least, Max: most}
}

// matchRows gives rows of one partition: their x; times and ids are 1, 2 ….
func matchRows(xs ...int) [][]any {
	var out [][]any
	for i, x := range xs {
		out = append(out, []any{"k", i + 1, x, fmt.Sprint("s", x), i + 1})
	}
	return out
}

func runMatch(t *testing.T, s *jobgraph.Match, rows [][]any) []exectest.Event {
	t.Helper()
	r := exectest.Start(t, func() exec.Operator { return exec.NewMatch(s) }, exectest.Options{})
	r.Process(0, exectest.Batch(matchTypes, rows, nil))
	r.End()
	return r.Rows()
}

// TestMatchGreedy: a row that can be an A is no B, even where the pattern then fails;
// behind {2,3} as well.
func TestMatchGreedy(t *testing.T) {
	a := matchVar("A", 1, -1)
	a.Cond = fcall("<", expr.Column(mX, tInt), big(10))
	b := matchVar("B", 1, 1)
	b.Cond = fcall("<", expr.Column(mX, tInt), big(20))
	wantLines(t, runMatch(t, matchSpec(jobgraph.SkipPastLastRow, 0, 0, a, b), matchRows(1, 2, 15, 3, 25, 4, 12)), `
+I k,1,3,2,1,s2,3
+I k,6,7,1,1,s4,7`)
	a.Min, a.Max = 2, 3
	wantLines(t, runMatch(t, matchSpec(jobgraph.SkipPastLastRow, 0, 0, a, b), matchRows(1, 2, 3, 4, 15)), `
+I k,2,5,3,1,s4,5`)
}

// TestMatchWaits: the match of rows 2 and 3 waits for the attempt that began with
// row 1, which a row ends, or time; at the end of the input it is lost.
func TestMatchWaits(t *testing.T) {
	// A is followed by B, where B may be any number of rows that are not above A.
	spec := func(within int64) *jobgraph.Match {
		s := matchSpec(jobgraph.SkipToNextRow, 0, within, matchVar("A", 1, 1), matchVar("B", 0, -1), matchVar("C", 1, 1))
		a := ref(s, jobgraph.MatchRef{RefKind: jobgraph.MatchLast, Var: 0, Col: mX, Type: tInt})
		s.Vars[1].Cond = fcall("<=", expr.Column(mX, tInt), a)
		s.Vars[2].Cond = fcall("=", expr.Column(mX, tInt), fcall("+", a, big(1)))
		return s
	}
	wantLines(t, runMatch(t, spec(0), matchRows(7, 2, 3, 5)), "")
	wantLines(t, runMatch(t, spec(0), matchRows(7, 2, 3, 9)), "+I k,2,3,1,0,1,s2,4")
	wantLines(t, runMatch(t, spec(5), matchRows(7, 2, 3, 5)), "+I k,2,3,1,0,1,s2,6")
}

// TestMatchSkip has the four strategies over rows that are all alike.
func TestMatchSkip(t *testing.T) {
	vars := []jobgraph.MatchVar{matchVar("A", 1, 1), matchVar("B", 2, 2), matchVar("C", 1, 1)}
	for _, c := range []struct {
		skip  jobgraph.MatchSkip
		at    int
		first []int
	}{
		{jobgraph.SkipPastLastRow, 0, []int{1, 5}},
		{jobgraph.SkipToNextRow, 0, []int{1, 2, 3, 4, 5}},
		{jobgraph.SkipToFirst, 1, []int{1, 2, 3, 4, 5}},
		{jobgraph.SkipToLast, 1, []int{1, 3, 5}},
		{jobgraph.SkipToLast, 2, []int{1, 4}},
	} {
		var got []int
		for _, e := range runMatch(t, matchSpec(c.skip, c.at, 0, vars...), matchRows(1, 1, 1, 1, 1, 1, 1, 1)) {
			got = append(got, int(e.Row[1].(int64)))
		}
		if !slices.Equal(got, c.first) {
			t.Errorf("skip %d %d: matches begin at %v, expected %v", c.skip, c.at, got, c.first)
		}
	}
}

// TestMatchLate: a row at or below the watermark is dropped and counted.
func TestMatchLate(t *testing.T) {
	s := matchSpec(jobgraph.SkipToNextRow, 0, 0, matchVar("A", 1, 1), matchVar("B", 1, 1))
	r := exectest.Start(t, func() exec.Operator { return exec.NewMatch(s) }, exectest.Options{})
	rows := matchRows(1, 2, 3)
	r.Process(0, exectest.Batch(matchTypes, rows[2:], nil))
	r.Watermark(1)
	r.Process(0, exectest.Batch(matchTypes, rows[:2], nil))
	r.End()
	wantLines(t, r.Rows(), "+I k,2,3,1,1,s2,3")
	if n := r.Late(); n != 1 {
		t.Errorf("%d late rows are counted", n)
	}
}

// TestMatchMany: the ways to read A*? B*? C*? D*? E*? F over rows that are all alike grow with
// the fifth power of their number; what is remembered does not.
func TestMatchMany(t *testing.T) {
	var vars []jobgraph.MatchVar
	for _, n := range []string{"A", "B", "C", "D", "E"} {
		v := matchVar(n, 0, -1)
		v.Reluctant = true
		vars = append(vars, v)
	}
	last := matchVar("F", 1, 1)
	last.Cond = fcall(">", expr.Column(mX, tInt), big(1))
	s := matchSpec(jobgraph.SkipPastLastRow, 0, 0, append(vars, last)...)
	var xs []int
	for range 150 {
		xs = append(xs, 1)
	}
	rows := runMatch(t, s, matchRows(append(xs, 2)...))
	if len(rows) != 1 || rows[0].Row[1] != int64(1) || rows[0].Row[2] != int64(151) {
		t.Errorf("got %v", rows)
	}
}

// TestMatchProctime has rows in the order of arrival and gives up attempts by the clock.
func TestMatchProctime(t *testing.T) {
	s := matchSpec(jobgraph.SkipToNextRow, 0, 10, matchVar("A", 1, 1), matchVar("B", 0, -1), matchVar("C", 1, 1))
	a := ref(s, jobgraph.MatchRef{RefKind: jobgraph.MatchLast, Var: 0, Col: mX, Type: tInt})
	s.Vars[1].Cond = fcall("<=", expr.Column(mX, tInt), a)
	s.Vars[2].Cond = fcall("=", expr.Column(mX, tInt), fcall("+", a, big(1)))
	s.Time = -1
	r := exectest.Start(t, func() exec.Operator { return exec.NewMatch(s) }, exectest.Options{})
	r.Tick(100)
	r.Process(0, exectest.Batch(matchTypes, matchRows(7, 2, 3), nil))
	r.Tick(109)
	wantLines(t, r.Rows(), "")
	r.Checkpoint()
	r.Crash(1)
	r.Tick(110)
	wantLines(t, r.Rows(), "+I k,2,3,1,0,1,s2,110")
}

// TestMatchRandom compares random patterns with a model that reads Flink's rules
// row by row: late rows, checkpoints and crashes, bounds in time.
func TestMatchRandom(t *testing.T) {
	found := 0
	for seed := range seeds(500) {
		r := rand.New(rand.NewPCG(seed, 11))
		m := randomMatch(r)
		opt := exectest.Options{Keys: [][]int{m.spec.Partition}, Types: [][]types.Type{matchTypes}}
		run := exectest.Start(t, func() exec.Operator { return exec.NewMatch(m.spec) }, opt)
		mark := int64(math.MinInt64)
		for id, k := 0, 0; k < 8; k++ {
			var list []modelChange
			for range r.IntN(12) {
				id++
				row := []any{fmt.Sprint("k", r.IntN(2)), id, r.IntN(5), string(rune('a' + r.IntN(4))), r.IntN(10) + k*6}
				if r.IntN(9) == 0 {
					row[mX] = nil
				}
				list = append(list, modelChange{kI, row})
				if int64(row[mTime].(int)) > mark {
					m.rows = append(m.rows, row)
				}
			}
			feedOne(r, run, 0, matchTypes, list)
			disturb(r, run, len(m.spec.Partition) > 0)
			if r.IntN(2) == 0 {
				mark = max(mark, int64(k*6+r.IntN(8)))
				run.Watermark(mark)
				disturb(r, run, len(m.spec.Partition) > 0)
			}
		}
		run.End()
		want := m.model()
		var got []string
		for _, e := range run.Rows() {
			got = append(got, exectest.Text(e.Row))
		}
		slices.Sort(got)
		found += len(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %s, conditions %v, skip %d %d, within %d\ngot  %q\nwant %q", seed, jobgraph.PatternText(m.spec.Vars), m.conds, m.spec.Skip, m.spec.SkipVar, m.spec.Within, got, want)
		}
		run.Close()
		if batch := matchBatch(t, r, m); !slices.Equal(batch, want) {
			t.Fatalf("seed %d: %s, conditions %v, skip %d %d, within %d, as a batch\ngot  %q\nwant %q", seed, jobgraph.PatternText(m.spec.Vars), m.conds, m.spec.Skip, m.spec.SkipVar, m.spec.Within, batch, want)
		}
	}
	if found < 2000 {
		t.Errorf("only %d matches were found: the test shows little", found)
	}
}

// matchBatch returns the matches in batch mode.
func matchBatch(t *testing.T, r *rand.Rand, m *matchModel) (out []string) {
	run := exectest.Start(t, func() exec.Operator { return exec.NewMatch(m.spec) }, exectest.Options{Batch: true})
	for _, b := range exectest.Cut(r, exectest.Batch(matchTypes, m.rows, nil), 20) {
		run.Process(0, b)
	}
	run.End()
	for _, e := range run.Rows() {
		out = append(out, exectest.Text(e.Row))
	}
	run.Close()
	slices.Sort(out)
	return out
}

// A matchModel is a pattern with conditions that it can tell by itself.
type matchModel struct {
	spec  *jobgraph.Match
	conds []modelCond
	rows  [][]any
}

type modelCond struct {
	kind, v, k int
}

func randomMatch(r *rand.Rand) *matchModel {
	var vars []jobgraph.MatchVar
	n := 1 + r.IntN(4)
	for i := range n {
		q := [][2]int{{1, 1}, {1, 1}, {0, 1}, {0, -1}, {1, -1}, {2, 2}, {2, 4}, {0, 3}, {2, -1}}[r.IntN(9)]
		v := matchVar(string(rune('A'+i)), q[0], q[1])
		v.Reluctant = r.IntN(3) == 0 && q != [2]int{0, 1}
		vars = append(vars, v)
	}
	last := &vars[n-1]
	if last.Greedy() {
		last.Reluctant = true
	}
	if !slices.ContainsFunc(vars, func(v jobgraph.MatchVar) bool { return v.Min > 0 }) {
		*last = matchVar(last.Name, 1, 1)
	}
	skip, at := jobgraph.MatchSkip(r.IntN(2)), 0
	if i := slices.IndexFunc(vars, func(v jobgraph.MatchVar) bool { return v.Min > 0 }); i > 0 && r.IntN(2) == 0 && vars[0].Min == 0 {
		skip, at = jobgraph.SkipToNextRow, 0
	} else if i == 0 && n > 1 && vars[n-1].Min > 0 && r.IntN(2) == 0 {
		skip, at = jobgraph.SkipToFirst+jobgraph.MatchSkip(r.IntN(2)), n-1
	}
	within := int64(0)
	if r.IntN(2) == 0 {
		within = int64(3 + r.IntN(20))
	}
	m := &matchModel{spec: matchSpec(skip, at, within, vars...)}
	if r.IntN(4) == 0 {
		m.spec.Partition = nil
	}
	x := expr.Column(mX, tInt)
	for i := range vars {
		c := modelCond{kind: r.IntN(9), v: r.IntN(n), k: 1 + r.IntN(4)}
		var e *expr.Expr
		switch c.kind {
		case 0:
		case 1:
			e = fcall("<", x, big(c.k))
		case 2:
			last := ref(m.spec, jobgraph.MatchRef{Var: i, Col: mX, Offset: 1, Type: tInt})
			e = fcall("OR", fcall("IS NULL", last), fcall(">=", x, last))
		case 3:
			e = fcall("<", ref(m.spec, aggRef("AVG", i, mX)), big(c.k))
		case 4:
			e = fcall(">=", x, ref(m.spec, jobgraph.MatchRef{Var: c.v, Col: mX, Type: tInt}))
		case 5:
			e = fcall("<=", ref(m.spec, aggRef("COUNT", jobgraph.AllVars, mX)), big(c.k))
		case 6:
			e = fcall("<>", x, ref(m.spec, jobgraph.MatchRef{RefKind: jobgraph.MatchFirst, Var: c.v, Col: mX, Offset: 1, Type: tInt}))
		case 7:
			e = fcall(">=", expr.Column(mS, tStr), ref(m.spec, aggRef("MAX", c.v, mS)))
		case 8:
			e = fcall(">=", big(c.k*2), ref(m.spec, aggRef("SUM", c.v, mX)))
		}
		m.conds, m.spec.Vars[i].Cond = append(m.conds, c), e
	}
	return m
}

// A modelTry is an attempt: how many rows of which variable, and all of its rows.
type modelTry struct {
	v, count int
	first    int
	rows     [][][]any // by variable
	n        int
}

// A modelQueue is java.util.PriorityQueue, by swaps.
type modelQueue []*modelTry

func (q *modelQueue) add(x *modelTry) {
	*q = append(*q, x)
	for i, a := len(*q)-1, *q; i > 0 && a[i].first < a[(i-1)/2].first; i = (i - 1) / 2 {
		a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
	}
}

func (q *modelQueue) poll() {
	a := *q
	a[0] = a[len(a)-1]
	*q = a[:len(a)-1]
	if len(*q) > 0 {
		q.sink(0)
	}
}

func (q *modelQueue) sink(i int) {
	a := *q
	for {
		least := 2*i + 1
		if least >= len(a) {
			return
		}
		if least+1 < len(a) && a[least+1].first < a[least].first {
			least++
		}
		if a[i].first <= a[least].first {
			return
		}
		a[i], a[least] = a[least], a[i]
		i = least
	}
}

func (m *matchModel) model() []string {
	parts := map[string][][]any{}
	for _, row := range m.rows {
		k := ""
		if m.spec.Partition != nil {
			k = row[mKey].(string)
		}
		parts[k] = append(parts[k], row)
	}
	out := []string{}
	for k, rows := range parts {
		slices.SortStableFunc(rows, func(a, b []any) int {
			if d := a[mTime].(int) - b[mTime].(int); d != 0 {
				return d
			}
			return a[mID].(int) - b[mID].(int)
		})
		out = append(out, m.part(k, rows)...)
	}
	slices.Sort(out)
	return out
}

func (m *matchModel) part(key string, rows [][]any) (out []string) {
	var open []*modelTry
	var done modelQueue
	tell := func(now int) {
		for len(done) > 0 {
			d := done[0]
			if len(open) > 0 && open[0].first < d.first {
				return
			}
			out = append(out, m.text(key, d, now))
			to := d.first + 1
			switch m.spec.Skip {
			case jobgraph.SkipPastLastRow:
				to = d.first + d.n
			case jobgraph.SkipToFirst, jobgraph.SkipToLast:
				to = d.first
				for v := range m.spec.SkipVar {
					to += len(d.rows[v])
				}
				if m.spec.Skip == jobgraph.SkipToLast {
					to += len(d.rows[m.spec.SkipVar]) - 1
				}
			}
			done.poll()
			done = slices.DeleteFunc(done, func(x *modelTry) bool { return x.first < to })
			for i := len(done) - 1; i >= 0; i-- {
				done.sink(i)
			}
			open = slices.DeleteFunc(open, func(x *modelTry) bool { return x.first < to })
		}
	}
	advance := func(now int) {
		for m.spec.Within > 0 && len(open) > 0 && rows[open[0].first][mTime].(int)+int(m.spec.Within) <= now {
			over := rows[open[0].first][mTime].(int) + int(m.spec.Within)
			open = slices.DeleteFunc(open, func(x *modelTry) bool { return rows[x.first][mTime].(int)+int(m.spec.Within) <= over })
			tell(over)
		}
	}
	for i, row := range rows {
		now := row[mTime].(int)
		advance(now)
		var next []*modelTry
		for _, try := range append(slices.Clone(open), &modelTry{first: i, rows: make([][][]any, len(m.spec.Vars))}) {
			for _, v := range m.takers(try, row) {
				x := &modelTry{v: v, count: 1, first: try.first, n: try.n + 1, rows: slices.Clone(try.rows)}
				if v == try.v {
					x.count = try.count + 1
				}
				x.rows[v] = append(slices.Clone(x.rows[v]), row)
				spec := m.spec.Vars[v]
				if x.count == spec.Max {
					x.v, x.count = v+1, 0
				}
				if m.mayEnd(x.v, x.count, try, row) {
					done.add(x)
				}
				if x.v < len(m.spec.Vars) {
					next = append(next, x)
				}
			}
		}
		open = next
		tell(now)
	}
	advance(math.MaxInt64)
	return out
}

// barred are the variables that must not be able to take a row that comes to v when
// count rows of it were taken: a greedy one before it.
func (m *matchModel) barred(v, count int) []int {
	if v > 0 && count == 0 && v < len(m.spec.Vars) && m.spec.Vars[v-1].Greedy() {
		return []int{v - 1}
	}
	return nil
}

func (m *matchModel) any(vars []int, try *modelTry, row []any) bool {
	return slices.ContainsFunc(vars, func(v int) bool { return m.cond(v, try, row) })
}

// leaves reports whether v may be left by a row, not having taken it.
func (m *matchModel) leaves(v, count int, try *modelTry, row []any) bool {
	spec := m.spec.Vars[v]
	return count >= spec.Min && !(spec.Greedy() && m.cond(v, try, row)) && !m.any(m.barred(v, count), try, row)
}

// takers are the variables that can take a row.
func (m *matchModel) takers(try *modelTry, row []any) []int {
	var list []int
	for v, count := try.v, try.count; v < len(m.spec.Vars); v, count = v+1, 0 {
		if m.cond(v, try, row) && !m.any(m.barred(v, count), try, row) {
			list = append(list, v)
		}
		if !m.leaves(v, count, try, row) {
			break
		}
	}
	// A looping variable asks what follows first, so what it takes itself comes
	// first of all; it is in place already, for no variable comes before it.
	return list
}

func (m *matchModel) mayEnd(v, count int, try *modelTry, row []any) bool {
	for ; v < len(m.spec.Vars); v, count = v+1, 0 {
		if !m.leaves(v, count, try, row) {
			return false
		}
	}
	return true
}

// cond is the condition of v for a row behind those of an attempt.
func (m *matchModel) cond(v int, try *modelTry, row []any) bool {
	c := m.conds[v]
	of := func(w int) [][]any {
		if w == v {
			return append(slices.Clone(try.rows[w]), row)
		}
		return try.rows[w]
	}
	sum := func(rows [][]any) (n, total int) {
		for _, r := range rows {
			if x, ok := r[mX].(int); ok {
				n, total = n+1, total+x
			}
		}
		return n, total
	}
	x, ok := row[mX].(int)
	at := func(rows [][]any, i int) (int, bool) {
		if i < 0 || i >= len(rows) {
			return 0, false
		}
		y, ok := rows[i][mX].(int)
		return y, ok
	}
	switch c.kind {
	case 1:
		return ok && x < c.k
	case 2:
		y, some := at(of(v), len(of(v))-2)
		return !some || ok && x >= y
	case 3:
		n, total := sum(of(v))
		return n > 0 && total/n < c.k
	case 4:
		y, some := at(of(c.v), len(of(c.v))-1)
		return ok && some && x >= y
	case 5:
		n, _ := sum(append(slices.Concat(try.rows...), row))
		return n <= c.k
	case 6:
		y, some := at(of(c.v), 1)
		return ok && some && x != y
	case 7:
		most := ""
		for _, r := range of(c.v) {
			most = max(most, r[mS].(string))
		}
		return most != "" && row[mS].(string) >= most
	case 8:
		n, total := sum(of(c.v))
		return n > 0 && c.k*2 >= total
	}
	return true
}

func (m *matchModel) text(key string, d *modelTry, now int) string {
	all := slices.Concat(d.rows...)
	var cells []string
	if m.spec.Partition != nil {
		cells = append(cells, key)
	}
	cells = append(cells, fmt.Sprint(all[0][mID]), fmt.Sprint(all[len(all)-1][mID]))
	for _, rows := range d.rows {
		cells = append(cells, fmt.Sprint(len(rows)))
	}
	most := "NULL"
	for _, r := range d.rows[0] {
		if s := r[mS].(string); most == "NULL" || s > most {
			most = s
		}
	}
	return strings.Join(append(cells, most, fmt.Sprint(now)), ",")
}
