package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestDedupLast is conformance case 136.
func TestDedupLast(t *testing.T) {
	ts := []types.Type{tStr, tInt, tStr, tTime}
	spec := &jobgraph.Dedup{Keys: []int{0}, Time: 3, KeepLast: true, SendBefore: true, Types: ts}
	r := exectest.Start(t, func() exec.Operator { return exec.NewDedup(spec) }, exectest.Options{})
	r.Process(0, exectest.Batch(ts, [][]any{{"c1", 1, "pen", 1}, {"c2", 2, "ink", 4}, {"c1", 3, "ink", 7}, {"c3", 4, "pad", 10}, {"c2", 5, "pen", 12},
		{"c1", 6, "pad", 20}, {nil, 7, "pen", 21}, {"c1", 99, "old", 19}, {"c3", 8, "ink", 21}}, nil))
	wantLines(t, r.Rows(), `
+I c1,1,pen,1
+I c2,2,ink,4
-U c1,1,pen,1
+U c1,3,ink,7
+I c3,4,pad,10
-U c2,2,ink,4
+U c2,5,pen,12
-U c1,3,ink,7
+U c1,6,pad,20
+I NULL,7,pen,21
-U c3,4,pad,10
+U c3,8,ink,21`)
}

func TestDedupRandom(t *testing.T) {
	ts := []types.Type{tStr, tInt, tTime}
	for seed := range seeds(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := &jobgraph.Dedup{Keys: []int{0}, Time: 2, KeepLast: r.IntN(2) == 0, SendBefore: r.IntN(2) == 0, Types: ts}
		if r.IntN(3) == 0 {
			spec.Time = -1
		}
		if r.IntN(4) == 0 {
			spec.Emit = jobgraph.AtEnd
		}
		if r.IntN(6) == 0 {
			spec.Keys = nil
		}
		best := map[string][]any{}
		opt := exectest.Options{Keys: [][]int{spec.Keys}, Types: [][]types.Type{ts}}
		run := exectest.Start(t, func() exec.Operator { return exec.NewDedup(spec) }, opt)
		mark, id := int64(math.MinInt64), 0
		for range 15 {
			var list []modelChange
			for range r.IntN(20) {
				row := []any{fmt.Sprint("k", r.IntN(8)), id, r.IntN(50)}
				if r.IntN(8) == 0 {
					row[0] = nil
				}
				id++
				key := ""
				if len(spec.Keys) > 0 {
					key = fmt.Sprint(row[0])
				}
				list = append(list, modelChange{kI, row})
				old := best[key]
				waits := !spec.KeepLast && spec.Time >= 0 && spec.Emit == jobgraph.OnChange
				if waits && int64(row[2].(int)) <= mark {
					continue // late
				}
				switch {
				case old == nil,
					spec.Time < 0 && spec.KeepLast,
					spec.Time >= 0 && spec.KeepLast && row[2].(int) >= old[2].(int),
					spec.Time >= 0 && !spec.KeepLast && row[2].(int) < old[2].(int):
					best[key] = row
				}
			}
			feedOne(r, run, 0, ts, list)
			if spec.Emit == jobgraph.OnChange {
				disturb(r, run, spec.Keys != nil)
			}
			if r.IntN(4) == 0 {
				mark = max(mark, int64(r.IntN(40)))
				run.Watermark(mark)
			}
		}
		run.End()
		want := []string{}
		for _, row := range best {
			want = append(want, exectest.Text(row))
		}
		slices.Sort(want)
		got := exectest.Upserted(run.Rows(), spec.Keys)
		if spec.SendBefore || !spec.KeepLast {
			got = exectest.Sum(t, run.Rows())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v\ngot  %q\nwant %q", seed, spec, got, want)
		}
	}
}

// TestDedupMarks has rows and watermarks in one batch.
func TestDedupMarks(t *testing.T) {
	ts := []types.Type{tStr, tInt, tTime}
	spec := &jobgraph.Dedup{Keys: []int{0}, Time: 2, Types: ts}
	r := exectest.Start(t, func() exec.Operator { return exec.NewDedup(spec) }, exectest.Options{})
	b := exectest.Batch(ts, [][]any{{"a", 1, 10}, {"b", 2, 5_000_000}, {"a", 3, 8}, {"b", 4, 6}, {"c", 5, 2}, {"a", 6, 7}}, nil)
	b.Marks = []vec.Mark{{Row: 2, Time: 7}, {Row: 4, Time: 9}, {Row: 6, Time: 5_000_000}}
	r.Process(0, b)
	wantLines(t, r.Events(), `
+I a,3,8
+I b,2,5000000
W 5000000`)
	if n := r.Late(); n != 3 {
		t.Errorf("%d late rows", n)
	}
}

func TestDedupTTL(t *testing.T) {
	ts := []types.Type{tStr, tInt}
	for _, spec := range []*jobgraph.Dedup{{Keys: []int{0}, Time: -1, Types: ts, TTLMs: 1000}, {Keys: []int{0}, Time: -1, KeepLast: true, SendBefore: true, Types: ts, TTLMs: 1000},
		{Keys: []int{0}, Time: -1, KeepLast: true, Types: ts, TTLMs: 1000}} {
		r := exectest.Start(t, func() exec.Operator { return exec.NewDedup(spec) }, exectest.Options{})
		r.Tick(1_000_000)
		r.Process(0, exectest.Batch(ts, [][]any{{"a", 1}, {"b", 2}}, nil))
		r.Checkpoint()
		r.Crash(1)
		r.Tick(1_900_000)
		r.Process(0, exectest.Batch(ts, [][]any{{"b", 3}}, nil))
		r.Tick(2_500_000)
		r.Process(0, exectest.Batch(ts, [][]any{{"a", 4}, {"b", 5}}, nil))
		got := exectest.Lines(r.Rows())
		if !slices.Contains(got, "+I a,4") || spec.KeepLast && slices.Contains(got, "+I b,5") || !spec.KeepLast && !slices.Contains(got, "+I b,5") {
			t.Errorf("%+v: %q", spec, got)
		}
	}
}
