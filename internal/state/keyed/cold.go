package keyed

import (
	"encoding/binary"
	"math/bits"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

// Entries out of memory
//
// A table whose Shape says Evicts keeps in memory what is used, and the rest in
// the store. Trim, which the operator calls where it holds no slots, puts entries
// out that were not used lately, when memory is short: changed ones are written,
// then the slot is free. From then on the table is cold: a key that is not in
// memory is looked up in the store by Find, Upsert and SlotOne. A table that is
// opened over a store that has entries begins cold; so a restore reads what is
// used, when it is.
//
// The clock decides what goes: a bit for each slot that its use sets and a hand
// that goes around clears (Corbató, 1968). Memory that slots and rows leave is used
// again by the same table and not given back: what is full stays full. What is free
// does not always fit, so a table grows a little all the same; by as much as it has
// grown since memory became short, more must be free.

const (
	// When memory is short and less than one freeLow'th of a table's is free, it
	// frees up to one freeHigh'th; more if more is taken between two Trims, or it would
	// grow all the same.
	freeLow  = 32
	freeHigh = 16
)

// cold is what a table has besides, once entries are out of memory.
type cold struct {
	on    bool
	used  []uint64 // by slot: used since the hand went by
	hand  int      // of live words
	keys  []byte   // scratch of revive
	offs  []int
	asked [][]byte
	hit   []bool
	came  []Slot
	full  [2]int64 // the memory that was not free at the last Trim, of its rooms
	base  [2]int64 // the memory of its rooms when it became short
	stuck int64    // the memory at which nothing more could be put out; 0: not so
	away  int      // about how many entries, or rows, are in the store only
	part  []uint64 // Multi, by slot: the store may have rows before those in memory (Append)
}

// touchUse notes that slots are in use.
func (c *cold) touchUse(slots []Slot) {
	for _, s := range slots {
		if s < 0 {
			continue
		}
		for int(s)>>6 >= len(c.used) {
			c.used = append(c.used, 0)
		}
		if w := &c.used[s>>6]; *w&(1<<(s&63)) == 0 {
			*w |= 1 << (s & 63)
		}
	}
}

// free is how much of the table's memory new entries may use.
func (t *Table) free() int64 {
	return int64(int(t.next)-t.n)*int64(t.stride)*8 + 8*int64(t.arena.freeWords)
}

// A room is how much memory something has, and how much of that is free.
type room struct{ bytes, free int64 }

// rooms are those of a table and of its follower. Neither can use what the other has
// free.
type rooms [2]room

func (t *Table) rooms(free int64) (r rooms) {
	r[0] = room{t.mem.bytes, free}
	if t.follow.Held != nil {
		r[1].bytes, r[1].free = t.follow.Held()
	}
	return r
}

// mayTrim reports whether entries should leave memory, and how much must be free
// afterwards.
func (t *Table) mayTrim(now rooms) (want rooms, trim bool) {
	t.tellTime()
	if !t.shape.Evicts {
		return want, false
	}
	all := now[0].bytes + now[1].bytes
	short := t.mem.budget.Short(all)
	for i, r := range now {
		if !short || t.cold.base[i] == 0 {
			t.cold.base[i] = r.bytes
		}
		grown := max(0, r.bytes-t.cold.base[i])
		taken := r.bytes - r.free - t.cold.full[i] // since the last time
		want[i].free = max(r.bytes/freeHigh, taken+taken/4) + grown
		trim = trim || r.free < max(r.bytes/freeLow, taken)+grown/2
	}
	t.cold.fill(now)
	if all < t.cold.stuck || !short {
		return want, false
	}
	t.disk.Relieve()
	return want, trim
}

// fill notes how much is in use, before more is taken.
func (c *cold) fill(r rooms) {
	for i := range r {
		c.full[i] = r[i].bytes - r[i].free
	}
}

// have reports whether so much is free everywhere.
func (r rooms) have(want rooms) bool { return r[0].free >= want[0].free && r[1].free >= want[1].free }

// Held is how much memory the table has, and how much of that is free: for a
// Follower that keeps one.
func (t *Table) Held() (bytes, free int64) { return t.mem.bytes, t.free() }

// Trim lets entries leave memory if it is short. Slots are void afterwards.
func (t *Table) Trim() {
	if want, trim := t.mayTrim(t.rooms(t.free())); trim {
		t.evict(func() bool { return t.rooms(t.free()).have(want) }, t.putOut)
		t.cold.fill(t.rooms(t.free()))
	}
}

// Follow lets f know which entries come and leave. It is called before the first use.
func (t *Table) Follow(f Follower) { t.follow = f }

// putOut writes an entry that has changed and frees its slot.
func (t *Table) putOut(s Slot) {
	t.thawOne(s)
	if t.touched[s>>6]&(1<<(s&63)) != 0 {
		t.write(s)
	}
	t.cold.away++
	t.forget(s)
}

// evict goes round the clock until enough is free, twice at most. If that was not
// enough it is tried again when there is more.
func (t *Table) evict(enough func() bool, out func(Slot)) {
	t.cold.on = true
	for len(t.cold.used) < len(t.live) {
		t.cold.used = append(t.cold.used, 0)
	}
	t.cold.stuck = 0
	for n := 2 * len(t.live); !enough(); n-- {
		if n == 0 {
			r := t.rooms(0)
			t.cold.stuck = (r[0].bytes + r[1].bytes) / freeHigh * (freeHigh + 1)
			return
		}
		i := t.cold.hand % len(t.live)
		t.cold.hand = i + 1
		idle := t.live[i] &^ t.cold.used[i]
		t.cold.used[i] = 0
		for ; idle != 0; idle &= idle - 1 {
			s := Slot(i<<6 + bits.TrailingZeros64(idle))
			if s != t.null && (t.follow.Leaves == nil || t.follow.Leaves(s)) {
				out(s)
			}
		}
	}
}

// forget frees the slot of an entry that is in the store, or nowhere.
func (t *Table) forget(s Slot) {
	bit := uint64(1) << (s & 63)
	h := t.hash(s)
	t.live[s>>6] &^= bit
	t.touched[s>>6] &^= bit
	t.durable[s>>6] &^= bit
	t.cold.setPart(s, false)
	t.n--
	e := t.entry(s)
	for _, w := range t.shape.Blobs {
		t.arena.drop(e[w])
	}
	if s == t.null {
		t.null = None
	} else {
		t.index.remove(uint32(h), s)
		if t.form >= formString {
			t.arena.drop(e[t.keyAt])
		}
	}
	e[0] = uint64(uint32(t.freed))
	t.freed = s
}

// revive fills entries that were just made, for the store may have them: those of
// t.made. It leaves there those that are new.
func (t *Table) revive() {
	t.tellTime()
	c := &t.cold
	t.fail(t.bring(t.askedFor(t.made)))
	kept := t.made[:0]
	c.came = c.came[:0]
	for i, s := range t.made {
		if !c.hit[i] {
			kept = append(kept, s)
			continue
		}
		c.came = append(c.came, s)
		t.cameBack(s)
	}
	t.made = kept
	if t.follow.Came != nil && len(c.came) > 0 {
		t.follow.Came(c.came)
	}
}

// askedFor returns the durable keys of slots, and prepares to note which the store has.
func (t *Table) askedFor(slots []Slot) [][]byte {
	c := &t.cold
	c.keys, c.offs, c.asked, c.hit = c.keys[:0], c.offs[:0], c.asked[:0], c.hit[:0]
	for _, s := range slots {
		c.keys = t.appendDurableKey(c.keys, s, t.hash(s))
		c.offs = append(c.offs, len(c.keys))
		c.hit = append(c.hit, false)
	}
	from := 0
	for _, to := range c.offs {
		c.asked = append(c.asked, c.keys[from:to])
		from = to
	}
	return c.asked
}

// fillEntries looks up the entries of t.made.
func (t *Table) fillEntries(asked [][]byte) error {
	return t.disk.Lookup(asked, func(i int, _, val []byte) error {
		if t.over(val) {
			return nil
		}
		t.cold.hit[i] = true
		t.cold.back(1)
		return t.setValue(t.made[i], val)
	})
}

// revived makes entries for the keys that are missing, so that the store is asked
// for them, and forgets those that it does not have either.
func (t *Table) revived(k *Keys, slots []Slot) {
	t.makeMissing(k, slots)
	t.revive()
	for _, s := range t.made {
		t.forget(s)
	}
	if len(t.made) == 0 {
		return
	}
	for i, s := range slots {
		if s >= 0 && t.live[s>>6]&(1<<(s&63)) == 0 {
			slots[i] = None
		}
	}
}

// seqName is the value of the store that has the last sequence of a Multi, or of
// MultiBuckets, whose rows are not all read when it is opened.
func seqName(table string) string { return table + ".seq" }

func saveSeq(s state.Store, table string, seq uint64) {
	s.SetValue(seqName(table), binary.BigEndian.AppendUint64(nil, seq))
}

// savedSeq returns the greatest sequence that former subtasks had.
func savedSeq(s state.Store, table string) (seq uint64, known bool) {
	vals := s.Values(seqName(table))
	for _, b := range vals {
		seq = max(seq, binary.BigEndian.Uint64(b))
	}
	return seq, len(vals) > 0
}

// begin starts a table that evicts over what the store has, and reports whether it
// must be read at once.
func (t *Table) begin(s state.Store) {
	t.cold.on = !t.disk.Empty()
	if t.cold.on {
		for g := s.Range().Lo; g < s.Range().Hi; g++ {
			t.wrote.add(base.KeyGroup(g))
		}
	}
}

// cameBack notes that an entry is as the store has it.
func (t *Table) cameBack(s Slot) {
	t.touched[s>>6] &^= 1 << (s & 63)
	t.durable[s>>6] |= 1 << (s & 63)
}

// back counts n entries, or rows, that are back.
func (c *cold) back(n int) { c.away = max(0, c.away-n) }

// fillRows looks up the rows of the keys of m.made.
func (m *Multi) fillRows(asked [][]byte) error {
	back := newRowsBack(m)
	var of []int
	var ends []int // of keys
	var keys []byte
	err := m.disk.Lookup(asked, func(i int, key, val []byte) error {
		if err := m.checkRow(val); err != nil {
			return err
		}
		if m.over(val) {
			return nil
		}
		of = append(of, i)
		keys = append(keys, key...)
		ends = append(ends, len(keys))
		return back.add(key, val)
	})
	if err != nil {
		return err
	}
	back.finish()
	for from, to := 0, 0; from < len(of); from = to {
		for to = from + 1; to < len(of) && of[to] == of[from]; {
			to++
		}
		if m.keyOver(back.extras[(to-1)*m.extra:]) {
			at := 0
			if from > 0 {
				at = ends[from-1]
			}
			for _, end := range ends[from:to] { // or it would be there again with the next row
				m.fail(m.disk.Delete(keys[at:end]))
				at = end
			}
			continue
		}
		m.cold.hit[of[from]] = true
		back.put(m.made[of[from]], from, to)
	}
	return nil
}

// Trim lets keys, with their rows, leave memory if it is short. Slots and
// references to rows are void afterwards.
func (m *Multi) Trim() {
	free := func() int64 { return m.Table.free() + 8*int64(m.rows.freeWords) }
	if want, trim := m.mayTrim(m.rooms(free())); trim {
		m.evict(func() bool { return m.rooms(free()).have(want) }, m.putOut)
		m.cold.fill(m.rooms(free()))
	}
	m.packChanged()
}

// PutOut lets one key, with its rows, leave memory.
func (m *Multi) PutOut(s Slot) {
	m.cold.on = true
	m.putOut(s)
	m.packChanged()
}

// Held is how much memory the Multi has, and how much of that is free.
func (m *Multi) Held() (bytes, free int64) {
	return m.mem.bytes, m.Table.free() + 8*int64(m.rows.freeWords)
}

// packChanged keeps the list of changed rows short.
func (m *Multi) packChanged() {
	if len(m.changed) > changedMin+2*m.compacted {
		m.compactChanged()
	}
}

// changedMin is from how many changed rows on those that are gone are looked for,
// and then when there are twice as many as were left.
const changedMin = 1 << 16

// compactChanged leaves out the rows that are gone.
func (m *Multi) compactChanged() {
	kept := m.changed[:0]
	for _, r := range m.changed {
		if w := m.rows.words(uint32(r)); len(w) > 1 && w[1]&m.changedFlag() != 0 {
			kept = append(kept, r)
		}
	}
	m.changed, m.compacted = kept, len(kept)
}

// putOut writes the changed rows of a key and frees all.
func (m *Multi) putOut(s Slot) {
	h := m.hash(s)
	m.key = m.appendDurableKey(m.key[:0], s, h)
	prefix := len(m.key)
	for r := m.First(s); r != 0; {
		w := m.rows.words(uint32(r))
		next := Ref(uint32(w[0]))
		if w[1]&(flagChanged|flagChangedOdd) != 0 {
			m.thawRow(w)
			m.key = m.appendDurableKey(m.key[:0], s, h)
			if w[1]&m.changedFlag() != 0 {
				m.writeRow(w, prefix, h)
			}
		}
		m.freeRow(r, w)
		m.cold.away++
		r = next
	}
	delete(m.long, s)
	m.forget(s)
}
