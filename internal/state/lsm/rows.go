package lsm

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
)

// Rows that are encoded late
//
// What a task drains of its lists of rows (state.Table.LateRow) is copied as it lies in
// memory, in the order in which it comes, into a part by its key group. It is encoded
// where its file is made, on another goroutine, and in the order of the file: part by
// part, which fit a processor's cache. There what keys begin with is sorted, of which
// there is less than of rows, and the rows are counted into their places behind that. If
// somebody looks for a key meanwhile, the rows become a delta.

// rows are rows of one table on their way to a file.
type rows struct {
	encode func(dst []byte, row []uint64) []byte
	groups base.Range
	number int // of these rows, among those of the table
	parts  [rowParts]rowPart
	n      int
	bytes  int64
}

// rowParts is how many parts there are, each with some neighbouring key groups.
const (
	rowPartBits = 6
	rowParts    = 1 << rowPartBits
)

// A rowPart is the rows of some key groups. In a chunk each has a head: the seq that ends
// its key, then the number of what its key begins with << 32 | its words.
type rowPart struct {
	under  []byte   // what keys begin with
	ends   []uint32 // where each of these ends
	chunks [][]uint64
	n      int
}

// seqBytes is what seq takes at the end of a key.
const seqBytes = 8

// Rows are copied to chunks, the first of a part small, the others of rowChunkWords; a row
// that is larger has its own.
const (
	rowHead          = 2
	rowChunkWordsMin = 1 << 7
	rowChunkShift    = 12
	rowChunkWords    = 1 << rowChunkShift
	rowChunkMask     = rowChunkWords - 1
)

var freeRowChunks = newPool[uint64](rowChunkWords)

// prefix adds what keys begin with and returns its number: that of the rows, its own in
// its part, and its part.
func (r *rows) prefix(key []byte) int {
	group, groups := int(binary.BigEndian.Uint16(key))-r.groups.Lo, r.groups.Hi-r.groups.Lo
	k := group * rowParts / groups
	p := &r.parts[k]
	p.under = append(p.under, key...)
	p.ends = append(p.ends, uint32(len(p.under)))
	r.bytes += int64(len(key)) + 4
	return r.number<<rowNumberShift | (len(p.ends)-1)<<rowPartBits | k
}

// rowNumberShift is where in the number of what keys begin with that of the rows is.
const rowNumberShift = 32 + rowPartBits

// has reports whether what keys begin with has its number from these rows.
func (r *rows) has(under int) bool { return r != nil && under>>rowNumberShift == r.number }

// find returns part and place in it of what has a number.
func (r *rows) find(under int) (*rowPart, int) {
	return &r.parts[under&(rowParts-1)], int(uint32(under >> rowPartBits))
}

// key returns what the keys of the i'th number begin with.
func (p *rowPart) key(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.under[from:p.ends[i]]
}

// add copies a row, and returns how many bytes the rows have grown by: by chunks.
func (r *rows) add(under int, seq uint64, words []uint64) (grown int64) {
	p, i := r.find(under)
	last, n := len(p.chunks)-1, rowHead+len(words)
	if last < 0 || cap(p.chunks[last])-len(p.chunks[last]) < n {
		size := rowChunkWords
		if last < 0 {
			size = rowChunkWordsMin
		}
		size = max(size, n)
		p.chunks = append(p.chunks, freeRowChunks.get(size))
		last++
		grown = int64(8 * size)
		r.bytes += grown
	}
	p.chunks[last] = append(append(p.chunks[last], seq, uint64(i)<<32|uint64(len(words))), words...)
	p.n++
	r.n++
	return grown
}

// recycle gives back the memory of rows that nobody reads any more.
func (r *rows) recycle() {
	for i := range r.parts {
		freeRowChunks.put(r.parts[i].chunks)
	}
	*r = rows{}
}

// A rowOrder has the rows of parts of several rows, which came one after the other, in
// the order of their keys, of each key the one that came last.
type rowOrder struct {
	keys   [][]byte // what keys begin with, sorted, each once
	chunks []rowChunk
	at     []uint32 // chunk << rowChunkShift | place; rowGone if another came later

	all   [][]byte // what keys begin with, as they came
	ranks []uint32 // of those: which of keys that is
	ends  []uint32
	last  []uint64
}

// A rowChunk is a chunk of rows, and where of keys those are that they begin with.
type rowChunk struct {
	words []uint64
	rank  []uint32 // by number
}

const rowGone = 1<<32 - 1

// order puts the rows of one part in order.
func (o *rowOrder) order(list []*rows, part int) {
	o.keys, o.chunks, o.at, o.all = o.keys[:0], o.chunks[:0], o.at[:0], o.all[:0]
	n := 0
	for _, r := range list {
		p := &r.parts[part]
		for i := range p.ends {
			o.all = append(o.all, p.key(i))
		}
		n += p.n
	}
	if n == 0 {
		return
	}
	at, again := order(len(o.all), 0, func(i int) []byte { return o.all[i] })
	o.ranks = slices.Grow(o.ranks[:0], len(at))[:len(at)]
	for i, k := range at {
		if again == nil || !again[i] {
			o.keys = append(o.keys, o.all[k])
		}
		o.ranks[k] = uint32(len(o.keys) - 1)
	}
	ranks := o.ranks
	for _, r := range list {
		p := &r.parts[part]
		for _, c := range p.chunks {
			o.chunks = append(o.chunks, rowChunk{c, ranks})
		}
		ranks = ranks[len(p.ends):]
	}
	o.at = slices.Grow(o.at, n)[:n]
	o.place()
}

// place counts the rows into their places.
func (o *rowOrder) place() {
	o.ends = append(o.ends[:0], make([]uint32, len(o.keys))...)
	o.last = append(o.last[:0], make([]uint64, len(o.keys))...)
	ends, last := o.ends, o.last
	var mixed map[uint32]bool // keys whose rows do not ascend
	for _, c := range o.chunks {
		for w := c.words; len(w) > 0; w = w[rowHead+uint32(w[1]):] {
			r := c.rank[w[1]>>32]
			ends[r]++
			if w[0] <= last[r] {
				if mixed == nil {
					mixed = map[uint32]bool{}
				}
				mixed[r] = true
			}
			last[r] = w[0]
		}
	}
	from := uint32(0)
	for i, k := range ends {
		ends[i] = from
		from += k
	}
	for k, c := range o.chunks {
		for at := 0; at < len(c.words); at += rowHead + int(uint32(c.words[at+1])) {
			end := &ends[c.rank[c.words[at+1]>>32]]
			o.at[*end] = uint32(k<<rowChunkShift | at)
			*end++
		}
	}
	for r := range mixed {
		from := uint32(0)
		if r > 0 {
			from = ends[r-1]
		}
		o.mend(o.at[from:ends[r]])
	}
}

// mend orders rows of one key by seq, and of equals keeps the one that came last.
func (o *rowOrder) mend(at []uint32) {
	seq := func(k uint32) uint64 { return o.chunks[k>>rowChunkShift].words[k&rowChunkMask] }
	slices.SortFunc(at, func(a, b uint32) int { return cmp.Or(cmp.Compare(seq(a), seq(b)), cmp.Compare(a, b)) })
	for i := range len(at) - 1 {
		if seq(at[i]) == seq(at[i+1]) {
			at[i] = rowGone
		}
	}
}

// rowsSource returns the rows of a table as entries, in the order of their keys.
func rowsSource(list []*rows) *source {
	out := &source{}
	o := &rowOrder{}
	encode := list[0].encode
	part, next := 0, 0
	under := uint32(rowGone)
	var key, val []byte
	out.step = func() bool {
		for next == len(o.at) || o.at[next] == rowGone {
			if next < len(o.at) {
				next++ // the one that counts comes behind it
				continue
			}
			if part == rowParts {
				return false
			}
			o.order(list, part)
			part++
			next, under = 0, rowGone
		}
		k := o.at[next]
		next++
		c := &o.chunks[k>>rowChunkShift]
		w := c.words[k&rowChunkMask:]
		if r := c.rank[w[1]>>32]; r != under {
			under = r
			key = append(append(key[:0], o.keys[r]...), make([]byte, seqBytes)...)
		}
		binary.BigEndian.PutUint64(key[len(key)-seqBytes:], w[0])
		val = encode(val[:0], w[rowHead:rowHead+uint32(w[1])])
		out.key, out.val = key, val
		return true
	}
	return out
}

// deltaOf returns rows as a delta.
func deltaOf(list []*rows) *delta {
	d := &delta{tail: seqBytes}
	for s := rowsSource(list); s.step(); {
		d.add(s.key, s.val, false)
	}
	return d
}
