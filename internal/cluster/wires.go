package cluster

import (
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/exchange/local"
	"github.com/millrace-io/millrace/internal/exchange/spill"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/task"
	"github.com/millrace-io/millrace/types"
)

// wires are the channels between the tasks of one attempt.
type wires struct {
	graph   *jobgraph.Graph
	attempt int
	edges   [][][]*local.Queue // by edge, sender, receiver
	wakers  map[task.ID]chan struct{}
}

func newWires(g *jobgraph.Graph, attempt int, w *build.World) *wires {
	out := &wires{graph: g, attempt: attempt, wakers: map[task.ID]chan struct{}{}}
	for v := range g.Vertices {
		for i := range g.Vertices[v].Parallelism {
			out.wakers[task.ID{Vertex: v, Subtask: i, Attempt: attempt}] = make(chan struct{}, 1)
		}
	}
	for _, e := range g.Edges {
		from, to := g.Vertices[e.From].Parallelism, g.Vertices[e.To].Parallelism
		queues := make([][]*local.Queue, from)
		for i := range from {
			for k := range to {
				send, recv := out.wakers[task.ID{Vertex: e.From, Subtask: i, Attempt: attempt}], out.wakers[task.ID{Vertex: e.To, Subtask: k, Attempt: attempt}]
				var sp local.Spill
				if e.Blocking {
					sp = spill.New(w.Memory, w.Spill)
				}
				queues[i] = append(queues[i], local.NewQueue(func() { poke(recv) }, func() { poke(send) }, sp))
			}
		}
		out.edges = append(out.edges, queues)
	}
	return out
}

func (w *wires) waker(id task.ID) chan struct{} { return w.wakers[id] }

// connect fills in a task's inbox and edges.
func (w *wires) connect(cfg *task.Config) {
	in := &local.Inbox{}
	for i, e := range w.graph.Edges {
		if e.To == cfg.ID.Vertex {
			for from := range w.edges[i] {
				in.Queues = append(in.Queues, w.edges[i][from][cfg.ID.Subtask])
				cfg.Input = append(cfg.Input, e.Input)
				cfg.Priority = append(cfg.Priority, e.Priority)
			}
		}
		if e.From == cfg.ID.Vertex {
			cfg.Edges = append(cfg.Edges, task.Edge{Out: local.Outbox(w.edges[i][cfg.ID.Subtask]), Route: w.route(e, cfg.ID.Subtask)})
		}
	}
	if len(in.Queues) > 0 {
		cfg.Inbox = in
	}
}

func (w *wires) route(e jobgraph.Edge, subtask int) task.Route {
	r := task.Route{Ship: e.Ship, Subtask: subtask, Keys: e.Keys, Groups: w.graph.MaxParallelism}
	v := &w.graph.Vertices[e.From]
	out := types.Schema(nil)
	if n := len(v.Ops); n > 0 {
		out = v.Ops[n-1].Output
	} else {
		out = v.Source.Output
	}
	for _, k := range e.Keys {
		r.Types = append(r.Types, out[k].Type)
	}
	return r
}
