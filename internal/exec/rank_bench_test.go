package exec_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// q18: the last bid of each bidder on each auction.
func benchDedup(b *testing.B, before bool) {
	spec := &jobgraph.Dedup{Keys: []int{1, 0}, Time: 3, KeepLast: true, SendBefore: before, Types: bidTypes}
	benchOp(b, exec.NewDedup(spec), bids(1<<19, 5000, 10))
}

func BenchmarkDedupLast(b *testing.B)       { benchDedup(b, true) }
func BenchmarkDedupLastUpsert(b *testing.B) { benchDedup(b, false) }

func BenchmarkDedupFirst(b *testing.B) {
	benchOp(b, exec.NewDedup(&jobgraph.Dedup{Keys: []int{1, 0}, Time: 3, Types: bidTypes}), bids(1<<19, 5000, 10))
}

// q9: the best bid of each auction.
func BenchmarkRankFirst(b *testing.B) {
	spec := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}, {Col: 3}}, From: 1, To: 1,
		SendBefore: true, Types: bidTypes, WindowEnd: -1}
	benchOp(b, exec.NewRank(spec), bids(1<<19, 5000, 10))
}

// q19: the ten best bids of each auction, with their numbers.
func BenchmarkRankTen(b *testing.B) {
	spec := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}}, From: 1, To: 10, Number: true,
		SendBefore: true, Types: bidTypes, WindowEnd: -1}
	benchOp(b, exec.NewRank(spec), bids(1<<19, 40000, 10))
}

func BenchmarkRankTenUpsert(b *testing.B) {
	spec := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}}, From: 1, To: 10, Number: true,
		Types: bidTypes, WindowEnd: -1}
	benchOp(b, exec.NewRank(spec), bids(1<<19, 40000, 10))
}

func BenchmarkRankTenRetract(b *testing.B) {
	spec := &jobgraph.Rank{Partition: []int{0}, Order: []jobgraph.SortKey{{Col: 2, Desc: true, NullsLast: true}}, From: 1, To: 10,
		SendBefore: true, Types: bidTypes, WindowEnd: -1, Input: jobgraph.RankRetract}
	benchOp(b, exec.NewRank(spec), bids(1<<19, 40000, 10))
}

func BenchmarkSort(b *testing.B) {
	in := bids(1<<19, 5000, 10)
	rows := 0
	for range b.N {
		op := exec.NewSort(&jobgraph.Sort{Order: []jobgraph.SortKey{{Col: 2, Desc: true}, {Col: 3}}, From: 1, To: -1, Time: -1, Types: bidTypes})
		rows += drive(b, op, in)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

// drive runs a whole input through an operator.
func drive(b *testing.B, op exec.Operator, in []*vec.Batch) (rows int) {
	out := &discard{}
	check := func(more bool, err error) {
		for ; more && err == nil; more, err = op.Resume(out) {
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := op.Open(benchContext(b)); err != nil {
		b.Fatal(err)
	}
	for _, x := range in {
		check(op.Process(0, x, out))
		rows += x.Rows
	}
	check(op.EndInput(0, out))
	op.Close()
	return rows
}

func overBenchTypes() []types.Type {
	ts := append([]types.Type(nil), bidTypes...)
	ts[3].Rowtime = true
	return ts
}

func benchOver(b *testing.B, emit jobgraph.Emit, f jobgraph.Frame) {
	c := bidCall("SUM", 2, -1, false)
	n := bidCall("COUNT", -1, -1, false)
	spec := &jobgraph.Over{Partition: []int{1}, Order: []jobgraph.SortKey{{Col: 3}}, Time: 3, Emit: emit, Types: overBenchTypes(),
		Calls: []jobgraph.OverCall{{AggCall: c, Frame: f}, {AggCall: n, Frame: f}}}
	in := marked(bids(1<<18, 5000, 10), 1000)
	rows := 0
	b.ResetTimer()
	for range b.N {
		if emit == jobgraph.AtEnd {
			rows += drive(b, exec.NewOver(spec), bids(1<<18, 5000, 10))
		} else {
			rows += drive(b, exec.NewOver(spec), in)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkOverRunning(b *testing.B) { benchOver(b, jobgraph.OnChange, rangeFrame(unboundedRow, 0)) }
func BenchmarkOverRows(b *testing.B)    { benchOver(b, jobgraph.OnChange, rowsFrame(-10, 0)) }
func BenchmarkOverEnd(b *testing.B)     { benchOver(b, jobgraph.AtEnd, rowsFrame(-10, 0)) }
