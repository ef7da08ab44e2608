package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// TestWindowAggAhead: subtasks that had come to different watermarks are put together in
// others, once and again, and each window comes out once for each key.
func TestWindowAggAhead(t *testing.T) {
	const most = 60 * second
	for seed := range seeds(40) {
		r := rand.New(rand.NewPCG(seed, 17))
		spec := &jobgraph.WindowAgg{Window: randomWindow(r), Keys: [][]int{{colK}, {colK, colS}}[r.IntN(2)], Aggs: manyCalls(), Props: allProps, InputTypes: aggTypes}
		if seed%4 == 0 {
			spec.Window = longWindow(r)
		}
		spec.Aggs = slices.DeleteFunc(unordered(spec.Aggs), func(c jobgraph.AggCall) bool { return c.Func == "VAR_POP" })
		t.Run(fmt.Sprintf("seed=%d %+v", seed, spec.Window), func(t *testing.T) {
			rows := make([][]any, 300)
			for i := range rows {
				rows[i] = aggRow(r, 12)
				rows[i][colTime] = r.Int64N(most/1000) * 1000
				if i >= 200 {
					rows[i][colTime] = rows[i][colTime].(int64) + most
				}
			}
			want, _ := windowModel(spec, rows, nil, nil)
			n := 1 + r.IntN(4)
			run := exectest.Start(t, func() exec.Operator { return exec.NewWindowAgg(spec) }, exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{aggTypes}, Parallelism: n})
			for _, b := range exectest.Cut(r, exectest.Batch(aggTypes, rows[:200], nil), []int{20, 1024}[r.IntN(2)]) {
				run.Process(0, exectest.Disguise(r, b))
			}
			for range 1 + r.IntN(3) {
				for i := range n {
					if r.IntN(3) > 0 {
						run.WatermarkAt(i, r.Int64N(most/1000)*1000)
					}
				}
				run.Checkpoint()
				n = 1 + r.IntN(4)
				run.Crash(n)
			}
			run.Process(0, exectest.Batch(aggTypes, rows[200:], nil))
			run.End()
			diff(t, exectest.Sum(t, run.Rows()), want)
		})
	}
}
