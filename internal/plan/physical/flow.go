package physical

import (
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/types"
)

// A flow is the rows of one relation on their way: what one or several vertices
// (a union) emit.
type flow struct {
	parts  []part
	schema types.Schema
	kinds  changelog.Kinds
}

// A part is what one vertex emits.
type part struct {
	vertex int
	hash   []int // the columns by which rows are spread over subtasks; nil: unknown
}

// dist is how an operator wants its rows.
type dist struct {
	ship jobgraph.Ship // Forward: as they come; Hash, Broadcast, Gather
	keys []int
}

var (
	anyhow = dist{ship: jobgraph.Forward}
	gather = dist{ship: jobgraph.Gather}
)

// hashed wants rows of equal keys on one subtask; without keys, all rows on one.
func hashed(keys []int) dist {
	if len(keys) == 0 {
		return gather
	}
	return dist{ship: jobgraph.Hash, keys: keys}
}

// An input is a flow and how the operator wants it.
type input struct {
	flow
	dist
	priority int
	blocking bool
}

// parallelism of a flow: that of its widest vertex.
func (b *builder) parallelism(f flow) int {
	n := 1
	for _, p := range f.parts {
		n = max(n, b.g.Vertices[p.vertex].Parallelism)
	}
	return n
}

// satisfied reports whether a part lies as wanted without an exchange, in a
// vertex of parallelism par.
func (b *builder) satisfied(p part, d dist, par int) bool {
	v := b.g.Vertices[p.vertex]
	switch d.ship {
	case jobgraph.Forward:
		return v.Parallelism == par
	case jobgraph.Gather:
		return v.Parallelism == 1 && par == 1
	case jobgraph.Hash:
		return v.Parallelism == par && slices.Equal(p.hash, d.keys)
	}
	return false
}

// width is the parallelism of an operator that takes these inputs.
func (b *builder) width(ins []input) int {
	par := 0
	for _, in := range ins {
		switch in.ship {
		case jobgraph.Gather:
			return 1
		case jobgraph.Hash:
			par = max(par, b.opts.Parallelism)
		case jobgraph.Forward:
			par = max(par, b.parallelism(in.flow))
		}
	}
	return max(par, 1)
}

// apply puts an operator behind its inputs. With one input that lies as wanted it
// joins the input's chain, else it heads a new vertex. hash is how the output
// lies.
//
// Parts of a union that run in different widths have no order between them. That
// is of no matter to inserts, but changes of a row must not overtake each other:
// they are gathered.
func (b *builder) apply(op jobgraph.Op, kinds changelog.Kinds, hash []int, ins ...input) flow {
	for i, in := range ins {
		if in.ship == jobgraph.Forward && !in.kinds.Append() && b.uneven(in.flow) {
			ins[i].dist = gather
		}
	}
	par := b.width(ins)
	op.Kinds = kinds.String()
	if len(ins) == 1 && len(ins[0].parts) == 1 {
		p := ins[0].parts[0]
		v := &b.g.Vertices[p.vertex]
		if !b.sealed[p.vertex] && b.satisfied(p, ins[0].dist, par) {
			v.Ops = append(v.Ops, op)
			return flow{parts: []part{{p.vertex, hash}}, schema: op.Output, kinds: kinds}
		}
	}
	at := b.vertex(par, nil, op)
	for i, in := range ins {
		b.connect(at, i, in)
	}
	return flow{parts: []part{{at, hash}}, schema: op.Output, kinds: kinds}
}

// uneven reports whether the parts of a flow have different widths.
func (b *builder) uneven(f flow) bool {
	for _, p := range f.parts {
		if b.g.Vertices[p.vertex].Parallelism != b.parallelism(f) {
			return true
		}
	}
	return false
}

func (b *builder) vertex(par int, source *jobgraph.Source, ops ...jobgraph.Op) int {
	b.g.Vertices = append(b.g.Vertices, jobgraph.Vertex{Parallelism: par, Source: source, Ops: ops})
	return len(b.g.Vertices) - 1
}

// connect draws the edges of one input. A vertex that occurs twice in a union
// gets an edge of its own for each by a Calc that changes nothing.
func (b *builder) connect(to, index int, in input) {
	par := b.g.Vertices[to].Parallelism
	seen := map[int]bool{}
	for _, p := range in.parts {
		from := p.vertex
		if seen[from] {
			from = b.copyOf(from, in.schema, in.kinds)
		}
		seen[from] = true
		e := jobgraph.Edge{From: from, To: to, Input: index, Ship: in.ship, Keys: in.keys, Priority: in.priority, Blocking: in.blocking}
		fromPar := b.g.Vertices[from].Parallelism
		switch {
		case in.ship != jobgraph.Broadcast && b.satisfied(p, in.dist, par):
			e.Ship, e.Keys = jobgraph.Forward, nil
		case in.ship == jobgraph.Forward && fromPar != par:
			e.Ship = jobgraph.Rebalance
		}
		if b.set.blocking && b.opts.Batch && e.Ship != jobgraph.Forward {
			e.Blocking = true
		}
		b.g.Edges = append(b.g.Edges, e)
	}
}

func (b *builder) copyOf(from int, schema types.Schema, kinds changelog.Kinds) int {
	v := b.g.Vertices[from]
	op := jobgraph.Op{Spec: &jobgraph.Calc{}, Output: schema, Kinds: kinds.String()}
	b.finish(&op, []types.Schema{schema}, "Calc")
	at := b.vertex(v.Parallelism, nil, op)
	b.g.Edges = append(b.g.Edges, jobgraph.Edge{From: from, To: at, Ship: jobgraph.Forward})
	return at
}

// seal keeps operators out of the vertices of a flow that several receivers read.
func (b *builder) seal(f flow) {
	for _, p := range f.parts {
		b.sealed[p.vertex] = true
	}
}
