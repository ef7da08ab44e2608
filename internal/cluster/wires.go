package cluster

import (
	"github.com/millrace-io/millrace/internal/exchange/local"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/task"
	"github.com/millrace-io/millrace/types"
)

// Wires are the channels between the tasks of one attempt.
type Wires struct {
	Attempt int

	graph *jobgraph.Graph
	edges [][][]*local.Queue // by edge, sender, receiver
}

// NewWires makes the channels. wake is called when a task may go on: something has
// come for it, or there is room again; spill makes what a blocking edge puts beyond
// memory, edge being its place in the graph.
func NewWires(g *jobgraph.Graph, attempt int, wake func(task.ID), spill func(edge int) local.Spill) *Wires {
	out := &Wires{graph: g, Attempt: attempt}
	for i, e := range g.Edges {
		queues := make([][]*local.Queue, g.Vertices[e.From].Parallelism)
		for from := range queues {
			for k := range g.Vertices[e.To].Parallelism {
				send, recv := task.ID{Vertex: e.From, Subtask: from, Attempt: attempt}, task.ID{Vertex: e.To, Subtask: k, Attempt: attempt}
				var sp local.Spill
				if e.Blocking {
					sp = spill(i)
				}
				queues[from] = append(queues[from], local.NewQueue(func() { wake(recv) }, func() { wake(send) }, sp))
			}
		}
		out.edges = append(out.edges, queues)
	}
	return out
}

// Queue returns the channel of an edge between two subtasks.
func (w *Wires) Queue(edge, from, to int) *local.Queue { return w.edges[edge][from][to] }

// Connect fills in a task's inbox and edges. A forward edge has one channel for each
// pair of subtasks: from any other sender a receiver would hear no watermark before
// the end, and wait for it.
func (w *Wires) Connect(cfg *task.Config) {
	in := &local.Inbox{}
	for i, e := range w.graph.Edges {
		if e.To == cfg.ID.Vertex {
			for from := range w.edges[i] {
				if e.Ship == jobgraph.Forward && from != cfg.ID.Subtask {
					continue
				}
				in.Queues = append(in.Queues, w.edges[i][from][cfg.ID.Subtask])
				cfg.Channels = append(cfg.Channels, task.Channel{Input: e.Input, Priority: e.Priority, Route: w.route(e)})
			}
		}
		if e.From == cfg.ID.Vertex {
			out := w.edges[i][cfg.ID.Subtask]
			if e.Ship == jobgraph.Forward {
				out = out[cfg.ID.Subtask : cfg.ID.Subtask+1]
			}
			cfg.Edges = append(cfg.Edges, task.Edge{Out: local.Outbox(out), Route: w.route(e)})
		}
	}
	if len(in.Queues) > 0 {
		cfg.Inbox = in
	}
}

func (w *Wires) route(e jobgraph.Edge) task.Route {
	r := task.Route{Ship: e.Ship, Keys: e.Keys, Groups: w.graph.MaxParallelism}
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
