package exec

import (
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// firing returns a source of the results of all windows that are complete at t,
// by their ends.
func (w *WindowAgg) firing(t int64) func() (*vec.Batch, error) {
	if w.spec.Phase == jobgraph.Local {
		return w.flushLocal(t, t)
	}
	var win *firedWindow
	return func() (*vec.Batch, error) {
		if win == nil {
			if w.next == noWindow || w.time.fires(w.next) > t {
				w.setMark(t)
				return nil, nil
			}
			var err error
			if win, err = w.complete(w.next); err != nil {
				return nil, err
			}
		}
		b, err := w.emitWindow(win)
		if b != nil || err != nil {
			return b, err
		}
		if more, err := w.nextGroup(win); more || err != nil {
			return again, err
		}
		w.closeWindow(win)
		win = nil
		return again, nil
	}
}

// setMark remembers up to when windows have been told. The end of the input is no
// time of the clock.
func (w *WindowAgg) setMark(t int64) {
	if !w.spec.Window.Proctime || t != math.MaxInt64 {
		w.mark = max(w.mark, t)
	}
	if w.ahead != nil && w.mark >= w.ahead.most {
		w.ahead = nil
	}
}

// fireFirst puts what a watermark in a batch fires before the rest of the batch.
func (w *WindowAgg) fireFirst(t int64) {
	w.sent = t
	w.feed.frontMark(t)
	w.feed.front(w.firing(t))
}

// firedWindow is a window whose results are being emitted.
type firedWindow struct {
	end   int64
	tab   *groupTable // nil: nothing is in it
	slots []keyed.Slot
	room  []keyed.Slot // the memory for slots
	cold  *coldWindow  // nil: all of it is in memory
}

// complete puts the slices of a window together.
func (w *WindowAgg) complete(end int64) (*firedWindow, error) {
	win := &w.fired
	*win = firedWindow{end: end, room: win.room}
	if win.cold = w.coldWindow(end); win.cold != nil {
		return win, nil
	}
	if w.cumulating() {
		if err := w.cumulate(win); err != nil || win.tab == nil {
			return win, err
		}
	} else {
		parts, err := w.tables(end)
		if err != nil || len(parts) == 0 {
			return win, err
		}
		switch win.tab = parts[0]; {
		case len(parts) == 1:
		case w.running != nil:
			if win.tab, err = w.running.put(w.ends); err != nil {
				return nil, err
			}
		default:
			w.panes = w.accs.renew(w.panes, w.ctx.Memory)
			for _, p := range parts {
				if err := w.pour(p, w.panes); err != nil {
					return nil, err
				}
			}
			win.tab = w.panes
		}
	}
	win.tab.On(win.tab.Table)
	win.room = win.tab.Table.Slots(win.room[:0])
	if w.accs.Rows < 0 && w.ahead == nil {
		win.slots = win.room
		return win, nil
	}
	win.slots = win.room[:0]
	for _, s := range win.room {
		w.result(win, s)
	}
	return win, nil
}

// result makes a group of a window one of its results, if it has rows and was not told.
func (w *WindowAgg) result(win *firedWindow, s keyed.Slot) {
	if w.ahead != nil && w.ahead.has(win.tab.Table, s, w.time.fires(win.end)) {
		return
	}
	if w.accs.Rows < 0 || int64(*win.tab.Word(s, w.accs.Rows)) > 0 {
		win.slots = append(win.slots, s)
	}
}

// cumulate puts the last slice of a CUMULATE window into the first of its period,
// where all before it are.
func (w *WindowAgg) cumulate(win *firedWindow) error {
	first := w.time.firstSlice(win.end)
	if last := w.slices[win.end]; last != nil && win.end != first {
		if err := w.pour(last, w.slice(first)); err != nil {
			return err
		}
		w.dropSlice(win.end)
	}
	win.tab = w.slices[first]
	return nil
}

// tables returns what a TUMBLE or HOP window is put together from, in order.
func (w *WindowAgg) tables(end int64) ([]*groupTable, error) {
	if w.tree != nil {
		return w.tree.tables(end)
	}
	w.ends = w.slicesOf(w.ends[:0], end)
	w.parts = w.parts[:0]
	for _, s := range w.ends {
		w.parts = append(w.parts, w.slices[s])
	}
	return w.parts, nil
}

// slicesOf appends the slices of a window that have rows, in order.
func (w *WindowAgg) slicesOf(out []int64, end int64) []int64 {
	first := end
	switch {
	case w.alone || w.spec.Window.WKind == jobgraph.Tumble:
	case w.spec.Window.WKind == jobgraph.Cumulate: // those between are in the first
		if s := w.time.firstSlice(end); s != end && w.slices[s] != nil {
			out = append(out, s)
		}
	default:
		first = w.time.sliceEnd(w.time.start(end))
	}
	i, _ := slices.BinarySearch(w.order, first)
	for ; i < len(w.order) && w.order[i] <= end; i++ {
		out = append(out, w.order[i])
	}
	return out
}

// pour puts the groups of a slice into another table.
func (w *WindowAgg) pour(from, to *groupTable) error {
	w.poured = from.Table.Slots(w.poured[:0])
	return w.pourSome(from, w.poured, to, nil)
}

// pourSome does so for some groups; made, if not nil, is told of those that are new.
func (w *WindowAgg) pourSome(from *groupTable, all []keyed.Slot, to *groupTable, made func([]keyed.Slot)) error {
	from.On(from.Table)
	for len(all) > 0 {
		now := all[:min(len(all), vec.BatchRowsMax)]
		all = all[len(now):]
		ident := w.work.ident.upTo(len(now))
		slots, fresh := w.group.upsertOf(to.Table, from.Table, now)
		if made != nil {
			made(fresh)
		}
		to.On(to.Table)
		if to.keep {
			to.Table.Touch(slots...)
		}
		if err := w.accs.mergeSlots(from, now, to, slots, ident); err != nil {
			return err
		}
	}
	return nil
}

// emitWindow returns the next batch of a window's results, nil at its end.
func (w *WindowAgg) emitWindow(win *firedWindow) (*vec.Batch, error) {
	if len(win.slots) == 0 {
		return nil, nil
	}
	now := win.slots[:min(len(win.slots), vec.BatchRowsMax)]
	win.slots = win.slots[len(now):]
	var res results
	w.accs.readResults(&res, win.tab, now)
	cols := make([]vec.Vector, 0, len(w.spec.Keys)+len(w.spec.Aggs)+len(w.spec.Props))
	cols = append(cols, w.group.outKeys(win.tab.Table, now)...)
	cols = append(cols, w.accs.finish(&res)...)
	cols = append(cols, props(w.spec.Props, w.time.start(win.end), win.end, w.rowtime(win.end), len(now))...)
	return w.lates.results(&vec.Batch{Cols: cols, Rows: len(now)}), win.tab.Err
}

// rowtime returns the time attribute of a window's rows: the last instant in it.
func (w *WindowAgg) rowtime(end int64) int64 { return w.time.fires(end) }

// closeWindow forgets the slices whose last window this was, and finds the next.
func (w *WindowAgg) closeWindow(win *firedWindow) {
	if win.tab == w.panes {
		w.panes = w.accs.renew(w.panes, w.ctx.Memory)
	}
	for len(w.order) > 0 && w.lastOf(w.order[0]) <= win.end {
		w.dropSlice(w.order[0])
	}
	w.findNext(win.end)
}

// findNext sets the first window after end, not yet complete, that has rows. Slices
// ascend, and so do their first windows: one is enough.
func (w *WindowAgg) findNext(end int64) {
	w.next = noWindow
	for _, s := range w.order {
		e, last := w.firstOf(s), w.lastOf(s)
		if e <= end && !w.alone {
			e = w.time.after(end)
		}
		for end == noWatermark && e <= last && w.time.fires(e) <= w.mark {
			e = w.time.after(e)
		}
		if e > end && e <= last {
			w.next = e
			return
		}
	}
}

// flushLocal returns a source of the partial rows of the slices that have windows which
// fire up to a time. The others go on being aggregated. With the last batch a mark is set.
func (w *WindowAgg) flushLocal(t, mark int64) func() (*vec.Batch, error) {
	slots := w.flushed[:0]
	return func() (*vec.Batch, error) {
		for len(slots) == 0 {
			if len(w.order) == 0 || w.time.fires(w.firstOf(w.order[0])) > t {
				w.setMark(mark)
				w.findFlush()
				return nil, nil
			}
			from := w.slices[w.order[0]].Table
			if slots = from.Slots(w.flushed[:0]); len(slots) == 0 {
				w.dropSlice(w.order[0])
			}
			w.flushed = slots
		}
		end := w.order[0]
		from := w.slices[end]
		from.On(from.Table)
		now := slots[:min(len(slots), vec.BatchRowsMax)]
		slots = slots[len(now):]
		cols := make([]vec.Vector, 0, len(w.feed.small.columns()))
		cols = append(cols, w.group.outKeys(from.Table, now)...)
		cols = append(cols, w.accs.export(from, now)...)
		cols = append(cols, new(constTime).column(end, len(now)))
		if len(slots) == 0 {
			w.dropSlice(end)
		}
		return &vec.Batch{Cols: cols, Rows: len(now)}, nil
	}
}

// flushAll is flushLocal for all slices.
func (w *WindowAgg) flushAll() func() (*vec.Batch, error) {
	return w.flushLocal(math.MaxInt64, noWatermark)
}

// findFlush sets the first window that fires with what a local phase holds.
func (w *WindowAgg) findFlush() {
	w.next = noWindow
	if len(w.order) > 0 {
		w.next = w.firstOf(w.order[0])
	}
}

// crowded reports whether a local phase holds too many groups to wait, or too much when
// memory is short: what it holds cannot leave memory otherwise.
func (w *WindowAgg) crowded() bool {
	if w.held >= localSliceMax {
		return true
	}
	held := int64(0)
	for _, t := range w.slices {
		held += t.Table.Bytes() + t.bytes
	}
	return w.ctx.Memory.Short(held)
}
