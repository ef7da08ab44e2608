package physical

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// lateWindowAgg makes an aggregate by window whose late rows go into a table. The
// operator emits both, and two Calcs take them apart: so a row is in one of the two
// results, by the one watermark that decides, and both are committed together.
//
//	… ── hash ── WindowAgg ─┬─ Calc(NOT late) ── …
//	                        └─ Calc(late) ── Sink
func (b *builder) lateWindowAgg(n *logical.Aggregate, f flow, spec *jobgraph.WindowAgg, out types.Schema) (flow, error) {
	late := n.Late
	spec.Late, spec.LateIn, spec.LateOut = true, late.Cols, out.Types()
	both := make(types.Schema, len(out))
	var results []*expr.Expr
	for i, c := range out {
		both[i] = types.Field{Name: c.Name, Type: c.Type.Nullable(true)}
		results = append(results, expr.Column(i, c.Type))
	}
	mark := expr.Column(len(both), types.TBoolean.Nullable(false))
	both = append(both, types.Field{Name: "late$", Type: mark.Type})
	at := len(both)
	for _, c := range late.Cols {
		col := f.schema[c]
		col.Type = col.Type.Plain().Nullable(true)
		both = append(both, col)
	}
	bound := types.TimestampOf(3).Nullable(true)
	both = append(both, types.Field{Name: "window_start", Type: bound}, types.Field{Name: "window_end", Type: bound})

	d := hashed(spec.Keys)
	res := b.apply(b.op(n, "", spec, both, f.schema), changelog.InsertOnly, nil, input{flow: f, dist: d})
	b.seal(res)
	if err := b.lateSink(n, res, mark, at); err != nil {
		return f, err
	}
	not := &expr.Expr{Op: expr.Call, Func: "NOT", Args: []*expr.Expr{mark}, Type: mark.Type}
	return b.calc(n, res, not, results, out), nil
}

// lateSink writes the late rows, whose columns begin at at.
func (b *builder) lateSink(n *logical.Aggregate, f flow, mark *expr.Expr, at int) error {
	sink := n.Late.Sink
	b.paths[sink] = b.paths[n] + "/Late"
	table := logical.SinkTable(sink)
	if sink.Options["connector"] == "" {
		return base.Errorf(sink.Pos, "Table '%s' does not contain the 'connector' option", sink.Table.Path.Name)
	}
	var project []*expr.Expr
	for _, e := range n.Late.Exprs {
		project = append(project, expr.Remap(e, func(c int) int { return at + c }))
	}
	rows := b.calc(sink, f, mark, project, table.Schema)
	par, err := parallelism(sink.Options, "sink.parallelism", b.parallelism(rows), sink.Pos)
	if err != nil {
		return err
	}
	b.write(sink, rows, anyhow, par)
	return nil
}
