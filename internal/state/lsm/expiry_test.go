package lsm

import (
	"encoding/binary"
	"testing"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/statetest"
)

// TestRestoredClock restores a snapshot whose files were written when the operator had
// gone on: what had not ended at the snapshot is there, and what had is not. (An OVER
// whose watermark had leapt while its checkpoint was written lost rows of its frames.)
func TestRestoredClock(t *testing.T) {
	in := base.Range{Lo: 0, Hi: 1}
	var files statetest.Files
	now := int64(0)
	open := func(from []state.Handle) (state.Store, state.Table) {
		s, err := Backend{}.Open("g-", in, from, &files)
		if err != nil {
			t.Fatal(err)
		}
		table := s.Table("t")
		table.Expire(func(val []byte) int64 { return int64(binary.BigEndian.Uint64(val)) }, func() int64 { return now })
		return s, table
	}
	key := func(n byte) []byte { return []byte{0, 0, n} }
	s, table := open(nil)
	for n, ends := range []int64{50, 150} {
		if err := table.Put(key(byte(n)), binary.BigEndian.AppendUint64(nil, uint64(ends))); err != nil {
			t.Fatal(err)
		}
	}
	now = 100
	snap, err := s.Snapshot(1)
	if err != nil {
		t.Fatal(err)
	}
	now = 200
	h, err := snap.Persist()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	now = 100
	s, table = open([]state.Handle{h})
	defer s.Close()
	var found []int
	if err := table.Lookup([][]byte{key(0), key(1)}, func(i int, _, _ []byte) error {
		found = append(found, i)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0] != 1 {
		t.Errorf("found %v of two entries, of which the second lives", found)
	}
}
