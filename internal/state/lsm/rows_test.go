package lsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
)

// encodeWords is how the rows of these tests are encoded.
func encodeWords(dst []byte, row []uint64) []byte {
	for _, w := range row {
		dst = binary.AppendUvarint(dst, w)
	}
	return dst
}

// Rows that are drained after snapshots, some again and out of order, are there: for who
// reads them while they wait, for who finds them in files, and after a restore.
func TestLateRows(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 1))
		st := &statetest.Files{}
		b := Backend{DeltaBytes: []int64{4000, 30_000, 1 << 20}[r.IntN(3)]}
		opened, err := b.Open("r-", base.Range{Lo: 3, Hi: 3 + []int{1, 13, 200}[r.IntN(3)]}, nil, st)
		if err != nil {
			t.Fatal(err)
		}
		s := opened.(*store)
		tab := s.Table("t")
		tab.Suffix(seqBytes)
		tab.Rows(encodeWords)
		want := map[string]string{}
		look := r.IntN(2) == 0 // else all is encoded where the files are made
		for e := range base.Epoch(1 + r.IntN(5)) {
			left := r.IntN(3000)
			tab.Defer(func(n int) bool {
				for ; n > 0 && left > 0; n-- {
					left--
					key := fmt.Appendf(binary.BigEndian.AppendUint16(nil, uint16(s.groups.Lo+r.IntN(s.groups.Hi-s.groups.Lo))), "key-%d", r.IntN(300))
					row := make([]uint64, r.IntN(6))
					for i := range row {
						row[i] = r.Uint64() >> r.IntN(64)
					}
					if r.IntN(500) == 0 {
						row = make([]uint64, 5000+r.IntN(40_000))
					}
					seq := r.Uint64N(20)
					ok, err := false, error(nil)
					for under := -1; !ok && err == nil; {
						ok, err = tab.LateRow(under, seq, row)
						if !ok {
							under = tab.Under(key)
						}
					}
					if err != nil {
						t.Fatal(err)
					}
					want[string(binary.BigEndian.AppendUint64(key, seq))] = string(encodeWords(nil, row))
				}
				return left > 0
			})
			away := r.IntN(4) == 0
			st.Away(away)
			snap, err := s.Snapshot(e)
			if err != nil {
				t.Fatal(err)
			}
			for done := false; !done; {
				if done, err = s.Drain(1 + r.IntN(500)); err != nil {
					t.Fatal(err)
				}
				if !away && r.IntN(12) == 0 {
					wantRows(t, tab, want, look)
				}
			}
			if r.IntN(2) == 0 {
				st.Away(false)
			}
			if _, err := snap.Persist(); err != nil && !errors.Is(err, statetest.ErrAway) {
				t.Fatal(err)
			}
		}
		st.Away(false)
		h := statetest.Snapshot(t, s, 100)
		if waiting := s.tree.waitingBytes.Load() + s.late + s.pending; waiting != 0 {
			t.Errorf("seed %d: %d bytes wait when all is in files", seed, waiting)
		}
		restored, err := b.Open("r-", s.groups, []state.Handle{h}, st)
		if err != nil {
			t.Fatal(err)
		}
		tab = restored.Table("t")
		tab.Suffix(seqBytes)
		wantRows(t, tab, want, true)
	}
}

// wantRows compares what a table has, and what it finds, if it may be looked up.
func wantRows(t *testing.T, tab state.Table, want map[string]string, look bool) {
	t.Helper()
	got := map[string]string{}
	for k, v := range tab.Scan(nil, nil) {
		got[string(k)] = string(v)
	}
	if tab.Err() != nil || !maps.Equal(got, want) {
		t.Fatalf("%d rows, want %d: %v", len(got), len(want), tab.Err())
	}
	if !look {
		return
	}
	byKey := map[string]int{}
	for k := range want {
		byKey[k[:len(k)-seqBytes]]++
	}
	for prefix, n := range byKey {
		err := tab.Lookup([][]byte{[]byte(prefix)}, func(_ int, key, val []byte) error {
			if want[string(key)] != string(val) {
				t.Fatalf("%x is %x, want %x", key, val, want[string(key)])
			}
			n--
			return nil
		})
		if err != nil || n != 0 {
			t.Fatalf("%d rows under %q are not found: %v", n, prefix, err)
		}
	}
}
