package lsm

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"
)

// deltaChunkBytes is the size of the chunks that hold keys and values.
const deltaChunkBytes = 256 << 10

// A delta is a log of changes to one table: entries in the order in which they
// came, and range deletes that name how many entries came before them. It finds
// keys by a hash index, made when it is first asked. When it is frozen the task
// may still make the index, while another goroutine reads the entries.
type delta struct {
	tail   int // bytes that keys have behind what is looked up
	ents   []ent
	chunks [][]byte
	wipes  []wipe
	bytes  int64
	cells  []uint64 // the index: hash of what is looked up (32) | newest ent+1 (32), open addressing
	prev   []uint32 // by ent: the one before it with the same hash, +1
	used   int
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
const entBytes = 40

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
	if d.cells != nil {
		d.index(len(d.ents) - 1)
	}
}

func (d *delta) key(e *ent) []byte { return d.chunks[e.chunk][e.off : e.off+e.klen : e.off+e.klen] }

// lookedUp returns what of a key Lookup is asked for.
func lookedUp(key []byte, suffix int) []byte { return key[:max(len(key)-suffix, 0)] }

// index enters entry i.
func (d *delta) index(i int) {
	if 2*(d.used+1) > len(d.cells) {
		d.rehash()
	}
	h := xxh3.Hash(lookedUp(d.key(&d.ents[i]), d.tail))
	at := d.cell(h)
	if d.cells[at] == 0 {
		d.used++
	}
	d.prev = append(d.prev, uint32(d.cells[at]))
	d.cells[at] = h&^(1<<32-1) | uint64(i+1)
}

// cell returns the place of a hash, or the empty one where it belongs.
func (d *delta) cell(h uint64) int {
	mask := len(d.cells) - 1
	p := int(h) & mask
	for d.cells[p] != 0 && d.cells[p]>>32 != h>>32 {
		p = (p + 1) & mask
	}
	return p
}

// rehash doubles the cells. Chains stay, and a chain's hash is in its cell; the
// low half of it is in the keys.
func (d *delta) rehash() {
	old := d.cells
	d.cells = make([]uint64, max(2*len(old), 64))
	for _, c := range old {
		if c != 0 {
			h := xxh3.Hash(lookedUp(d.key(&d.ents[uint32(c)-1]), d.tail))
			d.cells[d.cell(h)] = c
		}
	}
}

// chain returns the newest entry + 1 that may have this hash; older ones follow by
// prev.
func (d *delta) chain(h uint64) uint32 {
	if len(d.ents) == 0 {
		return 0
	}
	if d.cells == nil {
		d.cells = make([]uint64, 64)
		for i := range d.ents {
			d.index(i)
		}
	}
	return uint32(d.cells[d.cell(h)])
}

// suffix implements layer.
func (d *delta) suffix() int { return d.tail }

// may implements layer.
func (d *delta) may(prefix []byte, hash uint64) bool {
	if len(d.wipes) > 0 {
		s := span{prefix, after(prefix)}
		for _, w := range d.wipes {
			if _, ok := w.span.clip(s); ok {
				return true
			}
		}
	}
	return d.chain(hash) != 0
}

// find implements layer.
func (d *delta) find(key []byte, hash uint64) (val []byte, found bool, err error) {
	for i := d.chain(hash); i != 0; i = d.prev[i-1] {
		if e := &d.ents[i-1]; bytes.Equal(d.key(e), key) {
			if e.vlen < 0 || d.wiped(e, key) {
				return nil, true, nil
			}
			return d.val(e), true, nil
		}
	}
	return nil, slices.ContainsFunc(d.wipes, func(w wipe) bool { return w.has(key) }), nil
}

func (d *delta) val(e *ent) []byte {
	at := e.off + e.klen
	return d.chunks[e.chunk][at : at+uint32(e.vlen) : at+uint32(e.vlen)]
}

// wiped reports whether a range delete came after an entry.
func (d *delta) wiped(e *ent, key []byte) bool {
	return slices.ContainsFunc(d.wipes, func(w wipe) bool { return w.seq > e.seq && w.has(key) })
}

// prefixed returns the entries whose keys begin with a prefix, in the form of a
// file.
func (d *delta) prefixed(prefix []byte, hash uint64) *sorted {
	var ents []ent
	for i := d.chain(hash); i != 0; i = d.prev[i-1] {
		if e := d.ents[i-1]; bytes.HasPrefix(d.key(&e), prefix) {
			ents = append(ents, e)
		}
	}
	return d.sort(ents)
}

// source implements layer.
func (d *delta) source(b span) *source { return d.sort(slices.Clone(d.ents)).source(b) }

func (d *delta) wipe(from, to []byte) {
	s := span{from: bytes.Clone(from)}
	if to != nil {
		s.to = append([]byte{}, to...)
	}
	d.wipes = append(d.wipes, wipe{s, uint32(len(d.ents))})
	d.bytes += int64(len(from)+len(to)) + entBytes
}

func (d *delta) empty() bool { return len(d.ents) == 0 && len(d.wipes) == 0 }

// find, may and source implement layer.
func (f *frozen) find(key []byte, hash uint64) ([]byte, bool, error) { return f.delta.find(key, hash) }
func (f *frozen) may(prefix []byte, hash uint64) bool                { return f.delta.may(prefix, hash) }
func (f *frozen) source(b span) *source                              { return f.order().source(b) }
func (f *frozen) suffix() int                                        { return f.delta.tail }

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
