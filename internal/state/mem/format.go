package mem

import (
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/xxh3"
)

// The layout of a state file; docs/format/state-file.md describes it.
const (
	fileVersion  = 1
	fileMagic    = "MRSTATE\n"
	fileEnd      = "\nMRSEND\n"
	headerBytes  = 16
	trailerBytes = 32
	frameHead    = 9 // stored length, raw length, codec
	frameTail    = 8 // checksum
)

// blockBytes is the size of a block before compression, about.
const blockBytes = 64 << 10

// rawBytesMax is more than a block or an index ever has: one entry may be large.
const rawBytesMax = 1<<31 - 1

const (
	codecNone = 0
	codecZstd = 1
)

var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are wrong
	}
	return e
})

var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(rawBytesMax))
	if err != nil {
		panic(err) // the options are wrong
	}
	return d
})

// A writer makes a state file. Tables come in the order of their names, entries
// in the order of their keys.
type writer struct {
	plain   bool
	out     []byte
	index   []byte
	tables  int
	entries int
	tombs   int

	// of the table at hand
	blocks int
	refs   []byte
	name   string
	spans  []span

	// of the block at hand
	raw   []byte
	n     int
	first []byte
	last  []byte
}

func newWriter(plain bool) *writer {
	w := &writer{plain: plain, out: append(make([]byte, 0, 4<<10), fileMagic...)}
	w.out = binary.LittleEndian.AppendUint32(w.out, fileVersion)
	w.out = binary.LittleEndian.AppendUint32(w.out, 0)
	return w
}

// begin starts a table with its range tombstones.
func (w *writer) begin(name string, tombs []span) {
	w.name, w.spans, w.blocks, w.refs = name, tombs, 0, w.refs[:0]
}

// add appends an entry, or a tombstone.
func (w *writer) add(key, val []byte, dead bool) {
	if w.n == 0 {
		w.first = append(w.first[:0], key...)
		w.last = w.last[:0]
	}
	shared := 0
	for shared < len(w.last) && shared < len(key) && w.last[shared] == key[shared] {
		shared++
	}
	w.raw = binary.AppendUvarint(w.raw, uint64(shared))
	w.raw = binary.AppendUvarint(w.raw, uint64(len(key)-shared))
	if dead {
		w.raw = append(w.raw, 0)
	} else {
		w.raw = binary.AppendUvarint(w.raw, uint64(len(val))+1)
	}
	w.raw = append(append(w.raw, key[shared:]...), val...)
	w.last = append(w.last[:0], key...)
	w.n++
	w.entries++
	if len(w.raw) >= blockBytes {
		w.flush()
	}
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
	w.tombs += len(w.spans)
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
	return append(append(w.out, trailer...), fileEnd...)
}

func trailerSum(header, trailer []byte) uint64 {
	return xxh3.Hash(append(append(make([]byte, 0, 32), header...), trailer...))
}

// frame appends a block or the index to the file.
func (w *writer) frame(raw []byte) []byte {
	out := w.out
	at := len(out)
	out = append(out, make([]byte, frameHead)...)
	codec := byte(codecNone)
	if !w.plain {
		out = zstdEncoder().EncodeAll(raw, out)
		codec = codecZstd
	}
	if w.plain || len(out)-at-frameHead >= len(raw) {
		out = append(out[:at+frameHead], raw...)
		codec = codecNone
	}
	binary.LittleEndian.PutUint32(out[at:], uint32(len(out)-at-frameHead))
	binary.LittleEndian.PutUint32(out[at+4:], uint32(len(raw)))
	out[at+8] = codec
	return binary.LittleEndian.AppendUint64(out, xxh3.Hash(out[at:]))
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
