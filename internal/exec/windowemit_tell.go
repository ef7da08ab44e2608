package exec

import (
	"math"
	"slices"
	"sort"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// change puts rows into groups that are told at each row, and returns the changes. The
// results of such a group are those told last.
func (w *windowEmit) change(win *emitWindow, slots []keyed.Slot, rows []int32) (*vec.Batch, error) {
	t := win.tab
	c, err := w.rounds.changes(t, w.accs, slots, rows, func(slots []keyed.Slot, rows []int32) error {
		return w.accs.apply(t, w.work.in, slots, rows)
	})
	if err != nil {
		return nil, err
	}
	c.pairs = w.emit.SendBefore
	c.diff(len(rows))
	if len(c.kinds) == 0 {
		return nil, nil
	}
	of := make([]int32, len(c.of))
	for i, o := range c.of {
		of[i] = rows[o]
	}
	cols := append(takeAll(pick(w.work.b.Cols, w.spec.Keys), of), takeAll(c.vals, c.src)...)
	return w.out(win, cols, c.kinds), nil
}

// out is a batch of changes: keys, results, and the columns about the window.
func (w *windowEmit) out(win *emitWindow, cols []vec.Vector, kinds []vec.RowKind) *vec.Batch {
	fires := w.time.fires(win.end)
	b := &vec.Batch{Cols: append(cols, props(w.spec.Props, w.time.start(win.end), win.end, fires, len(kinds))...), Rows: len(kinds), Kinds: kinds}
	if allInserts(kinds) {
		b.Kinds = nil
	}
	return b
}

// keep writes down what was told of entries, before rows come that are told later.
func (w *windowEmit) keep(win *emitWindow, slots []keyed.Slot) {
	if len(slots) == 0 {
		return
	}
	var res results
	w.accs.readResults(&res, win.tab, slots)
	cols := w.accs.finish(&res)
	var buf []byte
	for i, s := range slots {
		buf = keyenc.AppendRow(buf[:0], w.told, cols, i)
		win.tab.Table.SetBlob(s, w.first+emitTold, buf)
	}
}

// firing returns a source of what is due at t. Windows are told and closed in the
// order of their times.
func (w *windowEmit) firing(t int64) func() (*vec.Batch, error) {
	var win *emitWindow
	var tell func() (*vec.Batch, error)
	return func() (*vec.Batch, error) {
		if win == nil {
			if win = w.soonest(); win == nil || w.event(win) > t {
				w.setMark(t)
				return nil, nil
			}
			tell = w.tellingAll(win)
		}
		if b, err := tell(); b != nil || err != nil {
			return b, err
		}
		if win.past || w.emit.LatenessMs == 0 {
			w.close(win)
		}
		win.past, win = true, nil
		w.next = math.MaxInt64
		if next := w.soonest(); next != nil {
			w.next = w.event(next)
		}
		return &vec.Batch{}, nil
	}
}

// soonest returns the window that is told or closed first, or nil. Those that were told
// on time are in front.
func (w *windowEmit) soonest() *emitWindow {
	if len(w.order) == 0 {
		return nil
	}
	first := w.windows[w.order[0]]
	i := sort.Search(len(w.order), func(i int) bool { return !w.windows[w.order[i]].past })
	if i == 0 || i == len(w.order) {
		return first
	}
	if open := w.windows[w.order[i]]; w.event(open) <= w.event(first) {
		return open
	}
	return first
}

// untold returns those of some entries of a window that have something to tell, when it
// is told on time or closed.
func (w *windowEmit) untold(win *emitWindow, of []keyed.Slot) (slots []keyed.Slot) {
	win.tab.On(win.tab.Table)
	for _, s := range of {
		f := w.word(win, s, emitFlags)
		if *f&entryDirty != 0 {
			slots = append(slots, s)
		}
		if !win.past && w.emit.LatenessMs > 0 {
			win.tab.Table.Touch(s)
			*f |= entryOnTime
			*w.word(win, s, emitGrid) = 0
		}
	}
	return slots
}

// telling returns a source of what there is to tell of dirty entries.
func (w *windowEmit) telling(win *emitWindow, slots []keyed.Slot) func() (*vec.Batch, error) {
	return func() (*vec.Batch, error) {
		for len(slots) > 0 {
			now := slots[:min(len(slots), vec.BatchRowsMax/2)]
			slots = slots[len(now):]
			if b, err := w.tell(win, now); b != nil || err != nil {
				return b, err
			}
		}
		return nil, nil
	}
}

// tell returns the changes of dirty entries since they were told, which they are now.
func (w *windowEmit) tell(win *emitWindow, slots []keyed.Slot) (*vec.Batch, error) {
	t, n := win.tab, len(slots)
	t.On(t.Table)
	var res results
	w.accs.readResults(&res, t, slots)
	is, count := w.accs.finish(&res), t.Gather(nil, slots, w.accs.Rows)
	was, told, err := w.takeTold(win, slots)
	if err != nil {
		return nil, err
	}
	same := make([]bool, n)
	for i := range same {
		same[i] = true
	}
	ident := w.ident.upTo(n)
	for i := range is {
		sameRows(same, was[i], vec.Flat(is[i]), ident, ident)
	}
	keys := w.group.outKeys(t.Table, slots)
	o := newRowsOut(append(pickTypes(w.spec.InputTypes, w.spec.Keys), w.told...))
	before, after := append(keys[:len(keys):len(keys)], was...), append(keys[:len(keys):len(keys)], is...)
	for i := range slots {
		switch has := int64(count[i]) > 0; {
		case !told[i] && has:
			o.row(vec.Insert, after, i)
		case told[i] && !has:
			o.row(vec.Delete, before, i)
		case told[i] && !same[i]:
			if w.emit.SendBefore {
				o.row(vec.UpdateBefore, before, i)
			}
			o.row(vec.UpdateAfter, after, i)
		}
	}
	b := o.batch()
	if b == nil {
		return nil, t.Err
	}
	kinds := b.Kinds
	if kinds == nil {
		kinds = make([]vec.RowKind, b.Rows)
	}
	return w.out(win, b.Cols, kinds), t.Err
}

// takeTold returns what was told of entries last, and for which of them something was;
// the entries are clean then.
func (w *windowEmit) takeTold(win *emitWindow, slots []keyed.Slot) (was []vec.Vector, told []bool, err error) {
	build := make([]*vec.Builder, len(w.told))
	for i, t := range w.told {
		build[i] = vec.NewBuilder(t.Nullable(true))
	}
	told = make([]bool, len(slots))
	for i, s := range slots {
		f := w.word(win, s, emitFlags)
		if told[i] = *f&entryTold != 0; told[i] {
			if _, err := keyenc.DecodeRow(win.tab.Table.Blob(s, w.first+emitTold), w.told, build); err != nil {
				return nil, nil, err
			}
		} else {
			for _, b := range build {
				b.Null()
			}
		}
		*f &^= entryDirty | entryTold
		if due := w.word(win, s, emitDue); *due != 0 {
			*due = 0
			win.retimed = append(win.retimed, s)
		}
		win.tab.Table.SetBlob(s, w.first+emitTold, nil)
	}
	for _, b := range build {
		was = append(was, b.Finish())
	}
	return was, told, nil
}

// close drops a window.
func (w *windowEmit) close(win *emitWindow) {
	w.ctx.Memory.Add(-win.tab.bytes)
	delete(w.windows, win.end)
	if i, ok := slices.BinarySearch(w.order, win.end); ok {
		w.order = slices.Delete(w.order, i, i+1)
	}
	w.buckets.Drop(win.end)
	for _, m := range w.multis {
		m.Drop(win.end)
	}
}
