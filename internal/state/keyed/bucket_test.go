package keyed

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A job is the subtasks of one operator with a table of each kind.
type job struct {
	stores []state.Store
	tables []*Table
	bucket []*Buckets
	multi  []*MultiBuckets
}

var (
	jobKey     = []types.Type{types.TString, types.TInt}
	jobTable   = Shape{Name: "t", Key: jobKey, Words: 1, Groups: testGroups}
	jobBuckets = Shape{Name: "b", Key: jobKey, Words: 2, Blobs: []int{1}, Groups: testGroups}
	jobMulti   = Shape{Name: "m", Key: jobKey, Row: []types.Type{types.TString, types.TBigInt}, Extra: 1, Groups: testGroups}
)

func startJob(t *testing.T, f *statetest.Files, n int, from []state.Handle) *job {
	j := &job{}
	for i := range n {
		s := openStore(t, f, base.RangeOf(i, n, testGroups), from)
		a, err := Open(s, jobTable)
		if err != nil {
			t.Fatal(err)
		}
		b, err := OpenBuckets(s, jobBuckets)
		if err != nil {
			t.Fatal(err)
		}
		m, err := OpenMultiBuckets(s, jobMulti)
		if err != nil {
			t.Fatal(err)
		}
		j.stores, j.tables, j.bucket, j.multi = append(j.stores, s), append(j.tables, a), append(j.bucket, b), append(j.multi, m)
	}
	return j
}

// dump is all that the job knows, as text.
func (j *job) dump() (out []string) {
	for i := range j.stores {
		for s := range j.tables[i].Each {
			out = append(out, fmt.Sprintf("t %x %d", keyOf(jobKey, j.tables[i].Keys([]Slot{s}), 0), j.tables[i].Words(s)[0]))
		}
		for _, at := range j.bucket[i].Times() {
			b := j.bucket[i].Get(at)
			for s := range b.Each {
				out = append(out, fmt.Sprintf("b %d %x %d %q", at, keyOf(jobKey, b.Keys([]Slot{s}), 0), b.Words(s)[0], b.Blob(s, 1)))
			}
		}
		for _, at := range j.multi[i].Times() {
			m := j.multi[i].Get(at)
			for s := range m.Each {
				line := fmt.Sprintf("m %d %x", at, keyOf(jobKey, m.Keys([]Slot{s}), 0))
				refs := m.Rows(nil, s)
				cols := []vec.Vector{m.Gather(refs, 0), m.Gather(refs, 1)}
				for k, r := range refs {
					line += fmt.Sprintf(" %x:%d", keyOf(jobMulti.Row, cols, k), m.Extra(r)[0])
				}
				out = append(out, line)
			}
		}
	}
	slices.Sort(out)
	return out
}

// step changes the job at random.
func (j *job) step(r *rand.Rand, keys *Keys) {
	n := 1 + r.IntN(80)
	cols := randomCols(r, jobKey, n, 40)
	data := randomCols(r, jobMulti.Row, n, 3)
	keys.Prepare(jobKey, cols, nil, n)
	hash := slices.Clone(keys.Hash)
	at := int64(r.IntN(6)) - 3
	for i, s := range j.stores {
		var rows []int32
		for row, h := range hash {
			if s.Range().Has(base.KeyGroup(uint32(h>>32) % testGroups)) {
				rows = append(rows, int32(row))
			}
		}
		if len(rows) == 0 {
			continue
		}
		keys.Prepare(jobKey, cols, rows, n)
		slots := make([]Slot, len(rows))
		t, b, m := j.tables[i], j.bucket[i].At(at), j.multi[i].At(at)
		t.Upsert(keys, slots)
		for _, s := range slots {
			t.Words(s)[0]++
		}
		t.Touch(slots...)
		for _, s := range slots {
			if r.IntN(5) == 0 && t.live[s>>6]&(1<<(s&63)) != 0 {
				t.Delete(s)
			}
		}
		b.Upsert(keys, slots)
		for _, s := range slots {
			b.Words(s)[0]++
			b.SetBlob(s, 1, fmt.Appendf(b.Blob(s, 1), ",%d", b.Words(s)[0]))
		}
		b.Touch(slots...)
		m.Upsert(keys, slots)
		refs := make([]Ref, len(slots))
		m.AddRows(slots, data, rows, refs)
		for k, ref := range refs {
			m.Extra(ref)[0] = uint64(k)
		}
		for k, s := range slots {
			if r.IntN(4) == 0 && m.live[s>>6]&(1<<(s&63)) != 0 && m.Count(s) > 0 {
				switch ref := m.FindRow(s, data, int(rows[k])); {
				case ref != 0:
					m.Remove(s, ref)
				case r.IntN(3) == 0:
					m.DeleteKey(s)
				}
			}
		}
	}
	if r.IntN(4) == 0 {
		for i := range j.stores {
			j.bucket[i].Drop(at)
			j.multi[i].Drop(at)
		}
	}
}

// snapshot writes all tables and returns the handles, some of epochs that nobody
// will use.
func (j *job) snapshot(t *testing.T, f *statetest.Files, e base.Epoch) (out []state.Handle) {
	for i, s := range j.stores {
		for _, err := range []error{j.tables[i].Snapshot(), j.bucket[i].Snapshot(), j.multi[i].Snapshot()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, persist(t, s, e))
	}
	return out
}

// A job continues from any epoch, at any parallelism, as if nothing had happened.
func TestRescale(t *testing.T) {
	for seed := range short(uint64(6)) {
		r := rand.New(rand.NewPCG(3, seed))
		f := &statetest.Files{}
		j := startJob(t, f, 1+r.IntN(4), nil)
		var keys Keys
		type epoch struct {
			handles []state.Handle
			dump    []string
		}
		var epochs []epoch
		for e := base.Epoch(1); e < 40; e++ {
			for range 3 {
				j.step(r, &keys)
			}
			epochs = append(epochs, epoch{j.snapshot(t, f, e), j.dump()})
			if r.IntN(3) == 0 {
				// Back to one of the last epochs: those between never were.
				back := max(0, len(epochs)-1-r.IntN(3))
				epochs = epochs[:back+1]
				j = startJob(t, f, 1+r.IntN(5), epochs[back].handles)
				if got := j.dump(); !slices.Equal(got, epochs[back].dump) {
					t.Fatalf("seed %d, epoch %d: restored\n%q\nwant\n%q", seed, e, got, epochs[back].dump)
				}
			}
		}
		for _, h := range epochs[len(epochs)-1].handles {
			if len(h.Files) > 5*32 { // of as many subtasks, before they are merged
				t.Errorf("a chain has %d files", len(h.Files))
			}
		}
	}
}

// In steady state a batch allocates nothing.
func TestNoAllocations(t *testing.T) {
	for _, key := range []types.Type{types.TBigInt, types.TString} {
		table := benchTable(t, key, 10000)
		batches := benchBatches(10000, 4)
		for i, c := range batches {
			if key.Kind == types.Varchar {
				batches[i] = stringCols(c[0].(*vec.Fixed[int64]).Vals)
			}
		}
		var keys Keys
		slots := make([]Slot, benchRows)
		vals := make([]int64, benchRows)
		i := 0
		if n := testing.AllocsPerRun(50, func() {
			aggregate(table, &keys, batches[i%4], vals, slots)
			i++
		}); n != 0 {
			t.Errorf("%s: %v allocations a batch", key, n)
		}
		// Deleting and making entries reuses slots and strings.
		if n := testing.AllocsPerRun(50, func() {
			keys.Prepare(table.shape.Key, batches[i%4], nil, benchRows)
			for j := range 100 {
				table.Find(&keys, slots)
				table.Delete(slots[j])
				table.Upsert(&keys, slots)
			}
			i++
		}); n != 0 {
			t.Errorf("%s: %v allocations a batch with deletes", key, n)
		}
	}
	multi := newMulti(openStore(t, &statetest.Files{}, whole, nil).Table("m"), jobMulti)
	r := rand.New(rand.NewPCG(4, 4))
	const n = 1000
	cols := []vec.Vector{stringCols(make([]int64, n))[0], vec.Flat(randomCols(r, []types.Type{types.TInt}, n, 50)[0])}
	data := []vec.Vector{stringCols(make([]int64, n))[0], vec.Flat(randomCols(r, []types.Type{types.TBigInt}, n, 50)[0])}
	var keys Keys
	slots := make([]Slot, n)
	if got := testing.AllocsPerRun(50, func() {
		keys.Prepare(jobKey, cols, nil, n)
		multi.Upsert(&keys, slots)
		multi.AddRows(slots, data, nil, nil)
		for i, s := range slots {
			multi.Remove(s, multi.FindRow(s, data, i))
		}
		multi.changed = multi.changed[:0]
	}); got != 0 {
		t.Errorf("Multi: %v allocations a batch", got)
	}
}

// Windows that come and go use the memory of those before them, and give all of
// it back.
func TestBucketMemory(t *testing.T) {
	budget := &base.Budget{}
	shape := jobMulti
	shape.Memory = budget
	b, err := OpenMultiBuckets(openStore(t, &statetest.Files{}, whole, nil), shape)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(9, 9))
	var keys Keys
	slots := make([]Slot, benchRows)
	peak := int64(0)
	for at := range int64(40) {
		n := 2000
		if at%10 == 5 {
			n = 10
		}
		cols := randomCols(r, jobKey, n, 100000)
		keys.Prepare(jobKey, cols, nil, n)
		m := b.At(at)
		if m.Len() != 0 {
			t.Fatal("a new bucket has keys")
		}
		m.Upsert(&keys, slots)
		m.AddRows(slots[:n], randomCols(r, shape.Row, n, 1000), nil, nil)
		if budget.Used() != b.Bytes() {
			t.Fatalf("%d bytes in the budget, %d in the buckets", budget.Used(), b.Bytes())
		}
		if at == 4 {
			peak = budget.Used()
		}
		b.Drop(at - 2)
	}
	if used := budget.Used(); used > 2*peak {
		t.Errorf("%d bytes in use after many windows, %d after four", used, peak)
	}
	b.Close()
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}
