package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// A subquery is joined with the query around on the conditions of its WHERE that read
// columns of it. Where something else of the subquery reads them, that something is
// computed once for each of their values: the different values of these columns are
// joined to the FROM of the subquery, what read the columns reads those, and the
// subquery is joined on their being the same. (Seshadri, Pirahesh, Leung: Complex
// Query Decorrelation, 1996.)

// valuesOf are the different values of expressions over a relation.
func valuesOf(n logical.Node, exprs []*expr.Expr, pos base.Pos) logical.Node {
	names := make([]string, len(exprs))
	for i, e := range exprs {
		names[i] = "around$"
		if e.Op == expr.Col {
			names[i] = n.Schema()[e.Index].Name
		}
	}
	return distinctOf(project(n, exprs, names), pos)
}

// tie is the condition that a column has the value of an expression over the query
// around, whose columns are below outerBase in e.
func tie(at ast.Node, own *expr.Expr, e *expr.Expr) (*expr.Expr, error) {
	return callAt(posOf(at), "IS NOT DISTINCT FROM", own, expr.Remap(e, func(i int) int { return i + outerBase }))
}

// inward turns columns of the query around into those of its relation.
func inward(e *expr.Expr) *expr.Expr {
	return expr.Remap(e, func(i int) int { return i - outerBase })
}

// joinAround joins the values that table functions in FROM take from the query around,
// behind the columns of l, and returns the arguments over that.
func (f *fromBinder) joinAround(at ast.Node, l *scope, args []*expr.Expr) (*scope, []*expr.Expr, error) {
	if f.nested > 0 {
		return nil, nil, unsupported(at, "a table function over columns of the query around on the right of a join in brackets")
	}
	var list columnList
	for _, a := range args {
		if !correlated(a) {
			continue
		}
		if onlyOuter(a) {
			list.add(inward(a))
			continue
		}
		for _, c := range outerColumns(a) {
			list.add(c)
		}
	}
	values := valuesOf(f.outer.node, list.exprs, posOf(at))
	out := *l
	width := len(l.node.Schema())
	if len(l.fields) == 0 && len(f.ties) == 0 {
		width, out.node = 0, values
	} else {
		out.node = &logical.Join{Left: l.node, Right: values, JoinKind: jobgraph.Inner, Out: joinSchema(jobgraph.Inner, l.node, values), Pos: posOf(at)}
	}
	place := func(e *expr.Expr) *expr.Expr {
		i := list.add(e)
		return placed(expr.Column(width+i, values.Schema()[i].Type), e.Pos)
	}
	for _, e := range list.exprs {
		c, err := tie(at, place(e), e)
		if err != nil {
			return nil, nil, err
		}
		f.ties = append(f.ties, c)
	}
	args = slices.Clone(args)
	for i, a := range args {
		if !correlated(a) {
			continue
		}
		if onlyOuter(a) {
			args[i] = place(inward(a))
			continue
		}
		args[i] = expr.Map(a, func(e *expr.Expr) *expr.Expr {
			if isOuter(e) {
				return place(inward(e))
			}
			return e
		})
	}
	return &out, args, nil
}

// outerColumns are the columns of the query around that an expression reads, as those
// of its relation.
func outerColumns(e *expr.Expr) (out []*expr.Expr) {
	expr.Walk(e, func(e *expr.Expr) bool {
		if isOuter(e) {
			out = append(out, inward(e))
		}
		return true
	})
	return out
}

// byValue joins the values of the columns around that the block reads elsewhere than in
// conditions of WHERE which join it, if there are any.
func (k *block) byValue(items []item, having, qualify **expr.Expr, order []orderUse) error {
	if k.sc.outer == nil {
		return nil
	}
	all := k.expressions(items, having, qualify, order)
	if !k.readsAround(all) {
		return nil
	}
	var list columnList
	for _, e := range append(values(all), k.corr...) {
		for _, c := range outerColumns(e) {
			list.add(c)
		}
	}
	around := valuesOf(k.sc.outer.node, list.exprs, posOf(items[0].node))
	width := len(k.sc.node.Schema())
	local := func(e *expr.Expr) *expr.Expr {
		return expr.Map(e, func(e *expr.Expr) *expr.Expr {
			if !isOuter(e) {
				return e
			}
			i := list.add(inward(e))
			return placed(expr.Column(width+i, around.Schema()[i].Type), e.Pos)
		})
	}
	j := &logical.Join{Left: k.sc.node, Right: around, JoinKind: jobgraph.Inner, Out: joinSchema(jobgraph.Inner, k.sc.node, around), Pos: posOf(items[0].node)}
	var conds, ties []*expr.Expr
	for _, c := range k.corr {
		conds = append(conds, local(c))
	}
	if len(conds) > 0 {
		j.Cond = expr.And(conds)
	}
	for i, e := range list.exprs {
		c, err := tie(items[0].node, expr.Column(width+i, around.Schema()[i].Type), e)
		if err != nil {
			return err
		}
		ties = append(ties, c)
	}
	for _, e := range all {
		*e = local(*e)
	}
	for i := range k.overs {
		for c := range list.exprs {
			k.overs[i].partition = append(k.overs[i].partition, expr.Column(width+c, around.Schema()[c].Type))
		}
	}
	k.sc.node, k.corr = j, ties
	return nil
}

// readsAround reports whether a join on the conditions of WHERE does not do.
func (k *block) readsAround(all []**expr.Expr) bool {
	if slices.ContainsFunc(all, func(e **expr.Expr) bool { return correlated(*e) }) {
		return true
	}
	if len(k.corr) > 0 && len(k.overs) > 0 {
		return true
	}
	return (k.grouped || k.sc.outer.byKey) && slices.ContainsFunc(k.corr, func(c *expr.Expr) bool { _, ok := equality(c); return !ok })
}

// expressions are all of the block over FROM and the query around, but those of WHERE.
func (k *block) expressions(items []item, having, qualify **expr.Expr, order []orderUse) (all []**expr.Expr) {
	some := func(e **expr.Expr) {
		if *e != nil {
			all = append(all, e)
		}
	}
	agg := func(u *aggUse) {
		for i := range u.args {
			some(&u.args[i])
		}
		some(&u.filter)
		for i := range u.order {
			some(&u.order[i].e)
		}
	}
	for i := range items {
		some(&items[i].e)
	}
	some(having)
	some(qualify)
	for i := range order {
		some(&order[i].e)
	}
	for i := range k.keys {
		some(&k.keys[i])
	}
	for i := range k.aggs {
		agg(&k.aggs[i])
	}
	for i := range k.overs {
		u := &k.overs[i]
		agg(&u.aggUse)
		u.partition = slices.Clone(u.partition) // windows by name share it
		for i := range u.partition {
			some(&u.partition[i])
		}
		u.by = slices.Clone(u.by)
		for i := range u.by {
			some(&u.by[i].e)
		}
	}
	for i := range k.groupings {
		for j := range k.groupings[i].args {
			some(&k.groupings[i].args[j])
		}
	}
	return all
}

func values(list []**expr.Expr) []*expr.Expr {
	out := make([]*expr.Expr, len(list))
	for i, e := range list {
		out[i] = *e
	}
	return out
}

// keyed is a scope around a subquery that is joined by keys: one that gives a value, or
// so many of its rows.
func (s *scope) keyed() *scope {
	if s == nil || s.byKey {
		return s
	}
	out := *s
	out.byKey = true
	return &out
}

// takeTies takes the parts of a condition of FROM that read columns of the query
// around out of it; nil if nothing is left.
func (f *fromBinder) takeTies(cond *expr.Expr) *expr.Expr {
	if !correlated(cond) {
		return cond
	}
	var rest []*expr.Expr
	for _, c := range expr.Conjuncts(cond) {
		if correlated(c) {
			f.ties = append(f.ties, c)
		} else {
			rest = append(rest, c)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return expr.And(rest)
}
