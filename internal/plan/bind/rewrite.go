package bind

import (
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// UPDATE and DELETE are batch jobs that read a table and write all of it anew.

// A rewriting is an UPDATE or DELETE while it is bound.
type rewriting struct {
	b     *Binder
	stmt  ast.Statement
	what  string // UPDATE, DELETE
	t     *catalog.Table
	table *ast.TableRef
}

func (b *Binder) rewriting(s ast.Statement, what string, name ast.Path, hints []ast.Hint, alias ast.Name) (*rewriting, error) {
	t, err := b.cat.Table(name.Strings()...)
	if err != nil {
		return nil, at(name, err)
	}
	if !b.batch() {
		return nil, hinted(errAt(s, "%s changes rows that a table holds, and a stream has no end at which they could be replaced", what), "SET 'execution.runtime-mode' = 'batch'")
	}
	st, err := b.Store(name, t)
	if err != nil {
		return nil, err
	}
	if err := st.Replaceable(); err != nil {
		return nil, errAt(name, "%s cannot change table '%s': %v", what, name, err)
	}
	r := &rewriting{b: b, stmt: s, what: what, t: t, table: &ast.TableRef{Pos: name.Position(), Name: name, Hints: hints}}
	if alias.Text != "" {
		r.table.Alias = &ast.Alias{Pos: alias.Pos, Name: alias}
	}
	return r, nil
}

// Store returns what can be done to the rows that a table holds.
func (b *Binder) Store(name ast.Node, t *catalog.Table) (connect.Store, error) {
	c := connect.Lookup(t.Options["connector"])
	if c == nil || c.Store == nil {
		return nil, errAt(name, "table '%s' is of connector '%s', which cannot take rows away that it has", t.Path.Name, t.Options["connector"])
	}
	table, _ := logical.ConnectTable(t, t.Options, true)
	st, err := c.Store(table)
	return st, at(name, err)
}

// read binds SELECT items FROM table WHERE where.
func (r *rewriting) read(items []ast.SelectItem, where ast.Expr) (logical.Node, error) {
	sel := &ast.Select{Pos: r.stmt.Position(), Items: items, From: r.table, Where: where}
	q := &ast.Query{Body: sel}
	q.Source.Pos = r.stmt.Position()
	r.b.nullable = true
	out, err := r.b.query(q, nil)
	r.b.nullable = false
	if err != nil {
		return nil, err
	}
	return firstColumns(out.node, out.visible), nil
}

// columns are the items that read what the table stores.
func (r *rewriting) columns() []ast.SelectItem {
	name := ast.Name{Pos: r.table.Pos, Text: r.t.Path.Name}
	if r.table.Alias != nil {
		name.Text = r.table.Alias.Name.Text
	}
	var items []ast.SelectItem
	for _, c := range r.t.Persisted() {
		col := ast.Name{Pos: r.table.Pos, Text: r.t.Columns[c].Name}
		items = append(items, ast.SelectItem{Pos: r.table.Pos, X: &ast.Ident{Pos: r.table.Pos, Path: ast.Path{name, col}}, Alias: col})
	}
	return items
}

// job writes rows in the place of all that the table holds.
func (r *rewriting) job(rows logical.Node, name string) *logical.Job {
	sink := &logical.Sink{Input: rows, Table: r.t, Options: r.t.Options, Overwrite: true, Replace: true, Pos: posOf(r.stmt)}
	job := &logical.Job{Name: r.b.opts.String(OptName), Roots: []logical.Node{sink}}
	if job.Name == "" {
		job.Name = name + r.t.Path.String()
	}
	return job
}

// deleteFrom keeps the rows for which the condition does not hold.
func (b *Binder) deleteFrom(s *ast.Delete) (*logical.Job, error) {
	r, err := b.rewriting(s, "DELETE", s.Table, s.Hints, s.Alias)
	if err != nil {
		return nil, err
	}
	keep := ast.Expr(&ast.Literal{Pos: s.Pos, Kind: ast.LitBool, Text: "FALSE"})
	if s.Where != nil {
		keep = &ast.Is{Pos: s.Where.Position(), X: s.Where, Not: true, Kind: ast.IsTrue}
	}
	n, err := r.read(r.columns(), keep)
	if err != nil {
		return nil, err
	}
	return r.job(r.plain(n), "delete-from_"), nil
}

// plain gives the columns the types that the table's have: what is only read is
// no time attribute any more.
func (r *rewriting) plain(n logical.Node) logical.Node {
	var exprs []*expr.Expr
	var names []string
	for i, f := range n.Schema() {
		exprs, names = append(exprs, expr.Column(i, f.Type.Plain())), append(names, f.Name)
	}
	return project(n, exprs, names)
}

// update reads each row with whether it is to be changed and with the new values,
// and then chooses.
func (b *Binder) update(s *ast.Update) (*logical.Job, error) {
	r, err := b.rewriting(s, "UPDATE", s.Table, s.Hints, s.Alias)
	if err != nil {
		return nil, err
	}
	persisted := r.t.Persisted()
	items := r.columns()
	hit := ast.Expr(&ast.Literal{Pos: s.Pos, Kind: ast.LitBool, Text: "TRUE"})
	if s.Where != nil {
		hit = &ast.Is{Pos: s.Where.Position(), X: s.Where, Kind: ast.IsTrue}
	}
	items = append(items, ast.SelectItem{Pos: s.Pos, X: hit, Alias: ast.Name{Text: "hit$"}})
	at := map[int]int{} // where the new value of a column of the table is
	for _, set := range s.Set {
		c, err := r.assigned(set, at)
		if err != nil {
			return nil, err
		}
		at[c] = len(items)
		items = append(items, ast.SelectItem{Pos: set.Pos, X: set.Value, Alias: ast.Name{Text: "new$" + r.t.Columns[c].Name}})
	}
	n, err := r.read(items, nil)
	if err != nil {
		return nil, err
	}
	in := n.Schema()
	var exprs []*expr.Expr
	var names []string
	for i, c := range persisted {
		want := r.t.Columns[c].Type.Plain()
		e := expr.Column(i, in[i].Type.Plain())
		if from, ok := at[c]; ok {
			if e, err = r.chosen(s, c, expr.Column(len(persisted), in[len(persisted)].Type), expr.Column(from, in[from].Type), e, want); err != nil {
				return nil, err
			}
		}
		exprs, names = append(exprs, e), append(names, r.t.Columns[c].Name)
	}
	return r.job(project(n, exprs, names), "update_"), nil
}

// assigned returns the column that SET gives a value.
func (r *rewriting) assigned(set ast.Assignment, before map[int]int) (int, error) {
	t, name := r.t, set.Column
	if len(name) > 1 && (name[0].Text == t.Path.Name || r.table.Alias != nil && name[0].Text == r.table.Alias.Name.Text) {
		name = name[1:]
	}
	if len(name) > 1 {
		return 0, unsupported(set.Column, "changing the field of a ROW column")
	}
	c := t.Column(name.Last())
	switch _, twice := before[c]; {
	case c < 0:
		return 0, nearAt(set.Column, name.Last(), t.ColumnNames(), "unknown column '%s' in table '%s'", name, t.Path.Name)
	case !slices.Contains(t.Persisted(), c):
		return 0, errAt(set.Column, "column '%s' of table '%s' is computed or virtual and cannot be written", name, t.Path.Name)
	case twice:
		return 0, errAt(set.Column, "column '%s' is given two values", name)
	}
	return c, nil
}

// chosen is the new value where a row is hit, otherwise the old one.
func (r *rewriting) chosen(s *ast.Update, c int, hit, value, old *expr.Expr, want types.Type) (*expr.Expr, error) {
	set := s.Set[slices.IndexFunc(s.Set, func(a ast.Assignment) bool { return a.Column.Last() == r.t.Columns[c].Name })]
	if value.Type.Kind != types.Null && !expr.CanCast(value.Type, want, true) {
		return nil, errAt(set.Value, "column '%s' is %s, and the new value is %s; write CAST", r.t.Columns[c].Name, want, value.Type.Plain())
	}
	if value.Type.Kind == types.Null {
		if want.NotNull {
			return nil, errAt(set.Value, "column '%s' is NOT NULL", r.t.Columns[c].Name)
		}
		value = expr.NullOf(want)
	}
	v, err := castTo(set.Value, value, want.Nullable(!want.NotNull || !value.Type.NotNull))
	if err != nil {
		return nil, err
	}
	e, err := callAt(posOf(set), "CASE", hit, v, old)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Partition binds a PARTITION clause of a statement about a table's partitions:
// the value of each partition column as text, nil for one that is not given. With
// whole, all of them have to be.
func (b *Binder) Partition(t *catalog.Table, name ast.Node, list []ast.PartitionValue, whole bool) ([]*string, error) {
	if len(t.PartitionBy) == 0 {
		return nil, errAt(name, "table '%s' is not partitioned", t.Path.Name)
	}
	var columns []string
	for _, c := range t.PartitionBy {
		columns = append(columns, t.Columns[c].Name)
	}
	out := make([]*string, len(columns))
	for _, p := range list {
		i := slices.Index(columns, p.Column.Text)
		switch {
		case i < 0:
			return nil, nearAt(p, p.Column.Text, columns, "'%s' is not a partition column of table '%s'", p.Column.Text, t.Path.Name)
		case out[i] != nil:
			return nil, errAt(p, "partition column '%s' is given twice", p.Column.Text)
		case p.Value == nil && whole:
			return nil, errAt(p, "partition column '%s' needs a value", p.Column.Text)
		case p.Value == nil:
			continue
		}
		_, text, err := b.partitionValue(t, t.PartitionBy[i], p)
		if err != nil {
			return nil, err
		}
		out[i] = &text
	}
	for i, v := range out {
		if v == nil && whole {
			return nil, errAt(name, "partition column '%s' has no value: a partition of table '%s' is named by all of its partition columns", columns[i], t.Path.Name)
		}
	}
	return out, nil
}
