package physical

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/types"
)

func (b *builder) filter(n *logical.Filter) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	if b.changes.Info(n).Keep {
		all := make([]*expr.Expr, len(f.schema))
		for i, c := range f.schema {
			all[i] = expr.Column(i, c.Type)
		}
		f, kept := b.keep(n, n.Input, f, []*expr.Expr{n.Cond})
		return b.calc(n, f, kept[0], all, n.Schema()), nil
	}
	return b.calc(n, f, n.Cond, nil, n.Schema()), nil
}

func (b *builder) project(n *logical.Project) (flow, error) {
	f, err := b.in(n, 0)
	if err != nil {
		return f, err
	}
	exprs := n.Exprs
	if b.changes.Info(n).Keep {
		f, exprs = b.keep(n, n.Input, f, exprs)
	}
	return b.calc(n, f, nil, exprs, n.Out), nil
}

// calc filters and projects a flow. Next to another Calc it becomes one with it;
// over a union it is done in each part. Nothing to do is nothing done.
func (b *builder) calc(n logical.Node, f flow, filter *expr.Expr, project []*expr.Expr, out types.Schema) flow {
	if filter != nil && filter.IsTrue() {
		filter = nil
	}
	if filter == nil && (project == nil || identity(project, f.schema)) {
		f.schema = out
		return f
	}
	res := flow{schema: out, kinds: f.kinds}
	for _, p := range f.parts {
		if spec, ok := b.fuse(p, filter, project); ok {
			v := &b.g.Vertices[p.vertex]
			last := &v.Ops[len(v.Ops)-1]
			*last = jobgraph.Op{ID: last.ID, Spec: spec, Output: out, Kinds: last.Kinds}
			last.Name = explain.Op(spec, []types.Schema{b.before(p.vertex)}, out)
			res.parts = append(res.parts, part{p.vertex, mapped(p.hash, project)})
			continue
		}
		op := b.op(n, "Calc", &jobgraph.Calc{Filter: filter, Project: project}, out, f.schema)
		one := b.apply(op, f.kinds, mapped(p.hash, project), input{flow: flow{parts: []part{p}, schema: f.schema, kinds: f.kinds}, dist: anyhow})
		res.parts = append(res.parts, one.parts...)
	}
	return res
}

func identity(project []*expr.Expr, in types.Schema) bool {
	if len(project) != len(in) {
		return false
	}
	for i, e := range project {
		if e.Op != expr.Col || e.Index != i {
			return false
		}
	}
	return true
}

// mapped follows hash columns through a projection, to nil when one is lost.
func mapped(hash []int, project []*expr.Expr) []int {
	if project == nil || hash == nil {
		return hash
	}
	out := make([]int, len(hash))
	for i, h := range hash {
		at := slices.IndexFunc(project, func(e *expr.Expr) bool { return e.Op == expr.Col && e.Index == h })
		if at < 0 {
			return nil
		}
		out[i] = at
	}
	return out
}

// fuse joins a filter and a projection with the Calc that ends a part's chain.
// It does not where an expression would be computed twice.
func (b *builder) fuse(p part, filter *expr.Expr, project []*expr.Expr) (*jobgraph.Calc, bool) {
	v := b.g.Vertices[p.vertex]
	if b.sealed[p.vertex] || len(v.Ops) == 0 {
		return nil, false
	}
	below, ok := v.Ops[len(v.Ops)-1].Spec.(*jobgraph.Calc)
	if !ok {
		return nil, false
	}
	above := project
	if filter != nil {
		above = append([]*expr.Expr{filter}, project...)
		if project == nil { // all columns pass as they are
			for i := range below.Project {
				above = append(above, expr.Column(i, below.Project[i].Type))
			}
		}
	}
	if !rule.Mergeable(above, below.Project) {
		return nil, false
	}
	out := &jobgraph.Calc{Filter: below.Filter, Project: below.Project}
	if filter != nil {
		out.Filter = expr.And(append(expr.Conjuncts(below.Filter), expr.Conjuncts(rule.Substitute(filter, below.Project))...))
	}
	if project != nil {
		out.Project = make([]*expr.Expr, len(project))
		for i, e := range project {
			out.Project[i] = rule.Substitute(e, below.Project)
		}
	}
	return out, true
}

// before is what flows into the last operator of a vertex.
func (b *builder) before(vertex int) types.Schema {
	v := b.g.Vertices[vertex]
	switch k := len(v.Ops); {
	case k >= 2:
		return v.Ops[k-2].Output
	case v.Source != nil:
		return v.Source.Output
	}
	for _, e := range b.g.Edges {
		if e.To == vertex {
			u := b.g.Vertices[e.From]
			if len(u.Ops) > 0 {
				return u.Ops[len(u.Ops)-1].Output
			}
			return u.Source.Output
		}
	}
	return nil
}
