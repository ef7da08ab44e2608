package exec_test

import (
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A hash join tells the keys of its build side when that has ended: of all subtasks, or of
// one if each has all rows; nothing of rows that went to disk.
func TestHashJoinFilter(t *testing.T) {
	ts := []types.Type{types.TBigInt, types.TInt}
	for _, c := range []struct {
		whole, spilled bool
	}{{false, false}, {true, false}, {false, true}} {
		filters := &connect.KeyFilters{}
		spec := &jobgraph.HashJoin{LeftKeys: []int{0, 1}, RightKeys: []int{0, 1}, LeftTypes: ts, RightTypes: ts, Whole: c.whole,
			Filters: []jobgraph.JoinFilter{{Number: 3, Key: 1}}}
		for sub := range 2 {
			if _, ready := filters.Get(0, 3).Keys(nil); ready != ((c.whole || c.spilled) && sub > 0) {
				t.Fatalf("%+v: before subtask %d the keys are known: %v", c, sub, ready)
			}
			ctx := &exec.Context{Subtask: sub, Parallelism: 2, Groups: 16, Env: &fn.Env{}, Memory: &base.Budget{},
				Filter: func(n int) *connect.KeyFilter { return filters.Get(0, n) }}
			if c.spilled {
				ctx.Memory.Limit, ctx.Spill = 1, memSpill()
			}
			j := exec.NewHashJoin(spec)
			if err := j.Open(ctx); err != nil {
				t.Fatal(err)
			}
			n := 3
			if c.spilled {
				n = 100_000 // more than what an operator keeps in any case
			}
			for from := 0; from < n; from += vec.BatchRowsMax {
				k, v := make([]int64, min(n-from, vec.BatchRowsMax)), make([]int32, min(n-from, vec.BatchRowsMax))
				for i := range k {
					k[i], v[i] = int64(from+i), int32(100*sub+10*i)
				}
				b := &vec.Batch{Rows: len(k), Cols: []vec.Vector{&vec.Fixed[int64]{Vals: k}, &vec.Fixed[int32]{Vals: v}}}
				if _, err := j.Process(1, b, &discard{}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := j.EndInput(1, &discard{}); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
		keys, ready := filters.Get(0, 3).Keys(nil)
		switch {
		case !ready || c.spilled != (keys == nil):
			t.Errorf("%+v: %v, %v", c, keys, ready)
		case !c.spilled && (!keys.Has(0) || !keys.Has(20) || keys.Has(5) || keys.Has(110) == c.whole):
			t.Errorf("%+v: of %d to %d: 0 %v, 5 %v, 110 %v", c, keys.Min, keys.Max, keys.Has(0), keys.Has(5), keys.Has(110))
		}
	}
}
