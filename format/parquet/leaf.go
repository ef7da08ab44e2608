package parquet

import (
	"bytes"
	"fmt"
	"io"
	"slices"

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

// take appends the next k values.
func (l *leaf) take(n *node, c *colbuf.Col, k int) error {
	from, to := l.val, l.val+k
	l.val = to
	if l.dict != nil && l.convertDictionary(n, c) {
		pick(c, l.dict.table, l.index[from:to])
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

// pick appends values of a table by their numbers.
func pick(c, table *colbuf.Col, index []int32) {
	switch c.Phys {
	case types.PhysBool:
		c.Bools = pickOf(c.Bools, table.Bools, index)
	case types.PhysInt8:
		c.I8 = pickOf(c.I8, table.I8, index)
	case types.PhysInt16:
		c.I16 = pickOf(c.I16, table.I16, index)
	case types.PhysInt32:
		c.I32 = pickOf(c.I32, table.I32, index)
	case types.PhysInt64:
		c.I64 = pickOf(c.I64, table.I64, index)
	case types.PhysFloat32:
		c.F32 = pickOf(c.F32, table.F32, index)
	case types.PhysFloat64:
		c.F64 = pickOf(c.F64, table.F64, index)
	case types.PhysInt128:
		c.Wide = pickOf(c.Wide, table.Wide, index)
	}
}

func pickOf[T any](dst, table []T, index []int32) []T {
	n := len(dst)
	dst = slices.Grow(dst, len(index))[:n+len(index)]
	for i, x := range index {
		dst[n+i] = table[x]
	}
	return dst
}

// share appends values of a column that batches share, without copying them if they are
// the first.
func share(c, made *colbuf.Col, from, to int) {
	switch c.Phys {
	case types.PhysBool:
		c.Bools = shareOf(c.Bools, made.Bools[from:to:to])
	case types.PhysInt8:
		c.I8 = shareOf(c.I8, made.I8[from:to:to])
	case types.PhysInt16:
		c.I16 = shareOf(c.I16, made.I16[from:to:to])
	case types.PhysInt32:
		c.I32 = shareOf(c.I32, made.I32[from:to:to])
	case types.PhysInt64:
		c.I64 = shareOf(c.I64, made.I64[from:to:to])
	case types.PhysFloat32:
		c.F32 = shareOf(c.F32, made.F32[from:to:to])
	case types.PhysFloat64:
		c.F64 = shareOf(c.F64, made.F64[from:to:to])
	case types.PhysInt128:
		c.Wide = shareOf(c.Wide, made.Wide[from:to:to])
	}
}

func shareOf[T any](dst, vals []T) []T {
	if len(dst) == 0 {
		return vals
	}
	return append(dst, vals...)
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
			if err := l.take(n, c, j-i); err != nil {
				return err
			}
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
		n := len(dst)
		dst = slices.Grow(dst, k)[:n+k]
		for i, x := range l.index[l.val : l.val+k] {
			dst[n+i] = uint32(x)
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
