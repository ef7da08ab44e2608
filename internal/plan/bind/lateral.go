package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A LATERAL query is bound in one of two ways. One that has no table of its own is
// a projection and a filter over the rows around it, with the table functions of
// its FROM in between. Any other becomes a join on what correlates it, as
// subqueries do.

// lateralJoin is l JOIN LATERAL (query).
func (f *fromBinder) lateralJoin(j *ast.Join, kind jobgraph.JoinKind, l *scope, d *ast.Derived) (*scope, error) {
	if d.Sample != nil {
		return nil, unsupported(d, "TABLESAMPLE")
	}
	around := *l
	around.outer, around.reach = f.outer, false
	if s := rowQuery(d.Query); s != nil && f.base == nil && (kind == jobgraph.Inner || s.From == nil && s.Where == nil) {
		if sc, err := f.lateralRow(j, &around, d, s); sc != nil || err != nil {
			return sc, err
		}
	}
	r, err := f.b.query(d.Query, &around)
	if err != nil {
		return nil, err
	}
	rel := &relation{}
	cols := r.schema()
	if d.Alias != nil {
		rel.name = d.Alias.Name.Text
		if len(d.Alias.Columns) > 0 {
			if cols, err = columnNames(d.Alias.Name, cols, d.Alias.Columns); err != nil {
				return nil, err
			}
		}
	}
	right := newScope(r.node, rel)
	right.fields = right.fields[:r.visible]
	for i := range right.fields {
		right.fields[i].name = cols[i].Name
	}
	if len(r.corr) == 0 {
		return f.plainJoin(j, kind, l, right)
	}
	if err := decorrelates(d, r, kind); err != nil {
		return nil, err
	}
	if r.total && kind == jobgraph.Left {
		return f.totalJoin(j, l, right, r)
	}
	sc, cond, err := f.joinScope(j, kind, l, right)
	if err != nil {
		return nil, err
	}
	conds := append(joinConds(r, len(l.node.Schema())), expr.Conjuncts(cond)...)
	sc.node = &logical.Join{Left: l.node, Right: right.node, JoinKind: kind, Cond: expr.And(conds), Hints: f.hintsFor(l, right),
		Out: joinSchema(kind, l.node, r.node), Pos: posOf(j)}
	return sc, nil
}

// decorrelates refuses queries for which a join with all of their rows is not the
// same as one with those for a single row.
func decorrelates(d *ast.Derived, r *result, kind jobgraph.JoinKind) error {
	s, ok := d.Query.Body.(*ast.Select)
	if !ok {
		return unsupported(d, "a LATERAL query that is no SELECT and reads columns of the tables before it")
	}
	if s.Having != nil && s.GroupBy == nil && kind == jobgraph.Left {
		return unsupported(s.Having, "HAVING without GROUP BY in a LEFT JOIN LATERAL query that reads columns of the tables before it")
	}
	if s.Distinct {
		for _, c := range r.corr {
			if own, ok := equality(c); !ok || own.Op != expr.Col {
				return unsupported(d, "SELECT DISTINCT in a LATERAL query that is correlated by anything but columns that are equal")
			}
		}
	}
	return nil
}

// totalJoin left-joins a query that gives exactly one row for each row of l, an
// aggregate without GROUP BY: where there was nothing to aggregate, COUNT is 0. An
// inner join with such a query drops the rows of l for which there is nothing, as
// Flink 2.3 does (conformance 164); by the standard they would stay.
func (f *fromBinder) totalJoin(j *ast.Join, l, right *scope, r *result) (*scope, error) {
	if len(j.Using) > 0 || j.Natural {
		return nil, unsupported(j, "USING with an aggregate in a LATERAL query")
	}
	bare := *j
	bare.On = nil
	sc, _, err := f.joinScope(&bare, jobgraph.Left, l, right)
	if err != nil {
		return nil, err
	}
	width := len(l.node.Schema())
	sc.node = &logical.Join{Left: l.node, Right: r.node, JoinKind: jobgraph.Left, Cond: expr.And(joinConds(r, width)), Hints: f.hintsFor(l, right),
		Out: joinSchema(jobgraph.Left, l.node, r.node), Pos: posOf(j)}
	s := subUse{r: r, node: j.Right, at: width}
	for i := range r.visible {
		if sc.fields[len(l.fields)+i].expr, err = s.column(sc.node, i); err != nil {
			return nil, err
		}
	}
	if j.On == nil {
		return sc, nil
	}
	cond, err := f.on(j, sc)
	if err == nil && !cond.IsTrue() {
		err = unsupported(j.On, "LEFT JOIN LATERAL with an aggregate ON anything but TRUE")
	}
	return sc, err
}

// rowQuery returns the SELECT of a query that is a projection and a filter over
// one row and what table functions make of it; nil for any other.
func rowQuery(q *ast.Query) *ast.Select {
	s, ok := q.Body.(*ast.Select)
	if !ok || q.With != nil || len(q.OrderBy) > 0 || q.Limit != nil || q.Offset != nil || s.Distinct || s.GroupBy != nil ||
		s.Having != nil || s.Qualify != nil || len(s.Hints) > 0 || !onlyCalls(s.From) {
		return nil
	}
	return s
}

// onlyCalls reports whether FROM has no table.
func onlyCalls(t ast.TableExpr) bool {
	if t == nil {
		return true
	}
	if j, ok := t.(*ast.Join); ok {
		return onlyCalls(j.Left) && onlyCalls(j.Right)
	}
	return rowCallOf(t) != nil
}

// lateralRow binds such a SELECT over the rows of l; nil if it has more than that in its
// select list.
func (f *fromBinder) lateralRow(j *ast.Join, l *scope, d *ast.Derived, s *ast.Select) (*scope, error) {
	if j.Natural || len(j.Using) > 0 {
		return nil, unsupported(j, "USING with a LATERAL query without a table")
	}
	in := fromBinder{b: f.b, outer: l, base: l.node}
	sc := in.start()
	var err error
	if s.From != nil {
		if sc, err = in.bind(s.From); err != nil {
			return nil, err
		}
	}
	if s.Where != nil {
		x := exprBinder{b: f.b, sc: sc, clause: "WHERE"}
		cond, err := x.condition(s.Where)
		if err != nil {
			return nil, err
		}
		sc.node = &logical.Filter{Input: sc.node, Cond: lower(cond)}
	}
	k := &block{b: f.b, sc: sc, windows: s.Windows}
	items, err := k.items(s.Items)
	if err != nil {
		return nil, err
	}
	if len(k.aggs)+len(k.overs)+len(k.subs)+len(k.groupings) > 0 || k.window != nil {
		return nil, nil
	}
	return f.lateralItems(j, l, d, sc.node, items)
}

// lateralItems appends the select list to the columns of l.
func (f *fromBinder) lateralItems(j *ast.Join, l *scope, d *ast.Derived, node logical.Node, items []item) (*scope, error) {
	var exprs []*expr.Expr
	var names []string
	for i, c := range l.node.Schema() {
		exprs, names = append(exprs, expr.Column(i, c.Type)), append(names, c.Name)
	}
	var cols types.Schema
	for _, it := range items {
		e := lower(it.e)
		exprs, names = append(exprs, e), append(names, it.name)
		cols = append(cols, types.Field{Name: it.name, Type: e.Type})
	}
	if err := f.b.refuseNull(cols, d); err != nil {
		return nil, err
	}
	rel := &relation{}
	if d.Alias != nil {
		rel.name = d.Alias.Name.Text
		if len(d.Alias.Columns) > 0 {
			var err error
			if cols, err = columnNames(d.Alias.Name, cols, d.Alias.Columns); err != nil {
				return nil, err
			}
		}
	}
	sc := &scope{node: project(node, exprs, names), outer: f.outer, fields: slices.Clone(l.fields)}
	for i, c := range cols {
		sc.fields = append(sc.fields, field{rel: rel, name: c.Name, expr: expr.Column(len(l.node.Schema())+i, c.Type)})
	}
	if j.On == nil {
		return sc, nil
	}
	cond, err := f.on(j, sc)
	if err != nil || cond.IsTrue() {
		return sc, err
	}
	if joinKinds[j.Kind] == jobgraph.Left {
		return nil, unsupported(j.On, "LEFT JOIN LATERAL with a query without a table ON anything but TRUE")
	}
	sc.node = &logical.Filter{Input: sc.node, Cond: cond}
	return sc, nil
}

// firstByKey keeps, of a correlated query, the rows from..to of those that belong
// to one row of the query around: a Top-N by what correlates it.
func (b *Binder) firstByKey(q *ast.Query, r *result, keys []jobgraph.SortKey, from, to int64) (*result, error) {
	width := r.visible // without the columns that only the order needs
	for _, c := range r.corr {
		for _, i := range expr.Columns(c) {
			if i < outerBase {
				width = max(width, i+1)
			}
		}
	}
	out := *r
	if from == 1 && (to < 0 || r.single && to > 0) { // the order of what is joined means nothing
		out.node = firstColumns(r.node, width)
		return &out, nil
	}
	if r.total {
		return nil, unsupported(q, "OFFSET or LIMIT 0 in a correlated aggregate without GROUP BY")
	}
	var list columnList
	for _, c := range r.corr {
		own, ok := equality(c)
		if !ok {
			return nil, unsupported(q, "LIMIT in a subquery that is correlated by anything but equalities")
		}
		list.add(own)
	}
	node, at := list.place(r.node, true)
	big := types.TBigInt.Nullable(false)
	o := &logical.Over{Input: node, Partition: at, Order: keys, Pos: posOf(q),
		Calls: []jobgraph.OverCall{{AggCall: jobgraph.AggCall{Func: "ROW_NUMBER", Filter: -1, Ret: big}}}}
	if len(keys) == 0 { // any rows will do
		o.Order = []jobgraph.SortKey{{Col: at[0]}}
	}
	number := expr.Column(len(node.Schema()), big)
	o.Out = append(slices.Clone(node.Schema()), types.Field{Name: "row$", Type: big})
	cond, err := callAt(posOf(q), ">=", number, expr.Literal(types.TBigInt, from))
	if err != nil {
		return nil, err
	}
	if to >= 0 {
		last, err := callAt(posOf(q), "<=", number, expr.Literal(types.TBigInt, to))
		if err != nil {
			return nil, err
		}
		cond = expr.And([]*expr.Expr{cond, last})
	}
	out.node = firstColumns(&logical.Filter{Input: o, Cond: cond}, width)
	out.single = r.single || to >= 0 && to <= from
	return &out, nil
}
