package bind

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// An aggUse is an aggregate call of a block; its expressions are over FROM.
type aggUse struct {
	name     string
	args     []*expr.Expr
	distinct bool
	filter   *expr.Expr
	order    []orderUse
	ret      types.Type
	node     ast.Node
}

// An orderUse is an expression to order by.
type orderUse struct {
	e         *expr.Expr
	desc      bool
	nullsLast bool
}

func isAgg(name string) bool { return agg.Known(name) || unsupportedAggs[name] }

// unsupportedAggs are aggregates of Flink that no one has built yet.
var unsupportedAggs = map[string]bool{"PERCENTILE": true, "JSON_OBJECTAGG": true, "JSON_ARRAYAGG": true,
	"BITMAP_BUILD_AGG": true, "BITMAP_BUILD_CARDINALITY_AGG": true, "BITMAP_AND_AGG": true, "BITMAP_OR_AGG": true, "BITMAP_XOR_AGG": true}

// aggCall makes a placeholder for an aggregate call, the same for equal calls.
func (x *exprBinder) aggCall(c *ast.Call, name string) (*expr.Expr, error) {
	if x.inAgg != "" {
		return nil, errAt(c, "aggregate %s cannot stand inside aggregate %s", name, x.inAgg)
	}
	if !x.agg || x.blk == nil {
		return nil, errAt(c, "aggregate %s cannot be used in %s", name, x.clause)
	}
	u, err := x.aggregate(c, name, false)
	if err != nil {
		return nil, err
	}
	i := x.blk.addAgg(u)
	return placed(expr.Column(aggBase+i, x.blk.aggs[i].ret), posOf(c)), nil
}

func (k *block) addAgg(u aggUse) int {
	for i, a := range k.aggs {
		if a.equal(u) {
			return i
		}
	}
	k.aggs = append(k.aggs, u)
	return len(k.aggs) - 1
}

func (a aggUse) equal(b aggUse) bool {
	return a.name == b.name && a.distinct == b.distinct && slices.EqualFunc(a.args, b.args, expr.Equal) &&
		(a.filter == nil) == (b.filter == nil) && (a.filter == nil || expr.Equal(a.filter, b.filter)) &&
		slices.EqualFunc(a.order, b.order, func(x, y orderUse) bool {
			return x.desc == y.desc && x.nullsLast == y.nullsLast && expr.Equal(x.e, y.e)
		})
}

// aggregate binds the parts of a call. In an OVER call (over) arguments are
// bound after grouping and may hold aggregates.
func (x *exprBinder) aggregate(c *ast.Call, name string, over bool) (aggUse, error) {
	if c.JSON != nil {
		name += [...]string{ast.JSONNullUnset: "", ast.JSONNullOnNull: "_NULL_ON_NULL", ast.JSONAbsentOnNull: "_ABSENT_ON_NULL"}[c.JSON.OnNull]
	}
	u := aggUse{name: name, distinct: c.Distinct, node: c}
	if unsupportedAggs[name] && !agg.Known(name) {
		return u, unsupported(c, "aggregate "+name)
	}
	inner := *x
	inner.over = false
	if !over {
		inner.agg, inner.inAgg, inner.clause = false, name, "an argument of "+name
	}
	var err error
	if c.Star {
		if name != "COUNT" || c.Distinct {
			return u, errAt(c, "'*' may only be counted: COUNT(*)")
		}
	} else if u.args, err = inner.list(c.Args); err != nil {
		return u, err
	}
	if !c.Star && len(c.Args) == 0 {
		return u, errAt(c, "%s needs an argument", name)
	}
	if name == "COUNT" && len(u.args) > 1 {
		return u, errAt(c, "COUNT(%s…) of several columns is not supported; count a ROW of them", map[bool]string{true: "DISTINCT ", false: ""}[c.Distinct])
	}
	if err := x.aggTypes(c, &u); err != nil {
		return u, err
	}
	if c.Filter != nil {
		inner.clause = "FILTER"
		if u.filter, err = inner.condition(c.Filter); err != nil {
			return u, err
		}
	}
	if c.Nulls == ast.IgnoreNulls && name == "ARRAY_AGG" {
		present, err := x.call(c, "IS NOT NULL", u.args[0])
		if err != nil {
			return u, err
		}
		if u.filter != nil {
			present = expr.And([]*expr.Expr{u.filter, present})
		}
		u.filter = present
	}
	u.order, err = inner.order(append(slices.Clone(c.OrderBy), c.WithinGroup...))
	return u, err
}

// aggTypes resolves the call and casts its arguments.
func (x *exprBinder) aggTypes(c *ast.Call, u *aggUse) error {
	if u.name == "COUNT" && !u.distinct && len(u.args) == 1 && u.args[0].Op == expr.Lit && u.args[0].Value != nil {
		u.args = nil // COUNT(1) counts rows
	}
	var in []types.Type
	for i, a := range u.args {
		if a.Type.Kind == types.Null {
			return errAt(c.Args[i], "%s of a NULL without a type; write CAST(NULL AS type)", u.name)
		}
		in = append(in, a.Type.Plain())
	}
	ret, casts, err := agg.Resolve(u.name, in)
	if err != nil {
		return at(c, err)
	}
	for i, a := range u.args {
		if u.args[i], err = castTo(c.Args[i], a, casts[i]); err != nil {
			return err
		}
	}
	u.ret = ret.Plain()
	if c.Filter != nil || c.Nulls == ast.IgnoreNulls {
		u.ret = orNull(u.name, u.ret)
	}
	return nil
}

// orNull is the type of an aggregate whose group may have no rows.
func orNull(name string, t types.Type) types.Type {
	if name == "COUNT" || name == "COLLECT" || strings.HasSuffix(name, "SUM0") || name == "APPROX_COUNT_DISTINCT" {
		return t
	}
	return t.Nullable(true)
}

func (x *exprBinder) order(items []ast.SortItem) ([]orderUse, error) {
	var out []orderUse
	for _, s := range items {
		e, err := x.bind(s.X)
		if err != nil {
			return nil, err
		}
		out = append(out, orderOf(e, s))
	}
	return out, nil
}

// orderOf applies Flink's default: NULL is smaller than all values.
func orderOf(e *expr.Expr, s ast.SortItem) orderUse {
	o := orderUse{e: e, desc: s.Desc, nullsLast: s.Desc}
	if s.Nulls != ast.NullsDefault {
		o.nullsLast = s.Nulls == ast.NullsLast
	}
	return o
}

// callOver turns the use into a call over columns; col places an expression.
func (a aggUse) call(col func(*expr.Expr) int) jobgraph.AggCall {
	c := jobgraph.AggCall{Func: a.name, Distinct: a.distinct, Filter: -1, Ret: a.ret}
	constant := false
	for _, arg := range a.args {
		c.Args = append(c.Args, col(arg))
		c.ArgTypes = append(c.ArgTypes, arg.Type)
		var v any
		if arg.Op == expr.Lit {
			v, constant = arg.Value, constant || arg.Value != nil
		}
		c.Consts = append(c.Consts, v)
	}
	if !constant {
		c.Consts = nil
	}
	if a.filter != nil {
		c.Filter = col(a.filter)
	}
	for _, o := range a.order {
		c.Order = append(c.Order, jobgraph.SortKey{Col: col(o.e), Desc: o.desc, NullsLast: o.nullsLast})
	}
	return c
}
