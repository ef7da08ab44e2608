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

// A cteFrame is one WITH clause; outer is that of the query around.
type cteFrame struct {
	outer *cteFrame
	items map[string]*result
}

func (f *cteFrame) find(name string) *result {
	for ; f != nil; f = f.outer {
		if r := f.items[name]; r != nil {
			return r
		}
	}
	return nil
}

// names returns all common table expressions that can be seen.
func (f *cteFrame) names() []string {
	var out []string
	for ; f != nil; f = f.outer {
		for n := range f.items {
			out = append(out, n)
		}
	}
	return out
}

// query binds a query; outer is the scope around a subquery.
func (b *Binder) query(q *ast.Query, outer *scope) (*result, error) {
	if q.With != nil {
		old := b.ctes
		defer func() { b.ctes = old }()
		if err := b.with(q.With); err != nil {
			return nil, err
		}
	}
	from, to, err := b.limits(q)
	if err != nil {
		return nil, err
	}
	if from != 1 || to >= 0 {
		outer = outer.keyed()
	}
	var r *result
	var keys []jobgraph.SortKey
	if sel, ok := q.Body.(*ast.Select); ok {
		r, keys, err = b.selectBlock(sel, q.OrderBy, outer)
	} else {
		if r, err = b.body(q.Body, outer); err == nil {
			r, keys, err = b.orderOutput(r, q.OrderBy)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 && from == 1 && to < 0 {
		return r, nil
	}
	if len(r.corr) > 0 {
		return b.firstByKey(q, r, keys, from, to)
	}
	out, pos := *r, posOf(q)
	if len(q.OrderBy) > 0 {
		pos = posOf(q.OrderBy[0].X)
	}
	out.node = firstColumns(&logical.Sort{Input: r.node, Order: keys, From: from, To: to, Pos: pos}, r.visible)
	out.single = r.single || to >= 0 && to <= from
	return &out, nil
}

// with binds the common table expressions, each seeing those before it.
func (b *Binder) with(w *ast.With) error {
	if w.Recursive {
		return unsupported(w, "WITH RECURSIVE")
	}
	b.ctes = &cteFrame{outer: b.ctes, items: map[string]*result{}}
	for _, it := range w.Items {
		if b.ctes.items[it.Name.Text] != nil {
			return errAt(it.Name, "'%s' is defined twice in WITH", it.Name.Text)
		}
		r, err := b.query(it.Query, nil)
		if err != nil {
			return err
		}
		r = &result{node: uniqueNames(r.node), visible: r.visible}
		if len(it.Columns) > 0 {
			if r.node, err = b.columnList(it.Name, r.node, it.Columns); err != nil {
				return err
			}
		}
		b.ctes.items[it.Name.Text] = r
	}
	return nil
}

// columnList names the columns of a derived table.
func (b *Binder) columnList(of ast.Name, n logical.Node, names []ast.Name) (logical.Node, error) {
	s, err := columnNames(of, n.Schema(), names)
	if err != nil {
		return nil, err
	}
	if slices.Equal(s.Names(), n.Schema().Names()) {
		return n, nil
	}
	return renamed(n, s), nil
}

// columnNames gives the columns of a derived table other names.
func columnNames(of ast.Name, s types.Schema, names []ast.Name) (types.Schema, error) {
	s = slices.Clone(s)
	if len(names) != len(s) {
		return nil, errAt(names[0], "'%s' has %d columns, but %d names are given", of.Text, len(s), len(names))
	}
	for i, name := range names {
		for _, before := range names[:i] {
			if before.Text == name.Text {
				return nil, errAt(name, "column '%s' is named twice", name.Text)
			}
		}
		s[i].Name = name.Text
	}
	return s, nil
}

// limits returns which rows LIMIT and OFFSET keep: from, to as in logical.Sort.
func (b *Binder) limits(q *ast.Query) (from, to int64, err error) {
	count := func(e ast.Expr, what string) (int64, error) {
		x := exprBinder{b: b}
		v, err := x.constant(e, what)
		if err != nil {
			return 0, err
		}
		n, ok := v.Value.(int64)
		if !ok || n < 0 || !v.Type.Integer() {
			return 0, errAt(e, "%s must be an integer of 0 or more", what)
		}
		return n, nil
	}
	from, to = 1, -1
	if q.Offset != nil {
		n, err := count(q.Offset, "OFFSET")
		if err != nil {
			return 0, 0, err
		}
		from += n
	}
	if q.Limit != nil {
		n, err := count(q.Limit, "LIMIT")
		if err != nil {
			return 0, 0, err
		}
		to = from - 1 + n
	}
	return from, to, nil
}

func (b *Binder) body(body ast.Body, outer *scope) (*result, error) {
	switch x := body.(type) {
	case *ast.Query:
		return b.query(x, outer)
	case *ast.Select:
		r, _, err := b.selectBlock(x, nil, outer)
		return r, err
	case *ast.SetOp:
		return b.setOp(x, outer)
	case *ast.Values:
		return b.values(x)
	case *ast.ExplicitTable:
		r, _, err := b.named(&x.Name, nil)
		return r, err
	}
	return nil, unsupported(body, kindOf(body))
}

// orderOutput binds ORDER BY over the output of a set operation or VALUES.
func (b *Binder) orderOutput(r *result, items []ast.SortItem) (*result, []jobgraph.SortKey, error) {
	if len(items) == 0 {
		return r, nil, nil
	}
	s := r.schema()
	sc := newScope(r.node, &relation{})
	sc.fields = sc.fields[:r.visible]
	x := exprBinder{b: b, sc: sc, clause: "ORDER BY"}
	var list columnList
	var keys []jobgraph.SortKey
	for _, it := range items {
		e, err := ordinal(it.X, len(s), func(i int) *expr.Expr { return expr.Column(i, s[i].Type) })
		if err == nil && e == nil {
			e, err = x.bind(it.X)
		}
		if err != nil {
			return nil, nil, err
		}
		o := orderOf(e, it)
		keys = append(keys, jobgraph.SortKey{Col: list.add(e), Desc: o.desc, NullsLast: o.nullsLast})
	}
	node, at := list.place(r.node, true)
	for i := range keys {
		keys[i].Col = at[keys[i].Col]
	}
	return &result{node: node, visible: r.visible, single: r.single}, keys, nil
}

// ordinal is the column that ORDER BY 2 means; nil when e is no number.
func ordinal(e ast.Expr, n int, column func(int) *expr.Expr) (*expr.Expr, error) {
	l, ok := e.(*ast.Literal)
	if !ok || l.Kind != ast.LitInt {
		return nil, nil
	}
	var i int
	if _, err := fmt.Sscan(l.Text, &i); err != nil || i < 1 || i > n {
		return nil, errAt(e, "ORDER BY %s: the query has %d columns", l.Text, n)
	}
	return column(i - 1), nil
}

var setNames = [...]string{ast.Union: "UNION", ast.Intersect: "INTERSECT", ast.Except: "EXCEPT"}

// setOp binds a set operation; a chain of UNION ALL is one node.
func (b *Binder) setOp(s *ast.SetOp, outer *scope) (*result, error) {
	var parts []ast.Body
	var chain func(body ast.Body)
	chain = func(body ast.Body) {
		if u, ok := body.(*ast.SetOp); ok && u.Kind == ast.Union && u.All == s.All && s.Kind == ast.Union {
			chain(u.Left)
			chain(u.Right)
			return
		}
		parts = append(parts, body)
	}
	chain(s.Left)
	chain(s.Right)
	name := setNames[s.Kind]
	if s.All {
		name += " ALL"
	}
	var in []logical.Node
	for _, p := range parts {
		r, err := b.body(p, outer)
		if err != nil {
			return nil, err
		}
		if len(r.corr) > 0 {
			return nil, unsupported(p, "a correlated query under "+name)
		}
		node := firstColumns(r.node, r.visible)
		if len(in) > 0 && len(node.Schema()) != len(in[0].Schema()) {
			return nil, errAt(p, "%s: the queries have %d and %d columns", name, len(in[0].Schema()), len(node.Schema()))
		}
		in = append(in, node)
	}
	out := slices.Clone(in[0].Schema())
	for i := range out {
		t, err := commonColumn(in, i)
		if err != nil {
			return nil, errAt(s, "%s: column %d ('%s') has no common type: %v", name, i+1, out[i].Name, err)
		}
		if s.Kind != ast.Union || !s.All {
			t = t.Plain()
		}
		out[i].Type = t
	}
	for i, n := range in {
		in[i] = castColumns(n, out)
	}
	op := &logical.SetOp{SetKind: [...]logical.SetKind{logical.Union, logical.Intersect, logical.Except}[s.Kind], All: s.All, In: in, Out: out, Pos: posOf(s)}
	return &result{node: op, visible: len(out)}, nil
}

// commonColumn is the type that the i-th columns of several inputs have in
// common; a time attribute if all are.
func commonColumn(in []logical.Node, i int) (types.Type, error) {
	var list []types.Type
	row, proc := true, true
	for _, n := range in {
		t := n.Schema()[i].Type
		row, proc = row && t.Rowtime, proc && t.Proctime
		list = append(list, t.Plain())
	}
	t, err := expr.CommonType(list...)
	t.Rowtime, t.Proctime = row, proc
	return t, err
}

// castColumns brings a node's columns to the types of out.
func castColumns(n logical.Node, out types.Schema) logical.Node {
	s := n.Schema()
	var exprs []*expr.Expr
	changed := false
	for i, f := range s {
		e := expr.Column(i, f.Type)
		if !f.Type.Equal(out[i].Type) {
			c, err := castTo(ast.Pos{}, e, out[i].Type)
			if err == nil {
				e, changed = c, true
			}
		} else if mark(f.Type) != mark(out[i].Type) {
			e, changed = plainCast(e), true
		}
		exprs = append(exprs, e)
	}
	if !changed {
		return n
	}
	return project(n, exprs, s.Names())
}

func mark(t types.Type) [2]bool { return [2]bool{t.Rowtime, t.Proctime} }

// values binds VALUES: each column has the common type of its cells.
func (b *Binder) values(v *ast.Values) (*result, error) {
	x := exprBinder{b: b, clause: "VALUES"}
	out := &logical.Values{}
	for _, row := range v.Rows {
		if len(row) != len(v.Rows[0]) {
			return nil, errAt(row[0], "VALUES: rows of %d and %d columns", len(v.Rows[0]), len(row))
		}
		cells, err := x.list(row)
		if err != nil {
			return nil, err
		}
		out.Rows = append(out.Rows, cells)
	}
	for c := range v.Rows[0] {
		var list []types.Type
		for _, r := range out.Rows {
			list = append(list, r[c].Type.Plain())
		}
		t, err := expr.CommonType(list...)
		if err != nil {
			return nil, errAt(v.Rows[0][c], "VALUES: column %d has no common type: %v", c+1, err)
		}
		for r, row := range out.Rows {
			if row[c], err = castTo(v.Rows[r][c], row[c], t); err != nil {
				return nil, err
			}
			if row[c], err = expr.Fold(row[c], b.env); err != nil {
				return nil, at(v.Rows[r][c], err)
			}
		}
		out.Out = append(out.Out, types.Field{Name: fmt.Sprintf("EXPR$%d", c), Type: t})
	}
	return &result{node: out, visible: len(out.Out), single: len(out.Rows) == 1}, nil
}

// refuseNull refuses a column that is a bare NULL: it has no type.
func (b *Binder) refuseNull(s types.Schema, n ast.Node) error {
	for i, f := range s {
		if f.Type.Kind == types.Null {
			err := base.Errorf(posOf(n), "column %d is a NULL without a type", i+1)
			err.Hint = "write CAST(NULL AS type)"
			return err
		}
	}
	return nil
}
