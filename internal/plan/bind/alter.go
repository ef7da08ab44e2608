package bind

import (
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// alter carries out ALTER of a table, view, function, database or catalog.
func (b *Binder) alter(s *ast.Alter) error {
	switch s.Object {
	case ast.ObjTable, ast.ObjView:
	case ast.ObjFunction:
		return b.alterFunction(s)
	case ast.ObjDatabase:
		return b.alterDatabase(s)
	case ast.ObjCatalog:
		return b.alterCatalog(s)
	default:
		return unsupported(s, "ALTER "+s.Object.String())
	}
	o, err := b.cat.Relation(s.Name.Strings()...)
	if err != nil {
		if base.IsUser(err) && s.IfExists && o == nil {
			return nil
		}
		return at(s.Name, err)
	}
	v, isView := o.(*catalog.View)
	switch {
	case isView && s.Object != ast.ObjView:
		return errAt(s.Name, "'%s' is a view; use ALTER VIEW", s.Name)
	case !isView && s.Object == ast.ObjView:
		return errAt(s.Name, "'%s' is a table, not a view", s.Name)
	}
	if r, ok := s.Action.(*ast.RenameTo); ok {
		to := catalog.Path{Catalog: o.ObjectPath().Catalog, Database: o.ObjectPath().Database, Name: r.To.Last()}
		if len(r.To) > 1 {
			if to, err = b.cat.Path(r.To.Strings()...); err != nil {
				return at(r.To, err)
			}
		}
		return at(r, b.cat.Rename(o, to))
	}
	if isView {
		return b.alterView(s, v)
	}
	return b.alterTable(s, o.(*catalog.Table))
}

func (b *Binder) alterFunction(s *ast.Alter) error {
	a, ok := s.Action.(*ast.SetFunction)
	switch {
	case !ok:
		return unsupported(s.Action, "this action of ALTER FUNCTION")
	case s.System:
		return errAt(s, "Alter temporary system function is not supported")
	}
	old, err := b.cat.Function(s.Name.Strings()...)
	if err != nil {
		return at(s.Name, err)
	}
	if old == nil || old.System || old.Temporary != s.Temporary {
		if s.IfExists {
			return nil
		}
		return nearAt(s.Name, s.Name.Last(), b.cat.FunctionNames(), "unknown function '%s'", s.Name)
	}
	n, err := b.defineFunction(old.Path, &ast.CreateFunction{Source: s.Source, Name: s.Name, Temporary: s.Temporary, Class: a.Class, Language: a.Language})
	if err != nil {
		return err
	}
	return at(s.Name, b.cat.Replace(n, old))
}

func (b *Binder) alterDatabase(s *ast.Alter) error {
	d, cat, name, err := b.cat.Database(s.Name.Strings())
	if err != nil {
		return at(s.Name, err)
	}
	if d.Options, err = alteredOptions(d.Options, s.Action, "DATABASE"); err != nil {
		return err
	}
	return at(s.Name, b.cat.AlterDatabase(cat, name, d))
}

func (b *Binder) alterCatalog(s *ast.Alter) error {
	d, err := b.cat.Definition(s.Name.Last())
	if err != nil {
		return at(s.Name, err)
	}
	if c, ok := s.Action.(*ast.SetComment); ok {
		d.Comment = c.Comment
	} else if d.Options, err = alteredOptions(d.Options, s.Action, "CATALOG"); err != nil {
		return err
	}
	return at(s.Action, b.cat.Redefine(s.Name.Last(), d))
}

// alteredOptions returns a copy of options after SET or RESET.
func alteredOptions(options map[string]string, a ast.AlterAction, what string) (map[string]string, error) {
	out := map[string]string{}
	maps.Copy(out, options)
	switch a := a.(type) {
	case *ast.SetOptions:
		for _, o := range a.Options {
			out[o.Key] = o.Value
		}
	case *ast.ResetOptions:
		if len(a.Keys) == 0 {
			return nil, errAt(a, "ALTER %s … RESET needs at least one option", what)
		}
		for _, k := range a.Keys {
			delete(out, k)
		}
	default:
		return nil, unsupported(a, "this action of ALTER "+what)
	}
	return out, nil
}

func (b *Binder) alterView(s *ast.Alter, v *catalog.View) error {
	q, ok := s.Action.(*ast.SetQuery)
	if !ok {
		return unsupported(s.Action, "this action of ALTER VIEW")
	}
	n := *v
	n.Query, n.Columns = q.Query, nil
	n.Catalog, n.Database = b.cat.Current()
	var err error
	if n.Schema, n.Names, err = b.viewBody(q.Query); err != nil {
		return err
	}
	return at(s.Name, b.cat.Replace(&n, v))
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
		t.Options, err = alteredOptions(t.Options, a, "TABLE")
	case *ast.ResetOptions:
		if slices.Contains(a.Keys, "connector") {
			return errAt(a, "the option 'connector' cannot be reset")
		}
		t.Options, err = alteredOptions(t.Options, a, "TABLE")
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
	case *ast.DropConstraint:
		if len(t.PrimaryKey) == 0 || t.KeyName != a.Name.Text {
			return nearAt(a, a.Name.Text, []string{t.KeyName}, "table '%s' has no constraint '%s'", t.Path.Name, a.Name.Text)
		}
		t.PrimaryKey, t.KeyName = nil, ""
	case *ast.AddDistribution:
		if t.Distribution != nil {
			return hinted(errAt(a, "table '%s' has a distribution already", t.Path.Name), "change it with MODIFY DISTRIBUTION")
		}
		err = d.distribution(a.Distribution)
	case *ast.ModifyDistribution:
		if t.Distribution == nil {
			return hinted(errAt(a, "table '%s' has no distribution", t.Path.Name), "give it one with ADD DISTRIBUTION")
		}
		err = d.distribution(a.Distribution)
	case *ast.DropDistribution:
		if t.Distribution == nil {
			return errAt(a, "table '%s' has no distribution", t.Path.Name)
		}
		t.Distribution = nil
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
	t.Stats = keptStats(s.Action, old.Stats)
	return at(s.Name, b.cat.Replace(&t, old))
}

// keptStats are a table's statistics after an ALTER: other options may lead to
// other rows, and columns have other values.
func keptStats(a ast.AlterAction, s *catalog.Stats) *catalog.Stats {
	switch a.(type) {
	case *ast.DropPrimaryKey, *ast.DropConstraint, *ast.DropWatermark, *ast.AddDistribution, *ast.ModifyDistribution, *ast.DropDistribution:
		return s
	}
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
		if len(d.t.PrimaryKey) == 0 {
			return hinted(errAt(s.Constraints[0], "table '%s' has no primary key to change", d.t.Path.Name), "add one with ALTER TABLE … ADD PRIMARY KEY")
		}
		d.t.PrimaryKey = nil
	}
	if len(s.Watermarks) > 0 {
		if d.t.Watermark == nil {
			return hinted(errAt(s.Watermarks[0], "table '%s' has no watermark to change", d.t.Path.Name), "add one with ALTER TABLE … ADD WATERMARK")
		}
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
	var buckets []string
	if d.t.Distribution != nil {
		buckets = names(d.t.Distribution.Columns)
	}
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
	if d.t.Distribution != nil {
		dist := *d.t.Distribution
		dist.Columns = positions(buckets)
		d.t.Distribution = &dist
	}
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
		switch {
		case slices.Contains(d.t.PrimaryKey, i):
			return errAt(name, "column '%s' is part of the primary key", name)
		case slices.Contains(d.t.PartitionBy, i):
			return errAt(name, "column '%s' is a partition column", name)
		case d.t.Distribution != nil && slices.Contains(d.t.Distribution.Columns, i):
			return errAt(name, "column '%s' is a column of the distribution", name)
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
