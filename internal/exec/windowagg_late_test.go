package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestWindowAggLate: every row comes out once for each of its windows, in the window's
// count or as a late row, also over crashes.
func TestWindowAggLate(t *testing.T) {
	for seed := range seeds(60) {
		r := rand.New(rand.NewPCG(seed, 21))
		spec := &jobgraph.WindowAgg{Window: randomWindow(r), Keys: []int{colK}, Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)},
			Props: []jobgraph.WindowProp{jobgraph.WindowStart, jobgraph.WindowEnd}, InputTypes: aggTypes, Late: true, LateIn: []int{colTime, colK},
			LateOut: []types.Type{aggTypes[colK], types.TBigInt, types.TimestampOf(3), types.TimestampOf(3)}}
		rows, marks := timedRows(r, 1+r.IntN(300), 4, true)
		want := map[string]int64{}
		wm, left := int64(math.MinInt64), marks
		for i, row := range rows {
			for len(left) > 0 && int(left[0].Row) <= i {
				wm, left = left[0].Time, left[1:]
			}
			at := row[colTime].(int64)
			for _, e := range windowsOf(&spec.Window, at) {
				start := windowStart(&spec.Window, at, e)
				if e-spec.Window.Granule <= wm {
					want[fmt.Sprint("late ", at, row[colK], start, e)]++
				} else {
					want[fmt.Sprint("in ", row[colK], start, e)]++
				}
			}
		}
		t.Run(fmt.Sprintf("seed=%d %+v", seed, spec.Window), func(t *testing.T) {
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{aggTypes}})
			in := exectest.Batch(aggTypes, rows, nil)
			in.Marks = marks
			for _, b := range exectest.Cut(r, in, []int{1, 3, 20, 1024}[r.IntN(4)]) {
				run.Process(0, exectest.Disguise(r, b))
				switch r.IntN(12) {
				case 0:
					run.Checkpoint()
				case 1:
					run.Crash(1 + r.IntN(3))
				}
			}
			run.End()
			got := map[string]int64{}
			for _, e := range run.Rows() {
				if e.Kind != vec.Insert {
					t.Fatalf("%s is no insert", e)
				}
				if x := e.Row; x[4] == true {
					got[fmt.Sprint("late ", x[5], x[6], x[7], x[8])]++
				} else {
					got[fmt.Sprint("in ", x[0], x[2], x[3])] += x[1].(int64)
				}
			}
			diff(t, counted(got), counted(want))
		})
	}
}

func counted(m map[string]int64) []string {
	var out []string
	for k, n := range m {
		out = append(out, fmt.Sprint(k, " ", n))
	}
	slices.Sort(out)
	return out
}

// TestWindowAggLocalLate: a local phase hands over every row by the end, those too
// that are late for its own watermark: the watermark of all subtasks may be behind it.
func TestWindowAggLocalLate(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 22))
		rows, marks := timedRows(r, 1+r.IntN(200), 4, true)
		spec := &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Time: colTime, Granule: 1000, Size: 5 * second}, Keys: []int{colK},
			Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false)}, Phase: jobgraph.Local, InputTypes: aggTypes}
		run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{})
		in := exectest.Batch(aggTypes, rows, nil)
		in.Marks = marks
		for _, b := range exectest.Cut(r, in, 20) {
			run.Process(0, b)
		}
		run.End()
		n := int64(0)
		for _, e := range run.Rows() {
			n += e.Row[1].(int64)
		}
		if n != int64(len(rows)) {
			t.Errorf("seed %d: %d rows come out of %d", seed, n, len(rows))
		}
	}
}
