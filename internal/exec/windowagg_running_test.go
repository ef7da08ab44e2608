package exec_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// TestWindowAggRunning has windows whose results follow from those before them: groups
// that come and go, rows that are late for some windows, gaps without rows, crashes, and
// memory that is short from time to time.
func TestWindowAggRunning(t *testing.T) {
	for seed := range seeds(90) {
		r := rand.New(rand.NewPCG(seed, 21))
		win := jobgraph.Window{WKind: jobgraph.Hop, Time: colTime, Granule: 1000, Offset: r.Int64N(3) * second, Slide: (1 + r.Int64N(6)) * second}
		win.Size = win.Slide*(3+r.Int64N(4)) + second*r.Int64N(2)
		spec := &jobgraph.WindowAgg{Window: win, Keys: [][]int{{colK}, {colK, colS}, {colT}, {}}[r.IntN(4)], Props: allProps, InputTypes: aggTypes, Retracts: r.IntN(4) == 0,
			Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false), call("COUNT", colV, colB, false), call("SUM", colV, -1, false), call("AVG", colV, -1, false)}}
		rows, marks := timedRows(r, 400, 30, r.IntN(2) == 0)
		for i := range rows {
			gap := int64(i/100) * int64(r.IntN(2)) * 100 * second // some rows of each hundred
			rows[i][colTime] = rows[i][colTime].(int64) + gap
		}
		var memory *base.Budget
		if r.IntN(3) == 0 {
			memory = &base.Budget{EvictAt: 1, EvictKeep: 1 + r.Int64N(1<<15)}
		}
		t.Run(fmt.Sprintf("seed=%d %+v", seed, win), func(t *testing.T) {
			want, _ := windowModel(spec, rows, nil, marks)
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) },
				exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{aggTypes}, Memory: memory})
			in := exectest.Batch(aggTypes, rows, nil)
			in.Marks = marks
			for _, b := range exectest.Cut(r, in, []int{3, 20, 1024}[r.IntN(3)]) {
				run.Process(0, exectest.Disguise(r, b))
				switch r.IntN(12) {
				case 0:
					run.Checkpoint()
				case 1:
					run.Crash(1 + r.IntN(1+2*min(1, len(spec.Keys))))
				}
			}
			run.End()
			diff(t, exectest.Sum(t, run.Rows()), want)
			checkMarks(t, run.Events(), len(spec.Keys)+len(spec.Aggs)+2)
		})
	}
}
