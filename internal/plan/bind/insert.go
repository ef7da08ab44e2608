package bind

import (
	"fmt"
	"slices"
	"strings"

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
	t, err := b.cat.Table(s.Table.Strings()...)
	if err != nil {
		return nil, at(s.Table, err)
	}
	scan, err := b.scan(t, s.Table, s.Hints)
	if err != nil {
		return nil, err
	}
	if t.Distribution != nil {
		return nil, hinted(errAt(s.Table, "table '%s' is distributed into buckets, which connector '%s' cannot write", s.Table, t.Options["connector"]), "ALTER TABLE … DROP DISTRIBUTION")
	}
	sink := &logical.Sink{Table: t, Options: scan.Options, Overwrite: s.Overwrite, Conflict: conflicts[s.OnConflict], Pos: posOf(s)}
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
		return nil, mismatch(s, t, n.Schema(), targets, "Different number of columns.")
	}
	sink.Input, err = b.intoSink(s, t, n, targets, static)
	return sink, err
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
			return nil, mismatch(s, t, in, targets, fmt.Sprintf("Incompatible types for sink column '%s' at position %d.", col.Name, from+1))
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
			return nil, mismatch(s, t, in, targets, fmt.Sprintf("Incompatible types for sink column '%s' at position %d.", col.Name, from+1))
		}
		exprs, same = append(exprs, cast), false
	}
	if same {
		return n, nil
	}
	return project(n, exprs, names), nil
}

// mismatch is Flink's message for a query that does not fit a table.
func mismatch(s *ast.Insert, t *catalog.Table, in types.Schema, targets []int, cause string) error {
	var sink types.Schema
	for _, c := range targets {
		sink = append(sink, types.Field{Name: t.Columns[c].Name, Type: t.Columns[c].Type})
	}
	return errAt(s, "Column types of query result and sink for '%s' do not match.\nCause: %s\n\nQuery schema: [%s]\nSink schema:  [%s]",
		t.Path, cause, schemaText(in), schemaText(sink))
}

func schemaText(s types.Schema) string {
	var parts []string
	for _, f := range s {
		parts = append(parts, f.Name+": "+f.Type.String())
	}
	return strings.Join(parts, ", ")
}
