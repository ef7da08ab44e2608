package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/fsys"
	fsmem "github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

func memSpill() func() (fsys.FS, string) {
	fs := fsmem.New(nil)
	return func() (fsys.FS, string) { return fs, "spill" }
}

func TestSortRandom(t *testing.T) {
	for seed := range seeds(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		ranked := randomRankSpec(r)
		spec := &jobgraph.Sort{Order: ranked.Order, From: 1, To: -1, Time: -1, Types: ranked.Types}
		if r.IntN(2) == 0 {
			spec.From = int64(1 + r.IntN(20))
		}
		if r.IntN(2) == 0 {
			spec.To = spec.From + int64(r.IntN(20))
		}
		var rows [][]any
		var list []modelChange
		for id := range r.IntN(200) {
			row := randomRankRow(r, id)
			rows, list = append(rows, row), append(list, modelChange{kI, row})
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewSort(spec) }, exectest.Options{Batch: true})
		feedRandom(r, run, 0, spec.Types, list, false, false)
		run.End()
		slices.SortStableFunc(rows, func(a, b []any) int { return compareRows(a, b, spec.Order) })
		wantSorted(t, seed, run, rows, spec)
	}
}

func wantSorted(t *testing.T, seed uint64, run *exectest.Run, rows [][]any, spec *jobgraph.Sort) {
	t.Helper()
	want := []string{}
	for i, row := range rows {
		if int64(i+1) >= spec.From && (spec.To < 0 || int64(i+1) <= spec.To) {
			want = append(want, "+I "+exectest.Text(row))
		}
	}
	if got := exectest.Lines(run.Rows()); !slices.Equal(got, want) {
		t.Fatalf("seed %d: %+v: %d rows, want %d\ngot  %.500q\nwant %.500q", seed, spec, len(got), len(want), got, want)
	}
}

// TestSortSpill has too little memory.
func TestSortSpill(t *testing.T) {
	ts := []types.Type{tInt, tInt, tStr}
	for _, to := range []int64{-1, 30_000} {
		r := rand.New(rand.NewPCG(1, uint64(to)))
		spec := &jobgraph.Sort{Order: []jobgraph.SortKey{{Col: 1}, {Col: 2, Desc: true}}, From: 3, To: to, Time: -1, Types: ts}
		budget := &base.Budget{Limit: 1}
		run := exectest.Start(t, func() exec.Operator { return exec.NewSort(spec) }, exectest.Options{Batch: true, Memory: budget, Spill: memSpill()})
		var rows [][]any
		for range 40 {
			var part [][]any
			for range 4000 {
				row := []any{len(rows), r.IntN(5000), fmt.Sprint("some text to make it long ", r.IntN(9))}
				rows, part = append(rows, row), append(part, row)
			}
			run.Process(0, exectest.Batch(ts, part, nil))
		}
		run.End()
		slices.SortStableFunc(rows, func(a, b []any) int { return compareRows(a, b, spec.Order) })
		wantSorted(t, 0, run, rows, spec)
		if budget.Used() != 0 {
			t.Errorf("%d bytes are still counted", budget.Used())
		}
	}
}

func TestSortStream(t *testing.T) {
	ts := []types.Type{tStr, tInt, tTime}
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.Sort{Order: []jobgraph.SortKey{{Col: 2}}, From: 1, To: -1, Time: 2, Types: ts}
		if r.IntN(2) == 0 {
			spec.Order = append(spec.Order, jobgraph.SortKey{Col: 1, Desc: true})
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewSort(spec) }, exectest.Options{})
		mark, told, late := int64(math.MinInt64), int64(math.MinInt64), 0
		var kept [][]any
		for range 15 {
			var list []modelChange
			for range r.IntN(20) {
				row := []any{fmt.Sprint(len(kept)), r.IntN(3), r.IntN(3_000_000)}
				list = append(list, modelChange{kI, row})
				if int64(row[2].(int)) <= told {
					late++
					continue
				}
				kept = append(kept, row)
			}
			feedOne(r, run, 0, ts, list)
			disturb(r, run, false)
			if r.IntN(4) == 0 {
				mark = max(mark, int64(r.IntN(2_500_000)))
				run.Watermark(mark)
				for _, row := range kept {
					if at := int64(row[2].(int)); at <= mark {
						told = max(told, at)
					}
				}
			}
		}
		run.End()
		slices.SortStableFunc(kept, func(a, b []any) int { return compareRows(a, b, spec.Order) })
		wantSorted(t, seed, run, kept, spec)
	}
}
