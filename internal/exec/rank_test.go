package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/exec/exectest"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

var (
	kI, kB, kA, kD = vec.Insert, vec.UpdateBefore, vec.UpdateAfter, vec.Delete
	tStr           = types.TString
	tInt           = types.TBigInt
	tTime          = rowtimeType()
)

func rowtimeType() types.Type {
	t := types.TimestampOf(3)
	t.Rowtime = true
	return t
}

func wantLines(t *testing.T, got []exectest.Event, want string) {
	t.Helper()
	g := strings.Join(exectest.Lines(got), "\n")
	if w := strings.TrimSpace(want); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// TestRankGlobal is conformance case 130.
func TestRankGlobal(t *testing.T) {
	ts := []types.Type{tInt, tStr, tInt}
	spec := &jobgraph.Rank{Order: []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}, {Col: 0}}, From: 1, To: 3, Number: true,
		SendBefore: true, Types: ts, WindowEnd: -1}
	r := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, exectest.Options{})
	r.Process(0, exectest.Batch(ts, [][]any{{1, "pen", 150}, {2, "ink", 725}, {3, "ink", 725}, {4, "pad", 210}, {5, "pen", 145},
		{6, "pad", 210}, {7, "pen", 150}, {8, "ink", 700}, {9, "pen", 160}, {10, "pad", 220}, {11, "pen", 155}, {12, "ink", 710},
		{13, "ink", 695}, {14, "pen", 140}}, nil))
	wantLines(t, r.Rows(), `
+I 1,pen,150,1
-U 1,pen,150,1
+U 2,ink,725,1
+I 1,pen,150,2
-U 1,pen,150,2
+U 3,ink,725,2
+I 1,pen,150,3
-U 1,pen,150,3
+U 4,pad,210,3
-U 4,pad,210,3
+U 8,ink,700,3
-U 8,ink,700,3
+U 12,ink,710,3`)
}

// TestRankChanging is conformance case 233.
func TestRankChanging(t *testing.T) {
	ts := []types.Type{tStr, tInt}
	spec := &jobgraph.Rank{Order: []jobgraph.SortKey{{Col: 1, Desc: true, NullsLast: true}, {Col: 0}}, From: 1, To: 2, Number: true,
		Input: jobgraph.RankRetract, SendBefore: true, Types: ts, WindowEnd: -1}
	r := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, exectest.Options{})
	was := map[string]int{}
	var rows [][]any
	var kinds []vec.RowKind
	for _, x := range []struct {
		item  string
		total int
	}{{"pen", 450}, {"ink", 725}, {"ink", 2175}, {"pad", 1050}, {"pen", 1900}, {"pad", 1260}, {"pen", 2200}, {"ink", 4975}, {"pen", 2360},
		{"pen", 3290}, {"ink", 6395}, {"ink", 7090}, {"pen", 4410}} {
		kind := kI
		if old, ok := was[x.item]; ok {
			rows, kinds, kind = append(rows, []any{x.item, old}), append(kinds, kB), kA
		}
		rows, kinds = append(rows, []any{x.item, x.total}), append(kinds, kind)
		was[x.item] = x.total
	}
	r.Process(0, exectest.Batch(ts, rows, kinds))
	wantLines(t, r.Rows(), `
+I pen,450,1
-U pen,450,1
+U ink,725,1
+I pen,450,2
-U ink,725,1
+U pen,450,1
-D pen,450,2
-U pen,450,1
+U ink,2175,1
+I pen,450,2
-U pen,450,2
+U pad,1050,2
-U pad,1050,2
+U pen,1900,2
-U pen,1900,2
+U pad,1260,2
-U ink,2175,1
+U pen,2200,1
-U pad,1260,2
+U ink,2175,2
-U ink,2175,2
+U pad,1260,2
-U pen,2200,1
+U ink,4975,1
-U pad,1260,2
+U pen,2200,2
-U pen,2200,2
+U pad,1260,2
-U pad,1260,2
+U pen,2360,2
-U pen,2360,2
+U pad,1260,2
-U pad,1260,2
+U pen,3290,2
-U ink,4975,1
+U pen,3290,1
-U pen,3290,2
+U pad,1260,2
-U pen,3290,1
+U ink,6395,1
-U pad,1260,2
+U pen,3290,2
-U ink,6395,1
+U pen,3290,1
-U pen,3290,2
+U pad,1260,2
-U pen,3290,1
+U ink,7090,1
-U pad,1260,2
+U pen,3290,2
-U pen,3290,2
+U pad,1260,2
-U pad,1260,2
+U pen,4410,2`)
}

// compareRows orders rows by sort keys, for models.
func compareRows(a, b []any, keys []jobgraph.SortKey) int {
	for _, k := range keys {
		x, y := a[k.Col], b[k.Col]
		c := 0
		switch {
		case x == nil && y == nil:
		case x == nil || y == nil:
			c = -1
			if (x == nil) == k.NullsLast {
				c = 1
			}
			return c
		default:
			switch x := x.(type) {
			case int:
				c = x - y.(int)
			case string:
				c = strings.Compare(x, y.(string))
			case float64:
				if x < y.(float64) {
					c = -1
				} else if x > y.(float64) {
					c = 1
				}
			}
			if k.Desc {
				c = -c
			}
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// A change of a model's table.
type modelChange struct {
	kind vec.RowKind
	row  []any
}

// feedRandom feeds changes in batches of random shape and crashes now and then.
func feedRandom(r *rand.Rand, run *exectest.Run, in int, ts []types.Type, list []modelChange, crash, keyed bool) {
	for len(list) > 0 {
		n := min(1+r.IntN(1+r.IntN(40)), len(list))
		feedOne(r, run, in, ts, list[:n])
		list = list[n:]
		if crash {
			disturb(r, run, keyed)
		}
	}
}

func feedOne(r *rand.Rand, run *exectest.Run, in int, ts []types.Type, list []modelChange) {
	var rows [][]any
	var kinds []vec.RowKind
	inserts := true
	for _, c := range list {
		rows, kinds = append(rows, c.row), append(kinds, c.kind)
		inserts = inserts && c.kind == kI
	}
	if inserts && r.IntN(2) == 0 {
		kinds = nil
	}
	run.Process(in, exectest.Disguise(r, exectest.Batch(ts, rows, kinds)))
}

// disturb takes a checkpoint or crashes; without keys there is one subtask.
func disturb(r *rand.Rand, run *exectest.Run, keyed bool) {
	switch r.IntN(8) {
	case 0, 1:
		run.Checkpoint()
	case 2:
		if keyed {
			run.Crash(1 + r.IntN(3))
		} else {
			run.Crash(1)
		}
	}
}

// rankModel returns the rows that a rank keeps.
func rankModel(rows [][]any, spec *jobgraph.Rank) []string {
	parts := map[string][][]any{}
	for _, row := range rows {
		var key []any
		for _, c := range spec.Partition {
			key = append(key, row[c])
		}
		k := exectest.Text(key)
		parts[k] = append(parts[k], row)
	}
	out := []string{}
	for _, p := range parts {
		slices.SortStableFunc(p, func(a, b []any) int { return compareRows(a, b, spec.Order) })
		num, dense := int64(0), int64(0)
		for i, row := range p {
			tie := i > 0 && compareRows(p[i-1], row, spec.Order) == 0
			if !tie {
				dense++
			}
			switch {
			case spec.RankKind == jobgraph.RowNumber || spec.RankKind == jobgraph.RankNumber && !tie:
				num = int64(i) + 1
			case spec.RankKind == jobgraph.DenseRank:
				num = dense
			}
			if num < spec.From || spec.To >= 0 && num > spec.To {
				continue
			}
			text := exectest.Text(row)
			if spec.Number {
				text += fmt.Sprintf(",%d", num)
			}
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}

func randomRankSpec(r *rand.Rand) *jobgraph.Rank {
	// part, id, a, b, name; id is unique
	spec := &jobgraph.Rank{Types: []types.Type{tStr, tInt, tInt, types.TDouble, tStr}, WindowEnd: -1, From: 1, To: int64(1 + r.IntN(4)), SendBefore: true}
	if r.IntN(3) > 0 {
		spec.Partition = []int{0}
	}
	if r.IntN(3) == 0 {
		spec.From = int64(1 + r.IntN(int(spec.To)))
	}
	for _, c := range r.Perm(3)[:1+r.IntN(3)] {
		spec.Order = append(spec.Order, jobgraph.SortKey{Col: 2 + c, Desc: r.IntN(2) == 0, NullsLast: r.IntN(2) == 0})
	}
	spec.Number = r.IntN(2) == 0
	return spec
}

func randomRankRow(r *rand.Rand, id int) []any {
	row := []any{fmt.Sprint("p", r.IntN(4)), id, r.IntN(4), float64(r.IntN(3)) / 2, strings.Repeat("longish", r.IntN(2)) + fmt.Sprint(r.IntN(3))}
	for i := range row {
		if i != 1 && r.IntN(8) == 0 {
			row[i] = nil
		}
	}
	return row
}

func TestRankRandom(t *testing.T) {
	for seed := range seeds(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		spec := randomRankSpec(r)
		spec.Input = []jobgraph.RankInput{jobgraph.RankAppend, jobgraph.RankRetract}[r.IntN(2)]
		if r.IntN(4) == 0 {
			spec.RankKind = jobgraph.RankKind(1 + r.IntN(2))
		}
		if r.IntN(3) == 0 {
			spec.Emit = jobgraph.AtEnd
		}
		if spec.Emit == jobgraph.AtEnd && r.IntN(3) == 0 {
			spec.To = -1
		}
		var live [][]any
		var list []modelChange
		for id := range 30 + r.IntN(60) {
			if k := r.IntN(3); k == 0 && len(live) > 0 && spec.Input == jobgraph.RankRetract {
				x := exectest.Text(live[r.IntN(len(live))])
				i := slices.IndexFunc(live, func(row []any) bool { return exectest.Text(row) == x })
				list = append(list, modelChange{kD, live[i]})
				live = slices.Delete(live, i, i+1)
				continue
			}
			row := randomRankRow(r, id)
			if r.IntN(10) == 0 && len(live) > 0 {
				row = live[r.IntN(len(live))] // the same once more
			}
			live = append(live, row)
			list = append(list, modelChange{kI, row})
		}
		opt := exectest.Options{Keys: [][]int{spec.Partition}, Types: [][]types.Type{spec.Types}}
		run := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, opt)
		feedRandom(r, run, 0, spec.Types, list, spec.Emit == jobgraph.OnChange, spec.Partition != nil)
		run.End()
		got, want := exectest.Sum(t, run.Rows()), rankModel(live, spec)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v\ngot  %q\nwant %q", seed, spec, got, want)
		}
	}
}

// TestRankUpsert has receivers that know rows by a key: the number, or their own.
func TestRankUpsert(t *testing.T) {
	for seed := range seeds(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		spec := randomRankSpec(r)
		spec.SendBefore = false
		spec.Input = jobgraph.RankInput(r.IntN(3))
		spec.Order = append(spec.Order, jobgraph.SortKey{Col: 1})
		spec.UniqueKey = []int{0, 1}
		if spec.Input == jobgraph.RankUpdateFast {
			spec.Order = []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}, {Col: 1}}
		}
		live := map[int][]any{}
		var list []modelChange
		for id := range 80 {
			old := live[id%20]
			switch {
			case spec.Input == jobgraph.RankUpdateFast && old != nil:
				row := slices.Clone(old)
				if row[2] == nil {
					row[2] = 0
				}
				row[2] = row[2].(int) + r.IntN(3)
				row[4] = fmt.Sprint(r.IntN(4))
				list = append(list, modelChange{kA, row})
				live[id%20] = row
			case spec.Input == jobgraph.RankRetract && old != nil:
				list = append(list, modelChange{kD, old})
				delete(live, id%20)
			case spec.Input == jobgraph.RankAppend || old == nil:
				row := randomRankRow(r, id)
				list = append(list, modelChange{kI, row})
				if spec.Input == jobgraph.RankAppend {
					live[id] = row
				} else {
					live[id%20] = row
				}
			}
		}
		var rows [][]any
		for _, row := range live {
			rows = append(rows, row)
		}
		opt := exectest.Options{Keys: [][]int{spec.Partition}, Types: [][]types.Type{spec.Types}}
		run := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, opt)
		if seed%3 == 0 { // large batches, which are folded
			half := r.IntN(len(list))
			feedOne(r, run, 0, spec.Types, list[:half])
			disturb(r, run, spec.Partition != nil)
			feedOne(r, run, 0, spec.Types, list[half:])
		} else {
			feedRandom(r, run, 0, spec.Types, list, true, spec.Partition != nil)
		}
		run.End()
		want := rankModel(rows, spec)
		var keys [][]int
		if !(spec.From == 1 && spec.To == 1 && spec.Input != jobgraph.RankRetract) {
			keys = append(keys, []int{1})
		} else {
			keys = append(keys, spec.Partition)
		}
		if spec.Number {
			keys = append(keys, append(slices.Clone(spec.Partition), 5))
		}
		for _, key := range keys {
			if got := exectest.Upserted(run.Rows(), key); !slices.Equal(got, want) {
				t.Fatalf("seed %d key %v: %+v\ngot  %q\nwant %q\n%s", seed, key, spec, got, want, strings.Join(exectest.Lines(run.Rows()), "\n"))
			}
		}
	}
}

// TestRankFold shows what a batch comes to, where no -U is asked for: not the steps.
func TestRankFold(t *testing.T) {
	ts := []types.Type{tStr, tInt}
	spec := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 1, Desc: true, NullsLast: true}}, From: 1, To: 3, Number: true, Types: ts, WindowEnd: -1}
	r := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, exectest.Options{})
	rising := func(from int) *vec.Batch {
		var rows [][]any
		for i := range 20 {
			rows = append(rows, []any{[]string{"a", "b"}[i%2], from + i})
		}
		return exectest.Batch(ts, rows, nil)
	}
	r.Process(0, rising(0))
	r.Process(0, rising(100))
	r.Process(0, exectest.Batch(ts, [][]any{{"a", 117}}, nil)) // too small to be folded
	wantLines(t, r.Rows(), `
+I a,18,1
+I a,16,2
+I a,14,3
+I b,19,1
+I b,17,2
+I b,15,3
-D a,18,1
-D a,16,2
-D a,14,3
-D b,19,1
-D b,17,2
-D b,15,3
+I a,118,1
+I a,116,2
+I a,114,3
+I b,119,1
+I b,117,2
+I b,115,3
-D a,114,3
+U a,117,2
+I a,116,3`)
}

// TestRankUpdateFast sums a whole changelog of improving rows.
func TestRankUpdateFast(t *testing.T) {
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		spec := randomRankSpec(r)
		spec.Input, spec.UniqueKey = jobgraph.RankUpdateFast, []int{0, 1}
		spec.Order = []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}, {Col: 1}}
		live := map[int][]any{}
		var list []modelChange
		for range 80 {
			id := r.IntN(12)
			row := randomRankRow(r, id)
			if old := live[id]; old != nil {
				row[0], row[2] = old[0], old[2]
				if row[2] == nil {
					row[2] = 0
				}
				row[2] = row[2].(int) + r.IntN(3)
			}
			list = append(list, modelChange{kA, row})
			live[id] = row
		}
		var rows [][]any
		for _, row := range live {
			rows = append(rows, row)
		}
		opt := exectest.Options{Keys: [][]int{spec.Partition}, Types: [][]types.Type{spec.Types}}
		run := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, opt)
		feedRandom(r, run, 0, spec.Types, list, true, spec.Partition != nil)
		if got, want := exectest.Sum(t, run.Rows()), rankModel(rows, spec); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %+v\ngot  %q\nwant %q", seed, spec, got, want)
		}
	}
}

func TestRankWindow(t *testing.T) {
	end := types.TimestampOf(3)
	ts := []types.Type{tStr, tInt, end}
	for seed := range seeds(100) {
		r := rand.New(rand.NewPCG(seed, 4))
		spec := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 1, Desc: true, NullsLast: true}}, From: 1, To: 2, Number: true,
			Types: ts, WindowEnd: 2, Granule: 1000, RankKind: jobgraph.RankKind(r.IntN(3))}
		opt := exectest.Options{Keys: [][]int{{0}}, Types: [][]types.Type{ts}}
		run := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, opt)
		mark := 0
		var kept [][]any
		late := 0
		for range 20 {
			var list []modelChange
			for range r.IntN(10) {
				row := []any{fmt.Sprint(r.IntN(2)), r.IntN(10), (mark/10000 + r.IntN(4)) * 10000}
				if row[2].(int)-1000 <= mark && mark > 0 {
					late++
				} else {
					kept = append(kept, row)
				}
				list = append(list, modelChange{kI, row})
			}
			feedOne(r, run, 0, ts, list)
			disturb(r, run, true)
			if r.IntN(3) == 0 {
				mark += r.IntN(20000)
				run.Watermark(int64(mark))
			}
		}
		run.End()
		model := *spec
		model.Partition = []int{0, 2}
		if got, want := exectest.Sum(t, run.Rows()), rankModel(kept, &model); !slices.Equal(got, want) {
			t.Fatalf("seed %d\ngot  %q\nwant %q", seed, got, want)
		}
	}
}

// TestRankLong has partitions of more than a page.
func TestRankLong(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	ts := []types.Type{tInt, tInt}
	spec := &jobgraph.Rank{Order: []jobgraph.SortKey{{Col: 1}, {Col: 0}}, From: 3, To: 20000, Number: false, SendBefore: true, Input: jobgraph.RankRetract, Types: ts, WindowEnd: -1}
	run := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, exectest.Options{})
	var live [][]any
	for k := range 12 {
		var list []modelChange
		for i := range 2000 {
			if k > 6 && i%3 > 0 {
				n := r.IntN(len(live))
				list = append(list, modelChange{kD, live[n]})
				live = slices.Delete(live, n, n+1)
				continue
			}
			row := []any{k*2000 + i, r.IntN(5000)}
			live = append(live, row)
			list = append(list, modelChange{kI, row})
		}
		feedOne(r, run, 0, ts, list)
		if k == 8 {
			run.Checkpoint()
			run.Crash(1)
		}
	}
	if got, want := exectest.Sum(t, run.Rows()), rankModel(live, spec); !slices.Equal(got, want) {
		t.Fatalf("got %d rows, want %d", len(got), len(want))
	}
}

func TestRankTTL(t *testing.T) {
	ts := []types.Type{tStr, tInt}
	for _, to := range []int64{1, 2} {
		spec := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 1}}, From: 1, To: to, SendBefore: true, Types: ts, WindowEnd: -1, TTLMs: 1000}
		r := exectest.Start(t, func() exec.Operator { return exec.NewRank(spec) }, exectest.Options{})
		r.Tick(1_000_000)
		r.Process(0, exectest.Batch(ts, [][]any{{"a", 1}, {"b", 1}, {"b", 2}}, nil))
		r.Tick(1_600_000)
		r.Process(0, exectest.Batch(ts, [][]any{{"b", 3}}, nil))
		r.Tick(2_400_000)
		r.Process(0, exectest.Batch(ts, [][]any{{"a", 4}, {"b", 4}, {"a", 5}}, nil))
		got := exectest.Lines(r.Rows())
		if !slices.Contains(got, "+I a,4") || slices.Contains(got, "+I b,4") || to == 2 && !slices.Contains(got, "+I a,5") {
			t.Errorf("%q", got)
		}
	}
}
