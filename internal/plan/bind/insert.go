package bind

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

var conflicts = [...]string{ast.ConflictUnset: "", ast.ConflictNothing: "NOTHING", ast.ConflictError: "ERROR", ast.ConflictDeduplicate: "DEDUPLICATE"}

// insert binds INSERT: the query's columns are put where they belong among the
// table's persisted columns, and cast.
func (b *Binder) insert(s *ast.Insert) (*logical.Sink, error) {
	t, err := b.insertTable(s)
	if err != nil {
		return nil, err
	}
	scan, err := b.scan(t, s.Table, s.Hints)
	if err != nil {
		return nil, err
	}
	if c := connect.Lookup(t.Options["connector"]); s.Overwrite && c != nil && c.Sink != nil && !c.Overwrites {
		return nil, hinted(errAt(s.Table, "INSERT OVERWRITE: connector '%s' of table '%s' cannot replace what is there", c.Name, s.Table), "write INSERT INTO")
	}
	if t.Distribution != nil {
		return nil, hinted(errAt(s.Table, "table '%s' is distributed into buckets, which connector '%s' cannot write", s.Table, t.Options["connector"]), "ALTER TABLE … DROP DISTRIBUTION")
	}
	sink := &logical.Sink{Table: t, Options: scan.Options, Overwrite: s.Overwrite, Conflict: conflicts[s.OnConflict], Pos: posOf(s.Table)}
	static, err := b.partition(s, sink)
	if err != nil {
		return nil, err
	}
	b.nullable = true
	r, err := b.query(s.Query, nil)
	b.nullable = false
	if err != nil {
		return nil, err
	}
	if len(s.Late) > 0 {
		if err := b.lateRows(s, r.node); err != nil {
			return nil, err
		}
	}
	n := firstColumns(r.node, r.visible)
	targets, err := insertTargets(s, t, static)
	if err != nil {
		return nil, err
	}
	if len(targets) != len(n.Schema()) {
		return nil, columnCount(s, t, n.Schema(), targets)
	}
	sink.Input, err = b.intoSink(s, t, n, targets, static)
	return sink, err
}

// insertTable finds the table that an INSERT writes.
func (b *Binder) insertTable(s *ast.Insert) (*catalog.Table, error) {
	if s.Args != nil {
		if upper(s.Table) != stateFunction || len(s.Table) > 1 || connect.Lookup(stateConnector) == nil {
			return nil, hinted(errAt(s.Table, "'%s' is no table function that can be written to", s.Table), "INSERT INTO state('path', 'operator') makes a new savepoint")
		}
		return b.stateTable(&ast.Call{Pos: s.Table.Position(), Name: s.Table, Args: s.Args})
	}
	t, err := b.cat.Table(s.Table.Strings()...)
	if err != nil {
		return nil, at(s.Table, err)
	}
	return t, nil
}

// partition binds PARTITION (c = v): the columns that have one value.
func (b *Binder) partition(s *ast.Insert, sink *logical.Sink) (map[int]*expr.Expr, error) {
	static := map[int]*expr.Expr{}
	t := sink.Table
	for _, p := range s.Partition {
		c := t.Column(p.Column.Text)
		if c < 0 {
			return nil, nearAt(p, p.Column.Text, t.ColumnNames(), "unknown column '%s' in table '%s'", p.Column.Text, t.Path.Name)
		}
		if !slices.Contains(t.PartitionBy, c) {
			return nil, errAt(p, "'%s' is not a partition column of table '%s'", p.Column.Text, t.Path.Name)
		}
		if static[c] != nil {
			return nil, errAt(p, "partition column '%s' is given twice", p.Column.Text)
		}
		if p.Value == nil {
			continue
		}
		v, word, err := b.partitionValue(t, c, p)
		if err != nil {
			return nil, err
		}
		if sink.Static == nil {
			sink.Static = map[int]string{}
		}
		static[c], sink.Static[c] = v, word
	}
	return static, nil
}

// partitionValue binds c = v of a PARTITION clause: the value, and as text.
func (b *Binder) partitionValue(t *catalog.Table, c int, p ast.PartitionValue) (*expr.Expr, string, error) {
	x := exprBinder{b: b}
	v, err := x.constant(p.Value, "the value of partition column '"+p.Column.Text+"'")
	if err != nil {
		return nil, "", err
	}
	if v, err = castTo(p, v, t.Columns[c].Type); err != nil {
		return nil, "", err
	}
	text, err := castTo(p, v, types.TString)
	if err != nil {
		return nil, "", err
	}
	if text, err = expr.Fold(text, b.env); err != nil {
		return nil, "", at(p, err)
	}
	word, ok := text.Value.(string)
	if !ok {
		return nil, "", errAt(p, "the value of partition column '%s' cannot be NULL", p.Column.Text)
	}
	return v, word, nil
}

// insertTargets are the table's columns that the query's columns go to.
func insertTargets(s *ast.Insert, t *catalog.Table, static map[int]*expr.Expr) ([]int, error) {
	var out []int
	if len(s.Columns) == 0 {
		for _, c := range t.Persisted() {
			if static[c] == nil {
				out = append(out, c)
			}
		}
		return out, nil
	}
	for _, name := range s.Columns {
		if len(name) > 1 {
			return nil, unsupported(name, "writing the field of a ROW column")
		}
		c := t.Column(name[0].Text)
		switch {
		case c < 0:
			return nil, nearAt(name, name[0].Text, t.ColumnNames(), "unknown column '%s' in table '%s'", name, t.Path.Name)
		case !slices.Contains(t.Persisted(), c):
			return nil, errAt(name, "column '%s' of table '%s' is computed or virtual and cannot be written", name, t.Path.Name)
		case slices.Contains(out, c):
			return nil, errAt(name, "column '%s' is given twice", name)
		case static[c] != nil:
			return nil, errAt(name, "column '%s' has its value from PARTITION already", name)
		}
		out = append(out, c)
	}
	return out, nil
}

// intoSink casts the query's columns and puts them in the table's order; a
// column that nothing is written to is NULL.
func (b *Binder) intoSink(s *ast.Insert, t *catalog.Table, n logical.Node, targets []int, static map[int]*expr.Expr) (logical.Node, error) {
	in := n.Schema()
	var exprs []*expr.Expr
	var names []string
	same := true
	for i, c := range t.Persisted() {
		col := t.Columns[c]
		want := col.Type.Plain()
		names = append(names, col.Name)
		from := slices.Index(targets, c)
		switch {
		case static[c] != nil:
			exprs, same = append(exprs, static[c]), false
			continue
		case from < 0 && want.NotNull:
			return nil, errAt(s, "column '%s' of table '%s' is NOT NULL and must be given a value", col.Name, t.Path.Name)
		case from < 0 || in[from].Type.Kind == types.Null && !want.NotNull:
			exprs, same = append(exprs, expr.NullOf(want)), false
			continue
		}
		e := expr.Column(from, in[from].Type)
		e.Name = in[from].Name
		if !expr.CanCast(e.Type, want, true) {
			return nil, columnType(s, t, in, from, col)
		}
		if e.Type.Equal(want) {
			// The sink's column is no time attribute, but nothing has to be done
			// for that, and a plain column keeps what is known of keys.
			same = same && from == i && in[from].Name == col.Name
			exprs = append(exprs, e)
			continue
		}
		cast, err := castTo(s.Query, e, want)
		if err != nil {
			return nil, columnType(s, t, in, from, col)
		}
		exprs, same = append(exprs, cast), false
	}
	if same {
		return n, nil
	}
	return project(n, exprs, names), nil
}

// columnCount refuses a query that gives more or fewer columns than are written.
func columnCount(s *ast.Insert, t *catalog.Table, in types.Schema, targets []int) error {
	what := fmt.Sprintf("table '%s' takes", t.Path.Name)
	if len(s.Columns) > 0 {
		what = "the list names"
	}
	err := errAt(s.Query, "the query gives %d columns (%s), but %s %d (%s)", len(in), schemaText(in), what, len(targets), schemaText(targetSchema(t, targets)))
	if len(s.Columns) > 0 || len(in) > len(targets) {
		return err
	}
	return hinted(err, fmt.Sprintf("name the columns that it gives: INSERT INTO %s (…) SELECT …", t.Path.Name))
}

// columnType refuses a column of a query that the table's column cannot take.
func columnType(s *ast.Insert, t *catalog.Table, in types.Schema, from int, col catalog.Column) error {
	at := ast.Node(s.Query)
	if sel, ok := s.Query.Body.(*ast.Select); ok && len(sel.Items) == len(in) { // no '*' among them
		at = sel.Items[from].X
	}
	name := in[from].Name
	if strings.Contains(name, "$") {
		name = fmt.Sprint(from + 1)
	} else {
		name = "'" + name + "'"
	}
	return hinted(errAt(at, "column %s of the query is %s, but column '%s' of table '%s' is %s", name, in[from].Type.Plain(), col.Name, t.Path.Name, col.Type.Plain()),
		"give the columns in the table's order, or CAST this one")
}

func targetSchema(t *catalog.Table, targets []int) types.Schema {
	var out types.Schema
	for _, c := range targets {
		out = append(out, types.Field{Name: t.Columns[c].Name, Type: t.Columns[c].Type})
	}
	return out
}

func schemaText(s types.Schema) string {
	var parts []string
	for _, f := range s {
		text := f.Type.Plain().String()
		if !strings.Contains(f.Name, "$") { // a user's name
			text = f.Name + " " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
