package physical

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// windowAgg makes an aggregate by window: in two phases by default, as Flink
// does for windows by event time that are cut alike for all keys. Sessions, and
// windows that the rows bring, have no slices and are in one.
func (b *builder) windowAgg(n *logical.Aggregate, f flow) (flow, error) {
	if err := b.tellsOnce(n); err != nil {
		return f, err
	}
	if n.Window.Time < 0 && len(n.Keys) == 0 && n.Sets == nil {
		return b.attachedWindowAgg(n, f)
	}
	if n.Sets == nil {
		return b.oneWindowAgg(n, f, n.Keys, n.Out)
	}
	f, keys := b.groupingSets(n, f)
	out, project := setsOutput(n)
	f, err := b.oneWindowAgg(n, f, keys, out)
	if err != nil {
		return f, err
	}
	return b.calc(n, f, nil, project, n.Out), nil
}

// attachedWindowAgg groups rows that bring their windows, and have no other keys,
// by the window's end, so that windows are spread over the subtasks. The end then
// is a key instead of a property.
func (b *builder) attachedWindowAgg(n *logical.Aggregate, f flow) (flow, error) {
	var props []jobgraph.WindowProp
	out := types.Schema{f.schema[n.Window.End]}
	out = append(out, n.Out[:len(n.Aggs)]...)
	project := make([]*expr.Expr, len(n.Out))
	for i := range n.Aggs {
		project[i] = expr.Column(1+i, n.Out[i].Type)
	}
	for i, p := range n.Props {
		at := len(n.Aggs) + i
		if p == jobgraph.WindowEnd {
			out[0].Type = n.Out[at].Type
			project[at] = expr.Column(0, n.Out[at].Type)
			continue
		}
		props = append(props, p)
		project[at] = expr.Column(len(out), n.Out[at].Type)
		out = append(out, n.Out[at])
	}
	by := *n
	by.Props = props
	b.paths[&by] = b.paths[n]
	f, err := b.oneWindowAgg(&by, f, []int{n.Window.End}, out)
	if err != nil {
		return f, err
	}
	return b.calc(n, f, nil, project, n.Out), nil
}

func (b *builder) oneWindowAgg(n *logical.Aggregate, f flow, keys []int, out types.Schema) (flow, error) {
	spec := &jobgraph.WindowAgg{Window: b.window(*n.Window, f.schema), Keys: keys, Aggs: calls(n), Props: n.Props,
		Retracts: !f.kinds.Append(), InputTypes: f.schema.Types()}
	hash := upTo(len(keys))
	d := hashed(keys)
	w := spec.Window
	if n.Emit != nil {
		emit, info := *n.Emit, b.changes.Info(n)
		emit.SendBefore = info.Before()
		spec.Emit = &emit
		return b.apply(b.op(n, "", spec, out, f.schema), info.Kinds, hash, input{flow: f, dist: d}), nil
	}
	if n.Late != nil {
		return b.lateWindowAgg(n, f, spec, out)
	}
	one := b.set.phase == "ONE_PHASE" || b.opts.Verify || w.Proctime || w.WKind == jobgraph.Session || w.Time < 0 ||
		!splits(spec.Aggs) || w.WKind == jobgraph.Hop && w.Size%w.Slide != 0 ||
		b.satisfiedAll(f, d)
	if one {
		return b.apply(b.op(n, "", spec, out, f.schema), changelog.InsertOnly, hash, input{flow: f, dist: d}), nil
	}
	partial, err := agg.PartialTypes(spec.Aggs, spec.Retracts)
	if err != nil {
		return f, base.Errorf(n.Pos, "%v", err)
	}
	mid := partialSchema(f.schema, spec.Keys, partial)
	mid = append(mid, types.Field{Name: "$slice_end", Type: types.TBigInt.Nullable(false)})
	local := *spec
	local.Phase, local.Props = jobgraph.Local, nil
	lf := b.apply(b.op(n, "Local", &local, mid, f.schema), changelog.InsertOnly, nil, input{flow: f, dist: anyhow})
	global := *spec
	global.Phase, global.Keys, global.InputTypes = jobgraph.Global, hash, mid.Types()
	return b.apply(b.op(n, "", &global, out, mid), changelog.InsertOnly, hash, input{flow: lf, dist: hashed(hash)}), nil
}

// tellsOnce refuses options about when results are told for the windows that they do
// not apply to: those of window functions.
func (b *builder) tellsOnce(n *logical.Aggregate) error {
	key := optEarly
	if !b.set.early {
		key = optLate
	}
	if b.opts.Batch || n.Emit != nil || !b.set.early && (!b.set.late || n.Window.Proctime) {
		return nil
	}
	e := base.Errorf(n.Pos, "'%s' is set, and applies to TUMBLE and HOP in GROUP BY, not to the window functions in FROM: those tell a result once, when the window is complete", key)
	e.Hint = "write GROUP BY TUMBLE(…) instead, or RESET '" + key + "' before this statement"
	return e
}
