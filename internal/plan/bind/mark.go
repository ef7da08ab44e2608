package bind

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// EXISTS and IN that are no conditions of WHERE by themselves (under OR, in a
// select list) are values: how many rows there are is counted, by what correlates
// the subquery and by what is looked for, and joined.

// exists is COUNT(*) > 0.
func (x *exprBinder) exists(e *ast.Exists) (*expr.Expr, error) {
	r, err := x.valueQuery(e, e.Query)
	if err != nil {
		return nil, err
	}
	n, err := x.count(e, r, 0, nil)
	if err != nil {
		return nil, err
	}
	return x.call(e, ">", n, expr.Literal(types.TBigInt, int64(0)))
}

// inQuery is TRUE where a row is equal, otherwise unknown where x or a row is
// NULL, otherwise FALSE.
func (x *exprBinder) inQuery(e *ast.In) (*expr.Expr, error) {
	v, err := x.bind(e.X)
	if err != nil {
		return nil, err
	}
	if correlated(v) {
		return nil, unsupported(e.X, "IN with a query and columns of the query around")
	}
	r, err := x.valueQuery(e, e.Query)
	if err != nil {
		return nil, err
	}
	vals := []*expr.Expr{v}
	if v.Is("ROW") {
		vals = v.Args
	}
	if len(vals) != r.visible {
		return nil, errAt(e, "the subquery has %d columns, but is compared with %d", r.visible, len(vals))
	}
	zero := expr.Literal(types.TBigInt, int64(0))
	match, err := x.count(e, r, r.visible, vals)
	if err != nil {
		return nil, err
	}
	found, err := x.call(e, ">", match, zero)
	if err != nil {
		return nil, err
	}
	cases := []*expr.Expr{found, expr.Bool(true)}
	if !v.Type.NotNull || !r.schema()[0].Type.NotNull || len(vals) > 1 {
		if len(vals) > 1 {
			return nil, unsupported(e, "(a, b) IN (SELECT …) elsewhere than as a condition of WHERE that stands alone or under AND")
		}
		unknown, err := x.unknownIn(e, v, r)
		if err != nil {
			return nil, err
		}
		cases = append(cases, unknown...)
	}
	c, err := x.call(e, "CASE", append(cases, expr.Bool(false))...)
	if err != nil {
		return nil, err
	}
	return x.not(e, e.Not, c)
}

// unknownIn are the cases in which IN gives NULL.
func (x *exprBinder) unknownIn(e *ast.In, v *expr.Expr, r *result) ([]*expr.Expr, error) {
	zero, null := expr.Literal(types.TBigInt, int64(0)), expr.NullOf(types.TBoolean)
	rows, err := x.count(e, r, 0, nil)
	if err != nil {
		return nil, err
	}
	var out []*expr.Expr
	if !v.Type.NotNull {
		missing, err := x.call(e, "IS NULL", v)
		if err != nil {
			return nil, err
		}
		some, err := x.call(e, ">", rows, zero)
		if err != nil {
			return nil, err
		}
		out = append(out, expr.And([]*expr.Expr{missing, some}), null)
	}
	if !r.schema()[0].Type.NotNull {
		values, err := x.countOf(e, r, 0, nil, []int{0})
		if err != nil {
			return nil, err
		}
		less, err := x.call(e, "<", values, rows)
		if err != nil {
			return nil, err
		}
		out = append(out, less, null)
	}
	return out, nil
}

func (x *exprBinder) valueQuery(n ast.Node, q *ast.Query) (*result, error) {
	if x.blk == nil {
		return nil, unsupported(n, "a subquery in "+x.clause)
	}
	r, err := x.b.query(q, x.sc.keyed())
	if err != nil {
		return nil, err
	}
	if r.empty != nil || r.single && len(r.corr) > 0 {
		return nil, unsupported(n, "a correlated aggregate without GROUP BY in EXISTS or IN")
	}
	return r, nil
}

// count makes a placeholder for the number of r's rows whose first n columns are
// equal to vals.
func (x *exprBinder) count(at ast.Node, r *result, n int, vals []*expr.Expr) (*expr.Expr, error) {
	return x.countOf(at, r, n, vals, nil)
}

// countOf counts a column's values (args), or rows.
func (x *exprBinder) countOf(at ast.Node, r *result, n int, vals []*expr.Expr, args []int) (*expr.Expr, error) {
	call := jobgraph.AggCall{Func: "COUNT", Args: args, Filter: -1, Ret: types.TBigInt.Nullable(false)}
	for _, c := range args {
		call.ArgTypes = append(call.ArgTypes, r.node.Schema()[c].Type.Plain())
	}
	col, err := x.aggregated(at, r, n, vals, call)
	if err != nil || col.Type.NotNull {
		return col, err
	}
	// A stream's COUNT without GROUP BY gives no row before the first one comes.
	return x.call(at, "COALESCE", col, expr.Literal(types.TBigInt, int64(0)))
}

// aggregated makes a placeholder for an aggregate of r's rows whose first n columns are
// equal to vals.
func (x *exprBinder) aggregated(at ast.Node, r *result, n int, vals []*expr.Expr, call jobgraph.AggCall) (*expr.Expr, error) {
	s, name := r.node.Schema(), strings.ToLower(call.Func)
	a := &logical.Aggregate{Input: r.node, Aggs: []logical.Agg{{AggCall: call, Name: name, Pos: posOf(at)}}, Pos: posOf(at)}
	place := map[int]int{} // columns of r, in the result: the aggregate is column 0
	for i := range s {
		if i < n || i >= r.visible {
			place[i] = 1 + len(a.Keys)
			a.Keys = append(a.Keys, i)
		}
	}
	a.Out = append(keyFields(r.node, a.Keys), types.Field{Name: name, Type: call.Ret})
	out := &result{node: a, visible: 1, single: true}
	if len(a.Keys) > 0 {
		exprs, names := []*expr.Expr{expr.Column(len(a.Keys), call.Ret)}, []string{name}
		for i := range a.Keys {
			exprs, names = append(exprs, expr.Column(i, a.Out[i].Type)), append(names, fmt.Sprintf("key$%d", i))
		}
		out.node = project(a, exprs, names)
		if call.Ret.NotNull {
			out.empty = []*expr.Expr{expr.Literal(call.Ret, int64(0))}
		}
	}
	for _, c := range r.corr {
		if _, ok := equality(c); !ok {
			return nil, unsupported(at, "EXISTS or IN under OR or as a value, correlated by anything but equalities")
		}
		out.corr = append(out.corr, expr.Remap(c, func(i int) int {
			if i >= outerBase {
				return i
			}
			return place[i]
		}))
	}
	for i, v := range vals {
		own := expr.Column(place[i], s[i].Type.Plain())
		eq, err := x.call(at, "=", own, expr.Remap(v, func(i int) int { return i + outerBase }))
		if err != nil {
			return nil, err
		}
		out.corr = append(out.corr, eq)
	}
	x.blk.subs = append(x.blk.subs, &subUse{r: out, node: at, at: -1})
	return placed(expr.Column(subBase+len(x.blk.subs)-1, call.Ret.Nullable(out.empty == nil)), posOf(at)), nil
}
