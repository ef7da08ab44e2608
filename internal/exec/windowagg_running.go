package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// runningWindow keeps a HOP put together from one window to the next, where accumulators
// can be taken apart again, as counts and sums of integers can: the slice that has come is
// added, and the one that leaves is subtracted.
//
//	window 1   ├─1─┼─2─┼─3─┼─4─┤
//	window 2       ├─2─┼─3─┼─4─┼─5─┤      + 5, - 1
//
// A slice is in it from the first window that it completes until it is dropped, which is
// behind its last window. A row that comes into a slice that is in it, and memory that is
// short, make it begin again.
//
// A group is there while one of the slices has it: a word behind its accumulators counts
// them.
type runningWindow struct {
	w   *WindowAgg
	tab *groupTable // nil: it has not begun
	in  []int64     // the slices, ascending
}

// runningLeast is from how many slices on a window is kept: one of two is as soon put
// together.
const runningLeast = 3

// newRunningWindow returns nil where windows are put together from their slices.
func newRunningWindow(w *WindowAgg) *runningWindow {
	s := w.spec
	if s.Window.WKind != jobgraph.Hop || w.alone || w.tree != nil || s.Window.Size/w.time.pane < runningLeast || !w.accs.Additive() {
		return nil
	}
	return &runningWindow{w: w}
}

// put puts a window together and returns its groups; ends are its slices.
func (r *runningWindow) put(ends []int64) (*groupTable, error) {
	if r.tab != nil && (len(r.in) == 0 || r.tab.Table.Sparse()) {
		r.restart()
	}
	if r.tab == nil {
		shape := r.w.shape()
		shape.Words = r.counts() + 1
		t, err := keyed.Open(scratch{r.w.ctx.Groups}, shape)
		if err != nil {
			return nil, err
		}
		r.tab = r.w.accs.newGroups(t, nil, false)
	}
	for _, end := range ends {
		i, has := slices.BinarySearch(r.in, end)
		if has {
			continue
		}
		r.change(r.w.slices[end], 1)
		r.in = slices.Insert(r.in, i, end)
	}
	return r.tab, nil
}

// counts is the word that counts the slices of a group.
func (r *runningWindow) counts() int { return max(1, r.w.accs.Words) }

// change adds the groups of a slice, or subtracts them (sign -1).
func (r *runningWindow) change(from *groupTable, sign int64) {
	w, t := r.w, r.tab
	from.On(from.Table)
	w.poured = from.Table.Slots(w.poured[:0])
	for all := w.poured; len(all) > 0; {
		now := all[:min(len(all), vec.BatchRowsMax)]
		all = all[len(now):]
		slots, _ := w.group.upsertOf(t.Table, from.Table, now)
		t.On(t.Table)
		agg.AddWords(&t.Groups, slots, &from.Groups, now, w.accs.Words, sign)
		t.Count(slots, r.counts(), sign)
		if sign > 0 {
			continue
		}
		for _, s := range slots {
			if *t.Word(s, r.counts()) == 0 {
				t.Table.Delete(s)
			}
		}
	}
}

// leave subtracts a slice that is dropped.
func (r *runningWindow) leave(end int64) {
	if r == nil {
		return
	}
	if i, has := slices.BinarySearch(r.in, end); has {
		r.in = slices.Delete(r.in, i, i+1)
		if len(r.in) > 0 {
			r.change(r.w.slices[end], -1)
		} // else it begins again
	}
}

// forget lets it begin again if it has a slice, which gets another row.
func (r *runningWindow) forget(end int64) {
	if r == nil || len(r.in) == 0 || end > r.in[len(r.in)-1] {
		return
	}
	if _, has := slices.BinarySearch(r.in, end); has {
		r.restart()
	}
}

func (r *runningWindow) restart() {
	r.in = r.in[:0]
	if r.tab != nil {
		r.tab = r.w.accs.renew(r.tab, r.w.ctx.Memory)
	}
}

// clear gives its memory back.
func (r *runningWindow) clear() {
	if r == nil || r.tab == nil {
		return
	}
	r.tab.close(r.w.ctx.Memory)
	r.tab, r.in = nil, r.in[:0]
}
