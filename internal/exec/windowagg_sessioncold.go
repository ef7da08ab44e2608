package exec

import (
	"cmp"
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Sessions out of memory
//
// When memory is short the keys that are used least leave it, with their windows: those
// are written into the key's entry, and come back with it, by a row or when they are
// complete. So that this is known without them, each entry that is written has a timer,
// at the time when the first of its windows fires:
//
//	groups   key: windows …
//	timers   (time, key) …   in the store alone
//
// A timer that is due is taken away and its key comes back, if it was not there. Its
// windows fire, or have moved; it gets another timer when it is written again.

// sessionTimers is the table of the timers, and the value that tells that there is one:
// earlier versions had none.
const sessionTimers = "timers"

// timedSign makes a time a word that is not 0.
const timedSign = 1 << 63

// sessionCold is what a sessionAgg has for keys that leave memory.
type sessionCold struct {
	timers *keyed.Timers
	timed  []uint64     // by slot of keys: the time of its timer, with timedSign; 0: none
	types  []types.Type // of a window as it is saved
	keys   keyed.Keys
	slots  []keyed.Slot
	buf    []byte
	err    error // of windows that came back
	bytes  int64 // counted for the lists of windows
}

// What the lists of windows take, in bytes an element.
const (
	sessionBytes      = 56
	sessionTimerBytes = 32
	sessionHeadBytes  = 4 + 8 // with its timer
)

// openKeys opens the state.
func (w *sessionAgg) openKeys() (err error) {
	w.cold.types = w.rowTypes()
	shape := keyed.Shape{Name: groupTableName, Key: w.group.types, Words: 1, Blobs: []int{0}, Groups: w.ctx.Groups, Memory: w.ctx.Memory}
	timed := len(w.ctx.State.Values(sessionTimers)) > 0
	open := keyed.Open
	if !timed {
		open = keyed.OpenWhole
	}
	if w.keys, err = open(w.ctx.State, w.ctx.evicting(shape)); err != nil {
		return err
	}
	w.keys.Follow(keyed.Follower{Came: w.came, Leaves: w.leaves, Held: w.held})
	shape.Name = sessionTimers
	w.cold.timers = keyed.OpenTimers(w.ctx.State, shape)
	all := slices.Collect(w.keys.Each) // none that may leave memory
	w.came(all)
	if !timed {
		for _, key := range all {
			w.cold.timed[key] = 0
			w.setDirty(key)
		}
	}
	return w.cold.err
}

// came makes the windows of keys that are in memory again.
func (w *sessionAgg) came(keys []keyed.Slot) {
	c := &w.cold
	for _, key := range keys {
		w.heads, c.timed = atLeast(w.heads, int(key)+1), atLeast(c.timed, int(key)+1)
	}
	c.err = cmp.Or(c.err, w.load(keys))
	for _, key := range keys {
		c.timed[key] = w.firstFires(key)
	}
}

// firstFires returns when the first window of a key fires, with timedSign; 0 if it has
// none.
func (w *sessionAgg) firstFires(key keyed.Slot) (first uint64) {
	for e := w.heads[key]; e != 0; e = w.list[e-1].next {
		if at := uint64(w.time.fires(w.list[e-1].end)) ^ timedSign; first == 0 || at < first {
			first = at
		}
	}
	return first
}

// atLeast makes a list longer, with zeros, unless it is long enough.
func atLeast[T any](list []T, n int) []T {
	if n <= len(list) {
		return list
	}
	return append(list, make([]T, n-len(list))...)
}

// leaves writes the windows of a key that leaves memory, and forgets them.
func (w *sessionAgg) leaves(key keyed.Slot) bool {
	if int(key) >= len(w.heads) {
		return true
	}
	if word := int(key) >> 6; word < len(w.dirty) && w.dirty[word]&(1<<(key&63)) != 0 {
		w.tab.On(w.tab.Table)
		w.save(key)
	}
	for e := w.heads[key]; e != 0; e = w.heads[key] {
		w.close(e - 1)
	}
	if int(key) < len(w.cold.timed) {
		w.cold.timed[key] = 0
	}
	return true
}

// held is how much memory the windows have, and how much of it is free: no larger part
// than of that of what has least.
func (w *sessionAgg) held() (bytes, free int64) {
	tab, tabFree := w.tab.Table.Held()
	part := 1.0
	share := func(free, all int64) {
		if all > 0 {
			part = min(part, float64(free)/float64(all))
		}
	}
	share(tabFree+int64(len(w.pool))*8*int64(w.accs.Words), tab)
	share(int64(len(w.free)+cap(w.list)-len(w.list)), int64(cap(w.list)))
	bytes = tab + w.listBytes()
	if len(w.tab.sets) > 0 {
		sets, setsFree := w.tab.heldSets()
		share(setsFree, sets)
		bytes += sets
	}
	return bytes, int64(part * float64(bytes))
}

func (w *sessionAgg) listBytes() int64 {
	return int64(cap(w.list))*sessionBytes + int64(cap(w.heap))*sessionTimerBytes + int64(cap(w.heads))*sessionHeadBytes
}

// trim lets keys leave memory, if it is short. The slots of all are void afterwards.
func (w *sessionAgg) trim() error {
	w.tab.account(w.ctx.Memory)
	w.keys.Trim()
	w.packTimers()
	now := w.listBytes()
	w.ctx.Memory.Add(now - w.cold.bytes)
	w.cold.bytes = now
	bytes, _ := w.held()
	return w.ctx.unfit(w.keys.Bytes()+bytes, cmp.Or(w.cold.err, w.keys.Failed(), w.cold.timers.Err()))
}

// packTimers leaves out those of windows that are gone, when there are many.
func (w *sessionAgg) packTimers() {
	live := len(w.list) - len(w.free)
	if len(w.heap) < 1<<10+2*live {
		return
	}
	w.heap = slices.DeleteFunc(w.heap, func(x sessionTimer) bool {
		win := &w.list[x.win]
		return !win.live || win.seq != x.seq
	})
	slices.SortFunc(w.heap, func(x, y sessionTimer) int {
		return cmp.Or(cmp.Compare(x.fire, y.fire), cmp.Compare(x.seq, y.seq))
	})
}

// setTimer gives a key that is written its timer.
func (w *sessionAgg) setTimer(key keyed.Slot) {
	c := &w.cold
	c.timed = atLeast(c.timed, int(key)+1)
	first := w.firstFires(key)
	if first == c.timed[key] {
		return
	}
	w.dropTimer(key)
	if first != 0 {
		c.timers.Set(w.keys, key, int64(first^timedSign))
		c.timed[key] = first
	}
}

// dropTimer removes the timer of a key.
func (w *sessionAgg) dropTimer(key keyed.Slot) {
	c := &w.cold
	if int(key) < len(c.timed) && c.timed[key] != 0 {
		c.timers.Unset(w.keys, key, int64(c.timed[key]^timedSign))
		c.timed[key] = 0
	}
}

// bring lets some keys come back that have timers up to a time. No results may wait:
// keys leave meanwhile.
func (w *sessionAgg) bring(t int64) error {
	w.sweep()
	if err := w.trim(); err != nil {
		return err
	}
	keys, times, err := w.cold.timers.Take(t, vec.BatchRowsMax)
	if err != nil {
		return err
	}
	if len(times) > 0 {
		c := &w.cold
		c.keys.Prepare(w.group.types, keys, nil, len(times))
		c.slots = grow(c.slots, len(times))
		w.keys.Find(&c.keys, c.slots)
		for i, s := range c.slots {
			if s != keyed.None && c.timed[s] == uint64(times[i])^timedSign {
				c.timed[s] = 0
				w.setDirty(s) // it gets another one, if it does not end now
			}
		}
	}
	if k := &w.work; k.b != nil { // their keys may have left
		fresh, _ := w.group.upsert(w.keys, k.b.Cols, k.rows[k.at:], k.b.Rows)
		k.keys = append(make([]keyed.Slot, k.at), fresh...)
	}
	return w.cold.err
}
