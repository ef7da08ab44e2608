package parquet

import (
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/vec"
)

// A keyTest lets rows pass whose value in a column is one of some keys. The column is read
// first, and the others only where rows pass.
type keyTest struct {
	col          int // in Spec.Columns
	keys         *connect.KeySet
	seen, passed int
}

// A test is given up that lets most rows pass; the first rows tell.
const (
	testRows = 1 << 16
	testPass = 0.8
)

// useless reports whether a test is not worth its while.
func (t *keyTest) useless() bool {
	return t.seen >= testRows && float64(t.passed) > testPass*float64(t.seen)
}

// keyTests are those of the Spec whose columns are read; what has been learnt of them in
// one row group holds for the next.
func (r *Reader) keyTests() []*keyTest {
	if r.tests == nil {
		for _, f := range r.spec.Filters {
			if i := slices.Index(r.spec.Columns, f.Column); i >= 0 && r.cols[i] != nil && len(r.cols[i].kids) == 0 {
				r.tests = append(r.tests, &keyTest{col: i, keys: f.Keys})
			}
		}
	}
	r.tests = slices.DeleteFunc(r.tests, (*keyTest).useless)
	return r.tests
}

// test reads the columns that are tested. b.Rows becomes the number of rows that pass; if
// those are not all, x.sel has them and the columns that were read.
func (x *rows) test(b *vec.Batch) error {
	n := b.Rows
	x.sel = x.sel[:0]
	for i := range n {
		x.sel = append(x.sel, int32(i))
	}
	for _, t := range x.tests {
		if b.Cols[t.col] == nil {
			if err := x.read(b, t.col, n); err != nil {
				return x.column(t.col, err)
			}
		}
		t.seen += len(x.sel)
		x.sel = t.pass(b.Cols[t.col], x.sel)
		t.passed += len(x.sel)
	}
	if len(x.sel) == n {
		return nil
	}
	b.Rows = len(x.sel)
	for i, c := range b.Cols {
		if c != nil {
			b.Cols[i] = vec.Take(c, x.sel)
		}
	}
	return nil
}

// pass keeps the rows of a list that pass.
func (t *keyTest) pass(v vec.Vector, sel []int32) []int32 {
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		return passInts(t.keys, v.Vals, v.Valid, sel)
	case *vec.Fixed[int32]:
		return passInts(t.keys, v.Vals, v.Valid, sel)
	case *vec.Fixed[int16]:
		return passInts(t.keys, v.Vals, v.Valid, sel)
	case *vec.Fixed[int8]:
		return passInts(t.keys, v.Vals, v.Valid, sel)
	}
	return sel
}

func passInts[T int8 | int16 | int32 | int64](keys *connect.KeySet, vals []T, valid vec.Bitmap, sel []int32) []int32 {
	n := 0
	for _, r := range sel {
		sel[n] = r
		if keys.Has(int64(vals[r])) && (valid == nil || !valid.Null(int(r))) {
			n++
		}
	}
	return sel[:n]
}

// flatSome reads those of the next n rows that are in x.sel, of a column that is neither
// nested nor has NULLs. It returns nil when they are in c, else a dictionary column, or
// all n rows.
func (x *rows) flatSome(n *node, c *colbuf.Col, count int) (vec.Vector, error) {
	l := x.leaves[n.leaf]
	c.Reset(len(x.sel))
	var codes []uint32
	sel := x.sel
	for got := 0; got < count; {
		if err := l.load(); err != nil {
			return nil, err
		}
		k := min(count-got, l.entries-l.at)
		m := len(sel)
		if got+k < count {
			m, _ = slices.BinarySearch(sel, int32(got+k))
		}
		words := x.dictionary(n, l)
		if words == nil && codes != nil { // the dictionary has ended within the batch
			for _, code := range codes {
				appendWord(c, l.words, code)
			}
			codes = nil
		}
		if words != nil && (got == 0 || codes != nil) {
			if codes == nil {
				codes = make([]uint32, 0, len(x.sel))
			}
			for _, r := range sel[:m] {
				codes = append(codes, uint32(l.index[l.val+int(r)-got]))
			}
		} else if err := l.some(n, c, sel[:m], got); err != nil {
			return nil, err
		}
		sel = sel[m:]
		l.val += k
		l.at += k
		got += k
	}
	if codes != nil {
		return &vec.Dict{Codes: codes, Words: l.words}, nil
	}
	return nil, nil
}

// some appends the values of rows that are in the page; the entry at hand is row from.
func (l *leaf) some(n *node, c *colbuf.Col, rows []int32, from int) error {
	if l.dict != nil {
		l.picked = l.picked[:0]
		for _, r := range rows {
			l.picked = append(l.picked, l.index[l.val+int(r)-from])
		}
		all := l.index
		l.index = l.picked
		err := n.read(c, l, 0, len(rows))
		l.index = all
		return err
	}
	for i := 0; i < len(rows); {
		k := i + 1
		for k < len(rows) && rows[k] == rows[k-1]+1 {
			k++
		}
		at := l.val + int(rows[i]) - from
		if err := n.read(c, l, at, at+k-i); err != nil {
			return err
		}
		i = k
	}
	return nil
}
