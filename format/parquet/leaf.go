package parquet

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// leaf reads one physical column page by page. Entry at of the page has a
// definition and a repetition level; its value, if it has one, is number val.
type leaf struct {
	pages   pq.Pages
	page    pq.Page
	entries int
	at      int
	val     int
	def     []byte
	rep     []byte
	maxDef  byte

	table  *colbuf.Col // dict as values of the column; nil if that is not made
	tabled bool        // whether it was tried

	dict    pq.Dictionary // nil if the page holds values
	index   []int32       // into it
	values  encoding.Values
	words   *vec.Bytes // of dict, with a NULL
	checked bool       // dict's words are UTF-8
	picked  []int32    // scratch of some
}

// load makes entry at be in the page.
func (l *leaf) load() error {
	for l.at >= l.entries {
		l.drop()
		p, err := l.pages.ReadPage()
		if err == io.EOF {
			return fmt.Errorf("its pages end before the row group: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return fmt.Errorf("read a page: %w", err)
		}
		l.page, l.at, l.val = p, 0, 0
		l.entries = int(p.NumValues())
		l.def, l.rep = p.DefinitionLevels(), p.RepetitionLevels()
		if len(l.def) == 0 {
			l.def = nil
		}
		l.values, l.index = p.Data(), nil
		if d := p.Dictionary(); d != nil {
			if l.dict != d {
				l.dict, l.words, l.checked, l.table, l.tabled = d, nil, false, nil, false
			}
			l.index = l.values.Int32()
			l.values = d.Page().Data()
		} else {
			l.dict = nil
		}
	}
	return nil
}

// skip goes over the first n rows of the row group. A page of booleans that the
// library cuts has its first bit anywhere in a byte and does not say where, so
// their rows are gone over here.
func (l *leaf) skip(n int64, boolean bool) error {
	if n > 0 && !boolean {
		return l.pages.SeekToRow(n)
	}
	for begun := int64(0); n > 0; l.at++ {
		if err := l.load(); err != nil {
			if begun == n && isEnd(err) {
				return nil
			}
			return err
		}
		if len(l.rep) == 0 || l.rep[l.at] == 0 {
			if begun == n {
				return nil
			}
			begun++
		}
		if l.def == nil || l.def[l.at] == l.maxDef {
			l.val++
		}
	}
	return nil
}

func (l *leaf) drop() {
	if l.page != nil {
		pq.Release(l.page)
		l.page = nil
	}
}

// defAt is the definition level of the entry; a column without levels has all
// of its values.
func (l *leaf) defAt() int {
	if l.def == nil {
		return 1 << 30
	}
	return int(l.def[l.at])
}

// more reports whether the next entry is a further element at a repetition level.
func (l *leaf) more(rep int) (bool, error) {
	if l.at >= l.entries {
		if err := l.load(); err != nil {
			// the end of the row group ends the list, too
			if l.page == nil && isEnd(err) {
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
	if l.def == nil || def == 0 {
		return true
	}
	return bytes.Count(l.def[l.at:l.at+k], []byte{l.maxDef}) == k
}

// take appends the next k values.
func (l *leaf) take(n *node, c *colbuf.Col, k int) error {
	from, to := l.val, l.val+k
	l.val = to
	if l.dict != nil && l.convertDictionary(n, c) {
		pick(c, l.table, l.index[from:to])
		return nil
	}
	return n.read(c, l, from, to)
}

// convertDictionary makes the values of the dictionary values of the column, once:
// they are then picked by their numbers. Those of strings are not, nor those of a
// dictionary with a value that the column cannot hold, which perhaps no row has.
func (l *leaf) convertDictionary(n *node, c *colbuf.Col) bool {
	if l.tabled || c.Phys == types.PhysBytes {
		return l.table != nil
	}
	l.tabled = true
	all := &leaf{values: l.values}
	table := colbuf.New(c.Type)
	if err := n.read(table, all, 0, l.dict.Len()); err == nil {
		l.table = table
	}
	return l.table != nil
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
