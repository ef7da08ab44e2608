package parquet

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A file of 20,000 rows: n counts up from 1, s has 40 words, d the days from 0 to 99,
// price the cents up to 9.99, every second row's v is NULL, and no word of u comes twice.
func TestStatistics(t *testing.T) {
	schema := types.Schema{{Name: "n", Type: types.TBigInt}, {Name: "s", Type: types.TString}, {Name: "d", Type: types.Type{Kind: types.Date}},
		{Name: "price", Type: types.Type{Kind: types.Decimal, Prec: 10, Scale: 2}}, {Name: "v", Type: types.TDouble},
		{Name: "u", Type: types.TString}, {Name: "b", Type: types.TBoolean}}
	var file bytes.Buffer
	w, err := Create(format.Spec{Schema: schema}, &file)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 20_000
	bs := make([]*vec.Builder, len(schema))
	for i := range bs {
		bs[i] = vec.NewBuilder(schema[i].Type)
	}
	for i := range rows {
		bs[0].Int(int64(i + 1))
		bs[1].String(string([]byte{'a', byte('a' + i*7919%40)}))
		bs[2].Int(int64(i % 100))
		bs[3].Int(int64(i % 1000))
		if i%2 == 0 {
			bs[4].Null()
		} else {
			bs[4].Float(float64(i) / 2)
		}
		bs[5].String(fmt.Sprint("word ", i))
		bs[6].Bool(i%3 == 0)
	}
	b := &vec.Batch{Rows: rows}
	for _, x := range bs {
		b.Cols = append(b.Cols, x.Finish())
	}
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := append(schema, types.Field{Name: "absent", Type: types.TInt})
	got, err := statistics(format.Spec{Schema: read, Columns: []int{0, 1, 2, 3, 4, 5, 6, 7}}, bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != rows {
		t.Errorf("%v rows, want %d", got.Rows, rows)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.02*math.Abs(want) {
			t.Errorf("%s: %v, want about %v", what, got, want)
		}
	}
	c := got.Columns
	near("n: distinct", c[0].Distinct, rows)
	near("n: max", c[0].Max, rows)
	near("s: distinct", c[1].Distinct, 40)
	near("d: distinct", c[2].Distinct, 100)
	near("d: max", c[2].Max, 99)
	near("v: nulls", c[4].Nulls, 0.5)
	near("v: max", c[4].Max, (rows-1)/2.0)
	near("u: distinct", c[5].Distinct, rows)
	near("b: distinct", c[6].Distinct, 0)
	near("absent: nulls", c[7].Nulls, 1)
	if c[1].Ranged || c[0].Min != 1 || c[0].Nulls != 0 {
		t.Errorf("n is from %v with %v NULLs; s has a range: %v", c[0].Min, c[0].Nulls, c[1].Ranged)
	}
}

// Of 200,000 values that are equally likely, 113,743 rows have some 86,700.
func TestUnseen(t *testing.T) {
	const all, n = 200_000.0, 113_743.0
	d := all * (1 - math.Pow(1-1/all, n))
	if got := unseen(d, n); math.Abs(got-all) > 1 {
		t.Errorf("%v, want %v", got, all)
	}
	if got := unseen(5, 1000); math.Abs(got-5) > 1e-6 {
		t.Errorf("%v, want 5", got)
	}
	if !math.IsInf(unseen(7, 7), 1) {
		t.Error("no value came twice, so there may be any number")
	}
}
