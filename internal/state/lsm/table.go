package lsm

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
)

// A table is the pending delta over what the tree has of it.
type table struct {
	store    *store
	name     string
	pending  *delta
	late     *delta // of the last snapshot, while it is drained
	rows     *rows  // the same, of LateRow; nil: none
	rowsMade int
	encode   func(dst []byte, row []uint64) []byte
	key      []byte
	val      []byte
	err      error // of the last Scan

	// The runs' parts of the table, as long as the view is the same.
	of    *view
	parts []part
}

// A layer is sorted entries and range tombstones that hide older layers.
type layer interface {
	// may reports whether there may be keys, or range tombstones, with a prefix that
	// has this hash.
	may(prefix []byte, hash uint64) bool
	// find looks a key up. Found with a nil value means that it is deleted here.
	find(key []byte, hash uint64) (val []byte, found bool, err error)
	// source returns a source of the entries within b.
	source(b span) *source
	// suffix is how many bytes keys have behind what is looked up.
	suffix() int
	// size is about how many bytes it has.
	size() int64
}

var _ state.Table = (*table)(nil)

// Suffix implements state.Table.
func (t *table) Suffix(n int) { t.pending.tail = n }

// Put implements state.Table.
func (t *table) Put(key, val []byte) error { return t.change(key, val, false) }

// Delete implements state.Table.
func (t *table) Delete(key []byte) error {
	t.Stale(2) // what was put, and what says so
	return t.change(key, nil, true)
}

// Stale implements state.Table.
func (t *table) Stale(n int) { t.store.tree.stale.Add(int64(n)) }

// Expire implements state.Table.
func (t *table) Expire(ends func([]byte) int64, now func() int64) {
	t.store.tree.expire(t.name, expiry{ends: ends, live: now})
}

func (t *table) change(key, val []byte, dead bool) error {
	was := t.pending.bytes
	t.pending.add(key, val, dead)
	return t.store.grown(t.pending.bytes - was)
}

// Defer implements state.Table.
func (t *table) Defer(drain func(int) bool) {
	t.store.deferred = append(t.store.deferred, drain)
}

// Late implements state.Table.
func (t *table) Late(key, val []byte) error {
	if t.late == nil {
		t.late = &delta{tail: t.pending.tail}
	}
	was := t.late.bytes
	t.late.add(key, val, false)
	return t.store.lateGrown(t.late.bytes - was)
}

// Rows implements state.Table.
func (t *table) Rows(encode func(dst []byte, row []uint64) []byte) { t.encode = encode }

// Under implements state.Table.
func (t *table) Under(key []byte) int {
	if t.rows == nil {
		t.rowsMade++
		t.rows = &rows{encode: t.encode, groups: t.store.groups, number: t.rowsMade}
	}
	was := t.rows.bytes
	n := t.rows.prefix(key)
	t.store.late += t.rows.bytes - was
	t.store.told(t.rows.bytes - was)
	return n
}

// LateRow implements state.Table. Where keys are looked for, rows are encoded at once.
func (t *table) LateRow(under int, seq uint64, row []uint64) (ok bool, err error) {
	if !t.rows.has(under) {
		return false, nil
	}
	if t.store.tree.isAsked() {
		p, i := t.rows.find(under)
		t.key = binary.BigEndian.AppendUint64(append(t.key[:0], p.key(i)...), seq)
		t.val = t.encode(t.val[:0], row)
		return true, t.Late(t.key, t.val)
	}
	if n := t.rows.add(under, seq, row); n > 0 {
		return true, t.store.lateGrown(n)
	}
	return true, nil
}

// frozenRows takes the rows to let them wait for their file.
func (t *table) frozenRows() *frozen {
	f := &frozen{tree: t.store.tree, table: t.name, rows: []*rows{t.rows}, bytes: t.rows.bytes}
	t.rows = nil
	return f
}

// DeleteRange implements state.Table.
func (t *table) DeleteRange(from, to []byte) error {
	was := t.pending.bytes
	t.pending.wipe(from, to)
	return t.store.grown(t.pending.bytes - was)
}

// Relieve implements state.Table: what is pending cannot be written before what is
// drained.
func (t *table) Relieve() {
	s := t.store
	if len(s.draining) > 0 && s.pending+s.late > waitingMax*s.tree.deltaBytes {
		_, err := s.Drain(math.MaxInt)
		s.fail(err)
		s.fail(s.grown(0))
	}
}

// Resident implements state.Table: the index and the filters of the files go.
func (t *table) Resident() {
	for _, x := range t.store.tables { // others read the files again, when they do
		x.of, x.parts = nil, nil
	}
	for _, r := range t.store.tree.view.Load().runs {
		for _, f := range r.files {
			f.close()
		}
	}
}

// Empty implements state.Table.
func (t *table) Empty() bool {
	v := t.store.tree.view.Load()
	return len(v.runs) == 0 && len(v.waiting) == 0 && t.pending.empty() && t.late == nil && t.rows == nil
}

// Err implements state.Table.
func (t *table) Err() error { return t.err }

// runs returns the runs' parts of the table, oldest first.
func (t *table) runs(v *view) ([]part, error) {
	if t.of == v {
		return t.parts, nil
	}
	t.of, t.parts = nil, t.parts[:0]
	for _, r := range v.runs {
		p, err := r.layer(t.name)
		if err != nil {
			return nil, err
		}
		if len(p) > 0 {
			t.parts = append(t.parts, p)
		}
	}
	t.of = v
	return t.parts, nil
}

// layers returns all there is to read, oldest first.
func (t *table) layers() ([]layer, error) {
	if t.rows != nil && t.rows.n > 0 {
		t.store.freezeRows(t)
	}
	v := t.store.tree.view.Load()
	runs, err := t.runs(v)
	if err != nil {
		return nil, err
	}
	out := make([]layer, 0, len(runs)+len(v.waiting)+1)
	for _, p := range runs {
		out = append(out, p)
	}
	for _, f := range v.waiting {
		if f.table == t.name {
			out = append(out, f)
		}
	}
	if t.late != nil {
		out = append(out, t.late)
	}
	return append(out, t.pending), nil
}

// Lookup implements state.Table.
func (t *table) Lookup(prefixes [][]byte, found func(i int, key, val []byte) error) error {
	t.store.tree.asked.Store(askedFor)
	layers, err := t.layers()
	if err != nil {
		return t.store.unread(err)
	}
	for i, prefix := range prefixes {
		hash := xxh3.Hash(prefix)
		if t.pending.tail > 0 {
			err = t.several(layers, prefix, hash, i, found)
		} else {
			err = t.single(layers, prefix, hash, i, found)
		}
		if err != nil {
			return t.store.unread(err)
		}
	}
	return nil
}

// single finds one key: its newest entry counts.
func (t *table) single(layers []layer, key []byte, hash uint64, i int, found func(int, []byte, []byte) error) error {
	for _, l := range slices.Backward(layers) {
		val, ok, err := l.find(key, hash)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if val == nil {
			return nil
		}
		return found(i, key, val)
	}
	return nil
}

// several finds the keys with a prefix.
func (t *table) several(layers []layer, prefix []byte, hash uint64, i int, found func(int, []byte, []byte) error) error {
	var srcs []*source
	var within span
	for _, l := range layers {
		if !l.may(prefix, hash) {
			continue
		}
		if within.from == nil {
			within = span{prefix, keyenc.AppendAfter(nil, prefix)}
		}
		switch l := l.(type) {
		case *delta:
			srcs = append(srcs, l.prefixed(prefix, hash).source(within))
		case *frozen:
			srcs = append(srcs, l.entries().prefixed(prefix, hash).source(within))
		default:
			srcs = append(srcs, l.source(within))
		}
	}
	if len(srcs) == 0 {
		return nil
	}
	m := mergeOf(srcs)
	for m.next() {
		if m.dead || len(m.key) != len(prefix)+t.pending.tail {
			continue
		}
		if err := found(i, m.key, m.val); err != nil {
			return err
		}
	}
	return m.err
}

// Scan implements state.Table.
func (t *table) Scan(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, val []byte) bool) {
		layers, err := t.layers()
		if t.err = t.store.unread(err); err != nil {
			return
		}
		m := newMerge(layers, span{from, to})
		for m.next() {
			if !m.dead && !yield(m.key, m.val) {
				return
			}
		}
		t.err = t.store.unread(m.err)
	}
}
