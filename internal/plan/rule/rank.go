package rule

import (
	"math"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

var rankKinds = map[string]jobgraph.RankKind{"ROW_NUMBER": jobgraph.RowNumber, "RANK": jobgraph.RankNumber, "DENSE_RANK": jobgraph.DenseRank}

// rank makes a Top-N of a filter on the number of a row in its partition.
func rank(_ *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	over, ok := f.Input.(*logical.Over)
	if !ok || len(over.Calls) != 1 {
		return n
	}
	kind, ok := rankKinds[over.Calls[0].Func]
	if !ok {
		return n
	}
	col := len(over.Input.Schema())
	from, to := int64(1), int64(-1)
	var rest []*expr.Expr
	for _, e := range expr.Conjuncts(f.Cond) {
		lo, hi, ok := bounds(e, col)
		if !ok {
			rest = append(rest, e)
			continue
		}
		from = max(from, lo)
		if hi != math.MaxInt64 && (to < 0 || hi < to) {
			to = max(hi, 0)
		}
	}
	if to < 0 {
		return n
	}
	if to < from {
		return &logical.Values{Out: over.Out}
	}
	return filtered(&logical.Rank{Input: over.Input, RankKind: kind, Partition: over.Partition, Order: over.Order,
		From: from, To: to, Number: true, Out: over.Out, Pos: over.Pos}, rest)
}

// bounds reads a comparison of a column with a whole number.
func bounds(e *expr.Expr, col int) (lo, hi int64, ok bool) {
	if e.Op != expr.Call || len(e.Args) != 2 {
		return 0, 0, false
	}
	a, b, op := e.Args[0], e.Args[1], e.Func
	if a.Op == expr.Lit {
		a, b, op = b, a, Flip(op)
	}
	k, whole := b.Value.(int64)
	if a.Op != expr.Col || a.Index != col || b.Op != expr.Lit || !whole || !b.Type.Integer() {
		return 0, 0, false
	}
	lo, hi = math.MinInt64, math.MaxInt64
	switch op {
	case "=":
		lo, hi = k, k
	case "<":
		hi = k - 1
	case "<=":
		hi = k
	case ">":
		lo = k + 1
	case ">=":
		lo = k
	default:
		return 0, 0, false
	}
	return lo, hi, true
}
