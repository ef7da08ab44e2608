package exec_test

import (
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

func TestTemporalJoinRandom(t *testing.T) {
	for seed := range seeds(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.TemporalJoin{JoinKind: []jobgraph.JoinKind{jobgraph.Inner, jobgraph.Left}[r.IntN(2)], LeftKeys: []int{0}, RightKeys: []int{0},
			LeftTime: 3, RightTime: 3, LeftTypes: timedTypes, RightTypes: timedTypes}
		if r.IntN(3) == 0 {
			spec.Cond = valueOf(2, 6)
		}
		opt := exectest.Options{Keys: [][]int{{0}, {0}}, Types: [][]types.Type{timedTypes, timedTypes}, Inputs: 2}
		run := exectest.Start(t, func() exec.Operator { return exec.NewTemporalJoin(spec) }, opt)
		var left [][]any
		var right []modelChange
		mark, id := 0, 0
		for range 20 {
			in := r.IntN(2)
			var list []modelChange
			for range r.IntN(12) {
				row := timedRow(r, id, mark+1+r.IntN(3_000_000))
				id++
				c := modelChange{kI, row}
				if in == 0 {
					left = append(left, row)
				} else {
					c.kind = []vec.RowKind{kI, kA, kA, kD, kB}[r.IntN(5)]
					right = append(right, c)
				}
				list = append(list, c)
			}
			feedOne(r, run, in, timedTypes, list)
			disturb(r, run, true)
			if r.IntN(3) == 0 {
				mark += r.IntN(2_000_000)
				run.Watermark(int64(mark))
			}
		}
		run.End()
		want := []string{}
		for _, l := range left {
			at := math.MinInt
			var v *modelChange
			for i, c := range right {
				if x := c.row[3].(int); c.kind != kB && c.row[0] == l[0] && x <= l[3].(int) && x >= at {
					at, v = x, &right[i]
				}
			}
			if v != nil && (v.kind == kD || spec.Cond != nil && !(l[2].(int) < v.row[2].(int))) {
				v = nil
			}
			switch {
			case v != nil:
				want = append(want, exectest.Text(append(slices.Clone(l), v.row...)))
			case spec.JoinKind == jobgraph.Left:
				want = append(want, exectest.Text(append(slices.Clone(l), nil, nil, nil, nil)))
			}
		}
		slices.Sort(want)
		if got := exectest.Sum(t, run.Rows()); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v\ngot  %d %q\nwant %d %q", seed, spec.JoinKind, len(got), got, len(want), want)
		}
	}
}
