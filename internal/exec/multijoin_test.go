package exec_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// joinAll is what inner joins of all inputs by some columns come to.
func joinAll(inputs [][][]any, keys []int) []string {
	out := []string{}
	var visit func(i int, row, key []any)
	visit = func(i int, row, key []any) {
		if i == len(inputs) {
			out = append(out, exectest.Text(row))
			return
		}
		for _, r := range inputs[i] {
			var of []any
			for _, k := range keys {
				of = append(of, r[k])
			}
			if slices.Contains(of, nil) || key != nil && !slices.Equal(of, key) {
				continue
			}
			visit(i+1, append(slices.Clone(row), r...), of)
		}
	}
	visit(0, nil, nil)
	slices.Sort(out)
	return out
}

func multiSpec(inputs int, keys []int, ttlMs int64) *jobgraph.MultiJoin {
	spec := &jobgraph.MultiJoin{}
	for range inputs {
		spec.Inputs = append(spec.Inputs, jobgraph.MultiInput{Keys: keys, Types: sideTypes, TTLMs: ttlMs})
	}
	return spec
}

// Whatever comes in whatever order, with failures in between, adds up to the join of what
// the inputs have in the end.
func TestMultiJoinRandom(t *testing.T) {
	for seed := range seeds(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		keys := [][]int{{0}, {1}, {0, 1}}[r.IntN(3)]
		spec := multiSpec(3+r.IntN(2), keys, 0)
		spec.SendBefore = r.IntN(2) == 0
		opt := exectest.Options{Inputs: len(spec.Inputs)}
		for range spec.Inputs {
			opt.Keys, opt.Types = append(opt.Keys, keys), append(opt.Types, sideTypes)
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewMultiJoin(spec) }, opt)
		live := make([][][]any, len(spec.Inputs))
		id := 0
		for range 20 {
			in := r.IntN(len(live))
			feedOne(r, run, in, sideTypes, randomChanges(r, &live[in], &id, in == 0 && seed%2 == 0))
			disturb(r, run, true)
			if r.IntN(5) == 0 {
				run.Watermark(int64(id))
			}
		}
		run.End()
		for _, e := range run.Rows() {
			if e.Kind == kB && !spec.SendBefore {
				t.Fatalf("seed %d: %s", seed, e)
			}
		}
		if got, want := exectest.Sum(t, run.Rows()), joinAll(live, keys); !slices.Equal(got, want) {
			t.Fatalf("seed %d: keys %v\ngot  %d %q\nwant %d %q", seed, keys, len(got), got, len(want), want)
		}
	}
}

// A row that meets very many comes in batches of bounded size.
func TestMultiJoinMany(t *testing.T) {
	ts := []types.Type{tInt, tInt}
	spec := &jobgraph.MultiJoin{Inputs: []jobgraph.MultiInput{{Keys: []int{0}, Types: ts}, {Keys: []int{0}, Types: ts}, {Keys: []int{0}, Types: ts}}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewMultiJoin(spec) }, exectest.Options{Inputs: 3})
	var rows [][]any
	for i := range 300 {
		rows = append(rows, []any{7, i})
	}
	run.Process(0, exectest.Batch(ts, rows, nil))
	run.Process(2, exectest.Batch(ts, rows, nil))
	run.Process(1, exectest.Batch(ts, [][]any{{7, 1000}, {8, 1}, {7, 1001}}, nil))
	run.Process(1, exectest.Batch(ts, [][]any{{7, 1000}}, []vec.RowKind{kD}))
	run.End()
	if got := len(exectest.Sum(t, run.Rows())); got != 300*300 {
		t.Errorf("%d rows, want %d", got, 300*300)
	}
}

// Rows that are older than the time to live meet nothing.
func TestMultiJoinTTL(t *testing.T) {
	ts := []types.Type{tInt, tInt}
	spec := &jobgraph.MultiJoin{Inputs: []jobgraph.MultiInput{{Keys: []int{0}, Types: ts, TTLMs: 1000}, {Keys: []int{0}, Types: ts, TTLMs: 100_000}, {Keys: []int{0}, Types: ts}}}
	run := exectest.Start(t, func() exec.Operator { return exec.NewMultiJoin(spec) }, exectest.Options{Inputs: 3})
	for in := range 2 {
		run.Process(in, exectest.Batch(ts, [][]any{{1, in}}, nil))
	}
	run.Tick(run.Now() + 10_000_000)
	run.Process(2, exectest.Batch(ts, [][]any{{1, 2}}, nil))
	run.Process(0, exectest.Batch(ts, [][]any{{1, 5}}, nil))
	run.End()
	wantLines(t, run.Rows(), "+I 1,5,1,1,1,2")
}
