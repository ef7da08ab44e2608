package cluster

import (
	"fmt"
	"math"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

// Status is what a running job shows of itself. Counts are of this attempt.
type Status struct {
	Attempt      int
	SourceRows   int64
	SinkRows     int64
	LateDropped  int64
	Watermark    int64 // lowest of the tasks, microseconds; math.MinInt64: none yet
	Checkpoints  int
	Epoch        base.Epoch // last complete
	CheckpointUs int64      // how long the last one took
	StateBytes   int64
	Operators    []OperatorStatus // those that keep state, in the order of the job

	started map[base.Epoch]int64
	tasks   map[task.ID]taskStatus
	entries map[string]int64 // by operator
}

// OperatorStatus is what the subtasks of an operator keep.
type OperatorStatus struct {
	ID, Name string
	Memory   int64 // bytes in memory: state, and what follows from it
	Files    int64 // bytes of state on their way to files and in them, about
	Entries  int64 // in the files of the last checkpoint, about; what counts no more is among them
}

type taskStatus struct {
	rows, out, late, mark int64
	ops                   []opStatus
}

type opStatus struct{ memory, files int64 }

// Status returns the job's figures; from any goroutine.
func (l *Local) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	if l.laid == nil {
		return s // it has not begun
	}
	s.Watermark = math.MaxInt64
	for id, t := range s.tasks {
		v := &l.laid.Vertices[id.Vertex]
		if v.Source != nil {
			s.SourceRows += t.rows
		}
		if len(v.Ops) > 0 {
			switch v.Ops[len(v.Ops)-1].Spec.Kind() {
			case "Sink", "Collect":
				s.SinkRows += t.out
			}
		}
		s.LateDropped += t.late
		s.Watermark = min(s.Watermark, t.mark)
	}
	s.Operators = l.operators(s.tasks)
	s.tasks, s.started, s.entries = nil, nil, nil
	return s
}

// operators adds up what subtasks keep.
func (l *Local) operators(tasks map[task.ID]taskStatus) (out []OperatorStatus) {
	for v, vertex := range l.laid.Vertices {
		for i, op := range vertex.Ops {
			s := OperatorStatus{ID: op.ID, Name: op.Name, Entries: l.status.entries[op.ID]}
			for id, t := range tasks {
				if id.Vertex == v && i < len(t.ops) {
					s.Memory += t.ops[i].memory
					s.Files += t.ops[i].files
				}
			}
			if s.Memory > 0 || s.Files > 0 || s.Entries > 0 {
				out = append(out, s)
			}
		}
	}
	return out
}

// progress notes a task's counters; the runner calls it between steps.
func (l *Local) progress(r *runner, t *task.Task) {
	st := taskStatus{mark: t.Watermark()}
	if r.cfg.Source != nil {
		st.rows = r.cfg.Source.Rows
	}
	for i, op := range r.cfg.Ops {
		if i == len(r.cfg.Ops)-1 {
			st.out = op.Context.Counters.RowsIn
		}
		st.late += op.Context.Counters.LateDropped
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	st.ops = l.status.tasks[r.id].ops
	if st.ops == nil || l.status.Attempt != r.id.Attempt {
		st.ops = make([]opStatus, len(r.cfg.Ops))
	}
	for i, op := range r.cfg.Ops {
		st.ops[i] = opStatus{op.Context.Memory.Own(), op.Context.State.Size()}
	}
	if l.status.tasks == nil || l.status.Attempt != r.id.Attempt {
		l.status.tasks, l.status.Attempt = map[task.ID]taskStatus{}, r.id.Attempt
	}
	l.status.tasks[r.id] = st
}

func (l *Local) began(e base.Epoch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.started == nil {
		l.status.started = map[base.Epoch]int64{}
	}
	l.status.started[e] = env.Now()
}

func (l *Local) completed(m *checkpoint.Manifest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Checkpoints++
	l.status.Epoch = m.Epoch
	if t, ok := l.status.started[m.Epoch]; ok {
		l.status.CheckpointUs = env.Now() - t
		delete(l.status.started, m.Epoch)
	}
	l.status.StateBytes, l.status.entries = 0, map[string]int64{}
	for op, handles := range m.Operators {
		for _, h := range handles {
			l.status.StateBytes += h.Bytes
			for _, f := range h.Files {
				l.status.entries[op] += int64(f.Entries)
			}
		}
	}
}

// upload makes a snapshot durable.
func (l *Local) upload(id task.ID, s *task.Snapshot) *job.Ack {
	a := &job.Ack{Task: id, Epoch: s.Epoch, State: map[string]state.Handle{}, Splits: s.Splits, Prepared: s.Prepared, Marks: s.Marks, Overtaken: s.Overtaken}
	for op, frozen := range s.State {
		h, err := frozen.Persist()
		if err != nil {
			a.Err = fmt.Errorf("state of %s: %w", op, err)
			return a
		}
		a.State[op] = h
	}
	return a
}
