package raw

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func spec(t types.Type, opts ...string) format.Spec {
	return formattest.Spec(types.Schema{{Name: "c", Type: t}}, opts...)
}

func decode(t *testing.T, sp format.Spec, text string, piece int) ([]string, error) {
	t.Helper()
	d, err := NewDecoder(sp)
	if err != nil {
		return nil, err
	}
	rows, _, err := formattest.Decode(t, d, text, piece, formattest.Rows)
	return rows, err
}

func TestDecode(t *testing.T) {
	little := []string{"endianness", "little-endian"}
	for _, c := range []struct {
		name string
		typ  types.Type
		opts []string
		text string
		want []string // rows, or the error behind "!"
	}{
		{"lines", types.TString, nil, "a\n\n b \r\nc\rd\r", []string{`"a"`, `""`, `" b "`, `"c\rd\r"`}},
		{"line feed at the end", types.TString, nil, "a\n", []string{`"a"`}},
		{"nothing", types.TString, nil, "", nil},
		{"blank lines", types.TString, nil, "\n\r\n", []string{`""`, `""`}},
		{"not UTF-8", types.TString, nil, "a\xffb\xc3", []string{`"a�b�"`}},
		{"latin", types.TString, []string{"charset", "iso-8859-1"}, "\xe9\n", []string{`"é"`}},
		{"ascii", types.TString, []string{"charset", "US-ASCII"}, "a\xe9\n", []string{`"a�"`}},
		{"bytes", types.TBytes, nil, "\x00\xff\n\n", []string{`"\x00\xff"`, `""`}},
		{"boolean", types.TBoolean, nil, "\x00\n\x01\n7", []string{"false", "true", "true"}},
		{"tinyint", types.Of(types.TinyInt), nil, "\xff\n\n\n\n\r\n", []string{"-1", "10", "10"}},
		{"tinyint, none", types.Of(types.TinyInt), nil, "1\n\r\n\r\n", []string{"49", "13", "13"}},
		{"smallint", types.Of(types.SmallInt), nil, "\x01\x02\n", []string{"258"}},
		{"smallint, little", types.Of(types.SmallInt), little, "\x01\x02\n", []string{"513"}},
		{"int", types.TInt, nil, "\x00\x00\x0a\x0a\r\n\xff\xff\xff\xfe", []string{"2570", "-2"}},
		{"int, little", types.TInt, little, "\x0a\x00\x00\x00\n", []string{"10"}},
		{"int of bytes that end lines", types.TInt, nil, "\n\n\n\n\n\r\r\r\r\r\n\r\n\r\n\r\n", []string{"168430090", "218959117", "218762506"}},
		{"bigint", types.TBigInt, nil, "\x80\x00\x00\x00\x00\x00\x00\x00\n", []string{"-9223372036854775808"}},
		{"bigint, little", types.TBigInt, little, "\x01\x00\x00\x00\x00\x00\x00\x00\n", []string{"1"}},
		{"float", types.Of(types.Float), nil, "\x3f\xc0\x00\x00\n", []string{"1.5"}},
		{"double", types.TDouble, nil, "\x3f\xf8\x00\x00\x00\x00\x00\x00\n", []string{"1.5"}},
		{"double, little", types.TDouble, little, "\x00\x00\x00\x00\x00\x00\xf8\x3f\n", []string{"1.5"}},
		{"too short", types.TInt, nil, "\x00\x00\x00\x01\n12\n1234\n", []string{"1", "!column 'c': the record has 2 bytes, and INT has 4"}},
		{"too long", types.TInt, nil, "123456\n", []string{"!column 'c': the record has 6 bytes, and INT has 4"}},
		{"cut off", types.TBigInt, nil, "1234567", []string{"!column 'c': the record has 7 bytes, and BIGINT has 8"}},
	} {
		for _, piece := range []int{1, 2, 3, 7, 1 << 20} {
			rows, err := decode(t, spec(c.typ, c.opts...), c.text, piece)
			if err != nil {
				rows = append(rows, "!"+err.Error())
			}
			ok := len(rows) == len(c.want)
			for i := 0; ok && i < len(rows); i++ {
				ok = rows[i] == c.want[i] || strings.HasPrefix(c.want[i], "!") && strings.HasPrefix(rows[i], c.want[i])
			}
			if !ok {
				t.Errorf("%s, pieces of %d:\n got %s\nwant %s", c.name, piece, strings.Join(rows, "\n     "), strings.Join(c.want, "\n     "))
			}
		}
	}
}

// Where no column is wanted, lines are counted.
func TestCount(t *testing.T) {
	sp := spec(types.TString)
	sp.Columns = nil
	d, err := NewDecoder(sp)
	if err != nil {
		t.Fatal(err)
	}
	if b, n, err := d.Decode([]byte("a\nb\nc"), true); err != nil || n != 5 || b.Rows != 3 || len(b.Cols) != 0 {
		t.Fatal(b, n, err)
	}
}

func TestBadSpecs(t *testing.T) {
	wide := spec(types.TString)
	wide.Schema = append(wide.Schema, types.Field{Name: "d", Type: types.TInt})
	for _, c := range []struct {
		spec format.Spec
		want string
	}{
		{wide, "format raw: the format only supports a single physical column, and there are 2: c, d"},
		{spec(types.TDate), "format raw: column 'c': the format doesn't support DATE"},
		{spec(types.TString, "charset", "EBCDIC"), "format raw: the charset 'EBCDIC' is not one of"},
		{spec(types.TInt, "endianness", "middle"), "format raw: option 'endianness': 'middle' is not"},
	} {
		_, dec := NewDecoder(c.spec)
		_, enc := NewEncoder(c.spec)
		_, cut := newCutter(c.spec)
		for _, err := range []error{dec, enc, cut} {
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, f := range formattest.All {
		f.Type.NotNull = true
		for _, opts := range [][]string{nil, {"endianness", "little-endian"}} {
			e, err := NewEncoder(spec(f.Type, opts...))
			if err != nil {
				continue // a type that raw does not have
			}
			for seed := range uint64(20) {
				b := formattest.Random(types.Schema{f}, 100, seed)
				if x, ok := b.Cols[0].(*vec.Bytes); ok {
					for i, c := range x.Data { // what ends a line
						if c == '\n' || c == '\r' {
							x.Data[i] = '~'
						}
					}
				}
				b.Sel = []int32{0, 3, 4, 99}
				text, err := e.Encode(nil, b)
				if err != nil {
					t.Fatal(err)
				}
				rows, err := decode(t, spec(f.Type, opts...), string(text), 13)
				if err != nil || !slices.Equal(rows, formattest.Rows(b)) {
					t.Fatalf("%s: %v\n got %q\nwant %q", f.Type.Name(), err, rows, formattest.Rows(b))
				}
			}
		}
	}
}

func TestEncode(t *testing.T) {
	b := vec.NewBuilder(types.TString)
	b.String("aé€")
	batch := &vec.Batch{Cols: []vec.Vector{b.Finish()}, Rows: 1}
	for charset, want := range map[string]string{"utf-8": "aé€\n", "ISO-8859-1": "a\xe9?\n", "US-ASCII": "a??\n"} {
		e, err := NewEncoder(spec(types.TString, "charset", charset))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Encode(nil, batch); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", charset, got, err)
		}
	}
	e, _ := NewEncoder(spec(types.TString))
	if _, err := e.Encode(nil, &vec.Batch{Cols: []vec.Vector{vec.Nulls(types.TString, 1)}, Rows: 1}); err == nil || !strings.Contains(err.Error(), "column 'c' is NULL") {
		t.Error(err)
	}
	words := &vec.Dict{Words: batch.Cols[0], Codes: []uint32{0, 0}}
	if got, err := e.Encode(nil, &vec.Batch{Cols: []vec.Vector{words}, Rows: 2, Sel: []int32{1}}); err != nil || string(got) != "aé€\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRecordError(t *testing.T) {
	d, _ := NewDecoder(spec(types.TInt))
	_, _, err := d.Decode([]byte("abc\n"), false)
	var re *format.RecordError
	if errors.As(err, &re) {
		t.Fatal("decided before a number of four bytes and its end were there")
	}
	_, _, err = d.Decode([]byte("abc\nabc\n"), false)
	if !errors.As(err, &re) || re.Column != "c" || re.Record != "abc" {
		t.Fatalf("%#v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("a\nb\r\nc"), true)
	f.Add([]byte("\x00\x01\x02\x03\n1234\r\n12"), false)
	f.Fuzz(func(t *testing.T, data []byte, final bool) {
		for _, typ := range []types.Type{types.TString, types.TBytes, types.TInt, types.TDouble, types.TBoolean} {
			d, err := NewDecoder(spec(typ))
			if err != nil {
				t.Fatal(err)
			}
			b, n, err := d.Decode(data, final)
			if err == nil && (n > len(data) || final && n == 0 && len(data) > 0 || b.Check() != nil) {
				t.Fatal(n, b.Check())
			}
		}
	})
}

func TestAllocations(t *testing.T) {
	data := []byte(strings.Repeat("some text\n", 4000))
	d, _ := NewDecoder(spec(types.TString))
	if got := testing.AllocsPerRun(10, func() { _, _, _ = d.Decode(data, false) }); got > 30 {
		t.Errorf("%v allocations a batch", got)
	}
	x := make([]float64, 4000)
	x[7] = math.Inf(1)
	b := &vec.Batch{Cols: []vec.Vector{&vec.Fixed[float64]{Vals: x}}, Rows: len(x)}
	e, _ := NewEncoder(spec(types.TDouble))
	dst, _ := e.Encode(nil, b)
	if got := testing.AllocsPerRun(10, func() { dst, _ = e.Encode(dst[:0], b) }); got > 1 {
		t.Errorf("encoding allocates %v times", got)
	}
}

func BenchmarkDecode(b *testing.B) {
	data := []byte(strings.Repeat("2024-09-01 12:00:20.000|user=7;act=buy;item=1234567\n", 100_000))
	d, _ := NewDecoder(spec(types.TString))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for at := 0; at < len(data); {
			_, n, err := d.Decode(data[at:], false)
			if err != nil {
				b.Fatal(err)
			}
			at += n
		}
	}
}
