package keyed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// loadRows is how many entries are put into a table at once.
const loadRows = 2048

// A loader reads a table of the store, entries of one bucket and then rows of
// one key together.
type loader struct {
	shape  Shape
	bucket bool // keys have a time
	multi  bool // keys have a sequence
	whole  bool // rows of a key are flushed together

	time   int64
	key    []*vec.Builder
	n      int
	groups []base.KeyGroup
	seqs   []uint64
	vals   []byte
	offs   []int
	keys   Keys
	slots  []Slot
	last   []byte // the key of the last row, if whole
}

// scan calls flush with runs of entries of one bucket, then lets the store forget.
func (l *loader) scan(disk state.Table, flush func() error) error {
	if disk.Empty() {
		disk.Resident()
		return nil
	}
	err := l.read(disk.Scan(nil, nil), disk, flush)
	if err == nil {
		disk.Resident()
	}
	return err
}

// read calls flush with runs of entries of one bucket.
func (l *loader) read(entries iter.Seq2[[]byte, []byte], disk state.Table, flush func() error) error {
	if l.key == nil {
		l.key = builders(l.shape.Key)
	}
	l.reset()
	for key, val := range entries {
		if len(key) < 2 {
			return fmt.Errorf("state table %q: a key of %d bytes", l.shape.Name, len(key))
		}
		if l.n >= loadRows && !l.follows(key) {
			if err := l.flush(flush); err != nil {
				return err
			}
		}
		g := base.KeyGroup(binary.BigEndian.Uint16(key))
		l.keep(key)
		key = key[2:]
		if l.bucket {
			at, rest, err := keyenc.KeyTime(key)
			if err != nil {
				return fmt.Errorf("state table %q: %w", l.shape.Name, err)
			}
			if l.n > 0 && at != l.time {
				if err := l.flush(flush); err != nil {
					return err
				}
			}
			l.time, key = at, rest
		}
		rest, err := keyenc.DecodeKey(key, l.shape.Key, l.key)
		if err == nil && l.multi {
			if len(rest) == 8 {
				l.seqs = append(l.seqs, binary.BigEndian.Uint64(rest))
				rest = nil
			}
		}
		if err != nil || len(rest) > 0 || l.multi && len(l.seqs) != l.n+1 {
			return fmt.Errorf("state table %q: a key is not one of %v", l.shape.Name, l.shape.Key)
		}
		l.groups = append(l.groups, g)
		l.vals = append(l.vals, val...)
		l.offs = append(l.offs, len(l.vals))
		l.n++
	}
	if l.n > 0 {
		if err := l.flush(flush); err != nil {
			return err
		}
	}
	return disk.Err()
}

// keep notes the key of a row, for follows.
func (l *loader) keep(key []byte) {
	if l.whole && l.multi {
		l.last = append(l.last[:0], key[:max(len(key)-8, 0)]...)
	}
}

// follows reports whether a row belongs to those that wait to be flushed.
func (l *loader) follows(key []byte) bool {
	return l.whole && l.multi && bytes.Equal(l.last, key[:max(len(key)-8, 0)])
}

func (l *loader) flush(f func() error) error {
	l.keys.Prepare(l.shape.Key, finish(l.key), nil, l.n)
	if l.n > len(l.slots) {
		l.slots = make([]Slot, max(l.n, loadRows/8))
	}
	err := f()
	l.reset()
	return err
}

func (l *loader) reset() {
	l.n, l.groups, l.seqs, l.vals, l.offs = 0, l.groups[:0], l.seqs[:0], l.vals[:0], append(l.offs[:0], 0)
}

// val returns the durable value of the i'th entry.
func (l *loader) val(i int) []byte { return l.vals[l.offs[i]:l.offs[i+1]] }

// upsert makes the entries in t and notes which groups the store has.
func (l *loader) upsert(t *Table) []Slot {
	slots := l.slots[:l.n]
	t.Upsert(&l.keys, slots)
	for _, g := range l.groups {
		t.wrote.add(g)
	}
	return slots
}

// load reads what the store has into the table of each time.
func (t *Table) load(at func(time int64) *Table) error {
	l := loader{shape: t.shape, bucket: t.isBucket}
	return l.scan(t.disk, func() error {
		to := at(l.time)
		for i, s := range l.upsert(to) {
			if err := to.setValue(s, l.val(i)); err != nil {
				return err
			}
			to.touched[s>>6] &^= 1 << (s & 63)
			to.durable[s>>6] |= 1 << (s & 63)
		}
		return nil
	})
}

// load reads what the store has into the Multi of each time.
func (m *Multi) load(at func(time int64) *Multi) error {
	l := loader{shape: m.shape, bucket: m.isBucket, multi: true}
	l.shape.Row = m.rowTypes
	bs := builders(m.rowTypes)
	return l.scan(m.disk, func() error {
		to := at(l.time)
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
		for i, s := range l.upsert(&to.Table) {
			ref := to.add(s, cols, i, l.seqs[i], flagDurable)
			for w, extra := 0, to.Extra(ref); w < len(extra); w++ {
				extra[w] = binary.LittleEndian.Uint64(l.val(i)[1+8*w:])
			}
			to.seq = max(to.seq, l.seqs[i])
		}
		return nil
	})
}

// checkRow checks the head of a row's durable value.
func (m *Multi) checkRow(val []byte) error {
	if len(val) < 1+8*m.extra || val[0] != valueVersion {
		return fmt.Errorf("state table %q: a row of %d bytes is malformed", m.shape.Name, len(val))
	}
	return nil
}

// decodeRow appends a row's columns, of a durable value whose head is checked, to the
// builders. A row that goes on behind its last column is one of another layout.
func (m *Multi) decodeRow(val []byte, bs []*vec.Builder) error {
	rest, err := keyenc.DecodeRow(val[1+8*m.extra:], m.rowTypes, bs)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("a row of %d columns has %d bytes more", len(m.rowTypes), len(rest))
	}
	if err != nil {
		return m.malformed(err)
	}
	return nil
}

func (m *Multi) malformed(err error) error {
	return fmt.Errorf("state table %q: %w", m.shape.Name, err)
}
