package mem

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

// A store implements state.Store.
type store struct {
	groups base.Range
	tables map[string]*table
	values map[string][][]byte
	chain  *chain
}

// Range implements state.Store.
func (s *store) Range() base.Range { return s.groups }

// Table implements state.Store.
func (s *store) Table(name string) state.Table { return s.table(name) }

func (s *store) table(name string) *table {
	t := s.tables[name]
	if t == nil {
		t = &table{store: s, name: name, pending: &delta{}}
		s.tables[name] = t
	}
	return t
}

// restore adds what a file has for some key groups to the tables and returns the
// bytes of the blocks that it is in.
func (s *store) restore(f *file, r base.Range) (n int64, err error) {
	for _, ft := range f.tables {
		p := ft.partOf(r)
		size, err := ft.load(p.within)
		if err != nil {
			return 0, err
		}
		n += size
		t := s.table(ft.name)
		t.layers = append(t.layers, p)
	}
	return n, nil
}

// Values implements state.Store.
func (s *store) Values(name string) [][]byte { return s.values[name] }

// SetValue implements state.Store. After a restore at another parallelism a name
// may have several values: a snapshot keeps none of them until one is set.
func (s *store) SetValue(name string, val []byte) { s.values[name] = [][]byte{bytes.Clone(val)} }

// Snapshot implements state.Store.
func (s *store) Snapshot(e base.Epoch) (state.Snapshot, error) {
	snap := &snapshot{chain: s.chain, groups: s.groups, epoch: e, values: map[string][]byte{}}
	for name, vals := range s.values {
		if len(vals) == 1 {
			snap.values[name] = vals[0]
		}
	}
	var parts []queued
	for _, name := range slices.SortedFunc(maps.Keys(s.tables), strings.Compare) {
		t := s.tables[name]
		if t.pending.empty() {
			continue
		}
		f := &frozen{d: t.pending}
		parts = append(parts, queued{name: name, layer: f, bytes: t.pending.bytes})
		if !t.writeOnly {
			t.layers = append(t.layers, f)
			if err := t.collapse(); err != nil {
				return nil, err
			}
		}
		// The next delta is likely to be as large.
		t.pending, t.view = &delta{ents: make([]ent, 0, len(t.pending.ents))}, nil
	}
	snap.upto = s.chain.push(parts)
	return snap, nil
}

// Size implements state.Store.
func (s *store) Size() int64 {
	n := s.chain.bytes.Load() + s.chain.waiting.Load()
	for _, t := range s.tables {
		n += t.pending.bytes
	}
	return n
}

// Close implements state.Store.
func (s *store) Close() error {
	s.tables = nil
	return nil
}
