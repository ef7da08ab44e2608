package sim

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A plan is a job with the rows that it must write.
type plan struct {
	interval int64 // between checkpoints; 0: none but the last
	source   *source
	window   bool  // sums by key and window, else a changing count and sum by key
	even     bool  // only even values
	align    int64 // how far readers may be ahead of each other, in milliseconds; 0: as far as they like
	late     bool  // some rows are late: one split, one reader, so that it is known which
}

func drawPlan(rnd *rand.Rand) *plan {
	p := &plan{interval: 40, source: drawSource(rnd), window: rnd.IntN(2) == 0, even: rnd.IntN(2) == 0}
	if p.window && rnd.IntN(2) == 0 {
		p.late = true
		p.source.splits = p.source.splits[:1]
		rows := p.source.splits[0]
		for i := range rows {
			if rnd.IntN(4) == 0 {
				rows[i].time -= int64(rnd.IntN(1000)) * unit
			}
		}
	}
	if rnd.IntN(8) == 0 {
		p.interval = 0
	}
	if rnd.IntN(3) == 0 {
		p.align = 1 + int64(rnd.IntN(300))
	}
	return p
}

const windowSize = 200 * unit

var (
	bigint  = types.TBigInt
	rowtime = types.Type{Kind: types.Timestamp, Prec: 3, Rowtime: true}
	input   = types.Schema{{Name: "k", Type: bigint}, {Name: "v", Type: bigint}, {Name: "t", Type: rowtime}}
)

func column(i int) *expr.Expr { return &expr.Expr{Op: expr.Col, Index: i, Type: input[i].Type} }

func call(name string, args ...*expr.Expr) *expr.Expr {
	e, err := expr.NewCall(name, args...)
	if err != nil {
		panic(err)
	}
	return e
}

func literal(t types.Type, v any) *expr.Expr { return &expr.Expr{Op: expr.Lit, Type: t, Value: v} }

// graph is source → filter ⇒ aggregate → sink, with p sources and q aggregates.
func (p *plan) graph(sources, aggs int) *jobgraph.Graph {
	if p.late {
		sources = 1
	}
	interval := literal(types.Type{Kind: types.IntervalSecond, NotNull: true}, int64(slack*unit/1000))
	calc := &jobgraph.Calc{}
	if p.even {
		calc.Filter = call("=", call("%", column(1), literal(bigint, int64(2))), literal(bigint, int64(0)))
	}
	sum := jobgraph.AggCall{Func: "SUM", Args: []int{1}, ArgTypes: []types.Type{bigint}, Filter: -1, Ret: bigint}
	count := jobgraph.AggCall{Func: "COUNT", Filter: -1, Ret: bigint.Nullable(false)}
	var agg jobgraph.Spec = &jobgraph.GroupAgg{Keys: []int{0}, Aggs: []jobgraph.AggCall{count, sum}, SendBefore: true, InputTypes: input.Types()}
	if p.window {
		agg = &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Time: 2, Size: windowSize, Granule: 1000},
			Keys: []int{0}, Aggs: []jobgraph.AggCall{sum}, Props: []jobgraph.WindowProp{jobgraph.WindowEnd}, InputTypes: input.Types()}
	}
	watermark := &jobgraph.Watermark{Expr: call("-", column(2), interval), Time: 2}
	if p.align > 0 {
		watermark.Align = &jobgraph.Alignment{Group: "g", DriftMs: p.align}
	}
	out := types.Schema{{Name: "k", Type: bigint}, {Name: "a", Type: bigint}, {Name: "b", Type: bigint}}
	ops := []jobgraph.Op{{ID: "calc", Spec: calc, Output: input}}
	if len(p.source.splits[0])%3 == 0 {
		ops = append(ops, p.lookup()...)
	}
	return &jobgraph.Graph{ID: "sim", MaxParallelism: 16, Vertices: []jobgraph.Vertex{
		{Name: "source", Parallelism: sources, Source: &jobgraph.Source{ID: "src", Output: input,
			Watermark: watermark},
			Ops: ops},
		{Name: "agg", Parallelism: aggs, Ops: []jobgraph.Op{{ID: "agg", Spec: agg, Output: out},
			{ID: "sink", Spec: &jobgraph.Sink{}, Output: out}}},
	}, Edges: []jobgraph.Edge{{From: 0, To: 1, Ship: jobgraph.Hash, Keys: []int{0}}}}
}

// want is the rows that the sink's table must hold.
func (p *plan) want() map[[3]int64]int {
	type group struct{ key, end int64 }
	type acc struct{ n, sum int64 }
	groups := map[group]acc{}
	for _, split := range p.source.splits {
		mark := int64(math.MinInt64)
		for _, r := range split {
			before := mark
			mark = max(mark, r.time-slack*unit)
			if p.even && r.val%2 != 0 {
				continue
			}
			g := group{key: r.key}
			if p.window {
				g.end = int64(math.Floor(float64(r.time)/windowSize))*windowSize + windowSize
			}
			if p.late && g.end-unit <= before {
				continue // dropped
			}
			a := groups[g]
			groups[g] = acc{a.n + 1, a.sum + r.val}
		}
	}
	out := map[[3]int64]int{}
	for g, a := range groups {
		if p.window {
			out[[3]int64{g.key, a.sum, g.end}]++
		} else {
			out[[3]int64{g.key, a.n, a.sum}]++
		}
	}
	return out
}

// check folds the sink's changelog, which must be well formed, and compares it with
// the oracle's rows.
func (p *plan) check(rows []change) string {
	got := map[[3]int64]int{}
	for _, c := range rows {
		switch c.kind {
		case vec.Insert, vec.UpdateAfter:
			got[c.cols]++
		default:
			if got[c.cols]--; got[c.cols] < 0 {
				return fmt.Sprintf("%s %v retracts what is not there", c.kind, c.cols)
			}
			if got[c.cols] == 0 {
				delete(got, c.cols)
			}
		}
	}
	want := p.want()
	if maps.Equal(got, want) {
		return ""
	}
	for _, r := range sorted(want) {
		if got[r] != want[r] {
			return fmt.Sprintf("row %v is there %d times, not %d", r, got[r], want[r])
		}
	}
	for _, r := range sorted(got) {
		if got[r] != want[r] {
			return fmt.Sprintf("row %v is there %d times, not %d", r, got[r], want[r])
		}
	}
	return ""
}

func sorted(m map[[3]int64]int) [][3]int64 {
	return slices.SortedFunc(maps.Keys(m), func(a, b [3]int64) int { return slices.Compare(a[:], b[:]) })
}
