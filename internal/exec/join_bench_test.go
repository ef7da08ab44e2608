package exec_test

import (
	"testing"

	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// feedSides runs batches of two inputs through an operator, and ends them.
func feedSides(b *testing.B, op exec.Operator, in []int, pool []*vec.Batch, ends []int) (rows int) {
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
	for i, x := range pool {
		check(op.Process(in[i], x, out))
		rows += x.Rows
	}
	for _, i := range ends {
		check(op.EndInput(i, out))
	}
	op.Close()
	return rows
}

// auctions are n rows with ids of their own, 100 of them a millisecond.
func auctions(n int) []*vec.Batch {
	var out []*vec.Batch
	for at := 0; at < n; at += 4096 {
		id, price, time := make([]int64, 4096), make([]int64, 4096), make([]int64, 4096)
		for i := range id {
			id[i], price[i], time[i] = int64(at+i), int64(i), int64(at+i)/100*1000
		}
		out = append(out, &vec.Batch{Rows: 4096, Cols: []vec.Vector{&vec.Fixed[int64]{Vals: id}, &vec.Fixed[int64]{Vals: price}, &vec.Fixed[int64]{Vals: time}}})
	}
	return out
}

var auctionTypes = []types.Type{tInt, tInt, tTime}

func BenchmarkHashJoin(b *testing.B) {
	spec := &jobgraph.HashJoin{LeftKeys: []int{0}, RightKeys: []int{0}, LeftTypes: bidTypes, RightTypes: auctionTypes}
	pool := auctions(1 << 16)
	in := make([]int, len(pool))
	for i := range in {
		in[i] = 1
	}
	for _, x := range bids(1<<19, 60000, 10) {
		pool, in = append(pool, x), append(in, 0)
	}
	rows := 0
	b.ResetTimer()
	for range b.N {
		rows += feedSides(b, exec.NewHashJoin(spec), in, pool, []int{1, 0})
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkIntervalJoin(b *testing.B) {
	spec := &jobgraph.IntervalJoin{LeftKeys: []int{0}, RightKeys: []int{0}, LeftTime: 2, RightTime: 2, Lower: 0, Upper: 2_000_000,
		LeftTypes: auctionTypes, RightTypes: auctionTypes}
	var pool []*vec.Batch
	var in []int
	for i, x := range auctions(1 << 18) {
		for side := range 2 {
			y := *x
			y.Marks = []vec.Mark{{Row: 4096, Time: int64(i*4096) / 100 * 1000}}
			pool, in = append(pool, &y), append(in, side)
		}
	}
	rows := 0
	b.ResetTimer()
	for range b.N {
		rows += feedSides(b, exec.NewIntervalJoin(spec), in, pool, []int{1, 0})
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkTemporalJoin(b *testing.B) {
	spec := &jobgraph.TemporalJoin{LeftKeys: []int{0}, RightKeys: []int{0}, LeftTime: 2, RightTime: 2, LeftTypes: auctionTypes, RightTypes: auctionTypes}
	var pool []*vec.Batch
	var in []int
	for i, x := range auctions(1 << 18) {
		for side := range 2 {
			y := *x
			keys := make([]int64, y.Rows)
			for k := range keys {
				keys[k] = int64(k % 1000)
			}
			y.Cols = append([]vec.Vector{&vec.Fixed[int64]{Vals: keys}}, y.Cols[1:]...)
			y.Marks = []vec.Mark{{Row: 4096, Time: int64(i*4096) / 100 * 1000}}
			pool, in = append(pool, &y), append(in, side)
		}
	}
	rows := 0
	b.ResetTimer()
	for range b.N {
		rows += feedSides(b, exec.NewTemporalJoin(spec), in, pool, nil)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
