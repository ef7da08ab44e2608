package mem

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/zeebo/xxh3"
)

// A file is a parsed state file; blocks are unpacked when they are read.
type file struct {
	name   string
	data   []byte
	tables []*fileTable
}

// A fileTable is one table of a file.
type fileTable struct {
	file   *file
	name   string
	tombs  []span
	blocks []block
}

// A block is some entries of a table, with its place in the file.
type block struct {
	off, size   int
	n           int
	first, last []byte
	raw         []byte // once it has been unpacked to stay
}

func (f *file) corrupt(why string) error { return &state.CorruptError{File: f.name, Why: why} }

// parse checks header, trailer and index of a file.
func parse(name string, data []byte) (*file, error) {
	f := &file{name: name, data: data}
	if len(data) < headerBytes+trailerBytes {
		return nil, f.corrupt("it is too short")
	}
	header, trailer := data[:headerBytes], data[len(data)-trailerBytes:]
	if string(header[:8]) != fileMagic {
		return nil, f.corrupt("it does not begin like a state file")
	}
	if v := binary.LittleEndian.Uint32(header[8:]); v != fileVersion {
		return nil, f.corrupt("its version is not known")
	}
	if string(trailer[24:]) != fileEnd {
		return nil, f.corrupt("its end is missing")
	}
	if binary.LittleEndian.Uint64(trailer[16:]) != trailerSum(header, trailer[:16]) {
		return nil, f.corrupt("the trailer's checksum is wrong")
	}
	off, size := binary.LittleEndian.Uint64(trailer), binary.LittleEndian.Uint32(trailer[8:])
	if off > uint64(len(data)) {
		return nil, f.corrupt("the index is out of place")
	}
	index, err := f.unpack(int(off), int(size))
	if err != nil {
		return nil, err
	}
	if !f.parseIndex(index) {
		return nil, f.corrupt("the index is malformed")
	}
	return f, nil
}

// unpack checks and decompresses the frame at off.
func (f *file) unpack(off, size int) ([]byte, error) {
	end := len(f.data) - trailerBytes
	if off < headerBytes || size < frameHead+frameTail || off > end-size {
		return nil, f.corrupt("a block is out of place")
	}
	b := f.data[off : off+size]
	body := b[:size-frameTail]
	if binary.LittleEndian.Uint64(b[size-frameTail:]) != xxh3.Hash(body) {
		return nil, f.corrupt("a block's checksum is wrong")
	}
	stored, rawLen, codec := binary.LittleEndian.Uint32(body), binary.LittleEndian.Uint32(body[4:]), body[8]
	body = body[frameHead:]
	if int(stored) != len(body) {
		return nil, f.corrupt("a block's length is wrong")
	}
	switch codec {
	case codecNone:
	case codecZstd:
		var err error
		// Allocate as the frame says, within reason: it may be wrong.
		if body, err = zstdDecoder().DecodeAll(body, make([]byte, 0, min(int(rawLen), 64*len(body)+blockBytes))); err != nil {
			return nil, f.corrupt("a block cannot be decompressed: " + err.Error())
		}
	default:
		return nil, f.corrupt("a block's codec is not known")
	}
	if int(rawLen) != len(body) {
		return nil, f.corrupt("a block's length is wrong")
	}
	return body, nil
}

// cut reads varints and byte strings off a slice; after an error it yields zeros.
type cut struct {
	src []byte
	bad bool
}

func (c *cut) int() int {
	x, n := binary.Uvarint(c.src)
	if n <= 0 || x > rawBytesMax {
		c.bad = true
		c.src = nil
		return 0
	}
	c.src = c.src[n:]
	return int(x)
}

func (c *cut) take(n int) []byte {
	if n > len(c.src) {
		c.bad = true
		c.src = nil
		return nil
	}
	b := c.src[:n:n]
	c.src = c.src[n:]
	return b
}

func (c *cut) bytes() []byte { return c.take(c.int()) }

func (f *file) parseIndex(index []byte) bool {
	c := cut{src: index}
	for n := c.int(); n > 0 && !c.bad; n-- {
		t := &fileTable{file: f, name: string(c.bytes())}
		for k := c.int(); k > 0 && !c.bad; k-- {
			s := span{from: c.bytes()}
			if flag := c.take(1); flag != nil && flag[0] != 0 {
				s.to = c.bytes()
			}
			t.tombs = append(t.tombs, s)
		}
		for k := c.int(); k > 0 && !c.bad; k-- {
			t.blocks = append(t.blocks, block{off: c.int64(), size: c.int(), n: c.int(), first: c.bytes(), last: c.bytes()})
		}
		f.tables = append(f.tables, t)
	}
	return !c.bad && len(c.src) == 0
}

// int64 reads an offset.
func (c *cut) int64() int {
	x, n := binary.Uvarint(c.src)
	if n <= 0 || x > 1<<62 {
		c.bad = true
		c.src = nil
		return 0
	}
	c.src = c.src[n:]
	return int(x)
}

// load unpacks the blocks that have keys in b, checks every entry, and keeps the
// blocks, so that reading them later cannot fail. It returns their size.
func (t *fileTable) load(b span) (size int64, err error) {
	for i := range t.blocks {
		k := &t.blocks[i]
		if bytes.Compare(k.last, b.from) < 0 || !b.above(k.first) {
			continue
		}
		size += int64(k.size)
		if k.raw != nil {
			continue
		}
		raw, err := t.file.unpack(k.off, k.size)
		if err != nil {
			return 0, err
		}
		it := entryIter{src: raw}
		n := 0
		for it.next() {
			if n == 0 && !bytes.Equal(it.key, k.first) {
				it.bad = true
			}
			n++
		}
		if it.bad || n != k.n || !bytes.Equal(it.key, k.last) {
			return 0, t.file.corrupt("a block's entries are malformed")
		}
		k.raw = raw
	}
	return size, nil
}

// An entryIter walks the entries of an unpacked block.
type entryIter struct {
	src  []byte
	key  []byte
	val  []byte
	dead bool
	bad  bool
}

func (it *entryIter) next() bool {
	if len(it.src) == 0 || it.bad {
		return false
	}
	c := cut{src: it.src}
	shared, rest, n := c.int(), c.int(), c.int()
	suffix := c.take(rest)
	it.dead = n == 0
	it.val = nil
	if n > 0 {
		it.val = c.take(n - 1)
	}
	if c.bad || shared > len(it.key) {
		it.bad = true
		return false
	}
	it.key = append(it.key[:shared], suffix...)
	it.src = c.src
	return true
}

// A part is what a fileTable has in a span: a layer.
type part struct {
	*fileTable
	within span
}

// partOf returns the part of a table for some key groups.
func (t *fileTable) partOf(r base.Range) part { return part{t, spanOf(r)} }

// raw returns the unpacked block i.
func (t *fileTable) raw(i int) ([]byte, error) {
	if k := &t.blocks[i]; k.raw != nil {
		return k.raw, nil
	}
	return t.file.unpack(t.blocks[i].off, t.blocks[i].size)
}

// find implements layer.
func (p part) find(key []byte) ([]byte, bool, error) {
	if !p.within.has(key) {
		return nil, false, nil
	}
	i, _ := slices.BinarySearchFunc(p.blocks, key, func(b block, key []byte) int { return bytes.Compare(b.last, key) })
	if i < len(p.blocks) && bytes.Compare(p.blocks[i].first, key) <= 0 {
		raw, err := p.raw(i)
		if err != nil {
			return nil, false, err
		}
		it := entryIter{src: raw}
		for it.next() {
			if c := bytes.Compare(it.key, key); c == 0 {
				return it.val, true, nil
			} else if c > 0 {
				break
			}
		}
	}
	return nil, covers(p.tombs, key), nil
}

// source implements layer.
func (p part) source(b span) *source {
	b, ok := b.clip(p.within)
	out := &source{step: func() bool { return false }}
	if !ok {
		return out
	}
	out.tombs = clipAll(p.tombs, b)
	i, _ := slices.BinarySearchFunc(p.blocks, b.from, func(k block, key []byte) int { return bytes.Compare(k.last, key) })
	var it entryIter
	out.step = func() bool {
		for {
			if !it.next() {
				if it.bad {
					out.err = p.file.corrupt("a block's entries are malformed")
				}
				if it.bad || i >= len(p.blocks) || !b.above(p.blocks[i].first) {
					return false
				}
				var raw []byte
				if raw, out.err = p.raw(i); out.err != nil {
					return false
				}
				it = entryIter{src: raw, key: it.key[:0]}
				i++
				continue
			}
			if bytes.Compare(it.key, b.from) < 0 {
				continue
			}
			out.key, out.val, out.dead = it.key, it.val, it.dead
			return b.above(it.key)
		}
	}
	return out
}
