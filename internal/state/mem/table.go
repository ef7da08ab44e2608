package mem

import (
	"errors"
	"iter"
	"slices"

	"github.com/millrace-io/millrace/internal/state"
)

// layersMax is how many layers a table that is still read may have before they
// are merged.
const layersMax = 8

// A table is the pending delta, over the layers that it hides: frozen deltas and
// files, oldest first.
type table struct {
	store     *store
	name      string
	pending   *delta
	view      *sorted // of pending, for reads; nil after a write
	layers    []layer
	writeOnly bool
}

// A layer is sorted entries and range tombstones that hide older layers.
type layer interface {
	// find looks a key up. Found with a nil value means that it is deleted here.
	find(key []byte) (val []byte, found bool, err error)
	// source returns a source of the entries within b.
	source(b span) *source
}

var _ state.Table = (*table)(nil)

var errWriteOnly = errors.New("read of a state table that was said to be write-only")

func (f *frozen) find(key []byte) ([]byte, bool, error) { return f.sorted().find(key) }
func (f *frozen) source(b span) *source                 { return f.sorted().source(b) }

// Put implements state.Table.
func (t *table) Put(key, val []byte) error {
	t.pending.add(key, val, false)
	t.view = nil
	return nil
}

// Delete implements state.Table.
func (t *table) Delete(key []byte) error {
	t.pending.add(key, nil, true)
	t.view = nil
	return nil
}

// DeleteRange implements state.Table.
func (t *table) DeleteRange(from, to []byte) error {
	t.pending.wipe(from, to)
	t.view = nil
	return nil
}

// WriteOnly implements state.Table.
func (t *table) WriteOnly() { t.writeOnly, t.view, t.layers = true, nil, nil }

// stack returns the layers with the pending delta as the last.
func (t *table) stack() ([]layer, error) {
	if t.writeOnly {
		return nil, errWriteOnly
	}
	if t.view == nil {
		t.view = t.pending.sort(slices.Clone(t.pending.ents))
	}
	return append(slices.Clip(t.layers), t.view), nil
}

// collapse merges the layers, if they are many, to one that hides nothing, for
// nothing is below it. It costs as much as the table is large: what is large
// should be write-only.
func (t *table) collapse() error {
	if len(t.layers) <= layersMax {
		return nil
	}
	var d delta
	m := newMerge(t.layers, span{})
	for m.next() {
		if !m.dead {
			d.add(m.key, m.val, false)
		}
	}
	t.layers = []layer{d.sort(d.ents)}
	return m.err
}

// Get implements state.Table.
func (t *table) Get(keys [][]byte, found func(i int, val []byte)) error {
	layers, err := t.stack()
	if err != nil {
		return err
	}
	for i, key := range keys {
		for l := len(layers) - 1; l >= 0; l-- {
			val, ok, err := layers[l].find(key)
			if err != nil {
				return err
			}
			if ok {
				if val != nil {
					found(i, val)
				}
				break
			}
		}
	}
	return nil
}

// Scan implements state.Table. It panics if the table is write-only, or if memory
// is damaged: files were checked by Open.
func (t *table) Scan(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, val []byte) bool) {
		layers, err := t.stack()
		if err != nil {
			panic(err)
		}
		m := newMerge(layers, span{from, to})
		for m.next() {
			if !m.dead && !yield(m.key, m.val) {
				return
			}
		}
		if m.err != nil {
			panic(m.err)
		}
	}
}
