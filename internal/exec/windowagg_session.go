package exec

import (
	"fmt"
	"math"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// sessionAgg is WindowAgg for windows that have no common slices: sessions, and
// windows that rows bring with them.
//
// A key has a list of windows, each with accumulators of its own. A row of a
// session goes to the windows of its key that it touches, which become one: the
// window of a row is [t, t+gap], both ends included. A row that brings its window
// goes to the one with the same bounds. Windows fire by their ends, equal ends in
// the order of their first rows.
//
// In memory the windows are a slice of structs, and their accumulators entries of
// a table that is not saved. The state is one table by key, whose blob has the
// key's windows: start, end and accumulators as a partial row. It is written for
// the keys that have changed when a checkpoint is taken, and for those that leave
// memory: see windowagg_sessioncold.go.
type sessionAgg struct {
	Base
	spec  *jobgraph.WindowAgg
	ctx   *Context
	time  *windowTime
	accs  *accs
	group *grouping

	keys  *keyed.Table
	heads []int32      // by slot of keys: the first window + 1
	dirty []uint64     // bits by slot of keys
	empty []keyed.Slot // keys that may have no windows
	list  []session
	free  []int32
	heap  []sessionTimer
	tab   *groupTable
	pool  []keyed.Slot // entries of tab without a window
	ids   int64
	seq   int64

	mark int64
	work sessionWork
	out  sessionOut
	feed feed

	lates *lateRows
	cold  sessionCold
}

// session is a window of a key.
type session struct {
	start, end int64
	key        keyed.Slot
	acc        keyed.Slot
	next       int32 // of the key, + 1
	seq        int64
	live       bool
}

// sessionTimer is when a window may fire; its end may have moved since.
type sessionTimer struct {
	fire, seq int64
	win       int32
	end       int64
}

type sessionWork struct {
	b     *vec.Batch
	in    *accInput
	rows  []int32
	keys  []keyed.Slot
	start *vec.Fixed[int64] // the rowtime, or the window's start
	end   *vec.Fixed[int64]
	at    int
	mark  int
	slots []keyed.Slot // of the rows not yet put into accumulators
	put   []int32      // …
	key   keyed.Slot   // of the last of them
	from  int64        // … and its window
	to    int64
	ident idents
}

const sessionPool = 256

func newSessionAgg(spec *jobgraph.WindowAgg) Operator { return &sessionAgg{spec: spec} }

// Open implements Operator.
func (w *sessionAgg) Open(ctx *Context) error {
	w.ctx = ctx
	if w.spec.Phase != jobgraph.Single {
		return fmt.Errorf("%s: session windows and windows of rows have one phase", ctx.Op)
	}
	var err error
	if w.time, err = newWindowTime(&w.spec.Window); err != nil {
		return err
	}
	if w.accs, err = newAccs(w.spec.Aggs, len(w.spec.InputTypes), w.spec.Retracts, false, true); err != nil {
		return err
	}
	w.group = newGrouping(w.spec.Keys, w.spec.InputTypes)
	w.lates = newLateRows(w.spec)
	if !w.spec.Late {
		w.feed.gather(withResults(pickTypes(w.spec.InputTypes, w.spec.Keys), w.spec))
	}
	t, err := keyed.Open(scratch{ctx.Groups}, keyed.Shape{Name: "windows", Key: []types.Type{bigint}, Words: max(1, w.accs.Words),
		Blobs: w.accs.Blobs, Groups: ctx.Groups, Memory: ctx.Memory})
	if err != nil {
		return err
	}
	w.tab = w.accs.newGroups(t, nil, false)
	w.mark = restoredTime(ctx.State, windowMark)
	return w.openKeys()
}

// Process implements Operator.
func (w *sessionAgg) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	k := &w.work
	k.b, k.at, k.mark = b, 0, 0
	k.rows = k.ident.positions(b)
	if len(k.rows) > 0 {
		k.in = w.accs.input(b)
		k.keys, _ = w.group.upsert(w.keys, b.Cols, k.rows, b.Rows)
		switch win := &w.spec.Window; {
		case win.Time < 0:
			k.start, k.end = micros(b.Cols[win.Start]), micros(b.Cols[win.End])
		case !win.Proctime:
			k.start = micros(b.Cols[win.Time])
		}
	}
	w.feed.batches(w.step)
	return w.feed.drain(out)
}

// step works the batch off up to the next watermark that fires.
func (w *sessionAgg) step() (*vec.Batch, error) {
	k := &w.work
	if k.b == nil {
		return nil, nil
	}
	for {
		row := int32(math.MaxInt32)
		if k.at < len(k.rows) {
			row = k.rows[k.at]
		}
		for k.mark < len(k.b.Marks) && k.b.Marks[k.mark].Row <= row {
			m := k.b.Marks[k.mark]
			k.mark++
			if w.spec.Window.Proctime || !w.fires(m.Time) {
				w.setMark(m.Time)
				continue
			}
			if err := w.apply(); err != nil {
				return nil, err
			}
			if done, err := w.collect(m.Time); err != nil {
				return nil, err
			} else if !done {
				k.mark-- // it is not done with
				return w.takeOut()
			}
			w.out.marks = append(w.out.marks, vec.Mark{Row: int32(len(w.out.keys)), Time: m.Time})
		}
		if k.at == len(k.rows) {
			break
		}
		if err := w.assign(k.at); err != nil {
			return nil, err
		}
		k.at++
	}
	if err := w.apply(); err != nil {
		return nil, err
	}
	last, marked := lastMark(k.b)
	late := w.lates.take(k.b)
	k.b, k.in = nil, nil
	if len(w.out.keys) == 0 {
		w.out.marks = nil
		w.sweep()
		if marked {
			w.feed.frontMark(last)
		}
		w.emitLate(late)
		return nil, w.trim()
	}
	if marked {
		w.out.marks = append(w.out.marks, vec.Mark{Row: int32(len(w.out.keys)), Time: last})
	}
	b, err := w.takeOut()
	if err != nil {
		return nil, err
	}
	w.sweep()
	w.emitLate(late)
	return b, w.trim()
}

// fires reports whether windows may be complete at a time.
func (w *sessionAgg) fires(t int64) bool {
	return len(w.heap) > 0 && w.heap[0].fire <= t || w.cold.timers.Due(t)
}

// emitLate queues late rows before all else that waits.
func (w *sessionAgg) emitLate(b *vec.Batch) {
	if b != nil {
		w.feed.front(once(b))
	}
}

func (w *sessionAgg) setMark(t int64) {
	if !w.spec.Window.Proctime {
		w.mark = max(w.mark, t)
	}
}

// apply puts the rows that have been assigned into their accumulators.
func (w *sessionAgg) apply() error {
	k := &w.work
	if len(k.put) == 0 {
		return nil
	}
	w.tab.On(w.tab.Table)
	err := w.accs.apply(w.tab, k.in, k.slots, k.put)
	k.slots, k.put = k.slots[:0], k.put[:0]
	return err
}

// assign finds the window of a row.
func (w *sessionAgg) assign(i int) error {
	k := &w.work
	r := int(k.rows[i])
	var start, end int64
	switch win := &w.spec.Window; {
	case win.Time < 0:
		if k.start.Valid.Null(r) || k.end.Valid.Null(r) {
			return errNullTime
		}
		start, end = k.start.Vals[r], k.end.Vals[r]
	case win.Proctime:
		now := w.ctx.Env.Now()
		start = w.time.local(now - now%w.spec.Window.Granule)
		end = start + win.Size
	default:
		if k.start.Valid.Null(r) {
			return errNullTime
		}
		start = w.time.local(k.start.Vals[r])
		end = start + win.Size
	}
	key := k.keys[i]
	if n := len(k.put); n > 0 && w.spec.Window.Time < 0 && key == k.key && start == k.from && end == k.to {
		k.slots, k.put = append(k.slots, k.slots[n-1]), append(k.put, k.rows[i]) // rows of a window come together
		return nil
	}
	for len(w.heads) <= int(key) {
		w.heads = append(w.heads, 0)
	}
	s, err := w.window(key, start, end)
	if err != nil {
		return err
	}
	if s < 0 {
		if w.dropLate(end, r) {
			w.lates.add(k.rows[i], start, end)
			w.leave(key)
			return nil
		}
		s = w.open(key, start, end)
	}
	w.setDirty(key)
	k.slots, k.put = append(k.slots, w.list[s].acc), append(k.put, k.rows[i])
	k.key, k.from, k.to = key, start, end
	return nil
}

// dropLate reports whether a row that would open a window is late for it.
func (w *sessionAgg) dropLate(end int64, row int) bool {
	late := !w.spec.Window.Proctime && w.mark != noWatermark && w.time.fires(end) <= w.mark
	if log := w.ctx.Late; log != nil && !w.spec.Window.Proctime {
		switch {
		case !w.ctx.Env.Streaming:
			late = late || log.Drop(w.ctx.Op, end, w.work.b, row)
		case late:
			log.Dropped(w.ctx.Op, end, w.work.b, row)
		}
	}
	if late {
		w.ctx.Counters.LateDropped++
	}
	return late
}

// window returns the window of a key that a row goes to, or -1. Sessions that the
// row touches become one.
func (w *sessionAgg) window(key keyed.Slot, start, end int64) (int32, error) {
	found := int32(-1)
	attached := w.spec.Window.Time < 0
	for e := w.heads[key]; e != 0; {
		s := e - 1
		win := &w.list[s]
		e = win.next
		switch {
		case attached:
			if win.start == start && win.end == end {
				return s, nil
			}
		case win.start > end || win.end < start:
		case found < 0:
			found = s
			win.start, win.end = min(win.start, start), max(win.end, end)
		default:
			if err := w.join(found, s); err != nil {
				return -1, err
			}
		}
	}
	return found, nil
}

// join puts window s into window to.
func (w *sessionAgg) join(to, s int32) error {
	if err := w.apply(); err != nil {
		return err
	}
	a, b := &w.list[to], &w.list[s]
	a.start, a.end = min(a.start, b.start), max(a.end, b.end)
	w.tab.On(w.tab.Table)
	if err := w.accs.mergeSlots(w.tab, []keyed.Slot{b.acc}, w.tab, []keyed.Slot{a.acc}, w.work.ident.upTo(1)); err != nil {
		return err
	}
	w.close(s)
	return nil
}

// open makes a window.
func (w *sessionAgg) open(key keyed.Slot, start, end int64) int32 {
	var s int32
	if n := len(w.free); n > 0 {
		s, w.free = w.free[n-1], w.free[:n-1]
	} else {
		s = int32(len(w.list))
		w.list = append(w.list, session{})
	}
	for len(w.heads) <= int(key) {
		w.heads = append(w.heads, 0)
	}
	w.seq++
	w.list[s] = session{start: start, end: end, key: key, acc: w.entry(), next: w.heads[key], seq: w.seq, live: true}
	w.heads[key] = s + 1
	w.pushTimer(sessionTimer{fire: w.time.fires(end), seq: w.seq, win: s, end: end})
	return s
}

// entry returns a fresh entry for accumulators.
func (w *sessionAgg) entry() keyed.Slot {
	if len(w.pool) == 0 {
		ids := make([]int64, sessionPool)
		for i := range ids {
			w.ids++
			ids[i] = w.ids
		}
		var keys keyed.Keys
		keys.Prepare([]types.Type{bigint}, []vec.Vector{&vec.Fixed[int64]{Vals: ids}}, nil, len(ids))
		w.pool = make([]keyed.Slot, len(ids))
		w.tab.Table.Upsert(&keys, w.pool)
		w.tab.On(w.tab.Table)
	}
	n := len(w.pool) - 1
	s := w.pool[n]
	w.pool = w.pool[:n]
	return s
}

// close forgets a window.
func (w *sessionAgg) close(s int32) {
	win := &w.list[s]
	at := &w.heads[win.key]
	for *at != s+1 {
		at = &w.list[*at-1].next
	}
	*at = win.next
	w.tab.dropGroup(win.acc)
	*win = session{}
	w.free = append(w.free, s)
}

func (w *sessionAgg) setDirty(key keyed.Slot) {
	for len(w.dirty) <= int(key)>>6 {
		w.dirty = append(w.dirty, 0)
	}
	w.dirty[key>>6] |= 1 << (key & 63)
}

// sessionOut is results that have not been emitted yet, with the watermarks that
// belong between them: many watermarks of a batch fire a few windows each.
type sessionOut struct {
	res    results
	keys   []keyed.Slot
	bounds [3][]int64 // by WindowProp
	marks  []vec.Mark
}

// firing returns a source of the results of all windows that are complete at t.
func (w *sessionAgg) firing(t int64) func() (*vec.Batch, error) {
	return func() (*vec.Batch, error) {
		done, err := w.collect(t)
		if err != nil {
			return nil, err
		}
		if done && len(w.out.keys) == 0 {
			w.sweep()
			return nil, w.trim()
		}
		return w.takeOut()
	}
}

// collect reads the results of the windows that are complete at t and closes
// them. It reports whether that is all of them; else there is a batch to take.
func (w *sessionAgg) collect(t int64) (done bool, err error) {
	for {
		wins := w.due(t, vec.BatchRowsMax-len(w.out.keys))
		if len(wins) == 0 {
			switch {
			case !w.cold.timers.Due(t):
				w.setMark(t)
				return true, nil
			case len(w.out.keys) > 0:
				return false, nil // they leave before their keys may
			}
			if err := w.bring(t); err != nil {
				return false, err
			}
			continue
		}
		w.readOut(wins)
		for _, s := range wins {
			key := w.list[s].key
			w.close(s)
			w.leave(key)
		}
		if len(w.out.keys) >= vec.BatchRowsMax {
			return false, nil
		}
	}
}

// leave notes that a key may have no windows any more. It is deleted when the
// batch is done, whose rows may still name it.
func (w *sessionAgg) leave(key keyed.Slot) {
	w.setDirty(key)
	if w.heads[key] == 0 {
		w.empty = append(w.empty, key)
	}
}

func (w *sessionAgg) sweep() {
	for _, key := range w.empty {
		if bit := uint64(1) << (key & 63); w.heads[key] == 0 && w.dirty[key>>6]&bit != 0 {
			w.dirty[key>>6] &^= bit
			w.dropTimer(key)
			w.keys.Delete(key)
		}
	}
	w.empty = w.empty[:0]
}

// due takes out the windows that fire at t, at most so many.
func (w *sessionAgg) due(t int64, most int) []int32 {
	var out []int32
	for len(w.heap) > 0 && w.heap[0].fire <= t && len(out) < most {
		x := w.popTimer()
		win := &w.list[x.win]
		switch {
		case !win.live || win.seq != x.seq:
		case win.end != x.end:
			x.end, x.fire = win.end, w.time.fires(win.end)
			w.pushTimer(x)
		default:
			out = append(out, x.win)
		}
	}
	return out
}

// readOut adds the results of windows to those that wait.
func (w *sessionAgg) readOut(wins []int32) {
	w.tab.On(w.tab.Table)
	o := &w.out
	accs := make([]keyed.Slot, 0, len(wins))
	for _, s := range wins {
		win := &w.list[s]
		if w.accs.Rows >= 0 && int64(*w.tab.Word(win.acc, w.accs.Rows)) <= 0 {
			continue
		}
		accs, o.keys = append(accs, win.acc), append(o.keys, win.key)
		o.bounds[jobgraph.WindowStart] = append(o.bounds[jobgraph.WindowStart], win.start)
		o.bounds[jobgraph.WindowEnd] = append(o.bounds[jobgraph.WindowEnd], win.end)
		o.bounds[jobgraph.WindowTime] = append(o.bounds[jobgraph.WindowTime], w.time.fires(win.end))
	}
	w.accs.readResults(&o.res, w.tab, accs)
}

// takeOut makes a batch of the results that wait.
func (w *sessionAgg) takeOut() (*vec.Batch, error) {
	o := &w.out
	cols := append(w.group.outKeys(w.keys, o.keys), w.accs.finish(&o.res)...)
	for _, p := range w.spec.Props {
		cols = append(cols, &vec.Fixed[int64]{Vals: o.bounds[p]})
	}
	b := w.lates.results(&vec.Batch{Cols: cols, Rows: len(o.keys), Marks: o.marks})
	w.out = sessionOut{}
	return b, w.tab.Err
}

// Watermark implements Operator.
func (w *sessionAgg) Watermark(t int64, out Output) (bool, error) {
	if t == math.MaxInt64 || !w.spec.Window.Proctime {
		w.feed.batches(w.firing(t))
	}
	w.feed.watermark(t)
	return w.feed.drain(out)
}

// Tick implements Operator.
func (w *sessionAgg) Tick(now int64, out Output) (bool, error) {
	over := now - w.spec.Window.Granule // the last instant of a window is over, too
	if w.spec.Window.Proctime && w.fires(over) {
		w.feed.batches(w.firing(over))
	}
	return w.feed.drain(out)
}

// EndInput implements Operator.
func (w *sessionAgg) EndInput(_ int, out Output) (bool, error) {
	w.feed.batches(w.firing(math.MaxInt64))
	return w.feed.drain(out)
}

// Resume implements Operator.
func (w *sessionAgg) Resume(out Output) (bool, error) { return w.feed.drain(out) }

// Close implements Operator.
func (w *sessionAgg) Close() error {
	if w.keys != nil {
		w.keys.Close()
		w.cold.timers.Close()
		w.tab.close(w.ctx.Memory)
		w.ctx.Memory.Add(-w.cold.bytes)
	}
	return nil
}
