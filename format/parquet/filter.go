package parquet

import (
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/vec"
)

// A colTest lets rows pass by the values of a column: those that are keys, and those for
// which predicates hold. Columns that are tested are read first, each only where the ones
// before let rows pass, and all others where all do.
type colTest struct {
	col          int // in Spec.Columns
	checks       []check
	seen, passed int
}

// A check keeps those of the rows of a column, by position, that pass; it may write to the
// list.
type check func(v vec.Vector, rows []int32) []int32

// A test is given up that lets most rows pass; the first rows tell.
const (
	testRows = 1 << 16
	testPass = 0.8
)

// useless reports whether a test is not worth its while.
func (t *colTest) useless() bool {
	return t.seen >= testRows && float64(t.passed) > testPass*float64(t.seen)
}

// A column is read where rows pass if so many of them do not; else it is read whole.
const someShare = 0.75

// columnTests are the tests of the Spec; what has been learnt of them in one row group
// holds for the next.
func (r *Reader) columnTests() []*colTest {
	if r.tests == nil {
		if r.spec.LeavesOut {
			for _, p := range r.spec.Predicates {
				r.addCheck(p.Column, predicateCheck(r.spec.Schema[p.Column].Type, p))
			}
		}
		for _, f := range r.spec.Filters {
			r.addCheck(f.Column, keyCheck(f.Keys))
		}
	}
	r.tests = slices.DeleteFunc(r.tests, (*colTest).useless)
	return r.tests
}

// addCheck adds a check of a column of the Spec's schema, if the column is read and is not
// nested.
func (r *Reader) addCheck(column int, c check) {
	i := slices.Index(r.spec.Columns, column)
	if c == nil || i < 0 || r.cols[i] == nil || len(r.cols[i].kids) > 0 {
		return
	}
	for _, t := range r.tests {
		if t.col == i {
			t.checks = append(t.checks, c)
			return
		}
	}
	r.tests = append(r.tests, &colTest{col: i, checks: []check{c}})
}

// test reads the columns that are tested. b.Rows becomes the number of rows that pass; if
// those are not all, x.sel has them and the columns that were read.
func (x *rows) test(b *vec.Batch) error {
	n := b.Rows
	x.sel = upTo(x.sel, n)
	at := make([][]int32, len(x.tests)) // by test: the rows that its column was read for
	for i, t := range x.tests {
		whole := float64(len(x.sel)) > someShare*float64(n)
		if !whole {
			b.Rows = len(x.sel)
			at[i] = slices.Clone(x.sel)
		}
		if err := x.read(b, t.col, n); err != nil {
			return x.column(t.col, err)
		}
		b.Rows = n
		t.seen += len(x.sel)
		x.sel = t.pass(b.Cols[t.col], x.sel, whole)
		t.passed += len(x.sel)
	}
	if len(x.sel) == n {
		return nil
	}
	b.Rows = len(x.sel)
	for i, t := range x.tests {
		b.Cols[t.col] = vec.Take(b.Cols[t.col], within(at[i], x.sel))
	}
	return nil
}

// upTo returns 0, 1 … n-1.
func upTo(s []int32, n int) []int32 {
	s = s[:0]
	for i := range n {
		s = append(s, int32(i))
	}
	return s
}

// within returns where rows are among others, of which they are some; nil are all.
func within(others, rows []int32) []int32 {
	if others == nil {
		return rows
	}
	out := make([]int32, 0, len(rows))
	k := int32(0)
	for _, r := range rows {
		for others[k] < r {
			k++
		}
		out = append(out, k)
	}
	return out
}

// pass keeps the rows that pass; v has all rows, or these.
func (t *colTest) pass(v vec.Vector, sel []int32, whole bool) []int32 {
	rows := sel
	if !whole {
		rows = upTo(nil, len(sel))
	}
	for _, c := range t.checks {
		rows = c(v, rows)
	}
	if !whole {
		for i, r := range rows {
			rows[i] = sel[r]
		}
	}
	return append(sel[:0], rows...)
}

// keyCheck lets keys pass.
func keyCheck(keys *connect.KeySet) check {
	return func(v vec.Vector, rows []int32) []int32 {
		switch v := v.(type) {
		case *vec.Fixed[int64]:
			return passInts(v, rows, keys.Has)
		case *vec.Fixed[int32]:
			return passInts(v, rows, keys.Has)
		case *vec.Fixed[int16]:
			return passInts(v, rows, keys.Has)
		case *vec.Fixed[int8]:
			return passInts(v, rows, keys.Has)
		}
		return rows
	}
}

func passInts[T int8 | int16 | int32 | int64](v *vec.Fixed[T], rows []int32, has func(int64) bool) []int32 {
	n := 0
	for _, r := range rows {
		rows[n] = r
		if has(int64(v.Vals[r])) && !v.Valid.Null(int(r)) {
			n++
		}
	}
	return rows[:n]
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
		words, err := x.dictionary(n, l)
		if err != nil {
			return nil, err
		}
		if words == nil && codes != nil { // the dictionary has ended within the batch
			for _, code := range codes {
				appendWord(c, l.words.texts, code)
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
		return &vec.Dict{Codes: codes, Words: l.words.texts}, nil
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
