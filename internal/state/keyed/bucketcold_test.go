package keyed

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
)

// cycle is a job of one subtask whose buckets leave memory, or not.
type cycle struct {
	store  state.Store
	bucket *Buckets
	multi  *MultiBuckets
	budget *base.Budget
}

func startCycle(t *testing.T, f *statetest.Files, evicts bool, from []state.Handle) *cycle {
	c := &cycle{store: openStore(t, f, whole, from), budget: &base.Budget{EvictAt: 1, EvictKeep: 1}}
	shape := func(s Shape) Shape {
		s.Evicts, s.Memory = evicts, c.budget
		return s
	}
	var err error
	if c.bucket, err = OpenBuckets(c.store, shape(jobBuckets)); err != nil {
		t.Fatal(err)
	}
	if c.multi, err = OpenMultiBuckets(c.store, shape(jobMulti)); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cycle) trim() {
	c.bucket.Trim(0)
	c.multi.Trim(0)
}

// step changes the buckets at random. A row may be added without a look at others.
func (c *cycle) step(r *rand.Rand, keys *Keys) {
	n := 1 + r.IntN(80)
	cols, data := randomCols(r, jobKey, n, 40), randomCols(r, jobMulti.Row, n, 3)
	at := int64(r.IntN(6)) - 3
	keys.Prepare(jobKey, cols, nil, n)
	slots := make([]Slot, n)
	b, m := c.bucket.At(at), c.multi.At(at)
	b.Upsert(keys, slots)
	for _, s := range slots {
		b.Words(s)[0]++
		b.SetBlob(s, 1, fmt.Appendf(b.Blob(s, 1), ",%d", b.Words(s)[0]))
	}
	look := r.IntN(3) == 0
	if look {
		m.Upsert(keys, slots)
	} else {
		m.Append(keys, slots)
	}
	refs := make([]Ref, n)
	m.AddRows(slots, data, nil, refs)
	for k, ref := range refs {
		m.Extra(ref)[0] = uint64(k)
	}
	if look {
		for k, s := range slots {
			if r.IntN(4) > 0 || !m.Has(s) {
				continue
			}
			switch ref := m.FindRow(s, data, k); {
			case ref != 0:
				m.Remove(s, ref)
			case r.IntN(3) == 0:
				m.DeleteKey(s)
			}
		}
	}
	if r.IntN(6) == 0 {
		c.bucket.Drop(at)
		c.multi.Drop(at)
	}
}

// dump is all that the buckets have, read a key group or a bucket at a time.
func (c *cycle) dump(t *testing.T, byGroup bool) []string {
	for _, at := range c.bucket.Times() {
		if byGroup {
			for g := range testGroups {
				if c.bucket.Bring(base.KeyGroup(g), at, at) != nil || c.multi.Bring(base.KeyGroup(g), at, at) != nil {
					t.Fatal("a key group cannot be read")
				}
			}
			continue
		}
		if c.bucket.BringAll(at) != nil || c.multi.BringAll(at) != nil {
			t.Fatal("a bucket cannot be read")
		}
		if !c.bucket.WholeAt(at) || !c.multi.WholeAt(at) {
			t.Fatal("a bucket that was read is not whole")
		}
	}
	empty, _ := Open(openStore(t, &statetest.Files{}, whole, nil), jobTable)
	return (&job{stores: []state.Store{c.store}, tables: []*Table{empty}, bucket: []*Buckets{c.bucket}, multi: []*MultiBuckets{c.multi}}).dump()
}

// Buckets that leave memory have what buckets have that stay there, over checkpoints,
// restores and drops.
func TestColdBuckets(t *testing.T) {
	for seed := range short(uint64(9)) {
		r := rand.New(rand.NewPCG(21, seed))
		f, g := &statetest.Files{}, &statetest.Files{}
		a, b := startCycle(t, f, true, nil), startCycle(t, g, false, nil)
		var keys Keys
		out := 0
		for e := base.Epoch(1); e < 40; e++ {
			for range 1 + r.IntN(4) {
				step := r.Uint64()
				a.step(rand.New(rand.NewPCG(step, 1)), &keys)
				b.step(rand.New(rand.NewPCG(step, 1)), &keys)
				if r.IntN(2) == 0 {
					a.trim()
				}
				if !a.multi.Whole() {
					out++
				}
			}
			if r.IntN(3) == 0 {
				if got, want := a.dump(t, r.IntN(2) == 0), b.dump(t, false); !slices.Equal(got, want) {
					t.Fatalf("seed %d, epoch %d: have\n%q\nwant\n%q", seed, e, got, want)
				}
			}
			var from [2][]state.Handle
			for i, c := range []*cycle{a, b} {
				for _, err := range []error{c.bucket.Snapshot(), c.multi.Snapshot()} {
					if err != nil {
						t.Fatal(err)
					}
				}
				meanwhile := func() {
					if i == 0 && r.IntN(2) == 0 {
						a.trim() // what is frozen leaves
					}
				}
				from[i] = []state.Handle{persist(t, c.store, e, meanwhile)}
			}
			if r.IntN(4) == 0 {
				a, b = startCycle(t, f, true, from[0]), startCycle(t, g, false, from[1])
			}
			if r.IntN(6) == 0 { // what leaves memory is read by those that keep all of it
				got := startCycle(t, f, false, from[0]).dump(t, false)
				if want := b.dump(t, false); !slices.Equal(got, want) {
					t.Fatalf("seed %d, epoch %d: restored\n%q\nwant\n%q", seed, e, got, want)
				}
			}
		}
		if out == 0 {
			t.Errorf("seed %d: nothing has left memory", seed)
		}
		a.bucket.Close()
		a.multi.Close()
		if used := a.budget.Used(); used != 0 {
			t.Errorf("%d bytes are still counted", used)
		}
	}
}
