package keyed

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/state/statetest"
)

// TestKeysOf puts the keys of a table into others: they are found as if they came as
// columns, of every form, NULL among them.
func TestKeysOf(t *testing.T) {
	for _, shape := range keyShapes {
		r := rand.New(rand.NewPCG(7, 7))
		tables := make([]*Table, 3)
		for i := range tables {
			var err error
			if tables[i], err = Open(openStore(t, &statetest.Files{}, whole, nil), Shape{Name: "t", Key: shape, Words: 1, Groups: testGroups}); err != nil {
				t.Fatal(err)
			}
		}
		from, to, want := tables[0], tables[1], tables[2]
		var keys Keys
		upsert := func(tab *Table, n int) []Slot {
			slots := make([]Slot, n)
			tab.Upsert(&keys, slots)
			return slots
		}
		const n = 300
		keys.Prepare(shape, randomCols(r, shape, n, 500), nil, n)
		upsert(from, n)
		keys.Prepare(shape, randomCols(r, shape, n, 500), nil, n)
		upsert(to, n)
		upsert(want, n)
		all := slices.Collect(from.Each)
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		keys.Of(from, all)
		got := upsert(to, len(all))
		keys.Prepare(shape, from.Keys(all), nil, len(all))
		exp := upsert(want, len(all))
		if !slices.Equal(got, exp) || to.Len() != want.Len() {
			t.Errorf("%v: slots %v, and as columns %v", shape, got, exp)
		}
		// What comes next may repeat itself again.
		keys.Of(from, all[:1])
		keys.Prepare(shape, randomCols(r, shape, n, 5000), nil, n)
		if got, exp = upsert(to, n), upsert(want, n); !slices.Equal(got, exp) || to.Len() != want.Len() {
			t.Errorf("%v: slots of columns %v, and without Of before %v", shape, got, exp)
		}
	}
}

// TestClearKeeps clears a table twice: what it has for entries stays.
func TestClearKeeps(t *testing.T) {
	tab := benchTable(t, keyShapes[1][0], 3000)
	bytes := tab.Bytes()
	tab.Clear()
	tab.Clear()
	if tab.Len() != 0 || tab.Bytes() != bytes {
		t.Errorf("%d entries and %d bytes after Clear, had %d bytes", tab.Len(), tab.Bytes(), bytes)
	}
}
