package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// sumsForAverages puts a sum and a count in the place of each AVG of an aggregate: these
// can be put together from parts. It returns the aggregate and what makes the columns of
// the first one of its columns; without an AVG, none.
//
//	AVG(DISTINCT x)   SUM(DISTINCT x), COUNT(DISTINCT x)   CASE WHEN count <> 0 THEN sum / count END
//
// Integers are summed as BIGINT and floats as DOUBLE, as AVG does, and a sum of decimals
// divided by a count has the digits of their AVG.
func sumsForAverages(a *logical.Aggregate) (*logical.Aggregate, []*expr.Expr) {
	if !slices.ContainsFunc(a.Aggs, func(g logical.Agg) bool { return g.Func == "AVG" }) {
		return a, nil
	}
	nk := len(a.Keys)
	out := *a
	out.Aggs, out.Out = nil, slices.Clone(a.Out[:nk])
	add := func(g logical.Agg, f types.Field) *expr.Expr {
		out.Aggs, out.Out = append(out.Aggs, g), append(out.Out, f)
		return expr.Column(len(out.Out)-1, f.Type)
	}
	var above []*expr.Expr
	for k, f := range a.Out[:nk] {
		above = append(above, expr.Column(k, f.Type))
	}
	for i, g := range a.Aggs {
		f := a.Out[nk+i]
		if g.Func != "AVG" {
			above = append(above, add(g, f))
			continue
		}
		sum, count := g, g
		var err error
		if sum.Func, count.Func = "SUM", "COUNT"; g.ArgTypes[0].Integer() {
			sum.Ret = types.TBigInt
		} else if g.ArgTypes[0].Approx() {
			sum.Ret = types.TDouble
		} else if sum.Ret, _, err = agg.Resolve("SUM", g.ArgTypes); err != nil {
			return a, nil
		}
		sum.Ret, count.Ret = sum.Ret.Nullable(true), types.TBigInt.Nullable(false)
		e, err := mean(add(sum, types.Field{Name: f.Name + "$sum", Type: sum.Ret}), add(count, types.Field{Name: f.Name + "$count", Type: count.Ret}), f.Type)
		if err != nil {
			return a, nil
		}
		above = append(above, e)
	}
	return &out, above
}

// mean divides a sum by a count; NULL over nothing.
func mean(sum, count *expr.Expr, to types.Type) (*expr.Expr, error) {
	some, err := expr.NewCall("<>", count, expr.Literal(types.TBigInt.Nullable(false), int64(0)))
	if err != nil {
		return nil, err
	}
	by := count
	if sum.Type.Approx() {
		if by, err = expr.Cast(count, types.TDouble); err != nil {
			return nil, err
		}
	}
	e, err := expr.NewCall("/", sum, by)
	if err == nil {
		e, err = expr.Cast(e, to.Nullable(true))
	}
	if err != nil {
		return nil, err
	}
	return expr.NewCall("CASE", some, e, expr.Literal(to.Nullable(true), nil))
}
