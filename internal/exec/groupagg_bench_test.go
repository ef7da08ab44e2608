package exec_test

import (
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// discard is an output for benchmarks; it counts.
type discard struct{ rows, batches int }

func (d *discard) Emit(b *vec.Batch) error { d.rows += b.Len(); d.batches++; return nil }
func (d *discard) Watermark(int64) error   { return nil }

// The bids of the benchmarks: auction, bidder, price, time, three rank filters, a
// channel, the day.
var bidTypes = []types.Type{types.TBigInt, types.TBigInt, types.TBigInt, types.TimestampOf(3), types.TBoolean, types.TBoolean, types.TBoolean, types.TString, types.TString}

// bids makes batches like Nexmark's: hot keys for half of the rows, perMs rows a
// millisecond of event time.
func bids(n, auctions, perMs int) []*vec.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	var out []*vec.Batch
	channels := []string{"Google", "Facebook", "Baidu", "Apple"}
	for row := 0; row < n; {
		size := min(4096, n-row)
		cols := make([][]int64, 4)
		flags := make([][]bool, 3)
		names := vec.NewBuilder(types.TString)
		days := vec.NewBuilder(types.TString)
		for range size {
			a := int64(r.IntN(auctions))
			if r.IntN(2) == 0 {
				a = int64(row / 100000 * 100)
			}
			price := int64(100 + r.IntN(1<<r.IntN(24)))
			vals := []int64{a, int64(r.IntN(50000)), price, int64(row/perMs) * 1000}
			for i, v := range vals {
				cols[i] = append(cols[i], v)
			}
			flags[0], flags[1], flags[2] = append(flags[0], price < 10000), append(flags[1], price >= 10000 && price < 1000000), append(flags[2], price >= 1000000)
			names.String(channels[r.IntN(4)])
			days.String("2026-03-01")
			row++
		}
		b := &vec.Batch{Rows: size}
		for _, c := range cols {
			b.Cols = append(b.Cols, &vec.Fixed[int64]{Vals: c})
		}
		for _, f := range flags {
			b.Cols = append(b.Cols, &vec.Fixed[bool]{Vals: f})
		}
		b.Cols = append(b.Cols, names.Finish(), days.Finish())
		out = append(out, b)
	}
	return out
}

func bidCall(name string, col, filter int, distinct bool) jobgraph.AggCall {
	c := jobgraph.AggCall{Func: name, Filter: filter, Distinct: distinct}
	if col >= 0 {
		c.Args, c.ArgTypes = []int{col}, []types.Type{bidTypes[col]}
	}
	c.Ret, _, _ = agg.Resolve(name, c.ArgTypes)
	return c
}

func benchContext(b testing.TB) *exec.Context {
	store, err := lsm.Backend{}.Open("x", base.Range{Hi: 128}, nil, &statetest.Files{})
	if err != nil {
		b.Fatal(err)
	}
	return &exec.Context{Op: "bench", Parallelism: 1, Groups: 128, State: store, Env: &fn.Env{Now: func() int64 { return 0 }, Streaming: true}, Counters: &exec.Counters{}}
}

func benchOp(b *testing.B, op exec.Operator, in []*vec.Batch) {
	b.Helper()
	if err := op.Open(benchContext(b)); err != nil {
		b.Fatal(err)
	}
	out := &discard{}
	rows, lap := 0, int64(0)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		batch := in[i%len(in)]
		if i > 0 && i%len(in) == 0 {
			lap++
		}
		if lap > 0 {
			batch = later(batch, lap*int64(len(in)))
		}
		more, err := op.Process(0, batch, out)
		for more && err == nil {
			more, err = op.Resume(out)
		}
		if err != nil {
			b.Fatal(err)
		}
		rows += batch.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

// later returns the batch some laps of event time later.
func later(b *vec.Batch, laps int64) *vec.Batch {
	if len(b.Marks) == 0 {
		return b
	}
	out := *b
	out.Cols = append([]vec.Vector(nil), b.Cols...)
	add := laps * 4096 * 100 // microseconds: 10 rows a millisecond
	ts := b.Cols[3].(*vec.Fixed[int64]).Vals
	moved := make([]int64, len(ts))
	for i, t := range ts {
		moved[i] = t + add
	}
	out.Cols[3] = &vec.Fixed[int64]{Vals: moved}
	out.Marks = append([]vec.Mark(nil), b.Marks...)
	for i := range out.Marks {
		out.Marks[i].Time += add
	}
	return &out
}

func BenchmarkCountByInt(b *testing.B) {
	in := bids(1<<19, 10000, 10)
	for _, m := range []struct {
		name string
		spec jobgraph.GroupAgg
	}{
		{"OnChange", jobgraph.GroupAgg{SendBefore: true}},
		{"Fold", jobgraph.GroupAgg{Fold: true, FoldRows: 50000, SendBefore: true}},
		{"Local", jobgraph.GroupAgg{Phase: jobgraph.Local, FoldRows: 50000}},
		{"AtEnd", jobgraph.GroupAgg{Emit: jobgraph.AtEnd}},
	} {
		b.Run(m.name, func(b *testing.B) {
			spec := m.spec
			spec.Keys, spec.InputTypes = []int{0}, bidTypes
			spec.Aggs = []jobgraph.AggCall{bidCall("COUNT", -1, -1, false)}
			benchOp(b, exec.NewGroupAgg(&spec), in)
		})
	}
}

// BenchmarkQ15 is Nexmark's day statistics: eight DISTINCT calls over two columns.
func BenchmarkQ15(b *testing.B) {
	in := bids(1<<19, 10000, 10)
	var calls []jobgraph.AggCall
	for _, col := range []int{-1, 1, 0} {
		for _, f := range []int{-1, 4, 5, 6} {
			calls = append(calls, bidCall("COUNT", col, f, col >= 0))
		}
	}
	for _, keys := range [][]int{{8}, {7, 8}} {
		for _, fold := range []bool{false, true} {
			name := map[bool]string{true: "Fold", false: "OnChange"}[fold]
			b.Run([]string{"", "q15", "q16"}[len(keys)]+name, func(b *testing.B) {
				spec := &jobgraph.GroupAgg{Keys: keys, Aggs: calls, Fold: fold, FoldRows: 50000, SendBefore: true, InputTypes: bidTypes}
				benchOp(b, exec.NewGroupAgg(spec), in)
			})
		}
	}
}

// BenchmarkQ17 is eight calls by auction and day.
func BenchmarkQ17(b *testing.B) {
	in := bids(1<<19, 10000, 10)
	calls := []jobgraph.AggCall{bidCall("COUNT", -1, -1, false), bidCall("COUNT", -1, 4, false), bidCall("COUNT", -1, 5, false), bidCall("COUNT", -1, 6, false),
		bidCall("MIN", 2, -1, false), bidCall("MAX", 2, -1, false), bidCall("AVG", 2, -1, false), bidCall("SUM", 2, -1, false)}
	for _, fold := range []bool{false, true} {
		b.Run(map[bool]string{true: "Fold", false: "OnChange"}[fold], func(b *testing.B) {
			spec := &jobgraph.GroupAgg{Keys: []int{0, 8}, Aggs: calls, Fold: fold, FoldRows: 50000, SendBefore: true, InputTypes: bidTypes}
			benchOp(b, exec.NewGroupAgg(spec), in)
		})
	}
}
