package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// windowEmit is a WindowAgg that tells results before a window is complete, or
// again when rows come late for it (the spec's Emit): TUMBLE and HOP.
//
// # Phases of a group in a window
//
//	early    the watermark is before the window's end: told at each row, or by the
//	         clock, or not at all
//	on time  the watermark reaches the end: what was not told is told
//	late     until the watermark is past the end by the lateness: told at each row, or
//	         by the clock. A group whose first row is late is told at each row
//	closed   what still waits is told, and the window is dropped; rows are late
//
// By the clock means a delay after the first row of a group, and then each time that
// the delay has passed again, if there is something new.
//
// # What is emitted
//
// The change from what was told of a group last to what it is now: +I; -U +U; -D.
// What is told already is not told again.
//
// # State
//
// A bucket a window, with an entry a group in it: the row count, the accumulators, and
// emitWords. An entry is dirty while it has rows that were not told; only then the
// results that were told last are kept beside it. So a group that is told at each row
// costs no more than one of a WindowAgg: before the row its results are as told. When
// memory is short entries leave it: see windowemit_cold.go.
type windowEmit struct {
	Base
	spec  *jobgraph.WindowAgg
	emit  *jobgraph.WindowEmit
	ctx   *Context
	time  *windowTime
	accs  *accs
	group *grouping
	told  []types.Type // of results
	first int          // of the emitWords

	buckets *keyed.Buckets
	multis  []*keyed.MultiBuckets
	cold    emitCold
	windows map[int64]*emitWindow
	order   []int64 // their ends, ascending

	mark   int64 // the watermark
	next   int64 // at which something is due; math.MaxInt64: nothing
	sent   int64 // the last watermark that went out
	work   emitWork
	feed   feed
	ident  idents
	rounds rounds
}

// Words of an entry behind its accumulators.
const (
	emitTold  = iota // a blob: the results told last, while the entry is dirty
	emitGrid         // when the clock tells it first, microseconds; 0: not set
	emitDue          // when the clock tells it next; 0: not at all
	emitFlags        // entryDirty …
	emitWords
)

// The flags of an entry.
const (
	entryDirty  = 1 << iota // it has rows that were not told
	entryTold               // of a dirty one: emitTold has results
	entryOnTime             // it was there when its window was told on time
)

// emitWindow is an open window.
type emitWindow struct {
	end     int64
	tab     *groupTable
	due     []keyed.Slot // entries with an emitDue, and some that have none any more
	nextDue int64        // the first of them
	past    bool         // it was told on time
	timed   []int64      // by slot: the emitDue that the store has a timer for; 0: none
	retimed []keyed.Slot // entries, and some that are gone, for which that may be another
}

// emitWork is a batch that is being worked off, by stretches: the rows up to a mark at
// which something is due. A stretch meets each window in one phase.
type emitWork struct {
	b     *vec.Batch
	in    *accInput
	rows  []int32
	ends  []int64 // by ordinal: the slice
	at    int     // ordinals below are in parts, or done
	mark  int     // marks below are done
	due   bool    // something is due at the mark before
	parts []slicePart
	now   int64 // processing time
}

func newWindowEmit(spec *jobgraph.WindowAgg) Operator {
	return &windowEmit{spec: spec, emit: spec.Emit}
}

// Open implements Operator.
func (w *windowEmit) Open(ctx *Context) error {
	w.ctx = ctx
	var err error
	if w.time, err = newWindowTime(&w.spec.Window); err != nil {
		return err
	}
	if w.accs, err = newAccs(w.spec.Aggs, len(w.spec.InputTypes), w.spec.Retracts, true, true); err != nil {
		return err
	}
	w.first = w.accs.Words
	for _, c := range w.spec.Aggs {
		w.told = append(w.told, c.Ret)
	}
	w.group = newGrouping(w.spec.Keys, w.spec.InputTypes)
	w.windows = map[int64]*emitWindow{}
	return w.restore()
}

func (w *windowEmit) restore() error {
	var err error
	shape := keyed.Shape{Name: groupTableName, Key: w.group.types, Words: w.first + emitWords,
		Blobs: append(slices.Clone(w.accs.Blobs), w.first+emitTold), Groups: w.ctx.Groups, Memory: w.ctx.Memory}
	if w.buckets, err = keyed.OpenBuckets(w.ctx.State, w.ctx.evicting(shape)); err != nil {
		return err
	}
	w.openTimers(shape)
	for i, s := range w.accs.shapes {
		m, err := keyed.OpenMultiBuckets(w.ctx.State, w.ctx.evicting(setShapeOf(w.ctx, s, i, w.group.types)))
		if err != nil {
			return err
		}
		w.multis = append(w.multis, m)
	}
	w.mark, w.sent, w.next = restoredTime(w.ctx.State, windowMark), noWatermark, math.MaxInt64
	for _, end := range w.buckets.Times() {
		if err := w.restoreWindow(w.window(end)); err != nil {
			return err
		}
	}
	w.cold.untimed = false
	return nil
}

// window returns an open window, made if it is new.
func (w *windowEmit) window(end int64) *emitWindow {
	if win := w.windows[end]; win != nil {
		return win
	}
	multis := make([]*keyed.Multi, len(w.multis))
	for i, m := range w.multis {
		multis[i] = m.At(end)
	}
	win := &emitWindow{end: end, tab: w.accs.newGroups(w.buckets.At(end), multis, true), nextDue: math.MaxInt64, past: w.time.fires(end) <= w.mark}
	w.follow(win)
	w.windows[end] = win
	i, _ := slices.BinarySearch(w.order, end)
	w.order = slices.Insert(w.order, i, end)
	w.next = min(w.next, w.event(win))
	return win
}

// event is the watermark at which a window is told, or closed.
func (w *windowEmit) event(win *emitWindow) int64 {
	if win.past {
		return w.closes(win.end)
	}
	return w.time.fires(win.end)
}

// closes is the watermark from which on rows are late for a window.
func (w *windowEmit) closes(end int64) int64 { return w.time.fires(end) + w.emit.LatenessMs*1000 }

func (w *windowEmit) word(win *emitWindow, s keyed.Slot, i int) *uint64 {
	return win.tab.Word(s, w.first+i)
}

// Process implements Operator.
func (w *windowEmit) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if err := w.trim(); err != nil {
		return false, err
	}
	k := &w.work
	k.b, k.at, k.mark = b, 0, 0
	k.rows, k.ends, k.now = w.ident.positions(b), k.ends[:0], w.ctx.Env.Now()
	if w.spec.Window.Proctime {
		end := w.time.sliceEnd(w.time.local(k.now))
		for range k.rows {
			k.ends = append(k.ends, end)
		}
	} else {
		var err error
		if k.ends, err = w.time.slices(k.ends, micros(b.Cols[w.spec.Window.Time]), k.rows); err != nil {
			return false, err
		}
	}
	k.in = w.accs.input(b)
	w.feed.batches(w.step)
	return w.feed.drain(out)
}

// step does a piece of the batch: a stretch's rows of one window, or what is due
// behind a stretch. It returns a batch without rows to be called again.
func (w *windowEmit) step() (*vec.Batch, error) {
	k := &w.work
	if len(k.parts) == 0 && !k.due && (k.at < len(k.rows) || k.mark < len(k.b.Marks)) {
		w.stretch()
	}
	switch {
	case len(k.parts) > 0:
		p := k.parts[0]
		k.parts = k.parts[1:]
		b, err := w.add(w.window(p.end), p.rows)
		if b == nil {
			b = &vec.Batch{}
		}
		return b, err
	case k.due:
		k.due = false
		w.sent = k.b.Marks[k.mark-1].Time
		w.feed.frontMark(w.sent)
		w.feed.front(w.firing(w.sent))
		return &vec.Batch{}, nil
	case k.at < len(k.rows) || k.mark < len(k.b.Marks):
		return &vec.Batch{}, nil
	}
	if m, ok := lastMark(k.b); ok && m > w.sent {
		w.sent = m
		w.feed.watermark(m)
	}
	k.b, k.in, k.parts = nil, nil, nil
	return nil, nil
}

// stretch gives the rows up to the next mark at which something is due to their
// windows.
func (w *windowEmit) stretch() {
	k := &w.work
	k.parts = nil
	for k.mark < len(k.b.Marks) {
		m := k.b.Marks[k.mark]
		k.mark++
		if w.spec.Window.Proctime {
			continue
		}
		n, _ := slices.BinarySearch(k.rows[k.at:], m.Row)
		w.assign(k.at + n)
		if w.next <= m.Time {
			k.due = true
			return
		}
		w.setMark(m.Time)
	}
	w.assign(len(k.rows))
}

// assign gives the rows up to an ordinal to their windows, and drops what is late for
// all of them.
func (w *windowEmit) assign(to int) {
	k := &w.work
	hint := 0
	for ; k.at < to; k.at++ {
		slice, any, open := k.ends[k.at], false, false
		last := w.time.last(slice)
		for end := w.time.first(slice); end <= last; end = w.time.after(end) {
			any = true
			if !w.late(end) {
				open = true
				hint = w.put(end, k.rows[k.at], hint)
			} else if log := w.ctx.Late; log != nil && w.ctx.Env.Streaming {
				log.Dropped(w.ctx.Op, end, k.b, int(k.rows[k.at]))
			}
		}
		if any && !open {
			w.ctx.Counters.LateDropped++
		}
	}
}

// late reports whether rows are dropped that come for a window now. By processing
// time none are: the clock may have been put back.
func (w *windowEmit) late(end int64) bool {
	return !w.spec.Window.Proctime && w.mark != noWatermark && w.closes(end) <= w.mark
}

// put gives a row to a window. The next row is likely of the part behind hint.
func (w *windowEmit) put(end int64, row int32, hint int) int {
	k := &w.work
	p := hint
	if p >= len(k.parts) || k.parts[p].end != end {
		if p = slices.IndexFunc(k.parts, func(s slicePart) bool { return s.end == end }); p < 0 {
			p = len(k.parts)
			k.parts = append(k.parts, slicePart{end: end})
			w.window(end) // from now on it may be due
		}
	}
	k.parts[p].rows = append(k.parts[p].rows, row)
	return p
}

// add puts rows into a window, and returns the changes that are told at once.
func (w *windowEmit) add(win *emitWindow, rows []int32) (*vec.Batch, error) {
	k, t := &w.work, win.tab
	slots, _ := w.group.upsert(t.Table, k.b.Cols, rows, k.b.Rows)
	t.On(t.Table)
	t.Table.Touch(slots...)
	var now, later moved
	for i, s := range slots {
		m := &later
		if w.delay(win, s) == 0 {
			m = &now
		}
		m.slots, m.rows = append(m.slots, s), append(m.rows, rows[i])
	}
	var out *vec.Batch
	var err error
	if len(now.slots) > 0 {
		out, err = w.change(win, now.slots, now.rows)
	}
	if err == nil && len(later.slots) > 0 {
		err = w.wait(win, later.slots, later.rows)
	}
	t.account(w.ctx.Memory)
	return out, err
}

// delay is how many milliseconds after a row its group is told; -1: not by the clock.
func (w *windowEmit) delay(win *emitWindow, s keyed.Slot) int64 {
	switch {
	case *w.word(win, s, emitFlags)&entryOnTime != 0:
		return w.emit.LateMs
	case win.past:
		return 0
	}
	return w.emit.EarlyMs
}

// wait puts rows into groups that are told later.
func (w *windowEmit) wait(win *emitWindow, slots []keyed.Slot, rows []int32) error {
	var told []keyed.Slot
	for _, s := range slots {
		f := w.word(win, s, emitFlags)
		if *f&entryDirty != 0 {
			continue
		}
		*f |= entryDirty
		if int64(*win.tab.Word(s, w.accs.Rows)) > 0 {
			*f |= entryTold
			told = append(told, s)
		}
		if ms := w.delay(win, s); ms > 0 {
			w.schedule(win, s, ms*1000)
		}
	}
	w.keep(win, told)
	return w.accs.apply(win.tab, w.work.in, slots, rows)
}

// schedule lets the clock tell an entry.
func (w *windowEmit) schedule(win *emitWindow, s keyed.Slot, delay int64) {
	now, grid := w.work.now, w.word(win, s, emitGrid)
	due := int64(*grid)
	switch {
	case due == 0:
		due = now + delay
		*grid = uint64(due)
	case due <= now:
		due += ((now-due)/delay + 1) * delay
	}
	*w.word(win, s, emitDue) = uint64(due)
	win.retimed = append(win.retimed, s)
	win.waits(s, due)
}

func (win *emitWindow) waits(s keyed.Slot, due int64) {
	win.due = append(win.due, s)
	win.nextDue = min(win.nextDue, due)
}

// Watermark implements Operator.
func (w *windowEmit) Watermark(t int64, out Output) (bool, error) {
	if t == math.MaxInt64 || !w.spec.Window.Proctime {
		w.advance(t)
	}
	w.feed.watermark(t)
	w.sent = t
	return w.feed.drain(out)
}

// advance queues what is due at a time.
func (w *windowEmit) advance(t int64) {
	if w.next <= t {
		w.feed.batches(w.firing(t))
		return
	}
	w.setMark(t)
}

// setMark remembers up to when windows have been told. The end of the input is no
// time of the clock.
func (w *windowEmit) setMark(t int64) {
	if !w.spec.Window.Proctime || t != math.MaxInt64 {
		w.mark = max(w.mark, t)
	}
}

// Tick implements Operator. What the clock tells comes before it closes windows.
func (w *windowEmit) Tick(now int64, out Output) (bool, error) {
	for _, end := range w.order {
		if win := w.windows[end]; win.nextDue <= now {
			w.feed.batches(w.telling(win, w.dueSlots(win, now)))
		}
	}
	w.tellTimed(now)
	if w.spec.Window.Proctime {
		w.advance(now - w.spec.Window.Granule) // the last instant of a window is over, too
	}
	return w.feed.drain(out)
}

// dueSlots takes the entries that the clock tells now.
func (w *windowEmit) dueSlots(win *emitWindow, now int64) (slots []keyed.Slot) {
	waiting := win.due
	win.due, win.nextDue = nil, math.MaxInt64
	for _, s := range waiting {
		if !win.tab.Table.Has(s) {
			continue // it has left, and has a timer
		}
		switch due := int64(*w.word(win, s, emitDue)); {
		case due == 0: // told otherwise
		case due <= now:
			slots = append(slots, s)
			*w.word(win, s, emitDue) = 0 // it may be there twice
			win.retimed = append(win.retimed, s)
		default:
			win.waits(s, due)
		}
	}
	return slots
}

// EndInput implements Operator: what processing time has not told comes now.
func (w *windowEmit) EndInput(_ int, out Output) (bool, error) {
	w.advance(math.MaxInt64)
	return w.feed.drain(out)
}

// Flush implements Operator.
func (w *windowEmit) Flush(out Output) (bool, error) { return w.feed.drain(out) }

// Resume implements Operator.
func (w *windowEmit) Resume(out Output) (bool, error) { return w.feed.drain(out) }

// Snapshot implements Operator.
func (w *windowEmit) Snapshot(base.Epoch) error {
	saveTime(w.ctx.State, windowMark, w.mark)
	w.saveTimers()
	for _, win := range w.windows {
		win.tab.saveSets(w.group.types, 0)
	}
	for _, m := range w.multis {
		if err := m.Snapshot(); err != nil {
			return err
		}
	}
	return cmp.Or(w.cold.timers.Err(), w.buckets.Snapshot())
}

// Close implements Operator.
func (w *windowEmit) Close() error {
	for _, win := range w.windows {
		w.ctx.Memory.Add(-win.tab.bytes)
	}
	if w.buckets != nil {
		w.buckets.Close()
		w.cold.timers.Close()
	}
	for _, m := range w.multis {
		m.Close()
	}
	return nil
}
