package keyed

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/internal/state/statetest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const testGroups = 32

func openStore(t testing.TB, f *statetest.Files, r base.Range, from []state.Handle) state.Store {
	s, err := lsm.Backend{}.Open("x-", r, from, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func persist(t testing.TB, s state.Store, e base.Epoch, meanwhile ...func()) state.Handle {
	snap, err := s.Snapshot(e)
	if err != nil {
		t.Fatal(err)
	}
	for {
		done, err := s.Drain(7)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			break
		}
		for _, f := range meanwhile {
			f()
		}
	}
	h, err := snap.Persist()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var whole = base.Range{Lo: 0, Hi: testGroups}

// keyShapes has every form of key.
var keyShapes = [][]types.Type{
	{},
	{types.TBigInt},
	{types.TInt},
	{types.TBoolean},
	{types.TDouble},
	{types.Of(types.Float)},
	{types.DecimalOf(10, 2)},
	{types.DecimalOf(30, 2)},
	{types.TString},
	{types.TInt, types.TBigInt},
	{types.TInt, types.DecimalOf(30, 2), types.TDouble},
	{types.TString, types.TInt},
	{types.TInt, types.ArrayOf(types.TInt)},
	{types.RowOf(types.Field{Name: "a", Type: types.TInt})},
}

// randomValue appends one of about domain values, or NULL.
func randomValue(r *rand.Rand, t types.Type, b *vec.Builder, domain int) {
	if r.IntN(20) == 0 {
		b.Null()
		return
	}
	x := int64(r.IntN(domain)) - int64(domain/2)
	switch t.Phys() {
	case types.PhysBool:
		b.Bool(x > 0)
	case types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		b.Int(x * 7)
	case types.PhysFloat32, types.PhysFloat64:
		b.Float(float64(x) / 4)
	case types.PhysInt128:
		b.Int128(types.Int128{Lo: uint64(x), Hi: x % 3})
	case types.PhysBytes:
		b.String(fmt.Sprintf("%0*d", r.IntN(3)*30, x))
	case types.PhysList:
		for i := range x & 3 {
			b.Kid(0).Int(x + i)
		}
		b.End()
	case types.PhysRow:
		for i, f := range t.Fields {
			randomValue(r, f.Type, b.Kid(i), domain)
		}
		b.End()
	default:
		panic(t.String())
	}
}

func randomCols(r *rand.Rand, ts []types.Type, n, domain int) []vec.Vector {
	bs := builders(ts)
	for i, t := range ts {
		for range n {
			randomValue(r, t, bs[i], domain)
		}
	}
	cols := finish(bs)
	for i, c := range cols {
		if r.IntN(4) == 0 { // as a dictionary
			codes := make([]uint32, n)
			for j := range codes {
				codes[j] = uint32(r.IntN(n))
			}
			cols[i] = &vec.Dict{Codes: codes, Words: c}
		} else if r.IntN(10) == 0 {
			cols[i] = &vec.Const{Val: vec.Take(c, []int32{0}), N: n}
		}
	}
	return cols
}

// keyOf is the identity of a key, or of a row.
func keyOf(ts []types.Type, cols []vec.Vector, row int) string {
	return string(keyenc.AppendKey(nil, ts, cols, row))
}

func randomRows(r *rand.Rand, n int) []int32 {
	if r.IntN(2) == 0 {
		return nil
	}
	rows := []int32{}
	for i := range n {
		if r.IntN(3) > 0 {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

type modelEntry struct {
	words [2]uint64
	blob  string
}

// A tableModel is a Table beside the map that it must equal.
type tableModel struct {
	t     *testing.T
	table *Table
	want  map[string]modelEntry
	shape Shape
}

func (m *tableModel) step(r *rand.Rand, keys *Keys, domain int) {
	if m.shape.Evicts && r.IntN(2) == 0 {
		m.table.evict(func() bool { return r.IntN(4) == 0 }, m.table.putOut)
	}
	n := 1 + r.IntN(200)
	cols := randomCols(r, m.shape.Key, n, domain)
	rows := randomRows(r, n)
	keys.Prepare(m.shape.Key, cols, rows, n)
	slots := make([]Slot, keys.Len())
	switch r.IntN(4) {
	case 0, 1:
		made := m.table.Upsert(keys, slots)
		news := 0
		for i, s := range slots {
			k := keyOf(m.shape.Key, cols, keys.row(i))
			e, ok := m.want[k]
			if !ok {
				if news >= len(made) || made[news] != s {
					m.t.Fatalf("row %d made slot %d, which is not in %v", i, s, made)
				}
				news++
			}
			w := m.table.Words(s)
			if w[0] != e.words[0] || w[2] != e.words[1] {
				m.t.Fatalf("words %v of a key that should have %v", w, e.words)
			}
			w[0] += uint64(i)
			w[2] = r.Uint64()
			e.words = [2]uint64{w[0], w[2]}
			m.table.Touch(s)
			if r.IntN(3) == 0 {
				e.blob = string(make([]byte, r.IntN(40)*r.IntN(40))) + "!"
				m.table.SetBlob(s, 1, []byte(e.blob))
			}
			m.want[k] = e
		}
		if news != len(made) {
			m.t.Fatalf("%d slots made, %d keys were new", len(made), news)
		}
	case 2:
		m.table.Find(keys, slots)
		m.check(keys, cols, slots)
	case 3:
		m.table.Find(keys, slots)
		for i := range slots {
			k := keyOf(m.shape.Key, cols, keys.row(i))
			if _, ok := m.want[k]; ok && r.IntN(2) == 0 {
				m.table.Delete(slots[i])
				delete(m.want, k)
				m.table.Find(keys, slots) // others may have had the slot
			}
		}
	}
	if !m.shape.Evicts && m.table.Len() != len(m.want) {
		m.t.Fatalf("%d entries, want %d", m.table.Len(), len(m.want))
	}
}

func (m *tableModel) check(keys *Keys, cols []vec.Vector, slots []Slot) {
	for i, s := range slots {
		e, ok := m.want[keyOf(m.shape.Key, cols, keys.row(i))]
		if ok != (s != None) {
			m.t.Fatalf("key %d: slot %d, present %v", i, s, ok)
		}
		if ok {
			m.checkEntry(s, e)
		}
	}
}

func (m *tableModel) checkEntry(s Slot, e modelEntry) {
	w := m.table.Words(s)
	if w[0] != e.words[0] || w[2] != e.words[1] || string(m.table.Blob(s, 1)) != e.blob {
		m.t.Fatalf("slot %d has words %v, blob of %d bytes; want %v, %d", s, w, len(m.table.Blob(s, 1)), e.words, len(e.blob))
	}
}

// all compares everything.
func (m *tableModel) all() {
	var slots []Slot
	for s := range m.table.Each {
		slots = append(slots, s)
	}
	cols := m.table.Keys(slots)
	if len(slots) != len(m.want) && !m.shape.Evicts {
		m.t.Fatalf("%d slots, want %d", len(slots), len(m.want))
	}
	for i, s := range slots {
		e, ok := m.want[keyOf(m.shape.Key, cols, i)]
		if !ok {
			m.t.Fatalf("slot %d has a key that is not there", s)
		}
		m.checkEntry(s, e)
	}
}

func TestTableModel(t *testing.T) {
	for i, key := range keyShapes {
		t.Run(fmt.Sprint(key), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for n, domain := range []int{5, 3000, 5, 400} {
				f := &statetest.Files{}
				shape := Shape{Name: "t", Key: key, Words: 3, Blobs: []int{1}, Groups: testGroups, Memory: &base.Budget{}, Evicts: n > 1}
				s := openStore(t, f, whole, nil)
				table, err := Open(s, shape)
				if err != nil {
					t.Fatal(err)
				}
				m := &tableModel{t: t, table: table, want: map[string]modelEntry{}, shape: shape}
				var keys Keys
				for e := range short(base.Epoch(25)) {
					for range 6 {
						m.step(r, &keys, domain)
					}
					if r.IntN(12) == 0 {
						m.table.Clear()
						clear(m.want)
					}
					if err := m.table.Snapshot(); err != nil {
						t.Fatal(err)
					}
					was := maps.Clone(m.want)
					h := persist(t, s, e+1, func() { m.step(r, &keys, domain) })
					if shape.Evicts && r.IntN(5) == 0 {
						now := m.want
						m.want = was
						m.durable(f, h)
						m.want = now
					}
					if r.IntN(3) == 0 {
						m.table.Close()
						m.want = was
						s = openStore(t, f, whole, []state.Handle{h})
						if m.table, err = Open(s, shape); err != nil {
							t.Fatal(err)
						}
					}
					m.all()
				}
				m.table.Close()
				if used := shape.Memory.Used(); used != 0 {
					t.Fatalf("%d bytes are still counted", used)
				}
			}
		})
	}
}

// durable compares what a handle has.
func (m *tableModel) durable(f *statetest.Files, h state.Handle) {
	shape := m.shape
	shape.Evicts = false
	table, err := Open(openStore(m.t, f, whole, []state.Handle{h}), shape)
	if err != nil {
		m.t.Fatal(err)
	}
	defer table.Close()
	(&tableModel{m.t, table, m.want, shape}).all()
}

// rowTypes has every form of column.
var rowTypes = []types.Type{types.TBigInt, types.TString, types.TInt, types.TBoolean, types.TDouble, types.Of(types.Float),
	types.DecimalOf(30, 2), types.TBytes, types.ArrayOf(types.TInt), types.RowOf(types.Field{Name: "a", Type: types.TString}),
	types.Of(types.TinyInt), types.Of(types.SmallInt)}

type modelRow struct {
	row   string
	extra uint64
}

// A multiModel is a Multi beside the map that it must equal.
type multiModel struct {
	t     *testing.T
	multi *Multi
	want  map[string][]modelRow
	shape Shape
}

func (m *multiModel) step(r *rand.Rand, keys *Keys, domain int) {
	if m.shape.Evicts && r.IntN(2) == 0 {
		m.multi.evict(func() bool { return r.IntN(4) == 0 }, m.multi.putOut)
		m.multi.compactChanged()
	}
	n := 1 + r.IntN(60)
	cols := randomCols(r, m.shape.Key, n, domain)
	data := randomCols(r, m.shape.Row, n, 3)
	rows := randomRows(r, n)
	keys.Prepare(m.shape.Key, cols, rows, n)
	slots := make([]Slot, keys.Len())
	if r.IntN(2) == 0 {
		m.multi.Upsert(keys, slots)
		refs := make([]Ref, len(slots))
		m.multi.AddRows(slots, data, rows, refs)
		for i, ref := range refs {
			k := keyOf(m.shape.Key, cols, keys.row(i))
			x := r.Uint64()
			m.multi.Extra(ref)[0] = x
			m.want[k] = append(m.want[k], modelRow{keyOf(m.shape.Row, data, keys.row(i)), x})
		}
		return
	}
	for i := range keys.Len() {
		m.multi.Find(keys, slots)
		k := keyOf(m.shape.Key, cols, keys.row(i))
		list := m.want[k]
		if (len(list) > 0) != (slots[i] != None) {
			m.t.Fatalf("slot %d for %d rows", slots[i], len(list))
		}
		if len(list) == 0 {
			continue
		}
		switch r.IntN(8) {
		case 0:
			m.multi.DeleteKey(slots[i])
			delete(m.want, k)
		case 1:
			j := r.IntN(len(list))
			ref := m.multi.Rows(nil, slots[i])[j]
			list[j].extra++
			m.multi.Extra(ref)[0]++
			m.multi.TouchRow(slots[i], ref)
		case 2:
			j := r.IntN(len(list))
			m.remove(k, slots[i], m.multi.Rows(nil, slots[i])[j], j)
		default:
			row := keyOf(m.shape.Row, data, keys.row(i))
			ref := m.multi.FindRow(slots[i], data, keys.row(i))
			j := len(list) - 1
			for j >= 0 && list[j].row != row {
				j--
			}
			if (ref != 0) != (j >= 0) {
				m.t.Fatalf("row found as %d, but its place is %d", ref, j)
			}
			if ref != 0 {
				if m.multi.Extra(ref)[0] != list[j].extra {
					m.t.Fatalf("another row was found than the last")
				}
				m.remove(k, slots[i], ref, j)
			}
		}
	}
}

func (m *multiModel) remove(k string, s Slot, ref Ref, j int) {
	m.multi.Remove(s, ref)
	if m.want[k] = slices.Delete(m.want[k], j, j+1); len(m.want[k]) == 0 {
		delete(m.want, k)
	}
}

func (m *multiModel) all() {
	var slots []Slot
	for s := range m.multi.Each {
		slots = append(slots, s)
	}
	if len(slots) != len(m.want) && !m.shape.Evicts {
		m.t.Fatalf("%d keys, want %d", len(slots), len(m.want))
	}
	keys := m.multi.Keys(slots)
	for i, s := range slots {
		list := m.want[keyOf(m.shape.Key, keys, i)]
		refs := m.multi.Rows(nil, s)
		if len(refs) != len(list) || m.multi.Count(s) != len(list) {
			m.t.Fatalf("%d rows, Count %d, want %d", len(refs), m.multi.Count(s), len(list))
		}
		refs = append(refs, 0)
		var cols []vec.Vector
		for c := range m.shape.Row {
			cols = append(cols, m.multi.Gather(refs, c))
			if !cols[c].Null(len(list)) {
				m.t.Fatal("Ref 0 is not NULL")
			}
		}
		for j, x := range list {
			if keyOf(m.shape.Row, cols, j) != x.row || m.multi.Extra(refs[j])[0] != x.extra || m.multi.SlotOf(refs[j]) != s {
				m.t.Fatalf("row %d of slot %d differs", j, s)
			}
		}
	}
}

func TestMultiModel(t *testing.T) {
	for i, key := range keyShapes {
		for _, evicts := range []bool{false, true} {
			t.Run(fmt.Sprint(key, evicts), func(t *testing.T) { runMultiModel(t, i, key, evicts) })
		}
	}
}

func runMultiModel(t *testing.T, i int, key []types.Type, evicts bool) {
	r := rand.New(rand.NewPCG(2, uint64(i)))
	f := &statetest.Files{}
	shape := Shape{Name: "m", Key: key, Row: rowTypes[:1+r.IntN(len(rowTypes))], Extra: 1, Groups: testGroups, Memory: &base.Budget{}, Evicts: evicts}
	s := openStore(t, f, whole, nil)
	multi, err := OpenMulti(s, shape)
	if err != nil {
		t.Fatal(err)
	}
	m := &multiModel{t: t, multi: multi, want: map[string][]modelRow{}, shape: shape}
	var keys Keys
	for e := range short(base.Epoch(30)) {
		for range 6 {
			m.step(r, &keys, 60)
		}
		if r.IntN(12) == 0 {
			m.multi.Clear()
			clear(m.want)
		}
		if err := m.multi.Snapshot(); err != nil {
			t.Fatal(err)
		}
		was := map[string][]modelRow{}
		for k, list := range m.want {
			was[k] = slices.Clone(list)
		}
		h := persist(t, s, e+1, func() { m.step(r, &keys, 60) })
		if evicts && r.IntN(5) == 0 {
			now := m.want
			m.want = was
			m.durable(f, h)
			m.want = now
		}
		if r.IntN(3) == 0 {
			m.multi.Close()
			m.want = was
			s = openStore(t, f, whole, []state.Handle{h})
			if m.multi, err = OpenMulti(s, shape); err != nil {
				t.Fatal(err)
			}
		}
		m.all()
	}
	m.multi.Close()
	if used := shape.Memory.Used(); used != 0 {
		t.Fatalf("%d bytes are still counted", used)
	}
}

// durable compares what a handle has.
func (m *multiModel) durable(f *statetest.Files, h state.Handle) {
	shape := m.shape
	shape.Evicts = false
	multi, err := OpenMulti(openStore(m.t, f, whole, []state.Handle{h}), shape)
	if err != nil {
		m.t.Fatal(err)
	}
	defer multi.Close()
	(&multiModel{m.t, multi, m.want, shape}).all()
}

// A key with very many rows is as quick to take rows from as any.
func TestLongList(t *testing.T) {
	const n = 200_000
	shape := Shape{Name: "m", Key: []types.Type{types.TInt}, Row: []types.Type{types.TBigInt}, Groups: testGroups}
	m, err := OpenMulti(openStore(t, &statetest.Files{}, whole, nil), shape)
	if err != nil {
		t.Fatal(err)
	}
	vals := make([]int64, n)
	for i := range vals {
		vals[i] = int64(i % (n / 2))
	}
	data := []vec.Vector{&vec.Fixed[int64]{Vals: vals}}
	var keys Keys
	keys.Prepare(shape.Key, []vec.Vector{&vec.Fixed[int32]{Vals: make([]int32, 1)}}, nil, 1)
	slots := make([]Slot, 1)
	m.Upsert(&keys, slots)
	all := make([]Slot, n)
	refs := make([]Ref, n)
	m.AddRows(all, data, nil, refs)
	for i := range n {
		// Of two equal rows the later is found first.
		want := refs[n/2+i%(n/2)]
		if i >= n/2 {
			want = refs[i-n/2]
		}
		if got := m.FindRow(slots[0], data, i); got != want {
			t.Fatalf("row %d: found %d, want %d", i, got, want)
		}
		m.Remove(slots[0], want)
	}
	if m.Len() != 0 || len(m.long) != 0 {
		t.Errorf("%d keys, %d long lists are left", m.Len(), len(m.long))
	}
}

// Keys of one width find what was put under another.
func TestKeyWidths(t *testing.T) {
	for _, shapes := range [][2][]types.Type{
		{{types.TInt}, {types.TBigInt}},
		{{types.TInt, types.Of(types.Float)}, {types.TBigInt, types.TDouble}},
		{{types.TDate, types.TString}, {types.TBigInt, types.TBytes}},
	} {
		table := newTable(openStore(t, &statetest.Files{}, whole, nil).Table("t"),
			Shape{Key: shapes[1], Words: 1, Groups: testGroups})
		var keys Keys
		var slots [2][3]Slot
		for i, ts := range shapes {
			bs := builders(ts)
			for c := range bs {
				for x := range 3 {
					switch ts[c].Phys() {
					case types.PhysBytes:
						bs[c].String(fmt.Sprint(x))
					case types.PhysFloat32, types.PhysFloat64:
						bs[c].Float(float64(x) / 2)
					default:
						bs[c].Int(int64(-x))
					}
				}
			}
			keys.Prepare(ts, finish(bs), nil, 3)
			if made := table.Upsert(&keys, slots[i][:]); len(made) != 3-3*i {
				t.Errorf("%v in a table of %v: %d slots made", ts, shapes[1], len(made))
			}
		}
		if slots[0] != slots[1] {
			t.Errorf("%v: slots %v", shapes, slots)
		}
	}
}
