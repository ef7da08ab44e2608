package exectest

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Value returns a row of a column as a Go value: nil, bool, int64, float64,
// types.Int128, string; []any for arrays and rows, a string for maps.
func Value(v vec.Vector, i int) any {
	switch c := v.(type) {
	case *vec.Const:
		return Value(c.Val, 0)
	case *vec.Dict:
		return Value(c.Words, int(c.Codes[i]))
	}
	if v.Null(i) {
		return nil
	}
	switch c := v.(type) {
	case *vec.Fixed[bool]:
		return c.Vals[i]
	case *vec.Fixed[int8]:
		return int64(c.Vals[i])
	case *vec.Fixed[int16]:
		return int64(c.Vals[i])
	case *vec.Fixed[int32]:
		return int64(c.Vals[i])
	case *vec.Fixed[int64]:
		return c.Vals[i]
	case *vec.Fixed[float32]:
		return float64(c.Vals[i])
	case *vec.Fixed[float64]:
		return c.Vals[i]
	case *vec.Fixed[types.Int128]:
		return c.Vals[i]
	case *vec.Bytes:
		return string(c.At(i))
	case *vec.List:
		out := []any{}
		for e := c.Offs[i]; e < c.Offs[i+1]; e++ {
			out = append(out, Value(c.Elem, int(e)))
		}
		return out
	case *vec.Map:
		var parts []string
		for e := c.Offs[i]; e < c.Offs[i+1]; e++ {
			parts = append(parts, fmt.Sprintf("%v=%v", Value(c.Key, int(e)), Value(c.Elem, int(e))))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case *vec.Row:
		out := []any{}
		for _, f := range c.Fields {
			out = append(out, Value(f, i))
		}
		return out
	}
	panic("exectest: unknown vector")
}

// Text joins the values of a row by commas; NULL is the word.
func Text(row []any) string {
	parts := make([]string, len(row))
	for i, x := range row {
		parts[i] = fmt.Sprint(x)
		if x == nil {
			parts[i] = "NULL"
		}
	}
	return strings.Join(parts, ",")
}

// Sum returns what a changelog adds up to: the rows as text, sorted. It fails
// when a row is taken away that is not there.
func Sum(t testing.TB, list []Event) []string {
	t.Helper()
	n := map[string]int{}
	for _, e := range list {
		row := Text(e.Row)
		if e.Kind.Adds() {
			n[row]++
			continue
		}
		if n[row]--; n[row] < 0 {
			t.Fatalf("%s: the row is not there", e)
		}
	}
	return spread(n)
}

func spread(n map[string]int) []string {
	out := []string{}
	for row, k := range n {
		for range k {
			out = append(out, row)
		}
	}
	sort.Strings(out)
	return out
}

// Upserted returns the rows that an upsert stream by key columns leaves, sorted.
func Upserted(list []Event, key []int) []string {
	rows := map[string]string{}
	for _, e := range list {
		var k []any
		for _, c := range key {
			k = append(k, e.Row[c])
		}
		switch e.Kind {
		case vec.Delete:
			delete(rows, Text(k))
		case vec.UpdateBefore:
		default:
			rows[Text(k)] = Text(e.Row)
		}
	}
	out := []string{}
	for _, r := range rows {
		out = append(out, r)
	}
	sort.Strings(out)
	return out
}

// Batch makes a batch of rows given as Value gives them; kinds may be nil.
func Batch(ts []types.Type, rows [][]any, kinds []vec.RowKind) *vec.Batch {
	build := make([]*vec.Builder, len(ts))
	for i, t := range ts {
		build[i] = vec.NewBuilder(t)
	}
	for _, r := range rows {
		for i, x := range r {
			Put(build[i], x)
		}
	}
	b := &vec.Batch{Rows: len(rows), Kinds: kinds}
	for _, c := range build {
		b.Cols = append(b.Cols, c.Finish())
	}
	return b
}

// Put appends a value to a builder.
func Put(b *vec.Builder, x any) {
	switch x := x.(type) {
	case nil:
		b.Null()
	case bool:
		b.Bool(x)
	case int:
		b.Int(int64(x))
	case int64:
		b.Int(x)
	case float64:
		b.Float(x)
	case types.Int128:
		b.Int128(x)
	case string:
		b.String(x)
	case []any:
		for _, e := range x {
			Put(b.Kid(0), e)
		}
		b.End()
	default:
		panic(fmt.Sprintf("exectest: no value %T", x))
	}
}

// Disguise returns the same rows in another shape: with rows between them that do
// not count, dictionaries, and constants where a column is one.
func Disguise(r *rand.Rand, b *vec.Batch) *vec.Batch {
	n := b.Rows
	if b.Sel != nil || n == 0 {
		return b
	}
	out := &vec.Batch{Rows: n, Kinds: b.Kinds, Marks: b.Marks, Cols: append([]vec.Vector(nil), b.Cols...)}
	if r.IntN(2) == 0 {
		var rows, sel []int32
		for i := range n {
			for r.IntN(3) == 0 {
				rows = append(rows, int32(r.IntN(n)))
			}
			sel = append(sel, int32(len(rows)))
			rows = append(rows, int32(i))
		}
		for i, c := range out.Cols {
			out.Cols[i] = vec.Take(c, rows)
		}
		if b.Kinds != nil {
			out.Kinds = nil
			for _, x := range rows {
				out.Kinds = append(out.Kinds, b.Kinds[x])
			}
		}
		out.Marks = nil
		for _, m := range b.Marks {
			at := int32(len(rows))
			if int(m.Row) < n {
				at = sel[m.Row]
			}
			out.Marks = append(out.Marks, vec.Mark{Row: at, Time: m.Time})
		}
		out.Sel, out.Rows = sel, len(rows)
	}
	for i, c := range out.Cols {
		if r.IntN(3) == 0 {
			out.Cols[i] = dict(r, c)
		}
		if one := constant(b.Cols[i]); one && r.IntN(2) == 0 {
			out.Cols[i] = &vec.Const{Val: vec.Take(vec.Flat(b.Cols[i]), []int32{0}), N: out.Rows}
		}
	}
	return out
}

// dict makes a dictionary of a column's own rows, shuffled.
func dict(r *rand.Rand, c vec.Vector) vec.Vector {
	n := c.Len()
	perm := r.Perm(n)
	rows := make([]int32, n)
	codes := make([]uint32, n)
	for at, i := range perm {
		rows[at] = int32(i)
		codes[i] = uint32(at)
	}
	return &vec.Dict{Codes: codes, Words: vec.Take(vec.Flat(c), rows)}
}

func constant(c vec.Vector) bool {
	for i := 1; i < c.Len(); i++ {
		if Text([]any{Value(c, i)}) != Text([]any{Value(c, 0)}) {
			return false
		}
	}
	return c.Len() > 0
}

// Cut cuts a batch without Sel into pieces of random sizes up to most rows; marks
// go with the rows before which they stand.
func Cut(r *rand.Rand, b *vec.Batch, most int) []*vec.Batch {
	var out []*vec.Batch
	marks := b.Marks
	for at := 0; at < b.Rows; {
		n := min(1+r.IntN(most), b.Rows-at)
		p := &vec.Batch{Rows: n}
		for _, c := range b.Cols {
			p.Cols = append(p.Cols, vec.Slice(vec.Flat(c), at, at+n))
		}
		if b.Kinds != nil {
			p.Kinds = b.Kinds[at : at+n]
		}
		for len(marks) > 0 && (int(marks[0].Row) < at+n || at+n == b.Rows) {
			p.Marks = append(p.Marks, vec.Mark{Row: marks[0].Row - int32(at), Time: marks[0].Time})
			marks = marks[1:]
		}
		out = append(out, p)
		at += n
	}
	return out
}
