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
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// The columns of the sides of time joins: key, id, value, time.
var timedTypes = []types.Type{tStr, tInt, tInt, tTime}

func timedRow(r *rand.Rand, id, at int) []any {
	row := []any{fmt.Sprint("k", r.IntN(3)), id, r.IntN(4), at}
	if r.IntN(8) == 0 {
		row[0] = nil
	}
	return row
}

func TestIntervalJoinRandom(t *testing.T) {
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		lower := (r.IntN(20) - 10) * 1000
		upper := lower + r.IntN(15)*1000
		keys := []int{0}
		if r.IntN(4) == 0 {
			keys = nil
		}
		spec := &jobgraph.IntervalJoin{JoinKind: jobgraph.JoinKind(r.IntN(4)), LeftKeys: keys, RightKeys: keys, LeftTime: 3, RightTime: 3,
			Lower: int64(lower), Upper: int64(upper), LeftTypes: timedTypes, RightTypes: timedTypes}
		opt := exectest.Options{Keys: [][]int{keys, keys}, Types: [][]types.Type{timedTypes, timedTypes}, Inputs: 2}
		run := exectest.Start(t, func() exec.Operator { return exec.NewIntervalJoin(spec) }, opt)
		var rows [2][][]any
		mark, id := 0, 0
		for range 20 {
			in := r.IntN(2)
			b := &vec.Batch{}
			var part [][]any
			for range r.IntN(12) {
				if r.IntN(6) == 0 {
					mark += r.IntN(8000)
					b.Marks = append(b.Marks, vec.Mark{Row: int32(len(part)), Time: int64(mark)})
				}
				row := timedRow(r, id, mark+1+r.IntN(20_000))
				id++
				part = append(part, row)
				rows[in] = append(rows[in], row)
			}
			marks := b.Marks
			b = exectest.Batch(timedTypes, part, nil)
			b.Marks = marks
			run.Process(in, exectest.Disguise(r, b))
			disturb(r, run, keys != nil)
			if r.IntN(4) == 0 {
				mark += r.IntN(30_000)
				run.Watermark(int64(mark))
			}
		}
		run.End()
		want := intervalModel(spec, rows[0], rows[1], lower, upper)
		if got := exectest.Sum(t, run.Rows()); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v [%d, %d]\ngot  %d %q\nwant %d %q", seed, spec.JoinKind, lower, upper, len(got), got, len(want), want)
		}
		last := map[int]int64{}
		for _, e := range run.Events() { // by neither rowtime is anything late
			if e.Mark {
				last[e.Subtask] = e.Time
				continue
			}
			for _, c := range []int{3, 7} {
				if w, ok := last[e.Subtask]; ok && e.Row[c] != nil && w != math.MaxInt64 && e.Row[c].(int64) <= w {
					t.Fatalf("seed %d: %s is late by %d", seed, e, w)
				}
			}
		}
	}
}

func intervalModel(spec *jobgraph.IntervalJoin, left, right [][]any, lower, upper int) []string {
	m := &pairModel{kind: spec.JoinKind, lk: spec.LeftKeys, rk: spec.RightKeys}
	m.also = func(l, r []any) bool {
		d := l[3].(int) - r[3].(int)
		return d >= lower && d <= upper
	}
	return m.rows(left, right)
}

// TestIntervalJoinState drops what can no longer match.
func TestIntervalJoinState(t *testing.T) {
	spec := &jobgraph.IntervalJoin{LeftKeys: []int{0}, RightKeys: []int{0}, LeftTime: 3, RightTime: 3, Lower: -1000, Upper: 1000, LeftTypes: timedTypes, RightTypes: timedTypes}
	op := exec.NewIntervalJoin(spec)
	ctx := benchContext(t)
	ctx.Memory = &base.Budget{}
	early := int64(0)
	if err := op.Open(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		b := exectest.Batch(timedTypes, [][]any{{"a", 1, i, i * 10_000}}, nil)
		b.Marks = []vec.Mark{{Row: 1, Time: int64(i * 10_000)}}
		if _, err := op.Process(i%2, b, &discard{}); err != nil {
			t.Fatal(err)
		}
		if i == 10 {
			early = ctx.Memory.Used()
		}
	}
	if now := ctx.Memory.Used(); now > 2*early {
		t.Errorf("%d bytes are kept, %d were early on", now, early)
	}
}
