package keyed

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// A Filler changes a table of a store that no operator has open: Wipe or Remove first,
// then Begin and End for some entries at a time, then Close.
type Filler struct {
	store state.Store
	form  Form
	t     *Table
	m     *Multi // nil for entries
	slots []Slot
}

// NewFiller returns one for a table of a store.
func NewFiller(s state.Store, form Form, shape Shape) *Filler {
	shape.Evicts, shape.Expiry, shape.Memory = false, nil, nil
	f := &Filler{store: s, form: form}
	if form.Rows() {
		f.m = newMulti(s.Table(shape.Name), shape)
		f.t = &f.m.Table
	} else {
		f.t = newTable(s.Table(shape.Name), shape)
	}
	f.t.isBucket = form.Timed()
	return f
}

// Wipe removes all that the table has.
func (f *Filler) Wipe() error {
	r := f.store.Range()
	return f.t.disk.DeleteRange(binary.BigEndian.AppendUint16(nil, uint16(r.Lo)), binary.BigEndian.AppendUint16(nil, uint16(r.Hi)))
}

// Remove removes the entries, or rows, of keys of one bucket. What is added afterwards
// goes behind the rows that stay.
func (f *Filler) Remove(time int64, k *Keys) error {
	for _, s := range f.make(time, k) {
		f.t.key = f.t.appendDurableKey(f.t.key[:0], s, f.t.hash(s))
		if f.m == nil {
			f.t.fail(f.t.disk.Delete(f.t.key))
			continue
		}
		to := append(slices.Clone(f.t.key), bytes.Repeat([]byte{0xFF}, 8)...)
		f.t.fail(f.t.disk.DeleteRange(f.t.key, to))
	}
	f.empty()
	return f.t.takeErr()
}

// Resume lets rows that are added go behind those that the table has.
func (f *Filler) Resume() error {
	if f.m == nil {
		return nil
	}
	for key := range f.t.disk.Scan(nil, nil) {
		if n := len(key) - 8; n >= 0 {
			f.m.seq = max(f.m.seq, binary.BigEndian.Uint64(key[n:]))
		}
	}
	return f.t.disk.Err()
}

// make makes the keys' slots in the empty table and returns those that are new.
func (f *Filler) make(time int64, k *Keys) []Slot {
	f.t.time = time
	if n := k.Len(); cap(f.slots) < n {
		f.slots = make([]Slot, n)
	} else {
		f.slots = f.slots[:n]
	}
	return f.t.Upsert(k, f.slots)
}

// Begin makes entries of zero words under keys, or rows of the columns, in one bucket;
// they are the caller's to fill until End. taken is the ordinal of a key that has an
// entry already, -1 if there is none.
func (f *Filler) Begin(time int64, k *Keys, row []vec.Vector) (c *Chunk, taken int, err error) {
	made := f.make(time, k)
	c = &Chunk{Time: time, Table: f.t, Multi: f.m, Slots: f.slots}
	if f.m != nil {
		c.Refs = make([]Ref, len(c.Slots))
		f.m.AddRows(c.Slots, row, nil, c.Refs)
		return c, -1, nil
	}
	if taken = repeated(f.slots, len(made)); taken >= 0 {
		return c, taken, nil
	}
	keys := make([][]byte, len(made))
	for i, s := range made {
		keys[i] = f.t.appendDurableKey(nil, s, f.t.hash(s))
	}
	err = f.t.disk.Lookup(keys, func(i int, _, _ []byte) error {
		taken = slices.Index(f.slots, made[i])
		return nil
	})
	return c, taken, err
}

// repeated returns the ordinal of a slot that occurs before, -1 if all of them differ.
func repeated(slots []Slot, different int) int {
	if len(slots) == different {
		return -1
	}
	seen := map[Slot]bool{}
	for i, s := range slots {
		if seen[s] {
			return i
		}
		seen[s] = true
	}
	return -1
}

// End writes what Begin has made.
func (f *Filler) End() error {
	var err error
	if f.m != nil {
		err = f.m.Snapshot()
	} else {
		err = f.t.Snapshot()
	}
	f.empty()
	return err
}

func (f *Filler) empty() {
	f.t.empty()
	if f.m != nil {
		f.m.rows.reset()
		f.m.changed, f.m.long = f.m.changed[:0], nil
	}
}

// Close notes how far the numbers of rows have come, where the operator does.
func (f *Filler) Close() {
	if f.m != nil && len(f.store.Values(seqName(f.m.shape.Name))) > 0 {
		saveSeq(f.store, f.m.shape.Name, f.m.seq)
	}
	f.t.Close()
}
