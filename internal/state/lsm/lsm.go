// Package lsm is the state backend: a log-structured merge tree whose files are
// the checkpoint's.
//
// While an operator has all of its entries in memory (package keyed), its store is
// written on and never read, and holds nothing but what has changed. When memory
// is short it is read too: what is not in memory is found in the files.
//
//	Put, Delete, DeleteRange ──▶ pending delta, a log in chunks, one a table
//	Late, LateRow            ──▶ late delta; rows as they are, in chunks
//	Snapshot, or full        ──▶ frozen delta or rows, waiting       (at once)
//	Persist, or background   ──▶ sorted, encoded, a file: a run      (elsewhere)
//	background               ──▶ several runs merged to one          (elsewhere)
//	Open                     ──▶ the runs of the handles
//
//	Lookup, Scan   pending, then waiting deltas, then runs, newest first
//
// # Runs
//
// A run is one or more files with ascending keys that do not overlap; each has
// blocks, an index of them, and a filter of the keys. In a run every key occurs
// once; a later run's entries, tombstones and range tombstones hide those of
// earlier runs, and range tombstones hide nothing in their own. There are
// runsMaxUnasked of them at most, or few more, and their entries are about twice the live ones at
// most: compact.go.
//
// # Epochs
//
// Deltas become files in order. Those that were frozen after a snapshot wait until
// the snapshot is persisted, so the files at that moment are the snapshot's. The
// runs are cumulative: a file that a given-up epoch has uploaded stays in them, and
// a delta whose upload failed, or never came, goes into the next file.
//
// # Goroutines
//
// A store is its task's. Frozen deltas and files never change; which there are is
// a view, replaced whole under tree.mu. Deltas are written to files by one
// goroutine at a time (tree.flushing), runs merged by one at a time
// (tree.merging). Files that were merged are closed by the task, when it does not
// read: it alone may have an old view.
package lsm

import (
	"cmp"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

// A Backend is the state.Backend. The zero value works, in the caller's goroutine.
type Backend struct {
	// Plain leaves blocks uncompressed.
	Plain bool

	// Background runs work that need not be waited for; nil runs it at once.
	Background func(func())

	// Memory counts what the stores hold for themselves: deltas that wait, indexes,
	// filters, blocks kept for reading.
	Memory *base.Budget

	// DeltaBytes is how much a store collects before it writes a file though no
	// checkpoint is due; 0 is DeltaBytesMax.
	DeltaBytes int64

	// Blocks keeps what was read; nil keeps nothing.
	Blocks *Cache

	mergeBytes int64 // mergeBytesMin, but in tests
	fileBytes  int   // about how large a file of a run gets before the next begins; 0 is DeltaBytes
}

const (
	// DeltaBytesMax is the size at which a pending delta is written to a file, unless
	// the Backend says less.
	DeltaBytesMax = 16 << 20
	// DeltaBytesMin is the least that it is worth to write one for.
	DeltaBytesMin = 256 << 10
)

// DeltaBytes is what a store may collect where there is so much memory.
func DeltaBytes(b *base.Budget) int64 {
	return min(max(cmp.Or(b.Limit, b.EvictAt)/64, DeltaBytesMin), DeltaBytesMax)
}

var _ state.Backend = Backend{}

// Open implements state.Backend.
func (b Backend) Open(prefix string, r base.Range, from []state.Handle, files state.Files) (state.Store, error) {
	t := &tree{
		prefix:     prefix,
		groups:     r,
		files:      files,
		opts:       b,
		deltaBytes: cmp.Or(b.DeltaBytes, DeltaBytesMax),
	}
	t.opts.mergeBytes = cmp.Or(b.mergeBytes, mergeBytesMin)
	t.opts.fileBytes = cmp.Or(b.fileBytes, int(t.deltaBytes))
	t.view.Store(&view{runs: t.inherit(from)})
	return &store{groups: r, tables: map[string]*table{}, values: restoreValues(r, from), tree: t}, nil
}

// inherit makes runs of the files of handles.
func (t *tree) inherit(from []state.Handle) (runs []*run) {
	var all, ours int64 // about
	for _, h := range from {
		var last *run
		for _, f := range h.Files {
			f.Range = fileRange(h, f, t.groups)
			if f.Range.Lo >= f.Range.Hi {
				continue
			}
			if last == nil || f.Run == 0 || f.Run != last.files[0].meta.Run {
				last = &run{}
				runs = append(runs, last)
			}
			last.files = append(last.files, &file{tree: t, meta: f, within: spanOf(f.Range), named: true})
			t.nextRun = max(t.nextRun, f.Run)
			all += f.Bytes
			ours += f.Bytes * int64(f.Range.Hi-f.Range.Lo) / int64(max(h.Range.Hi-h.Range.Lo, 1))
		}
	}
	t.fileBytes.Store(all)
	t.foreign = all > 2*ours+t.opts.mergeBytes // they would be read at each restore
	return runs
}

// fileRange is the part of r for which a file of a handle counts.
func fileRange(h state.Handle, f state.File, r base.Range) base.Range {
	out := intersect(h.Range, r)
	if f.Range != (base.Range{}) {
		out = intersect(out, f.Range)
	}
	return out
}

func intersect(a, b base.Range) base.Range {
	return base.Range{Lo: max(a.Lo, b.Lo), Hi: min(a.Hi, b.Hi)}
}

// restoreValues collects the values of the former subtasks: of the one that had
// the same range if there is one, else of all.
func restoreValues(r base.Range, from []state.Handle) map[string][][]byte {
	for _, h := range from {
		if h.Range == r {
			from = []state.Handle{h}
			break
		}
	}
	out := map[string][][]byte{}
	for _, h := range from {
		for name, v := range h.Values {
			out[name] = append(out[name], v)
		}
	}
	return out
}
