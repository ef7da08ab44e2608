package bind

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// createTable checks CREATE TABLE, with LIKE and AS, and stores the table.
func (b *Binder) createTable(s *ast.CreateTable) (*logical.Job, error) {
	p, err := b.cat.Path(s.Name.Strings()...)
	if err != nil {
		return nil, at(s.Name, err)
	}
	if s.Replace && s.As == nil {
		return nil, errAt(s, "REPLACE TABLE needs AS and a query")
	}
	if s.As == nil {
		t, err := b.defineTable(p, s)
		if err != nil {
			return nil, err
		}
		_, err = b.cat.Create(t, mode(s.IfNotExists, false))
		return nil, at(s.Name, err)
	}
	return b.createTableAs(p, s)
}

// defineTable checks CREATE TABLE with its columns or LIKE.
func (b *Binder) defineTable(p catalog.Path, s *ast.CreateTable) (*catalog.Table, error) {
	d := newTableDef(b, p, s)
	if s.Like != nil {
		if err := d.like(s.Like); err != nil {
			return nil, err
		}
	}
	if err := d.schema(s.Schema); err != nil {
		return nil, err
	}
	return d.t, d.rest(s)
}

func newTableDef(b *Binder, p catalog.Path, s *ast.CreateTable) *tableDef {
	return &tableDef{b: b, t: &catalog.Table{Path: p, Options: map[string]string{}, Comment: comment(s.Comment), Temporary: s.Temporary, Pos: posOf(s)}}
}

// createTableAs makes the table of CREATE or REPLACE TABLE … AS, and the job that
// fills it.
func (b *Binder) createTableAs(p catalog.Path, s *ast.CreateTable) (*logical.Job, error) {
	if s.Replace {
		if _, err := b.cat.Table(s.Name.Strings()...); err != nil {
			return nil, hinted(at(s.Name, err), "REPLACE TABLE is of a table that is there; CREATE OR REPLACE TABLE … AS makes one")
		}
	}
	d := newTableDef(b, p, s)
	t := d.t
	filled, err := d.asQuery(s)
	if err != nil {
		return nil, err
	}
	if err := d.rest(s); err != nil {
		return nil, err
	}
	_, err = b.cat.Table(s.Name.Strings()...)
	there := err == nil
	made, err := b.cat.Create(t, mode(s.IfNotExists, s.OrReplace || s.Replace))
	if err != nil || !made {
		return nil, at(s.Name, err)
	}
	ins := &ast.Insert{Source: s.Source, Table: s.Name, Query: s.As}
	targets := t.Persisted()
	if n := len(targets) - len(filled.Schema()); n > 0 {
		targets = targets[n:]
	}
	sink := &logical.Sink{Table: t, Options: t.Options, Overwrite: there, Pos: posOf(s)}
	if sink.Input, err = b.intoSink(ins, t, filled, targets, nil); err != nil {
		return nil, err
	}
	name := b.opts.String(OptName)
	if name == "" {
		name = "insert-into_" + p.String()
	}
	return &logical.Job{Name: name, Roots: []logical.Node{sink}}, nil
}

// A tableDef is a table while its definition is checked.
type tableDef struct {
	b *Binder
	t *catalog.Table
	// overwrite: these may be defined again, by a table made LIKE another.
	inherited map[string]bool
	mayAgain  map[string]bool // GENERATED, METADATA, WATERMARKS, OPTIONS: OVERWRITING
}

// schema adds columns, constraints and the watermark.
func (d *tableDef) schema(s ast.Schema) error {
	for _, c := range s.Columns {
		if err := d.column(c, len(d.t.Columns)); err != nil {
			return err
		}
	}
	d.notNull(s)
	if err := d.compute(); err != nil {
		return err
	}
	if err := d.constraints(s); err != nil {
		return err
	}
	return d.watermarks(s.Watermarks)
}

// notNull makes the columns of the primary key NOT NULL, before the types of
// computed columns depend on it. What is wrong with the key constraints tells.
func (d *tableDef) notNull(s ast.Schema) {
	for _, c := range s.Constraints {
		for _, name := range c.Columns {
			if i := d.t.Column(name.Text); i >= 0 && !c.Unique && d.t.Columns[i].Kind == catalog.Physical {
				d.t.Columns[i].Type.NotNull = true
			}
		}
	}
	for _, c := range s.Columns {
		if i := d.t.Column(c.Name.Last()); i >= 0 && c.Constraint != nil && !c.Constraint.Unique && d.t.Columns[i].Kind == catalog.Physical {
			d.t.Columns[i].Type.NotNull = true
		}
	}
}

// column adds a column at a position; computed ones are typed by compute.
func (d *tableDef) column(c ast.Column, pos int) error {
	if len(c.Name) != 1 {
		return unsupported(c, "changing the field of a ROW column")
	}
	col, err := d.columnOf(c)
	if err != nil {
		return err
	}
	if i := d.t.Column(col.Name); i >= 0 {
		old := d.t.Columns[i]
		what := map[catalog.ColumnKind]string{catalog.Computed: "GENERATED", catalog.Metadata: "METADATA"}[old.Kind]
		if d.inherited[col.Name] && old.Kind == col.Kind && d.mayAgain[what] {
			d.t.Columns[i] = col
			return nil
		}
		return errAt(c, "column '%s' is defined twice", col.Name)
	}
	d.t.Columns = slices.Insert(d.t.Columns, pos, col)
	return nil
}

func (d *tableDef) columnOf(c ast.Column) (catalog.Column, error) {
	col := catalog.Column{Name: c.Name.Last(), Comment: comment(c.Comment), Virtual: c.Virtual}
	switch c.Kind {
	case ast.ColName:
		return col, errAt(c, "column '%s' needs a type", col.Name)
	case ast.ColComputed:
		col.Kind, col.Expr = catalog.Computed, c.Expr
		return col, nil
	case ast.ColMetadata:
		col.Kind = catalog.Metadata
		if c.MetadataKey != nil {
			col.Key = *c.MetadataKey
		}
	}
	var err error
	col.Type, err = dataType(c.Type)
	if err == nil && col.Type.Kind == types.Null {
		err = errAt(c.Type, "a column cannot be of type NULL")
	}
	return col, err
}

// compute types the computed columns. They read physical and metadata columns,
// and computed ones that stand before them.
func (d *tableDef) compute() error {
	for i := range d.t.Columns {
		c := &d.t.Columns[i]
		if c.Kind != catalog.Computed || c.Value != nil {
			continue
		}
		x := exprBinder{b: d.b, sc: d.scope(i), clause: "the computed column '" + c.Name + "'"}
		v, err := x.bind(c.Expr)
		if err != nil {
			return err
		}
		if v.Type.Kind == types.Null {
			return hinted(errAt(c.Expr, "computed column '%s' is a NULL without a type", c.Name), "write CAST(NULL AS type)")
		}
		c.Value, c.Type = v, v.Type
	}
	return nil
}

// scope is what an expression of column i sees: the columns that are stored, and
// the computed ones before it, written out.
func (d *tableDef) scope(i int) *scope {
	rel := &relation{name: d.t.Path.Name}
	sc := &scope{}
	for j, c := range d.t.Columns {
		switch {
		case c.Kind != catalog.Computed:
			t := c.Type
			t.Rowtime = false
			sc.fields = append(sc.fields, field{rel: rel, name: c.Name, expr: expr.Column(j, t)})
		case j < i && c.Value != nil:
			sc.fields = append(sc.fields, field{rel: rel, name: c.Name, expr: c.Value})
		}
	}
	return sc
}

// constraints applies PRIMARY KEY, of the table or of a column.
func (d *tableDef) constraints(s ast.Schema) error {
	for _, c := range s.Columns {
		if c.Constraint != nil {
			if err := d.constraint(*c.Constraint, []ast.Name{c.Name[0]}); err != nil {
				return err
			}
		}
	}
	for _, c := range s.Constraints {
		if err := d.constraint(c, c.Columns); err != nil {
			return err
		}
	}
	return nil
}

func (d *tableDef) constraint(c ast.Constraint, columns []ast.Name) error {
	switch {
	case c.Unique:
		return unsupported(c, "UNIQUE")
	case c.Enforced != ast.NotEnforced:
		return hinted(errAt(c, "a PRIMARY KEY cannot be enforced: Millrace does not own the data"), "write PRIMARY KEY (…) NOT ENFORCED")
	case len(d.t.PrimaryKey) > 0:
		return errAt(c, "table '%s' has two primary keys", d.t.Path.Name)
	}
	for _, name := range columns {
		i := d.t.Column(name.Text)
		switch {
		case i < 0:
			return nearAt(name, name.Text, d.t.ColumnNames(), "unknown column '%s' in PRIMARY KEY", name.Text)
		case d.t.Columns[i].Kind != catalog.Physical:
			return errAt(name, "PRIMARY KEY may only use physical columns, but '%s' is computed or metadata", name.Text)
		case slices.Contains(d.t.PrimaryKey, i):
			return errAt(name, "column '%s' occurs twice in PRIMARY KEY", name.Text)
		}
		d.t.Columns[i].Type.NotNull = true
		d.t.PrimaryKey = append(d.t.PrimaryKey, i)
	}
	d.t.KeyName = c.Name.Text
	return nil
}

// watermarks applies WATERMARK FOR: its column becomes the rowtime.
func (d *tableDef) watermarks(list []ast.Watermark) error {
	if len(list) > 1 {
		return errAt(list[1], "a table can have only one WATERMARK")
	}
	if len(list) == 0 {
		return nil
	}
	w := list[0]
	if d.t.Watermark != nil && !d.mayAgain["WATERMARKS"] {
		return hinted(errAt(w, "table '%s' has a watermark already", d.t.Path.Name), "with LIKE write EXCLUDING WATERMARKS or OVERWRITING WATERMARKS")
	}
	if len(w.Column) > 1 {
		return unsupported(w.Column, "a watermark on the field of a ROW column")
	}
	i := d.t.Column(w.Column[0].Text)
	if i < 0 {
		return nearAt(w.Column, w.Column[0].Text, d.t.ColumnNames(), "unknown column '%s' in WATERMARK", w.Column)
	}
	c := &d.t.Columns[i]
	if !c.Type.Stamp() || c.Type.Prec > 6 {
		return hinted(errAt(w.Column, "the column of a WATERMARK must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p of at most 6, but '%s' is %s", c.Name, c.Type.Name()), watermarkHint(c.Type))
	}
	if c.Type.Proctime {
		return errAt(w.Column, "'%s' is processing time, which needs no WATERMARK", c.Name)
	}
	mark := &catalog.Watermark{Column: i, Expr: w.Expr}
	if call, ok := w.Expr.(*ast.Call); !ok || upper(call.Name) != "SOURCE_WATERMARK" {
		v, err := d.watermark(w)
		if err != nil {
			return err
		}
		mark.Value = v
	}
	d.t.Watermark = mark
	for j := range d.t.Columns {
		d.t.Columns[j].Type.Rowtime = j == i
	}
	return nil
}

func watermarkHint(t types.Type) string {
	switch {
	case t.Integer():
		return "make one with a computed column: ts AS TO_TIMESTAMP_LTZ(epoch_millis, 3)"
	case t.Character():
		return "make one with a computed column: ts AS TO_TIMESTAMP(text)"
	}
	return ""
}

// watermark types the expression; it may read all columns.
func (d *tableDef) watermark(w ast.Watermark) (*expr.Expr, error) {
	sc := &scope{}
	rel := &relation{name: d.t.Path.Name}
	for j, c := range d.t.Columns {
		sc.fields = append(sc.fields, field{rel: rel, name: c.Name, expr: expr.Column(j, c.Type.Plain())})
	}
	x := exprBinder{b: d.b, sc: sc, clause: "WATERMARK"}
	v, err := x.bind(w.Expr)
	if err != nil {
		return nil, err
	}
	if !v.Type.Stamp() || v.Type.Prec > 6 {
		return nil, errAt(w.Expr, "the watermark of '%s' must be a TIMESTAMP or TIMESTAMP_LTZ, not %s", w.Column, v.Type.Name())
	}
	return v, nil
}

// rest applies PARTITIONED BY and the options.
func (d *tableDef) rest(s *ast.CreateTable) error {
	if len(s.PartitionBy) > 0 && len(d.t.PartitionBy) > 0 {
		return hinted(errAt(s.PartitionBy[0], "the table of LIKE is partitioned already"), "write EXCLUDING PARTITIONS")
	}
	for _, name := range s.PartitionBy {
		i := d.t.Column(name.Text)
		switch {
		case i < 0:
			return nearAt(name, name.Text, d.t.ColumnNames(), "unknown column '%s' in PARTITIONED BY", name.Text)
		case d.t.Columns[i].Kind == catalog.Computed:
			return errAt(name, "PARTITIONED BY may not use the computed column '%s'", name.Text)
		case slices.Contains(d.t.PartitionBy, i):
			return errAt(name, "column '%s' occurs twice in PARTITIONED BY", name.Text)
		}
		d.t.PartitionBy = append(d.t.PartitionBy, i)
	}
	if s.Distributed != nil && d.t.Distribution != nil {
		return hinted(errAt(s.Distributed, "the table of LIKE is distributed already"), "write EXCLUDING DISTRIBUTION")
	}
	if s.Distributed != nil {
		if err := d.distribution(s.Distributed); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, o := range s.Options {
		if seen[o.Key] {
			return errAt(o, "option '%s' is given twice", o.Key)
		}
		seen[o.Key] = true
		if _, old := d.t.Options[o.Key]; old && !d.mayAgain["OPTIONS"] {
			return hinted(errAt(o, "the table of LIKE has the option '%s' already", o.Key), "write EXCLUDING OPTIONS or OVERWRITING OPTIONS")
		}
		d.t.Options[o.Key] = o.Value
	}
	if len(d.t.Columns) > 0 {
		return d.b.checkTable(d.t, s.Options, s)
	}
	c := connect.Lookup(d.t.Options["connector"])
	if c == nil || c.Columns == nil {
		return errAt(s, "table '%s' has no columns", d.t.Path.Name)
	}
	if err := d.b.checkTable(d.t, s.Options, s); err != nil {
		return err
	}
	return d.b.foundColumns(d.t, c, s)
}

// foundColumns gives a table the columns that its connector finds.
func (b *Binder) foundColumns(t *catalog.Table, c *connect.Connector, where ast.Node) error {
	schema, err := c.Columns(t.Options)
	if err != nil {
		return errAt(where, "%v", err)
	}
	for _, f := range schema {
		t.Columns = append(t.Columns, catalog.Column{Name: f.Name, Type: f.Type})
	}
	return nil
}

// distribution applies DISTRIBUTED BY.
func (d *tableDef) distribution(s *ast.Distribution) error {
	out := &catalog.Distribution{Kind: s.Kind, Buckets: s.Buckets}
	for _, name := range s.Columns {
		i := d.t.Column(name.Text)
		if i < 0 {
			return nearAt(name, name.Text, d.t.ColumnNames(), "unknown column '%s' in DISTRIBUTED BY", name.Text)
		}
		out.Columns = append(out.Columns, i)
	}
	d.t.Distribution = out
	return nil
}

// asQuery takes the columns of CREATE TABLE … AS from its query.
func (d *tableDef) asQuery(s *ast.CreateTable) (logical.Node, error) {
	r, err := d.b.query(s.As, nil)
	if err != nil {
		return nil, err
	}
	n := uniqueNames(firstColumns(r.node, r.visible))
	names := s.Schema.Columns
	if len(names) > 0 && !slices.ContainsFunc(names, func(c ast.Column) bool { return c.Kind != ast.ColName }) {
		if n, err = reordered(n, names); err != nil {
			return nil, err
		}
	} else {
		// Columns of its own come first; one that the query has too gets the
		// type that is written.
		for _, c := range s.Schema.Columns {
			if err := d.column(c, len(d.t.Columns)); err != nil {
				return nil, err
			}
		}
		d.notNull(s.Schema)
		if err := d.compute(); err != nil {
			return nil, err
		}
	}
	own := len(d.t.Columns)
	var missing []catalog.Column
	for _, f := range n.Schema() {
		if d.t.Column(f.Name) >= 0 && own > 0 {
			continue
		}
		missing = append(missing, catalog.Column{Name: f.Name, Type: f.Type.Plain()})
	}
	d.t.Columns = append(d.t.Columns, missing...)
	if err := d.constraints(s.Schema); err != nil {
		return nil, err
	}
	if err := d.watermarks(s.Schema.Watermarks); err != nil {
		return nil, err
	}
	return d.inOrder(n)
}

// inOrder brings the query's columns into the table's order; a stored column
// that the query has not is NULL.
func (d *tableDef) inOrder(n logical.Node) (logical.Node, error) {
	s := n.Schema()
	var exprs []*expr.Expr
	var names []string
	for _, c := range d.t.Persisted() {
		col := d.t.Columns[c]
		e := expr.NullOf(col.Type.Plain())
		if i := s.Index(col.Name); i >= 0 {
			e = expr.Column(i, s[i].Type)
		} else if col.Type.NotNull {
			return nil, base.Errorf(d.t.Pos, "column '%s' is NOT NULL, but the query has no column of that name", col.Name)
		}
		exprs, names = append(exprs, e), append(names, col.Name)
	}
	return project(n, exprs, names), nil
}

// reordered picks the query's columns by the names of CREATE TABLE t (b, a) AS.
func reordered(n logical.Node, names []ast.Column) (logical.Node, error) {
	s := n.Schema()
	if len(names) != len(s) {
		return nil, errAt(names[0], "CREATE TABLE names %d columns, but its query has %d", len(names), len(s))
	}
	var exprs []*expr.Expr
	var out []string
	for _, c := range names {
		i := s.Index(c.Name.Last())
		if i < 0 {
			return nil, nearAt(c, c.Name.Last(), s.Names(), "the query has no column '%s'", c.Name)
		}
		exprs, out = append(exprs, expr.Column(i, s[i].Type)), append(out, s[i].Name)
	}
	return project(n, exprs, out), nil
}

// checkFunction binds the body of a SQL function over its parameters.
func (b *Binder) checkFunction(s *ast.CreateFunction, f *catalog.Function) error {
	params := map[string]*expr.Expr{}
	for i, p := range f.Params {
		if params[p.Name] != nil {
			return errAt(s.Params[i], "parameter '%s' is defined twice", p.Name)
		}
		params[p.Name] = expr.Column(i, p.Type)
	}
	x := exprBinder{b: b, clause: "the body of function '" + f.Path.Name + "'", params: params}
	e, err := x.bind(s.Body)
	if err != nil {
		return err
	}
	_, err = castTo(s.Body, e, f.Returns)
	return err
}

// like copies another table, by the rules of the LIKE options.
func (d *tableDef) like(l *ast.TableLike) error {
	src, err := d.b.cat.Table(l.Table.Strings()...)
	if err != nil {
		return at(l.Table, err)
	}
	modes := map[string]ast.LikeMode{"OPTIONS": ast.Overwriting}
	for _, what := range []string{"CONSTRAINTS", "DISTRIBUTION", "PARTITIONS", "GENERATED", "WATERMARKS", "METADATA"} {
		modes[what] = ast.Including
	}
	given := map[string]bool{}
	for _, o := range l.Options {
		what := strings.ToUpper(o.What)
		if given[what] {
			return errAt(o, "LIKE says twice what becomes of %s", what)
		}
		given[what] = true
		if o.Mode == ast.Overwriting && slices.Contains([]string{"ALL", "CONSTRAINTS", "PARTITIONS", "DISTRIBUTION"}, what) {
			return errAt(o, "OVERWRITING %s is not possible: write INCLUDING or EXCLUDING %s", what, what)
		}
	}
	for _, o := range l.Options {
		if strings.EqualFold(o.What, "ALL") {
			for what := range modes {
				modes[what] = o.Mode
			}
		}
	}
	for _, o := range l.Options {
		if what := strings.ToUpper(o.What); what != "ALL" {
			modes[what] = o.Mode
		}
	}
	d.inherited, d.mayAgain = map[string]bool{}, map[string]bool{}
	for what, m := range modes {
		d.mayAgain[what] = m == ast.Overwriting
	}
	at := map[int]int{}
	for i, c := range src.Columns {
		if c.Kind == catalog.Computed && modes["GENERATED"] == ast.Excluding || c.Kind == catalog.Metadata && modes["METADATA"] == ast.Excluding {
			continue
		}
		c.Type.Rowtime = false
		at[i] = len(d.t.Columns)
		d.inherited[c.Name] = true
		c.Value = nil
		d.t.Columns = append(d.t.Columns, c)
	}
	if err := d.compute(); err != nil {
		return err
	}
	return d.likeRest(l, src, modes, at)
}

// likeRest copies keys, partitions, options and the watermark.
func (d *tableDef) likeRest(l *ast.TableLike, src *catalog.Table, modes map[string]ast.LikeMode, at map[int]int) error {
	if modes["CONSTRAINTS"] == ast.Including || modes["CONSTRAINTS"] == ast.Overwriting {
		d.t.KeyName = src.KeyName
		for _, c := range src.PrimaryKey {
			d.t.PrimaryKey = append(d.t.PrimaryKey, at[c])
		}
	}
	if modes["DISTRIBUTION"] != ast.Excluding && src.Distribution != nil {
		dist := *src.Distribution
		dist.Columns = nil
		for _, c := range src.Distribution.Columns {
			dist.Columns = append(dist.Columns, at[c])
		}
		d.t.Distribution = &dist
	}
	if modes["PARTITIONS"] != ast.Excluding {
		for _, c := range src.PartitionBy {
			i, ok := at[c]
			if !ok {
				return hinted(errAt(l, "the partition column '%s' is not among the columns that LIKE takes", src.Columns[c].Name), "write EXCLUDING PARTITIONS")
			}
			d.t.PartitionBy = append(d.t.PartitionBy, i)
		}
	}
	if modes["OPTIONS"] != ast.Excluding {
		for k, v := range src.Options {
			d.t.Options[k] = v
		}
	}
	if src.Watermark == nil || modes["WATERMARKS"] == ast.Excluding {
		return nil
	}
	i, ok := at[src.Watermark.Column]
	if !ok {
		return hinted(errAt(l, "the watermark's column '%s' is not among the columns that LIKE takes", src.Columns[src.Watermark.Column].Name), "write EXCLUDING WATERMARKS")
	}
	return d.watermarks([]ast.Watermark{{Pos: l.Pos, Column: ast.Path{{Text: d.t.Columns[i].Name}}, Expr: src.Watermark.Expr}})
}
