package keyed

import "github.com/millrace-io/millrace/internal/base"

// A Walk goes through the keys of a bucket, with all of their rows: at once, or a key
// group at a time, what is out of memory too.
type Walk struct {
	b        *MultiBuckets
	m        *Multi // nil: there is no such bucket
	time     int64
	byGroups bool
	here     map[base.KeyGroup][]Slot // what was in memory at the beginning
	next     int
	last     []Slot
}

// Walk begins one. Byroups is for a bucket that is not in memory whole, or to go along
// with one that is not.
func (b *MultiBuckets) Walk(t int64, byGroups bool) *Walk {
	w := &Walk{b: b, m: b.of[t], time: t, byGroups: byGroups, next: b.store.Range().Lo}
	if byGroups && w.m != nil {
		w.here = w.m.ByGroup()
	}
	return w
}

// Next returns the keys of the next key group, or all; false when there are no more.
// Those of the call before may leave memory.
func (w *Walk) Next() ([]Slot, bool, error) {
	w.release()
	end := w.b.store.Range().Hi
	if w.next >= end {
		return nil, false, nil
	}
	if !w.byGroups {
		w.next = end
		var all []Slot
		if w.m != nil {
			for s := range w.m.Each {
				all = append(all, s)
			}
		}
		return all, true, nil
	}
	g := base.KeyGroup(w.next)
	w.next++
	if w.m == nil {
		return nil, true, nil
	}
	if err := w.b.Bring(g, w.time, w.time); err != nil {
		return nil, false, err
	}
	w.last = append(w.here[g], w.m.Brought()...)
	return w.last, true, nil
}

// release lets keys leave memory if it is short.
func (w *Walk) release() {
	if len(w.last) == 0 || !w.b.shape.Evicts || !w.b.shape.Memory.Short(w.b.held) {
		return
	}
	w.m.cold.on = true
	w.b.setCold(w.time)
	for _, s := range w.last {
		if w.m.Has(s) && (w.m.follow.Leaves == nil || w.m.follow.Leaves(s)) {
			w.m.putOut(s)
		}
	}
	w.last = nil
}
