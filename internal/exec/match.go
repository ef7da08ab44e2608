package exec

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Match finds row patterns. Rows wait until the watermark has passed them; then the
// rows of a bucket of time are sorted by partition and order and handled in rounds:
// round i takes the i'th row of each partition, so that a condition is evaluated for
// all attempts of all partitions at once.
//
// What is done with a row of a partition is what Flink's NFA does:
//
//  1. Attempts that began WITHIN or longer ago are given up.
//  2. Each attempt, in the order of their first rows, and then one that begins with
//     this row, goes on by all edges of the automaton that the row may take; it
//     ends if there are none.
//  3. Of the matches that have been found, those are told whose first row is not
//     behind that of an attempt still open; each of them removes the attempts, and
//     the matches not told, that its AFTER MATCH SKIP jumps over. The others wait.
//
// So a match may be told long after it was found, by the row or the passing of time
// that ended the last attempt before it; MATCH_ROWTIME is that time, since event
// time has gone on. What still waits at the end of the input is lost, as in Flink.
//
// Attempts that begin with the same row and are in the same state, with equal rows
// in all variables that a condition can still look at, will have the same fate. When
// there are many with one first row, only the first of such twins is kept (same), so
// their number does not grow with the ways in which a pattern can be read.
//
// In batch mode rows are sorted by partition first, so that one partition after the
// other is in memory (matchSorted).
type Match struct {
	Base
	spec  *jobgraph.Match
	ctx   *Context
	auto  *matchAutomaton
	exprs *matchExprs
	order *ordering
	group *grouping
	feed  feed
	ident idents
	mark  int64
	seq   uint64

	wait  *keyed.MultiBuckets // nil by processing time, and at the end
	end   *matchSorted        // in batch mode; nil otherwise
	table *keyed.Table        // by partition: a matchPart, in the blob of its only word
	rows  *keyed.Multi        // by partition: the rows that parts keep
	parts []*matchPart        // by slot of table
	dirty []*matchPart
	looks [][]int // by state: the variables that conditions from there on read back

	timers  matchTimers
	cold    matchCold
	garbage []keyed.Ref
	told    []matchView // of the run at hand
	batch   *vec.Batch
	times   []int64
	plain   [][]truth // by variable, by row of batch; nil: not known
	scratch []byte
	bytes   int64 // of the parts
}

// NewMatch returns the operator for a spec.
func NewMatch(spec *jobgraph.Match) Operator { return &Match{spec: spec} }

// Open implements Operator.
func (m *Match) Open(ctx *Context) (err error) {
	spec := m.spec
	m.ctx, m.auto = ctx, newMatchAutomaton(spec.Vars)
	m.order, m.group = newOrdering(spec.Order, spec.Types), newGrouping(spec.Partition, spec.Types)
	m.mark = restoredTime(ctx.State, "watermark")
	if m.exprs, err = newMatchExprs(spec, ctx.Env, ctx.Memory); err != nil {
		return err
	}
	m.looks = m.lookBack()
	switch {
	case spec.Time >= 0 && !ctx.Env.Streaming:
		m.end = newMatchSorted(m)
	case spec.Time >= 0:
		if m.wait, m.seq, err = openWaiting(ctx, m.group, spec.Types); err != nil {
			return err
		}
	}
	return m.openState()
}

// lookBack finds for each state the variables whose rows matter to what follows.
func (m *Match) lookBack() [][]int {
	direct := make([][]int, len(m.spec.Vars))
	for v, c := range m.exprs.conds {
		if c == nil {
			continue
		}
		for _, r := range c.refs {
			if w := m.spec.Refs[r].Var; w != jobgraph.AllVars {
				direct[v] = append(direct[v], w)
			}
		}
	}
	out := make([][]int, len(m.auto.states))
	for s := range out {
		seen := make([]bool, len(m.auto.states))
		vars := map[int]bool{}
		var visit func(s int)
		visit = func(s int) {
			if seen[s] {
				return
			}
			seen[s] = true
			for _, e := range m.auto.states[s].edges {
				for _, l := range e.lits {
					for _, w := range direct[l.v] {
						vars[w] = true
					}
				}
				visit(e.to)
			}
		}
		visit(s)
		for w := range vars {
			out[s] = append(out[s], w)
		}
		slices.Sort(out[s])
	}
	return out
}

// part returns the part of a slot, made if it is not there.
func (m *Match) part(s keyed.Slot) *matchPart {
	for int(s) >= len(m.parts) {
		m.parts = append(m.parts, nil)
	}
	if m.parts[s] == nil {
		m.parts[s] = &matchPart{slot: s, timer: noTimer, timed: noTimer}
	}
	return m.parts[s]
}

func (m *Match) touch(p *matchPart) {
	if !p.dirty && m.end == nil {
		p.dirty = true
		m.dirty = append(m.dirty, p)
	}
}

// Process implements Operator.
func (m *Match) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	err := cmp.Or(m.leave(), trimWaiting(m.ctx, m.wait))
	segments(b, func(part *vec.Batch, mark *vec.Mark) {
		if part.Len() > 0 && err == nil {
			err = m.add(part)
		}
		if mark != nil && err == nil {
			m.fire(mark.Time)
		}
	})
	if err != nil {
		return false, err
	}
	return m.feed.drain(out)
}

func (m *Match) add(b *vec.Batch) error {
	rows := undropped(m.ctx, b, m.ident.positions(b))
	if m.wait == nil && m.end == nil {
		flat := flatBatch(b, rows)
		now := make([]int64, flat.Rows)
		for i := range now {
			now[i] = m.ctx.Env.Now()
		}
		done, err := m.run(flat, now)
		if done != nil {
			m.feed.batch(done)
		}
		return err
	}
	times := rowtimes(b.Cols[m.spec.Time])
	kept := make([]int32, 0, len(rows))
	for _, r := range rows {
		if times.Valid.Null(int(r)) || times.Vals[r] <= m.mark {
			tooLate(m.ctx, b, int(r))
			continue
		}
		kept = append(kept, r)
	}
	if m.end != nil {
		return m.end.sort.add(b, kept)
	}
	byBucket(times, kept, sortBucket, func(t int64, part []int32) {
		m.seq = keepWaiting(m.wait, t, m.group, b, part, times, m.seq)
	})
	return nil
}

// fire queues what a watermark makes final, a bucket at a time.
func (m *Match) fire(mark int64) {
	if m.end != nil {
		m.end.held.hold(mark)
		return
	}
	m.mark = max(m.mark, mark)
	if m.wait != nil {
		now := m.mark
		times := dueTimes(m.wait, now)
		m.feed.batches(func() (*vec.Batch, error) {
			if len(times) > 0 {
				t := times[0]
				times = times[1:]
				if err := m.leave(); err != nil {
					return nil, err
				}
				return m.bucket(t, now)
			}
			return m.expireSome(now)
		})
	}
	m.feed.watermark(mark)
}

var noRows = &vec.Batch{}

// bucket handles the rows of a bucket up to the watermark.
func (m *Match) bucket(t, mark int64) (*vec.Batch, error) {
	rows, due, err := dueRows(m.wait, t, mark)
	if len(due) == 0 || err != nil {
		return noRows, err
	}
	refs, times := make([]keyed.Ref, len(due)), make([]int64, len(due))
	for i, w := range due {
		refs[i], times[i] = w.ref, w.time
	}
	b := &vec.Batch{Rows: len(refs), Cols: gather(rows, refs, m.spec.Types)}
	leave(m.wait, t, sortBucket, mark, due)
	out, err := m.run(b, times)
	if out == nil {
		out = noRows
	}
	return out, err
}

// Watermark implements Operator.
func (m *Match) Watermark(t int64, out Output) (bool, error) {
	m.fire(t)
	return m.feed.drain(out)
}

// EndInput implements Operator.
func (m *Match) EndInput(_ int, out Output) (bool, error) {
	if m.end != nil {
		if err := m.end.finish(); err != nil {
			return false, err
		}
	}
	return m.feed.drain(out)
}

// Tick implements Operator: by processing time, attempts grow old without rows.
func (m *Match) Tick(_ int64, out Output) (bool, error) {
	if now := m.ctx.Env.Now(); m.wait == nil && m.end == nil && (m.timers.due(now) || m.cold.due(now)) {
		m.feed.batches(func() (*vec.Batch, error) { return m.expireSome(now) })
	}
	return m.feed.drain(out)
}

// Resume implements Operator.
func (m *Match) Resume(out Output) (bool, error) { return m.feed.drain(out) }

// run handles rows that are due, in the order of their times, and returns the matches.
func (m *Match) run(b *vec.Batch, times []int64) (*vec.Batch, error) {
	m.batch, m.times = b, times
	slots, _ := m.group.upsert(m.table, b.Cols, ordinals(b.Rows), b.Rows)
	if err := m.unread(); err != nil {
		return nil, err
	}
	slots = slices.Clone(slots)
	perm := m.sorted(slots)
	m.prepare()
	var active []matchRun
	for i, r := range perm {
		if i == 0 || slots[r] != slots[perm[i-1]] {
			p := m.part(slots[r])
			m.touch(p)
			active = append(active, matchRun{part: p, at: i, end: i})
		}
		active[len(active)-1].end = i + 1
	}
	parts := make([]*matchPart, len(active))
	for i, a := range active {
		parts[i] = a.part
	}
	r := matchRound{m: m}
	for len(active) > 0 {
		if err := r.run(active, perm); err != nil {
			return nil, err
		}
		active = slices.DeleteFunc(active, func(a matchRun) bool { return a.at == a.end })
	}
	return m.finish(parts)
}

// A matchRun is what is left of the rows of a partition.
type matchRun struct {
	part    *matchPart
	at, end int // in the order of the run
}

// sorted orders the rows of the batch by partition, time, further keys and arrival.
func (m *Match) sorted(slots []keyed.Slot) []int32 {
	perm := ordinals(len(slots))
	words := m.order.words(m.batch.Cols, nil, len(slots), nil)
	slices.SortStableFunc(perm, func(i, j int32) int {
		if c := cmp.Or(cmp.Compare(slots[i], slots[j]), cmp.Compare(m.times[i], m.times[j])); c != 0 {
			return c
		}
		for k := 1; k < len(words); k++ {
			if c := cmp.Compare(words[k][i], words[k][j]); c != 0 {
				return c
			}
			if c := m.order.keys[k].Col; m.order.loose(k, words[k][i]) {
				if d := m.order.value(k, m.batch.Cols[c], int(i), m.batch.Cols[c], int(j)); d != 0 {
					return d
				}
			}
		}
		return 0
	})
	return perm
}

// prepare evaluates the conditions that read only the row itself. One that fails
// for some row is evaluated where it is asked for: it may never be for that row.
func (m *Match) prepare() {
	m.plain = make([][]truth, len(m.spec.Vars))
	for v, c := range m.exprs.conds {
		if c != nil && !c.plain {
			continue
		}
		yes := func(int) bool { return true }
		if c != nil {
			var err error
			if yes, err = c.eval(m.batch.Cols, m.batch.Rows); err != nil {
				continue
			}
		}
		list := make([]truth, m.batch.Rows)
		for i := range list {
			list[i] = truthOf(yes(i))
		}
		m.plain[v] = list
	}
}

// finish makes the rows of the matches that were told and forgets what no attempt
// has any more.
func (m *Match) finish(parts []*matchPart) (*vec.Batch, error) {
	var out *vec.Batch
	if len(m.told) > 0 {
		var err error
		if out, err = m.exprs.output(m.rows, m.told); err != nil {
			return nil, err
		}
	}
	m.told, m.batch, m.times, m.plain = m.told[:0], nil, nil, nil
	for _, p := range parts {
		m.trim(p)
	}
	for _, r := range m.garbage {
		m.rows.Remove(m.rows.SlotOf(r), r)
	}
	m.garbage = m.garbage[:0]
	return out, m.exceeded()
}

// trim forgets the rows of a part that come before all attempts and matches, and
// the part itself when it has none.
func (m *Match) trim(p *matchPart) {
	if len(p.open) == 0 {
		m.drop(p)
		m.forget(p)
		m.parts[p.slot] = nil
		p.dirty = false
		m.dropTimer(p)
		m.table.Delete(p.slot)
		return
	}
	least := p.open[0].first
	if len(p.done) > 0 {
		least = min(least, p.done[0].first)
	}
	if n := least - p.base(); n > 0 {
		m.garbage = append(m.garbage, p.refs[:n]...)
		p.refs = slices.Clone(p.refs[n:])
	}
	m.setTimer(p)
	m.account(p)
}

// drop gives up all rows of a part.
func (m *Match) drop(p *matchPart) {
	m.garbage = append(m.garbage, p.refs...)
	p.refs = nil
}

// expire gives up the attempts whose time is over.
func (m *Match) expire(now int64) (*vec.Batch, error) {
	var parts []*matchPart
	for m.timers.due(now) {
		t := heap.Pop(&m.timers).(matchTimer)
		p := m.parts[t.slot]
		if p == nil || p.timer != t.time {
			continue
		}
		p.timer = noTimer
		m.touch(p)
		if err := m.advance(p, now); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	out, err := m.finish(parts)
	if out == nil {
		out = noRows
	}
	return out, err
}

// advance gives up the attempts of a part that are too old at a time: one after the
// other, at the time at which each got too old, so that what comes of it does not
// hang on how often there is a row or a watermark.
func (m *Match) advance(p *matchPart, now int64) error {
	for m.spec.Within > 0 && len(p.open) > 0 {
		end := satAdd(p.open[0].time, m.spec.Within)
		if end > now {
			break
		}
		n := 1
		for n < len(p.open) && p.open[n].time == p.open[0].time {
			n++
		}
		p.open = p.open[n:]
		if err := m.tell(p, end); err != nil {
			return err
		}
	}
	return nil
}

// tell tells the matches that no attempt blocks any more since a time.
func (m *Match) tell(p *matchPart, now int64) error {
	for len(p.done) > 0 {
		f := p.done[0]
		if len(p.open) > 0 && p.open[0].first < f.first {
			return nil
		}
		p.done.poll()
		m.told = append(m.told, matchView{refs: p.refs[f.first-p.base():], ends: f.ends, n: f.rows(), test: notTested, time: now})
		to, err := m.skipTo(f)
		if err != nil {
			return err
		}
		n := 0
		for n < len(p.open) && p.open[n].first < to {
			n++
		}
		p.open = p.open[n:]
		p.done.removeIf(func(d *finished) bool { return d.first < to })
	}
	return nil
}

// skipTo is the first row with which a match may begin after f.
func (m *Match) skipTo(f *finished) (uint64, error) {
	switch m.spec.Skip {
	case jobgraph.SkipPastLastRow:
		return f.first + uint64(f.rows()), nil
	case jobgraph.SkipToNextRow:
		return f.first + 1, nil
	}
	from, to := varRows(f.ends, m.spec.SkipVar, f.rows())
	if from == to {
		return 0, fmt.Errorf("AFTER MATCH SKIP %s: a match has no row of that variable", m.skipText())
	}
	if m.spec.Skip == jobgraph.SkipToLast {
		from = to - 1
	}
	if from == 0 {
		return 0, fmt.Errorf("AFTER MATCH SKIP %s: could not skip to the first row of a match, which would be found again", m.skipText())
	}
	return f.first + uint64(from), nil
}

func (m *Match) skipText() string { return jobgraph.SkipText(m.spec.Skip, m.spec.SkipVar, m.spec.Vars) }

// A matchTimer says when the first attempt of a part is too old.
type matchTimer struct {
	time int64
	slot keyed.Slot
}

// matchTimers is a heap by time. A part has one timer at most; one that is no longer
// its own does nothing.
type matchTimers []matchTimer

func (h matchTimers) Len() int           { return len(h) }
func (h matchTimers) Less(i, j int) bool { return h[i].time < h[j].time }
func (h matchTimers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *matchTimers) Push(x any)        { *h = append(*h, x.(matchTimer)) }
func (h *matchTimers) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}

func (h matchTimers) due(now int64) bool { return len(h) > 0 && h[0].time <= now }

func (m *Match) setTimer(p *matchPart) {
	if m.end == nil && m.spec.Within > 0 && p.timer == noTimer && len(p.open) > 0 {
		p.timer = satAdd(p.open[0].time, m.spec.Within)
		heap.Push(&m.timers, matchTimer{p.timer, p.slot})
	}
}

// Snapshot implements Operator.
func (m *Match) Snapshot(base.Epoch) error {
	saveTime(m.ctx.State, "watermark", m.mark)
	if m.cold.timers != nil {
		m.ctx.State.SetValue(matchTimersName, []byte{1})
	}
	for _, p := range m.dirty {
		if p.dirty {
			m.save(p)
		}
	}
	m.dirty = m.dirty[:0]
	var errs []error
	if m.wait != nil {
		errs = append(errs, snapshotWaiting(m.ctx, m.wait, m.seq))
	}
	return errors.Join(append(errs, m.cold.failed(), m.table.Snapshot(), m.rows.Snapshot())...)
}

// Close implements Operator.
func (m *Match) Close() error {
	if m.wait != nil {
		m.wait.Close()
	}
	if m.table != nil {
		m.table.Close()
	}
	if m.rows != nil {
		m.rows.Close()
	}
	if m.cold.timers != nil {
		m.cold.timers.Close()
	}
	if m.exprs != nil {
		m.exprs.close()
	}
	if m.end != nil {
		m.end.sort.close()
	}
	m.ctx.Memory.Add(-m.bytes)
	return nil
}
