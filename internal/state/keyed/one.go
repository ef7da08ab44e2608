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
	if s == None && make {
		s = t.make(k, i, isNull)
	}
	return s
}
