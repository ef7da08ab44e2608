package exec_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// TestJoinOneRow joins 150 rows with a table of one row that goes through many
// versions a batch: what comes out is right, and it is of the first and last
// version alone.
func TestJoinOneRow(t *testing.T) {
	const rows, versions = 150, 60
	for seed := range seeds(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		one := r.IntN(2) // the input of one row
		m := &pairModel{kind: jobgraph.JoinKind(r.IntN(6)), cond: r.IntN(2) == 0}
		spec := &jobgraph.Join{JoinKind: m.kind, LeftTypes: sideTypes, RightTypes: sideTypes, LeftOne: one == 0, RightOne: one == 1, SendBefore: r.IntN(2) == 0}
		if m.cond {
			spec.Cond = valueLess()
		}
		opt := exectest.Options{Types: [][]types.Type{sideTypes, sideTypes}, Inputs: 2}
		run := exectest.Start(t, func() exec.Operator { return exec.NewJoin(spec) }, opt)
		var live [2][][]any
		var list []modelChange
		for id := range rows {
			row := sideRow(r, id)
			list = append(list, modelChange{kI, row})
			live[1-one] = append(live[1-one], row)
		}
		feedOne(r, run, 1-one, sideTypes, list)
		const rounds = 4
		for range rounds {
			list = nil
			for range versions {
				row := sideRow(r, r.IntN(3))
				if len(live[one]) == 0 {
					list = append(list, modelChange{kI, row})
					live[one] = [][]any{row}
					continue
				}
				old := live[one][0]
				if r.IntN(10) == 0 {
					list = append(list, modelChange{kD, old})
					live[one] = nil
					continue
				}
				list = append(list, modelChange{kB, old}, modelChange{kA, row})
				live[one] = [][]any{row}
			}
			feedOne(r, run, one, sideTypes, list)
			disturb(r, run, false)
		}
		run.End()
		events := run.Rows()
		if got, want := exectest.Sum(t, events), m.rows(live[0], live[1]); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v\ngot  %d %q\nwant %d %q", seed, m, len(got), got, len(want), want)
		}
		// Each round, each row of the other side is taken back and put out in one form
		// with a match and one without at most; 60 versions would be far more.
		if most := rows * (4*rounds + 1); len(events) > most {
			t.Errorf("seed %d: %d changes, want %d at most", seed, len(events), most)
		}
	}
}
