package bind

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A block is a SELECT while it is bound. Until its stages are built, its
// expressions are over the columns of FROM and over placeholders.
type block struct {
	b       *Binder
	sc      *scope // FROM, then WHERE
	windows []ast.NamedWindow

	grouped   bool
	keys      []*expr.Expr // of GROUP BY, each once; without a group window
	sets      [][]int      // of GROUPING SETS, nil without
	scalar    bool         // grouped without GROUP BY: exactly one row
	window    *groupWindow
	aggs      []aggUse
	groupings []groupingUse
	out       types.Schema // of the grouping, once it is built
	overs     []overUse
	subs      []*subUse
	corr      []*expr.Expr // conditions over FROM and the query around
}

// An item is a column of the select list.
type item struct {
	name string
	e    *expr.Expr
	node ast.Node
}

// A result is a query that is bound: the columns it shows, then hidden ones.
type result struct {
	node    logical.Node
	visible int
	corr    []*expr.Expr // conditions over node's columns and those of the query around
	single  bool         // never more than one row
	total   bool         // correlated, and exactly one row for each row of the query around
	// empty holds, for a correlated aggregate, each column's value where there is
	// no row (COUNT gives 0); nil stands for NULL.
	empty []*expr.Expr
}

func (r *result) schema() types.Schema { return r.node.Schema()[:r.visible] }

// A mapping replaces columns by those of a later stage.
type mapping func(e *expr.Expr) (*expr.Expr, error)

// build makes the block's tree from its parts.
func (k *block) build(items []item, having, qualify *expr.Expr, order []orderUse, distinct bool) (logical.Node, []jobgraph.SortKey, error) {
	node := k.sc.node
	then := func(e *expr.Expr) (*expr.Expr, error) { return e, nil }
	if k.grouped {
		var err error
		if node, err = k.aggregate(node); err != nil {
			return nil, nil, err
		}
		then = k.afterAggregate
		for _, s := range k.subs {
			s.at = -1
		}
	}
	node, err := k.filter(node, having, then)
	if err != nil {
		return nil, nil, err
	}
	if len(k.overs) > 0 {
		var placed []int
		if node, placed, err = k.over(node, then); err != nil {
			return nil, nil, err
		}
		then = afterOver(then, placed)
	}
	if node, err = k.filter(node, qualify, then); err != nil {
		return nil, nil, err
	}
	return k.selectList(node, items, order, distinct, then)
}

func (k *block) filter(node logical.Node, cond *expr.Expr, then mapping) (logical.Node, error) {
	if cond == nil {
		return node, nil
	}
	cond, err := then(cond)
	if err != nil {
		return nil, err
	}
	node, list, err := k.attach(node, []*expr.Expr{cond}, then)
	if err != nil {
		return nil, err
	}
	return &logical.Filter{Input: node, Cond: list[0]}, nil
}

// selectList is the last stage: the items, and what ORDER BY and correlation
// need beside them.
func (k *block) selectList(node logical.Node, items []item, order []orderUse, distinct bool, then mapping) (logical.Node, []jobgraph.SortKey, error) {
	var exprs []*expr.Expr
	var names []string
	for _, it := range items {
		exprs, names = append(exprs, it.e), append(names, it.name)
	}
	var keys []jobgraph.SortKey
	for _, o := range order {
		at := slices.IndexFunc(exprs, func(e *expr.Expr) bool { return expr.Equal(e, o.e) })
		if at < 0 {
			at = len(exprs)
			exprs, names = append(exprs, o.e), append(names, fmt.Sprintf("order$%d", at))
		}
		keys = append(keys, jobgraph.SortKey{Col: at, Desc: o.desc, NullsLast: o.nullsLast})
	}
	for i, e := range exprs {
		var err error
		if exprs[i], err = then(e); err != nil {
			return nil, nil, err
		}
	}
	node, exprs, err := k.attach(node, exprs, then)
	if err != nil {
		return nil, nil, err
	}
	p := project(node, exprs, names)
	if !distinct {
		return p, keys, nil
	}
	if len(exprs) > len(items) {
		return nil, nil, errAt(order[len(order)-1].node(items), "ORDER BY of SELECT DISTINCT may only use what is selected")
	}
	return distinctOf(p, posOf(items[0].node)), keys, nil
}

// node finds a place for a message about an order.
func (o orderUse) node(items []item) ast.Node {
	if o.e.Pos.Line > 0 {
		return ast.Pos{Line: o.e.Pos.Line, Col: o.e.Pos.Col}
	}
	return items[0].node
}

// distinctOf keeps each row once.
func distinctOf(in logical.Node, pos base.Pos) logical.Node {
	a := &logical.Aggregate{Input: in, Pos: pos}
	for i := range in.Schema() {
		a.Keys = append(a.Keys, i)
	}
	a.Out = keyFields(in, a.Keys)
	return a
}

// keyFields are the output columns of grouping keys. They lose their time
// attribute, but for the time of a window whose bounds are keys too.
func keyFields(in logical.Node, keys []int) types.Schema {
	var out types.Schema
	s := in.Schema()
	for _, k := range keys {
		f := s[k]
		if !keepsTime(in, keys, k) {
			f.Type = f.Type.Plain()
		}
		out = append(out, f)
	}
	return out
}

func keepsTime(in logical.Node, keys []int, key int) bool {
	w, prop, ok := logical.WindowColumn(in, key)
	if !ok || prop != jobgraph.WindowTime {
		return false
	}
	found := 0
	for _, k := range keys {
		if v, prop, ok := logical.WindowColumn(in, k); ok && v == w && prop != jobgraph.WindowTime {
			found |= 1 << prop
		}
	}
	return found == 3
}

// columnList collects expressions over a node, each once.
type columnList struct {
	exprs []*expr.Expr
}

func (l *columnList) add(e *expr.Expr) int {
	for i, f := range l.exprs {
		if expr.Equal(e, f) {
			return i
		}
	}
	l.exprs = append(l.exprs, e)
	return len(l.exprs) - 1
}

// place returns a node that has all the expressions as columns, and where they
// are. It adds a Project only for what is not a column already; with keep, the
// node's own columns stay in front.
func (l *columnList) place(node logical.Node, keep bool) (logical.Node, []int) {
	s := node.Schema()
	at := make([]int, len(l.exprs))
	plain := true
	for i, e := range l.exprs {
		at[i] = e.Index
		plain = plain && e.Op == expr.Col
	}
	if plain {
		return node, at
	}
	var exprs []*expr.Expr
	var names []string
	if keep {
		for i, f := range s {
			exprs, names = append(exprs, expr.Column(i, f.Type)), append(names, f.Name)
		}
	}
	for i, e := range l.exprs {
		if keep && e.Op == expr.Col {
			continue
		}
		at[i] = len(exprs)
		name := fmt.Sprintf("$f%d", len(exprs))
		if e.Op == expr.Col {
			name = s[e.Index].Name
		}
		exprs, names = append(exprs, e), append(names, name)
	}
	return project(node, exprs, names), at
}

// over appends the columns of the OVER calls, a node for each window.
func (k *block) over(node logical.Node, then mapping) (logical.Node, []int, error) {
	uses := slices.Clone(k.overs)
	var all []*expr.Expr
	each := func(f func(e **expr.Expr) error) error {
		for i := range uses {
			if err := uses[i].each(f); err != nil {
				return err
			}
		}
		return nil
	}
	if err := each(func(e **expr.Expr) (err error) { *e, err = then(*e); all = append(all, *e); return err }); err != nil {
		return nil, nil, err
	}
	node, all, err := k.attach(node, all, then)
	if err != nil {
		return nil, nil, err
	}
	i := 0
	_ = each(func(e **expr.Expr) error { *e = all[i]; i++; return nil })

	var list columnList
	for _, e := range all {
		list.add(e)
	}
	node, at := list.place(node, true)
	col := func(e *expr.Expr) int { return at[list.add(e)] }
	placed := make([]int, len(uses))
	for i := range placed {
		placed[i] = -1
	}
	for i, u := range uses {
		if placed[i] >= 0 {
			continue
		}
		o := &logical.Over{Input: node, Pos: posOf(u.aggUse.node), Out: slices.Clone(node.Schema())}
		for _, e := range u.partition {
			o.Partition = append(o.Partition, col(e))
		}
		for _, b := range u.by {
			o.Order = append(o.Order, jobgraph.SortKey{Col: col(b.e), Desc: b.desc, NullsLast: b.nullsLast})
		}
		for j := i; j < len(uses); j++ {
			if v := uses[j]; placed[j] < 0 && v.sameWindow(u) {
				placed[j] = len(o.Out)
				o.Calls = append(o.Calls, jobgraph.OverCall{AggCall: v.call(col), Frame: v.frame})
				o.Out = append(o.Out, types.Field{Name: fmt.Sprintf("w$%d", j), Type: v.ret})
			}
		}
		node = o
	}
	return node, placed, nil
}

// each visits the expressions of a use.
func (u *overUse) each(f func(e **expr.Expr) error) error {
	var all []**expr.Expr
	u.args, u.partition = slices.Clone(u.args), slices.Clone(u.partition)
	u.by, u.order = slices.Clone(u.by), slices.Clone(u.order)
	for i := range u.args {
		all = append(all, &u.args[i])
	}
	if u.filter != nil {
		all = append(all, &u.filter)
	}
	for i := range u.order {
		all = append(all, &u.order[i].e)
	}
	for i := range u.partition {
		all = append(all, &u.partition[i])
	}
	for i := range u.by {
		all = append(all, &u.by[i].e)
	}
	for _, e := range all {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

func (u overUse) sameWindow(v overUse) bool {
	return slices.EqualFunc(u.partition, v.partition, expr.Equal) && slices.EqualFunc(u.by, v.by, func(a, b orderUse) bool {
		return a.desc == b.desc && a.nullsLast == b.nullsLast && expr.Equal(a.e, b.e)
	})
}

// afterOver replaces the placeholders of OVER calls by their columns.
func afterOver(then mapping, placed []int) mapping {
	return func(e *expr.Expr) (*expr.Expr, error) {
		e, err := then(e)
		if err != nil {
			return nil, err
		}
		return expr.Remap(e, func(i int) int {
			if i >= overBase && i < subBase {
				return placed[i-overBase]
			}
			return i
		}), nil
	}
}
