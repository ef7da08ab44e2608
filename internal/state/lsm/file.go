package lsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
)

// A file is a state file of a run.
type file struct {
	tree   *tree
	meta   state.File
	within span // of the keys that count
	named  bool // by a handle; under the tree's mu

	mu     sync.Mutex
	opened *opened // nil until it is read
}

// open returns the file ready to be read.
func (f *file) open() (*opened, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened != nil {
		return f.opened, nil
	}
	h, err := f.tree.files.Open(f.meta.Name)
	if err != nil {
		return nil, fmt.Errorf("read state file %s: %w", f.meta.Name, err)
	}
	if h.Size() != f.meta.Bytes {
		h.Close()
		return nil, &state.CorruptError{File: f.meta.Name, Why: fmt.Sprintf("it has %d bytes instead of %d", h.Size(), f.meta.Bytes)}
	}
	o, err := parse(f.meta.Name, h, h.Size())
	if err != nil {
		h.Close()
		return nil, err
	}
	o.handle, o.cache = h, f.tree.opts.Blocks
	f.tree.opts.Memory.Add(o.memory)
	f.opened = o
	return o, nil
}

// close forgets what was read.
func (f *file) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.opened; o != nil {
		f.tree.opts.Memory.Add(-o.memory)
		o.cache.drop(o)
		o.handle.Close()
		f.opened = nil
	}
}

// An opened file has its index in memory; blocks are read when they are asked for.
type opened struct {
	name   string
	src    io.ReaderAt
	size   int64
	tables []*fileTable
	memory int64 // of the index and the filters, about
	handle fsys.File
	cache  *Cache
}

// A fileTable is one table of a file.
type fileTable struct {
	file   *opened
	name   string
	tombs  []span
	suffix int
	filter filter
	blocks []block
}

// A block is some entries of a table, with its place in the file.
type block struct {
	off, size   int64
	n           int
	first, last []byte
}

// table returns a table of the file, or nil.
func (o *opened) table(name string) *fileTable {
	for _, t := range o.tables {
		if t.name == name {
			return t
		}
	}
	return nil
}

func (o *opened) corrupt(why string) error { return &state.CorruptError{File: o.name, Why: why} }

// parse checks header, trailer and index of a file.
func parse(name string, src io.ReaderAt, size int64) (*opened, error) {
	o := &opened{name: name, src: src, size: size}
	if size < headerBytes+trailerBytes {
		return nil, o.corrupt("it is too short")
	}
	header, err := o.read(0, headerBytes)
	if err != nil {
		return nil, err
	}
	trailer, err := o.read(size-trailerBytes, trailerBytes)
	if err != nil {
		return nil, err
	}
	if string(header[:8]) != fileMagic {
		return nil, o.corrupt("it does not begin like a state file")
	}
	version := binary.LittleEndian.Uint32(header[8:])
	if version < 1 || version > fileVersion {
		return nil, o.corrupt("its version is not known")
	}
	if string(trailer[24:]) != fileEnd {
		return nil, o.corrupt("its end is missing")
	}
	if binary.LittleEndian.Uint64(trailer[16:]) != trailerSum(header, trailer[:16]) {
		return nil, o.corrupt("the trailer's checksum is wrong")
	}
	off, n := binary.LittleEndian.Uint64(trailer), binary.LittleEndian.Uint32(trailer[8:])
	if off > uint64(size) {
		return nil, o.corrupt("the index is out of place")
	}
	index, err := o.unpack(int64(off), int64(n))
	if err != nil {
		return nil, err
	}
	o.memory = int64(len(index))
	c := cut{src: index}
	if o.parseTables(&c, version); c.bad || len(c.src) > 0 {
		return nil, o.corrupt("the index is malformed")
	}
	return o, nil
}

func (o *opened) parseTables(c *cut, version uint32) {
	for n := c.int(); n > 0 && !c.bad; n-- {
		t := &fileTable{file: o, name: string(c.bytes())}
		for k := c.int(); k > 0 && !c.bad; k-- {
			s := span{from: c.bytes()}
			if flag := c.take(1); flag != nil && flag[0] != 0 {
				s.to = c.bytes()
			}
			t.tombs = append(t.tombs, s)
		}
		if version >= 2 {
			t.suffix = c.int()
			t.filter = filter(c.bytes())
			c.bad = c.bad || len(t.filter)%filterBlockBytes != 0
		}
		for k := c.int(); k > 0 && !c.bad; k-- {
			t.blocks = append(t.blocks, block{off: c.int64(), size: int64(c.int()), n: c.int(), first: c.bytes(), last: c.bytes()})
		}
		o.memory += int64(len(t.blocks)) * 72
		o.tables = append(o.tables, t)
	}
}

func (o *opened) read(off, n int64) ([]byte, error) {
	b := make([]byte, n)
	return b, o.fill(b, off)
}

func (o *opened) fill(b []byte, off int64) error {
	if got, err := o.src.ReadAt(b, off); got < len(b) {
		if errors.Is(err, io.EOF) {
			return o.corrupt("it ends too early")
		}
		return fmt.Errorf("read state file %s: %w", o.name, err)
	}
	return nil
}

// inPlace checks that a frame lies between header and trailer.
func (o *opened) inPlace(off, size int64) error {
	if off < headerBytes || size < frameHead+frameTail || off > o.size-trailerBytes-size {
		return o.corrupt("a block is out of place")
	}
	return nil
}

// unpack reads, checks and decompresses the frame at off.
func (o *opened) unpack(off, size int64) ([]byte, error) {
	if err := o.inPlace(off, size); err != nil {
		return nil, err
	}
	b, err := o.read(off, size)
	if err != nil {
		return nil, err
	}
	return o.unframe(b, nil)
}

// unframe checks and decompresses a frame, into dst if it has room.
func (o *opened) unframe(b, dst []byte) ([]byte, error) {
	size := len(b)
	body := b[:size-frameTail]
	if binary.LittleEndian.Uint64(b[size-frameTail:]) != xxh3.Hash(body) {
		return nil, o.corrupt("a block's checksum is wrong")
	}
	stored, rawLen, codec := binary.LittleEndian.Uint32(body), binary.LittleEndian.Uint32(body[4:]), body[8]
	body = body[frameHead:]
	if int(stored) != len(body) {
		return nil, o.corrupt("a block's length is wrong")
	}
	body, err := decompress(codec, body, int(rawLen), dst)
	if err != nil {
		return nil, o.corrupt("a block cannot be decompressed: " + err.Error())
	}
	if int(rawLen) != len(body) {
		return nil, o.corrupt("a block's length is wrong")
	}
	return body, nil
}

// block returns the entries of block i, from the cache if they are there. keep
// puts them there if they are not.
func (t *fileTable) block(i int, keep bool) ([]byte, error) {
	k := &t.blocks[i]
	if raw := t.file.cache.get(t.file, k.off); raw != nil {
		return raw, nil
	}
	raw, err := t.file.unpack(k.off, k.size)
	if err == nil && keep {
		t.file.cache.put(t.file, k.off, raw)
	}
	return raw, err
}

// scanBytes is how much of a file is read at once by who reads all of a table.
const scanBytes = 256 << 10

// A scanner reads the blocks of a table one after the other. What it returns is void with
// the next one.
type scanner struct {
	*fileTable
	ahead []byte // of the file
	from  int64  // where that begins
	raw   []byte // not nil
}

// block returns the entries of block i.
func (s *scanner) block(i int) ([]byte, error) {
	k := &s.blocks[i]
	if raw := s.file.cache.get(s.file, k.off); raw != nil {
		return raw, nil
	}
	end := k.off + k.size
	if err := s.file.inPlace(k.off, k.size); err != nil {
		return nil, err
	}
	if k.off < s.from || end > s.from+int64(len(s.ahead)) {
		if err := s.read(i); err != nil {
			return nil, err
		}
	}
	raw, err := s.file.unframe(s.ahead[k.off-s.from:end-s.from], s.raw[:cap(s.raw)])
	if err == nil && cap(raw) > cap(s.raw) {
		s.raw = raw
	}
	return raw, err
}

// read reads block i and those that lie behind it, as far as that goes at once.
func (s *scanner) read(i int) error {
	from := s.blocks[i].off
	end := from + s.blocks[i].size
	for _, k := range s.blocks[i+1:] {
		if k.off != end || end-from+k.size > scanBytes {
			break
		}
		end += k.size
	}
	if int64(cap(s.ahead)) < end-from {
		s.ahead = make([]byte, max(end-from, min(scanBytes, s.file.size-from)))
	}
	s.ahead, s.from = s.ahead[:end-from], from
	return s.file.fill(s.ahead, from)
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

// int64 reads an offset.
func (c *cut) int64() int64 {
	x, n := binary.Uvarint(c.src)
	if n <= 0 || x > 1<<62 {
		c.bad = true
		c.src = nil
		return 0
	}
	c.src = c.src[n:]
	return int64(x)
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

// search finds a key in an unpacked block; a nil value says that it is deleted. It
// copies no key: it knows how many bytes of the one before agree with what it looks
// for, and an entry that shares more with that one is as far below as that was.
func search(raw, key []byte) (val []byte, found, ok bool) {
	same := 0
	for len(raw) > 0 {
		var shared, rest, n int
		if shared, raw = varint(raw); shared < 0 {
			return nil, false, false
		}
		if rest, raw = varint(raw); rest < 0 {
			return nil, false, false
		}
		if n, raw = varint(raw); n < 0 || rest+max(n-1, 0) > len(raw) {
			return nil, false, false
		}
		if shared < same {
			return nil, false, true // behind it
		}
		if shared == same {
			suffix := raw[:rest]
			i := 0
			for i < rest && same < len(key) && suffix[i] == key[same] {
				i++
				same++
			}
			switch {
			case i < rest && (same == len(key) || suffix[i] > key[same]):
				return nil, false, true
			case i == rest && same == len(key):
				if n == 0 {
					return nil, true, true
				}
				return raw[rest : rest+n-1 : rest+n-1], true, true
			}
		}
		raw = raw[rest+max(n-1, 0):]
	}
	return nil, false, true
}

// varint reads a number, -1 if there is none.
func varint(b []byte) (int, []byte) {
	if len(b) > 0 && b[0] < 0x80 {
		return int(b[0]), b[1:]
	}
	x, n := binary.Uvarint(b)
	if n <= 0 || x > rawBytesMax {
		return -1, nil
	}
	return int(x), b[n:]
}

// A part is what a run has of a table: a layer. Its files have ascending keys.
type part []filePart

// A filePart is what a file has of a table, and the keys that count.
type filePart struct {
	*fileTable
	within span
}

// layer returns the run's part of a table.
func (r *run) layer(name string) (part, error) {
	var p part
	for _, f := range r.files {
		o, err := f.open()
		if err != nil {
			return nil, err
		}
		if t := o.table(name); t != nil {
			p = append(p, filePart{t, f.within})
		}
	}
	return p, nil
}

// layers returns the run's parts of all tables.
func (r *run) layers() (map[string]layer, error) {
	parts := map[string]part{}
	for _, f := range r.files {
		o, err := f.open()
		if err != nil {
			return nil, err
		}
		for _, t := range o.tables {
			parts[t.name] = append(parts[t.name], filePart{t, f.within})
		}
	}
	out := map[string]layer{}
	for name, p := range parts {
		out[name] = p
	}
	return out, nil
}

// suffix implements layer.
func (p part) suffix() int { return p[0].fileTable.suffix }

// size implements layer.
func (p part) size() (n int64) {
	for _, f := range p {
		if k := len(f.blocks); k > 0 {
			n += f.blocks[k-1].off + f.blocks[k-1].size - f.blocks[0].off
		}
	}
	return n
}

// may implements layer.
func (p part) may(prefix []byte, hash uint64) bool {
	for i := range p {
		if p[i].may(prefix, hash) {
			return true
		}
	}
	return false
}

func (p *filePart) may(prefix []byte, hash uint64) bool {
	if len(p.tombs) > 0 {
		if s, ok := (span{prefix, keyenc.AppendAfter(nil, prefix)}).clip(p.within); ok && len(clipAll(p.tombs, s)) > 0 {
			return true
		}
	}
	n := len(p.blocks)
	if n == 0 || bytes.Compare(p.blocks[n-1].last, prefix) < 0 {
		return false
	}
	if first := p.blocks[0].first; bytes.Compare(first, prefix) > 0 && !bytes.HasPrefix(first, prefix) {
		return false
	}
	return p.filter.has(hash)
}

// find implements layer.
func (p part) find(key []byte, hash uint64) ([]byte, bool, error) {
	for i := range p {
		if !p[i].may(key, hash) {
			continue
		}
		if val, ok, err := p[i].find(key); ok || err != nil {
			return val, ok, err
		}
	}
	return nil, false, nil
}

func (p *filePart) find(key []byte) ([]byte, bool, error) {
	if !p.within.has(key) {
		return nil, false, nil
	}
	i, _ := slices.BinarySearchFunc(p.blocks, key, func(b block, key []byte) int { return bytes.Compare(b.last, key) })
	if i < len(p.blocks) && bytes.Compare(p.blocks[i].first, key) <= 0 {
		raw, err := p.block(i, true)
		if err != nil {
			return nil, false, err
		}
		val, found, ok := search(raw, key)
		if !ok {
			return nil, false, p.file.corrupt("a block's entries are malformed")
		}
		if found {
			return val, true, nil
		}
	}
	return nil, covers(p.tombs, key), nil
}

// source implements layer.
func (p part) source(b span) *source {
	out := &source{}
	var srcs []*source
	for i := range p {
		s := p[i].source(b)
		out.tombs = append(out.tombs, s.tombs...)
		srcs = append(srcs, s)
	}
	out.tombs = union(out.tombs)
	out.step = func() bool {
		for len(srcs) > 0 {
			s := srcs[0]
			if s.step() {
				out.key, out.val, out.dead = s.key, s.val, s.dead
				return true
			}
			if out.err = s.err; out.err != nil {
				return false
			}
			srcs = srcs[1:]
		}
		return false
	}
	return out
}

func (p filePart) source(b span) *source {
	all := b.from == nil && b.to == nil
	b, ok := b.clip(p.within)
	out := &source{step: func() bool { return false }}
	if !ok {
		return out
	}
	out.tombs = clipAll(p.tombs, b)
	i, _ := slices.BinarySearchFunc(p.blocks, b.from, func(k block, key []byte) int { return bytes.Compare(k.last, key) })
	few := b.to != nil && i < len(p.blocks) && !b.above(p.blocks[i].last) // a look-up, not a scan
	read := func(i int) ([]byte, error) { return p.block(i, few) }
	if all {
		read = (&scanner{fileTable: p.fileTable, raw: make([]byte, blockBytes+blockBytes/4)}).block
	}
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
				if raw, out.err = read(i); out.err != nil {
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
