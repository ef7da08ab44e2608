package exec

import (
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// Process implements Operator.
func (w *WindowAgg) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if err := w.begin(b); err != nil {
		return false, err
	}
	w.feed.batches(w.step)
	return w.feed.drain(out)
}

// begin sets a batch up as work: the slice of each row.
func (w *WindowAgg) begin(b *vec.Batch) error {
	if err := w.trim(); err != nil {
		return err
	}
	k := &w.work
	k.b, k.at, k.mark = b, 0, 0
	k.rows = k.ident.positions(b)
	k.ends = k.ends[:0]
	var err error
	switch {
	case len(k.rows) == 0:
		return nil
	case w.spec.Phase == jobgraph.Global:
		k.in = &accInput{}
		n := len(w.spec.Keys)
		for _, c := range b.Cols[n : len(b.Cols)-1] {
			k.in.cols = append(k.in.cols, vec.Flat(c))
		}
		ends := micros(b.Cols[len(b.Cols)-1])
		for _, r := range k.rows {
			k.ends = append(k.ends, ends.Vals[r])
		}
		return nil
	case w.spec.Window.Proctime:
		end := w.time.sliceEnd(w.time.local(w.ctx.Env.Now()))
		for range k.rows {
			k.ends = append(k.ends, end)
		}
	default:
		k.ends, err = w.time.slices(k.ends, micros(b.Cols[w.spec.Window.Time]), k.rows)
	}
	k.in = w.accs.input(b)
	if w.alone && err == nil {
		w.spreadWindows()
	}
	return err
}

// spreadWindows gives each row once to each of its windows.
func (w *WindowAgg) spreadWindows() {
	k := &w.work
	var rows []int32
	var ends []int64
	for i, slice := range k.ends {
		last := w.time.last(slice)
		for e := w.time.first(slice); e <= last; e = w.time.after(e) {
			rows, ends = append(rows, k.rows[i]), append(ends, e)
		}
	}
	k.rows, k.ends = rows, ends
}

// lastOf and firstOf are the windows of a slice; with alone it is the window.
func (w *WindowAgg) lastOf(slice int64) int64 {
	if w.alone {
		return slice
	}
	return w.time.last(slice)
}

func (w *WindowAgg) firstOf(slice int64) int64 {
	if w.alone {
		return slice
	}
	return w.time.first(slice)
}

// open returns the first window of a slice that is not complete.
func (w *WindowAgg) open(slice int64) int64 {
	end, last := w.firstOf(slice), w.lastOf(slice)
	for end <= last && w.time.fires(end) <= w.mark {
		if w.alone {
			return noWindow
		}
		end = w.time.after(end)
	}
	if end > last {
		return noWindow
	}
	return end
}

// step works a batch off up to the next watermark that fires a window; then the
// feed has the firing and, after it, this step again.
func (w *WindowAgg) step() (*vec.Batch, error) {
	k := &w.work
	if k.b == nil {
		return nil, nil
	}
	from := k.at
	to := from
	for k.mark < len(k.b.Marks) {
		m := k.b.Marks[k.mark]
		var held bool
		if to, held = w.stretch(to, m.Row); held {
			return again, w.sendMark(from, to)
		}
		k.mark++
		if w.spec.Window.Proctime {
			continue
		}
		if w.next == noWindow || w.time.fires(w.next) > m.Time {
			w.mark = max(w.mark, m.Time)
			continue
		}
		if err := w.add(from, to); err != nil {
			return nil, err
		}
		k.at = to
		w.fireFirst(m.Time)
		return again, nil
	}
	var held bool
	if to, held = w.stretch(to, math.MaxInt32); held {
		return again, w.sendMark(from, to)
	}
	if err := w.add(from, to); err != nil {
		return nil, err
	}
	if m, ok := lastMark(k.b); ok && m > w.sent {
		w.sent = m
		w.feed.frontMark(m)
	}
	if late := w.lates.take(k.b); late != nil {
		w.feed.front(once(late))
	}
	k.b, k.in = nil, nil
	if w.spec.Phase == jobgraph.Local && w.crowded() {
		w.feed.batches(w.flushAll())
	}
	return nil, nil
}

// sendMark sends the watermark that a row of a local phase is late for before it,
// so that the global phase sees that it is late, too.
func (w *WindowAgg) sendMark(from, to int) error {
	if err := w.add(from, to); err != nil {
		return err
	}
	w.work.at = to
	w.fireFirst(w.mark)
	return nil
}

// stretch looks at the rows from an ordinal up to a position, for which the
// watermark is the same: it drops those that are late, by the slice noWindow, and
// finds the first window to fire. It returns the ordinal after them; held says that
// it is a row of a local phase that is late for a watermark that has not gone out.
func (w *WindowAgg) stretch(from int, row int32) (to int, held bool) {
	k := &w.work
	to = len(k.rows)
	if row != math.MaxInt32 {
		n, _ := slices.BinarySearch(k.rows[from:], row)
		to = from + n
	}
	if from == to {
		return to, false
	}
	least, seen := int64(math.MaxInt64), int64(math.MinInt64)
	gaps := w.spec.Window.Slide > w.spec.Window.Size && !w.alone
	for i, e := range k.ends[from:to] {
		if e == seen {
			continue
		}
		if gaps && w.firstOf(e) > w.lastOf(e) {
			k.ends[from+i] = noWindow // between two windows
			continue
		}
		if w.mark != noWatermark && w.time.fires(e) <= w.mark || w.ctx.Late != nil {
			if w.spec.Phase == jobgraph.Local && w.sent < w.mark {
				to, held = from+i, true
				break
			}
			w.late(from + i)
			continue
		}
		seen = e
		least = min(least, e)
	}
	if least != math.MaxInt64 {
		w.next = min(w.next, w.open(least))
	}
	return to, held
}

// late handles a row some of whose windows may be complete.
func (w *WindowAgg) late(i int) {
	k := &w.work
	slice := k.ends[i]
	if w.spec.Phase == jobgraph.Local {
		// It need not be late behind the watermarks of all subtasks: the next one sends it.
		w.next = min(w.next, w.firstOf(slice))
		return
	}
	end := w.open(slice)
	if w.spec.Window.Proctime {
		if end == noWindow { // the clock was put back
			end = w.lastOf(slice)
		}
		w.next = min(w.next, end)
		return
	}
	drop := end == noWindow
	if log := w.ctx.Late; log != nil {
		switch {
		case !w.ctx.Env.Streaming:
			drop = drop || log.Drop(w.ctx.Op, slice, k.b, int(k.rows[i]))
		case drop:
			log.Dropped(w.ctx.Op, slice, k.b, int(k.rows[i]))
		}
	}
	switch {
	case drop:
		k.ends[i] = noWindow
		w.ctx.Counters.LateDropped++
		w.lates.add(k.rows[i], w.time.start(slice), slice)
	default:
		w.next = min(w.next, end)
		if w.spec.Window.WKind == jobgraph.Cumulate && !w.alone && w.time.fires(slice) <= w.mark {
			k.ends[i] = w.time.firstSlice(slice) // its slice is in there already
		}
	}
}

// add puts the rows of some ordinals into their slices.
func (w *WindowAgg) add(from, to int) error {
	k := &w.work
	if from == to {
		return nil
	}
	ends, rows := k.ends[from:to], k.rows[from:to]
	one := true
	for _, e := range ends {
		if e != ends[0] {
			one = false
			break
		}
	}
	if one {
		return w.addSlice(ends[0], rows)
	}
	k.parts = k.parts[:0]
	p := -1
	for i, e := range ends {
		if p < 0 || k.parts[p].end != e {
			p = slices.IndexFunc(k.parts, func(s slicePart) bool { return s.end == e })
			if p < 0 {
				p = len(k.parts)
				if p < cap(k.parts) {
					k.parts = k.parts[:p+1]
					k.parts[p] = slicePart{end: e, rows: k.parts[p].rows[:0]}
				} else {
					k.parts = append(k.parts, slicePart{end: e})
				}
			}
		}
		k.parts[p].rows = append(k.parts[p].rows, rows[i])
	}
	for _, s := range k.parts {
		if err := w.addSlice(s.end, s.rows); err != nil {
			return err
		}
	}
	return nil
}

func (w *WindowAgg) addSlice(end int64, rows []int32) error {
	if end == noWindow {
		return nil
	}
	k := &w.work
	t := w.slice(end)
	w.tree.forget(end)
	w.running.forget(end)
	before := t.Table.Len()
	slots, _ := w.group.upsert(t.Table, k.b.Cols, rows, k.b.Rows)
	w.held += t.Table.Len() - before
	t.On(t.Table)
	if t.keep {
		t.Table.Touch(slots...)
	}
	var err error
	if w.spec.Phase == jobgraph.Global {
		err = w.accs.merge(t, k.in.cols, slots, rows)
	} else {
		err = w.accs.apply(t, k.in, slots, rows)
	}
	t.account(w.ctx.Memory)
	return err
}
