package lsm

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/keyenc"
)

// deltaChunkBytes is the size of the chunks that hold keys and values.
const deltaChunkBytes = 256 << 10

// A delta is a log of changes to one table: entries in the order in which they
// came, and range deletes that name how many entries came before them. It finds
// keys by a hash index, made when it is first asked. When it is frozen the task
// may still make the index, while another goroutine reads the entries.
type delta struct {
	tail      int // bytes that keys have behind what is looked up
	n         int // entries
	pages     [][]ent
	chunks    [][]byte
	wipes     []wipe
	wipedFrom map[string]int // the last of wipes that begins there
	bytes     int64
	cells     []uint64 // the index: hash of what is looked up (32) | newest ent+1 (32), open addressing
	prev      []uint32 // by ent: the one before it with the same hash, +1
	used      int
	inRow     *sorted // what source has made; nil: something came since
	gone      int     // how often source has gone through all entries since something came
}

// An ent is one change of one key. Key and value lie together in a chunk.
type ent struct {
	chunk uint32
	off   uint32
	klen  uint32
	vlen  int32 // -1: deleted
}

// A wipe is a range delete that came after the first seq entries.
type wipe struct {
	span
	seq int
}

// entBytes is about what an entry costs beside its key and value.
const entBytes = 40

// pageEnts is how many entries are in a page.
const (
	pageEnts  = 1 << pageShift
	pageShift = 12
)

// Pages and chunks that nobody reads any more are used again: to touch new memory
// costs more than to fill it.
var (
	freeChunks = newPool[byte](deltaChunkBytes)
	freePages  = newPool[ent](pageEnts)
)

// ent returns the i'th entry.
func (d *delta) ent(i int) *ent { return &d.pages[i>>pageShift][i&(pageEnts-1)] }

// recycle gives back the memory of a delta that nobody reads any more.
func (d *delta) recycle() {
	freeChunks.put(d.chunks)
	freePages.put(d.pages)
	*d = delta{}
}

// chunk adds a chunk with room for n bytes.
func (d *delta) chunk(n int) {
	size := deltaChunkBytes
	if len(d.chunks) == 0 {
		size = 4 << 10 // most tables of most epochs are small
	}
	d.chunks = append(d.chunks, freeChunks.get(max(size, n)))
}

// page adds a page.
func (d *delta) page() {
	size := pageEnts
	if len(d.pages) == 0 {
		size = 0 // it grows
	}
	d.pages = append(d.pages, freePages.get(size))
}

func (d *delta) add(key, val []byte, dead bool) {
	d.inRow, d.gone = nil, 0
	n := len(key) + len(val)
	last := len(d.chunks) - 1
	if last < 0 || cap(d.chunks[last])-len(d.chunks[last]) < n {
		d.chunk(n)
		last++
	}
	c := d.chunks[last]
	e := ent{chunk: uint32(last), off: uint32(len(c)), klen: uint32(len(key)), vlen: int32(len(val))}
	if dead {
		e.vlen = -1
	}
	d.chunks[last] = append(append(c, key...), val...)
	if d.n&(pageEnts-1) == 0 {
		d.page()
	}
	p := &d.pages[len(d.pages)-1]
	*p = append(*p, e)
	d.n++
	d.bytes += int64(n) + entBytes
	if d.cells != nil {
		d.index(d.n - 1)
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
	h := xxh3.Hash(lookedUp(d.key(d.ent(i)), d.tail))
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
			h := xxh3.Hash(lookedUp(d.key(d.ent(int(uint32(c)-1))), d.tail))
			d.cells[d.cell(h)] = c
		}
	}
}

// chain returns the newest entry + 1 that may have this hash; older ones follow by
// prev.
func (d *delta) chain(h uint64) uint32 {
	if d.n == 0 {
		return 0
	}
	if d.cells == nil {
		d.cells = make([]uint64, 64)
		for i := range d.n {
			d.index(i)
		}
	}
	return uint32(d.cells[d.cell(h)])
}

// suffix and size implement layer.
func (d *delta) suffix() int { return d.tail }
func (d *delta) size() int64 { return d.bytes }

// may implements layer.
func (d *delta) may(prefix []byte, hash uint64) bool {
	if len(d.wipes) > 0 {
		s := span{prefix, keyenc.AppendAfter(nil, prefix)}
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
		if e := d.ent(int(i - 1)); bytes.Equal(d.key(e), key) {
			if e.vlen < 0 || d.wiped(int(i-1), key) {
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

// wiped reports whether a range delete came after the i'th entry.
func (d *delta) wiped(i int, key []byte) bool {
	return slices.ContainsFunc(d.wipes, func(w wipe) bool { return w.seq > i && w.has(key) })
}

// prefixed returns the entries whose keys begin with a prefix, in the form of a
// file.
func (d *delta) prefixed(prefix []byte, hash uint64) *sorted {
	var at []uint32
	for i := d.chain(hash); i != 0; i = d.prev[i-1] {
		if bytes.HasPrefix(d.key(d.ent(int(i-1))), prefix) {
			at = append(at, i-1)
		}
	}
	slices.SortFunc(at, d.compare)
	return d.settle(at, d.wipes)
}

// source implements layer. Of a part no more than that is put in order, unless many are
// asked for with nothing added in between.
func (d *delta) source(b span) *source {
	if d.inRow == nil && (b.from == nil && b.to == nil || d.gone == sourceParts) {
		d.inRow = d.sort()
	}
	if d.inRow != nil {
		return d.inRow.source(b)
	}
	d.gone++
	var at []uint32
	for i := range d.n {
		if b.has(d.key(d.ent(i))) {
			at = append(at, uint32(i))
		}
	}
	slices.SortFunc(at, d.compare)
	var wipes []wipe
	for _, w := range d.wipes {
		if _, ok := w.span.clip(b); ok {
			wipes = append(wipes, w)
		}
	}
	return d.settle(at, wipes).source(b)
}

// sourceParts is for how many parts source goes through all entries before it puts them
// in order.
const sourceParts = 4

func (d *delta) wipe(from, to []byte) {
	d.inRow, d.gone = nil, 0
	s := span{from: bytes.Clone(from)}
	if to != nil {
		s.to = append([]byte{}, to...)
	}
	if i, ok := d.wipedFrom[string(from)]; ok && (s.to == nil || d.wipes[i].to != nil && bytes.Compare(d.wipes[i].to, s.to) <= 0) {
		d.wipes[i] = wipe{s, d.n}
		return
	}
	if d.wipedFrom == nil {
		d.wipedFrom = map[string]int{}
	}
	d.wipedFrom[string(from)] = len(d.wipes)
	d.wipes = append(d.wipes, wipe{s, d.n})
	d.bytes += int64(len(from)+len(to)) + entBytes
}

func (d *delta) empty() bool { return d.n == 0 && len(d.wipes) == 0 }

// A sorted is a delta in the form of a file: each key once, in order.
type sorted struct {
	*delta
	at    []uint32 // entries
	tombs []span   // hide what is older than this delta
}

// seek returns the first entry whose key is not below key.
func (s *sorted) seek(key []byte) int {
	i, _ := slices.BinarySearchFunc(s.at, key, func(at uint32, key []byte) int {
		return bytes.Compare(s.delta.key(s.ent(int(at))), key)
	})
	return i
}

// sort puts the entries in order and keeps of each key what came last, unless a
// range delete came later.
func (d *delta) sort() *sorted {
	at, again := order(d.n, d.tail, func(i int) []byte { return d.key(d.ent(i)) })
	if len(d.wipes) > 0 {
		return d.settle(at, d.wipes)
	}
	if again == nil {
		return &sorted{delta: d, at: at}
	}
	kept := at[:0]
	for i, k := range at {
		if i+1 == len(at) || !again[i+1] {
			kept = append(kept, k)
		}
	}
	return &sorted{delta: d, at: kept}
}

// compare orders entries by key, and among equals as they came.
func (d *delta) compare(a, b uint32) int {
	return cmp.Or(bytes.Compare(d.key(d.ent(int(a))), d.key(d.ent(int(b)))), cmp.Compare(a, b))
}

// settle keeps of entries in the order of compare those that count; all is the range
// deletes.
func (d *delta) settle(at []uint32, all []wipe) *sorted {
	s := &sorted{delta: d}
	wipes := slices.Clone(all)
	slices.SortStableFunc(wipes, func(a, b wipe) int { return bytes.Compare(a.from, b.from) })
	var open []wipe // those that may cover the key at hand
	kept := at[:0]
	for i, k := range at {
		e := d.ent(int(k))
		key := d.key(e)
		if i+1 < len(at) && bytes.Equal(key, d.key(d.ent(int(at[i+1])))) {
			continue // what came later counts
		}
		if len(wipes) > 0 || len(open) > 0 {
			for len(wipes) > 0 && bytes.Compare(wipes[0].from, key) <= 0 {
				open = append(open, wipes[0])
				wipes = wipes[1:]
			}
			open = slices.DeleteFunc(open, func(w wipe) bool { return !w.above(key) })
			wiped := slices.ContainsFunc(open, func(w wipe) bool { return w.seq > int(k) })
			// A tombstone under a range tombstone says nothing more.
			if wiped || e.vlen < 0 && len(open) > 0 {
				continue
			}
		}
		kept = append(kept, k)
	}
	s.at = kept
	var spans []span
	for _, w := range all {
		spans = append(spans, w.span)
	}
	s.tombs = union(spans)
	return s
}
