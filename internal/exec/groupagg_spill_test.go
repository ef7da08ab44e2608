package exec_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/fsys"
	fsmem "github.com/millrace-io/millrace/internal/fsys/mem"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// TestGroupAggSpill aggregates with budgets that hold a part of the groups only.
func TestGroupAggSpill(t *testing.T) {
	for seed := range seeds(6) {
		r := rand.New(rand.NewPCG(seed, 13))
		spec := &jobgraph.GroupAgg{Keys: []int{colK, colS}, Aggs: unordered(manyCalls()), Emit: jobgraph.AtEnd, Retracts: seed%2 == 1, InputTypes: aggTypes}
		if seed >= 4 {
			spec.Aggs = spec.Aggs[:8]
		}
		rows, kinds := changelog(r, 20000, 4000, spec.Retracts)
		m := newAggModel(spec)
		for i, row := range rows {
			m.change(kindAt(kinds, i), row)
		}
		fs := fsmem.New(time.Now)
		spilled := 0
		budget := &base.Budget{Limit: 2 << 20 >> (seed / 4)}
		run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) },
			exectest.Options{Batch: true, Memory: budget, Spill: func() (fsys.FS, string) { spilled++; return fs, "spill" }})
		for _, b := range exectest.Cut(r, exectest.Batch(aggTypes, rows, kinds), 1024) {
			run.Process(0, b)
		}
		run.End()
		if spilled == 0 {
			t.Fatalf("seed %d: nothing was spilled with %d bytes used", seed, budget.Used())
		}
		diff(t, exectest.Sum(t, run.Rows()), m.results())
		run.Close()
		if budget.Used() != 0 {
			t.Errorf("%d bytes are still counted", budget.Used())
		}
		if left, _ := fs.List("spill"); len(left) > 0 {
			t.Errorf("%d files are left", len(left))
		}
	}
}

// TestGroupAggEmpty is conformance 067: no rows, no keys.
func TestGroupAggEmpty(t *testing.T) {
	for _, emit := range []jobgraph.Emit{jobgraph.OnChange, jobgraph.AtEnd} {
		spec := &jobgraph.GroupAgg{Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false), call("SUM", colD, -1, false), call("MAX", colT, -1, false)}, Emit: emit, InputTypes: aggTypes}
		run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{})
		run.End()
		want := map[jobgraph.Emit][]string{jobgraph.OnChange: {}, jobgraph.AtEnd: {"0,NULL,NULL"}}[emit]
		diff(t, exectest.Sum(t, run.Rows()), want)
	}
}

// TestGroupAggTTL: a group that was not written for the time to live begins anew.
func TestGroupAggTTL(t *testing.T) {
	spec := &jobgraph.GroupAgg{Keys: []int{0}, Aggs: []jobgraph.AggCall{call("COUNT", -1, -1, false), call("COUNT", colV, -1, true)}, SendBefore: true, TTLMs: 1000, InputTypes: aggTypes}
	run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{})
	row := func(k int) [][]any { return [][]any{{k, nil, int64(7), nil, nil, nil, nil, int64(0), nil}} }
	run.Tick(1e6)
	run.Process(0, exectest.Batch(aggTypes, row(1), nil))
	run.Process(0, exectest.Batch(aggTypes, row(2), nil))
	run.Tick(15e5)
	run.Process(0, exectest.Batch(aggTypes, row(1), nil))
	run.Checkpoint()
	run.Crash(1)
	run.Tick(22e5)
	run.Process(0, exectest.Batch(aggTypes, row(1), nil))
	run.Process(0, exectest.Batch(aggTypes, row(2), nil))
	diff(t, exectest.Lines(run.Rows()), []string{"+I 1,1,1", "+I 2,1,1", "-U 1,1,1", "+U 1,2,1", "-U 1,2,1", "+U 1,3,1", "+I 2,1,1"})
}
