package exec_test

import (
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestKeep gives every row another value, those that are taken back too: Sum fails
// when a row is taken away that was not sent.
func TestKeep(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 21))
		ts := []types.Type{types.TInt, types.TInt, types.TBigInt}
		spec := &jobgraph.Keep{Keys: []int{0}, Types: ts, Values: 1}
		var rows [][]any
		var kinds []vec.RowKind
		var there [][2]int64
		for i := range int64(200) {
			if n := len(there); n > 0 && r.IntN(2) == 0 {
				at := r.IntN(n)
				rows, kinds = append(rows, []any{there[at][0], there[at][1], i}), append(kinds, []vec.RowKind{vec.UpdateBefore, vec.Delete}[r.IntN(2)])
				there = append(there[:at], there[at+1:]...)
				continue
			}
			row := [2]int64{int64(r.IntN(4)), int64(r.IntN(3))}
			there = append(there, row)
			rows, kinds = append(rows, []any{row[0], row[1], i}), append(kinds, []vec.RowKind{vec.Insert, vec.UpdateAfter}[r.IntN(2)])
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewKeep(spec) }, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{ts}})
		for _, b := range exectest.Cut(r, exectest.Batch(ts, rows, kinds), 30) {
			run.Process(0, exectest.Disguise(r, b))
			if r.IntN(4) == 0 {
				run.Checkpoint()
				run.Crash(1 + r.IntN(3))
			}
		}
		run.End()
		if got := exectest.Sum(t, run.Rows()); len(got) != len(there) {
			t.Fatalf("seed %d: %d rows are left of %d: %v", seed, len(got), len(there), got)
		}
	}
}
