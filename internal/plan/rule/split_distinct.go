package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// splitDistinct takes an aggregate over the different values of a column apart, so that
// one group with many values is the work of many subtasks
// (table.optimizer.distinct-agg.split.enabled): first by its keys and a bucket, which a
// hash of the value says, so that equal values meet; then by its keys alone.
//
//	SELECT k, COUNT(DISTINCT x), SUM(y) FROM t GROUP BY k
//	SELECT k, SUM(n), SUM(s) FROM (
//	  SELECT k, COUNT(DISTINCT x) AS n, SUM(y) AS s FROM t GROUP BY k, HASH_CODE(x) % buckets) GROUP BY k
//
// An AVG becomes a sum and a count before. It leaves alone what has no such second step
// (LISTAGG …), and aggregates over the different values of several columns.
func splitDistinct(c *context, n logical.Node) logical.Node {
	a, ok := n.(*logical.Aggregate)
	if !ok || a.Window != nil || a.Sets != nil || a.Late != nil {
		return n
	}
	whole := a
	a, means := sumsForAverages(a)
	of := distinctColumn(a)
	if of < 0 {
		return n
	}
	in := a.Input.Schema()
	hash, err := expr.NewCall("HASH_CODE", expr.Column(of, in[of].Type))
	if err != nil {
		return n // values of a type without a hash
	}
	bucket, err := expr.NewCall("MOD", hash, expr.Int(c.Buckets))
	if err != nil {
		return n
	}
	exprs := make([]*expr.Expr, len(in), len(in)+1)
	for i, f := range in {
		exprs[i] = expr.Column(i, f.Type)
	}
	spread := append(in[:len(in):len(in)], types.Field{Name: "bucket$", Type: bucket.Type})
	first := *a
	first.Input = &logical.Project{Input: a.Input, Exprs: append(exprs, bucket), Out: spread}
	first.Keys = append(a.Keys[:len(a.Keys):len(a.Keys)], len(in))
	nk := len(a.Keys)
	first.Out = slices.Concat(a.Out[:nk], types.Schema{spread[len(in)]}, a.Out[nk:])
	last := merge(a, &first, nk)
	switch {
	case last == nil:
		return n
	case means == nil:
		return last
	}
	return &logical.Project{Input: last, Exprs: means, Out: whole.Out}
}

// distinctColumn is the column whose different values are aggregated, if it is the only
// one and all calls can be put together from parts; else -1.
func distinctColumn(a *logical.Aggregate) int {
	col := -1
	for _, g := range a.Aggs {
		switch g.Func {
		case "COUNT", "SUM", "MIN", "MAX":
		default:
			return -1
		}
		if !g.Distinct || g.Func == "MIN" || g.Func == "MAX" {
			continue
		}
		if len(g.Args) != 1 || col >= 0 && g.Args[0] != col {
			return -1
		}
		col = g.Args[0]
	}
	if slices.Contains(a.Keys, col) {
		return -1 // one value a group
	}
	return col
}

// merge is the second step: over the groups of first, whose keys end with the bucket.
// It is nil if there is none.
func merge(a, first *logical.Aggregate, nk int) logical.Node {
	last := *a
	last.Input, last.Keys, last.Aggs = first, nil, slices.Clone(a.Aggs)
	for k := range nk {
		last.Keys = append(last.Keys, k)
	}
	last.Out = slices.Clone(a.Out)
	exprs := make([]*expr.Expr, len(a.Out))
	for i := range last.Aggs {
		g := &last.Aggs[i]
		arg := nk + 1 + i
		g.Args, g.ArgTypes, g.Consts = []int{arg}, []types.Type{first.Out[arg].Type}, nil
		g.Distinct, g.Filter = false, -1
		if g.Func == "COUNT" {
			g.Func = "SUM"
			g.Ret = g.Ret.Nullable(nk == 0)
			last.Out[nk+i].Type = g.Ret
		}
	}
	same := true
	for i, f := range last.Out {
		exprs[i] = expr.Column(i, f.Type)
		if want := a.Out[i].Type; f.Type.Equal(want) && f.Type.NotNull == want.NotNull {
			continue
		}
		// A count over no rows at all is 0, a sum is NULL.
		e, err := expr.NewCall("COALESCE", exprs[i], expr.Literal(types.TBigInt.Nullable(false), int64(0)))
		if err == nil {
			e, err = expr.Cast(e, a.Out[i].Type)
		}
		if err != nil {
			return nil
		}
		exprs[i], same = e, false
	}
	if same {
		return &last
	}
	return &logical.Project{Input: &last, Exprs: exprs, Out: a.Out}
}
