package exec_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

func hashSpec(m *pairModel, buildLeft bool) *jobgraph.HashJoin {
	spec := &jobgraph.HashJoin{JoinKind: m.kind, BuildLeft: buildLeft, LeftKeys: m.lk, RightKeys: m.rk, NullSafe: m.nullSafe, LeftTypes: sideTypes, RightTypes: sideTypes}
	if m.cond {
		spec.Cond = valueLess()
	}
	return spec
}

func buildInput(left bool) int {
	if left {
		return 0
	}
	return 1
}

func TestHashJoinRandom(t *testing.T) {
	for seed := range seeds(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := randomJoinModel(r)
		spec := hashSpec(m, r.IntN(2) == 0)
		opt := exectest.Options{Keys: [][]int{m.lk, m.rk}, Types: [][]types.Type{sideTypes, sideTypes}, Inputs: 2, Batch: true}
		if m.lk != nil {
			opt.Parallelism = 1 + r.IntN(3)
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewHashJoin(spec) }, opt)
		build := buildInput(spec.BuildLeft)
		var rows [2][][]any
		for _, in := range []int{build, 1 - build} {
			var list []modelChange
			for id := range r.IntN(60) {
				row := sideRow(r, id)
				rows[in], list = append(rows[in], row), append(list, modelChange{kI, row})
			}
			feedRandom(r, run, in, sideTypes, list, false, false)
			if in != build {
				run.Watermark(7)
			}
			run.EndInput(in)
		}
		if got, want := exectest.Sum(t, run.Rows()), m.rows(rows[0], rows[1]); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v\ngot  %d %q\nwant %d %q", seed, m, len(got), got, len(want), want)
		}
		if last := run.Events()[len(run.Events())-1]; !last.Mark || last.Time != 7 {
			t.Fatalf("seed %d: the last event is %s, not the watermark", seed, last)
		}
	}
}

func TestHashJoinSpill(t *testing.T) {
	for seed := range seeds(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &pairModel{kind: jobgraph.JoinKind(seed), lk: []int{2}, rk: []int{2}}
		spec := hashSpec(m, seed%2 == 0)
		budget := &base.Budget{Limit: 1}
		run := exectest.Start(t, func() exec.Operator { return exec.NewHashJoin(spec) },
			exectest.Options{Inputs: 2, Batch: true, Memory: budget, Spill: memSpill()})
		build := buildInput(spec.BuildLeft)
		var hits [2]map[int]int
		for _, in := range []int{build, 1 - build} {
			hits[in] = map[int]int{}
			n := 25
			if in != build {
				n = 10
			}
			for range n {
				var part [][]any
				for range 4000 {
					row := sideRow(r, r.IntN(150_000))
					hits[in][row[2].(int)]++
					part = append(part, row)
				}
				run.Process(in, exectest.Batch(sideTypes, part, nil))
			}
			run.EndInput(in)
		}
		want := 0
		for id, n := range hits[0] {
			k := hits[1][id]
			switch {
			case m.kind == jobgraph.Semi && k > 0, m.kind == jobgraph.Anti && k == 0,
				k == 0 && (m.kind == jobgraph.Left || m.kind == jobgraph.Full):
				want += n
			case m.kind < jobgraph.Semi:
				want += n * k
			}
		}
		if m.kind == jobgraph.Right || m.kind == jobgraph.Full {
			for id, k := range hits[1] {
				if hits[0][id] == 0 {
					want += k
				}
			}
		}
		if got := len(run.Rows()); got != want {
			t.Errorf("%v: %d rows, want %d", m.kind, got, want)
		}
	}
}
