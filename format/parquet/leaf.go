package parquet

import (
	"bytes"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqf "github.com/parquet-go/parquet-go/format"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/types"
)

// leaf reads one physical column page by page. Entry at of the page has a
// definition and a repetition level; its value, if it has one, is number val.
type leaf struct {
	*pageBuffers
	col     *pq.Column
	chunk   *chunk
	codec   compress.Codec // nil: not compressed
	maxDef  byte
	maxRep  byte
	long    bool // its values are, by and large
	entries int
	at      int
	val     int

	words  *dictionary     // of the chunk; nil until there is one
	dict   *dictionary     // nil if the page holds values
	values encoding.Values // of the page, or its dictionary
	plain  bool            // the page has its texts each behind its length; values are none
	text   []byte          // of a plain page: what is not passed
	passed int             // … which is how many texts
	made   *colbuf.Col     // the page's values as the column's; nil: they are taken as batches are made
	fresh  bool            // that has not been asked
	picked []int32         // scratch of some

	head   pqf.PageHeader // scratch of header
	thrift thrift.BytesReader
}

func newLeaf(col *pq.Column, c *chunk, m *pqf.ColumnMetaData) *leaf {
	l := &leaf{pageBuffers: pagePool.Get().(*pageBuffers), col: col, chunk: c,
		maxDef: byte(col.MaxDefinitionLevel()), maxRep: byte(col.MaxRepetitionLevel()),
		long: m.TotalUncompressedSize/textBytes > m.NumValues}
	l.def, l.rep = l.def[:0], l.rep[:0]
	if m.Codec != pqf.Uncompressed {
		l.codec = pq.LookupCompressionCodec(m.Codec)
	}
	return l
}

// close gives the leaf's memory to others.
func (l *leaf) close() {
	pagePool.Put(l.pageBuffers)
	l.pageBuffers = nil
}

// load makes entry at be in the page.
func (l *leaf) load() error {
	for l.at >= l.entries {
		h, err := l.nextHeader()
		if err == nil {
			err = l.readPage(h)
		}
		if err != nil {
			l.entries = 0
			return pageError(err)
		}
	}
	return nil
}

// errEnd is that a column chunk has no further page.
var errEnd = fmt.Errorf("its pages end before the row group: %w", io.ErrUnexpectedEOF)

func (l *leaf) nextHeader() (*pqf.PageHeader, error) {
	h, err := l.headerOfData()
	if err == io.EOF {
		return nil, errEnd
	}
	return h, err
}

func pageError(err error) error {
	if err == errEnd {
		return err
	}
	return fmt.Errorf("read a page: %w", err)
}

// skip goes over the first n rows of the row group.
func (l *leaf) skip(n int64) error {
	if l.maxRep == 0 {
		return l.skipFlat(n)
	}
	for begun := int64(0); n > 0; l.at++ {
		if err := l.load(); err != nil {
			if begun == n && err == errEnd {
				return nil
			}
			return err
		}
		if l.rep[l.at] == 0 {
			if begun == n {
				return nil
			}
			begun++
		}
		if len(l.def) == 0 || l.def[l.at] == l.maxDef {
			l.val++
		}
	}
	return nil
}

// skipFlat goes over rows of which each has one entry: whole pages are not decompressed.
func (l *leaf) skipFlat(n int64) error {
	for n > 0 {
		h, err := l.nextHeader()
		switch {
		case err != nil:
		case int64(entriesOf(h)) <= n:
			n -= int64(entriesOf(h))
			err = l.chunk.pass(int(h.CompressedPageSize))
		default:
			if err = l.readPage(h); err == nil {
				l.at, l.val = int(n), int(n)
				if len(l.def) > 0 {
					l.val = bytes.Count(l.def[:n], []byte{l.maxDef})
				}
				return nil
			}
		}
		if err != nil {
			return pageError(err)
		}
	}
	return nil
}

// defAt is the definition level of the entry; a column without levels has all
// of its values.
func (l *leaf) defAt() int {
	if len(l.def) == 0 {
		return 1 << 30
	}
	return int(l.def[l.at])
}

// more reports whether the next entry is a further element at a repetition level.
func (l *leaf) more(rep int) (bool, error) {
	if l.at >= l.entries {
		if err := l.load(); err != nil {
			// the end of the row group ends the list, too
			if err == errEnd {
				return false, nil
			}
			return false, err
		}
	}
	return l.at < len(l.rep) && int(l.rep[l.at]) >= rep, nil
}

// one appends the entry's value.
func (l *leaf) one(n *node, c *colbuf.Col) error {
	if l.defAt() < n.def {
		c.Null()
		l.at++
		return nil
	}
	err := n.read(c, l, l.val, l.val+1)
	l.val++
	l.at++
	return err
}

// whole reports whether none of the next k entries of a flat column is NULL.
func (l *leaf) whole(k, def int) bool {
	if len(l.def) == 0 || def == 0 {
		return true
	}
	return bytes.Count(l.def[l.at:l.at+k], []byte{l.maxDef}) == k
}

// take appends the values [from, to).
func (l *leaf) take(n *node, c *colbuf.Col, from, to int) error {
	if l.dict != nil && l.convertDictionary(n, c) {
		add(c, l.dict.table, part{index: l.index[from:to]})
		return nil
	}
	return n.read(c, l, from, to)
}

// convertDictionary makes the values of the dictionary values of the column, once:
// they are then picked by their numbers. Those of strings are not, nor those of a
// dictionary with a value that the column cannot hold, which perhaps no row has.
func (l *leaf) convertDictionary(n *node, c *colbuf.Col) bool {
	d := l.dict
	if d.tabled || c.Phys == types.PhysBytes {
		return d.table != nil
	}
	d.tabled = true
	all := &leaf{pageBuffers: new(pageBuffers), values: d.values}
	table := colbuf.New(c.Type)
	if err := n.read(table, all, 0, d.n); err == nil {
		d.table = table
	}
	return d.table != nil
}

// A part is values of a column: those with some numbers, or, if that is nil, [from, to).
type part struct {
	index    []int32
	from, to int
}

// add appends a part of a column that is not of texts to another.
func add(c, from *colbuf.Col, p part) {
	switch c.Phys {
	case types.PhysBool:
		c.Bools = appendPart(c.Bools, from.Bools, p)
	case types.PhysInt8:
		c.I8 = appendPart(c.I8, from.I8, p)
	case types.PhysInt16:
		c.I16 = appendPart(c.I16, from.I16, p)
	case types.PhysInt32:
		c.I32 = appendPart(c.I32, from.I32, p)
	case types.PhysInt64:
		c.I64 = appendPart(c.I64, from.I64, p)
	case types.PhysFloat32:
		c.F32 = appendPart(c.F32, from.F32, p)
	case types.PhysFloat64:
		c.F64 = appendPart(c.F64, from.F64, p)
	case types.PhysInt128:
		c.Wide = appendPart(c.Wide, from.Wide, p)
	}
}

func appendPart[T any](dst, src []T, p part) []T {
	switch {
	case p.index != nil:
		return pickOf(dst, src, p.index)
	case len(dst) == 0:
		return src[p.from:p.to:p.to] // batches share it
	}
	return append(dst, src[p.from:p.to]...)
}

// pickOf appends values of a table by their numbers.
func pickOf[T any](dst, table []T, index []int32) []T {
	dst, out := extend(dst, len(index))
	for i, x := range index {
		out[i] = table[x]
	}
	return dst
}

// runs appends k entries of a flat column that may be NULL, run by run.
func (l *leaf) runs(n *node, c *colbuf.Col, k int) error {
	levels := l.def[l.at : l.at+k]
	for i := 0; i < len(levels); {
		j := i
		if int(levels[i]) >= n.def {
			for j < len(levels) && int(levels[j]) >= n.def {
				j++
			}
			if err := l.take(n, c, l.val, l.val+j-i); err != nil {
				return err
			}
			l.val += j - i
		} else {
			for j < len(levels) && int(levels[j]) < n.def {
				c.Null()
				j++
			}
		}
		i = j
	}
	return nil
}

// codes appends k entries as dictionary codes; NULL has its own.
func (l *leaf) codes(dst []uint32, k, def int, null uint32) []uint32 {
	if l.whole(k, def) {
		dst, out := extend(dst, k)
		for i, x := range l.index[l.val : l.val+k] {
			out[i] = uint32(x)
		}
		l.val += k
		return dst
	}
	for _, d := range l.def[l.at : l.at+k] {
		if int(d) < def {
			dst = append(dst, null)
			continue
		}
		dst = append(dst, uint32(l.index[l.val]))
		l.val++
	}
	return dst
}
