package mem

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

const testGroups = 16

// storage is checkpoint storage that may be away, and that forbids to change a
// file.
type storage struct {
	files map[string][]byte
	away  bool
}

func (s *storage) put(name string, data []byte) error {
	if s.away {
		return errors.New("storage is away")
	}
	if old, ok := s.files[name]; ok && !bytes.Equal(old, data) {
		return fmt.Errorf("file %s changes", name)
	}
	s.files[name] = bytes.Clone(data)
	return nil
}

func (s *storage) get(name string) ([]byte, error) {
	if s.away {
		return nil, errors.New("storage is away")
	}
	if data, ok := s.files[name]; ok {
		return data, nil
	}
	return nil, os.ErrNotExist
}

type content map[string]map[string]string // table, key, value

func (c content) clone() content {
	out := content{}
	for name, t := range c {
		out[name] = maps.Clone(t)
	}
	return out
}

func randomKey(r *rand.Rand, in base.Range) []byte {
	key := binary.BigEndian.AppendUint16(nil, uint16(in.Lo+r.IntN(in.Hi-in.Lo)))
	for range r.IntN(3) {
		key = append(key, byte(r.IntN(6)*50))
	}
	return key
}

// op does the same random thing to a store and to the model.
func op(t *testing.T, r *rand.Rand, s state.Store, want content) {
	name := []string{"a", "bb", "c"}[r.IntN(3)]
	table := s.Table(name)
	m := want[name]
	if m == nil {
		m = map[string]string{}
		want[name] = m
	}
	key := randomKey(r, s.Range())
	var err error
	switch r.IntN(10) {
	case 0, 1, 2, 3, 4, 5:
		val := strings.Repeat(fmt.Sprint(r.IntN(100)), r.IntN(4))
		err = table.Put(key, []byte(val))
		m[string(key)] = val
	case 6, 7:
		err = table.Delete(key)
		delete(m, string(key))
	case 8:
		to := randomKey(r, s.Range())
		if bytes.Compare(key, to) > 0 {
			key, to = to, key
		}
		if r.IntN(3) > 0 { // few of them, short
			to = append(bytes.Clone(key), 200)
		}
		err = table.DeleteRange(key, to)
		maps.DeleteFunc(m, func(k, _ string) bool { return k >= string(key) && k < string(to) })
	case 9:
		got := ""
		err = table.Get([][]byte{key}, func(i int, val []byte) { got = fmt.Sprintf("%d=%s", i, val) })
		if val, ok := m[string(key)]; ok != (got != "") || ok && got != "0="+val {
			t.Fatalf("get %x: %q, want %q %v", key, got, val, ok)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, s state.Store, want content) {
	t.Helper()
	for _, name := range []string{"a", "bb", "c"} {
		got := map[string]string{}
		last := ""
		for k, v := range s.Table(name).Scan(nil, nil) {
			if len(got) > 0 && string(k) <= last {
				t.Fatalf("key %x after %x", k, last)
			}
			last = string(k)
			if !s.Range().Has(base.KeyGroup(binary.BigEndian.Uint16(k))) {
				t.Fatalf("key %x is out of range", k)
			}
			got[last] = string(v)
		}
		m := maps.Clone(want[name])
		maps.DeleteFunc(m, func(k, _ string) bool {
			return !s.Range().Has(base.KeyGroup(binary.BigEndian.Uint16([]byte(k))))
		})
		if !maps.Equal(got, m) {
			t.Fatalf("table %s has\n%q\nwant\n%q", name, got, m)
		}
	}
}

// TestModel runs stores at changing parallelism beside maps. Snapshots are taken
// ahead of their Persist, storage goes away, epochs are given up.
func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(5, seed))
		st := &storage{files: map[string][]byte{}}
		backend := Backend{Plain: seed%2 == 0, mergeBytes: int64(seed%3) * 1000}
		open := func(n int, from []state.Handle, want content) (out []state.Store) {
			for i := range n {
				s, err := backend.Open(fmt.Sprintf("%d-", i), base.RangeOf(i, n, testGroups), from, st.get)
				if err != nil {
					t.Fatal(err)
				}
				check(t, s, want)
				out = append(out, s)
			}
			return out
		}
		want := content{}
		stores := open(1+r.IntN(3), nil, want)
		type epoch struct {
			snaps []state.Snapshot
			want  content
		}
		var waiting []epoch
		for e := base.Epoch(1); e < 60; e++ {
			for range r.IntN(60) {
				op(t, r, stores[r.IntN(len(stores))], want)
			}
			if r.IntN(10) == 0 {
				check(t, stores[0], want)
			}
			ep := epoch{want: want.clone()}
			for i, s := range stores {
				s.SetValue("subtask", []byte{byte(i)})
				snap, err := s.Snapshot(e)
				if err != nil {
					t.Fatal(err)
				}
				ep.snaps = append(ep.snaps, snap)
			}
			if waiting = append(waiting, ep); r.IntN(3) == 0 {
				continue // Persist comes later
			}
			st.away = r.IntN(4) == 0
			var handles []state.Handle
			var have content
			for _, ep := range waiting {
				if r.IntN(3) == 0 {
					continue // given up before Persist
				}
				var hs []state.Handle
				for i, snap := range ep.snaps {
					h, err := snap.Persist(st.put)
					if (err != nil) && !st.away {
						t.Fatal(err)
					}
					if err == nil && len(h.Files) > 3*chainFilesMax {
						t.Fatalf("a chain of %d files", len(h.Files))
					}
					if err == nil {
						if h.Values["subtask"][0] != byte(i) {
							t.Fatal("values are mixed up")
						}
						hs = append(hs, h)
					}
				}
				if len(hs) == len(ep.snaps) {
					handles, have = hs, ep.want
				}
			}
			waiting = nil
			st.away = false
			if handles != nil && r.IntN(3) == 0 {
				want = have.clone()
				n := 1 + r.IntN(4)
				stores = open(n, handles, want)
				if got := len(stores[0].Values("subtask")); n == len(handles) && got != 1 || n != len(handles) && got != len(handles) {
					t.Fatalf("%d values from %d subtasks at %d", got, len(handles), n)
				}
			}
		}
		// Afterwards all of it is durable.
		var handles []state.Handle
		for _, s := range stores {
			snap, _ := s.Snapshot(99)
			h, err := snap.Persist(st.put)
			if err != nil {
				t.Fatal(err)
			}
			handles = append(handles, h)
		}
		open(2, handles, want)
	}
}

// filled returns a handle with its files.
func filled(t testing.TB) (*storage, state.Handle) {
	st := &storage{files: map[string][]byte{}}
	s, err := Backend{}.Open("f-", base.Range{Lo: 0, Hi: testGroups}, nil, st.get)
	if err != nil {
		t.Fatal(err)
	}
	var h state.Handle
	for e := range base.Epoch(3) {
		for i := range 3000 {
			s.Table("t").Put(binary.BigEndian.AppendUint32([]byte{0, byte(i % testGroups)}, uint32(i*7)), fmt.Appendf(nil, "value %d %d", i, e))
		}
		s.Table("t").DeleteRange([]byte{0, 3}, []byte{0, 4})
		s.Table("t").Delete([]byte{0, 5, 0, 0, 0, 0})
		snap, _ := s.Snapshot(e + 1)
		if h, err = snap.Persist(st.put); err != nil {
			t.Fatal(err)
		}
	}
	return st, h
}

// Every damage is found, and the error names the file.
func TestCorrupt(t *testing.T) {
	st, h := filled(t)
	r := rand.New(rand.NewPCG(6, 6))
	for i := range 400 {
		f := h.Files[r.IntN(len(h.Files))]
		good := st.files[f.Name]
		bad := bytes.Clone(good)
		switch i % 3 {
		case 0:
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		case 1:
			bad = bad[:r.IntN(len(bad))]
		case 2:
			bad = append(bad, 0)
		}
		st.files[f.Name] = bad
		_, err := Backend{}.Open("g-", h.Range, []state.Handle{h}, st.get)
		if !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), f.Name) {
			t.Fatalf("damage %d: error %v", i, err)
		}
		// The file's own checksums find it too, without the handle's.
		if err := Dump(new(bytes.Buffer), f.Name, bad, true); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("damage %d: dump says %v", i, err)
		}
		st.files[f.Name] = good
	}
	delete(st.files, h.Files[0].Name)
	if _, err := (Backend{}).Open("g-", h.Range, []state.Handle{h}, st.get); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("missing file: %v", err)
	}
}

func TestDump(t *testing.T) {
	st := &storage{files: map[string][]byte{}}
	s, _ := Backend{Plain: true}.Open("d-", base.Range{Lo: 0, Hi: testGroups}, nil, st.get)
	s.Table("t").Put([]byte{0, 1, 7}, []byte("old"))
	snap, _ := s.Snapshot(1)
	if _, err := snap.Persist(st.put); err != nil {
		t.Fatal(err)
	}
	s.Table("t").Put([]byte{0, 1, 2}, []byte("x"))
	s.Table("t").Delete([]byte{0, 1, 7})
	s.Table("u").DeleteRange([]byte{0, 2}, []byte{0, 3})
	snap, _ = s.Snapshot(2)
	h, err := snap.Persist(st.put)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	f := h.Files[len(h.Files)-1]
	if err := Dump(&b, "file", st.files[f.Name], true); err != nil {
		t.Fatal(err)
	}
	const want = `file: version 1, 120 bytes, 2 tables
table "t": 2 entries in 1 blocks, 0 range deletes
  block at 16: 28 bytes, 2 entries, 000102 to 000107
  000102 = 78
  000107 deleted
table "u": 0 entries in 0 blocks, 1 range deletes
  delete 0002 to 0003
`
	if b.String() != want {
		t.Errorf("dump:\n%s", b.String())
	}
}

// A table that is write-only keeps nothing, and says so when it is read.
func TestWriteOnly(t *testing.T) {
	st, h := filled(t)
	s, err := Backend{}.Open("w-", h.Range, []state.Handle{h}, st.get)
	if err != nil {
		t.Fatal(err)
	}
	s.Table("t").WriteOnly()
	if err := s.Table("t").Get([][]byte{{0, 1}}, nil); err == nil {
		t.Error("a write-only table was read")
	}
	s.Table("t").Put([]byte{0, 1, 0, 0, 0, 7}, []byte("new"))
	snap, _ := s.Snapshot(9)
	if h, err = snap.Persist(st.put); err != nil {
		t.Fatal(err)
	}
	if s, err = (Backend{}).Open("w-", h.Range, []state.Handle{h}, st.get); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range s.Table("t").Scan(nil, nil) {
		n++
	}
	if want := 3000 - 3000/testGroups + 1; n < want-2 || n > want+2 {
		t.Errorf("%d entries after all, want about %d", n, want)
	}
}

// Chains stay short and about as large as what lives in them.
func TestCompaction(t *testing.T) {
	st := &storage{files: map[string][]byte{}}
	s, _ := Backend{Plain: true}.Open("c-", base.Range{Lo: 0, Hi: testGroups}, nil, st.get)
	s.Table("t").WriteOnly()
	r := rand.New(rand.NewPCG(8, 8))
	live := map[uint32]bool{}
	written := int64(0)
	put := func(name string, data []byte) error {
		written += int64(len(data))
		return st.put(name, data)
	}
	fresh := int64(0)
	for e := range base.Epoch(300) {
		for range 500 {
			k := r.Uint32N(20000)
			live[k] = true
			fresh += 114
			s.Table("t").Put(binary.BigEndian.AppendUint32([]byte{0, byte(k % testGroups)}, k), make([]byte, 100))
		}
		snap, _ := s.Snapshot(e + 1)
		h, err := snap.Persist(put)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Files) > chainFilesMax {
			t.Fatalf("epoch %d: %d files", e, len(h.Files))
		}
		if h.Bytes > int64(len(live))*110*5/2+mergeBytesMin {
			t.Fatalf("epoch %d: %d bytes for %d live keys", e, h.Bytes, len(live))
		}
	}
	t.Logf("each byte was written %.1f times", float64(written)/float64(fresh))
	if written > 8*fresh {
		t.Errorf("each byte was written %.1f times", float64(written)/float64(fresh))
	}
}

func FuzzParse(f *testing.F) {
	st, h := filled(f)
	for _, file := range h.Files {
		f.Add(st.files[file.Name][:600])
	}
	w := newWriter(true)
	w.begin("t", []span{{from: []byte{1}, to: []byte{2}}})
	w.add([]byte{0, 1}, []byte("x"), false)
	w.end()
	f.Add(w.finish())
	f.Fuzz(func(t *testing.T, data []byte) {
		Dump(new(bytes.Buffer), "fuzz", data, true)
		// Behind the checksums: an index and a block of any bytes.
		file := &file{name: "fuzz"}
		file.parseIndex(data)
		for it := (entryIter{src: data}); it.next(); {
		}
	})
}

func BenchmarkPersist(b *testing.B) {
	const n = 200_000
	r := rand.New(rand.NewPCG(7, 7))
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = binary.BigEndian.AppendUint64([]byte{0, byte(r.IntN(testGroups))}, r.Uint64N(1<<40))
	}
	val := make([]byte, 25)
	for b.Loop() {
		st := &storage{files: map[string][]byte{}}
		s, _ := Backend{}.Open("b-", base.Range{Lo: 0, Hi: testGroups}, nil, st.get)
		t := s.Table("t")
		for i, k := range keys {
			val[3] = byte(i)
			t.Put(k, val)
		}
		snap, _ := s.Snapshot(1)
		if _, err := snap.Persist(st.put); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*n/1e6/b.Elapsed().Seconds(), "Mentries/s")
}

func BenchmarkPut(b *testing.B) {
	s, _ := Backend{}.Open("b-", base.Range{Lo: 0, Hi: testGroups}, nil, nil)
	t := s.Table("t")
	key, val := make([]byte, 10), make([]byte, 25)
	i := 0
	for b.Loop() {
		binary.BigEndian.PutUint64(key[2:], uint64(i))
		t.Put(key, val)
		if i++; i%(1<<20) == 0 {
			s.Snapshot(1)
			s.(*store).chain.pop(1)
		}
	}
}

// The task writes on, and reads, while Persist runs.
func TestConcurrentPersist(t *testing.T) {
	st := &storage{files: map[string][]byte{}}
	s, _ := Backend{}.Open("p-", base.Range{Lo: 0, Hi: testGroups}, nil, st.get)
	r := rand.New(rand.NewPCG(10, 10))
	want := content{}
	snaps := make(chan state.Snapshot, 100)
	done := make(chan state.Handle)
	go func() {
		var h state.Handle
		for snap := range snaps {
			var err error
			if h, err = snap.Persist(st.put); err != nil {
				t.Error(err)
			}
		}
		done <- h
	}()
	for e := range base.Epoch(100) {
		for range 50 {
			op(t, r, s, want)
		}
		if e%10 == 0 {
			check(t, s, want)
		}
		snap, _ := s.Snapshot(e + 1)
		snaps <- snap
		s.Size()
	}
	close(snaps)
	s, err := Backend{}.Open("p-", base.Range{Lo: 0, Hi: testGroups}, []state.Handle{<-done}, st.get)
	if err != nil {
		t.Fatal(err)
	}
	check(t, s, want)
}
