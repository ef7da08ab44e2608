package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Early and late windows out of memory
//
// When memory is short windows leave it that nobody looks into, and entries of those
// that are used. A window that is told on time or closed and is not in memory whole is
// told a key group at a time. What the clock is to tell has timers: each entry that is
// written, because it leaves or for a checkpoint, has one at its emitDue, and an entry
// whose timer is due comes back.

// emitTimers is the table of the timers, and the value that tells that there is one:
// earlier versions had none.
const emitTimers = "timers"

// emitCold is what a windowEmit has for entries that leave memory.
type emitCold struct {
	timers  *keyed.Timers
	untimed bool // entries are read that have no timers yet
	keys    keyed.Keys
	slots   []keyed.Slot
}

func (w *windowEmit) openTimers(shape keyed.Shape) {
	w.cold.untimed = len(w.ctx.State.Values(emitTimers)) == 0
	shape.Name, shape.Key = emitTimers, append([]types.Type{stateTime}, shape.Key...)
	w.cold.timers = keyed.OpenTimers(w.ctx.State, shape)
}

// restoreWindow makes ready a window that the store had. Its entries come when they are
// asked for, unless all state stays in memory or they have no timers.
func (w *windowEmit) restoreWindow(win *emitWindow) error {
	if !w.ctx.Resident {
		if !w.cold.untimed {
			return nil
		}
		for _, m := range w.multis {
			if err := m.BringAll(win.end); err != nil {
				return err
			}
		}
		return w.buckets.BringAll(win.end)
	}
	for i, set := range win.tab.sets {
		set.load(win.tab.Table, win.tab.multis[i], w.group.types)
	}
	w.cameDue(win, slices.Collect(win.tab.Table.Each))
	return nil
}

// follow lets what belongs to the entries of a window leave and come back with them.
func (w *windowEmit) follow(win *emitWindow) {
	var f keyed.Follower
	if len(win.tab.sets) > 0 {
		f = win.tab.bucketFollower(w.ctx, w.accs, w.group.types, w.multis, win.end)
	}
	came, leaves := f.Came, f.Leaves
	f.Came = func(slots []keyed.Slot) {
		if came != nil {
			came(slots)
		}
		w.cameDue(win, slots)
	}
	f.Leaves = func(s keyed.Slot) bool {
		if leaves != nil && !leaves(s) {
			return false
		}
		w.setTimer(win, s)
		if int(s) < len(win.timed) {
			win.timed[s] = 0
		}
		return true
	}
	win.tab.Table.Follow(f)
}

// cameDue lets the clock tell entries that are in memory again.
func (w *windowEmit) cameDue(win *emitWindow, slots []keyed.Slot) {
	win.tab.On(win.tab.Table)
	for _, s := range slots {
		due := int64(*w.word(win, s, emitDue))
		if due == 0 {
			continue
		}
		win.waits(s, due)
		if w.cold.untimed {
			win.retimed = append(win.retimed, s)
			continue
		}
		win.timed = atLeast(win.timed, int(s)+1)
		win.timed[s] = due
	}
}

// setTimer gives an entry that is written the timer that it has to have.
func (w *windowEmit) setTimer(win *emitWindow, s keyed.Slot) {
	win.tab.On(win.tab.Table)
	due, has := int64(*w.word(win, s, emitDue)), int64(0)
	if int(s) < len(win.timed) {
		has = win.timed[s]
	}
	if due == has {
		return
	}
	if has != 0 {
		w.cold.timers.Unset(win.tab.Table, s, has)
	}
	if due != 0 {
		w.cold.timers.Set(win.tab.Table, s, due)
	}
	win.timed = atLeast(win.timed, int(s)+1)
	win.timed[s] = due
}

// saveTimers gives all entries in memory their timers.
func (w *windowEmit) saveTimers() {
	w.ctx.State.SetValue(emitTimers, []byte{1})
	for _, win := range w.windows {
		for _, s := range win.retimed {
			if win.tab.Table.Has(s) {
				w.setTimer(win, s)
			}
		}
		win.retimed = win.retimed[:0]
	}
}

// tellTimed queues what the clock tells of entries that are out of memory.
func (w *windowEmit) tellTimed(now int64) {
	if !w.cold.timers.Due(now) {
		return
	}
	w.feed.pieces(func() (bool, error) {
		if err := w.trim(); err != nil {
			return false, err
		}
		if err := w.bringTimed(now); err != nil {
			return false, err
		}
		for _, end := range w.order {
			if win := w.windows[end]; win.nextDue <= now {
				w.feed.batches(w.telling(win, w.dueSlots(win, now)))
			}
		}
		return w.cold.timers.Due(now), nil
	})
}

// bringTimed lets some entries come back whose timers are due.
func (w *windowEmit) bringTimed(now int64) error {
	c := &w.cold
	cols, times, err := c.timers.Take(now, vec.BatchRowsMax)
	if len(times) == 0 || err != nil {
		return err
	}
	ends := cols[0].(*vec.Fixed[int64])
	byBucket(ends, ordinals(len(times)), 1, func(end int64, rows []int32) {
		win := w.windows[end]
		if win == nil {
			return // it is closed
		}
		c.keys.Prepare(w.group.types, cols[1:], rows, len(times))
		c.slots = grow(c.slots, len(rows))
		win.tab.Table.Find(&c.keys, c.slots)
		for i, s := range c.slots {
			if s != keyed.None && int(s) < len(win.timed) && win.timed[s] == times[rows[i]] {
				win.timed[s] = 0
				win.tab.Table.Touch(s)
				win.retimed = append(win.retimed, s)
			}
		}
	})
	return w.buckets.Err()
}

// tellingAll returns a source of what there is to tell of a window that is told on time
// or closed: at once, or by key groups if not all of it is in memory.
func (w *windowEmit) tellingAll(win *emitWindow) func() (*vec.Batch, error) {
	win.due, win.nextDue = nil, math.MaxInt64
	if w.buckets.WholeAt(win.end) {
		return w.telling(win, w.untold(win, slices.Collect(win.tab.Table.Each)))
	}
	here := win.tab.Table.ByGroup()
	next := w.ctx.State.Range().Lo
	var now []keyed.Slot
	tell := w.telling(win, nil)
	return func() (*vec.Batch, error) {
		for {
			if b, err := tell(); b != nil || err != nil {
				return b, err
			}
			if w.ctx.Memory.Short(w.bytes()) {
				w.buckets.PutOut(win.end, now)
				win.tab.account(w.ctx.Memory)
			}
			if next == w.ctx.State.Range().Hi {
				return nil, nil
			}
			g := base.KeyGroup(next)
			next++
			if err := w.bringGroup(win, g); err != nil {
				return nil, err
			}
			now = append(here[g], win.tab.Table.Brought()...)
			delete(here, g)
			tell = w.telling(win, w.untold(win, now))
		}
	}
}

// bringGroup reads what the store has of a window's key group.
func (w *windowEmit) bringGroup(win *emitWindow, g base.KeyGroup) error {
	for _, m := range w.multis { // the sets are asked for as the entries come
		if err := m.Bring(g, win.end, win.end); err != nil {
			return err
		}
	}
	return w.buckets.Bring(g, win.end, win.end)
}

// bytes is how much memory the windows have, with their sets.
func (w *windowEmit) bytes() int64 {
	n := w.buckets.Bytes()
	if len(w.accs.shapes) > 0 {
		for _, win := range w.windows {
			n += win.tab.bytes
		}
	}
	return n
}

// trim lets entries leave memory, when nobody has slots of them.
func (w *windowEmit) trim() error {
	held := w.bytes()
	if !w.ctx.Resident && w.ctx.Memory.Short(held) {
		w.buckets.Trim(held - w.buckets.Bytes())
	}
	return w.ctx.unfit(held, cmp.Or(w.buckets.Err(), w.cold.timers.Err()))
}
