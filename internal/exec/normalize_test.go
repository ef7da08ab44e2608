package exec_test

import (
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

var kvTypes = []types.Type{types.TInt, types.TString, types.DecimalOf(8, 2)}

func TestNormalizeRandom(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 8))
		spec := &jobgraph.Normalize{Keys: []int{0}, SendBefore: r.IntN(2) == 0, Types: kvTypes}
		var rows [][]any
		var kinds []vec.RowKind
		have := map[any]string{}
		var want []string
		for range 200 {
			row := []any{int64(r.IntN(6)), string(rune('a' + r.IntN(3))), int64(r.IntN(2))}
			k := vec.RowKind(r.IntN(4))
			rows, kinds = append(rows, row), append(kinds, k)
			old, ok := have[row[0]]
			text := exectest.Text(row)
			switch {
			case !k.Adds():
				if ok {
					want = append(want, "-D "+old)
					delete(have, row[0])
				}
				continue
			case !ok:
				want = append(want, "+I "+text)
			case old != text:
				if spec.SendBefore {
					want = append(want, "-U "+old)
				}
				want = append(want, "+U "+text)
			}
			have[row[0]] = text
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewNormalize(spec) }, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{kvTypes}})
		crash := r.IntN(2) == 0
		for _, b := range exectest.Cut(r, exectest.Batch(kvTypes, rows, kinds), 30) {
			run.Process(0, exectest.Disguise(r, b))
			if crash && r.IntN(4) == 0 {
				run.Checkpoint()
				run.Crash(1 + r.IntN(3))
			}
		}
		run.End()
		got := exectest.Lines(run.Rows())
		if crash {
			sort.Strings(got)
			sort.Strings(want)
		}
		if !slices.Equal(got, want) {
			diff(t, got, want)
		}
	}
}

func TestMaterializeRandom(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 9))
		spec := &jobgraph.Materialize{Keys: []int{0}, Types: kvTypes}
		var rows [][]any
		var kinds []vec.RowKind
		have := map[any][]string{}
		byText := map[string][]any{}
		var want []string
		for range 200 {
			row := []any{int64(r.IntN(4)), string(rune('a' + r.IntN(3))), nil}
			list := have[row[0]]
			text := exectest.Text(row)
			byText[text] = row
			k := vec.RowKind(r.IntN(4))
			rows, kinds = append(rows, row), append(kinds, k)
			if k.Adds() {
				sign := "+U "
				if len(list) == 0 {
					sign = "+I "
				}
				want = append(want, sign+text)
				have[row[0]] = append(list, text)
				continue
			}
			i := slices.Index(list, text)
			if i < 0 {
				continue
			}
			last := i == len(list)-1
			list = slices.Delete(slices.Clone(list), i, i+1)
			have[row[0]] = list
			switch {
			case len(list) == 0:
				want = append(want, "-D "+text)
			case last:
				want = append(want, "+U "+list[len(list)-1])
			}
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewMaterialize(spec) }, exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{kvTypes}})
		crash := r.IntN(2) == 0
		for _, b := range exectest.Cut(r, exectest.Batch(kvTypes, rows, kinds), 30) {
			run.Process(0, exectest.Disguise(r, b))
			if crash && r.IntN(4) == 0 {
				run.Checkpoint()
				run.Crash(1 + r.IntN(3))
			}
		}
		run.End()
		got := exectest.Lines(run.Rows())
		if crash {
			sort.Strings(got)
			sort.Strings(want)
		}
		diff(t, got, want)
	}
}
