package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"slices"
	"sync"

	"github.com/klauspost/compress/snappy"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqf "github.com/parquet-go/parquet-go/format"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/vec"
)

const (
	// headerBytes is what the header of a page has, as a rule.
	headerBytes = 256
	// headerBytesMax is what it may have: the statistics in it hold values.
	headerBytesMax = 16 << 20
)

// pageBuffers are the memory of the page that a leaf is in; what is read of one outlives
// none of them.
type pageBuffers struct {
	raw    []byte // as it is in the file, decompressed
	def    []byte // levels; none if all are the highest
	rep    []byte
	index  []int32  // into the dictionary
	values []byte   // of encodings other than PLAIN, …
	offs   []uint32 // … texts
}

var pagePool = sync.Pool{New: func() any { return new(pageBuffers) }}

// header reads the header of the next page, which may be no page of data; io.EOF is the
// end of the chunk.
func (l *leaf) header() (*pqf.PageHeader, error) {
	for n := headerBytes; ; n *= 4 {
		b, err := l.chunk.peek(n)
		if err != nil {
			return nil, err
		}
		if len(b) == 0 {
			return nil, io.EOF
		}
		if l.thrift == nil {
			l.thrift = new(thrift.CompactProtocol).NewReaderFromBytes(b)
		}
		l.thrift.ResetBytes(b)
		l.head = pqf.PageHeader{}
		err = thrift.NewDecoder(l.thrift).Decode(&l.head)
		short := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		switch {
		case err == nil:
			if err = checkHeader(&l.head); err == nil {
				err = l.chunk.pass(l.thrift.BytesRead())
			}
			return &l.head, err
		case !short || n >= headerBytesMax || int64(len(b)) == l.chunk.left():
			return nil, fmt.Errorf("read its header: %w", err)
		}
	}
}

// checkHeader checks what no page can have. What a page says of its values is checked
// where they are decoded.
func checkHeader(h *pqf.PageHeader) error {
	v1, v2, words := &h.DataPageHeader.V, &h.DataPageHeaderV2.V, &h.DictionaryPageHeader.V
	if min(h.CompressedPageSize, h.UncompressedPageSize, v1.NumValues, words.NumValues,
		v2.NumValues, v2.NumNulls, v2.NumRows, v2.RepetitionLevelsByteLength, v2.DefinitionLevelsByteLength) < 0 {
		return errors.New("a number in its header is below zero")
	}
	if v2.NumNulls > v2.NumValues || int64(v2.RepetitionLevelsByteLength)+int64(v2.DefinitionLevelsByteLength) > int64(min(h.CompressedPageSize, h.UncompressedPageSize)) {
		return errors.New("the numbers in its header do not fit one another")
	}
	if h.Type == pqf.DataPage && !h.DataPageHeader.Valid || h.Type == pqf.DataPageV2 && !h.DataPageHeaderV2.Valid ||
		h.Type == pqf.DictionaryPage && !h.DictionaryPageHeader.Valid {
		return errors.New("its header does not describe its values")
	}
	return nil
}

// headerOfData reads on to the header of the next page of data, and the dictionary if
// that is before it.
func (l *leaf) headerOfData() (*pqf.PageHeader, error) {
	for {
		h, err := l.header()
		if err != nil {
			return nil, err
		}
		switch h.Type {
		case pqf.DataPage, pqf.DataPageV2:
			return h, nil
		case pqf.DictionaryPage:
			if l.words != nil {
				return nil, errors.New("it has two dictionaries")
			}
			if err := l.readWords(h); err != nil {
				return nil, fmt.Errorf("its dictionary: %w", err)
			}
		default:
			if err := l.chunk.pass(int(h.CompressedPageSize)); err != nil {
				return nil, err
			}
		}
	}
}

// entriesOf is how many entries a page of data has.
func entriesOf(h *pqf.PageHeader) int {
	if h.Type == pqf.DataPage {
		return int(h.DataPageHeader.V.NumValues)
	}
	return int(h.DataPageHeaderV2.V.NumValues)
}

// body returns the bytes of the page behind its header, as they are in the file.
func (l *leaf) body(h *pqf.PageHeader) ([]byte, error) {
	b, err := l.chunk.take(int(h.CompressedPageSize))
	if err != nil {
		return nil, err
	}
	if sum := uint32(h.CRC); sum != 0 && sum != crc32.ChecksumIEEE(b) {
		return nil, fmt.Errorf("its checksum is not %08x", sum)
	}
	return b, nil
}

// decompress returns b, which has so many bytes when it is not compressed; dst is room
// for them.
func (l *leaf) decompress(dst, b []byte, size int) ([]byte, error) {
	if l.codec == nil {
		return append(dst[:0], b...), nil
	}
	if l.codec.CompressionCodec() == pqf.Snappy {
		// The file may lie about the size: no more room is made than the block asks for.
		if n, err := snappy.DecodedLen(b); err != nil || n != size {
			return nil, errors.Join(fmt.Errorf("it has %d bytes where its header says %d", n, size), err)
		}
	}
	return l.codec.Decode(room(dst, size), b)
}

// readPage reads a page of data.
func (l *leaf) readPage(h *pqf.PageHeader) error {
	b, err := l.body(h)
	if err != nil {
		return err
	}
	if l.raw == nil {
		in := l.chunk.in
		l.raw, l.index, in.raw, in.index = in.raw, in.index, nil, nil
	}
	n := entriesOf(h)
	var how pqf.Encoding
	if h.Type == pqf.DataPage {
		how = h.DataPageHeader.V.Encoding
		b, err = l.levelsV1(h, b)
	} else {
		how = h.DataPageHeaderV2.V.Encoding
		b, err = l.levelsV2(h, b)
	}
	if err != nil {
		return err
	}
	l.entries, l.at, l.val, l.fresh = n, 0, 0, true
	if len(l.def) > 0 {
		n = bytes.Count(l.def, []byte{l.maxDef})
		if n == len(l.def) {
			l.def = l.def[:0]
		}
	}
	return l.decode(b, n, how)
}

// levelsV1 decompresses a page of the first version and decodes its levels; it returns
// what its values are.
func (l *leaf) levelsV1(h *pqf.PageHeader, b []byte) (_ []byte, err error) {
	if l.raw, err = l.decompress(l.raw, b, int(h.UncompressedPageSize)); err != nil {
		return nil, err
	}
	b = l.raw
	v1 := &h.DataPageHeader.V
	cut := func(most byte, how pqf.Encoding) (levels []byte, err error) {
		size := (int(v1.NumValues)*bits.Len8(most) + 7) / 8
		if how != pqf.BitPacked {
			if len(b) < 4 {
				return nil, io.ErrUnexpectedEOF
			}
			size, b = int(binary.LittleEndian.Uint32(b)), b[4:]
		}
		if size > len(b) {
			return nil, io.ErrUnexpectedEOF
		}
		levels, b = b[:size], b[size:]
		return levels, nil
	}
	if l.maxRep > 0 {
		levels, err := cut(l.maxRep, v1.RepetitionLevelEncoding)
		if err == nil {
			l.rep, err = decodeLevels(l.rep, levels, int(v1.NumValues), l.maxRep, v1.RepetitionLevelEncoding)
		}
		if err != nil {
			return nil, fmt.Errorf("its repetition levels: %w", err)
		}
	}
	if l.maxDef > 0 {
		levels, err := cut(l.maxDef, v1.DefinitionLevelEncoding)
		if err == nil {
			err = l.definitions(levels, int(v1.NumValues), v1.DefinitionLevelEncoding)
		}
		if err != nil {
			return nil, fmt.Errorf("its definition levels: %w", err)
		}
	}
	return b, nil
}

// levelsV2 decodes the levels of a page of the second version, which are not compressed,
// and decompresses its values.
func (l *leaf) levelsV2(h *pqf.PageHeader, b []byte) (_ []byte, err error) {
	v2 := &h.DataPageHeaderV2.V
	rep, def := int(v2.RepetitionLevelsByteLength), int(v2.DefinitionLevelsByteLength)
	if l.maxRep > 0 {
		if l.rep, err = decodeLevels(l.rep, b[:rep], int(v2.NumValues), l.maxRep, pqf.RLE); err != nil {
			return nil, fmt.Errorf("its repetition levels: %w", err)
		}
	}
	if l.maxDef > 0 {
		if err := l.definitions(b[rep:rep+def], int(v2.NumValues), pqf.RLE); err != nil {
			return nil, fmt.Errorf("its definition levels: %w", err)
		}
	}
	b = b[rep+def:]
	if v2.IsCompressed.Valid && !v2.IsCompressed.V || len(b) == 0 {
		l.raw = append(l.raw[:0], b...)
		return l.raw, nil
	}
	l.raw, err = l.decompress(l.raw, b, int(h.UncompressedPageSize)-rep-def)
	return l.raw, err
}

// definitions decodes definition levels: none if all are the highest.
func (l *leaf) definitions(b []byte, n int, how pqf.Encoding) (err error) {
	if how == pqf.RLE && allAre(l.maxDef, b, n) {
		l.def = l.def[:0]
		return nil
	}
	l.def, err = decodeLevels(l.def, b, n, l.maxDef, how)
	return err
}

// allAre reports whether the first n levels are runs of one level alone.
func allAre(level byte, b []byte, n int) bool {
	for n > 0 {
		run, k := binary.Uvarint(b)
		if k <= 0 || k == len(b) || run&1 != 0 || b[k] != level {
			return false
		}
		n -= int(min(run>>1, uint64(n)))
		b = b[k+1:]
	}
	return true
}

// decodeLevels decodes n levels, of which none is above the highest.
func decodeLevels(dst, b []byte, n int, most byte, how pqf.Encoding) ([]byte, error) {
	width := bits.Len8(most)
	dst = dst[:0]
	switch how {
	case pqf.BitPacked:
		dst = unpackHighFirst(dst, b, n, width)
	case pqf.RLE:
		for len(dst) < n {
			run, k := binary.Uvarint(b)
			if k <= 0 {
				return dst, fmt.Errorf("%d of %d: %w", len(dst), n, io.ErrUnexpectedEOF)
			}
			b = b[k:]
			count := int(min(run>>1, uint64(n))) // of values, or of eights
			if run&1 == 0 {
				if len(b) == 0 {
					return dst, io.ErrUnexpectedEOF
				}
				from := len(dst)
				dst = slices.Grow(dst, min(count, n-from))[:from+min(count, n-from)]
				fill(dst[from:], b[0])
				b = b[1:]
				continue
			}
			count = min(count, (n-len(dst)+7)/8)
			if count*width > len(b) {
				return dst, io.ErrUnexpectedEOF
			}
			dst = unpack(dst, b[:count*width], width)
			b = b[count*width:]
		}
		dst = dst[:n]
	default:
		return dst, fmt.Errorf("encoding %s", how)
	}
	if int(most) != 1<<width-1 && len(dst) > 0 && slices.Max(dst) > most {
		return dst, fmt.Errorf("%d where %d is the highest", slices.Max(dst), most)
	}
	return dst, nil
}

// fill makes all of b be v, doubling what is.
func fill(b []byte, v byte) {
	if len(b) > 0 {
		b[0] = v
	}
	for k := 1; k < len(b); k *= 2 {
		copy(b[k:], b[:k])
	}
}

// unpack appends numbers of so many bits, the lowest first, eight at a time.
func unpack(dst, b []byte, width int) []byte {
	mask := uint64(1)<<width - 1
	dst = slices.Grow(dst, len(b)/width*8)
	for ; len(b) > 0; b = b[width:] {
		var eight [8]byte
		copy(eight[:], b[:width])
		x := binary.LittleEndian.Uint64(eight[:])
		for i := range eight {
			eight[i] = byte(x >> (i * width) & mask)
		}
		dst = append(dst, eight[:]...)
	}
	return dst
}

// unpackHighFirst appends n numbers of so many bits, the highest first: what older
// writers wrote.
func unpackHighFirst(dst, b []byte, n, width int) []byte {
	have, x := 0, uint16(0)
	for range n {
		if have < width {
			x, b, have = x<<8|uint16(b[0]), b[1:], have+8
		}
		have -= width
		dst = append(dst, byte(x>>have&(1<<width-1)))
	}
	return dst
}

// decode makes the page's n values be what follows.
func (l *leaf) decode(b []byte, n int, how pqf.Encoding) (err error) {
	l.dict, l.plain, l.text, l.index = nil, false, nil, l.index[:0]
	t := l.col.Type()
	switch {
	case how == pqf.PlainDictionary || how == pqf.RLEDictionary: //nolint:staticcheck // older writers say so
		if l.words == nil {
			return errors.New("there is no dictionary before it")
		}
		l.dict, l.values = l.words, l.words.values
		return l.decodeIndex(b, n)
	case how == pqf.Plain && t.Kind() == pq.ByteArray:
		l.plain, l.text, l.passed = true, b, 0
		return nil
	case how == pqf.Plain:
		size := plainBytes(t, n)
		if len(b) < size {
			return tooFew(n)
		}
		l.values = t.NewValues(b[:size], nil)
		return nil
	}
	enc := pq.LookupEncoding(how)
	size := t.EstimateDecodeSize(n, b, enc)
	buf := l.pageBuffers
	if l.values, err = t.Decode(t.NewValues(room(buf.values, size), buf.offs[:0]), b, enc); err != nil {
		return err
	}
	buf.values, buf.offs = l.values.Data()
	if !holds(t, l.values, n) {
		return tooFew(n)
	}
	return nil
}

func tooFew(n int) error { return fmt.Errorf("it has less than the %d values that its header says", n) }

// holds reports whether there are n values, or more.
func holds(t pq.Type, v encoding.Values, n int) bool {
	data, offs := v.Data()
	if t.Kind() == pq.ByteArray {
		return n == 0 || len(offs) > n
	}
	return len(data) >= plainBytes(t, n)
}

// plainBytes is how many bytes n values have that are not texts.
func plainBytes(t pq.Type, n int) int {
	switch t.Kind() {
	case pq.Boolean:
		return (n + 7) / 8
	case pq.Int32, pq.Float:
		return 4 * n
	case pq.Int96:
		return 12 * n
	case pq.FixedLenByteArray:
		return t.Length() * n
	}
	return 8 * n
}

// decodeIndex decodes n numbers of words. Zeros at the end may be left out.
func (l *leaf) decodeIndex(b []byte, n int) (err error) {
	index, err := pq.RLEDictionary.DecodeInt32(l.index, b)
	if err != nil {
		return err
	}
	if have := len(index); have < n {
		index = slices.Grow(index, n-have)[:n]
		clear(index[have:])
	}
	l.index = index[:n]
	most := uint32(0)
	for _, x := range l.index {
		most = max(most, uint32(x))
	}
	if n > 0 && int(most) >= l.dict.n {
		return fmt.Errorf("word %d of a dictionary of %d", most, l.dict.n)
	}
	return nil
}

// dictionary is the words of a column chunk.
type dictionary struct {
	values encoding.Values
	n      int

	texts   *vec.Bytes  // the words, with a NULL; nil until they are asked for
	checked bool        // they are UTF-8
	table   *colbuf.Col // the words as values of the column; nil if that is not made
	tabled  bool        // whether it was tried
}

// readWords reads the page of the dictionary. Its encoding is PLAIN, whatever it is called.
func (l *leaf) readWords(h *pqf.PageHeader) error {
	b, err := l.body(h)
	if err != nil {
		return err
	}
	if b, err = l.decompress(nil, b, int(h.UncompressedPageSize)); err != nil {
		return err
	}
	t, n := l.col.Type(), int(h.DictionaryPageHeader.V.NumValues)
	v := t.NewValues(b, nil)
	if t.Kind() == pq.ByteArray {
		v, err = t.Decode(t.NewValues(make([]byte, 0, len(b)), make([]uint32, 0, min(n, len(b)/4)+1)), b, &pq.Plain)
		if err != nil {
			return err
		}
	}
	if !holds(t, v, n) {
		return tooFew(n)
	}
	l.words = &dictionary{values: v, n: n}
	return nil
}
