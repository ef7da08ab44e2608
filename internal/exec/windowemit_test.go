package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// randomEmit fires at each row, by the clock or not at all, early and late.
func randomEmit(r *rand.Rand) *jobgraph.WindowEmit {
	delay := func() int64 { return []int64{-1, 0, 0, 1 + r.Int64N(500)}[r.IntN(4)] }
	e := &jobgraph.WindowEmit{EarlyMs: delay(), LateMs: delay(), SendBefore: true}
	if e.LateMs >= 0 {
		e.LatenessMs = e.LateMs + 1000*r.Int64N(30) + 1
	}
	if e.EarlyMs < 0 && e.LateMs < 0 {
		e.EarlyMs = 0
	}
	return e
}

// Whenever results are told, in the end they are those of all rows that were not too
// late, also after crashes; each change fits what was told before.
func TestWindowEmitRandom(t *testing.T) {
	for seed := range seeds(100) {
		r := rand.New(rand.NewPCG(seed, 41))
		spec := &jobgraph.WindowAgg{Window: randomWindow(r), Keys: [][]int{{colK}, {colK, colS}, {}}[r.IntN(3)],
			Aggs: manyCalls(), Props: allProps, InputTypes: aggTypes, Retracts: r.IntN(4) == 0, Emit: randomEmit(r)}
		for spec.Window.WKind == jobgraph.Cumulate {
			spec.Window = randomWindow(r)
		}
		spec.Aggs = slices.DeleteFunc(unordered(spec.Aggs), func(c jobgraph.AggCall) bool { return c.Func == "VAR_POP" })
		if r.IntN(6) == 0 {
			spec.Aggs = nil
		}
		var rows [][]any
		var kinds []vec.RowKind
		var marks []vec.Mark
		if spec.Retracts {
			rows, kinds = changelog(r, 200, 4, true)
		} else {
			rows, marks = timedRows(r, 1+r.IntN(300), 4, true)
		}
		t.Run(fmt.Sprintf("seed=%d %+v %+v", seed, spec.Window, *spec.Emit), func(t *testing.T) {
			want, dropped := windowModel(spec, rows, kinds, marks)
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{aggTypes}})
			in := exectest.Batch(aggTypes, rows, kinds)
			in.Marks = marks
			crashed := false
			now := int64(1e12)
			for _, b := range exectest.Cut(r, in, []int{1, 3, 20, 1024}[r.IntN(4)]) {
				run.Process(0, exectest.Disguise(r, b))
				if r.IntN(3) == 0 {
					now += r.Int64N(300_000)
					run.Tick(now)
				}
				switch r.IntN(12) {
				case 0:
					run.Checkpoint()
				case 1:
					run.Crash(1 + r.IntN(1+2*min(1, len(spec.Keys))))
					crashed = true
				}
			}
			run.End()
			diff(t, exectest.Sum(t, run.Rows()), want)
			if !crashed && run.Late() != dropped {
				t.Fatalf("%d rows dropped as late, want %d", run.Late(), dropped)
			}
			run.Close()
		})
	}
}

// Without -U the last change of a key stands.
func TestWindowEmitUpserts(t *testing.T) {
	for seed := range seeds(40) {
		r := rand.New(rand.NewPCG(seed, 42))
		spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Size: 10 * second, Time: colTime, Granule: 1000}, Keys: []int{colK},
			Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false), call("SUM", colV, -1, false)}, Props: allProps[:2], InputTypes: aggTypes, Emit: randomEmit(r)}
		spec.Emit.SendBefore = false
		rows, marks := timedRows(r, 200, 4, true)
		want, _ := windowModel(spec, rows, nil, marks)
		run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{})
		in := exectest.Batch(aggTypes, rows, nil)
		in.Marks = marks
		for i, b := range exectest.Cut(r, in, 20) {
			run.Process(0, b)
			run.Tick(int64(i+1) * 100_000)
		}
		run.End()
		for _, e := range run.Rows() {
			if e.Kind == vec.UpdateBefore {
				t.Fatal(e)
			}
		}
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { diff(t, exectest.Upserted(run.Rows(), []int{0, 3}), want) })
	}
}

// What is told, and when: rows at seconds of event time, w raises the watermark, t is
// the time of the clock in milliseconds.
func TestWindowEmitChanges(t *testing.T) {
	for _, c := range []struct {
		name                  string
		early, late, lateness int64
		steps                 string
		want                  string
	}{
		{"early at each row", 0, -1, 0, "a1 b2 a3 w9 w10 a4 w99", "+I a,1 | +I b,1 | -U a,1 | +U a,2 | W9 | W10 | W99"},
		{"early by the clock", 100, -1, 0, "t1000 a1 a2 b3 t1099 t1100 a4 t1150 t1199 t1200 t1300 w10 w99",
			"+I a,2 | +I b,1 | -U a,2 | +U a,3 | W10 | W99"},
		{"the clock waits for a row", 100, -1, 0, "t1000 a1 t1100 t1250 a2 t1299 t1300 w10", "+I a,1 | -U a,1 | +U a,2 | W10"},
		{"on time before the clock", 100, -1, 0, "t1000 a1 w10 t1100", "+I a,1 | W10"},
		{"late at each row", -1, 0, 5000, "a1 a2 w10 a3 a4 w14 a5 w15 a6", "+I a,2 | W10 | -U a,2 | +U a,3 | -U a,3 | +U a,4 | W14 | -U a,4 | +U a,5 | W15"},
		{"late by the clock", -1, 100, 5000, "t1000 a1 w10 a2 a3 t1099 t1100 a4 t1150 t1200", "+I a,1 | W10 | -U a,1 | +U a,3 | -U a,3 | +U a,4"},
		{"late rows that wait when the window is closed", -1, 100, 5000, "t1000 a1 w10 a2 w15 t2000", "+I a,1 | W10 | -U a,1 | +U a,2 | W15"},
		{"a group that comes late is told at each row", -1, 100, 5000, "t1000 a1 w10 b2 b3 a4 t1100", "+I a,1 | W10 | +I b,1 | -U b,1 | +U b,2 | -U a,1 | +U a,2"},
		{"a window that comes late", -1, 100, 5000, "w12 a1 a2 w15 a3", "W12 | +I a,1 | -U a,1 | +U a,2 | W15"},
		{"early and late", 0, 0, 5000, "a1 w10 a2 w15 a3", "+I a,1 | W10 | -U a,1 | +U a,2 | W15"},
		{"early at each row, late by the clock", 0, 100, 5000, "t1000 a1 a2 w10 a3 t1050 a4 t1100", "+I a,1 | -U a,1 | +U a,2 | W10 | -U a,2 | +U a,4"},
		{"windows one after the other", -1, 0, 5000, "a1 a11 a21 w19 a2 w20 w25 w99", "+I a,1 | W19 | +I a,1 | W20 | W25 | +I a,1 | W99"},
	} {
		for _, memory := range []*base.Budget{{}, {EvictAt: 1, EvictKeep: 1}} {
			spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Size: 10 * second, Time: colTime, Granule: 1000}, Keys: []int{colS},
				Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)}, InputTypes: aggTypes, Emit: &jobgraph.WindowEmit{EarlyMs: c.early, LateMs: c.late, LatenessMs: c.lateness, SendBefore: true}}
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Memory: memory})
			for _, step := range strings.Fields(c.steps) {
				var n int64
				fmt.Sscan(step[1:], &n)
				switch step[0] {
				case 't':
					run.Tick(n * 1000)
				case 'w':
					run.Watermark(n * second)
				default:
					run.Process(0, exectest.Batch(aggTypes, [][]any{{nil, step[:1], nil, nil, nil, nil, nil, n * second, nil}}, nil))
				}
			}
			var got []string
			for _, e := range run.Events() {
				if e.Mark {
					got = append(got, fmt.Sprint("W", e.Time/second))
					continue
				}
				got = append(got, e.String())
			}
			want := strings.Split(c.want, " | ")
			if memory.EvictAt > 0 { // groups that are out of memory are told in any order
				betweenMarks(got)
				betweenMarks(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, memory %+v:\n%s\nwant\n%s", c.name, memory, got, want)
			}
			run.Close()
		}
	}
}

// betweenMarks sorts what lies between two watermarks.
func betweenMarks(events []string) {
	from := 0
	for i, e := range events {
		if e[0] == 'W' {
			slices.Sort(events[from:i])
			from = i + 1
		}
	}
	slices.Sort(events[from:])
}

// By processing time: a row is in the window of now, and none is late.
func TestWindowEmitProctime(t *testing.T) {
	spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Size: 10 * second, Proctime: true, Granule: 1000}, Keys: []int{colS},
		Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)}, Props: allProps[:1], InputTypes: aggTypes, Emit: &jobgraph.WindowEmit{EarlyMs: 2000, LateMs: -1, SendBefore: true}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{})
	row := func() {
		run.Process(0, exectest.Batch(aggTypes, [][]any{{nil, "a", nil, nil, nil, nil, nil, int64(0), nil}}, nil))
	}
	run.Tick(1 * second)
	row()
	run.Tick(2 * second)
	row()
	run.Tick(3 * second)
	row()
	run.Tick(10 * second)
	row()
	run.Tick(3 * second) // the clock is put back
	row()
	run.Tick(11 * second)
	row()
	run.End()
	var got []string
	for _, e := range run.Rows() {
		got = append(got, e.String())
	}
	want := []string{"+I a,2,0", "-U a,2,0", "+U a,3,0", "+I a,1,0", "+I a,2,10000000"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
