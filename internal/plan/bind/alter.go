package bind

import (
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// alter carries out ALTER TABLE and ALTER VIEW.
func (b *Binder) alter(s *ast.Alter) error {
	if s.Object != ast.ObjTable && s.Object != ast.ObjView {
		return unsupported(s, "ALTER "+s.Object.String())
	}
	o, err := b.cat.Relation(s.Name.Strings()...)
	if s.IfExists && o == nil {
		return nil
	}
	if err != nil {
		return at(s.Name, err)
	}
	if r, ok := s.Action.(*ast.RenameTo); ok {
		return at(r, b.cat.Rename(o, r.To.Last()))
	}
	if v, ok := o.(*catalog.View); ok {
		return b.alterView(s, v)
	}
	if s.Object == ast.ObjView {
		return errAt(s.Name, "'%s' is a table, not a view", s.Name)
	}
	return b.alterTable(s, o.(*catalog.Table))
}

func (b *Binder) alterView(s *ast.Alter, v *catalog.View) error {
	if s.Object != ast.ObjView {
		return errAt(s.Name, "'%s' is a view; use ALTER VIEW", s.Name)
	}
	q, ok := s.Action.(*ast.SetQuery)
	if !ok {
		return unsupported(s.Action, "this action of ALTER VIEW")
	}
	n := *v
	n.Query, n.Columns = q.Query, nil
	n.Text = b.text(q.Query.Span())
	n.Catalog, n.Database = b.cat.Current()
	r, err := b.query(q.Query, nil)
	if err != nil {
		return err
	}
	n.Schema = r.schema()
	b.cat.Replace(&n)
	return nil
}

// alterTable changes a copy of the table, checks it as if it were new, and
// stores it.
func (b *Binder) alterTable(s *ast.Alter, old *catalog.Table) error {
	t := *old
	t.Columns, t.Options = slices.Clone(old.Columns), maps.Clone(old.Options)
	t.PrimaryKey, t.PartitionBy = slices.Clone(old.PrimaryKey), slices.Clone(old.PartitionBy)
	d := &tableDef{b: b, t: &t}
	var written []ast.Option
	var err error
	switch a := s.Action.(type) {
	case *ast.SetOptions:
		written = a.Options
		for _, o := range a.Options {
			t.Options[o.Key] = o.Value
		}
	case *ast.ResetOptions:
		for _, k := range a.Keys {
			if k == "connector" {
				return errAt(a, "the option 'connector' cannot be reset")
			}
			delete(t.Options, k)
		}
	case *ast.SetComment:
		t.Comment = a.Comment
	case *ast.AddSchema:
		err = d.addSchema(a.Schema)
	case *ast.ModifySchema:
		err = d.modifySchema(a.Schema)
	case *ast.RenameColumn:
		err = d.renameColumn(a)
	case *ast.DropColumns:
		err = d.dropColumns(a)
	case *ast.DropPrimaryKey:
		if len(t.PrimaryKey) == 0 {
			return errAt(a, "table '%s' has no primary key", t.Path.Name)
		}
		t.PrimaryKey, t.KeyName = nil, ""
	case *ast.DropWatermark:
		if t.Watermark == nil {
			return errAt(a, "table '%s' has no watermark", t.Path.Name)
		}
		d.clearWatermark()
	default:
		return unsupported(a, "this action of ALTER TABLE")
	}
	if err != nil {
		return err
	}
	if err := b.checkTable(&t, written, s.Action); err != nil {
		return err
	}
	b.cat.Replace(&t)
	return nil
}

func (d *tableDef) clearWatermark() {
	d.t.Watermark = nil
	for i := range d.t.Columns {
		d.t.Columns[i].Type.Rowtime = false
	}
}

// place is where FIRST or AFTER puts a column.
func (d *tableDef) place(c ast.Column) (int, error) {
	switch {
	case c.First:
		return 0, nil
	case len(c.After) > 0:
		i := d.t.Column(c.After.Last())
		if i < 0 {
			return 0, nearAt(c.After, c.After.Last(), d.t.ColumnNames(), "unknown column '%s' in table '%s'", c.After, d.t.Path.Name)
		}
		return i + 1, nil
	}
	return len(d.t.Columns), nil
}

// addSchema adds columns, a key and a watermark. Positions that the table's
// parts hold are found again by name, since columns may move.
func (d *tableDef) addSchema(s ast.Schema) error {
	return d.rebuilt(func() error {
		for _, c := range s.Columns {
			pos, err := d.place(c)
			if err != nil {
				return err
			}
			if err := d.column(c, pos); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		if err := d.constraints(s); err != nil {
			return err
		}
		return d.watermarks(s.Watermarks)
	})
}

func (d *tableDef) modifySchema(s ast.Schema) error {
	if len(s.Constraints) > 0 {
		d.t.PrimaryKey = nil
	}
	if len(s.Watermarks) > 0 {
		d.clearWatermark()
	}
	return d.rebuilt(func() error {
		for _, c := range s.Columns {
			i := d.t.Column(c.Name.Last())
			if i < 0 {
				return nearAt(c, c.Name.Last(), d.t.ColumnNames(), "unknown column '%s' in table '%s'", c.Name, d.t.Path.Name)
			}
			d.t.Columns = slices.Delete(d.t.Columns, i, i+1)
			pos := i
			if c.First || len(c.After) > 0 {
				var err error
				if pos, err = d.place(c); err != nil {
					return err
				}
			}
			if err := d.column(c, pos); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		if err := d.constraints(s); err != nil {
			return err
		}
		return d.watermarks(s.Watermarks)
	})
}

// rebuilt changes columns, then finds key, partitions, watermark and computed
// columns again in the new order, and then does the rest.
func (d *tableDef) rebuilt(change, then func() error) error {
	names := func(list []int) (out []string) {
		for _, c := range list {
			out = append(out, d.t.Columns[c].Name)
		}
		return out
	}
	key, parts := names(d.t.PrimaryKey), names(d.t.PartitionBy)
	mark := d.t.Watermark
	timeName := ""
	if mark != nil {
		timeName = d.t.Columns[mark.Column].Name
	}
	if err := change(); err != nil {
		return err
	}
	positions := func(list []string) (out []int) {
		for _, n := range list {
			if i := d.t.Column(n); i >= 0 {
				out = append(out, i)
			}
		}
		return out
	}
	d.t.PrimaryKey, d.t.PartitionBy = positions(key), positions(parts)
	for _, c := range d.t.PrimaryKey {
		d.t.Columns[c].Type.NotNull = true
	}
	d.clearWatermark()
	for i := range d.t.Columns {
		d.t.Columns[i].Value = nil
	}
	if err := d.compute(); err != nil {
		return err
	}
	if mark != nil {
		if err := d.watermarks([]ast.Watermark{{Column: ast.Path{{Text: timeName}}, Expr: mark.Expr}}); err != nil {
			return err
		}
	}
	return then()
}

func (d *tableDef) renameColumn(a *ast.RenameColumn) error {
	i, err := d.free(a.From)
	if err != nil {
		return err
	}
	if d.t.Column(a.To.Last()) >= 0 {
		return errAt(a.To, "column '%s' exists already", a.To)
	}
	d.t.Columns[i].Name = a.To.Last()
	return nil
}

// free finds a column that nothing else in the table refers to by name.
func (d *tableDef) free(name ast.Path) (int, error) {
	i := d.t.Column(name.Last())
	if i < 0 {
		return 0, nearAt(name, name.Last(), d.t.ColumnNames(), "unknown column '%s' in table '%s'", name, d.t.Path.Name)
	}
	for j, c := range d.t.Columns {
		if c.Value != nil && j != i && reads(c.Value, i) {
			return 0, errAt(name, "column '%s' is read by the computed column '%s'", name, c.Name)
		}
	}
	if w := d.t.Watermark; w != nil && (w.Column == i || w.Value != nil && reads(w.Value, i)) {
		return 0, errAt(name, "column '%s' is used by the watermark", name)
	}
	return i, nil
}

func (d *tableDef) dropColumns(a *ast.DropColumns) error {
	for _, name := range a.Columns {
		i, err := d.free(name)
		if err != nil {
			return err
		}
		if slices.Contains(d.t.PrimaryKey, i) || slices.Contains(d.t.PartitionBy, i) {
			return errAt(name, "column '%s' is part of the primary key or of the partitions", name)
		}
		if err := d.rebuilt(func() error { d.t.Columns[i].Name = ""; return nil }, func() error { return nil }); err != nil {
			return err
		}
		if err := d.rebuilt(func() error { d.t.Columns = slices.Delete(d.t.Columns, i, i+1); return nil }, func() error { return nil }); err != nil {
			return err
		}
	}
	if len(d.t.Columns) == 0 {
		return errAt(a, "a table needs at least one column")
	}
	return nil
}

func reads(e *expr.Expr, col int) bool { return slices.Contains(expr.Columns(e), col) }
