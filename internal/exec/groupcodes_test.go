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
	"github.com/millrace-io/millrace/vec"
)

// dictionary returns a column of indexes into some of words, in an order of its own; ""
// stands for NULL.
func dictionary(r *rand.Rand, words []string, values []string) *vec.Dict {
	own := slices.Clone(words)
	r.Shuffle(len(own), func(i, k int) { own[i], own[k] = own[k], own[i] })
	b := vec.NewBuilder(types.TString)
	for _, w := range own {
		if w == "" {
			b.Null()
		} else {
			b.String(w)
		}
	}
	d := &vec.Dict{Words: b.Finish()}
	for _, v := range values {
		d.Codes = append(d.Codes, uint32(slices.Index(own, v)))
	}
	return d
}

// TestGroupAggDictionaries groups by columns of dictionaries that change from time to time,
// and now and then come flat or with a selection.
func TestGroupAggDictionaries(t *testing.T) {
	words := []string{"", "a", "b", "cc", "ddd"}
	for seed := range seeds(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.GroupAgg{Keys: []int{1, 0}, Aggs: []jobgraph.AggCall{{Func: "COUNT", Filter: -1, Ret: types.TBigInt}}, Emit: jobgraph.AtEnd,
			InputTypes: []types.Type{types.TString, types.TString}}
		if seed%2 == 0 {
			spec.Emit, spec.Phase = jobgraph.OnChange, jobgraph.Local
		}
		run := exectest.Start(t, func() exec.Operator { return exec.NewGroupAgg(spec) }, exectest.Options{Batch: true})
		want := map[string]int{}
		var last [2]*vec.Dict
		for range 1 + r.IntN(20) {
			n := 1 + r.IntN(50)
			var values [2][]string
			b := &vec.Batch{Rows: n}
			for c := range values {
				for range n {
					values[c] = append(values[c], words[r.IntN(len(words))])
				}
				d := dictionary(r, words, values[c])
				if last[c] != nil && r.IntN(3) > 0 { // the dictionary of the batch before
					old := last[c].Words.(*vec.Bytes)
					for i, v := range values[c] {
						for k := range old.Len() {
							if v == "" && old.Null(k) || v != "" && !old.Null(k) && string(old.At(k)) == v {
								d.Codes[i] = uint32(k)
							}
						}
					}
					d.Words = old
				}
				last[c] = d
				b.Cols = append(b.Cols, d)
				if r.IntN(10) == 0 {
					b.Cols[c] = vec.Flat(d)
				}
			}
			for i := range n {
				if r.IntN(4) > 0 {
					b.Sel = append(b.Sel, int32(i))
					want[values[1][i]+"|"+values[0][i]]++
				}
			}
			if b.Sel == nil {
				continue
			}
			run.Process(0, b)
			if r.IntN(6) == 0 && spec.Phase == jobgraph.Local {
				run.Watermark(int64(len(want)))
			}
		}
		run.EndInput(0)
		got := map[string]int{}
		for _, row := range run.Events() {
			if row.Mark {
				continue
			}
			text := func(v any) string {
				if v == nil {
					return ""
				}
				return fmt.Sprint(v)
			}
			var n int
			fmt.Sscan(fmt.Sprint(row.Row[2]), &n)
			got[text(row.Row[0])+"|"+text(row.Row[1])] += n
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("seed %d:\ngot  %v\nwant %v", seed, got, want)
		}
	}
}
