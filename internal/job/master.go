package job

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

type phase uint8

const (
	idle phase = iota
	recovering
	running
	ending   // all tasks have finished: the last epoch
	stopping // cancelled tasks are going
	over
)

// A Master runs one job. It is not safe for concurrent use.
type Master struct {
	graph *jobgraph.Graph // of this attempt
	goal  *jobgraph.Graph // of the job
	opt   Options

	now     int64 // of the event being handled
	phase   phase
	attempt int
	base    *checkpoint.Manifest // the last complete checkpoint, or nil
	tasks   map[task.ID]*member
	sources []*source
	aligned []*aligned
	marks   map[task.ID]int64 // of the tasks of sources that are aligned
	out     []Command

	epoch    base.Epoch // last one started
	pending  *pending
	commit   base.Epoch // being committed, 0 when none
	carry    map[string][][]byte
	lastEnd  int64 // when the last epoch ended
	failures int
	save     savepoints
	damaged  error // in the checkpoint of this attempt, not reacted to
	seeking  error // why a checkpoint that is whole is being looked for
	whole    bool  // base was found so: nothing in it is damaged
	settling bool  // rows in flight are handled in the layout that they were taken in
	restart  restarter
	resumeAt int64 // when a restart is due

	// Writes under way: an attempt does not end before they have, since a manifest
	// that becomes durable is what the next one must start from.
	saving, committing bool

	cancelling bool
	cancelled  base.Epoch // the last one that had begun then: the one that ends the job comes after it
	failed     error      // why tasks are being stopped
	hopeless   bool       // … and would have to be again
	lost       bool       // to another process
	outcome    *Outcome   // how it has ended
}

// A member is a task of this attempt.
type member struct {
	id       task.ID
	finished *Ack
	state    *Ack // of a task that has finished: its state, once an epoch has asked for it
	stopped  bool
}

// A source is a vertex that reads, with its enumerator.
type source struct {
	vertex  int
	spec    *jobgraph.Source
	enum    connect.Enumerator
	marks   map[string]int64 // of restored splits
	waiting []task.ID
	hold    bool
}

// New returns a master; from is the checkpoint to start from, or nil.
func New(g *jobgraph.Graph, opt Options, from *checkpoint.Manifest) *Master {
	m := &Master{graph: g, goal: g, opt: opt, base: from, carry: map[string][][]byte{}, restart: restarter{Restart: opt.Restart, random: opt.Random}}
	if from != nil {
		m.epoch = from.Epoch
	}
	return m
}

// Step handles an event at a time (microseconds) and returns what is to be done.
func (m *Master) Step(now int64, ev Event) []Command {
	m.out, m.now = nil, now
	switch {
	case ev.Start:
		m.layOut(m.opt.Settle)
		m.recover()
	case ev.Tick:
		m.tick(now)
	case ev.Recovered:
		m.deploy(now)
	case ev.Want != nil:
		m.want(*ev.Want)
	case ev.Found:
		if m.phase == running || m.phase == ending {
			m.assignWaiting()
		}
	case ev.Mark != nil:
		m.marked(ev.Mark.Task, ev.Mark.Time)
	case ev.Ack != nil:
		m.ack(now, ev.Ack)
	case ev.Finished != nil:
		m.finished(now, ev.Finished)
	case ev.Failed != nil:
		// One that is known to have stopped tells nothing new. The job may be recovering
		// already, and must not do so twice at a time: the one that ends late would drop
		// what the tasks of the next attempt have prepared.
		if t := m.tasks[ev.Failed.Task]; t != nil && !t.stopped {
			t.stopped = true
			m.fail(now, ev.Failed.Err)
		}
	case ev.Stopped != nil:
		if t := m.tasks[*ev.Stopped]; t != nil {
			t.stopped = true
			m.gone(now)
		}
	case ev.Saved != 0:
		m.saved(now, ev.Saved)
	case ev.SaveFailed != nil:
		m.saveFailed(now, ev.SaveFailed)
	case ev.Committed != 0:
		m.committed(now, ev.Committed)
	case ev.NotDone != nil:
		m.committing = false
		m.fail(now, ev.NotDone.Err)
	case ev.Checkpoint:
		m.trigger(now)
	case ev.Savepoint != nil:
		m.savepoint(now, *ev.Savepoint)
	case ev.Copied != nil:
		m.copied(now, *ev.Copied)
	case ev.Damaged != nil:
		m.damage(now, ev.Damaged)
	case ev.Whole != nil:
		m.wentBack(*ev.Whole)
	case ev.Cancel:
		m.cancelling, m.cancelled = true, m.epoch
		m.tick(now)
	case ev.Lost != nil:
		m.hopeless, m.lost = true, true
		m.stop(now, ev.Lost)
	case ev.Kill:
		m.cancelling = true
		m.stop(now, nil)
	}
	return m.out
}

func (m *Master) do(c Command) { m.out = append(m.out, c) }

// recover starts an attempt: what the last checkpoint prepared is committed again.
func (m *Master) recover() {
	m.phase = recovering
	m.attempt++
	from := m.base
	if from == nil {
		from = &checkpoint.Manifest{Job: m.graph.ID}
	}
	if m.opt.Bugs.LoseCommit {
		c := *from
		c.Prepared = nil
		from = &c
	}
	m.do(Command{Recover: from})
}

func (m *Master) deploy(now int64) {
	if m.phase != recovering || m.seeking != nil {
		return
	}
	if err := m.damaged; err != nil {
		m.again(now, err)
		return
	}
	if m.base != nil && m.base.Ended {
		m.close(m.base)
		return
	}
	m.tasks, m.pending, m.commit, m.carry = map[task.ID]*member{}, nil, 0, map[string][][]byte{}
	m.failed, m.lastEnd = nil, now
	m.openAlignment()
	if err := m.openSources(); err != nil {
		if m.attempt == 1 {
			m.end(err)
		} else {
			m.again(now, err)
		}
		return
	}
	m.phase = running
	for v := range m.graph.Vertices {
		for i := range m.graph.Vertices[v].Parallelism {
			id := task.ID{Vertex: v, Subtask: i, Attempt: m.attempt}
			m.tasks[id] = &member{id: id}
			m.do(Command{Deploy: m.deployment(id)})
		}
	}
	m.drainSources()
	if m.holdsEpochs() || m.settling {
		m.pause(true)
	}
	m.settle(now)
}

func (m *Master) openSources() error {
	for _, s := range m.sources {
		s.enum.Close()
	}
	m.sources = nil
	for v := range m.graph.Vertices {
		spec := m.graph.Vertices[v].Source
		if spec == nil {
			continue
		}
		s := &source{vertex: v, spec: spec, hold: true}
		var from checkpoint.Source
		if m.base != nil {
			from = m.base.Sources[spec.ID]
		}
		var err error
		if s.enum, err = m.opt.Enumerator(spec, from.Enumerator); err != nil {
			return err
		}
		s.enum.Return(from.Splits)
		s.marks = from.Marks
		m.sources = append(m.sources, s)
	}
	return nil
}

// deployment says what a task restores: the handles that overlap its key groups.
func (m *Master) deployment(id task.ID) *Deployment {
	d := &Deployment{Task: id}
	if m.base == nil {
		return d
	}
	v := &m.graph.Vertices[id.Vertex]
	r := base.RangeOf(id.Subtask, v.Parallelism, m.graph.MaxParallelism)
	d.Restore = map[string][]state.Handle{}
	for _, op := range v.Ops {
		for _, h := range m.base.Operators[op.ID] {
			if h.Range.Lo < r.Hi && r.Lo < h.Range.Hi && !(m.opt.Bugs.OwnState && h.Range != r) {
				d.Restore[op.ID] = append(d.Restore[op.ID], h)
			}
		}
	}
	if mark, ok := m.base.Marks[VertexID(v)]; ok {
		d.Mark = &task.Marks{Task: mark}
	}
	return d
}

// VertexID is the stable name of a vertex: that of its source or first operator.
func VertexID(v *jobgraph.Vertex) string {
	if v.Source != nil {
		return v.Source.ID
	}
	return v.Ops[0].ID
}

func (m *Master) tick(now int64) {
	switch {
	case m.phase == recovering && m.resumeAt != 0 && now >= m.resumeAt:
		m.resumeAt = 0
		m.attempt--
		m.recover()
		return
	case m.phase == recovering && m.resumeAt != 0 && m.cancelling:
		m.end(nil)
		return
	case m.phase != running && m.phase != ending:
		return
	}
	m.retry(now)
	m.hurry(now)
	m.assignWaiting()
	if p := m.pending; p != nil && p.manifest == nil && !p.last && !m.settling && m.opt.TimeoutUs > 0 && now-p.start > m.opt.TimeoutUs {
		m.giveUp(now, fmt.Errorf("checkpoint %d took longer than execution.checkpointing.timeout", p.epoch))
	}
	if m.cancelling && m.pending == nil && m.commit == 0 {
		if !m.opt.Checkpoints || m.phase == ending {
			m.stop(now, nil)
			return
		}
		m.trigger(now)
		if m.pending == nil {
			m.stop(now, nil)
		}
		return
	}
	m.settle(now)
	m.nextSavepoint(now)
	if m.opt.IntervalUs > 0 && now-m.lastEnd >= max(m.opt.IntervalUs, m.opt.MinPauseUs) {
		m.trigger(now)
	}
}

func (m *Master) want(id task.ID) {
	for _, s := range m.sources {
		if s.vertex == id.Vertex && m.tasks[id] != nil && m.phase == running {
			m.assign(s, id, true)
		}
	}
}

// assignWaiting asks again for the readers that got nothing.
func (m *Master) assignWaiting() {
	for _, s := range m.sources {
		waiting := s.waiting
		s.waiting = nil
		for _, id := range waiting {
			m.assign(s, id, false)
		}
	}
}

// assign asks the enumerator for a reader. Without splits, and not done, the
// reader waits until some are found, or for a tick.
func (m *Master) assign(s *source, id task.ID, first bool) {
	if m.draining() {
		s.waiting = append(s.waiting, id)
		return
	}
	splits, done, err := s.enum.Assign(id.Subtask)
	if err != nil {
		m.stop(m.now, fmt.Errorf("find splits: %w", err))
		return
	}
	hold := s.enum.Waiting() > 0 && !s.enum.Ordered()
	if len(splits) > 0 || done {
		a := task.Assignment{Answer: true, Splits: splits, Done: done, Hold: hold, Marks: map[string]int64{}}
		for _, sp := range splits {
			if mark, ok := s.marks[sp.ID]; ok {
				a.Marks[sp.ID] = mark
			}
		}
		m.do(Command{Assign: &Assign{id, a}})
	} else {
		s.waiting = append(s.waiting, id)
	}
	if hold == s.hold && !first {
		return
	}
	s.hold = hold
	for _, other := range m.members() {
		if other.id.Vertex == s.vertex && other.finished == nil {
			m.do(Command{Assign: &Assign{other.id, task.Assignment{Hold: hold}}})
		}
	}
}

// members returns the tasks in a fixed order.
func (m *Master) members() []*member {
	return slices.SortedFunc(maps.Values(m.tasks), func(a, b *member) int {
		if a.id.Vertex != b.id.Vertex {
			return a.id.Vertex - b.id.Vertex
		}
		return a.id.Subtask - b.id.Subtask
	})
}

// fail reacts to a task's failure: everything is stopped, then restarted or ended.
func (m *Master) fail(now int64, err error) {
	if m.phase == recovering {
		m.again(now, err)
		return
	}
	if m.phase == over {
		return
	}
	m.stop(now, err)
}

func (m *Master) stop(now int64, err error) {
	switch m.phase {
	case over:
		return
	case stopping:
		m.gone(now)
		return
	}
	m.phase, m.failed = stopping, err
	for _, t := range m.members() {
		if !t.stopped {
			m.do(Command{Stop: &t.id})
		}
	}
	m.gone(now)
}

// gone goes on when the last cancelled task has stopped.
func (m *Master) gone(now int64) {
	if m.phase != stopping || (m.saving || m.committing) && !m.opt.Bugs.HastyRestart {
		return
	}
	for _, t := range m.tasks {
		if !t.stopped {
			return
		}
	}
	if m.failed == errSettled && !m.cancelling {
		m.goOn()
		return
	}
	if m.failed == nil || m.cancelling || m.hopeless {
		m.end(m.failed)
		return
	}
	m.again(now, m.failed)
}

// again starts the job again, now or in a while, or ends it.
func (m *Master) again(now int64, err error) {
	if m.goBack(err) {
		return
	}
	m.damaged = nil
	delay, ok := m.restart.next(now, err)
	if !ok {
		m.end(err)
		return
	}
	in := ""
	if delay > 0 {
		in = fmt.Sprintf(" in %v", (time.Duration(delay) * time.Microsecond).Round(time.Millisecond))
	}
	m.do(Command{Log: fmt.Sprintf("restarting%s after: %v", in, err)})
	m.restartSavepoints(err)
	m.pending, m.commit = nil, 0
	if delay == 0 {
		m.recover()
		return
	}
	m.phase, m.resumeAt = recovering, now+delay
	m.attempt++
}

func (m *Master) end(err error) {
	m.phase = over
	m.refuseSavepoints()
	for _, s := range m.sources {
		s.enum.Close()
	}
	m.sources = nil
	m.outcome = &Outcome{Err: err, Lost: m.lost, Cancelled: m.cancelling && err == nil, From: m.base}
	m.leave()
}

// leave tells how the job has ended, when no savepoint is being copied any more.
func (m *Master) leave() {
	if !m.save.copying {
		m.do(Command{Done: m.outcome})
	}
}
