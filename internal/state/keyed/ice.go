package keyed

import (
	"math"
	"math/bits"

	"github.com/millrace-io/millrace/internal/keyenc"
)

// Frozen entries
//
// A snapshot of a table that evicts takes no time: what has changed is frozen, by
// bit or flag, and written by and by (state.Store.Drain). Who comes to a frozen
// entry first, by Find, Upsert, SlotOne, Delete or eviction, writes it before it
// can change. Only tables that evict are frozen, because their operators hold no
// slots from one batch to the next.

// ice is what is frozen and not written yet.
type ice struct {
	on   bool
	bits []uint64 // by slot: frozen
	at   int      // words of bits that are drained
	odd  bool     // Multi: rows that change now have flagChangedOdd
	rows []Ref    // Multi: frozen rows, some gone
}

// freeze lets what has changed be drained after the snapshot.
func (t *Table) freeze() {
	t.melt()
	t.ice = ice{on: true, bits: t.touched}
	t.touched, t.dirty = make([]uint64, len(t.touched)), false
	t.disk.Defer(t.drain)
}

// drain writes about n frozen entries and reports whether there are more.
func (t *Table) drain(n int) bool {
	for ; t.ice.on && n > 0; t.ice.at++ {
		if t.ice.at == len(t.ice.bits) {
			t.ice = ice{}
			break
		}
		for w := t.ice.bits[t.ice.at]; w != 0; w &= w - 1 {
			t.thawOne(Slot(t.ice.at<<6 + bits.TrailingZeros64(w)))
			n--
		}
	}
	return t.ice.on
}

// melt writes all that is frozen.
func (t *Table) melt() { t.drain(math.MaxInt) }

// thaw writes those of the entries that are frozen.
func (t *Table) thaw(slots []Slot) {
	if !t.ice.on || t.ice.bits == nil {
		return
	}
	for _, s := range slots {
		t.thawOne(s)
	}
}

// thawOne writes an entry if it is frozen.
func (t *Table) thawOne(s Slot) {
	if s < 0 || int(s)>>6 >= len(t.ice.bits) {
		return
	}
	bit := uint64(1) << (s & 63)
	if t.ice.bits[s>>6]&bit == 0 {
		return
	}
	t.ice.bits[s>>6] &^= bit
	if t.live[s>>6]&bit == 0 {
		return // it was gone when it was frozen
	}
	t.encode(s)
	t.fail(t.disk.Late(t.key, t.val))
}

// changedFlag is the flag of rows that change now.
func (m *Multi) changedFlag() uint64 {
	if m.ice.odd {
		return flagChangedOdd
	}
	return flagChanged
}

// freeze lets the rows that have changed be drained after the snapshot.
func (m *Multi) freeze() {
	m.drain(math.MaxInt)
	if len(m.changed) == 0 {
		return
	}
	m.ice = ice{on: true, odd: !m.ice.odd, rows: m.changed}
	if n := min(1<<bits.Len(uint(len(m.changed))), underMax); len(m.under) < n {
		m.under = make([]under, n)
	}
	for i := range m.under {
		m.under[i] = under{None, 0} // slots may be of other keys now
	}
	m.changed, m.compacted = nil, 0
	m.disk.Defer(m.drain)
}

// drain writes about n frozen rows and reports whether there are more.
func (m *Multi) drain(n int) bool {
	if !m.ice.on {
		return false
	}
	n = min(n, len(m.ice.rows)-m.ice.at)
	frozen := m.frozenFlag()
	for _, r := range m.ice.rows[m.ice.at : m.ice.at+n] {
		if w := m.rows.words(uint32(r)); len(w) > 0 && w[1]&frozen != 0 {
			m.writeLate(w, frozen)
		}
	}
	if m.ice.at += n; m.ice.at == len(m.ice.rows) {
		m.ice = ice{odd: m.ice.odd}
	}
	return m.ice.on
}

// frozenFlag is the flag of rows that are frozen, while some are.
func (m *Multi) frozenFlag() uint64 { return (flagChanged | flagChangedOdd) &^ m.changedFlag() }

// thawRow writes a row if it is frozen.
func (m *Multi) thawRow(w []uint64) {
	if frozen := m.frozenFlag(); m.ice.on && w[1]&frozen != 0 {
		m.writeLate(w, frozen)
	}
}

// writeLate writes a row with the flag that it is frozen.
func (m *Multi) writeLate(w []uint64, frozen uint64) {
	w[1] &^= frozen
	m.makeDurable(w)
	s := Slot(uint32(w[2]))
	u := &m.under[int(s)&(len(m.under)-1)]
	for ok := false; !ok; {
		if u.slot != s {
			h := m.hash(s)
			m.wrote.add(keyenc.Group(h, m.shape.Groups))
			m.key = m.appendDurableKey(m.key[:0], s, h)
			*u = under{s, m.disk.Under(m.key)}
		}
		var err error
		ok, err = m.disk.LateRow(u.n, w[1]>>seqShift, m.body(w))
		m.fail(err)
		if !ok {
			u.slot = None
		}
	}
}

// An under is the number that the store has given for the key of a slot.
type under struct {
	slot Slot
	n    int
}

// underMax is of how many slots the numbers are known, where many rows are frozen; of
// the others they are asked again.
const underMax = 1 << 12
