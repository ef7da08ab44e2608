package lsm

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/zeebo/xxh3"
)

// waitingMax is how many times the size of a delta may wait for its file before
// the task itself writes it: backpressure.
const waitingMax = 2

// lateMax is the same for what is drained because it changes, where memory has no limit.
const lateMax = 16

// A tree is what a store has frozen: deltas that wait for a file, over runs.
type tree struct {
	prefix     string
	groups     base.Range
	files      state.Files
	opts       Backend
	deltaBytes int64

	view atomic.Pointer[view]

	flushing sync.Mutex // who writes deltas to files
	nextFile int
	nextRun  int

	mu        sync.Mutex
	persisted int       // snapshots persisted
	snapshots int       // snapshots taken
	flusher   bool      // a background flush is to run
	merging   bool      // a background merge runs
	foreign   bool      // most of the files belongs to other subtasks: merge them all
	retired   []*file   // merged into others; the task closes them
	spent     []*frozen // in files; the task gives their memory back
	closed    bool
	failed    error // of a background merge that found damage
	busy      sync.WaitGroup

	expiries     atomic.Pointer[map[string]expiry] // by table
	waitingBytes atomic.Int64
	fileBytes    atomic.Int64
	stale        atomic.Int64 // entries that count no more, about
	asked        atomic.Int32 // snapshots for which it counts as one that is looked up
	away         atomic.Bool  // the last file could not be written
}

// A view is what there is to read at a moment. It does not change.
type view struct {
	waiting []*frozen // oldest first
	runs    []*run    // oldest first
}

// push lets deltas wait that were frozen when so many snapshots had been taken.
func (t *tree) push(parts []*frozen, after int) {
	if len(parts) == 0 {
		return
	}
	t.mu.Lock()
	for _, p := range parts {
		p.after = after
		t.waitingBytes.Add(p.bytes) // in the budget since it was pending
	}
	v := *t.view.Load()
	v.waiting = append(slices.Clip(v.waiting), parts...)
	t.view.Store(&v)
	t.mu.Unlock()
}

// wait counts n bytes more of a delta that waits; under mu.
func (t *tree) wait(f *frozen, n int64) {
	f.bytes += n
	t.waitingBytes.Add(n)
	t.opts.Memory.Add(n)
}

// taken returns how many snapshots were taken.
func (t *tree) taken() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.snapshots
}

// snapshot counts one and returns its number.
func (t *tree) snapshot() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.snapshots++
	return t.snapshots
}

// relieve writes waiting deltas to files, in the background; at once when too many
// wait.
func (t *tree) relieve() {
	if t.crowded(waitingMax) || !t.start() {
		t.flush()
	}
}

// crowded reports whether more than so many deltas wait for their files.
func (t *tree) crowded(n int64) bool { return t.waitingBytes.Load() > n*t.deltaBytes }

// start has the waiting deltas written in the background. It returns false if there is
// none, or if the last one could not: then the task had better see for itself.
func (t *tree) start() bool {
	if t.opts.Background == nil || t.away.Load() {
		return false
	}
	t.mu.Lock()
	start := !t.flusher && !t.closed
	if start {
		t.flusher = true
		t.busy.Add(1)
	}
	t.mu.Unlock()
	if start {
		t.opts.Background(func() {
			defer t.busy.Done()
			t.mu.Lock()
			t.flusher = false
			t.mu.Unlock()
			t.flush()
		})
	}
	return true
}

// flush writes the deltas that no snapshot must come before. An upload that fails
// is no error: the deltas stay, and the next snapshot tells.
func (t *tree) flush() {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	t.mu.Lock()
	upto := t.persisted
	t.mu.Unlock()
	err := t.write(upto)
	t.away.Store(err != nil)
	if err == nil {
		t.tidy()
	}
}

// persist writes the deltas of a snapshot, the n'th, and returns the files of the
// tree at that moment.
func (t *tree) persist(n int) ([]state.File, error) {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	// What comes after the snapshot has after >= n: it stays.
	if err := t.write(n - 1); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.persisted = max(t.persisted, n)
	var out []state.File
	for _, r := range t.view.Load().runs {
		for _, f := range r.files {
			f.named = true
			out = append(out, f.meta)
		}
	}
	t.mu.Unlock()
	t.tidy()
	return out, nil
}

// write makes a run of the deltas that had been frozen when at most upto snapshots
// had been taken. The caller holds flushing.
func (t *tree) write(upto int) error {
	v := t.view.Load()
	n := 0
	for n < len(v.waiting) && v.waiting[n].after <= upto {
		n++
	}
	if n == 0 {
		return nil
	}
	layers := map[string][]layer{}
	for _, f := range v.waiting[:n] {
		layers[f.table] = append(layers[f.table], f)
	}
	r, err := t.writeRun(layers, len(v.runs) == 0)
	if err != nil {
		t.squash(v.waiting[:n], layers)
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	next := *t.view.Load()
	for _, f := range next.waiting[:n] {
		t.wait(f, -f.bytes)
		f.gone = true
		t.spent = append(t.spent, f)
	}
	next.waiting = slices.Clone(next.waiting[n:])
	if r != nil {
		next.runs = append(slices.Clip(next.runs), r)
		t.fileBytes.Add(r.bytes())
	}
	t.view.Store(&next)
	return nil
}

// squash merges deltas that could not be written, so that a storage that is away
// for long costs no more memory than the keys that have changed.
func (t *tree) squash(parts []*frozen, layers map[string][]layer) {
	if len(layers) == len(parts) {
		return
	}
	var out []*frozen
	seen := map[string]bool{}
	for _, p := range parts {
		if seen[p.table] {
			continue
		}
		seen[p.table] = true
		out = append(out, &frozen{tree: t, table: p.table, after: p.after, delta: merged(joined(layers[p.table]), p.suffix())})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range parts {
		t.wait(p, -p.bytes)
	}
	for _, p := range out {
		t.wait(p, p.delta.bytes)
	}
	next := *t.view.Load()
	next.waiting = append(out, next.waiting[len(parts):]...)
	t.view.Store(&next)
}

// merged makes one delta of several layers, tombstones included.
func merged(layers []layer, tail int) *delta {
	d := &delta{tail: tail}
	var srcs []*source
	for _, l := range layers {
		s := l.source(span{})
		srcs = append(srcs, s)
		for _, tomb := range s.tombs {
			d.wipe(tomb.from, tomb.to)
		}
	}
	for m := mergeOf(srcs); m.next(); {
		d.add(m.key, m.val, m.dead)
	}
	return d
}

// writeRun puts the merged layers of each table into files; nil if there is
// nothing. At the bottom nothing need be hidden: tombstones are left out.
func (t *tree) writeRun(tables map[string][]layer, bottom bool) (*run, error) {
	t.mu.Lock()
	t.nextRun++
	number := t.nextRun
	t.mu.Unlock()
	r := &run{}
	err := t.encode(tables, bottom, func(data []byte, entries int, ends int64) error {
		f := &file{tree: t, within: spanOf(t.groups), meta: state.File{
			Bytes: int64(len(data)), Sum: xxh3.Hash(data), Range: t.groups, Run: number, Entries: entries, Ends: ends}}
		t.mu.Lock()
		t.nextFile++
		// The sum keeps names apart when a file is written again after a restore.
		f.meta.Name = fmt.Sprintf("%s-%s%06d-%016x.state", t.prefix, t.files.Owner(), t.nextFile, f.meta.Sum)
		t.mu.Unlock()
		if err := t.files.Put(f.meta.Name, data); err != nil {
			return fmt.Errorf("write state file %s: %w", f.meta.Name, err)
		}
		r.files = append(r.files, f)
		return nil
	})
	if err != nil {
		for _, f := range r.files {
			t.files.Drop(f.meta.Name, false)
		}
		return nil, err
	}
	if len(r.files) == 0 {
		return nil, nil
	}
	return r, nil
}

// reap closes the files that were merged, and lets deltas that are in files go; the
// task calls it when it does not read.
func (t *tree) reap() error {
	t.mu.Lock()
	gone, spent, err := t.retired, t.spent, t.failed
	t.retired, t.spent = nil, nil
	t.mu.Unlock()
	for _, f := range spent {
		f.recycle()
	}
	for _, f := range gone {
		f.close()
		t.files.Drop(f.meta.Name, f.named) // what is retired, no snapshot names any more
	}
	return err
}

// close stops the background work and closes the files. What a snapshot that was
// taken before still has to write is written all the same.
func (t *tree) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.busy.Wait()
	_ = t.reap() // an error of the work that has ended concerns nobody any more
	t.mu.Lock()
	for _, f := range t.view.Load().waiting {
		t.wait(f, -f.bytes)
	}
	t.mu.Unlock()
	for _, r := range t.view.Load().runs {
		for _, f := range r.files {
			f.close()
		}
	}
}

// encode merges the layers of each table into files, which it gives to put, one
// after the other; none if there is nothing. Entries that have ended are left out.
func (t *tree) encode(tables map[string][]layer, bottom bool, put func(data []byte, entries int, ends int64) error) error {
	opts := &t.opts
	about := sizeOf(tables)
	w := newWriter(opts.Plain, min(about, opts.fileBytes))
	var ends endings
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		var srcs []*source
		var tombs []span
		suffix := 0
		for _, l := range joined(tables[name]) {
			s := l.source(span{})
			suffix = l.suffix()
			srcs = append(srcs, s)
			if !bottom {
				tombs = append(tombs, s.tombs...)
			}
		}
		tombs = union(tombs)
		expiry, expires := t.expiryOf(name)
		now := int64(0)
		if expires {
			now = expiry.now()
		}
		w.begin(name, tombs, suffix)
		m := mergeOf(srcs)
		for m.next() {
			val, dead, at := m.val, m.dead, int64(0)
			if expires && !dead {
				if at = expiry.ends(val); at != 0 && at < now {
					val, dead = nil, true
					t.stale.Add(2) // what says so, and what it hides
				}
			}
			if dead && (bottom || covers(tombs, m.key)) {
				continue
			}
			if w.bytes() >= opts.fileBytes {
				w.end()
				if err := put(w.finish(), w.entries, ends.mean(w.entries)); err != nil {
					return err
				}
				w.release()
				about -= opts.fileBytes
				w, ends = newWriter(opts.Plain, min(about, opts.fileBytes)), endings{}
				w.begin(name, nil, suffix) // the first file has the range tombstones of all
			}
			w.add(m.key, val, dead)
			if at != 0 && !dead {
				ends.add(at)
			}
		}
		if m.err != nil {
			return m.err
		}
		w.end()
	}
	defer w.release()
	if w.empty() {
		return nil
	}
	return put(w.finish(), w.entries, ends.mean(w.entries))
}

// sizeOf is about how many bytes a run of the layers has.
func sizeOf(tables map[string][]layer) (n int) {
	for _, layers := range tables {
		for _, l := range layers {
			n += int(l.size())
		}
	}
	return n
}
