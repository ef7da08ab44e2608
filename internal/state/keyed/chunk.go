package keyed

import (
	"encoding/binary"

	"github.com/millrace-io/millrace/internal/state"
)

// A Form is what a table of a store is opened as.
type Form uint8

// The forms.
const (
	Entries      Form = iota // Table
	EntryBuckets             // Buckets
	Lists                    // Multi
	ListBuckets              // MultiBuckets
)

// Timed reports whether the entries lie in buckets by time, Rows whether they are rows
// under a key.
func (f Form) Timed() bool { return f == EntryBuckets || f == ListBuckets }

// Rows is described above.
func (f Form) Rows() bool { return f >= Lists }

// A Describer is a state.Store that is told which tables are opened over it, and as
// what: so an operator that is opened over one says what its state looks like.
type Describer interface {
	state.Store
	Describe(f Form, shape Shape)
}

func describe(s state.Store, f Form, shape Shape) {
	if d, ok := s.(Describer); ok {
		d.Describe(f, shape)
	}
}

// A Chunk is some entries of a table, of one bucket, in a table of their own. Slots has
// an entry's slot, for rows that of their key; Refs the rows. Both are in the order of
// the keys in the store.
type Chunk struct {
	Time  int64 // of the bucket
	Table *Table
	Multi *Multi // nil for entries
	Slots []Slot
	Refs  []Ref
}

// Len is the number of entries, or rows.
func (c *Chunk) Len() int { return len(c.Slots) }

// Scan calls f with what a store has of a table, in pieces of bounded size. A chunk is
// f's until it returns.
func Scan(s state.Store, form Form, shape Shape, f func(*Chunk) error) error {
	l := loader{shape: shape, bucket: form.Timed(), multi: form.Rows()}
	disk := s.Table(shape.Name)
	if !form.Rows() {
		t := newTable(disk, shape)
		defer t.Close()
		return l.scan(disk, func() error {
			t.empty()
			c := &Chunk{Time: l.time, Table: t, Slots: l.upsert(t)}
			for i, s := range c.Slots {
				if err := t.setValue(s, l.val(i)); err != nil {
					return err
				}
			}
			return f(c)
		})
	}
	m := newMulti(disk, shape)
	defer m.Close()
	return l.scan(disk, func() error {
		m.Table.empty()
		m.rows.reset()
		m.changed, m.long = m.changed[:0], nil
		c := &Chunk{Time: l.time, Table: &m.Table, Multi: m}
		return m.chunk(&l, c, f)
	})
}

// chunk puts the rows that a loader has into an empty Multi.
func (m *Multi) chunk(l *loader, c *Chunk, f func(*Chunk) error) error {
	bs := builders(m.rowTypes)
	for i := range l.n {
		val := l.val(i)
		if err := m.checkRow(val); err != nil {
			return err
		}
		if err := m.decodeRow(val, bs); err != nil {
			return err
		}
	}
	cols := finish(bs)
	c.Slots = l.upsert(&m.Table)
	for i, s := range c.Slots {
		ref := m.add(s, cols, i, l.seqs[i], flagDurable)
		for w, extra := 0, m.Extra(ref); w < len(extra); w++ {
			extra[w] = binary.LittleEndian.Uint64(l.val(i)[1+8*w:])
		}
		c.Refs = append(c.Refs, ref)
	}
	return f(c)
}
