package bind

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// Subqueries become joins. EXISTS, IN, ANY and ALL that stand as conditions of
// WHERE are semi and anti joins; a query used as a value is a left join with the
// one row that it gives, by the columns that correlate it.

// A subUse is a query used as a value.
type subUse struct {
	r    *result
	node ast.Node
	at   int // its column, once it is joined; -1 before
}

// subqueryCondition reports whether a condition of WHERE is one that becomes a join.
func subqueryCondition(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Unary:
		return e.Op == ast.OpNot && subqueryCondition(e.X)
	case *ast.Exists:
		return true
	case *ast.In:
		return e.Query != nil
	case *ast.Quantified:
		return e.Query != nil
	}
	return false
}

// subqueryJoin keeps the rows of node for which the condition holds.
func (k *block) subqueryJoin(node logical.Node, cond ast.Expr, not bool) (logical.Node, error) {
	switch c := cond.(type) {
	case *ast.Unary:
		return k.subqueryJoin(node, c.X, !not)
	case *ast.Exists:
		r, err := k.b.query(c.Query, k.sc)
		if err != nil {
			return nil, err
		}
		return k.semiJoin(node, r, nil, not, c)
	case *ast.In:
		return k.compareJoin(node, c.X, ast.OpEq, c.Query, not != c.Not, true, c)
	case *ast.Quantified:
		// x op ALL q: no row for which x op y is not TRUE.
		all := c.Quantifier == ast.All
		return k.compareJoin(node, c.X, c.Op, c.Query, not, !all, c)
	}
	return nil, unsupported(cond, kindOf(cond))
}

// compareJoin is x op ANY (q), or ALL, or the negation of either.
func (k *block) compareJoin(node logical.Node, left ast.Expr, op ast.BinaryOp, q *ast.Query, not, anyOf bool, at ast.Node) (logical.Node, error) {
	x := exprBinder{b: k.b, sc: k.sc, clause: "WHERE"}
	l, err := x.bind(left)
	if err != nil {
		return nil, err
	}
	r, err := k.b.query(q, k.sc)
	if err != nil {
		return nil, err
	}
	width := len(node.Schema())
	vals := []*expr.Expr{l}
	if l.Is("ROW") {
		vals = l.Args
	}
	if len(vals) != r.visible {
		return nil, errAt(at, "the subquery has %d columns, but is compared with %d", r.visible, len(vals))
	}
	var parts []*expr.Expr
	for i, v := range vals {
		p, err := x.operate(at, op, v, expr.Column(width+i, r.schema()[i].Type))
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	match := expr.And(parts)
	switch {
	case anyOf && !not: // a row for which it is TRUE
	case anyOf: // no row for which it is TRUE or unknown
		match, err = unless(at, parts, "IS NOT FALSE")
	case !not: // no row for which it is FALSE or unknown
		match, err = unless(at, parts, "IS NOT TRUE")
	default: // a row for which it is FALSE
		match, err = x.call(at, "NOT", match)
	}
	if err != nil {
		return nil, err
	}
	return k.semiJoin(node, r, match, anyOf == not, at)
}

// unless is test(a AND b …). For NOT IN it is written out, so that a rule sees
// the equality: a = b, or a IS NULL, or b IS NULL where these may be.
func unless(at ast.Node, parts []*expr.Expr, test string) (*expr.Expr, error) {
	if test != "IS NOT FALSE" {
		return callAt(posOf(at), test, expr.And(parts))
	}
	var out []*expr.Expr
	for _, p := range parts {
		alternatives := []*expr.Expr{p}
		for _, a := range p.Args {
			if !a.Type.NotNull {
				null, err := callAt(posOf(at), "IS NULL", a)
				if err != nil {
					return nil, err
				}
				alternatives = append(alternatives, null)
			}
		}
		if len(alternatives) > 1 {
			var err error
			if p, err = callAt(posOf(at), "OR", alternatives...); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	return expr.And(out), nil
}

// semiJoin joins on match, which is over both sides, and on what correlates r.
func (k *block) semiJoin(node logical.Node, r *result, match *expr.Expr, anti bool, at ast.Node) (logical.Node, error) {
	width := len(node.Schema())
	conds := joinConds(r, width)
	if match != nil {
		conds = append(conds, match)
	}
	// Where there was nothing to aggregate, IN compares with NULL, which is no match; so
	// the row that is not there does not matter, unless it would be a COUNT of 0.
	if r.empty != nil || r.single && len(r.corr) > 0 && (match == nil || anti) {
		return nil, unsupported(at, "a correlated aggregate without GROUP BY in EXISTS or IN")
	}
	j := &logical.Join{Left: node, Right: r.node, JoinKind: jobgraph.Semi, Out: node.Schema(), Pos: posOf(at)}
	if anti {
		j.JoinKind = jobgraph.Anti
	}
	if len(conds) > 0 {
		j.Cond = expr.And(conds)
	}
	return j, nil
}

// joinConds turns the conditions that correlate r into conditions over both
// sides of a join whose left input has width columns.
func joinConds(r *result, width int) []*expr.Expr {
	var out []*expr.Expr
	for _, c := range r.corr {
		out = append(out, expr.Remap(c, func(i int) int {
			if i >= outerBase {
				return i - outerBase
			}
			return width + i
		}))
	}
	return out
}

// scalarSubquery makes a placeholder for a query used as a value.
func (x *exprBinder) scalarSubquery(s *ast.Subquery) (*expr.Expr, error) {
	if x.blk == nil {
		return nil, unsupported(s, "a subquery in "+x.clause)
	}
	r, err := x.b.query(s.Query, x.sc.keyed())
	if err != nil {
		return nil, err
	}
	if r.visible != 1 {
		return nil, errAt(s, "a subquery used as a value must have one column, not %d", r.visible)
	}
	if r, err = oneRow(s, r); err != nil {
		return nil, err
	}
	x.blk.subs = append(x.blk.subs, &subUse{r: r, node: s, at: -1})
	t := r.schema()[0].Type.Plain().Nullable(true)
	if r.empty != nil {
		t = t.Nullable(!r.empty[0].Type.NotNull || !r.schema()[0].Type.NotNull)
	}
	return placed(expr.Column(subBase+len(x.blk.subs)-1, t), posOf(s)), nil
}

// oneRow sees to it that a query gives at most one row for each value of what
// correlates it: SINGLE_VALUE fails where there are more.
func oneRow(at ast.Node, r *result) (*result, error) {
	if r.single {
		return r, nil
	}
	a := &logical.Aggregate{Input: r.node, Pos: posOf(at)}
	s := r.node.Schema()
	for i := r.visible; i < len(s); i++ {
		a.Keys = append(a.Keys, i)
	}
	for _, c := range r.corr {
		if _, ok := equality(c); !ok {
			return nil, unsupported(at, "a subquery used as a value that is correlated by anything but equalities")
		}
	}
	t := s[0].Type.Plain().Nullable(true)
	a.Aggs = []logical.Agg{{AggCall: jobgraph.AggCall{Func: "SINGLE_VALUE", Args: []int{0}, ArgTypes: []types.Type{s[0].Type.Plain()}, Filter: -1, Ret: t}, Name: s[0].Name, Pos: posOf(at)}}
	a.Out = append(keyFields(r.node, a.Keys), types.Field{Name: s[0].Name, Type: t})
	if len(a.Keys) == 0 {
		return &result{node: a, visible: 1, single: true}, nil
	}
	// The value first, then the keys, as in r.
	exprs, names := []*expr.Expr{expr.Column(len(a.Keys), t)}, []string{s[0].Name}
	for i := range a.Keys {
		exprs, names = append(exprs, expr.Column(i, a.Out[i].Type)), append(names, a.Out[i].Name)
	}
	return &result{node: project(a, exprs, names), visible: 1, corr: r.corr, single: true}, nil
}

// equality takes apart a condition own = outer; own is over the subquery's columns.
func equality(c *expr.Expr) (own *expr.Expr, ok bool) {
	if !c.Is("=") && !c.Is("IS NOT DISTINCT FROM") {
		return nil, false
	}
	for i, e := range c.Args {
		if !correlated(e) && onlyOuter(c.Args[1-i]) {
			return e, true
		}
	}
	return nil, false
}

func onlyOuter(e *expr.Expr) bool {
	ok := true
	expr.Walk(e, func(e *expr.Expr) bool {
		ok = ok && (e.Op != expr.Col || isOuter(e))
		return ok
	})
	return ok
}

// attach joins the subqueries that the expressions use to node, behind its
// columns, and replaces their placeholders.
func (k *block) attach(node logical.Node, list []*expr.Expr, then mapping) (logical.Node, []*expr.Expr, error) {
	out := slices.Clone(list)
	for i, e := range list {
		var fail error
		out[i] = expr.Map(e, func(e *expr.Expr) *expr.Expr {
			if e.Op != expr.Col || e.Index < subBase || e.Index >= groupBase || fail != nil {
				return e
			}
			s := k.subs[e.Index-subBase]
			if s.at < 0 {
				if node, fail = k.joinValue(node, s, then); fail != nil {
					return e
				}
			}
			v, err := s.value(node)
			fail = err
			return v
		})
		if fail != nil {
			return nil, nil, fail
		}
	}
	return node, out, nil
}

// joinValue joins the one row of a subquery.
func (k *block) joinValue(node logical.Node, s *subUse, then mapping) (logical.Node, error) {
	width := len(node.Schema())
	j := &logical.Join{Left: node, Right: s.r.node, JoinKind: jobgraph.Left, Pos: posOf(s.node), Out: slices.Clone(node.Schema())}
	for _, f := range s.r.node.Schema() {
		j.Out = append(j.Out, types.Field{Name: fmt.Sprintf("sub$%d", width), Type: f.Type.Nullable(true)})
	}
	var conds []*expr.Expr
	for _, c := range s.r.corr {
		var fail error
		m := expr.Map(c, func(e *expr.Expr) *expr.Expr {
			if e.Op != expr.Col {
				return e
			}
			if !isOuter(e) {
				return moved(e, width+e.Index, e.Type)
			}
			v, err := then(moved(e, e.Index-outerBase, e.Type))
			if err != nil {
				fail = err
				return e
			}
			return v
		})
		if fail != nil {
			return nil, fail
		}
		conds = append(conds, m)
	}
	if len(conds) > 0 {
		j.Cond = expr.And(conds)
	}
	s.at = width
	return j, nil
}

// value is the subquery's column; where a correlated COUNT found no row, 0.
func (s *subUse) value(node logical.Node) (*expr.Expr, error) { return s.column(node, 0) }

// column is the i'th column of a query that is joined.
func (s *subUse) column(node logical.Node, i int) (*expr.Expr, error) {
	col := placed(expr.Column(s.at+i, node.Schema()[s.at+i].Type), posOf(s.node))
	if s.r.empty == nil {
		return col, nil
	}
	if s.r.schema()[i].Type.NotNull {
		return callAt(posOf(s.node), "COALESCE", col, s.r.empty[i])
	}
	if s.r.empty[i].Value == nil {
		return col, nil
	}
	missing, err := callAt(posOf(s.node), "IS NULL", expr.Column(s.at+s.r.visible, node.Schema()[s.at+s.r.visible].Type))
	if err != nil {
		return nil, err
	}
	return callAt(posOf(s.node), "CASE", missing, s.r.empty[i], col)
}

// hideCorrelated adds to the items the columns that the correlating conditions
// read, and rewrites the conditions over the result. A grouped query groups by
// them too.
func (k *block) hideCorrelated(items []item, r *result) ([]item, error) {
	grouped := k.grouped
	if k.sets != nil || k.window != nil {
		return nil, unsupported(items[0].node, "GROUPING SETS or a group window in a correlated subquery")
	}
	hide := func(e *expr.Expr) *expr.Expr {
		at := len(items)
		for i := r.visible; i < len(items); i++ {
			if expr.Equal(items[i].e, e) {
				at = i
			}
		}
		if at == len(items) {
			items = append(items, item{name: fmt.Sprintf("corr$%d", at), e: e, node: items[0].node})
		}
		return placed(expr.Column(at, e.Type), e.Pos)
	}
	for _, c := range k.corr {
		if !grouped {
			r.corr = append(r.corr, expr.Map(c, func(e *expr.Expr) *expr.Expr {
				if e.Op != expr.Col || isOuter(e) {
					return e
				}
				return hide(e)
			}))
			continue
		}
		own, ok := equality(c)
		if !ok {
			return nil, atPos(c.Pos, unsupported(ast.Pos{}, "an aggregate in a subquery that is correlated by anything but equalities"))
		}
		k.addKey(own)
		args := slices.Clone(c.Args)
		for i, a := range args {
			if a == own {
				args[i] = hide(own)
			}
		}
		m := *c
		m.Args = args
		r.corr = append(r.corr, &m)
	}
	if grouped && k.scalar {
		k.scalar = false
		return items, k.emptyValues(items[:r.visible], r)
	}
	r.single = false
	return items, nil
}

// emptyValues notes what the items are when there is no row to aggregate.
func (k *block) emptyValues(items []item, r *result) error {
	r.single, r.total = true, true
	var values []*expr.Expr
	some := false
	for _, it := range items {
		e := expr.Map(it.e, func(e *expr.Expr) *expr.Expr {
			if e.Op != expr.Col || e.Index < aggBase || e.Index >= propBase {
				return e
			}
			u := k.aggs[e.Index-aggBase]
			if t := orNull(u.name, u.ret); t.NotNull && t.Integer() {
				return expr.Literal(t, int64(0))
			}
			return expr.NullOf(u.ret)
		})
		v, err := expr.Fold(e, k.b.env)
		if err != nil {
			return err
		}
		if len(expr.Columns(v)) > 0 {
			return unsupported(it.node, "a column of the query around beside an aggregate in the select list")
		}
		if v.Op != expr.Lit {
			v = expr.NullOf(e.Type)
		}
		some = some || v.Value != nil
		values = append(values, v)
	}
	if some {
		r.empty = values
	}
	return nil
}
