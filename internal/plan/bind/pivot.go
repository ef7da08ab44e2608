package bind

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/print"
)

// pivot binds t PIVOT (aggregates FOR columns IN (values)) as the GROUP BY that it
// stands for: by the columns that are named nowhere in it, each aggregate once for each
// value, with FILTER (WHERE columns = value).
func (f *fromBinder) pivot(p *ast.Pivot) (*scope, error) {
	in, err := f.within(p.Input)
	if err != nil {
		return nil, err
	}
	names := in.names(nil)
	used := map[string]bool{}
	for _, n := range p.For {
		if !slices.Contains(names, n.Text) {
			return nil, nearAt(n, n.Text, names, "unknown column '%s' in PIVOT", n.Text)
		}
		used[n.Text] = true
	}
	for _, a := range p.Aggs {
		if err := f.b.pivoted(in, a, used); err != nil {
			return nil, err
		}
	}
	s := &ast.Select{Pos: p.Pos, From: p.Input, GroupBy: &ast.GroupBy{Pos: p.Pos}}
	for _, n := range names {
		if used[n] {
			continue
		}
		x := &ast.Ident{Pos: p.Pos, Path: ast.Path{{Pos: p.Pos, Text: n}}}
		s.Items = append(s.Items, ast.SelectItem{Pos: p.Pos, X: x})
		s.GroupBy.Items = append(s.GroupBy.Items, ast.GroupItem{Pos: p.Pos, Exprs: []ast.Expr{x}})
	}
	if len(s.Items) == 0 {
		s.GroupBy = nil
	}
	for _, v := range p.Values {
		if len(v.Exprs) != len(p.For) {
			return nil, errAt(v, "PIVOT compares %d columns with %d values", len(p.For), len(v.Exprs))
		}
		for _, a := range p.Aggs {
			s.Items = append(s.Items, pivotItem(p, v, a))
		}
	}
	r, _, err := f.b.selectBlock(s, nil, nil)
	if err != nil {
		return nil, err
	}
	return f.b.aliased(firstColumns(r.node, r.visible), &relation{}, p.Alias)
}

// pivotItem is an aggregate for one value. Its name is the value's, or its text, then
// the aggregate's, if it has one.
func pivotItem(p *ast.Pivot, v ast.PivotValue, a ast.SelectItem) ast.SelectItem {
	call := *a.X.(*ast.Call)
	conds := make([]ast.Expr, 0, len(p.For)+1)
	if call.Filter != nil {
		conds = append(conds, call.Filter)
	}
	var texts []string
	for i, n := range p.For {
		conds = append(conds, &ast.Binary{Pos: v.Pos, Op: ast.OpEq, L: &ast.Ident{Pos: n.Pos, Path: ast.Path{n}}, R: v.Exprs[i]})
		texts = append(texts, valueText(v.Exprs[i]))
	}
	call.Filter = conds[0]
	for _, c := range conds[1:] {
		call.Filter = &ast.Binary{Pos: v.Pos, Op: ast.OpAnd, L: call.Filter, R: c}
	}
	name := v.Alias.Text
	if name == "" {
		name = strings.Join(texts, "_")
	}
	if a.Alias.Text != "" {
		name += "_" + a.Alias.Text
	}
	return ast.SelectItem{Pos: a.Pos, X: &call, Alias: ast.Name{Pos: v.Pos, Text: name}}
}

// valueText is a literal as the name of a column.
func valueText(e ast.Expr) string {
	if l, ok := e.(*ast.Literal); ok {
		return l.Text
	}
	return print.Expr(e)
}

// pivoted notes the columns that an aggregate of PIVOT reads.
func (b *Binder) pivoted(in *scope, a ast.SelectItem, used map[string]bool) error {
	call, ok := a.X.(*ast.Call)
	if !ok {
		return errAt(a, "PIVOT takes aggregate functions, not %s", print.Expr(a.X))
	}
	args := slices.Clone(call.Args)
	if call.Filter != nil {
		args = append(args, call.Filter)
	}
	for _, o := range call.OrderBy {
		args = append(args, o.X)
	}
	x := exprBinder{b: b, sc: in, clause: "PIVOT"}
	for _, arg := range args {
		e, err := x.bind(arg)
		if err != nil {
			return err
		}
		read := expr.Columns(e)
		for _, f := range in.fields {
			if f.expr.Op == expr.Col && slices.Contains(read, f.expr.Index) {
				used[f.name] = true
			}
		}
	}
	return nil
}

// unpivot binds t UNPIVOT (values FOR names IN (columns)) as the UNION ALL that it stands
// for: one SELECT for each of the columns.
func (f *fromBinder) unpivot(u *ast.Unpivot) (*scope, error) {
	in, err := f.within(u.Input)
	if err != nil {
		return nil, err
	}
	names := in.names(nil)
	used := map[string]bool{}
	for _, it := range u.In {
		if len(it.Columns) != len(u.Values) || it.As != nil && len(it.As) != len(u.For) || it.As == nil && len(u.For) != 1 {
			return nil, errAt(it, "UNPIVOT makes %d columns of values and %d of names", len(u.Values), len(u.For))
		}
		for _, c := range it.Columns {
			if !slices.Contains(names, c.Text) {
				return nil, nearAt(c, c.Text, names, "unknown column '%s' in UNPIVOT", c.Text)
			}
			used[c.Text] = true
		}
	}
	var body ast.Body
	for _, it := range u.In {
		s := &ast.Select{Pos: it.Pos, From: u.Input}
		add := func(x ast.Expr, name string) {
			s.Items = append(s.Items, ast.SelectItem{Pos: it.Pos, X: x, Alias: ast.Name{Pos: it.Pos, Text: name}})
		}
		column := func(name string) ast.Expr {
			return &ast.Ident{Pos: it.Pos, Path: ast.Path{{Pos: it.Pos, Text: name}}}
		}
		for _, n := range names {
			if !used[n] {
				add(column(n), n)
			}
		}
		for i, n := range u.For {
			if it.As != nil {
				add(it.As[i], n.Text)
			} else {
				add(&ast.Literal{Pos: it.Pos, Kind: ast.LitString, Text: columnsText(it.Columns)}, n.Text)
			}
		}
		for i, n := range u.Values {
			add(column(it.Columns[i].Text), n.Text)
		}
		if !u.IncludeNulls {
			s.Where = anyValue(it, column)
		}
		if body == nil {
			body = s
		} else {
			body = &ast.SetOp{Pos: u.Pos, All: true, Left: body, Right: s}
		}
	}
	r, err := f.b.query(&ast.Query{Source: ast.Source{Pos: u.Pos}, Body: body}, nil)
	if err != nil {
		return nil, err
	}
	return f.b.aliased(firstColumns(r.node, r.visible), &relation{}, u.Alias)
}

// anyValue is that one of the columns is not NULL.
func anyValue(it ast.UnpivotItem, column func(string) ast.Expr) ast.Expr {
	var out ast.Expr
	for _, c := range it.Columns {
		test := ast.Expr(&ast.Is{Pos: it.Pos, X: column(c.Text), Not: true, Kind: ast.IsNull})
		if out != nil {
			test = &ast.Binary{Pos: it.Pos, Op: ast.OpOr, L: out, R: test}
		}
		out = test
	}
	return out
}

func columnsText(names []ast.Name) string {
	var out []string
	for _, n := range names {
		out = append(out, n.Text)
	}
	return strings.Join(out, "_")
}
