package parquet

import (
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"github.com/millrace-io/millrace/format/internal/colbuf"
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

	dict   pq.Dictionary // nil if the page holds values
	index  []int32       // into it
	values encoding.Values
	words  *vec.Bytes // of dict, with a NULL
	picked []int32    // scratch of some
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
				l.dict, l.words = d, nil
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

// runs appends k entries of a flat column that may be NULL, run by run.
func (l *leaf) runs(n *node, c *colbuf.Col, k int) error {
	levels := l.def[l.at : l.at+k]
	for i := 0; i < len(levels); {
		j := i
		if int(levels[i]) >= n.def {
			for j < len(levels) && int(levels[j]) >= n.def {
				j++
			}
			if err := n.read(c, l, l.val, l.val+j-i); err != nil {
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
	if l.def == nil || def == 0 {
		for _, x := range l.index[l.val : l.val+k] {
			dst = append(dst, uint32(x))
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
