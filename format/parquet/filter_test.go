package parquet

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// filterSchema has a key in order, one in disorder with NULLs, and columns of each way to
// read some rows: by dictionary of words and of numbers, plain, with NULLs, nested.
var filterSchema = types.Schema{
	{Name: "id", Type: types.TBigInt.Nullable(false)}, {Name: "k", Type: types.TInt},
	{Name: "word", Type: types.TString.Nullable(false)}, {Name: "text", Type: types.TString.Nullable(false)},
	{Name: "price", Type: types.Type{Kind: types.Decimal, Prec: 12, Scale: 2, NotNull: true}},
	{Name: "v", Type: types.TDouble}, {Name: "list", Type: types.Type{Kind: types.Array, Elem: &types.TInt}},
}

func filterBatch(r *rand.Rand, from, n int) *vec.Batch {
	bs := make([]*vec.Builder, len(filterSchema))
	for i := range bs {
		bs[i] = vec.NewBuilder(filterSchema[i].Type)
	}
	for i := range n {
		bs[0].Int(int64(from + i))
		if r.IntN(10) == 0 {
			bs[1].Null()
		} else {
			bs[1].Int(int64(r.IntN(1000)))
		}
		bs[2].String([]string{"red", "green", "blue"}[r.IntN(3)])
		bs[3].String(string(rune('a'+r.IntN(26))) + string(rune('a'+i%26)))
		bs[4].Int(int64(r.IntN(100000)))
		if r.IntN(3) == 0 {
			bs[5].Null()
		} else {
			bs[5].Float(r.Float64())
		}
		for range r.IntN(3) {
			bs[6].Kid(0).Int(int64(i))
		}
		bs[6].End()
	}
	b := &vec.Batch{Rows: n}
	for _, x := range bs {
		b.Cols = append(b.Cols, x.Finish())
	}
	return b
}

// readRows reads all groups that the Spec does not rule out, as text.
func readRows(t *testing.T, spec format.Spec, file []byte) (out [][]string, groups int) {
	t.Helper()
	r, err := Open(spec, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for g := range r.Groups() {
		if r.Skip(g) {
			continue
		}
		groups++
		rows, err := r.Read(g, 0)
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := rows.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Check(); err != nil {
				t.Fatal(err)
			}
			for i := range b.Len() {
				var row []string
				for _, c := range b.Cols {
					row = append(row, formattest.Cell(c, b.Row(i)))
				}
				out = append(out, row)
			}
		}
		if rows.Done() != r.GroupRows(g) {
			t.Fatalf("group %d: %d rows are done of %d", g, rows.Done(), r.GroupRows(g))
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out, groups
}

// passes reports whether a cell is one of some keys; nil lets all pass.
func passes(keys *connect.KeySet, cell string) bool {
	v, err := strconv.ParseInt(cell, 10, 64)
	return keys == nil || err == nil && keys.Has(v)
}

// TestFilters reads files with keys that rows must have, and compares with all rows,
// filtered here.
func TestFilters(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		var file bytes.Buffer
		w, err := Create(format.Spec{Schema: filterSchema, Options: connect.Options{"block.size": "65536", "page.size": []string{"1024", "8192", "1048576"}[r.IntN(3)]}}, &file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range 2 + r.IntN(5) {
			b := filterBatch(r, n, 4096)
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
			n += b.Rows
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		spec := format.Spec{Schema: filterSchema, Columns: []int{6, 0, 2, 3, 1, 4, 5}, LeavesOut: true}
		all, _ := readRows(t, spec, file.Bytes())
		keys := map[int]*connect.KeySet{}
		for _, c := range [][]int{{0}, {1}, {0, 1}}[r.IntN(3)] {
			most := []int{n, 1000}[c]
			low := r.IntN(most)
			high := low + r.IntN(most-low)
			s := connect.NewKeySet(int64(low), int64(high), 1+high-low)
			for v := low; v <= high; v++ {
				if r.IntN(1+r.IntN(20)) == 0 {
					s.Add(int64(v))
				}
			}
			keys[c] = s
			spec.Filters = append(spec.Filters, format.KeyFilter{Column: c, Keys: s})
		}
		word, least := []string{"red", "green", "blue"}[r.IntN(3)], int64(r.IntN(n))
		ofWord := []connect.PredicateOp{connect.Eq, connect.Ne, connect.Lt, connect.Le, connect.Gt, connect.Ge, connect.In}[r.IntN(7)]
		null := r.IntN(4)
		if r.IntN(2) == 0 {
			spec.Predicates = append(spec.Predicates, connect.Predicate{Column: 2, Op: ofWord, Values: []any{word}})
			if r.IntN(2) == 0 {
				spec.Predicates = append(spec.Predicates, connect.Predicate{Column: 0, Op: connect.Ge, Values: []any{least}}, connect.Predicate{Column: 0, Op: connect.Ne, Values: []any{least + 7}})
			}
		}
		if null < 2 && keys[1] == nil {
			spec.Predicates = append(spec.Predicates, connect.Predicate{Column: 1, Op: []connect.PredicateOp{connect.IsNull, connect.NotNull}[null]})
		}
		holds := func(row []string) bool {
			for _, p := range spec.Predicates {
				id, _ := strconv.ParseInt(row[1], 10, 64)
				c := strings.Compare(row[2], strconv.Quote(word))
				switch {
				case p.Column == 2 && !map[connect.PredicateOp]bool{connect.Eq: c == 0, connect.In: c == 0, connect.Ne: c != 0, connect.Lt: c < 0, connect.Le: c <= 0, connect.Gt: c > 0, connect.Ge: c >= 0}[p.Op]:
					return false
				case p.Op == connect.Ge && p.Column == 0 && id < least, p.Op == connect.Ne && p.Column == 0 && id == least+7:
					return false
				case p.Column == 1 && (row[4] == "NULL") != (p.Op == connect.IsNull):
					return false
				}
			}
			return true
		}
		got, groups := readRows(t, spec, file.Bytes())
		var want [][]string
		for _, row := range all {
			if passes(keys[0], row[1]) && passes(keys[1], row[4]) && holds(row) {
				want = append(want, row)
			}
		}
		if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("seed %d: %d rows of %d groups, want %d: %+v", seed, len(got), groups, len(want), spec)
		}
	}
	none := connect.NewKeySet(1, 0, 0)
	var file bytes.Buffer
	w, _ := Create(format.Spec{Schema: filterSchema}, &file)
	if err := w.Write(filterBatch(rand.New(rand.NewPCG(1, 1)), 0, 100)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	spec := format.Spec{Schema: filterSchema, Columns: []int{0}, Filters: []format.KeyFilter{{Column: 0, Keys: none}}}
	if _, groups := readRows(t, spec, file.Bytes()); groups != 0 {
		t.Errorf("%d groups are read for no keys", groups)
	}
}
