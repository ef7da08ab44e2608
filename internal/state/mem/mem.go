// Package mem is the state backend that keeps nothing but what has changed.
//
// A store is written on all the time and read once, when the operators open:
// from then on they hold their state in tables of their own (package keyed).
//
//	Put, Delete, DeleteRange ──▶ pending delta, a log in chunks, one a table
//	Snapshot                 ──▶ frozen delta, queued                (at once)
//	Persist                  ──▶ sorted, a file; perhaps files merged (elsewhere)
//	Open                     ──▶ files of the handles, checked, merged by Scan
//
// # Chains
//
// A handle names a chain of files, oldest first. In each the entries are sorted
// and every key occurs once; a later file's entries, tombstones and range
// tombstones hide those of earlier files, and range tombstones hide nothing in
// their own. Persist appends one file, or replaces the newest few by one that
// holds them all when there are too many or too much of them is hidden, so a
// restore reads at most chainFilesMax files a former subtask, and about twice
// the live state.
//
// # Epochs that are given up
//
// The chain is cumulative: a file that a given-up epoch has uploaded stays in
// it, and a frozen delta whose Persist failed, or never ran, waits in the queue
// and goes into the next file.
//
// # Reads
//
// Get and Scan answer from the files, the frozen deltas and the pending one,
// until WriteOnly lets the store forget: afterwards only the pending delta and
// what is queued for Persist is in memory.
package mem

import (
	"cmp"
	"fmt"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/zeebo/xxh3"
)

// Backend is the state.Backend "mem".
type Backend struct {
	// Plain leaves blocks uncompressed.
	Plain bool

	mergeBytes int64 // mergeBytesMin, but in tests
}

var _ state.Backend = Backend{}

// Open implements state.Backend. All files are read and checked here.
func (b Backend) Open(prefix string, r base.Range, from []state.Handle, get func(string) ([]byte, error)) (state.Store, error) {
	s := &store{
		groups: r,
		tables: map[string]*table{},
		values: restoreValues(r, from),
		chain:  &chain{prefix: prefix, plain: b.Plain, get: get, mergeBytes: cmp.Or(b.mergeBytes, mergeBytesMin)},
	}
	opened := map[string]*file{}
	ours := int64(0) // bytes of blocks with keys of r
	for _, h := range from {
		for _, f := range h.Files {
			f.Range = fileRange(h, f, r)
			if f.Range.Lo >= f.Range.Hi {
				continue
			}
			if opened[f.Name] == nil {
				if get == nil {
					return nil, fmt.Errorf("open state: no way to read %s", f.Name)
				}
				opened[f.Name] = new(file)
				if err := s.chain.read(f, opened[f.Name]); err != nil {
					return nil, err
				}
			}
			s.chain.files = append(s.chain.files, f)
			n, err := s.restore(opened[f.Name], f.Range)
			if err != nil {
				return nil, err
			}
			ours += n
		}
	}
	s.chain.bytes.Store(sumBytes(s.chain.files))
	// Files inherited from a wider range would be read whole at each restore.
	s.chain.foreign = sumBytes(s.chain.files) > 2*ours+s.chain.mergeBytes
	return s, nil
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

func sumBytes(files []state.File) (n int64) {
	for _, f := range files {
		n += f.Bytes
	}
	return n
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

// read gets a file, checks it against what the handle says, and parses it.
func (c *chain) read(f state.File, into *file) error {
	data, err := c.get(f.Name)
	if err != nil {
		return fmt.Errorf("read state file %s: %w", f.Name, err)
	}
	if int64(len(data)) != f.Bytes {
		return &state.CorruptError{File: f.Name, Why: fmt.Sprintf("it has %d bytes instead of %d", len(data), f.Bytes)}
	}
	if sum := xxh3.Hash(data); sum != f.Sum {
		return &state.CorruptError{File: f.Name, Why: fmt.Sprintf("checksum %016x instead of %016x", sum, f.Sum)}
	}
	parsed, err := parse(f.Name, data)
	if err != nil {
		return err
	}
	*into = *parsed
	return nil
}
