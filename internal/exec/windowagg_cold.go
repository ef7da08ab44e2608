package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
)

// Windows out of memory
//
// When memory is short slices leave it: those that get no rows whole, of others the
// groups that are used least. A window that has such a slice is not put together at
// once but a key group at a time: what the store has of the key group is read, poured
// together with what is in memory, put out as results, and leaves again.
//
//	key group    0   1   2   3 …
//	slice 1      ·   ▒   ·   ·      in memory  ▓
//	slice 2      ·   ▒   ·   ·      read       ▒
//	slice 3      ▓   ▓   ▓   ▓      in the store only  ·
//
// So a window needs no more memory than the groups of a key group do.

// coldWindow is a window that is put together by key groups.
type coldWindow struct {
	slices []int64
	here   []map[base.KeyGroup][]keyed.Slot // by slice: what was in memory at the beginning
	next   base.KeyGroup
}

// coldWindow returns nil for a window that is in memory.
func (w *WindowAgg) coldWindow(end int64) *coldWindow {
	if w.buckets == nil || w.buckets.Whole() {
		return nil
	}
	cold := false
	c := &coldWindow{slices: w.slicesOf(nil, end), next: base.KeyGroup(w.ctx.State.Range().Lo)}
	for _, s := range c.slices {
		cold = cold || !w.buckets.WholeAt(s)
	}
	if !cold {
		return nil
	}
	w.running.clear()
	if first := w.time.firstSlice(end); w.cumulating() && c.slices[0] != first {
		w.slice(first)
		c.slices = append([]int64{first}, c.slices...)
	}
	for _, s := range c.slices {
		c.here = append(c.here, w.slices[s].Table.ByGroup())
	}
	return c
}

// nextGroup puts the next key group of a cold window together; it reports false when
// there is none.
func (w *WindowAgg) nextGroup(win *firedWindow) (bool, error) {
	c := win.cold
	if c == nil {
		return false, nil
	}
	w.release(win)
	if int(c.next) >= w.ctx.State.Range().Hi {
		if w.cumulating() && len(c.slices) == 2 {
			w.dropSlice(win.end)
		}
		return false, nil
	}
	g := c.next
	c.next++
	if err := w.bring(g, c.slices); err != nil {
		return false, err
	}
	parts := make([][]keyed.Slot, len(c.slices))
	for i, s := range c.slices {
		parts[i] = append(c.here[i][g], w.slices[s].Table.Brought()...)
		c.here[i][g] = parts[i]
	}
	return true, w.collect(win, parts)
}

// bring reads what the store has of a key group in some slices.
func (w *WindowAgg) bring(g base.KeyGroup, of []int64) error {
	from, to := of[0], of[len(of)-1]
	for _, m := range w.multis { // the sets are asked for as the groups come
		if err := m.Bring(g, from, to); err != nil {
			return err
		}
	}
	return w.buckets.Bring(g, from, to)
}

// cumulating reports whether slices are put into the first of their period.
func (w *WindowAgg) cumulating() bool {
	return w.spec.Window.WKind == jobgraph.Cumulate && !w.alone
}

// collect finds the results in the groups that each slice has.
func (w *WindowAgg) collect(win *firedWindow, parts [][]keyed.Slot) error {
	c := win.cold
	switch {
	case len(parts) == 1:
		win.tab = w.slices[c.slices[0]]
	case w.cumulating():
		win.tab = w.slices[c.slices[0]]
		last := w.slices[c.slices[1]]
		if err := w.pourSome(last, parts[1], win.tab, func(made []keyed.Slot) { parts[0] = append(parts[0], made...) }); err != nil {
			return err
		}
		c.here[0][c.next-1] = parts[0]
	default:
		w.panes = w.accs.renew(w.panes, w.ctx.Memory)
		for i, s := range c.slices {
			if err := w.pourSome(w.slices[s], parts[i], w.panes, nil); err != nil {
				return err
			}
		}
		win.tab = w.panes
		parts = [][]keyed.Slot{nil}
		for s := range w.panes.Table.Each {
			parts[0] = append(parts[0], s)
		}
	}
	win.tab.On(win.tab.Table)
	for _, s := range parts[0] {
		w.result(win, s)
	}
	return nil
}

// release lets the groups of the key group before the next leave memory, if it is
// short.
func (w *WindowAgg) release(win *firedWindow) {
	c := win.cold
	if int(c.next) == w.ctx.State.Range().Lo || !w.ctx.Memory.Short(w.bytes()) {
		return
	}
	for i, s := range c.slices {
		t := w.slices[s]
		w.buckets.PutOut(s, c.here[i][c.next-1])
		t.account(w.ctx.Memory)
		delete(c.here[i], c.next-1)
	}
}

// bytes is how much memory the slices have, with their sets.
func (w *WindowAgg) bytes() int64 {
	n := w.buckets.Bytes()
	if len(w.accs.shapes) > 0 {
		for _, t := range w.slices {
			n += t.bytes
		}
	}
	return n
}

// trim lets slices leave memory, if it is short, between two batches.
func (w *WindowAgg) trim() error {
	if w.buckets == nil {
		return nil
	}
	held := w.bytes()
	if w.ctx.Memory.Short(held) && !w.ctx.Resident {
		w.tree.clear()
		w.running.clear()
		w.buckets.Trim(held - w.buckets.Bytes())
	}
	return w.ctx.unfit(held, w.buckets.Err())
}

// followSets lets the sets of a slice leave and come back with its groups.
func (w *WindowAgg) followSets(t *groupTable, end int64) {
	if len(t.sets) > 0 {
		t.Table.Follow(t.bucketFollower(w.ctx, w.accs, w.group.types, w.multis, end))
	}
}

// bucketFollower makes the sets of a bucket's groups leave and come back with them.
func (t *groupTable) bucketFollower(ctx *Context, a *accs, types []types.Type, multis []*keyed.MultiBuckets, end int64) keyed.Follower {
	whole := false
	return keyed.Follower{
		Came: func(slots []keyed.Slot) { t.setsCame(types, slots) },
		Leaves: func(s keyed.Slot) bool {
			return (whole || t.mayLeave(s)) && t.setsLeave(types, s, 0, nil)
		},
		Held: t.heldSets,
		Whole: func(begins bool) {
			if whole = begins; begins {
				return
			}
			for i, m := range multis {
				t.sets[i] = newValueSet(a.shapes[i], true, a.heaps[i])
				m.PutOutAt(end)
			}
			t.account(ctx.Memory)
		},
	}
}
