package keyed

import "slices"

// SlotOne returns the slot of the i'th key alone, or None; with make it is made if
// it is absent. It serves loops that remove keys as they go, where slots found
// before would be stale.
func (t *Table) SlotOne(k *Keys, i int, make bool) Slot {
	_, isNull := slices.BinarySearch(k.nulls, int32(i))
	s := t.null
	if !isNull {
		s = t.probe(k, i)
	}
	t.lately = true
	if s != None || !make && !t.cold.on {
		t.completeOne(s)
		t.thawOne(s)
		return s
	}
	s = t.make(k, i, isNull)
	if t.cold.on {
		t.made = append(t.made[:0], s)
		t.revive()
		if !make && len(t.made) > 0 {
			t.forget(s)
			return None
		}
	}
	return s
}
