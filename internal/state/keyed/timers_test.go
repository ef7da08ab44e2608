package keyed

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/vec"
)

// Timers are taken when they are due, none twice and none that was removed, over
// restores; and few are in memory.
func TestTimers(t *testing.T) {
	for seed := range short(uint64(20)) {
		r := rand.New(rand.NewPCG(31, seed))
		f := &statetest.Files{}
		budget := &base.Budget{}
		shape := Shape{Name: "timers", Key: jobKey, Groups: testGroups, Memory: budget}
		store := openStore(t, f, whole, nil)
		timers := OpenTimers(store, shape)
		want := map[string]bool{}
		text := func(cols []vec.Vector, row int, at int64) string {
			return fmt.Sprintf("%d %x", at, keyenc.AppendKey(nil, jobKey, cols, row))
		}
		now := int64(0)
		for e := base.Epoch(1); e < 60; e++ {
			n := 1 + r.IntN(60)
			cols := randomCols(r, jobKey, n, 30)
			var keys Keys
			keys.Prepare(jobKey, cols, nil, n)
			tab, _ := Open(openStore(t, &statetest.Files{}, whole, nil), jobTable)
			slots := make([]Slot, n)
			tab.Upsert(&keys, slots)
			for i, s := range slots {
				at := now + 1 + r.Int64N(40)
				if r.IntN(3) == 0 {
					timers.Unset(tab, s, at)
					delete(want, text(cols, i, at))
					continue
				}
				timers.Set(tab, s, at)
				want[text(cols, i, at)] = true
			}
			now += r.Int64N(5)
			got := map[string]bool{}
			for timers.Due(now) {
				cols, times, err := timers.Take(now, 1+r.IntN(20))
				if err != nil {
					t.Fatal(err)
				}
				for i, at := range times {
					if got[text(cols, i, at)] || at > now {
						t.Fatalf("seed %d: %s is taken twice, or at %d", seed, text(cols, i, at), now)
					}
					got[text(cols, i, at)] = true
				}
			}
			for x := range want {
				var at int64
				fmt.Sscan(x, &at)
				if at > now != !got[x] {
					t.Fatalf("seed %d: at %d, %s: taken %v", seed, now, x, got[x])
				}
			}
			for x := range got {
				if !want[x] {
					t.Fatalf("seed %d: %s is no timer", seed, x)
				}
				delete(want, x)
			}
			if used := budget.Used(); used > testGroups*timersAhead*100 {
				t.Fatalf("%d bytes are in memory", used)
			}
			if r.IntN(4) == 0 {
				h := persist(t, store, e)
				timers.Close()
				store = openStore(t, f, whole, []state.Handle{h})
				timers = OpenTimers(store, shape)
			}
		}
		timers.Close()
		if used := budget.Used(); used != 0 {
			t.Errorf("%d bytes are still counted", used)
		}
	}
}
