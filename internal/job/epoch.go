package job

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

// A pending is an epoch between Barrier and Saved.
type pending struct {
	epoch base.Epoch
	start int64
	enums map[string][]byte
	acks  map[task.ID]*Ack
	last  bool // nothing runs any more
	// drained: the sources have ended before their end, so watermarks stand too high.
	drained bool
	hurry   bool // barriers overtake rows
	// after is what tasks prepared at their end after they had acknowledged: rows
	// behind the barrier, which belong to the next epoch.
	after []map[string][][]byte
	// manifest is what is being saved; from then on, what tasks prepare belongs to
	// the next epoch.
	manifest *checkpoint.Manifest
	// of the last epoch: how often saving it has failed, and when it is tried again
	tries   int
	retryAt int64
}

// trigger starts an epoch, unless one is under way or no source runs.
func (m *Master) trigger(now int64) {
	if !m.opt.Checkpoints || m.phase != running || m.pending != nil || m.commit != 0 || m.holdsEpochs() {
		return
	}
	var roots []task.ID
	for _, t := range m.members() {
		if t.finished == nil && m.root(t.id.Vertex) {
			roots = append(roots, t.id)
		}
	}
	if len(roots) == 0 {
		return
	}
	for _, t := range m.members() {
		if t.finished != nil && t.state == nil {
			roots = append(roots, t.id)
		}
	}
	enums, err := m.enumerators()
	if err != nil {
		m.do(Command{Log: fmt.Sprintf("checkpoint: %v", err)})
		return
	}
	m.epoch++
	m.pending = &pending{epoch: m.epoch, start: now, enums: enums, acks: map[task.ID]*Ack{}, drained: m.draining()}
	m.do(Command{Barrier: &Barrier{m.epoch, roots}})
	m.hurry(now)
}

// hurry lets barriers overtake rows when they have been under way for long, but for a
// savepoint: that is to have no rows in flight, which belong to the plan as it is.
func (m *Master) hurry(now int64) {
	p := m.pending
	if p == nil || p.hurry || p.last || p.manifest != nil || !m.opt.Unaligned || now-p.start < m.opt.AlignedUs || m.save.waits() || m.settling {
		return
	}
	p.hurry = true
	var tasks []task.ID
	for _, t := range m.members() {
		if t.finished == nil && p.acks[t.id] == nil {
			tasks = append(tasks, t.id)
		}
	}
	m.do(Command{Hurry: &Barrier{p.epoch, tasks}})
}

func (m *Master) enumerators() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, s := range m.sources {
		b, err := s.enum.Snapshot()
		if err != nil {
			return nil, err
		}
		out[s.spec.ID] = b
	}
	return out, nil
}

// root reports whether a vertex has no inputs.
func (m *Master) root(v int) bool {
	return !slices.ContainsFunc(m.graph.Edges, func(e jobgraph.Edge) bool { return e.To == v })
}

func (m *Master) ack(now int64, a *Ack) {
	if m.opt.Bugs.StaleTask {
		a.Task.Attempt = m.attempt
	}
	t := m.tasks[a.Task]
	if t == nil || m.phase != running && m.phase != ending {
		return // of an attempt that is gone
	}
	p := m.pending
	if p == nil || p.epoch != a.Epoch && !m.opt.Bugs.StaleAck || p.manifest != nil {
		m.keep(a.Prepared) // given up: the next epoch takes it over
		return
	}
	if a.Err != nil {
		m.keep(a.Prepared)
		m.giveUp(now, a.Err)
		return
	}
	p.acks[a.Task] = a
	if t.finished != nil {
		t.state = a
	}
	if m.opt.Bugs.CommitEarly {
		m.do(Command{Commit: &Commit{a.Epoch, a.Prepared}})
	}
	m.complete(now)
}

// keep carries what was prepared to the next epoch.
func (m *Master) keep(prepared map[string][][]byte) {
	if m.opt.Bugs.DropAbandoned {
		return
	}
	for op, p := range prepared {
		m.carry[op] = append(m.carry[op], p...)
	}
}

func (m *Master) giveUp(now int64, why error) {
	p := m.pending
	m.pending = nil
	m.lastEnd = now
	if p.manifest != nil {
		since := m.carry
		m.carry = map[string][][]byte{}
		m.keep(p.manifest.Prepared)
		m.keep(since)
	} else {
		for _, t := range m.members() {
			if a := p.acks[t.id]; a != nil {
				m.keep(a.Prepared)
			}
		}
		for _, prepared := range p.after {
			m.keep(prepared)
		}
	}
	m.do(Command{Log: fmt.Sprintf("checkpoint %d failed: %v", p.epoch, why)})
	m.failures++
	m.hopeless = p.last
	if p.last || m.opt.FailuresMax >= 0 && m.failures > m.opt.FailuresMax {
		m.stop(now, fmt.Errorf("checkpoint %d failed: %w", p.epoch, why))
		return
	}
	m.failSavepoint(why)
	m.finishAll(now)
}

func (m *Master) finished(now int64, a *Ack) {
	t := m.tasks[a.Task]
	if t == nil || m.phase != running {
		return
	}
	if a.Err != nil {
		m.fail(now, a.Err)
		return
	}
	t.finished = a
	m.marked(t.id, math.MaxInt64)
	if p := m.pending; p != nil && p.manifest == nil && p.acks[a.Task] != nil && !m.opt.Bugs.EarlyEnd {
		p.after = append(p.after, a.Prepared)
	} else {
		m.keep(a.Prepared)
	}
	if p := m.pending; p != nil && p.manifest == nil && p.acks[t.id] == nil {
		// It has ended before a barrier came: it is asked directly.
		m.do(Command{Barrier: &Barrier{p.epoch, []task.ID{t.id}}})
	}
	m.finishAll(now)
}

// finishAll starts the last epoch when every task has finished and no other is
// under way.
func (m *Master) finishAll(now int64) {
	if m.phase != running || m.pending != nil || m.commit != 0 || m.holdsEpochs() {
		return
	}
	for _, t := range m.tasks {
		if t.finished == nil {
			return
		}
	}
	if m.drainEpoch(now) {
		return
	}
	m.phase = ending
	if m.opt.Bugs.SkipLast {
		m.end(nil)
		return
	}
	enums, err := m.enumerators()
	if err != nil {
		m.stop(now, err)
		return
	}
	m.epoch++
	m.pending = &pending{epoch: m.epoch, start: now, enums: enums, acks: map[task.ID]*Ack{}, last: true}
	m.complete(now)
}

// complete saves the pending epoch when every task has acknowledged or finished.
func (m *Master) complete(now int64) {
	p := m.pending
	for _, t := range m.tasks {
		if p.acks[t.id] == nil && t.state == nil && !p.last && !(m.opt.Bugs.LoseFinished && t.finished != nil) {
			return
		}
	}
	if p.manifest != nil {
		return
	}
	p.manifest = m.manifest(p)
	m.carry = map[string][][]byte{}
	for _, prepared := range p.after {
		m.keep(prepared)
	}
	m.saving = true
	if m.opt.Bugs.CommitUnsaved {
		m.do(Command{Commit: &Commit{p.epoch, p.manifest.Prepared}})
	}
	m.do(Command{Save: p.manifest})
}

func (m *Master) manifest(p *pending) *checkpoint.Manifest {
	out := &checkpoint.Manifest{Job: m.graph.ID, Run: m.opt.Run, Plan: m.opt.Plan, Epoch: p.epoch, Groups: m.graph.MaxParallelism, Hash: keyenc.HashVersion,
		Operators: map[string][]state.Handle{}, Sources: map[string]checkpoint.Source{},
		Marks: map[string]int64{}, Prepared: maps.Clone(m.carry), Ended: p.last}
	if m.opt.Bugs.LateSplits {
		p.enums, _ = m.enumerators()
	}
	for _, s := range m.sources {
		out.Sources[s.spec.ID] = checkpoint.Source{Enumerator: p.enums[s.spec.ID], Marks: map[string]int64{}}
	}
	for _, t := range m.members() {
		a := p.acks[t.id]
		if p.last || m.opt.Bugs.LoseFinished && t.finished != nil {
			a = t.finished
		} else if a == nil {
			a = t.state
		} else {
			for op, prep := range a.Prepared {
				out.Prepared[op] = append(slices.Clone(out.Prepared[op]), prep...)
			}
		}
		out.Overtaken = out.Overtaken || a.Overtaken
		v := &m.graph.Vertices[t.id.Vertex]
		for op, h := range a.State {
			out.Operators[op] = append(out.Operators[op], h)
		}
		id := VertexID(v)
		if old, ok := out.Marks[id]; !ok || a.Marks.Task < old {
			out.Marks[id] = a.Marks.Task
		}
		if v.Source != nil {
			src := out.Sources[id]
			src.Splits = append(src.Splits, a.Splits...)
			maps.Copy(src.Marks, a.Marks.Splits)
			out.Sources[id] = src
		}
	}
	if p.drained {
		timeless(out)
	}
	return out
}

func (m *Master) saved(now int64, e base.Epoch) {
	p := m.pending
	if p == nil || p.epoch != e || !m.saving {
		return
	}
	m.saving = false
	m.base, m.failures, m.whole = p.manifest, 0, false
	m.restart.progress()
	if m.phase == stopping {
		m.gone(now)
		return
	}
	if p.last && m.commit == e { // the manifest that says Finished
		m.end(nil)
		return
	}
	m.commit, m.committing = e, true
	m.do(Command{Commit: &Commit{e, p.manifest.Prepared}})
}

func (m *Master) saveFailed(now int64, f *Failure) {
	p := m.pending
	if p == nil || p.epoch != f.Epoch || !m.saving {
		return
	}
	m.saving = false
	if m.phase == stopping {
		m.gone(now)
		return
	}
	if p.last && p.tries < lastTriesMax && !m.cancelling {
		// All the work is done: a disk that is full now may have room in a moment.
		p.tries++
		p.retryAt = now + m.opt.RetryUs
		m.do(Command{Log: fmt.Sprintf("the last checkpoint, %d, failed, and is tried again: %v", p.epoch, f.Err)})
		return
	}
	m.giveUp(now, f.Err)
}

// lastTriesMax is how often it is tried again to save the last epoch's manifest.
const lastTriesMax = 10

// retry saves the last epoch's manifest again when it is time.
func (m *Master) retry(now int64) {
	if p := m.pending; p != nil && p.retryAt != 0 && (now >= p.retryAt || m.cancelling) {
		p.retryAt = 0
		m.saving = true
		m.do(Command{Save: p.manifest})
	}
}

func (m *Master) committed(now int64, e base.Epoch) {
	p := m.pending
	if m.commit != e || p == nil || p.epoch != e || !m.committing {
		return
	}
	m.committing = false
	if m.phase == stopping {
		m.gone(now)
		return
	}
	if p.last {
		m.close(p.manifest)
		return
	}
	m.pending, m.commit, m.lastEnd = nil, 0, now
	var roots []task.ID
	for _, t := range m.members() {
		if t.finished == nil && m.graph.Vertices[t.id.Vertex].Source != nil {
			roots = append(roots, t.id)
		}
	}
	m.do(Command{Notify: &Barrier{e, roots}})
	m.copySavepoint()
	if m.cancelling && (e > m.cancelled || m.settling) {
		m.stop(now, nil)
		return
	}
	if m.settled(now) {
		return
	}
	m.finishAll(now)
	m.nextSavepoint(now)
}

// close records that a job whose last epoch is committed has finished.
func (m *Master) close(last *checkpoint.Manifest) {
	if last.Finished {
		m.end(nil)
		return
	}
	done := *last
	done.Finished = true
	m.phase, m.saving, m.commit = ending, true, done.Epoch
	m.pending = &pending{epoch: done.Epoch, last: true, manifest: &done}
	m.do(Command{Save: &done})
}
