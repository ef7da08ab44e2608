package keyed

import "slices"

// FindRow walks longWalk rows from the end of a list. If the list has longRows or
// more it then looks the row up by its content: without that, taking rows back
// from a key with a million of them would be quadratic.
const (
	longWalk = 64
	longRows = 256
)

// longLists are, of the slots whose lists were found to be long, the rows by
// content hash, in order of arrival. Most Multis never have one. They are not
// counted in the budget.
type longLists map[Slot]map[uint32][]Ref

// add notes a row whose third word is head.
func (l longLists) add(s Slot, r Ref, head uint64) {
	if rows := l[s]; rows != nil {
		h := uint32(head >> 32)
		rows[h] = append(rows[h], r)
	}
}

// remove forgets a row of a list that had count rows.
func (l longLists) remove(s Slot, r Ref, head uint64, count int) {
	rows := l[s]
	if rows == nil {
		return
	}
	if count <= longWalk {
		delete(l, s)
		return
	}
	h := uint32(head >> 32)
	same := rows[h]
	i := len(same) - 1 // FindRow gives the last
	for same[i] != r {
		i--
	}
	if same = slices.Delete(same, i, i+1); len(same) == 0 {
		delete(rows, h)
	} else {
		rows[h] = same
	}
}

// findLong finds the last row that equals the image at hand.
func (m *Multi) findLong(s Slot, hash uint64) Ref {
	rows := m.long[s]
	if rows == nil {
		if m.long == nil {
			m.long = longLists{}
		}
		rows = map[uint32][]Ref{}
		m.long[s] = rows
		for r := m.First(s); r != 0; r = m.Next(r) {
			m.long.add(s, r, m.rows.words(uint32(r))[2])
		}
	}
	for _, r := range slices.Backward(rows[uint32(hash)]) {
		if m.equal(m.rows.words(uint32(r))) {
			return r
		}
	}
	return 0
}
