package bind

import (
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// lateRows binds EMIT LATE INTO t: what the query's aggregate by window drops is
// written to t, whose columns are found by their names among those of the window's
// input, window_start and window_end.
func (b *Binder) lateRows(s *ast.Insert, query logical.Node) error {
	t, err := b.cat.Table(s.Late.Strings()...)
	if err != nil {
		return at(s.Late, err)
	}
	scan, err := b.scan(t, s.Late, nil)
	if err != nil {
		return err
	}
	a := topAggregate(query)
	if a == nil {
		return errAt(s.Late, "EMIT LATE INTO needs a query that groups rows by a window: only its aggregation drops late rows")
	}
	in, cols := carried(a.Input, a.Window == nil)
	if cols == nil {
		return errAt(s.Late, "EMIT LATE INTO needs a query that groups the rows of a window table function by window_start and window_end")
	}
	schema, names := types.Schema{}, []string{}
	var have []int // by column of schema: of the input
	for i, c := range cols {
		f := in.Schema()[c]
		schema, names, have = append(schema, types.Field{Name: f.Name, Type: f.Type.Plain().Nullable(true)}), append(names, f.Name), append(have, cols[i])
	}
	bound := types.TimestampOf(3).Nullable(true)
	schema = append(schema, types.Field{Name: "window_start", Type: bound}, types.Field{Name: "window_end", Type: bound})
	names = append(names, "window_start", "window_end")

	sink := &logical.Sink{Table: t, Options: scan.Options, Pos: posOf(s.Late)}
	exprs, err := b.lateColumns(s, sink, schema, names)
	if err != nil {
		return err
	}
	late := &logical.LateRows{Sink: sink}
	place := map[int]int{}
	for _, e := range exprs { // only what is written is carried along
		for _, c := range expr.Columns(e) {
			if _, ok := place[c]; !ok && c < len(have) {
				place[c] = len(late.Cols)
				late.Cols = append(late.Cols, have[c])
			}
		}
	}
	for _, e := range exprs {
		late.Exprs = append(late.Exprs, expr.Remap(e, func(c int) int {
			if c < len(have) {
				return place[c]
			}
			return len(late.Cols) + c - len(have)
		}))
	}
	a.Input, a.Late = in, late
	return nil
}

// lateColumns are the columns of the table of late rows, over a schema.
func (b *Binder) lateColumns(s *ast.Insert, sink *logical.Sink, schema types.Schema, names []string) ([]*expr.Expr, error) {
	t := sink.Table
	var targets []int
	var from []*expr.Expr
	var taken types.Schema
	for _, c := range t.Persisted() {
		i := schema.Index(t.Columns[c].Name)
		if i < 0 {
			return nil, nearAt(s.Late, t.Columns[c].Name, names, "late rows have no column '%s', which table '%s' has; they have %s",
				t.Columns[c].Name, t.Path.Name, strings.Join(names, ", "))
		}
		targets, taken = append(targets, c), append(taken, schema[i])
		from = append(from, expr.Column(i, schema[i].Type))
	}
	for i, c := range targets { // a late row has all that the row had: no column of it is NULL that was not
		if t.Columns[c].Type.NotNull {
			taken[i].Type = taken[i].Type.Nullable(false)
		}
	}
	in := &logical.Values{Out: taken}
	as := &ast.Insert{Source: s.Source, Table: s.Late, Query: s.Query}
	n, err := b.intoSink(as, t, in, targets, nil)
	if err != nil {
		return nil, err
	}
	if p, ok := n.(*logical.Project); ok {
		for i, e := range p.Exprs {
			p.Exprs[i] = expr.Remap(e, func(c int) int { return from[c].Index })
		}
		return p.Exprs, nil
	}
	return from, nil
}

// topAggregate is the aggregate that a query's result is made of, one row of it for
// each row.
func topAggregate(n logical.Node) *logical.Aggregate {
	for {
		switch x := n.(type) {
		case *logical.Aggregate:
			return x
		case *logical.Project, *logical.Filter, *logical.Sort, *logical.Over:
			n = x.Inputs()[0]
		default:
			return nil
		}
	}
}

// carried gives a relation all columns of what is below its filters and
// projections: of the window table function's input, or of the input of a group
// window. It returns where they are, nil if there is no such thing.
func carried(n logical.Node, tvf bool) (logical.Node, []int) {
	switch x := n.(type) {
	case *logical.WindowTVF:
		if tvf {
			return x, upToCols(len(x.Input.Schema()))
		}
	case *logical.Filter:
		in, cols := carried(x.Input, tvf)
		if cols != nil {
			return &logical.Filter{Input: in, Cond: x.Cond}, cols
		}
	case *logical.Project:
		in, cols := carried(x.Input, tvf)
		if cols == nil {
			return n, nil
		}
		out := &logical.Project{Input: in, Exprs: append([]*expr.Expr(nil), x.Exprs...), Out: append(types.Schema(nil), x.Out...)}
		s := in.Schema()
		at := make([]int, len(cols))
		for i, c := range cols {
			at[i] = len(out.Out)
			out.Exprs, out.Out = append(out.Exprs, expr.Column(c, s[c].Type)), append(out.Out, s[c])
		}
		return out, at
	}
	if tvf {
		return n, nil
	}
	return n, upToCols(len(n.Schema()))
}

func upToCols(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
