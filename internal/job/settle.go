package job

import (
	"errors"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// # Rows in flight
//
// A checkpoint whose barriers have overtaken rows is one of its layout, of the tasks
// that it has: rows in flight belong to the first operator of a task, and subtasks had
// come to different watermarks, so that one which takes key groups over from two of
// them would tell windows twice or take rows to be late. A job that is to run in
// another layout settles first: its tasks are started as they were, the sources read
// nothing, and when what was in flight has come to its end a checkpoint is taken,
// which any layout can start from.

// Settles reports whether a checkpoint has rows in flight for tasks that a graph does
// not have; was is the graph of the job that took it.
func Settles(m *checkpoint.Manifest, was, g *jobgraph.Graph) bool {
	return m.Overtaken && !sameTasks(was, g)
}

func sameTasks(a, b *jobgraph.Graph) bool {
	subtasks := func(g *jobgraph.Graph) map[string]int {
		out := map[string]int{}
		for i := range g.Vertices {
			out[VertexID(&g.Vertices[i])] = g.Vertices[i].Parallelism
		}
		return out
	}
	was, is := subtasks(a), subtasks(b)
	for id, n := range was {
		if is[id] != n {
			return false
		}
	}
	return len(was) == len(is)
}

// errSettled ends the attempt that settles.
var errSettled = errors.New("what was in flight has come to its end")

// layOut says how the tasks of the next attempts are laid out: as they were, to settle
// first, or, with nil, as they are to be.
func (m *Master) layOut(settle *jobgraph.Graph) {
	if m.opt.Bugs.NoSettle {
		settle = nil
	}
	g := m.goal
	if m.settling = settle != nil; m.settling {
		g = settle
		m.do(Command{Log: "rows were in flight: they are handled first, at the parallelism that they were taken with"})
	}
	if m.graph != g {
		m.graph = g
		m.do(Command{LayOut: g})
	}
}

// settle takes the checkpoint without rows in flight, as soon as that is possible.
func (m *Master) settle(now int64) {
	if m.settling && m.phase == running {
		m.trigger(now)
	}
}

// settled ends the attempt when that checkpoint is committed.
func (m *Master) settled(now int64) bool {
	if !m.settling {
		return false
	}
	m.stop(now, errSettled)
	return true
}

// goOn starts the job in its own layout.
func (m *Master) goOn() {
	m.layOut(nil)
	m.failed, m.damaged = nil, nil
	m.restartSavepoints(errSettled)
	m.pending, m.commit = nil, 0
	m.recover()
}
