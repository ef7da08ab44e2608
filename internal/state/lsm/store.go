package lsm

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
)

// A store implements state.Store.
type store struct {
	groups  base.Range
	tables  map[string]*table
	values  map[string][][]byte
	tree    *tree
	pending int64 // bytes of pending deltas

	deferred []func(n int) bool // for the next snapshot
	draining []func(n int) bool // of the last one
	late     int64              // bytes of late deltas and rows
	untold   int64              // of pending and late, what the budget does not know
	err      error              // for the next Snapshot
	failed   error              // the first of reading
	lateOf   int                // snapshots before the one that they belong to
}

// Range implements state.Store.
func (s *store) Range() base.Range { return s.groups }

// Table implements state.Store.
func (s *store) Table(name string) state.Table {
	t := s.tables[name]
	if t == nil {
		t = &table{store: s, name: name, pending: &delta{}}
		s.tables[name] = t
	}
	return t
}

// Failed implements state.Store.
func (s *store) Failed() error { return s.failed }

// unread notes an error of reading.
func (s *store) unread(err error) error {
	if s.failed == nil {
		s.failed = err
	}
	return err
}

// Values implements state.Store.
func (s *store) Values(name string) [][]byte { return s.values[name] }

// SetValue implements state.Store. After a restore at another parallelism a name
// may have several values: a snapshot keeps none of them until one is set.
func (s *store) SetValue(name string, val []byte) { s.values[name] = [][]byte{bytes.Clone(val)} }

// toldBytes is up to how many bytes the budget need not be told of at once: all tasks
// have it together.
const toldBytes = 4 << 10

// told counts n bytes more that the budget is to be told of.
func (s *store) told(n int64) {
	if s.untold += n; s.untold >= toldBytes {
		s.tell()
	}
}

// tell tells the budget.
func (s *store) tell() {
	s.tree.opts.Memory.Add(s.untold)
	s.untold = 0
}

// grown counts n bytes more that are pending, and freezes them when they are many.
func (s *store) grown(n int64) error {
	s.pending += n
	s.told(n)
	if s.pending < s.tree.deltaBytes || len(s.draining) > 0 {
		return nil // what is late comes before it
	}
	s.freeze()
	s.tree.relieve()
	return s.tree.reap()
}

// freeze lets the pending deltas wait for their files.
func (s *store) freeze() {
	var parts []*frozen
	for _, name := range slices.SortedFunc(maps.Keys(s.tables), strings.Compare) {
		t := s.tables[name]
		if t.pending.empty() {
			continue
		}
		parts = append(parts, &frozen{tree: s.tree, table: name, delta: t.pending, bytes: t.pending.bytes})
		t.pending = &delta{tail: t.pending.tail}
	}
	s.tell()
	s.tree.push(parts, s.tree.taken())
	s.pending = 0
}

// freezeLate lets the late deltas wait for their files.
func (s *store) freezeLate() {
	var parts []*frozen
	for _, name := range slices.SortedFunc(maps.Keys(s.tables), strings.Compare) {
		t := s.tables[name]
		if t.late != nil && !t.late.empty() {
			parts = append(parts, &frozen{tree: s.tree, table: name, delta: t.late, bytes: t.late.bytes})
			t.late = nil
		}
		if t.rows != nil {
			parts = append(parts, t.frozenRows())
		}
	}
	s.tell()
	s.tree.push(parts, s.lateOf)
	s.late = 0
}

// freezeRows lets the late rows of a table wait for their file.
func (s *store) freezeRows(t *table) {
	f := t.frozenRows()
	s.tell()
	s.late -= f.bytes
	s.tree.push([]*frozen{f}, s.lateOf)
}

// Drain implements state.Store. With a limit for memory it writes the more, the more
// waits behind what it drains.
func (s *store) Drain(n int) (done bool, err error) {
	if s.pressed() {
		n = min(n, math.MaxInt32) * int(drainGain*s.pending/s.tree.deltaBytes)
	}
	for len(s.draining) > 0 && n > 0 {
		if s.draining[0](n) {
			break
		}
		s.draining = s.draining[1:]
	}
	if done = len(s.draining) == 0; done && s.late > 0 {
		s.freezeLate()
	}
	return done, nil
}

// drainGain is how many times more is drained when a delta is full that waits for it.
const drainGain = 4

// pressed reports whether more than a delta waits in memory that has a limit until the
// last snapshot is drained.
func (s *store) pressed() bool {
	return s.pending >= s.tree.deltaBytes && s.tree.opts.Memory.Bounded()
}

// Crowded implements state.Store.
func (s *store) Crowded() bool {
	return len(s.draining) > 0 && s.tree.crowded(waitingMax) && !s.pressed() && s.tree.start()
}

// lateGrown counts n bytes more that are late.
func (s *store) lateGrown(n int64) error {
	s.late += n
	s.told(n)
	if s.late < s.tree.deltaBytes {
		return nil
	}
	s.freezeLate()
	if s.tree.opts.Memory.Bounded() || s.tree.crowded(lateMax) || !s.tree.start() {
		s.tree.relieve()
	}
	return s.tree.reap()
}

// Snapshot implements state.Store.
func (s *store) Snapshot(e base.Epoch) (state.Snapshot, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.tree.holdClocks()
	if n := s.tree.asked.Load(); n > 0 {
		s.tree.asked.Store(n - 1)
	}
	snap := &snapshot{tree: s.tree, groups: s.groups, values: map[string][]byte{}}
	for name, vals := range s.values {
		if len(vals) == 1 {
			snap.values[name] = vals[0]
		}
	}
	s.freeze()
	s.lateOf = s.tree.taken()
	s.draining, s.deferred = s.deferred, nil
	snap.number = s.tree.snapshot()
	return snap, s.tree.reap()
}

// Size implements state.Store.
func (s *store) Size() int64 {
	return s.tree.fileBytes.Load() + s.tree.waitingBytes.Load() + s.pending + s.late
}

// fail keeps an error for the next Snapshot.
func (s *store) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Close implements state.Store.
func (s *store) Close() error {
	s.tell()
	s.tree.opts.Memory.Add(-s.pending - s.late)
	s.tables, s.pending, s.late = nil, 0, 0
	s.tree.close()
	return nil
}

// A snapshot implements state.Snapshot.
type snapshot struct {
	tree   *tree
	groups base.Range
	number int
	values map[string][]byte
}

// Persist implements state.Snapshot.
func (s *snapshot) Persist() (state.Handle, error) {
	files, err := s.tree.persist(s.number)
	if err != nil {
		return state.Handle{}, err
	}
	h := state.Handle{Range: s.groups, Files: files}
	for _, f := range files {
		h.Bytes += f.Bytes
	}
	if len(s.values) > 0 {
		h.Values = s.values
	}
	return h, nil
}
