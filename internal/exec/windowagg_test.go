package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const second = int64(1e6)

// windowsOf returns the ends of the windows that a time is in, by trying all.
func windowsOf(w *jobgraph.Window, t int64) (ends []int64) {
	step := w.Size
	if w.WKind == jobgraph.Hop {
		step = w.Slide
	}
	from := (t-w.Offset-w.Size)/step - 2
	for s := from; s < from+w.Size/step+6; s++ {
		var start, step, size int64
		switch w.WKind {
		case jobgraph.Tumble:
			step, size = w.Size, w.Size
		case jobgraph.Hop:
			step, size = w.Slide, w.Size
		case jobgraph.Cumulate:
			start = s*w.Size + w.Offset
			for e := start + w.Slide; e <= start+w.Size; e += w.Slide {
				if start <= t && t < e {
					ends = append(ends, e)
				}
			}
			continue
		}
		if start = s*step + w.Offset; start <= t && t < start+size {
			ends = append(ends, start+size)
		}
	}
	return ends
}

func windowStart(w *jobgraph.Window, t, end int64) int64 {
	if w.WKind != jobgraph.Cumulate {
		return end - w.Size
	}
	for s := (t-w.Offset)/w.Size - 2; ; s++ {
		if start := s*w.Size + w.Offset; start <= t && t < start+w.Size {
			return start
		}
	}
}

// timedRows are rows whose times mostly rise, some of them late for the marks.
func timedRows(r *rand.Rand, n, keys int, late bool) (rows [][]any, marks []vec.Mark) {
	now := int64(0)
	wm := int64(math.MinInt64)
	for i := range n {
		row := aggRow(r, keys)
		now += r.Int64N(2 * second)
		back := r.Int64N(5) * second
		if late && r.IntN(8) == 0 {
			back = r.Int64N(60) * second
		}
		row[colTime] = (now - back) / 1000 * 1000
		rows = append(rows, row)
		if m := now - 5*second; r.IntN(4) == 0 && m > wm {
			wm = m
			marks = append(marks, vec.Mark{Row: int32(i + 1), Time: wm})
		}
	}
	return rows, marks
}

// windowModel returns the expected rows, and how many rows were dropped whole.
func windowModel(spec *jobgraph.WindowAgg, rows [][]any, kinds []vec.RowKind, marks []vec.Mark) (out []string, dropped int64) {
	type group struct {
		start, end int64
		m          *aggModel
	}
	groups := map[int64]*group{}
	wm := int64(math.MinInt64)
	for i, row := range rows {
		for len(marks) > 0 && int(marks[0].Row) <= i {
			wm = marks[0].Time
			marks = marks[1:]
		}
		t := row[colTime].(int64)
		all := true
		for _, e := range windowsOf(&spec.Window, t) {
			closes := e - spec.Window.Granule
			if spec.Emit != nil {
				closes += spec.Emit.LatenessMs * 1000
			}
			if closes <= wm {
				continue
			}
			all = false
			g := groups[e]
			if g == nil {
				g = &group{windowStart(&spec.Window, t, e), e, newAggModel(&jobgraph.GroupAgg{Keys: spec.Keys, Aggs: spec.Aggs})}
				groups[e] = g
			}
			g.m.change(kindAt(kinds, i), row)
		}
		if all && len(windowsOf(&spec.Window, t)) > 0 {
			dropped++
		}
	}
	for _, g := range groups {
		for _, k := range g.m.order {
			if len(g.m.rows[k]) == 0 {
				continue
			}
			row := g.m.result(k)
			for _, p := range spec.Props {
				row = append(row, map[jobgraph.WindowProp]int64{jobgraph.WindowStart: g.start, jobgraph.WindowEnd: g.end, jobgraph.WindowTime: g.end - spec.Window.Granule}[p])
			}
			out = append(out, exectest.Text(row))
		}
	}
	sort.Strings(out)
	return out, dropped
}

var allProps = []jobgraph.WindowProp{jobgraph.WindowStart, jobgraph.WindowEnd, jobgraph.WindowTime}

func randomWindow(r *rand.Rand) jobgraph.Window {
	w := jobgraph.Window{Time: colTime, Granule: 1000, Offset: (r.Int64N(20) - 10) * second * r.Int64N(2)}
	switch r.IntN(3) {
	case 0:
		w.WKind, w.Size = jobgraph.Tumble, (1+r.Int64N(20))*second
	case 1:
		w.WKind, w.Slide = jobgraph.Hop, (1+r.Int64N(8))*second
		w.Size = w.Slide * (1 + r.Int64N(5))
		switch r.IntN(4) {
		case 0, 1:
			w.Size += r.Int64N(4) * second
		case 2:
			w.Size = (w.Slide + second) / 2 / second * second // rows between windows
		}
	default:
		w.WKind, w.Slide = jobgraph.Cumulate, (1+r.Int64N(6))*second
		w.Size = w.Slide * (1 + r.Int64N(5))
	}
	return w
}

// longWindow is a HOP of so many slices that they are put together by a tree.
func longWindow(r *rand.Rand) jobgraph.Window {
	w := jobgraph.Window{WKind: jobgraph.Hop, Time: colTime, Granule: 1000, Offset: (r.Int64N(200) - 100) * second, Slide: (1 + r.Int64N(3)) * second}
	w.Size = (w.Slide*(32+r.Int64N(40)) + second*r.Int64N(2))
	return w
}

func TestWindowAggRandom(t *testing.T) {
	for seed := range seeds(156) {
		r := rand.New(rand.NewPCG(seed, 4))
		spec := &jobgraph.WindowAgg{Window: randomWindow(r), Keys: [][]int{{colK}, {colK, colS}, {}}[r.IntN(3)],
			Aggs: manyCalls(), Props: allProps, InputTypes: aggTypes, Retracts: r.IntN(4) == 0}
		if seed >= 150 {
			spec.Window = longWindow(r)
		}
		spec.Aggs = slices.DeleteFunc(unordered(spec.Aggs), func(c jobgraph.AggCall) bool { return c.Func == "VAR_POP" })
		var rows [][]any
		var kinds []vec.RowKind
		var marks []vec.Mark
		if spec.Retracts {
			rows, kinds = changelog(r, 200, 4, true)
		} else {
			rows, marks = timedRows(r, 1+r.IntN(300), 4, r.IntN(2) == 0)
		}
		t.Run(fmt.Sprintf("seed=%d %+v", seed, spec.Window), func(t *testing.T) {
			want, dropped := windowModel(spec, rows, kinds, marks)
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{aggTypes}})
			in := exectest.Batch(aggTypes, rows, kinds)
			in.Marks = marks
			crashed := false
			for _, b := range exectest.Cut(r, in, []int{1, 3, 20, 1024}[r.IntN(4)]) {
				run.Process(0, exectest.Disguise(r, b))
				switch r.IntN(12) {
				case 0:
					run.Checkpoint()
				case 1:
					run.Crash(1 + r.IntN(1+2*min(1, len(spec.Keys))))
					crashed = true
				}
			}
			run.End()
			got := exectest.Sum(t, run.Rows())
			diff(t, got, want)
			if !crashed && run.Late() != dropped {
				t.Fatalf("%d rows dropped as late, want %d", run.Late(), dropped)
			}
			checkMarks(t, run.Events(), len(spec.Keys)+len(spec.Aggs)+2)
		})
	}
}

// checkMarks fails when a row comes after a watermark that is not below its time,
// or watermarks fall.
func checkMarks(t *testing.T, list []exectest.Event, col int) {
	t.Helper()
	marks := map[int]int64{}
	for _, e := range list {
		last, ok := marks[e.Subtask]
		switch {
		case e.Mark && ok && e.Time < last:
			// A crash goes back to the checkpoint.
		case !e.Mark && ok && e.Row[col].(int64) <= last:
			t.Fatalf("%s comes after watermark %d", e, last)
		}
		if e.Mark {
			marks[e.Subtask] = e.Time
		}
	}
}

func TestWindowAggPhases(t *testing.T) {
	for seed := range seeds(80) {
		r := rand.New(rand.NewPCG(seed, 5))
		spec := &jobgraph.WindowAgg{Window: randomWindow(r), Keys: []int{colK, colS}, Aggs: manyCalls(), Props: allProps, InputTypes: aggTypes}
		spec.Aggs = slices.DeleteFunc(unordered(spec.Aggs), func(c jobgraph.AggCall) bool { return c.Func == "VAR_POP" })
		rows, marks := timedRows(r, 200, 4, r.IntN(2) == 0)
		want, _ := windowModel(spec, rows, nil, marks)
		local, global := *spec, *spec
		local.Phase, global.Phase = jobgraph.Local, jobgraph.Global
		global.Keys = []int{0, 1}
		partial, err := agg.PartialTypes(spec.Aggs, false)
		if err != nil {
			t.Fatal(err)
		}
		global.InputTypes = append(append([]types.Type{aggTypes[colK], aggTypes[colS]}, partial...), types.TBigInt)
		l := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(&local) }, exectest.Options{})
		in := exectest.Batch(aggTypes, rows, nil)
		in.Marks = marks
		for _, b := range exectest.Cut(r, in, 30) {
			l.Process(0, exectest.Disguise(r, b))
			if r.IntN(6) == 0 {
				l.Checkpoint()
				l.Crash(1)
			}
		}
		l.End()
		g := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(&global) }, exectest.Options{Keys: [][]int{{0, 1}}, Types: [][]types.Type{global.InputTypes}})
		var parts [][]any
		for _, e := range l.Events() {
			if !e.Mark {
				parts = append(parts, e.Row)
				continue
			}
			if len(parts) > 0 {
				g.Process(0, exectest.Disguise(r, exectest.Batch(global.InputTypes, parts, nil)))
				parts = nil
			}
			g.Watermark(e.Time)
			if r.IntN(5) == 0 {
				g.Checkpoint()
				g.Crash(1 + r.IntN(3))
			}
		}
		g.End()
		t.Run(fmt.Sprintf("seed=%d %+v", seed, spec.Window), func(t *testing.T) { diff(t, exectest.Sum(t, g.Rows()), want) })
	}
}

// TestWindowAggOrder is the changelog of conformance case 077.
func TestWindowAggOrder(t *testing.T) {
	spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Size: 20 * second, Time: colTime, Granule: 1000}, Keys: []int{colS},
		Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)}, Props: allProps[:2], InputTypes: aggTypes}
	row := func(s string, at int64) []any {
		return []any{nil, s, nil, nil, nil, nil, nil, at * second, nil}
	}
	run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{})
	b := exectest.Batch(aggTypes, [][]any{row("pen", 1), row("ink", 3), row("pad", 25), row("pad", 11), row("ink", 22), row("pen", 12), row("pad", 45)}, nil)
	b.Marks = []vec.Mark{{Row: 1, Time: -4 * second}, {Row: 7, Time: 40 * second}}
	run.Process(0, b)
	run.End()
	want := []string{"+I pen,2,0,20000000", "+I ink,1,0,20000000", "+I pad,1,0,20000000", "+I pad,1,20000000,40000000", "+I ink,1,20000000,40000000",
		"W 40000000", "+I pad,1,40000000,60000000", fmt.Sprint("W ", int64(math.MaxInt64))}
	if got := exectest.Lines(run.Events()); !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWindowAggVerified: a batch run that drops what the stream run has dropped
// gives the stream's rows.
func TestWindowAggVerified(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 14))
		spec := &jobgraph.WindowAgg{Window: randomWindow(r), Keys: []int{colK}, Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false), call("COUNT", colV, -1, true)}, Props: allProps, InputTypes: aggTypes}
		rows, marks := timedRows(r, 200, 4, true)
		log := &lateLog{n: map[string]int{}}
		var got [2][]string
		for i := range 2 {
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Late: log, Batch: i == 1})
			in := exectest.Batch(aggTypes, rows, nil)
			if i == 0 {
				in.Marks = marks
			}
			run.Process(0, in)
			run.End()
			got[i] = exectest.Sum(t, run.Rows())
		}
		want, _ := windowModel(spec, rows, nil, marks)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			diff(t, got[0], want)
			diff(t, got[1], want)
			for k, n := range log.n {
				if n != 0 {
					t.Errorf("%d drops of %s were not used", n, k)
				}
			}
		})
	}
}
