package mem

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

// chainFilesMax is how many files a chain may have; Persist then merges the
// newest, down to chainFilesLow of them.
const (
	chainFilesMax = 8
	chainFilesLow = 4
)

// mergeBytesMin is how large a chain must be before it is merged for what is
// hidden in it, or belongs to others, rather than for its length.
const mergeBytesMin = 1 << 20

// A chain is the durable side of a store.
//
// The task's goroutine pushes frozen deltas to the queue; Persist, on another
// goroutine and one at a time, takes them from its front. Only the queue is
// shared, under mu; files belong to Persist. A snapshot knows how many deltas had
// been pushed when it was taken: Persist of epoch 7 may run when the deltas of
// epoch 8 are queued already, and must leave them there.
type chain struct {
	prefix     string
	plain      bool
	get        func(string) ([]byte, error)
	mergeBytes int64 // mergeBytesMin

	mu     sync.Mutex
	queue  []queued
	pushed int // deltas ever queued
	popped int // deltas ever made durable

	files   []state.File // oldest first
	foreign bool         // most of them belongs to others: merge them all

	bytes   atomic.Int64 // of files
	waiting atomic.Int64 // of queue
}

// A queued is what has changed in one table, not durable yet.
type queued struct {
	name  string
	layer layer
	bytes int64
}

// push queues the deltas of a snapshot and returns how many were ever queued.
func (c *chain) push(parts []queued) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, parts...)
	c.pushed += len(parts)
	for _, p := range parts {
		c.waiting.Add(p.bytes)
	}
	return c.pushed
}

// front returns the deltas up to the upto'th ever queued.
func (c *chain) front(upto int) []queued {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.queue[:max(upto-c.popped, 0)])
}

// pop forgets the first n deltas, which are durable.
func (c *chain) pop(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.queue[:n] {
		c.waiting.Add(-p.bytes)
	}
	c.queue = slices.Clone(c.queue[n:])
	c.popped += n
}

// fold replaces the first n deltas by the file made of them, so that a storage
// that is away for long costs no more memory than the keys that have changed.
func (c *chain) fold(n int, data []byte) {
	f, err := parse("(not written yet)", data)
	if err != nil || len(f.tables) >= n {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.queue[:n] {
		c.waiting.Add(-p.bytes)
	}
	var parts []queued
	for _, t := range f.tables {
		parts = append(parts, queued{name: t.name, layer: part{t, span{}}, bytes: int64(len(data) / len(f.tables))})
		c.waiting.Add(parts[len(parts)-1].bytes)
	}
	c.queue = append(parts, c.queue[n:]...)
	c.popped += n - len(parts)
}

// A snapshot implements state.Snapshot.
type snapshot struct {
	chain  *chain
	groups base.Range
	epoch  base.Epoch
	values map[string][]byte
	upto   int
}

// Persist implements state.Snapshot. If it fails, what it could not upload goes
// into the next one.
func (s *snapshot) Persist(put func(name string, data []byte) error) (state.Handle, error) {
	if err := s.chain.persist(s.groups, s.epoch, s.upto, put); err != nil {
		return state.Handle{}, err
	}
	files := slices.Clone(s.chain.files)
	h := state.Handle{Range: s.groups, Files: files, Bytes: sumBytes(files)}
	if len(s.values) > 0 {
		h.Values = s.values
	}
	return h, nil
}

func (c *chain) persist(r base.Range, e base.Epoch, upto int, put func(string, []byte) error) error {
	parts := c.front(upto)
	layers := map[string][]layer{}
	for _, p := range parts {
		layers[p.name] = append(layers[p.name], p.layer)
	}
	data, err := encode(layers, len(c.files) == 0, c.plain)
	if err != nil {
		return err
	}
	fresh := data
	if data == nil && len(c.files) <= chainFilesMax && !c.foreign {
		c.pop(len(parts))
		return nil
	}
	keep := mergeFrom(c.files, int64(len(data)), c.mergeBytes)
	if c.foreign {
		keep = 0
	}
	if c.get == nil {
		keep = len(c.files)
	}
	if keep < len(c.files) {
		if data, err = c.merge(c.files[keep:], layers, keep == 0); err != nil {
			return fmt.Errorf("merge state files: %w", err)
		}
	}
	files := slices.Clone(c.files[:keep])
	if data != nil {
		f := state.File{Bytes: int64(len(data)), Sum: xxh3.Hash(data), Range: r}
		// The sum keeps names apart when an epoch is written again after a restore.
		f.Name = fmt.Sprintf("%s%06d-%016x.state", c.prefix, e, f.Sum)
		if err := put(f.Name, data); err != nil {
			c.fold(len(parts), fresh)
			return fmt.Errorf("write state file %s: %w", f.Name, err)
		}
		files = append(files, f)
	}
	c.files, c.foreign = files, false
	c.bytes.Store(sumBytes(files))
	c.pop(len(parts))
	return nil
}

// mergeFrom decides which files of a chain the next one, of size bytes, replaces:
// those from the returned position on. A chain that is too long loses its newest
// files, and as many older ones as are not much larger, so that each byte is
// written about log(size) times; one whose deltas outweigh its oldest file, as
// when all keys change all the time, becomes one file.
func mergeFrom(files []state.File, size, least int64) int {
	keep := len(files)
	if keep == 0 {
		return 0
	}
	newer := size + sumBytes(files[1:])
	if newer > files[0].Bytes && newer > least {
		return 0
	}
	if keep < chainFilesMax {
		return keep
	}
	keep = chainFilesLow - 1
	sum := size + sumBytes(files[keep:])
	for keep > 0 && files[keep-1].Bytes < 2*sum {
		keep--
		sum += files[keep].Bytes
	}
	return keep
}

// merge makes one file of several, oldest first, and the layers over them.
func (c *chain) merge(files []state.File, over map[string][]layer, all bool) ([]byte, error) {
	layers := map[string][]layer{}
	opened := map[string]*file{}
	for _, f := range files {
		if opened[f.Name] == nil {
			opened[f.Name] = new(file)
			if err := c.read(f, opened[f.Name]); err != nil {
				return nil, err
			}
		}
		for _, t := range opened[f.Name].tables {
			layers[t.name] = append(layers[t.name], t.partOf(f.Range))
		}
	}
	for name, l := range over {
		layers[name] = append(layers[name], l...)
	}
	return encode(layers, all, c.plain)
}

// encode merges the layers of each table to a file; nil if there is nothing in
// it. When nothing lies below, nothing need be hidden: tombstones are left out.
func encode(tables map[string][]layer, bottom, plain bool) ([]byte, error) {
	w := newWriter(plain)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		var srcs []*source
		var tombs []span
		for _, l := range tables[name] {
			s := l.source(span{})
			srcs = append(srcs, s)
			if !bottom {
				tombs = append(tombs, s.tombs...)
			}
		}
		tombs = union(tombs)
		w.begin(name, tombs)
		m := mergeOf(srcs)
		for m.next() {
			if m.dead && (bottom || covers(tombs, m.key)) {
				continue
			}
			w.add(m.key, m.val, m.dead)
		}
		if m.err != nil {
			return nil, m.err
		}
		w.end()
	}
	if w.empty() {
		return nil, nil
	}
	return w.finish(), nil
}
