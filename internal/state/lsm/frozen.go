package lsm

import (
	"slices"
	"sync"
)

// A frozen is a delta of one table that waits to be written to a file, or rows that do.
type frozen struct {
	tree  *tree
	table string
	after int // snapshots that had been taken before it
	bytes int64
	gone  bool // it is in a file; under the tree's mu

	rows  []*rows // in the order in which they came
	delta *delta  // of rows: made when somebody looks for keys

	once, made sync.Once
	sorted     *sorted
}

// entries returns the delta.
func (f *frozen) entries() *delta {
	if f.rows != nil {
		f.made.Do(func() {
			f.delta = deltaOf(f.rows)
			f.tree.mu.Lock()
			defer f.tree.mu.Unlock()
			if !f.gone {
				f.tree.wait(f, f.delta.bytes)
			}
		})
	}
	return f.delta
}

// order sorts the delta when it is first needed: by whoever writes the file, or by
// the task for a Scan.
func (f *frozen) order() *sorted {
	f.once.Do(func() { f.sorted = f.entries().sort() })
	return f.sorted
}

// recycle gives back the memory when nobody reads it any more.
func (f *frozen) recycle() {
	for _, r := range f.rows {
		r.recycle()
	}
	if f.delta != nil {
		f.delta.recycle()
	}
}

// These implement layer.
func (f *frozen) find(key []byte, hash uint64) ([]byte, bool, error) {
	return f.entries().find(key, hash)
}
func (f *frozen) may(prefix []byte, hash uint64) bool { return f.entries().may(prefix, hash) }

func (f *frozen) source(b span) *source {
	if f.rows != nil && b.from == nil && b.to == nil {
		return rowsSource(f.rows)
	}
	return f.order().source(b)
}

func (f *frozen) suffix() int {
	if f.rows != nil {
		return seqBytes
	}
	return f.delta.tail
}

func (f *frozen) size() (n int64) {
	if f.rows == nil {
		return f.delta.bytes
	}
	for _, r := range f.rows {
		n += r.bytes
	}
	return n
}

// joined makes one layer of neighbours that are rows: they are sorted together, which is
// quicker than to merge them.
func joined(layers []layer) (out []layer) {
	for _, l := range layers {
		f, ok := l.(*frozen)
		if n := len(out); ok && f.rows != nil && n > 0 {
			if last, ok := out[n-1].(*frozen); ok && last.rows != nil {
				out[n-1] = &frozen{tree: f.tree, table: f.table, rows: append(slices.Clip(last.rows), f.rows...)}
				continue
			}
		}
		out = append(out, l)
	}
	return out
}
