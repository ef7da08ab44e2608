// Package formattest makes and prints batches for the tests of formats.
package formattest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Bid is the schema that speeds are measured with.
var Bid = types.Schema{
	{Name: "auction", Type: types.TBigInt}, {Name: "bidder", Type: types.TBigInt}, {Name: "price", Type: types.TBigInt},
	{Name: "channel", Type: types.TString}, {Name: "url", Type: types.TString},
	{Name: "dateTime", Type: types.TimestampOf(3)}, {Name: "extra", Type: types.TString},
}

// Bids returns n rows of Bid as Nexmark makes them. The text of extra has
// backslashes, as Nexmark's has, if escapes.
func Bids(n int, escapes bool) *vec.Batch {
	rng := rand.New(rand.NewPCG(1, 2))
	var b []*vec.Builder
	for _, f := range Bid {
		b = append(b, vec.NewBuilder(f.Type))
	}
	letters := func(n int) string {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte('a' + rng.IntN(26))
			if escapes && rng.IntN(50) == 0 {
				out[i] = '\\'
			}
		}
		return string(out)
	}
	for i := range n {
		b[0].Int(int64(1000 + rng.IntN(1_000_000)))
		b[1].Int(int64(1000 + rng.IntN(1_000_000)))
		b[2].Int(int64(100 * math.Pow(10, rng.Float64()*6)))
		b[3].String(fmt.Sprintf("channel-%d", rng.IntN(10_000)))
		b[4].String(fmt.Sprintf("https://www.nexmark.com/%s/%s/%s/item.htm?query=1&channel_id=%d", letters(4), letters(4), letters(4), rng.IntN(1<<30)))
		b[5].Int(1_772_409_443_480_000 + int64(i)*10_000)
		b[6].String(letters(54 + rng.IntN(27)))
	}
	out := &vec.Batch{Rows: n}
	for _, x := range b {
		out.Cols = append(out.Cols, x.Finish())
	}
	return out
}

// Umlauts returns the rows with an ä for each a in their texts.
func Umlauts(b *vec.Batch) *vec.Batch {
	out := &vec.Batch{Rows: b.Rows}
	for _, c := range b.Cols {
		if x, ok := c.(*vec.Bytes); ok {
			y := &vec.Bytes{Offs: make([]uint32, 1, len(x.Offs)), Valid: x.Valid}
			for i := range b.Rows {
				y.Data = append(y.Data, strings.ReplaceAll(string(x.At(i)), "a", "ä")...)
				y.Offs = append(y.Offs, uint32(len(y.Data)))
			}
			c = y
		}
		out.Cols = append(out.Cols, c)
	}
	return out
}

// All has a column of each type that a cell of text can hold.
var All = types.Schema{
	{Name: "bool", Type: types.TBoolean}, {Name: "i8", Type: types.Of(types.TinyInt)}, {Name: "i16", Type: types.Of(types.SmallInt)},
	{Name: "i32", Type: types.TInt}, {Name: "i64", Type: types.TBigInt}, {Name: "f32", Type: types.Of(types.Float)}, {Name: "f64", Type: types.TDouble},
	{Name: "dec", Type: types.DecimalOf(10, 2)}, {Name: "wide", Type: types.DecimalOf(38, 10)}, {Name: "str", Type: types.TString},
	{Name: "bin", Type: types.TBytes}, {Name: "date", Type: types.TDate}, {Name: "time", Type: types.Type{Kind: types.Time, Prec: 3}},
	{Name: "ts3", Type: types.TimestampOf(3)}, {Name: "ts6", Type: types.TimestampOf(6)}, {Name: "ts9", Type: types.TimestampOf(9)},
	{Name: "ltz3", Type: types.LTZOf(3)}, {Name: "ltz9", Type: types.LTZOf(9)},
}

// Nested has nested columns.
var Nested = types.Schema{
	{Name: "ints", Type: types.ArrayOf(types.TInt)},
	{Name: "row", Type: types.RowOf(types.Field{Name: "x", Type: types.TInt}, types.Field{Name: "y", Type: types.TString})},
}

// Deep has what JSON and Parquet can hold besides.
var Deep = types.Schema{
	{Name: "map", Type: types.MapOf(types.TString.Nullable(false), types.TBigInt)},
	{Name: "arrays", Type: types.ArrayOf(types.ArrayOf(types.TString))},
	{Name: "rows", Type: types.ArrayOf(types.RowOf(types.Field{Name: "a", Type: types.DecimalOf(20, 3)}, types.Field{Name: "b", Type: types.ArrayOf(types.TDouble)}))},
	{Name: "outer", Type: types.RowOf(types.Field{Name: "in", Type: types.RowOf(types.Field{Name: "ts", Type: types.TimestampOf(3)}, types.Field{Name: "m", Type: types.MapOf(types.TString.Nullable(false), types.TString)})})},
}

// Random returns rows of a schema, some NULL, some at the ends of their range.
// Strings are texts that formats find hard.
func Random(s types.Schema, rows int, seed uint64) *vec.Batch {
	rng := rand.New(rand.NewPCG(seed, 0))
	out := &vec.Batch{Rows: rows}
	for _, f := range s {
		b := vec.NewBuilder(f.Type)
		for range rows {
			value(b, f.Type, rng, 0)
		}
		out.Cols = append(out.Cols, b.Finish())
	}
	return out
}

var hard = []string{"", " ", "a", "plain", "with,comma", "with \"quotes\"", "line\nbreak", "cr\r\nlf", "tab\t", "ünïcödé", "日本語", "😀", "\\", "\\\\n", "null", "a;b", "'", "#x", "\x01\x1f", strings.Repeat("long ", 20), "/", "</script>", "\u2028", "\u007f"}

func value(b *vec.Builder, t types.Type, rng *rand.Rand, depth int) {
	if !t.NotNull && rng.IntN(6) == 0 {
		b.Null()
		return
	}
	edge := rng.IntN(4) == 0
	switch t.Kind {
	case types.Boolean:
		b.Bool(rng.IntN(2) == 0)
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		bits := map[types.Kind]int{types.TinyInt: 8, types.SmallInt: 16, types.Int: 32, types.BigInt: 64}[t.Kind]
		v := int64(rng.Uint64()) >> (64 - bits)
		if edge {
			v = []int64{math.MinInt64 >> (64 - bits), math.MaxInt64 >> (64 - bits), 0, 1, -1, 7, 12, -128}[rng.IntN(8)]
		}
		b.Int(v)
	case types.Float, types.Double:
		v := rng.NormFloat64() * math.Pow(10, float64(rng.IntN(40)-20))
		if edge {
			v = []float64{0, 1, -1, 1e10, 0.001, 12345678, 1e7, 0.1}[rng.IntN(8)]
		}
		if t.Kind == types.Float {
			v = float64(float32(v))
		}
		b.Float(v)
	case types.Decimal:
		v := types.Int128{Lo: rng.Uint64(), Hi: rng.Int64()}
		max := types.Pow10(1 + rng.IntN(t.Prec))
		if edge {
			v = types.Pow10(rng.IntN(t.Prec))
		}
		_, r := quoRem(v, max)
		if t.Prec <= 18 {
			x, _ := r.Int64()
			b.Int(x)
		} else {
			b.Int128(r)
		}
	case types.Char, types.Varchar:
		b.String(hard[rng.IntN(len(hard))])
	case types.Binary, types.Varbinary:
		x := make([]byte, rng.IntN(20))
		for i := range x {
			x[i] = byte(rng.Uint32())
		}
		b.Bytes(x)
	case types.Date:
		b.Int(int64(rng.IntN(100_000) - 30_000))
	case types.Time:
		b.Int(int64(rng.IntN(86_400_000)))
	case types.Timestamp, types.TimestampLTZ:
		us := rng.Int64N(6_000_000_000_000_000) - 2_000_000_000_000_000
		if edge {
			us -= us % 1_000_000
		}
		switch {
		case t.Prec <= 3:
			b.Int(us - us%1000)
		case t.Prec <= 6:
			b.Int(us)
		default:
			b.Int128(types.Int128Of(us).MulInt(1000).Add(types.Int128Of(int64(rng.IntN(1000)))))
		}
	case types.Array:
		for range rng.IntN(4) {
			value(b.Kid(0), *t.Elem, rng, depth+1)
		}
		b.End()
	case types.Map:
		n := rng.IntN(4)
		for i := range n {
			b.Kid(0).String(fmt.Sprint("k", i, hard[rng.IntN(len(hard))]))
			value(b.Kid(1), *t.Elem, rng, depth+1)
		}
		b.End()
	case types.Row:
		for i, f := range t.Fields {
			value(b.Kid(i), f.Type, rng, depth+1)
		}
		b.End()
	default:
		b.Null()
	}
}

func quoRem(a, b types.Int128) (types.Int128, types.Int128) { return a.QuoRem(b) }

// Rows prints the rows of a batch, values as they lie in memory.
func Rows(b *vec.Batch) []string {
	out := make([]string, b.Len())
	for i := range out {
		var cells []string
		for _, c := range b.Cols {
			cells = append(cells, Cell(c, b.Row(i)))
		}
		out[i] = strings.Join(cells, "|")
	}
	return out
}

// Cell prints one value.
func Cell(v vec.Vector, row int) string {
	switch x := v.(type) {
	case *vec.Const:
		return Cell(x.Val, 0)
	case *vec.Dict:
		return Cell(x.Words, int(x.Codes[row]))
	}
	if v.Null(row) {
		return "NULL"
	}
	switch x := v.(type) {
	case *vec.Fixed[bool]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[int8]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[int16]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[int32]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[int64]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[float32]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[float64]:
		return fmt.Sprint(x.Vals[row])
	case *vec.Fixed[types.Int128]:
		return string(types.AppendDecimal128(nil, x.Vals[row], 0))
	case *vec.Bytes:
		return fmt.Sprintf("%q", x.At(row))
	case *vec.List:
		var out []string
		for i := x.Offs[row]; i < x.Offs[row+1]; i++ {
			out = append(out, Cell(x.Elem, int(i)))
		}
		return "[" + strings.Join(out, ",") + "]"
	case *vec.Map:
		var out []string
		for i := x.Offs[row]; i < x.Offs[row+1]; i++ {
			out = append(out, Cell(x.Key, int(i))+"="+Cell(x.Elem, int(i)))
		}
		return "{" + strings.Join(out, ",") + "}"
	case *vec.Row:
		var out []string
		for _, f := range x.Fields {
			out = append(out, Cell(f, row))
		}
		return "(" + strings.Join(out, ",") + ")"
	}
	return "?"
}

// Columns returns all columns of a schema.
func Columns(s types.Schema) []int {
	out := make([]int, len(s))
	for i := range out {
		out[i] = i
	}
	return out
}

// Spec is of all columns of a schema; options are keys, each with its value behind it.
func Spec(s types.Schema, options ...string) format.Spec {
	o := connect.Options{}
	for pair := range slices.Chunk(options, 2) {
		o[pair[0]] = pair[1]
	}
	return format.Spec{Schema: s, Columns: Columns(s), Options: o, Zone: "UTC"}
}

// Decode reads text in pieces of the given size, as a connector would. rowsOf prints the
// rows of a batch, as Rows does.
func Decode(t *testing.T, d format.Decoder, text string, piece int, rowsOf func(*vec.Batch) []string) (rows []string, skipped int64, err error) {
	t.Helper()
	have, rest := []byte(nil), []byte(text)
	for {
		b, n, err := d.Decode(have, len(rest) == 0)
		if err != nil {
			return rows, d.Skipped(), err
		}
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		if len(b.Cols) > 0 {
			rows = append(rows, rowsOf(b)...)
		}
		have = have[n:]
		if len(rest) == 0 && (n == 0 || len(have) == 0) {
			if len(have) > 0 {
				t.Fatalf("%q is left", have)
			}
			return rows, d.Skipped(), nil
		}
		if n == 0 || len(have) == 0 {
			k := min(piece, len(rest))
			have, rest = append(slices.Clone(have), rest[:k]...), rest[k:]
		}
	}
}
