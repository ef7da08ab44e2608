package lsm

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/xxh3"
)

// The layout of a state file; docs/format/state-file.md describes it.
const (
	fileVersion  = 2
	fileMagic    = "MRSTATE\n"
	fileEnd      = "\nMRSEND\n"
	headerBytes  = 16
	trailerBytes = 32
	frameHead    = 9 // stored length, raw length, codec
	frameTail    = 8 // checksum
)

// blockBytes is the size of a block before compression, about: what a look-up of
// one key reads and decompresses.
const blockBytes = 8 << 10

// rawBytesMax is more than a block or an index ever has: one entry may be large.
const rawBytesMax = 1<<31 - 1

const (
	codecNone = 0
	codecZstd = 1 // of version 1
	codecS2   = 2
)

var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(rawBytesMax))
	if err != nil {
		panic(err) // the options are wrong
	}
	return d
})

// decompress returns a block, in dst if it has room; without a dst that may be the body itself.
func decompress(codec byte, body []byte, rawLen int, dst []byte) ([]byte, error) {
	switch codec {
	case codecNone:
		if dst != nil {
			body = append(dst[:0], body...)
		}
		return body, nil
	case codecS2:
		// It may be wrong, or a file's length may lie: allocate within reason.
		if n, err := s2.DecodedLen(body); err != nil || n != rawLen {
			return nil, errors.New("its length is wrong")
		}
		return s2.Decode(dst, body)
	case codecZstd:
		return zstdDecoder().DecodeAll(body, make([]byte, 0, min(rawLen, 64*len(body)+blockBytes)))
	}
	return nil, errors.New("its codec is not known")
}

// A writer makes a state file. Tables come in the order of their names, entries
// in the order of their keys.
type writer struct {
	plain   bool
	out     []byte
	index   []byte
	tables  int
	entries int

	// of the table at hand
	blocks int
	refs   []byte
	name   string
	spans  []span
	suffix int
	hashes []uint64 // of what is looked up, for the filter
	asked  int      // bytes of the last key that are looked up

	// of the block at hand
	raw   []byte
	n     int
	first []byte
	last  []byte
}

// newWriter begins a file of about so many bytes.
func newWriter(plain bool, about int) *writer {
	w := &writer{plain: plain}
	select {
	case b := <-fileBuffers:
		w.out = b[:0]
	default:
	}
	// With its last block, the index and the filter it is a little larger: to double a
	// buffer for that would cost a budget what it has for state.
	w.room(about + about/16 + 2*s2.MaxEncodedLen(blockBytes))
	w.out = append(w.out, fileMagic...)
	w.out = binary.LittleEndian.AppendUint32(w.out, fileVersion)
	w.out = binary.LittleEndian.AppendUint32(w.out, 0)
	return w
}

// fileBuffers are what files were made in, for as many as are made at a time: to
// touch new memory costs as much as all else.
var fileBuffers = make(chan []byte, 2)

// room makes room for n bytes, by doubling.
func (w *writer) room(n int) {
	if free := cap(w.out) - len(w.out); free < n {
		out := make([]byte, len(w.out), max(2*cap(w.out), len(w.out)+n, 64<<10))
		copy(out, w.out)
		w.out = out
	}
}

// release gives the buffer back; what finish returned is void then.
func (w *writer) release() {
	giveBack(fileBuffers, w.out)
	w.out = nil
}

// begin starts a table with its range tombstones.
func (w *writer) begin(name string, tombs []span, suffix int) {
	w.name, w.spans, w.suffix, w.blocks, w.refs = name, tombs, suffix, 0, w.refs[:0]
	w.hashes, w.last = w.hashes[:0], w.last[:0]
}

// bytes is about how large the file is.
func (w *writer) bytes() int { return len(w.out) + len(w.raw) }

// add appends an entry, or a tombstone.
func (w *writer) add(key, val []byte, dead bool) {
	same := shared(w.last, key)
	asked := max(len(key)-w.suffix, 0)
	if len(w.hashes) == 0 || asked != w.asked || same < asked {
		w.hashes, w.asked = append(w.hashes, xxh3.Hash(key[:asked])), asked
	}
	w.last = append(w.last[:same], key[same:]...)
	if w.n == 0 { // a block begins with a whole key
		w.first = append(w.first[:0], key...)
		same = 0
	}
	size := 0
	if !dead {
		size = len(val) + 1
	}
	w.raw = slices.Grow(w.raw, 3*binary.MaxVarintLen64+len(key)+len(val))
	w.raw = appendUvarint(w.raw, uint64(same))
	w.raw = appendUvarint(w.raw, uint64(len(key)-same))
	w.raw = appendUvarint(w.raw, uint64(size))
	w.raw = append(append(w.raw, key[same:]...), val...)
	w.n++
	w.entries++
	if len(w.raw) >= blockBytes {
		w.flush()
	}
}

// appendUvarint is binary.AppendUvarint, quick for what is mostly there.
func appendUvarint(dst []byte, x uint64) []byte {
	if x < 0x80 {
		return append(dst, byte(x))
	}
	return binary.AppendUvarint(dst, x)
}

// shared returns how many bytes two keys begin with alike.
func shared(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

func (w *writer) flush() {
	if w.n == 0 {
		return
	}
	at := len(w.out)
	w.out = w.frame(w.raw)
	w.refs = binary.AppendUvarint(w.refs, uint64(at))
	w.refs = binary.AppendUvarint(w.refs, uint64(len(w.out)-at))
	w.refs = binary.AppendUvarint(w.refs, uint64(w.n))
	w.refs = appendBytes(w.refs, w.first)
	w.refs = appendBytes(w.refs, w.last)
	w.blocks++
	w.raw, w.n = w.raw[:0], 0
}

// end ends the table; one with nothing in it leaves no trace.
func (w *writer) end() {
	w.flush()
	if w.blocks == 0 && len(w.spans) == 0 {
		return
	}
	w.tables++
	w.index = appendBytes(w.index, []byte(w.name))
	w.index = binary.AppendUvarint(w.index, uint64(len(w.spans)))
	for _, s := range w.spans {
		w.index = appendBytes(w.index, s.from)
		if s.to == nil {
			w.index = append(w.index, 0)
			continue
		}
		w.index = appendBytes(append(w.index, 1), s.to)
	}
	w.index = binary.AppendUvarint(w.index, uint64(w.suffix))
	w.index = appendBytes(w.index, newFilter(w.hashes))
	w.index = binary.AppendUvarint(w.index, uint64(w.blocks))
	w.index = append(w.index, w.refs...)
}

// empty reports whether nothing was written.
func (w *writer) empty() bool { return w.tables == 0 }

// finish returns the file.
func (w *writer) finish() []byte {
	at := len(w.out)
	w.out = w.frame(append(binary.AppendUvarint(nil, uint64(w.tables)), w.index...))
	trailer := binary.LittleEndian.AppendUint64(nil, uint64(at))
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(len(w.out)-at))
	trailer = binary.LittleEndian.AppendUint32(trailer, fileVersion)
	trailer = binary.LittleEndian.AppendUint64(trailer, trailerSum(w.out[:headerBytes], trailer))
	w.out = append(append(w.out, trailer...), fileEnd...)
	return w.out
}

func trailerSum(header, trailer []byte) uint64 {
	return xxh3.Hash(append(append(make([]byte, 0, 32), header...), trailer...))
}

// frame appends a block or the index to the file.
func (w *writer) frame(raw []byte) []byte {
	w.room(frameHead + max(s2.MaxEncodedLen(len(raw)), len(raw)) + frameTail)
	at := len(w.out)
	out := w.out[:at+frameHead]
	codec, packed := byte(codecNone), 0
	if !w.plain {
		packed = len(s2.Encode(out[len(out):cap(out)], raw))
	}
	if w.plain || packed >= len(raw) {
		out = append(out, raw...)
	} else {
		out = out[:len(out)+packed]
		codec = codecS2
	}
	binary.LittleEndian.PutUint32(out[at:], uint32(len(out)-at-frameHead))
	binary.LittleEndian.PutUint32(out[at+4:], uint32(len(raw)))
	out[at+8] = codec
	return binary.LittleEndian.AppendUint64(out, xxh3.Hash(out[at:]))
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
