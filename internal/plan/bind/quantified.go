package bind

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// quantifiedQuery is x op ANY (query), or ALL, as a value: x is compared with the least
// or the greatest of the query's values.
//
//	ALL   no rows: TRUE; FALSE for one of them: FALSE; a NULL among them, or x: unknown; else TRUE
//	ANY   no rows: FALSE; TRUE for one of them: TRUE; a NULL among them, or x: unknown; else FALSE
func (x *exprBinder) quantifiedQuery(e *ast.Quantified) (*expr.Expr, error) {
	all := e.Quantifier == ast.All
	if e.Op == ast.OpEq && !all || e.Op == ast.OpNe && all {
		return x.inQuery(&ast.In{Pos: e.Pos, X: e.X, Query: e.Query, Not: all})
	}
	v, err := x.bind(e.X)
	if err != nil {
		return nil, err
	}
	if correlated(v) || v.Is("ROW") {
		return nil, unsupported(e.X, "a comparison of ROWs, or of columns of the query around, with ANY or ALL of a query")
	}
	r, err := x.valueQuery(e, e.Query)
	if err != nil {
		return nil, err
	}
	if r.visible != 1 {
		return nil, errAt(e, "the subquery has %d columns, but is compared with 1", r.visible)
	}
	cmp, err := x.compareEnds(e, v, r, all)
	if err != nil {
		return nil, err
	}
	rows, err := x.count(e, r, 0, nil)
	if err != nil {
		return nil, err
	}
	none, err := x.call(e, "=", rows, expr.Literal(types.TBigInt, int64(0)))
	if err != nil {
		return nil, err
	}
	decided, err := x.call(e, map[bool]string{true: "IS FALSE", false: "IS TRUE"}[all], cmp)
	if err != nil {
		return nil, err
	}
	cases := []*expr.Expr{none, expr.Bool(all), decided, expr.Bool(!all)}
	if !r.schema()[0].Type.NotNull {
		values, err := x.countOf(e, r, 0, nil, []int{0})
		if err != nil {
			return nil, err
		}
		less, err := x.call(e, "<", values, rows)
		if err != nil {
			return nil, err
		}
		cases = append(cases, less, expr.NullOf(types.TBoolean))
	}
	return x.call(e, "CASE", append(cases, cmp)...)
}

// compareEnds compares v with that end of the values that decides: with >, what is
// greater than the greatest is so than all, and what is not greater than the least than
// none. To be equal to all is to be equal to both ends.
func (x *exprBinder) compareEnds(e *ast.Quantified, v *expr.Expr, r *result, all bool) (*expr.Expr, error) {
	compare := func(end string) (*expr.Expr, error) {
		m, err := x.end(e, r, end)
		if err != nil {
			return nil, err
		}
		return x.operate(e, e.Op, v, m)
	}
	switch e.Op {
	case ast.OpEq, ast.OpNe:
		least, err := compare("MIN")
		if err != nil {
			return nil, err
		}
		greatest, err := compare("MAX")
		if err != nil {
			return nil, err
		}
		if e.Op == ast.OpEq {
			return expr.And([]*expr.Expr{least, greatest}), nil
		}
		return x.call(e, "OR", least, greatest)
	case ast.OpLt, ast.OpLe:
		all = !all
	}
	if all {
		return compare("MAX")
	}
	return compare("MIN")
}

// end makes a placeholder for the MIN or MAX of a query's values.
func (x *exprBinder) end(at ast.Node, r *result, name string) (*expr.Expr, error) {
	t := r.schema()[0].Type.Plain()
	call := jobgraph.AggCall{Func: name, Args: []int{0}, ArgTypes: []types.Type{t}, Filter: -1, Ret: t.Nullable(true)}
	return x.aggregated(at, r, 0, nil, call)
}
