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

// selectBlock binds one SELECT with the ORDER BY that follows it. The result may
// have hidden columns that the order needs.
func (b *Binder) selectBlock(s *ast.Select, orderBy []ast.SortItem, outer *scope) (*result, []jobgraph.SortKey, error) {
	sc, err := b.fromClause(s, outer)
	if err != nil {
		return nil, nil, err
	}
	k := &block{b: b, sc: sc, windows: s.Windows, corr: sc.ties}
	if err := k.where(append(sc.later, conjuncts(s.Where)...)); err != nil {
		return nil, nil, err
	}
	sc.reach = outer != nil
	if s.GroupBy != nil {
		if err := k.groupBy(s.GroupBy, s.Items); err != nil {
			return nil, nil, err
		}
	}
	items, err := k.items(s.Items)
	if err != nil {
		return nil, nil, err
	}
	x := exprBinder{b: b, sc: sc, blk: k, agg: true}
	var having, qualify *expr.Expr
	if s.Having != nil {
		x.clause = "HAVING"
		k.grouped = k.grouped || s.GroupBy == nil
		if having, err = x.condition(s.Having); err != nil {
			return nil, nil, err
		}
	}
	x.over = true
	if s.Qualify != nil {
		x.clause, x.params = "QUALIFY", k.selected(s.Items, items)
		if qualify, err = x.condition(s.Qualify); err != nil {
			return nil, nil, err
		}
		if len(k.overs) == 0 {
			return nil, nil, hinted(errAt(s.Qualify, "QUALIFY needs a call with OVER, here or in the select list"), "WHERE and HAVING filter rows and groups")
		}
	}
	order, err := k.orderBy(orderBy, items)
	if err != nil {
		return nil, nil, err
	}
	if s.GroupBy == nil && (len(k.aggs) > 0 || k.grouped) {
		k.grouped, k.scalar = true, true
	}
	if sc.ttl != nil && !k.grouped {
		return nil, nil, errAt(sc.ttl.Hint, "hint STATE_TTL has no effect here: the SELECT neither joins '%s' nor groups its rows", sc.ttl.Options[0].Key)
	}
	sc.reach = false
	if err := k.byValue(items, &having, &qualify, order); err != nil {
		return nil, nil, err
	}
	return k.finish(items, having, qualify, order, s.Distinct)
}

// selected are the columns of the select list that QUALIFY may call by their aliases:
// those that no column of FROM hides.
func (k *block) selected(list []ast.SelectItem, items []item) map[string]*expr.Expr {
	out := map[string]*expr.Expr{}
	for _, it := range list {
		name := it.Alias.Text
		if _, n := k.sc.column(nil, name); name == "" || n > 0 {
			continue
		}
		for _, i := range items {
			if i.name == name {
				out[name] = i.e
			}
		}
	}
	return out
}

// finish builds the tree and says what is hidden in it.
func (k *block) finish(items []item, having, qualify *expr.Expr, order []orderUse, distinct bool) (*result, []jobgraph.SortKey, error) {
	visible := len(items)
	r := &result{visible: visible, single: k.scalar && having == nil}
	if len(k.corr) > 0 {
		var err error
		if items, err = k.hideCorrelated(items, r); err != nil {
			return nil, nil, err
		}
		r.total = r.total && having == nil
	}
	node, keys, err := k.build(items, having, qualify, order, distinct)
	if err != nil {
		return nil, nil, err
	}
	r.node = node
	if err := k.b.refuseNull(r.schema(), items[0].node); err != nil && !k.b.nullable {
		return nil, nil, err
	}
	return r, keys, nil
}

// fromClause binds FROM; without one there is a single row without columns.
func (b *Binder) fromClause(s *ast.Select, outer *scope) (*scope, error) {
	if s.From == nil {
		return &scope{node: oneRowOfNothing(), outer: outer}, nil
	}
	f := fromBinder{b: b, outer: outer}
	var err error
	if f.hints, err = selectHints(s.Hints); err != nil {
		return nil, err
	}
	sc, err := f.bind(s.From)
	if err != nil {
		return nil, err
	}
	sc.ttl = f.groupHint(sc)
	if err := f.unusedHints(); err != nil {
		return nil, err
	}
	sc.outer, sc.ties, sc.later = outer, f.ties, f.later
	return sc, duplicateAlias(sc, s.From)
}

// oneRowOfNothing is a row without a column that could be named.
func oneRowOfNothing() *logical.Values {
	return &logical.Values{Rows: [][]*expr.Expr{{expr.Int(0)}}, Out: types.Schema{{Name: "ZERO", Type: types.TInt.Nullable(false)}}}
}

func duplicateAlias(sc *scope, n ast.Node) error {
	seen := map[string]bool{}
	for _, r := range sc.relations() {
		if r.name != "" && seen[r.name] {
			return errAt(n, "FROM has two tables named '%s'; give one of them an alias", r.name)
		}
		seen[r.name] = true
	}
	return nil
}

// items binds the select list, with stars written out.
func (k *block) items(list []ast.SelectItem) ([]item, error) {
	var out []item
	x := exprBinder{b: k.b, sc: k.sc, blk: k, clause: "SELECT", agg: true, over: true}
	for _, it := range list {
		switch e := it.X.(type) {
		case *ast.Star:
			fields, err := k.star(e)
			if err != nil {
				return nil, err
			}
			out = append(out, fields...)
			continue
		case *ast.Field:
			if e.Star {
				v, err := x.bind(e.X)
				if err != nil {
					return nil, err
				}
				fields, err := rowStar(v, e)
				if err != nil {
					return nil, err
				}
				out = append(out, fields...)
				continue
			}
		}
		e, err := x.bind(it.X)
		if err != nil {
			return nil, err
		}
		out = append(out, item{name: itemName(it, len(out)), e: e, node: it.X})
	}
	if len(out) == 0 {
		return nil, errAt(list[0], "nothing is selected")
	}
	return out, nil
}

// itemName is the alias, or the last part of a name, or EXPR$i.
func itemName(it ast.SelectItem, i int) string {
	if it.Alias.Text != "" {
		return it.Alias.Text
	}
	switch e := it.X.(type) {
	case *ast.Ident:
		return e.Path.Last()
	case *ast.Field:
		return e.Name.Text
	}
	return fmt.Sprintf("EXPR$%d", i)
}

// star writes out *, t.* and row.*.
func (k *block) star(s *ast.Star) ([]item, error) {
	var rel *relation
	if len(s.Qualifier) > 0 {
		if rel = k.sc.relation(s.Qualifier.Strings()); rel == nil {
			return k.rowColumnStar(s)
		}
	}
	var out []item
	for _, f := range k.sc.fields {
		if rel == nil && !f.hidden || rel != nil && f.rel == rel {
			out = append(out, item{name: f.name, e: placed(f.expr, posOf(s)), node: s})
		}
	}
	if rel == nil && len(out) == 0 {
		return nil, errAt(s, "'*' needs a FROM clause")
	}
	return exceptColumns(s, out)
}

func exceptColumns(s *ast.Star, all []item) ([]item, error) {
	var names []string
	for _, it := range all {
		names = append(names, it.name)
	}
	for _, e := range s.Except {
		if !slices.Contains(names, e.Text) {
			return nil, nearAt(e, e.Text, names, "unknown column '%s' in EXCEPT", e.Text)
		}
	}
	var out []item
	for _, it := range all {
		if !slices.ContainsFunc(s.Except, func(e ast.Name) bool { return e.Text == it.name }) {
			out = append(out, it)
		}
	}
	return out, nil
}

func (k *block) rowColumnStar(s *ast.Star) ([]item, error) {
	v, err := k.sc.resolve(&ast.Ident{Pos: s.Pos, Path: s.Qualifier})
	if err != nil {
		var names []string
		for _, r := range k.sc.relations() {
			names = append(names, r.name)
		}
		return nil, nearAt(s, s.Qualifier.String(), names, "unknown table '%s' in '%s.*'", s.Qualifier, s.Qualifier)
	}
	all, err := rowStar(v, s)
	if err != nil {
		return nil, err
	}
	return exceptColumns(s, all)
}

func rowStar(v *expr.Expr, n ast.Node) ([]item, error) {
	if v.Type.Kind != types.Row {
		return nil, errAt(n, "'.*' needs a ROW, not %s", v.Type.Name())
	}
	var out []item
	for _, f := range v.Type.Fields {
		e, err := fieldOf(v, n, ast.Name{Text: f.Name})
		if err != nil {
			return nil, err
		}
		out = append(out, item{name: f.Name, e: e, node: n})
	}
	return out, nil
}

// orderBy binds ORDER BY: a number counts columns, a name means an alias of the
// select list before a column of FROM.
func (k *block) orderBy(list []ast.SortItem, items []item) ([]orderUse, error) {
	x := exprBinder{b: k.b, sc: k.sc, blk: k, clause: "ORDER BY", agg: true, over: true}
	var out []orderUse
	for _, s := range list {
		e, err := ordinal(s.X, len(items), func(i int) *expr.Expr { return items[i].e })
		if err == nil && e == nil {
			e, err = alias(s.X, items)
		}
		if err == nil && e == nil {
			e, err = x.bind(s.X)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, orderOf(e, s))
	}
	return out, nil
}

// alias is the item that a plain name means, nil if none.
func alias(e ast.Expr, items []item) (*expr.Expr, error) {
	id, ok := e.(*ast.Ident)
	if !ok || len(id.Path) != 1 {
		return nil, nil
	}
	var found *expr.Expr
	for _, it := range items {
		if it.name != id.Path[0].Text {
			continue
		}
		if found != nil && !expr.Equal(found, it.e) {
			return nil, errAt(e, "column '%s' is ambiguous: two columns of the select list have that name", it.name)
		}
		found = it.e
	}
	return found, nil
}

// where applies WHERE: plain conditions first, then those that are subqueries.
func (k *block) where(conds []ast.Expr) error {
	var plain []*expr.Expr
	var subs []ast.Expr
	x := exprBinder{b: k.b, sc: k.sc, blk: k, clause: "WHERE"}
	for _, c := range conds {
		if subqueryCondition(c) {
			subs = append(subs, c)
			continue
		}
		k.sc.reach = true
		e, err := x.condition(c)
		k.sc.reach = false
		if err != nil {
			return err
		}
		if correlated(e) {
			if slices.ContainsFunc(expr.Columns(e), func(i int) bool { return i >= aggBase && i < outerBase }) {
				return unsupported(c, "a subquery in a condition that reads columns of the query around")
			}
			k.corr = append(k.corr, e)
			continue
		}
		plain = append(plain, e)
	}
	if len(plain) > 0 {
		width := len(k.sc.node.Schema())
		node, err := k.filter(k.sc.node, expr.And(plain), func(e *expr.Expr) (*expr.Expr, error) { return e, nil })
		if err != nil {
			return err
		}
		k.sc.node = firstColumns(node, width)
	}
	for _, c := range subs {
		node, err := k.subqueryJoin(k.sc.node, c, false)
		if err != nil {
			return err
		}
		k.sc.node = node
	}
	return nil
}

// conjuncts takes an AND apart.
func conjuncts(e ast.Expr) []ast.Expr {
	if e == nil {
		return nil
	}
	if b, ok := e.(*ast.Binary); ok && b.Op == ast.OpAnd {
		return append(conjuncts(b.L), conjuncts(b.R)...)
	}
	return []ast.Expr{e}
}
