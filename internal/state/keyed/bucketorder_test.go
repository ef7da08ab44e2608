package keyed

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/vec"
)

// queue is rows that wait in buckets, which are read in order.
type queue struct {
	store  state.Store
	rows   *MultiBuckets
	budget *base.Budget
}

func startQueue(t *testing.T, f *statetest.Files, evicts bool, evictAt int64, from []state.Handle) *queue {
	q := &queue{store: openStore(t, f, whole, from), budget: &base.Budget{EvictAt: evictAt, EvictKeep: 1}}
	shape := jobMulti
	shape.Evicts, shape.Memory, shape.InOrder = evicts, q.budget, true
	var err error
	if q.rows, err = OpenMultiBuckets(q.store, shape); err != nil {
		t.Fatal(err)
	}
	return q
}

// add adds rows to a bucket as operators do that do not look at others.
func (q *queue) add(r *rand.Rand, at int64) {
	n := 1 + r.IntN(20)
	cols, data := randomCols(r, jobKey, n, 40), randomCols(r, jobMulti.Row, n, 3)
	var keys Keys
	keys.Prepare(jobKey, cols, nil, n)
	slots, refs := make([]Slot, n), make([]Ref, n)
	m := q.rows.At(at)
	m.Append(&keys, slots)
	m.AddRows(slots, data, nil, refs)
	for k, ref := range refs {
		m.Extra(ref)[0] = uint64(k)
	}
	q.rows.Settle(at)
}

// read is what a bucket has, each key with its rows in order. Of those that are removed
// the first of each key is.
func (q *queue) read(t *testing.T, at int64, remove bool) (out []string) {
	if err := q.rows.BringAll(at); err != nil {
		t.Fatal(err)
	}
	m := q.rows.Get(at)
	if m == nil {
		t.Fatalf("bucket %d is not there", at)
	}
	var slots []Slot
	for s := range m.Each {
		line := fmt.Sprintf("%x", keyOf(jobKey, m.Keys([]Slot{s}), 0))
		refs := m.Rows(nil, s)
		cols := []vec.Vector{m.Gather(refs, 0), m.Gather(refs, 1)}
		for k, r := range refs {
			line += fmt.Sprintf(" %x:%d", keyOf(jobMulti.Row, cols, k), m.Extra(r)[0])
		}
		out, slots = append(out, line), append(slots, s)
	}
	for _, s := range slots {
		if remove {
			m.Remove(s, m.First(s))
		}
	}
	slices.Sort(out)
	return out
}

// Buckets that are read in order have, when they are read, what was added to them, with
// any memory, over checkpoints and restores; and rows leave from the last one on.
func TestBucketsInOrder(t *testing.T) {
	for seed := range short(uint64(6)) {
		r := rand.New(rand.NewPCG(5, seed))
		evictAt := []int64{1, 100 << 10, 1 << 20}[r.IntN(3)]
		f, g := &statetest.Files{}, &statetest.Files{}
		a, b := startQueue(t, f, true, evictAt, nil), startQueue(t, g, false, evictAt, nil)
		now, left := int64(0), 0
		for e := base.Epoch(1); e < 40; e++ {
			for range 1 + r.IntN(10) {
				at, step := now+int64(r.IntN(100)), r.Uint64()
				a.add(rand.New(rand.NewPCG(step, 1)), at)
				b.add(rand.New(rand.NewPCG(step, 1)), at)
				if r.IntN(3) == 0 {
					a.rows.Trim(0)
				}
			}
			if len(a.rows.left) > 0 {
				left++
			}
			for ; now < int64(e)*4; now++ {
				if !slices.Equal(a.rows.Times(), b.rows.Times()) {
					t.Fatalf("seed %d: times %d, want %d", seed, a.rows.Times(), b.rows.Times())
				}
				if at := a.rows.Times(); len(at) > 0 && at[0] == now {
					if r.IntN(3) == 0 {
						a.read(t, now, true)
						b.read(t, now, true)
						a.rows.Trim(0)
					}
					if got, want := a.read(t, now, false), b.read(t, now, false); !slices.Equal(got, want) {
						t.Fatalf("seed %d, bucket %d: have\n%q\nwant\n%q", seed, now, got, want)
					}
				}
				a.rows.Drop(now)
				b.rows.Drop(now)
			}
			var from [2][]state.Handle
			for i, q := range []*queue{a, b} {
				if err := q.rows.Snapshot(); err != nil {
					t.Fatal(err)
				}
				from[i] = []state.Handle{persist(t, q.store, e, func() {
					if i == 0 && r.IntN(2) == 0 {
						q.rows.Trim(0) // what is frozen leaves
					}
				})}
			}
			if r.IntN(5) == 0 {
				a, b = startQueue(t, f, true, evictAt, from[0]), startQueue(t, g, false, evictAt, from[1])
			}
		}
		if left == 0 && evictAt < 1<<20 {
			t.Errorf("seed %d: nothing has left memory", seed)
		}
		a.rows.Close()
		if used := a.budget.Used(); used != 0 {
			t.Errorf("%d bytes are still counted", used)
		}
	}
}

// What is needed last leaves first, and what comes next is not put out again.
func TestLastBucketsLeave(t *testing.T) {
	q := startQueue(t, &statetest.Files{}, true, 128<<10, nil)
	r := rand.New(rand.NewPCG(1, 1))
	for at := range int64(400) {
		q.add(r, at)
		q.rows.Trim(0)
	}
	if len(q.rows.left) < 200 {
		t.Fatalf("of 400 buckets %d have left memory", len(q.rows.left))
	}
	for _, at := range q.rows.Times()[:10] {
		if q.rows.left[at] != nil {
			t.Errorf("bucket %d has left memory", at)
		}
	}
	reads := 0
	for at := range int64(400) {
		if q.rows.left[at] != nil {
			reads++
		}
		q.read(t, at, false)
		q.rows.Drop(at)
		q.rows.Trim(0)
	}
	if reads > 40 {
		t.Errorf("400 buckets were read in %d goes", reads)
	}
}
