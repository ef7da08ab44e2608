package sim

import (
	"math"
	"math/rand/v2"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// A classic is a job made by hand: source → filter → perhaps a lookup ⇒ aggregate →
// sink. It has what the grammar has not: late rows, watermarks that are aligned, a
// table that is asked by key.
type classic struct {
	source  *source
	window  bool  // sums by key and window, else a changing count and sum by key
	even    bool  // only even values
	align   int64 // how far readers may be ahead of each other, in milliseconds; 0: as far as they like
	late    bool  // some rows are late: one split, one reader, so that it is known which
	inOrder bool  // rows of a key stay in their order
}

func drawClassic(rnd *rand.Rand) *drawn {
	p := &classic{source: drawEvents(rnd, 1+rnd.IntN(4), 60, 1, 0, 0), window: rnd.IntN(2) == 0, even: rnd.IntN(2) == 0}
	if p.window && rnd.IntN(2) == 0 {
		p.late = true
		p.source.splits = p.source.splits[:1]
		rows := p.source.splits[0]
		for i := range rows {
			if rnd.IntN(4) == 0 {
				rows[i].cols[3] -= int64(rnd.IntN(1000)) * unit
			}
		}
	}
	if rnd.IntN(3) == 0 {
		p.align = 1 + int64(rnd.IntN(300))
	}
	return &drawn{ticks: p.align > 0, timed: p.window, tables: map[string]*source{"t": p.source}, want: p.want(),
		graph: func(rnd *rand.Rand) *jobgraph.Graph { return p.graph(1+rnd.IntN(3), 1+rnd.IntN(3)) }}
}

const windowSize = 200 * unit

var (
	bigint  = types.TBigInt
	rowtime = types.Type{Kind: types.Timestamp, Prec: 3, Rowtime: true}
	input   = types.Schema{{Name: "k", Type: bigint}, {Name: "v", Type: bigint}, {Name: "t", Type: rowtime}}
)

func col(i int) *expr.Expr { return &expr.Expr{Op: expr.Col, Index: i, Type: input[i].Type} }

func function(name string, args ...*expr.Expr) *expr.Expr {
	e, err := expr.NewCall(name, args...)
	if err != nil {
		panic(err)
	}
	return e
}

func literal(t types.Type, v any) *expr.Expr { return &expr.Expr{Op: expr.Lit, Type: t, Value: v} }

// graph has so many sources and aggregates.
func (p *classic) graph(sources, aggs int) *jobgraph.Graph {
	if p.late {
		sources = 1
	}
	interval := literal(types.Type{Kind: types.IntervalSecond, NotNull: true}, int64(slack*unit/1000))
	calc := &jobgraph.Calc{}
	if p.even {
		calc.Filter = function("=", function("%", col(1), literal(bigint, int64(2))), literal(bigint, int64(0)))
	}
	sum := jobgraph.AggCall{Func: "SUM", Args: []int{1}, ArgTypes: []types.Type{bigint}, Filter: -1, Ret: bigint}
	count := jobgraph.AggCall{Func: "COUNT", Filter: -1, Ret: bigint.Nullable(false)}
	var agg jobgraph.Spec = &jobgraph.GroupAgg{Keys: []int{0}, Aggs: []jobgraph.AggCall{count, sum}, SendBefore: true, InputTypes: input.Types()}
	if p.window {
		agg = &jobgraph.WindowAgg{Window: jobgraph.Window{WKind: jobgraph.Tumble, Time: 2, Size: windowSize, Granule: 1000},
			Keys: []int{0}, Aggs: []jobgraph.AggCall{sum}, Props: []jobgraph.WindowProp{jobgraph.WindowEnd}, InputTypes: input.Types()}
	}
	watermark := &jobgraph.Watermark{Expr: function("-", col(2), interval), Time: 2}
	if p.align > 0 {
		watermark.Align = &jobgraph.Alignment{Group: "g", DriftMs: p.align}
	}
	out := types.Schema{{Name: "k", Type: bigint}, {Name: "a", Type: bigint}, {Name: "b", Type: bigint}}
	ops := []jobgraph.Op{{ID: "calc", Spec: calc, Output: input}}
	if len(p.source.splits[0])%3 == 0 {
		ops = append(ops, p.lookup()...)
	}
	return &jobgraph.Graph{ID: "sim", MaxParallelism: 16, Vertices: []jobgraph.Vertex{
		{Name: "source", Parallelism: sources, Source: &jobgraph.Source{ID: "src", Table: connect.Table{Name: "t"},
			Scan: connect.Scan{Columns: []int{1, 2, 3}}, Output: input, Watermark: watermark},
			Ops: ops},
		{Name: "agg", Parallelism: aggs, Ops: []jobgraph.Op{{ID: "agg", Spec: agg, Output: out},
			{ID: "sink", Spec: &jobgraph.Sink{}, Output: out}}},
	}, Edges: []jobgraph.Edge{{From: 0, To: 1, Ship: jobgraph.Hash, Keys: []int{0}}}}
}

// want is the rows that the sink's table must hold.
func (p *classic) want() map[row]int {
	type group struct{ key, end int64 }
	type acc struct{ n, sum int64 }
	groups := map[group]acc{}
	for _, split := range p.source.splits {
		mark := int64(math.MinInt64)
		for _, r := range split {
			key, val, time := r.cols[1], r.cols[2], r.cols[3]
			before := mark
			mark = max(mark, time-slack*unit)
			if p.even && val%2 != 0 {
				continue
			}
			g := group{key: key}
			if p.window {
				g.end = int64(math.Floor(float64(time)/windowSize))*windowSize + windowSize
			}
			if p.late && g.end-unit <= before {
				continue // dropped
			}
			a := groups[g]
			groups[g] = acc{a.n + 1, a.sum + val}
		}
	}
	out := map[row]int{}
	for g, a := range groups {
		if p.window {
			out[row{g.key, a.sum, g.end}]++
		} else {
			out[row{g.key, a.n, a.sum}]++
		}
	}
	return out
}
