package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
)

// Value sets out of memory
//
// A group that leaves memory takes its value sets with it: what has changed of them is
// written to their Multis, whose keys leave as well; when it is back, so are they. A
// group stays if a large part of all values is its own: it would be back with the
// next row, and to move so much each time would be worse than the budget's error.
//
// With a time to live the rows of a set have a time too, the last extra word: no later
// than the group's last use when they leave, and renewed by each sweep while the group
// is used, so that they do not end in the files before it (two times to live: a
// sweep may be late). What a group leaves behind that has ended is dropped when the
// group begins anew.

// setShareMax is the part of all values of a set, as a divisor, that a group may have
// and leave.
const setShareMax = 8

// followSets lets the sets leave and come back with their groups.
func (g *GroupAgg) followSets() {
	if len(g.tab.sets) == 0 {
		return
	}
	g.tab.Table.Follow(keyed.Follower{Came: g.setsCame, Leaves: g.setsLeave, Held: g.tab.heldSets})
}

// setsCame reads the sets of groups that are back.
func (g *GroupAgg) setsCame(slots []keyed.Slot) { g.tab.setsCame(g.group.types, slots) }

// setsLeave writes the sets of a group and lets them go.
func (g *GroupAgg) setsLeave(s keyed.Slot) bool {
	return g.tab.mayLeave(s) && g.tab.setsLeave(g.group.types, s, g.nowMs(), func(m *keyed.Multi, row keyed.Slot) { g.renewSet(m, row, s) })
}

// setsCame reads the sets of groups that are back.
func (t *groupTable) setsCame(types []types.Type, slots []keyed.Slot) {
	t.setRows(types, slots, func(i int, s, row keyed.Slot) {
		m := t.multis[i]
		t.sets[i].loadGroup(s, row, m.Rows(nil, row), m)
	})
}

// setRows gives the keys of groups in the Multis of the sets.
func (t *groupTable) setRows(types []types.Type, slots []keyed.Slot, have func(set int, s, row keyed.Slot)) {
	var keys keyed.Keys
	keys.Prepare(types, t.Table.Keys(slots), nil, len(slots))
	rows := make([]keyed.Slot, len(slots))
	for i, m := range t.multis {
		m.Find(&keys, rows)
		for k, row := range rows {
			if row != keyed.None {
				have(i, slots[k], row)
			}
		}
	}
}

// mayLeave reports whether a group's sets are a small part of all.
func (t *groupTable) mayLeave(s keyed.Slot) bool {
	for _, set := range t.sets {
		if set.live > 64*setShareMax && set.longer(s, set.live/setShareMax) {
			return false
		}
	}
	return true
}

// setsLeave writes the sets of a group and lets them go; last is what is to be done
// with the rows of each before.
func (t *groupTable) setsLeave(types []types.Type, s keyed.Slot, nowMs int64, last func(m *keyed.Multi, row keyed.Slot)) bool {
	for i, set := range t.sets {
		m := t.multis[i]
		set.now = nowMs
		set.write(set.entries(nil, s), t.Table, m, types)
		if row := set.rowOf(s); row != keyed.None {
			if last != nil {
				last(m, row)
			}
			m.PutOut(row)
		}
		set.forget(s)
	}
	return true
}

// nowMs is processing time, 0 without a time to live.
func (g *GroupAgg) nowMs() int64 {
	if g.seen < 0 {
		return 0
	}
	return g.ctx.Env.Now() / 1000
}

// renewSet brings the times of a set's rows up to that of their group's last use.
func (g *GroupAgg) renewSet(m *keyed.Multi, row, s keyed.Slot) {
	if g.seen < 0 {
		return
	}
	g.tab.On(g.tab.Table)
	used := *g.tab.Word(s, g.seen)
	for r := m.First(row); r != 0; r = m.Next(r) {
		words := m.Extra(r)
		if at := &words[len(words)-1]; *at < used {
			*at = used
			m.TouchRow(row, r)
		}
	}
}

// renewSets does so for all groups in memory.
func (g *GroupAgg) renewSets() {
	for i, set := range g.tab.sets {
		for s, row := range set.rows {
			if row != 0 {
				g.renewSet(g.tab.multis[i], row-1, keyed.Slot(s))
			}
		}
	}
}

// beginAnew drops what groups that were just made have left behind.
func (g *GroupAgg) beginAnew(made []keyed.Slot) {
	if g.seen < 0 || len(g.tab.sets) == 0 || len(made) == 0 {
		return
	}
	g.tab.setRows(g.group.types, made, func(i int, _, row keyed.Slot) { g.tab.multis[i].DeleteKey(row) })
}

// heldSets is how much memory the sets have, and how much of that is free: no larger
// part than of the set that has least of it, for no set can use what is another's. What
// has been saved is about as much again and leaves with them.
func (t *groupTable) heldSets() (bytes, free int64) {
	part := 1.0
	for _, set := range t.sets {
		b := set.bytesUsed()
		bytes += b
		part = min(part, float64(set.bytesFree())/float64(b))
	}
	return bytes, int64(part * float64(bytes))
}

// longer reports whether a group has more values than n.
func (v *valueSet) longer(s keyed.Slot, n int) bool {
	if int(s) >= len(v.heads) {
		return false
	}
	for e := v.heads[s]; e != 0; e = v.ent(e - 1).next {
		if n--; n < 0 {
			return true
		}
	}
	return false
}

// rowOf returns a group's key in the Multi, or None.
func (v *valueSet) rowOf(s keyed.Slot) keyed.Slot {
	if int(s) >= len(v.rows) {
		return keyed.None
	}
	return v.rows[s] - 1
}

// forget lets a group go that is saved.
func (v *valueSet) forget(s keyed.Slot) {
	if int(s) < len(v.rows) {
		v.rows[s] = 0
	}
	for i := range v.heaps {
		delete(v.heaps[i].of, s)
	}
	if int(s) >= len(v.heads) {
		return
	}
	for e := v.heads[s]; e != 0; e = v.heads[s] {
		v.remove(e - 1)
	}
	if len(v.dirty) > 1<<12 && len(v.dirty) > 2*v.live {
		v.packDirty()
	}
}

// packDirty leaves out of the list of dirty entries what is none, or is in it twice.
func (v *valueSet) packDirty() {
	kept := v.dirty[:0]
	for _, e := range v.dirty {
		if ent := v.ent(e); ent.slot != keyed.None && ent.dirty {
			ent.dirty = false
			kept = append(kept, e)
		}
	}
	for _, e := range kept {
		v.ent(e).dirty = true
	}
	v.dirty = kept
}

// bytesFree is about how much of a set's memory new values may use.
func (v *valueSet) bytesFree() int64 {
	return int64(len(v.free))*48 + int64(len(v.ents)<<entryShift-v.used)*48 + int64(v.waste) + int64(cap(v.arena)-len(v.arena))
}
