package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// keyCodes remembers the slots of groups whose key columns are all indexes into
// dictionaries: by the indexes together, as long as the dictionaries are the same. So a
// row's group is found by an array, and its key is put together once a dictionary.
//
// It is for tables from which single groups do not go; forget is called when all do.
type keyCodes struct {
	on    bool
	words []vec.Vector
	slots []keyed.Slot // by code; None: not known yet
	codes []uint32     // of the rows at hand
	first []int32      // rows whose code is not known, one of each
	known []uint32     // their codes
}

// keyCodesMax is how many codes there may be.
const keyCodesMax = 1 << 14

func (k *keyCodes) forget() { k.words = k.words[:0] }

// fits reports whether columns are such indexes, and makes ready for their dictionaries.
func (k *keyCodes) fits(cols []vec.Vector, which []int) bool {
	if !k.on || len(which) == 0 {
		return false
	}
	all, same := 1, len(k.words) == len(which)
	for i, c := range which {
		d, ok := cols[c].(*vec.Dict)
		if !ok {
			return false
		}
		if all *= d.Words.Len(); all > keyCodesMax {
			return false
		}
		same = same && k.words[i] == d.Words
	}
	if same {
		return true
	}
	k.words = k.words[:0]
	for _, c := range which {
		k.words = append(k.words, cols[c].(*vec.Dict).Words)
	}
	k.slots = grow(k.slots, all)
	for i := range k.slots {
		k.slots[i] = keyed.None
	}
	return true
}

// upsertCodes is upsert for columns that fit.
func (g *grouping) upsertCodes(t *keyed.Table, cols []vec.Vector, rows []int32, n int) []keyed.Slot {
	k := &g.coded
	k.codes = grow(k.codes, len(rows))
	codes := k.codes
	for i, r := range rows {
		codes[i] = cols[g.cols[0]].(*vec.Dict).Codes[r]
	}
	for _, c := range g.cols[1:] {
		d := cols[c].(*vec.Dict)
		words := uint32(d.Words.Len())
		for i, r := range rows {
			codes[i] = codes[i]*words + d.Codes[r]
		}
	}
	g.slots = grow(g.slots, len(rows))
	if g.lookCodes(rows) {
		// The groups of one row for each new code, then the others again.
		first := k.first
		g.keys.Prepare(g.types, pick(cols, g.cols), first, n)
		g.slots = grow(g.slots, max(len(rows), len(first)))[:len(first)]
		t.Upsert(&g.keys, g.slots)
		for i, code := range k.known {
			k.slots[code] = g.slots[i]
		}
		g.slots = g.slots[:len(rows)]
		g.lookCodes(rows)
	}
	return g.slots
}

// lookCodes sets the slots of rows whose codes are known, and lists one row of each of the
// others; it reports whether there are any.
func (g *grouping) lookCodes(rows []int32) bool {
	k := &g.coded
	k.first, k.known = k.first[:0], k.known[:0]
	missing := false
	for i, code := range k.codes {
		s := k.slots[code]
		g.slots[i] = s
		missing = missing || s == keyed.None
	}
	if !missing {
		return false
	}
	for i, code := range k.codes {
		if k.slots[code] == keyed.None {
			k.slots[code] = pending
			k.first, k.known = append(k.first, rows[i]), append(k.known, code)
		}
	}
	return true
}

// pending stands for the slot of a code that is about to be found.
const pending keyed.Slot = -2
