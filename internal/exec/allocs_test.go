package exec_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// allocsMax is how many allocations an operator may make for a batch of 4,096 rows
// when it knows the keys: for its output, some a column, and none a row. A group that
// tells each change makes a few more for the rounds of rows with the same key.
const allocsMax = 120

// TestAllocations feeds each operator batches until their keys are known, and counts
// what it allocates for the same keys from then on.
func TestAllocations(t *testing.T) {
	tumble := jobgraph.Window{WKind: jobgraph.Tumble, Time: 3, Size: 10 * second, Granule: 1000}
	hop := jobgraph.Window{WKind: jobgraph.Hop, Time: 3, Size: 10 * second, Slide: 2 * second, Granule: 1000}
	session := jobgraph.Window{WKind: jobgraph.Session, Time: 3, Size: 10 * second, Granule: 1000}
	count, sum := bidCall("COUNT", -1, -1, false), bidCall("SUM", 2, -1, false)
	group := func(g jobgraph.GroupAgg) exec.Operator {
		g.Keys, g.InputTypes, g.Aggs = []int{0}, bidTypes, []jobgraph.AggCall{count, sum}
		return exec.NewGroupAgg(&g)
	}
	window := func(w jobgraph.Window, p jobgraph.Phase) exec.Operator {
		return exec.NewWindowAgg(&jobgraph.WindowAgg{Window: w, Keys: []int{0}, Aggs: []jobgraph.AggCall{count}, Props: allProps, Phase: p, InputTypes: bidTypes})
	}
	top := func(to int64, in jobgraph.RankInput) exec.Operator {
		return exec.NewRank(&jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}}, From: 1, To: to, SendBefore: true,
			Types: bidTypes, WindowEnd: -1, Input: in})
	}
	for _, c := range []struct {
		name string
		op   exec.Operator
	}{
		{"group", group(jobgraph.GroupAgg{SendBefore: true})},
		{"group, mini-batch", group(jobgraph.GroupAgg{Fold: true, FoldRows: 50000, SendBefore: true})},
		{"group, local", group(jobgraph.GroupAgg{Phase: jobgraph.Local, FoldRows: 50000})},
		{"group, at the end", group(jobgraph.GroupAgg{Emit: jobgraph.AtEnd})},
		{"tumble", window(tumble, jobgraph.Single)},
		{"hop", window(hop, jobgraph.Single)},
		{"hop, local", window(hop, jobgraph.Local)},
		{"session", window(session, jobgraph.Single)},
		{"dedup, last", exec.NewDedup(&jobgraph.Dedup{Keys: []int{1, 0}, Time: 3, KeepLast: true, SendBefore: true, Types: bidTypes})},
		{"dedup, first", exec.NewDedup(&jobgraph.Dedup{Keys: []int{1, 0}, Time: 3, Types: bidTypes})},
		{"top 1", top(1, jobgraph.RankAppend)},
		{"top 10", top(10, jobgraph.RankAppend)},
		{"over", exec.NewOver(&jobgraph.Over{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 3}}, Time: 3, Emit: jobgraph.OnChange, Types: overBenchTypes(),
			Calls: []jobgraph.OverCall{{AggCall: sum, Frame: rowsFrame(-10, 0)}}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			few(t, c.op, laps(marked(bids(1<<15, 100, 10), 1024)), 1)
		})
	}
}

// TestAllocationsOfJoins is the same of operators with two inputs; both get the same.
func TestAllocationsOfJoins(t *testing.T) {
	keys := []int{0}
	for _, c := range []struct {
		name string
		op   exec.Operator
	}{
		{"regular", exec.NewJoin(&jobgraph.Join{LeftKeys: keys, RightKeys: keys, LeftTypes: auctionTypes, RightTypes: auctionTypes})},
		{"interval", exec.NewIntervalJoin(&jobgraph.IntervalJoin{LeftKeys: keys, RightKeys: keys, LeftTime: 2, RightTime: 2, Upper: 2 * second,
			LeftTypes: auctionTypes, RightTypes: auctionTypes})},
		{"temporal", exec.NewTemporalJoin(&jobgraph.TemporalJoin{LeftKeys: keys, RightKeys: keys, LeftTime: 2, RightTime: 2,
			LeftTypes: auctionTypes, RightTypes: auctionTypes})},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := auctions(1 << 18)
			for i, b := range in {
				b.Marks = []vec.Mark{{Row: int32(b.Rows), Time: int64(i*b.Rows) / 100 * 1000}}
			}
			few(t, c.op, in, 2)
		})
	}
}

// laps are batches that come again and again, each time later.
func laps(in []*vec.Batch) (out []*vec.Batch) {
	for lap := range int64(8) {
		for _, b := range in {
			out = append(out, later(b, lap*int64(len(in))))
		}
	}
	return out
}

// smallAllocsMax is how many allocations a window of some 200 rows may make: its columns,
// and little else. The batches that they come and go in are divided among them.
const smallAllocsMax = 25

// TestAllocationsOfSmallWindows completes 20 windows a batch.
func TestAllocationsOfSmallWindows(t *testing.T) {
	const rows, each = 4096, 200
	var in []*vec.Batch
	for i := range 40 {
		keys, more, starts, times := make([]int64, rows), make([]int64, rows), make([]int64, rows), make([]int64, rows)
		b := &vec.Batch{Rows: rows, Cols: []vec.Vector{&vec.Fixed[int64]{Vals: keys}, &vec.Fixed[int64]{Vals: more}, &vec.Fixed[int64]{Vals: starts}, &vec.Fixed[int64]{Vals: times}}}
		for r := range rows {
			n := int64(i*rows + r)
			keys[r], more[r], times[r] = n%70, n, n*second/each
			starts[r] = times[r] / second * second
			if r%each == each-1 {
				b.Marks = append(b.Marks, vec.Mark{Row: int32(r + 1), Time: times[r] - 25*second}) // behind what the other side has next
			}
		}
		in = append(in, b)
	}
	window := func(kind jobgraph.WindowKind, p jobgraph.Phase) exec.Operator {
		return exec.NewWindowAgg(&jobgraph.WindowAgg{Window: jobgraph.Window{WKind: kind, Time: 3, Size: 5 * second, Slide: second, Granule: 1000}, Keys: []int{0},
			Aggs: []jobgraph.AggCall{bidCall("COUNT", -1, -1, false)}, Props: allProps, Phase: p, InputTypes: bidTypes})
	}
	types := []types.Type{types.TBigInt, types.TBigInt, types.TimestampOf(3), types.TimestampOf(3)}
	join := func(keys ...int) exec.Operator {
		return exec.NewWindowJoin(&jobgraph.WindowJoin{LeftKeys: keys, RightKeys: keys, LeftStart: 2, LeftEnd: 2, RightStart: 2, RightEnd: 2, Granule: 1000, LeftTypes: types, RightTypes: types})
	}
	for _, c := range []struct {
		name   string
		op     exec.Operator
		inputs int
	}{
		{"hop", window(jobgraph.Hop, jobgraph.Single), 1},
		{"hop, local", window(jobgraph.Hop, jobgraph.Local), 1},
		{"join", join(1), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := allocs(t, c.op, in, c.inputs) / (rows / each)
			t.Logf("%.1f allocations a window", got)
			if got > smallAllocsMax {
				t.Errorf("%.1f allocations for a window of %d rows, at most %d are wanted", got, each, smallAllocsMax)
			}
		})
	}
}

// few fails if the operator allocates much for a batch.
func few(t *testing.T, op exec.Operator, in []*vec.Batch, inputs int) {
	t.Helper()
	if got := allocs(t, op, in, inputs); got > allocsMax {
		t.Errorf("%.0f allocations for a batch of %d rows, at most %d are wanted", got, in[0].Rows, allocsMax)
	}
}

// allocs feeds batches to all inputs, and returns what the operator allocates for one of
// the second half and one input.
func allocs(t *testing.T, op exec.Operator, in []*vec.Batch, inputs int) float64 {
	t.Helper()
	if err := op.Open(benchContext(t)); err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	out := &discard{}
	next := 0
	feed := func() {
		for side := range inputs {
			more, err := op.Process(side, in[next], out)
			for more && err == nil {
				more, err = op.Resume(out)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		next++
	}
	for next < len(in)/2 {
		feed()
	}
	return testing.AllocsPerRun(len(in)/2-2, feed) / float64(inputs)
}
