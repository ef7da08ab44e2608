package physical

import (
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/cost"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

func (b *builder) aggregate(n *logical.Aggregate) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	if err := retractable(n, f); err != nil {
		return f, err
	}
	if n.Window != nil {
		return b.windowAgg(n, f)
	}
	info := b.changes.Info(n)
	keys := n.Keys
	if n.Sets != nil {
		f, keys = b.groupingSets(n, f)
	}
	spec := &jobgraph.GroupAgg{Keys: keys, Aggs: calls(n), Retracts: !f.kinds.Append(), SendBefore: info.Before(),
		TTLMs: b.set.ttlMs, InputTypes: f.schema.Types()}
	if n.TTL != "" {
		d, err := connect.ParseDuration(n.TTL)
		if err != nil {
			return f, base.Errorf(n.Pos, "hint STATE_TTL: %v", err)
		}
		spec.TTLMs = d.Milliseconds()
	}
	if b.opts.Batch {
		spec.Emit, spec.TTLMs = jobgraph.AtEnd, 0
	} else if b.set.miniBatch {
		spec.Fold, spec.FoldRows, spec.FoldMs = true, b.set.batchRows, b.set.latencyMs
	}
	out := n.Out
	project := []*expr.Expr(nil)
	if n.Sets != nil { // the grouping id moves from the keys' end to the output's
		out, project = setsOutput(n)
	}
	f, err = b.groupAgg(n, f, spec, out, info.Kinds)
	if err != nil || project == nil {
		return f, err
	}
	return b.calc(n, f, nil, project, n.Out), nil
}

// groupAgg makes one aggregate, or a local one, an exchange and a global one.
func (b *builder) groupAgg(n *logical.Aggregate, f flow, spec *jobgraph.GroupAgg, out types.Schema, kinds changelog.Kinds) (flow, error) {
	hash := upTo(len(spec.Keys))
	two := b.opts.Batch || b.set.miniBatch
	if b.set.phase == "AUTO" && b.opts.Batch && b.opts.Parallelism > 1 {
		two = !cost.ManyGroups(n)
	}
	if b.set.phase == "ONE_PHASE" || !two || !splits(spec.Aggs) || b.satisfiedAll(f, hashed(spec.Keys)) {
		op := b.op(n, "", spec, out, f.schema)
		return b.apply(op, kinds, hash, input{flow: f, dist: hashed(spec.Keys)}), nil
	}
	partial, err := agg.PartialTypes(spec.Aggs, spec.Retracts)
	if err != nil {
		return f, base.Errorf(n.Pos, "%v", err)
	}
	mid := partialSchema(f.schema, spec.Keys, partial)
	local := *spec
	local.Phase, local.TTLMs, local.SendBefore = jobgraph.Local, 0, false
	lf := b.apply(b.op(n, "Local", &local, mid, f.schema), changelog.InsertOnly, nil, input{flow: f, dist: anyhow})
	global := *spec
	global.Phase, global.Keys, global.InputTypes = jobgraph.Global, hash, mid.Types()
	return b.apply(b.op(n, "", &global, out, mid), kinds, hash, input{flow: lf, dist: hashed(hash)}), nil
}

// splits reports whether a local phase can prepare these calls: it hands over
// accumulators and sets of values, and the order of ORDER BY is not in them.
func splits(aggs []jobgraph.AggCall) bool {
	return !slices.ContainsFunc(aggs, func(a jobgraph.AggCall) bool { return len(a.Order) > 0 })
}

func (b *builder) satisfiedAll(f flow, d dist) bool {
	par := b.width([]input{{flow: f, dist: d}})
	return !slices.ContainsFunc(f.parts, func(p part) bool { return !b.satisfied(p, d, par) })
}

func partialSchema(in types.Schema, keys []int, partial []types.Type) types.Schema {
	var out types.Schema
	for _, k := range keys {
		out = append(out, in[k])
	}
	for i, t := range partial {
		out = append(out, types.Field{Name: "acc$" + itoa(i), Type: t})
	}
	return out
}

func calls(n *logical.Aggregate) []jobgraph.AggCall {
	out := make([]jobgraph.AggCall, len(n.Aggs))
	for i, a := range n.Aggs {
		out[i] = a.AggCall
	}
	return out
}

// groupingSets puts every row out once for each set: behind its columns the keys,
// NULL those that are not in the set, and the grouping id.
func (b *builder) groupingSets(n *logical.Aggregate, f flow) (flow, []int) {
	out := slices.Clone(f.schema)
	keys := make([]int, 0, len(n.Keys)+1)
	// The keys get columns of their own: calls may read the same columns whole.
	for _, k := range n.Keys {
		keys = append(keys, len(out))
		t := f.schema[k].Type.Nullable(true).Plain()
		out = append(out, types.Field{Name: f.schema[k].Name, Type: t})
	}
	keys = append(keys, len(out))
	out = append(out, types.Field{Name: "$e", Type: types.TBigInt.Nullable(false)})
	spec := &jobgraph.Expand{Keys: n.Keys, Types: f.schema.Types()}
	for i, set := range n.Sets {
		spec.Sets = append(spec.Sets, jobgraph.GroupingSet{Keys: set, ID: n.GroupingID(i)})
	}
	return b.apply(b.op(n, "Expand", spec, out, f.schema), f.kinds, nil, input{flow: f, dist: anyhow}), keys
}

// setsOutput is what the aggregate over grouping sets emits (keys, id, calls),
// and the projection to the relation's columns (keys, calls, id).
func setsOutput(n *logical.Aggregate) (types.Schema, []*expr.Expr) {
	k := len(n.Keys)
	id := n.Out[len(n.Out)-1]
	out := slices.Concat(n.Out[:k], types.Schema{id}, n.Out[k:len(n.Out)-1])
	var project []*expr.Expr
	for i := range n.Out {
		from := i
		switch {
		case i == len(n.Out)-1:
			from = k
		case i >= k:
			from = i + 1
		}
		project = append(project, expr.Column(from, n.Out[i].Type))
	}
	return out, project
}
