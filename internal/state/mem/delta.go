package mem

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sync"
)

// deltaChunkBytes is the size of the chunks that hold keys and values.
const deltaChunkBytes = 256 << 10

// A delta is a log of changes to one table: entries in the order in which they
// came, and range deletes that name how many entries came before them.
type delta struct {
	ents   []ent
	chunks [][]byte
	wipes  []wipe
	bytes  int64
}

// An ent is one change of one key. Key and value lie together in a chunk.
type ent struct {
	prefix uint64 // first 8 bytes of the key, big-endian
	chunk  uint32
	off    uint32
	klen   uint32
	vlen   int32 // -1: deleted
	seq    uint32
}

// A wipe is a range delete that came after the first seq entries.
type wipe struct {
	span
	seq uint32
}

// entBytes is about what an entry costs beside its key and value.
const entBytes = 32

func prefixOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

func (d *delta) add(key, val []byte, dead bool) {
	n := len(key) + len(val)
	last := len(d.chunks) - 1
	if last < 0 || cap(d.chunks[last])-len(d.chunks[last]) < n {
		size := deltaChunkBytes
		if last < 0 {
			size = 4 << 10 // most tables of most epochs are small
		}
		d.chunks = append(d.chunks, make([]byte, 0, max(size, n)))
		last++
	}
	c := d.chunks[last]
	e := ent{prefix: prefixOf(key), chunk: uint32(last), off: uint32(len(c)), klen: uint32(len(key)), vlen: int32(len(val)), seq: uint32(len(d.ents))}
	if dead {
		e.vlen = -1
	}
	d.chunks[last] = append(append(c, key...), val...)
	d.ents = append(d.ents, e)
	d.bytes += int64(n) + entBytes
}

func (d *delta) wipe(from, to []byte) {
	s := span{from: bytes.Clone(from)}
	if to != nil {
		s.to = append([]byte{}, to...)
	}
	d.wipes = append(d.wipes, wipe{s, uint32(len(d.ents))})
	d.bytes += int64(len(from)+len(to)) + entBytes
}

func (d *delta) empty() bool { return len(d.ents) == 0 && len(d.wipes) == 0 }

// A frozen delta does not change any more. It is sorted when it is first read,
// by whichever goroutine comes first: the task's, in Get or Scan, or Persist's.
type frozen struct {
	once sync.Once
	d    *delta
	s    *sorted
}

func (f *frozen) sorted() *sorted {
	f.once.Do(func() { f.s, f.d = f.d.sort(f.d.ents), nil })
	return f.s
}

// A sorted is a delta in the form of a file: each key once, in order.
type sorted struct {
	ents   []ent
	chunks [][]byte
	tombs  []span // hide what is older than this delta
}

func (s *sorted) key(i int) []byte {
	e := &s.ents[i]
	return s.chunks[e.chunk][e.off : e.off+e.klen : e.off+e.klen]
}

func (s *sorted) val(i int) []byte {
	e := &s.ents[i]
	if e.vlen < 0 {
		return nil
	}
	at := e.off + e.klen
	return s.chunks[e.chunk][at : at+uint32(e.vlen) : at+uint32(e.vlen)]
}

// seek returns the first entry whose key is not below key.
func (s *sorted) seek(key []byte) int {
	p := prefixOf(key)
	i, _ := slices.BinarySearchFunc(s.ents, key, func(e ent, key []byte) int {
		if c := cmp.Compare(e.prefix, p); c != 0 {
			return c
		}
		return bytes.Compare(s.chunks[e.chunk][e.off:e.off+e.klen], key)
	})
	return i
}

func (s *sorted) find(key []byte) (val []byte, found bool, err error) {
	i := s.seek(key)
	if i < len(s.ents) && bytes.Equal(s.key(i), key) {
		return s.val(i), true, nil
	}
	return nil, covers(s.tombs, key), nil
}

// sort puts ents, which are d's or a copy of them, in order and keeps of each key
// what came last, unless a range delete came later.
func (d *delta) sort(ents []ent) *sorted {
	s := &sorted{ents: ents, chunks: d.chunks}
	slices.SortFunc(ents, func(a, b ent) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		x, y := d.chunks[a.chunk][a.off:a.off+a.klen], d.chunks[b.chunk][b.off:b.off+b.klen]
		if c := bytes.Compare(x, y); c != 0 {
			return c
		}
		return cmp.Compare(b.seq, a.seq)
	})
	wipes := slices.Clone(d.wipes)
	slices.SortStableFunc(wipes, func(a, b wipe) int { return bytes.Compare(a.from, b.from) })
	var open []wipe // those that may cover the key at hand
	kept := ents[:0]
	var last []byte
	for i := range ents {
		e := ents[i]
		key := d.chunks[e.chunk][e.off : e.off+e.klen]
		if i > 0 && bytes.Equal(key, last) {
			continue
		}
		last = key
		for len(wipes) > 0 && bytes.Compare(wipes[0].from, key) <= 0 {
			open = append(open, wipes[0])
			wipes = wipes[1:]
		}
		open = slices.DeleteFunc(open, func(w wipe) bool { return !w.above(key) })
		wiped := slices.ContainsFunc(open, func(w wipe) bool { return w.seq > e.seq })
		// A tombstone under a range tombstone says nothing more.
		if wiped || e.vlen < 0 && len(open) > 0 {
			continue
		}
		kept = append(kept, e)
	}
	s.ents = kept
	var spans []span
	for _, w := range d.wipes {
		spans = append(spans, w.span)
	}
	s.tombs = union(spans)
	return s
}
