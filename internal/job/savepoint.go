package job

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

// # The life of a savepoint
//
//	Savepoint ─ an epoch of its own, to its commit ─▶ Copy ─▶ Copied ─▶ Answer
//
// A savepoint is a copy of a checkpoint that was taken for it and is committed, so it
// holds nothing that is still to be committed. One is taken at a time, in the order
// in which they were asked for.
//
// With Stop the sources pause behind the barrier, no other epoch begins, and the job
// ends when the copy is there; if there is none, the sources go on as if nothing had
// been. With Drain the sources end where they stand, everything behind them with
// them, and the epoch is one of finished tasks: it has the state that is left when all
// windows have fired, without watermarks, which have come to their end; so has any other
// epoch that begins meanwhile. No splits are given out, which nobody would read.
// Sources that have ended cannot go on: if there is no savepoint then, the job starts
// again from its last checkpoint.

// A SavepointRequest asks for a savepoint. Every request is answered once.
type SavepointRequest struct {
	ID    string // of the request
	Dir   string // where the savepoint's folder goes
	Stop  bool   // end the job when it is there
	Drain bool   // … after the sources have ended: implies Stop
}

// A Copy is to be made of a checkpoint that is committed; answer Copied.
type Copy struct {
	Request  SavepointRequest
	Manifest *checkpoint.Manifest
}

// Copied says how a Copy went.
type Copied struct {
	ID   string
	Path string
	Err  error
}

// A Pause stops sources from reading, or lets them go on.
type Pause struct {
	Tasks []task.ID
	On    bool
}

// Reasons why there is no savepoint.
var (
	errEnded    = errors.New("the job has ended before the savepoint was taken")
	errStopping = errors.New("the job is being stopped already")
	errFailed   = errors.New("the job failed while the savepoint was taken")
)

// savepoints are those of a master.
type savepoints struct {
	queue   []SavepointRequest
	current *SavepointRequest // in an epoch or being copied
	copying bool
	drain   *SavepointRequest // the sources are ending for it
	drained bool              // … and its savepoint is being made, or there
	there   bool              // … and is there
}

// stopper is the request that is to end the job, once it has its turn.
func (s *savepoints) stopper() *SavepointRequest {
	switch {
	case s.drain != nil:
		return s.drain
	case s.current != nil && s.current.Stop:
		return s.current
	}
	for i := range s.queue {
		if s.queue[i].Stop {
			return &s.queue[i]
		}
	}
	return nil
}

// waits reports whether a savepoint's epoch is under way, or comes next.
func (s *savepoints) waits() bool { return len(s.queue) > 0 || s.current != nil && !s.copying }

// savepoint takes a request.
func (m *Master) savepoint(now int64, r SavepointRequest) {
	r.Stop = r.Stop || r.Drain
	switch {
	case m.phase == over || m.phase == ending || m.cancelling:
		m.answer(r, "", errEnded)
	case m.save.stopper() != nil:
		m.answer(r, "", errStopping)
	case r.Drain:
		m.save.drain = &r
		m.drainSources()
	default:
		m.save.queue = append(m.save.queue, r)
		m.nextSavepoint(now)
	}
}

func (m *Master) answer(r SavepointRequest, path string, err error) {
	m.do(Command{Answer: &Copied{ID: r.ID, Path: path, Err: err}})
}

// nextSavepoint starts the epoch of the request whose turn it is.
func (m *Master) nextSavepoint(now int64) {
	s := &m.save
	if len(s.queue) == 0 || s.current != nil || m.phase != running || m.pending != nil || m.commit != 0 {
		return
	}
	m.trigger(now)
	if m.pending == nil {
		return
	}
	r := s.queue[0]
	s.queue, s.current = s.queue[1:], &r
	if r.Stop {
		m.pause(true)
	}
}

// draining reports whether the sources are ending for a savepoint.
func (m *Master) draining() bool { return m.save.drain != nil }

// holdsEpochs reports whether no epoch may begin: the job is about to end with a
// savepoint, and what a later epoch commits would come again.
func (m *Master) holdsEpochs() bool { return m.save.copying && m.save.current.Stop }

// pause stops the sources or lets them go on.
func (m *Master) pause(on bool) {
	if tasks := m.readers(); len(tasks) > 0 {
		m.do(Command{Pause: &Pause{tasks, on}})
	}
}

// readers are the tasks that read and have not finished.
func (m *Master) readers() []task.ID {
	var out []task.ID
	for _, t := range m.members() {
		if t.finished == nil && m.graph.Vertices[t.id.Vertex].Source != nil {
			out = append(out, t.id)
		}
	}
	return out
}

// drainSources ends the sources, if that is wanted.
func (m *Master) drainSources() {
	if m.save.drain == nil || m.phase != running {
		return
	}
	if tasks := m.readers(); len(tasks) > 0 {
		m.do(Command{Drain: tasks})
	}
}

// drainEpoch starts the epoch of a job that has drained: all of its tasks have
// finished and are asked for their state. It reports whether the job's end waits for it.
func (m *Master) drainEpoch(now int64) (waits bool) {
	s := &m.save
	if s.drain == nil || s.drained {
		return false
	}
	if s.current != nil {
		return true // it comes when the other one is there
	}
	enums, err := m.enumerators()
	if err != nil {
		m.without(*s.drain, err)
		return true
	}
	var ask []task.ID
	for _, t := range m.members() {
		if t.state == nil {
			ask = append(ask, t.id)
		}
	}
	s.drained, s.current = true, s.drain
	m.epoch++
	m.pending = &pending{epoch: m.epoch, start: now, enums: enums, acks: map[task.ID]*Ack{}, drained: true}
	m.do(Command{Barrier: &Barrier{m.epoch, ask}})
	m.complete(now)
	return true
}

// copySavepoint has the epoch copied that was just committed.
func (m *Master) copySavepoint() {
	s := &m.save
	if s.current == nil || s.copying {
		return
	}
	s.copying = true
	out := *m.base
	out.Prepared = nil // it is committed
	m.do(Command{Copy: &Copy{*s.current, &out}})
}

// copied goes on when a savepoint is there, or could not be written.
func (m *Master) copied(now int64, c Copied) {
	s := &m.save
	if s.current == nil || !s.copying || s.current.ID != c.ID {
		return
	}
	r := *s.current
	s.current, s.copying = nil, false
	if c.Err != nil {
		m.without(r, c.Err)
	} else {
		m.answer(r, c.Path, nil)
	}
	switch {
	case m.phase == over:
		m.leave()
	case r.Drain && c.Err == nil:
		s.there = true
		m.finishAll(now)
	case r.Stop && c.Err == nil:
		m.cancelling, m.failed = true, nil
		m.stop(now, nil)
	default:
		m.finishAll(now)
		m.nextSavepoint(now)
	}
}

// without answers a request for which there is no savepoint, and lets the job go on.
func (m *Master) without(r SavepointRequest, why error) {
	m.answer(r, "", why)
	if r.Drain {
		m.save.drain, m.save.drained = nil, false
	}
	switch {
	case m.phase != running:
	case r.Drain:
		m.stop(m.now, fmt.Errorf("the sources have ended for a savepoint that failed: %w", why))
	case r.Stop:
		m.pause(false)
	}
}

// failSavepoint answers the request whose epoch has failed, and lets the job go on.
func (m *Master) failSavepoint(why error) {
	s := &m.save
	if s.current == nil || s.copying {
		return
	}
	r := *s.current
	s.current = nil
	m.without(r, why)
}

// restartSavepoints answers the request that was being served when the job failed. One
// that has not begun stays, and so does the end of the sources for one that is there.
func (m *Master) restartSavepoints(err error) {
	m.failSavepoint(fmt.Errorf("%w: %w", errFailed, err))
	if s := &m.save; !s.there && !s.copying {
		s.drained = false
	}
}

// refuseSavepoints answers what a job that ends leaves.
func (m *Master) refuseSavepoints() {
	s := &m.save
	m.failSavepoint(errEnded)
	for _, r := range s.queue {
		m.answer(r, "", errEnded)
	}
	s.queue = nil
	if s.drain != nil && !s.drained {
		m.answer(*s.drain, "", errEnded)
	}
	s.drain = nil
}

// timeless takes the watermarks out of a manifest: those of a job that has drained
// stand at the end of time, and rows that come later would all be late.
func timeless(m *checkpoint.Manifest) {
	m.Marks = map[string]int64{}
	m.Sources = maps.Clone(m.Sources)
	for id, s := range m.Sources {
		s.Marks = nil
		m.Sources[id] = s
	}
	m.Operators = maps.Clone(m.Operators)
	for id, handles := range m.Operators {
		handles = slices.Clone(handles)
		for i, h := range handles {
			handles[i].Values = withoutTimes(h.Values)
		}
		m.Operators[id] = handles
	}
}

// withoutTimes leaves the event times out that operators keep.
func withoutTimes(values map[string][]byte) map[string][]byte {
	var out map[string][]byte
	for name, v := range values {
		if slices.Contains(state.Times, name) {
			continue
		}
		if out == nil {
			out = map[string][]byte{}
		}
		out[name] = v
	}
	return out
}
