package keyed

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const benchRows = 4096

// benchBatches returns batches of random keys below domain.
func benchBatches(domain, batches int) [][]vec.Vector {
	r := rand.New(rand.NewPCG(1, 1))
	out := make([][]vec.Vector, batches)
	for b := range out {
		vals := make([]int64, benchRows)
		for i := range vals {
			vals[i] = int64(r.IntN(domain))
		}
		out[b] = []vec.Vector{&vec.Fixed[int64]{Vals: vals}}
	}
	return out
}

func stringCols(vals []int64) []vec.Vector {
	b := vec.NewBuilder(types.TString)
	for _, x := range vals {
		b.String(fmt.Sprintf("user-key-%d", x))
	}
	return []vec.Vector{b.Finish()}
}

func benchTable(tb testing.TB, key types.Type, domain int) *Table {
	s := openStore(tb, &statetest.Files{}, whole, nil)
	t, err := Open(s, Shape{Name: "t", Key: []types.Type{key}, Words: 3, Groups: testGroups})
	if err != nil {
		tb.Fatal(err)
	}
	var keys Keys
	slots := make([]Slot, benchRows)
	vals := make([]int64, benchRows)
	for from := 0; from < domain; from += benchRows {
		n := min(benchRows, domain-from)
		for i := range n {
			vals[i] = int64(from + i)
		}
		cols := []vec.Vector{&vec.Fixed[int64]{Vals: vals[:n]}}
		if key.Kind == types.Varchar {
			cols = stringCols(vals[:n])
		}
		keys.Prepare(t.shape.Key, cols, nil, n)
		t.Upsert(&keys, slots)
	}
	return t
}

// aggregate is what an operator does with a batch: count, sum, max.
func aggregate(t *Table, keys *Keys, cols []vec.Vector, vals []int64, slots []Slot) {
	keys.Prepare(t.shape.Key, cols, nil, benchRows)
	t.Upsert(keys, slots)
	t.Touch(slots...)
	slab, shift, mask, stride := t.Slab()
	shift &= 63
	for i, s := range slots {
		w := slab[uint(s)>>shift][(int(s)&mask)*stride:][:3]
		w[0]++
		w[1] += uint64(vals[i])
		w[2] = max(w[2], uint64(vals[i]))
	}
}

func benchUpsert(b *testing.B, key types.Type, domain int, batches [][]vec.Vector) {
	t := benchTable(b, key, domain)
	var keys Keys
	slots := make([]Slot, benchRows)
	vals := make([]int64, benchRows)
	for i := range vals {
		vals[i] = int64(i)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		aggregate(t, &keys, batches[i%len(batches)], vals, slots)
		i++
	}
	rate(b, benchRows)
	b.ReportMetric(float64(t.Bytes())/float64(t.Len()), "B/key")
}

// BenchmarkOpen reads a table back.
func BenchmarkOpen(b *testing.B) {
	const n = 200_000
	t := benchTable(b, types.TBigInt, n)
	f := &statetest.Files{}
	s := openStore(b, f, whole, nil)
	t.disk = s.Table("t")
	if err := t.Snapshot(); err != nil {
		b.Fatal(err)
	}
	h := persist(b, s, 1)
	for b.Loop() {
		if t, err := Open(openStore(b, f, whole, []state.Handle{h}), t.shape); err != nil || t.Len() != n {
			b.Fatal(err)
		}
	}
	rate(b, n)
	b.ReportMetric(float64(h.Bytes)/n, "fileB/key")
}

func rate(b *testing.B, rows int) {
	b.ReportMetric(float64(b.N)*float64(rows)/1e6/b.Elapsed().Seconds(), "Mrows/s")
}

var domains = []int{1_000, 1_000_000, 10_000_000}

func BenchmarkUpsertInt(b *testing.B) {
	for _, domain := range domains {
		b.Run(fmt.Sprint(domain), func(b *testing.B) { benchUpsert(b, types.TBigInt, domain, benchBatches(domain, 1000)) })
	}
}

func BenchmarkUpsertString(b *testing.B) {
	for _, domain := range domains[:2] {
		b.Run(fmt.Sprint(domain), func(b *testing.B) {
			batches := benchBatches(domain, 200)
			for i, c := range batches {
				batches[i] = stringCols(c[0].(*vec.Fixed[int64]).Vals)
			}
			benchUpsert(b, types.TString, domain, batches)
		})
	}
}

// BenchmarkUpsertWords has keys of two columns.
func BenchmarkUpsertWords(b *testing.B) {
	ts := []types.Type{types.TBigInt, types.TInt}
	t := newTable(openStore(b, &statetest.Files{}, whole, nil).Table("t"), Shape{Key: ts, Words: 3, Groups: testGroups})
	batches := benchBatches(100_000, 100)
	ints := &vec.Fixed[int32]{Vals: make([]int32, benchRows)}
	var keys Keys
	slots := make([]Slot, benchRows)
	i := 0
	for b.Loop() {
		keys.Prepare(ts, []vec.Vector{batches[i%100][0], ints}, nil, benchRows)
		t.Upsert(&keys, slots)
		i++
	}
	rate(b, benchRows)
}

// BenchmarkGoMap is the same work on a map of pointers.
func BenchmarkGoMap(b *testing.B) {
	type acc struct{ n, sum, max uint64 }
	for _, domain := range domains {
		b.Run(fmt.Sprint(domain), func(b *testing.B) {
			m := map[int64]*acc{}
			for i := range domain {
				m[int64(i)] = &acc{}
			}
			batches := benchBatches(domain, 1000)
			i := 0
			for b.Loop() {
				for j, k := range batches[i%len(batches)][0].(*vec.Fixed[int64]).Vals {
					a := m[k]
					if a == nil {
						a = &acc{}
						m[k] = a
					}
					a.n++
					a.sum += uint64(j)
					a.max = max(a.max, uint64(j))
				}
				i++
			}
			rate(b, benchRows)
		})
	}
}

func BenchmarkInsertInt(b *testing.B) {
	for b.Loop() {
		benchTable(b, types.TBigInt, 1_000_000).Close()
	}
	rate(b, 1_000_000)
}

func BenchmarkSnapshot(b *testing.B) {
	t := benchTable(b, types.TBigInt, 100_000)
	s := t.disk
	for b.Loop() {
		for slot := range t.Each {
			t.Touch(slot)
		}
		t.disk = openStore(b, &statetest.Files{}, whole, nil).Table("t")
		if err := t.Snapshot(); err != nil {
			b.Fatal(err)
		}
	}
	t.disk = s
	rate(b, 100_000)
}

// BenchmarkCheckpoint adds rows, most of them under keys that are new or had rows just
// before, as bids come to auctions; what counts is to write them, from the snapshot on.
func BenchmarkCheckpoint(b *testing.B) {
	const batches = 128
	row := []types.Type{types.TBigInt, types.TBigInt, types.TBigInt}
	for _, text := range []bool{false, true} {
		name := "numbers"
		if text {
			name, row = "strings", append(row, types.TString)
		}
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			var keys Keys
			slots := make([]Slot, benchRows)
			auctions, prices, times := make([]int64, benchRows), make([]int64, benchRows), make([]int64, benchRows)
			at := int64(0)
			var bytes int64
			for b.Loop() {
				b.StopTimer()
				st := &statetest.Files{}
				s := openStore(b, st, whole, nil)
				m, err := OpenMulti(s, Shape{Name: "m", Key: []types.Type{types.TBigInt}, Row: row, Groups: testGroups, Evicts: true, Memory: &base.Budget{}})
				if err != nil {
					b.Fatal(err)
				}
				for range batches {
					for i := range auctions {
						at++
						auctions[i], prices[i], times[i] = at/16-int64(r.IntN(100)*r.IntN(100)), r.Int64N(1e7), at/10
					}
					cols := []vec.Vector{&vec.Fixed[int64]{Vals: auctions}, &vec.Fixed[int64]{Vals: prices}, &vec.Fixed[int64]{Vals: times}}
					if text {
						cols = append(cols, stringCols(prices)[0])
					}
					keys.Prepare(m.shape.Key, cols[:1], nil, benchRows)
					m.Upsert(&keys, slots)
					m.AddRows(slots, cols, nil, nil)
				}
				b.StartTimer()
				if err := m.Snapshot(); err != nil {
					b.Fatal(err)
				}
				snap, err := s.Snapshot(1)
				for done := false; !done && err == nil; {
					done, err = s.Drain(2048)
				}
				if err != nil {
					b.Fatal(err)
				}
				h, err := snap.Persist()
				if err != nil {
					b.Fatal(err)
				}
				bytes = h.Bytes
				m.Close()
			}
			rows := float64(batches * benchRows)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			b.ReportMetric(float64(bytes)/rows, "B/row")
		})
	}
}

func BenchmarkMulti(b *testing.B) {
	const domain = 100_000
	row := []types.Type{types.TBigInt, types.TBigInt, types.TString}
	open := func() *Multi {
		m, err := OpenMulti(openStore(b, &statetest.Files{}, whole, nil),
			Shape{Name: "m", Key: []types.Type{types.TBigInt}, Row: row, Groups: testGroups, Memory: &base.Budget{}})
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	batches := benchBatches(domain, 200)
	data := make([][]vec.Vector, len(batches))
	for i, c := range batches {
		data[i] = []vec.Vector{c[0], c[0], stringCols(c[0].(*vec.Fixed[int64]).Vals)[0]}
	}
	var keys Keys
	slots := make([]Slot, benchRows)
	refs := make([]Ref, benchRows)
	fill := func(m *Multi, i int) {
		keys.Prepare(m.shape.Key, batches[i], nil, benchRows)
		m.Upsert(&keys, slots)
		m.AddRows(slots, data[i], nil, refs)
	}
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			m := open()
			for i := range batches {
				fill(m, i)
			}
			m.Close()
		}
		rate(b, len(batches)*benchRows)
	})
	m := open()
	var all []Ref
	for i := range batches {
		fill(m, i)
		all = append(all, refs...)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	b.Run("remove+add", func(b *testing.B) {
		i := 0
		for b.Loop() {
			c := i % len(batches)
			keys.Prepare(m.shape.Key, batches[c], nil, benchRows)
			m.Find(&keys, slots)
			m.Warm(slots)
			for j, s := range slots {
				r := m.FindRow(s, data[c], j)
				m.Remove(s, r)
			}
			m.changed = m.changed[:0]
			fill(m, c)
			i++
		}
		rate(b, benchRows)
	})
	for col, name := range []string{"gather int", "", "gather string"} {
		if name == "" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				at := i * benchRows % (len(all) - benchRows)
				m.Gather(all[at:at+benchRows], col)
				i++
			}
			rate(b, benchRows)
		})
	}
}
