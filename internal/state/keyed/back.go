package keyed

import (
	"encoding/binary"

	"github.com/millrace-io/millrace/vec"
)

// Rows that come back
//
// A key of a Multi leaves memory with all of its rows, and comes back with them. To
// add a row to a key that is away, Append does not ask for the others: the key is
// then in memory in part, and what the store has of it comes when somebody looks.
// Those rows are older than the ones in memory, and go before them.

// rowsBack are rows of the store on their way into a Multi.
type rowsBack struct {
	m      *Multi
	build  []*vec.Builder
	cols   []vec.Vector
	seqs   []uint64
	extras []uint64
}

func newRowsBack(m *Multi) *rowsBack { return &rowsBack{m: m, build: builders(m.rowTypes)} }

// add takes a row; its key may end with anything before the sequence.
func (b *rowsBack) add(key, val []byte) error {
	if err := b.m.decodeRow(val, b.build); err != nil {
		return err
	}
	b.seqs = append(b.seqs, binary.BigEndian.Uint64(key[len(key)-8:]))
	for w := range b.m.extra {
		b.extras = append(b.extras, binary.LittleEndian.Uint64(val[1+8*w:]))
	}
	return nil
}

func (b *rowsBack) finish() { b.cols = finish(b.build) }

// put adds the rows from one to another, all that the store has of a key, before those
// that the key has in memory.
func (b *rowsBack) put(s Slot, from, to int) {
	m := b.m
	e := m.Words(s)
	list, count := e[0], e[1]
	e[0], e[1] = 0, 0
	var here map[uint64]bool // they have been written, but are in memory
	for r := Ref(uint32(list)); r != 0; r = m.Next(r) {
		if w := m.rows.words(uint32(r)); w[1]&flagDurable != 0 {
			if here == nil {
				here = map[uint64]bool{}
			}
			here[w[1]>>seqShift] = true
		}
	}
	for i := from; i < to; i++ {
		if here[b.seqs[i]] {
			continue
		}
		ref := m.store(s, b.cols, i, b.seqs[i], flagDurable)
		m.link(s, ref)
		copy(m.rows.words(uint32(ref))[rowHead:rowHead+m.extra], b.extras[i*m.extra:])
	}
	m.cold.back(to - from - len(here))
	m.join(s, list, count)
}

// join puts a list that a slot had behind the one that it has.
func (m *Multi) join(s Slot, list, count uint64) {
	if list == 0 {
		return
	}
	delete(m.long, s)
	e := m.Words(s)
	e[1] += count
	if e[0] == 0 {
		e[0] = list
		return
	}
	last, first := uint32(e[0]>>32), uint32(list)
	m.rows.words(last)[0] |= uint64(first)
	m.rows.words(first)[0] |= uint64(last) << 32
	e[0] = e[0]&(1<<32-1) | list&^(1<<32-1)
}

// Append is Upsert for those who add rows and do not look at others: a key that is
// out of memory stays there.
func (m *Multi) Append(k *Keys, slots []Slot) {
	slots = slots[:k.Len()]
	m.made, m.lately = m.made[:0], true
	if m.find(k, slots) > 0 {
		m.makeMissing(k, slots)
		if m.cold.on {
			for _, s := range m.made {
				m.cold.setPart(s, true)
			}
		}
	}
	if m.cold.on {
		m.cold.touchUse(slots)
	}
}

// setPart notes whether a slot is in memory in part.
func (c *cold) setPart(s Slot, on bool) {
	w := int(s) >> 6
	if !on {
		if w < len(c.part) {
			c.part[w] &^= 1 << (s & 63)
		}
		return
	}
	for w >= len(c.part) {
		c.part = append(c.part, 0)
	}
	c.part[w] |= 1 << (s & 63)
}

func (c *cold) isPart(s Slot) bool {
	w := int(s) >> 6
	return s >= 0 && w < len(c.part) && c.part[w]&(1<<(s&63)) != 0
}

// complete brings the rest of those of the slots that are in memory in part.
func (t *Table) complete(slots []Slot) {
	if len(t.cold.part) == 0 {
		return
	}
	made := t.made
	t.made = nil
	for _, s := range slots {
		if t.cold.isPart(s) {
			t.cold.setPart(s, false)
			t.made = append(t.made, s)
		}
	}
	if len(t.made) > 0 {
		t.fail(t.bring(t.askedFor(t.made)))
	}
	t.made = made
}

func (t *Table) completeOne(s Slot) {
	if t.cold.isPart(s) {
		t.complete([]Slot{s})
	}
}
