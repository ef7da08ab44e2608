package lsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
)

const testGroups = 16

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
	table := tableOf(s, name)
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
		if r.IntN(4) == 0 { // several from one key on are one
			key = key[:min(2, len(key))]
		}
		err = table.DeleteRange(key, to)
		maps.DeleteFunc(m, func(k, _ string) bool { return k >= string(key) && k < string(to) })
	case 9:
		lookup(t, table, m, key, name == "c")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tableOf returns a table; that of "c" is asked by keys without their last byte.
func tableOf(s state.Store, name string) state.Table {
	t := s.Table(name)
	if name == "c" {
		t.Suffix(1)
	}
	return t
}

// lookup asks for a key, or for those that begin like it.

func lookup(t *testing.T, table state.Table, m map[string]string, key []byte, short bool) {
	t.Helper()
	want, got := map[string]string{}, map[string]string{}
	if short {
		if len(key) < 3 {
			return // it would be of all key groups
		}
		key = key[:len(key)-1]
	}
	for k, v := range m {
		if k == string(key) && !short || short && len(k) == len(key)+1 && strings.HasPrefix(k, string(key)) {
			want[k] = v
		}
	}
	last := ""
	err := table.Lookup([][]byte{{0xFF, 0xFF, 1}, key}, func(i int, k, v []byte) error {
		if i != 1 || string(k) <= last {
			t.Fatalf("found %x for key %d after %x", k, i, last)
		}
		last = string(k)
		got[last] = string(v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Fatalf("looked up %x: %q, want %q", key, got, want)
	}
}

func check(t *testing.T, s state.Store, want content) {
	t.Helper()
	for _, name := range []string{"a", "bb", "c"} {
		got := map[string]string{}
		last := ""
		table := tableOf(s, name)
		for k, v := range table.Scan(nil, nil) {
			if len(got) > 0 && string(k) <= last {
				t.Fatalf("key %x after %x", k, last)
			}
			last = string(k)
			if !s.Range().Has(base.KeyGroup(binary.BigEndian.Uint16(k))) {
				t.Fatalf("key %x is out of range", k)
			}
			got[last] = string(v)
		}
		if err := table.Err(); err != nil {
			t.Fatal(err)
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
		st := &statetest.Files{}
		backend := Backend{Plain: seed%2 == 0, mergeBytes: int64(seed%3) * 1000, Memory: &base.Budget{}}
		if seed%4 > 1 {
			backend.DeltaBytes, backend.fileBytes = 200+int64(r.IntN(2000)), 300
		}
		if seed%4 == 3 {
			backend.Blocks = &Cache{Bytes: 5000, Memory: backend.Memory}
		}
		var background sync.WaitGroup
		if seed%8 > 3 {
			backend.Background = func(f func()) { background.Go(f) }
		}
		open := func(n int, from []state.Handle, want content) (out []state.Store) {
			for i := range n {
				s, err := backend.Open(fmt.Sprintf("%d-", i), base.RangeOf(i, n, testGroups), from, st)
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
			away := r.IntN(4) == 0
			st.Away(away)
			var handles []state.Handle
			var have content
			for _, ep := range waiting {
				if r.IntN(3) == 0 {
					continue // given up before Persist
				}
				var hs []state.Handle
				for i, snap := range ep.snaps {
					h, err := snap.Persist()
					if (err != nil) && !away {
						t.Fatal(err)
					}
					if err == nil && backend.Background == nil && runsOf(h) > 6*runsMax {
						t.Fatalf("%d runs", runsOf(h))
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
			st.Away(false)
			if handles != nil && r.IntN(3) == 0 {
				want = have.clone()
				for _, s := range stores {
					s.Close()
				}
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
			h, err := snap.Persist()
			if err != nil {
				t.Fatal(err)
			}
			handles = append(handles, h)
		}
		for _, s := range append(stores, open(2, handles, want)...) {
			s.Close()
		}
		background.Wait()
		if c := backend.Blocks; c != nil && len(c.of) > 0 {
			t.Fatalf("%d blocks are left in the cache", len(c.of))
		}
		if used := backend.Memory.Used(); used != 0 {
			t.Fatalf("seed %d: %d bytes are left in the budget", seed, used)
		}
	}
}

// runsOf returns the number of runs of a handle.
func runsOf(h state.Handle) (n int) {
	last := 0
	for _, f := range h.Files {
		if f.Run == 0 || f.Run != last {
			n++
		}
		last = f.Run
	}
	return n
}

// filled returns a handle with its files.
func filled(t testing.TB) (*statetest.Files, state.Handle) {
	st := &statetest.Files{}
	s, err := Backend{}.Open("f-", base.Range{Lo: 0, Hi: testGroups}, nil, st)
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
		if h, err = snap.Persist(); err != nil {
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
		good := st.Get(f.Name)
		bad := bytes.Clone(good)
		switch i % 3 {
		case 0:
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		case 1:
			bad = bad[:r.IntN(len(bad))]
		case 2:
			bad = append(bad, 0)
		}
		st.Set(f.Name, bad)
		err := readAll(h, st)
		if !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), f.Name) {
			t.Fatalf("damage %d: error %v", i, err)
		}
		// The file's own checksums find it too, without the handle's.
		if err := Dump(new(bytes.Buffer), f.Name, bad, true); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("damage %d: dump says %v", i, err)
		}
		st.Set(f.Name, good)
	}
	h.Files[0].Name = "missing"
	if err := readAll(h, st); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("missing file: %v", err)
	}
}

// readAll opens a handle and reads it.
func readAll(h state.Handle, st state.Files) error {
	s, err := Backend{}.Open("g-", h.Range, []state.Handle{h}, st)
	if err != nil {
		return err
	}
	for range s.Table("t").Scan(nil, nil) {
	}
	return s.Table("t").Err()
}

func TestDump(t *testing.T) {
	st := &statetest.Files{}
	s, _ := Backend{Plain: true}.Open("d-", base.Range{Lo: 0, Hi: testGroups}, nil, st)
	s.Table("t").Put([]byte{0, 1, 7}, []byte("old"))
	snap, _ := s.Snapshot(1)
	if _, err := snap.Persist(); err != nil {
		t.Fatal(err)
	}
	s.Table("t").Put([]byte{0, 1, 2}, []byte("x"))
	s.Table("t").Delete([]byte{0, 1, 7})
	s.Table("u").DeleteRange([]byte{0, 2}, []byte{0, 3})
	snap, _ = s.Snapshot(2)
	h, err := snap.Persist()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	f := h.Files[len(h.Files)-1]
	if err := Dump(&b, "file", st.Get(f.Name), true); err != nil {
		t.Fatal(err)
	}
	const want = `file: version 2, 156 bytes, 2 tables
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

// Chains stay short and about as large as what lives in them.
func TestCompaction(t *testing.T) {
	st := &statetest.Files{}
	s, _ := Backend{Plain: true}.Open("c-", base.Range{Lo: 0, Hi: testGroups}, nil, st)
	r := rand.New(rand.NewPCG(8, 8))
	live := map[uint32]bool{}
	written := int64(0)
	seen := map[string]bool{}
	fresh := int64(0)
	asked, later := false, 0
	for e := range base.Epoch(300) {
		for range 500 {
			k := r.Uint32N(20000)
			if live[k] {
				s.Table("t").Stale(1)
			}
			live[k] = true
			fresh += 114
			s.Table("t").Put(binary.BigEndian.AppendUint32([]byte{0, byte(k % testGroups)}, k), make([]byte, 100))
		}
		snap, _ := s.Snapshot(e + 1)
		h, err := snap.Persist()
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Files) > runsMax+1 && asked || len(h.Files) > runsMaxUnasked+1 {
			t.Fatalf("epoch %d: %d files", e, len(h.Files))
		}
		if e >= 150 && e < 250 {
			s.Table("t").Lookup([][]byte{{0, 0, 0, 0, 0, 0}}, func(int, []byte, []byte) error { return nil })
		}
		asked = e > 150 && e < 250 // the merge is behind the next snapshot
		if e > 250+askedFor {
			later = max(later, len(h.Files))
		}
		for _, name := range st.Names() {
			if !seen[name] {
				seen[name] = true
				written += int64(len(st.Get(name)))
			}
		}
		if h.Bytes > int64(len(live))*110*5/2+mergeBytesMin {
			t.Fatalf("epoch %d: %d bytes for %d live keys", e, h.Bytes, len(live))
		}
	}
	if later <= runsMax+1 {
		t.Errorf("%d files at most when nothing is looked up any more", later)
	}
	t.Logf("each byte was written %.1f times", float64(written)/float64(fresh))
	if written > 8*fresh {
		t.Errorf("each byte was written %.1f times", float64(written)/float64(fresh))
	}
}

// A file that was merged before a handle could name it is deleted at once, so the disk
// holds about what the state has, however long a checkpoint is away. One that a handle
// names stays.
func TestMergedFilesGo(t *testing.T) {
	st := &statetest.Files{}
	s, err := Backend{Plain: true, DeltaBytes: 1 << 10}.Open("m", base.Range{Hi: testGroups}, nil, st)
	if err != nil {
		t.Fatal(err)
	}
	put := func(val byte) {
		for k := range uint32(5000) {
			if err := s.Table("t").Put(binary.BigEndian.AppendUint32([]byte{0, byte(k % testGroups)}, k), []byte{val}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(1)
	made, there := s.(*store).tree.nextFile, len(st.Names())
	if there > runsMaxUnasked+1 || made < 2*there {
		t.Errorf("%d of %d files are there, for at most %d runs", there, made, runsMaxUnasked)
	}
	h := statetest.Snapshot(t, s, 1)
	put(2)
	dropped := 0
	for _, f := range h.Files {
		if st.Get(f.Name) == nil {
			t.Errorf("%s is gone, which a handle names", f.Name)
		}
		if !slices.Contains(st.Names(), f.Name) {
			dropped++
		}
	}
	if dropped == 0 {
		t.Error("none of the handle's files was merged")
	}
}

func FuzzParse(f *testing.F) {
	st, h := filled(f)
	for _, file := range h.Files {
		f.Add(st.Get(file.Name)[:600])
	}
	w := newWriter(true, 0)
	w.begin("t", []span{{from: []byte{1}, to: []byte{2}}}, 0)
	w.add([]byte{0, 1}, []byte("x"), false)
	w.end()
	f.Add(w.finish())
	f.Fuzz(func(t *testing.T, data []byte) {
		Dump(new(bytes.Buffer), "fuzz", data, true)
		// Behind the checksums: an index and a block of any bytes.
		(&opened{name: "fuzz"}).parseTables(&cut{src: data}, fileVersion)
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
		st := &statetest.Files{}
		s, _ := Backend{}.Open("b-", base.Range{Lo: 0, Hi: testGroups}, nil, st)
		t := s.Table("t")
		for i, k := range keys {
			val[3] = byte(i)
			t.Put(k, val)
		}
		snap, _ := s.Snapshot(1)
		if _, err := snap.Persist(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*n/1e6/b.Elapsed().Seconds(), "Mentries/s")
}

func BenchmarkPut(b *testing.B) {
	s, _ := Backend{}.Open("b-", base.Range{Lo: 0, Hi: testGroups}, nil, &statetest.Files{})
	t := s.Table("t")
	key, val := make([]byte, 10), make([]byte, 25)
	i := 0
	for b.Loop() {
		binary.BigEndian.PutUint64(key[2:], uint64(i))
		t.Put(key, val)
		if i++; i%(1<<20) == 0 {
			snap, _ := s.Snapshot(1)
			snap.Persist()
		}
	}
}

// The task writes on, and reads, while Persist runs.
func TestConcurrentPersist(t *testing.T) {
	st := &statetest.Files{}
	backend := Backend{DeltaBytes: 500, Background: func(f func()) { go f() }}
	s, _ := backend.Open("p-", base.Range{Lo: 0, Hi: testGroups}, nil, st)
	r := rand.New(rand.NewPCG(10, 10))
	want := content{}
	snaps := make(chan state.Snapshot, 100)
	done := make(chan state.Handle)
	go func() {
		var h state.Handle
		for snap := range snaps {
			var err error
			if h, err = snap.Persist(); err != nil {
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
	s, err := Backend{}.Open("p-", base.Range{Lo: 0, Hi: testGroups}, []state.Handle{<-done}, st)
	if err != nil {
		t.Fatal(err)
	}
	check(t, s, want)
}

// The buffer of a file that does not compress is made once: with a budget each holds a
// share of it.
func TestBufferOfFileStays(t *testing.T) {
	const about = 1 << 20
	for len(fileBuffers) > 0 {
		<-fileBuffers
	}
	w := newWriter(false, about)
	room := cap(w.out)
	r := rand.New(rand.NewPCG(1, 2))
	w.begin("t", nil, 0)
	for i := uint64(0); w.bytes() < about; i++ {
		key := binary.BigEndian.AppendUint64(nil, i<<20)
		var val []byte
		for range 12 {
			val = binary.LittleEndian.AppendUint64(val, r.Uint64())
		}
		w.add(key, val, false)
	}
	w.end()
	if n := len(w.finish()); cap(w.out) != room {
		t.Errorf("a file of %d bytes took a buffer of %d that grew to %d", n, room, cap(w.out))
	}
}

// While a snapshot is drained, what is put waits behind it: with a limit for memory more
// is drained then, whether the files keep up or not.
func TestPutsWhileDraining(t *testing.T) {
	b := Backend{DeltaBytes: 4 << 10, Memory: &base.Budget{Limit: 1 << 20}, Background: func(func()) {}}
	opened, err := b.Open("t-", base.Range{Hi: testGroups}, nil, &statetest.Files{})
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*store)
	tab := s.Table("t")
	const entries = 20_000
	at := 0
	val := bytes.Repeat([]byte("v"), 100)
	tab.Defer(func(n int) bool {
		for ; n > 0 && at < entries; n-- {
			if err := tab.Late(binary.BigEndian.AppendUint32([]byte{0, 1}, uint32(at)), val); err != nil {
				t.Fatal(err)
			}
			at++
		}
		return at < entries
	})
	if _, err := s.Snapshot(1); err != nil {
		t.Fatal(err)
	}
	var most int64
	for i := 0; ; i++ {
		if !s.Crowded() {
			if done, err := s.Drain(10); err != nil || done {
				break
			}
		}
		for k := range 10 {
			if err := tab.Put(binary.BigEndian.AppendUint32([]byte{0, 2}, uint32(10*i+k)), val); err != nil {
				t.Fatal(err)
			}
		}
		if most = max(most, s.pending); i > entries {
			t.Fatalf("%d entries of the snapshot are drained, and no more", at)
		}
	}
	if most > 30*s.tree.deltaBytes || at != entries {
		t.Errorf("%d bytes waited while %d entries were drained; a delta has %d", most, at, s.tree.deltaBytes)
	}
	// Until the snapshot is persisted no file is made of what came behind it: who waits
	// for that waits for ever.
	for i := range uint32(1000) {
		if err := tab.Put(binary.BigEndian.AppendUint32([]byte{0, 3}, i), val); err != nil {
			t.Fatal(err)
		}
	}
	if !s.tree.crowded(waitingMax) || s.Crowded() {
		t.Errorf("%d bytes wait for files; a store that is drained is crowded: %v", s.tree.waitingBytes.Load(), s.Crowded())
	}
}
