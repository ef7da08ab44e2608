package csv

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func field(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

var spec = formattest.Spec

func decode(t *testing.T, sp format.Spec, text string, piece int) (rows []string, skipped int64, err error) {
	t.Helper()
	d, err := NewDecoder(sp)
	if err != nil {
		return nil, 0, err
	}
	return formattest.Decode(t, d, text, piece, formattest.Rows)
}

func TestDecode(t *testing.T) {
	two := types.Schema{field("a", types.TInt), field("b", types.TString)}
	one := types.Schema{field("a", types.TString)}
	for _, c := range []struct {
		name   string
		schema types.Schema
		opts   []string
		text   string
		want   []string // rows, or the error behind "!"
	}{
		{"plain", two, nil, "1,x\n2,y\n", []string{`1|"x"`, `2|"y"`}},
		{"no line feed at the end", two, nil, "1,x\n2,y", []string{`1|"x"`, `2|"y"`}},
		{"crlf and cr", two, nil, "1,x\r\n2,y\r3,z\r\n", []string{`1|"x"`, `2|"y"`, `3|"z"`}},
		{"blank lines", two, nil, "\n1,x\n\n\r\n2,y\n\n", []string{`1|"x"`, `2|"y"`}},
		{"blank lines of one column", one, nil, "x\n\ny\n", []string{`"x"`, `""`, `"y"`}},
		{"quotes", two, nil, "1,\"x,\"\"y\"\"\nz\"\n\"2\" ,\"\"\n", []string{`1|"x,\"y\"\nz"`, `2|""`}},
		{"quote inside", two, nil, "1,5\" pipe\n2, \"x\"\n", []string{`1|"5\" pipe"`, `2|" \"x\""`}},
		{"no quotes", two, []string{"disable-quote-character", "true"}, "1,\"x\n", []string{`1|"\"x"`}},
		{"escape", two, []string{"escape-character", "\\"}, "1,x\\,y\\n\n2,\"a\\\"b\"\n", []string{`1|"x,y\n"`, `2|"a\"b"`}},
		{"escaped line feed", one, []string{"escape-character", "\\"}, "x\\\ny\nz\n", []string{`"x\ny"`, `"z"`}},
		{"padded number", two, nil, " 1 ,x\n+2,y\n", []string{`1|"x"`, `2|"y"`}},
		{"strings keep blanks", two, nil, "1,  x \n", []string{`1|"  x "`}},
		{"trim", two, []string{"trim-spaces", "true"}, " 1 ,  x \n2,\" y \"\n", []string{`1|"x"`, `2|" y "`}},
		{"null literal", two, []string{"null-literal", "NULL"}, "NULL,NULL\n1,\"NULL\"\n", []string{`NULL|NULL`, `1|NULL`}},
		{"empty null literal", two, []string{"null-literal", ""}, ",\n", []string{`NULL|NULL`}},
		{"empty as null", two, []string{"empty-string-as-null", "true"}, ",\n", []string{`NULL|NULL`}},
		{"empty string", two, nil, "1,\n", []string{`1|""`}},
		{"empty number", two, nil, "1,x\n,y\n", []string{"!column 'a': '' is not a valid INT"}},
		{"empty number ignored", two, []string{"ignore-parse-errors", "true"}, ",y\n", []string{`NULL|"y"`}},
		{"out of range", two, nil, "2147483648,y\n", []string{"!column 'a': '2147483648' is out of range of INT"}},
		{"too many", two, nil, "1,x,y\n", []string{"!too many entries: expected at most 2"}},
		{"too many but comma", two, nil, "1,x,\n2,y, \n", []string{`1|"x"`, `2|"y"`}},
		{"no trailing comma", two, []string{"allow-trailing-comma", "false"}, "1,x,\n", []string{"!too many entries: expected at most 2"}},
		{"unmappable", two, []string{"ignore-trailing-unmappable", "true"}, "1,x,y,z\n", []string{`1|"x"`}},
		{"too many ignored", two, []string{"ignore-parse-errors", "true"}, "1,x,y\n2,y\n", []string{`2|"y"`}},
		{"too few", two, nil, "1\n", []string{"!row length mismatch: 2 fields expected but was 1"}},
		{"too few ignored", two, []string{"ignore-parse-errors", "true"}, "1\n", []string{"1|NULL"}},
		{"too few fails", two, []string{"ignore-parse-errors", "true", "fail-on-missing-columns", "true"}, "1\n2,y\n", []string{`2|"y"`}},
		{"comments", two, []string{"allow-comments", "true"}, "# a \" b\n1,x\n#\n2,#y\n", []string{`1|"x"`, `2|"#y"`}},
		{"header", two, []string{"ignore-first-line", "true"}, "a,b,c\n1,x\n", []string{`1|"x"`}},
		{"open quote", two, nil, "1,x\n2,\"y\n", []string{"!a quote is not closed before the end of the data"}},
		{"text behind a quote", two, nil, "1,\"x\"y\n", []string{"!a closing quote is followed by text: expected the delimiter ',' or the end of the line"}},
		{"text behind a quote ignored", two, []string{"ignore-parse-errors", "true"}, "1,\"x\"y\n2,z\n", []string{`2|"z"`}},
		{"not UTF-8", two, nil, "1,x\n2,\xff\n", []string{"!the text is not UTF-8"}},
		{"not UTF-8 ignored", two, []string{"ignore-parse-errors", "true"}, "1,x\n2,\xff\n3,y\n", []string{`1|"x"`, `3|"y"`}},
		{"tab", two, []string{"field-delimiter", "\\t"}, "1\tx\n2\t\"y\tz\"\n", []string{`1|"x"`, `2|"y\tz"`}},
		{"conformance 194", types.Schema{field("a", types.TInt), field("b", types.TString), field("c", types.ArrayOf(types.TInt)), field("d", types.RowOf(field("x", types.TInt), field("y", types.TString)))},
			[]string{"field-delimiter", "|", "quote-character", "'", "allow-comments", "true", "ignore-parse-errors", "true", "array-element-delimiter", "~", "null-literal", "-"},
			"1|'x|y'|1~2~3|7~q\n# a comment\n2|-|-|8~-\noops|'z'|4|9~r\n3|''|5|-\n",
			[]string{`1|"x|y"|[1,2,3]|(7,"q")`, `2|NULL|[NULL]|(8,NULL)`, `NULL|"z"|[4]|(9,"r")`, `3|""|[5]|(NULL,NULL)`}},
		{"row too short", types.Schema{field("d", types.RowOf(field("x", types.TInt), field("y", types.TString)))}, nil, "7\n", []string{"!column 'd': row length mismatch: 2 fields expected but was 1"}},
		{"types", types.Schema{field("b", types.TBoolean), field("f", types.TDouble), field("d", types.DecimalOf(6, 2)), field("dt", types.TDate), field("t", types.Type{Kind: types.Time}), field("ts", types.TimestampOf(3)), field("z", types.LTZOf(3)), field("x", types.TBytes)},
			nil, "TRUE,1e3,12.345,2024-1-5,12:34:56.7,2024-02-30 00:00:00.9999,2024-01-01 00:00:00Z,AQI=\nno,NaN,99999999,2024-02-29,12:34,1969-12-31 23:59:59.9,2024-01-01 00:00:00Z,\n",
			[]string{`true|1000|1235|19727|45296000|1709164800999000|1704067200000000|"\x01\x02"`, `false|NaN|NULL|19782|45240000|-100000|1704067200000000|""`}},
		{"bad date", types.Schema{field("d", types.TDate)}, nil, "2024-02-30\n", []string{"!column 'd': '2024-02-30' is not a valid DATE"}},
		{"bad time", types.Schema{field("d", types.TimestampOf(3))}, nil, "2024-02-03T00:00:00\n", []string{"!column 'd': '2024-02-03T00:00:00' is not a valid TIMESTAMP(3)"}},
	} {
		for _, piece := range []int{1, 2, 3, 7, 1 << 20} {
			rows, _, err := decode(t, spec(c.schema, c.opts...), c.text, piece)
			if strings.HasPrefix(c.want[0], "!") {
				if err == nil || !strings.HasPrefix(err.Error(), c.want[0][1:]) {
					t.Errorf("%s: %v, want %s", c.name, err, c.want[0])
				}
				continue
			}
			if err != nil || !slices.Equal(rows, c.want) {
				t.Errorf("%s in pieces of %d: %q %v\nwant %q", c.name, piece, rows, err, c.want)
			}
		}
	}
}

func TestRecordErrorNamesThePlace(t *testing.T) {
	d, err := NewDecoder(spec(types.Schema{field("a", types.TInt), field("b", types.TString)}))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Decode([]byte("1,x\n2,y\nbad,z\n"), true)
	var re *format.RecordError
	if !errors.As(err, &re) || re.Offset != 8 || re.Line != 2 || re.Column != "a" || re.Record != "bad,z" {
		t.Fatalf("%+v", err)
	}
	b, n, err := d.Decode([]byte("1,x\n2,y,z\n"), true)
	if err != nil || b.Rows != 1 || n != 4 {
		t.Fatal("rows before a broken record come first", b, n, err)
	}
}

func TestOnlyWantedColumns(t *testing.T) {
	s := types.Schema{field("a", types.TInt), field("b", types.TString), field("c", types.TInt)}
	sp := spec(s)
	sp.Columns = []int{2, 0}
	rows, _, err := decode(t, sp, "1,x,2\n3,\"y\n\",4\n", 100)
	if err != nil || !slices.Equal(rows, []string{"2|1", "4|3"}) {
		t.Fatal(rows, err)
	}
	sp.Columns = nil
	d, err := NewDecoder(sp)
	if err != nil {
		t.Fatal(err)
	}
	b, n, err := d.Decode([]byte("1,x,2\n3,y,4\n"), true)
	if err != nil || b.Rows != 2 || len(b.Cols) != 0 || n != 12 {
		t.Fatal(b, n, err)
	}
}

func TestLimitsOfABatch(t *testing.T) {
	text := strings.Repeat("1,x\n", 10_000)
	rows, _, err := decode(t, spec(types.Schema{field("a", types.TInt), field("b", types.TString)}), text, len(text))
	if err != nil || len(rows) != 10_000 {
		t.Fatal(len(rows), err)
	}
	big := "1," + strings.Repeat("y", 20<<20) + "\n2,z\n"
	rows, _, err = decode(t, spec(types.Schema{field("a", types.TInt), field("b", types.TString)}), big, len(big))
	if err != nil || len(rows) != 2 || len(rows[0]) != 20<<20+4 {
		t.Fatal(len(rows), err)
	}
}

// TestLongTexts quotes texts of more than 24 characters, however many bytes they take.
func TestLongTexts(t *testing.T) {
	e, err := NewEncoder(spec(types.Schema{field("s", types.TString)}))
	if err != nil {
		t.Fatal(err)
	}
	for n, text := range map[int][]string{
		24: {strings.Repeat("a", 24), strings.Repeat("é", 24), strings.Repeat("a", 23) + "\U0001F600", "é" + strings.Repeat("a", 23), strings.Repeat("\U0001F600", 24)},
		25: {strings.Repeat("a", 25), strings.Repeat("é", 25), strings.Repeat("a", 24) + "\U0001F600", strings.Repeat("a", 24) + "é", strings.Repeat("\U0001F600", 25)},
	} {
		for _, s := range text {
			b := vec.NewBuilder(types.TString)
			b.String(s)
			out, err := e.Encode(nil, &vec.Batch{Cols: []vec.Vector{b.Finish()}, Rows: 1})
			want := s + "\n"
			if n > 24 {
				want = `"` + s + "\"\n"
			}
			if err != nil || string(out) != want {
				t.Errorf("%d characters: %q, want %q, error %v", n, out, want, err)
			}
		}
	}
}

func TestEncode(t *testing.T) {
	s := types.Schema{field("d", types.DecimalOf(12, 3)), field("ts", types.TimestampOf(3)), field("s", types.TString), field("a", types.ArrayOf(types.TString))}
	b := formattest.Random(s, 0, 1)
	_ = b
	rows, _, err := decode(t, spec(s), "5200,2026-03-01 23:57:23.48,x y,a;b\n0.5,2026-03-01 23:57:23,abcdefghijklmnopqrstuvwx,\n-7.25,2026-03-01 23:57:23.999,abcdefghijklmnopqrstuvwxy,c\n", 1000)
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	d, _ := NewDecoder(spec(s))
	b, _, err = d.Decode([]byte("5200,2026-03-01 23:57:23.48,x y,a;b\n0.5,2026-03-01 23:57:23,abcdefghijklmnopqrstuvwx,\n-7.25,2026-03-01 23:57:23.999,abcdefghijklmnopqrstuvwxy,c\n"), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		opts []string
		want string
	}{
		{nil, "5.2E+3,\"2026-03-01 23:57:23.48\",\"x y\",a;b\n0.5,\"2026-03-01 23:57:23\",abcdefghijklmnopqrstuvwx,\n-7.25,\"2026-03-01 23:57:23.999\",\"abcdefghijklmnopqrstuvwxy\",c\n"},
		{[]string{"write-bigdecimal-in-scientific-notation", "false", "disable-quote-character", "true", "field-delimiter", ";", "array-element-delimiter", "+"},
			"5200;2026-03-01 23:57:23.48;x y;a+b\n0.5;2026-03-01 23:57:23;abcdefghijklmnopqrstuvwx;\n-7.25;2026-03-01 23:57:23.999;abcdefghijklmnopqrstuvwxy;c\n"},
	} {
		e, err := NewEncoder(spec(s, c.opts...))
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Encode(nil, b)
		if err != nil || string(out) != c.want {
			t.Errorf("%s\nwant %s", out, c.want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	s := append(slices.Clone(formattest.All), formattest.Nested[0])
	for seed := range uint64(20) {
		for _, opts := range [][]string{{"null-literal", "\\N"}, {"null-literal", "\\N", "field-delimiter", "\t", "quote-character", "'"}, {"null-literal", "~", "escape-character", "\\", "field-delimiter", "|"},
			{"null-literal", "~", "allow-comments", "true", "write-bigdecimal-in-scientific-notation", "false"}} {
			b := formattest.Random(s, 200, seed)
			e, err := NewEncoder(spec(s, opts...))
			if err != nil {
				t.Fatal(err)
			}
			text, err := e.Encode(nil, b)
			if err != nil {
				t.Fatal(err)
			}
			rows, _, err := decode(t, spec(s, opts...), string(text), 1000)
			if err != nil {
				t.Fatal(err)
			}
			// an array with no elements reads as one with none, one of one empty number cannot occur; NULL arrays are [NULL]
			want := formattest.Rows(b)
			for i := range want {
				if strings.HasSuffix(want[i], "|NULL") {
					want[i] = strings.TrimSuffix(want[i], "NULL") + "[NULL]"
				}
				if rows[i] != want[i] {
					t.Fatalf("seed %d %q row %d:\n%s\n%s", seed, opts, i, rows[i], want[i])
				}
			}
		}
	}
}

func TestBadOptions(t *testing.T) {
	s := types.Schema{field("a", types.TInt)}
	for _, opts := range [][]string{{"field-delimiter", "ab"}, {"field-delimiter", ""}, {"quote-character", "é"}, {"field-delimiter", "\""}, {"disable-quote-character", "true", "quote-character", "'"},
		{"allow-comments", "maybe"}, {"array-element-delimiter", ""}} {
		if _, err := NewDecoder(spec(s, opts...)); err == nil {
			t.Errorf("%q were taken", opts)
		}
	}
	for _, ty := range []types.Type{types.MapOf(types.TString, types.TInt), types.ArrayOf(types.ArrayOf(types.TInt)), {Kind: types.Time, Prec: 6}} {
		if _, err := NewDecoder(spec(types.Schema{field("a", ty)})); err == nil {
			t.Errorf("%s was taken", ty)
		}
	}
	for in, want := range map[string]byte{"\\t": '\t', "\\u0001": 1, ";": ';', "\\\\": '\\'} {
		if got, err := delimiter(in); err != nil || got != want {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}

// starts returns the record starts in text by the scanner.
func starts(sp format.Spec, text []byte) (out []int) {
	d, _ := NewDecoder(sp)
	cells := make([]cell, d.width)
	for i := 0; i < len(text); {
		out = append(out, i)
		c := text[i]
		if c == '\n' || c == '\r' || c == '#' {
			if skip, next := d.noRecord(text, i, true); skip {
				i = next
				continue
			}
		}
		i, _ = d.record(text, i, true, cells)
	}
	return out
}

// cuts returns the record starts in text by the cutter, given in pieces.
func cuts(sp format.Spec, text []byte, piece int) (out []int) {
	for target := 0; target < len(text); {
		c, _ := NewCutter(sp)
		found := -1
		for at := 0; at < len(text) && found < 0; at += piece {
			end := min(at+piece, len(text))
			if k := c.Cut(text[at:end], target-at); k >= 0 {
				found = at + k
			}
		}
		if found < 0 {
			break
		}
		out = append(out, found)
		target = found + 1
	}
	return out
}

var cutOptions = [][]string{nil, {"allow-comments", "true"}, {"escape-character", "\\"}, {"quote-character", "'", "field-delimiter", "\t"}, {"escape-character", "\\", "allow-comments", "true"}}

func checkCuts(t *testing.T, text []byte, opts []string, piece int) {
	sp := spec(types.Schema{field("a", types.TString), field("b", types.TString)}, opts...)
	want, got := starts(sp, text), cuts(sp, text, piece)
	// the cutter may see a record start in front of \n\n where the scanner takes a blank line as none; both list all line starts
	if !slices.Equal(got, want) {
		t.Fatalf("%q %q in pieces of %d: cut at %d, records start at %d", text, opts, piece, got, want)
	}
}

func TestCutter(t *testing.T) {
	for _, text := range []string{"a,b\nc,d\n", "a,\"b\nc\",d\ne\n", "\"\"\"\n\"\n", "x\"y\nz\"\n", "a\r\nb\rc\n", "# \"\na,b\n", "\"a\" \"\nb\n", "a\\\nb\n\"c\\\"\n\"\n", "\n\n\na\n", "a\t'\n'\nb", "\"a\" x\"\nb\n", "\"", "\r", "a,\"b\r\n\"\r\n\"c"} {
		for _, opts := range cutOptions {
			for piece := 1; piece <= len(text); piece++ {
				checkCuts(t, []byte(text), opts, piece)
			}
		}
	}
}

func FuzzCutter(f *testing.F) {
	f.Add([]byte("a,\"b\nc\",d\ne\n"), uint8(3), uint8(0))
	f.Fuzz(func(t *testing.T, text []byte, piece, opts uint8) {
		checkCuts(t, text, cutOptions[int(opts)%len(cutOptions)], int(piece)+1)
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("1,x,2024-01-01 00:00:00,1.5\n"), uint8(3), uint8(0))
	f.Add([]byte("\"1\",\"x\"\"\n\",,\r\n# c\n\n"), uint8(1), uint8(3))
	s := types.Schema{field("a", types.TInt), field("b", types.TString), field("c", types.TimestampOf(3)), field("d", types.DecimalOf(10, 2)), field("e", types.ArrayOf(types.TBigInt))}
	f.Fuzz(func(t *testing.T, text []byte, piece, opts uint8) {
		for _, ignore := range []string{"true", "false"} {
			sp := spec(s, append([]string{"ignore-parse-errors", ignore}, cutOptions[int(opts)%len(cutOptions)]...)...)
			whole, n, err := decode(t, sp, string(text), len(text)+1)
			rows, m, err2 := decode(t, sp, string(text), int(piece)+1)
			if !slices.Equal(whole, rows) && err == nil || n != m || (err == nil) != (err2 == nil) {
				t.Fatalf("%q: whole %q %d %v, in pieces %q %d %v", text, whole, n, err, rows, m, err2)
			}
			if err != nil && ignore == "true" {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkDecode reports the speed in bytes of text. Bids have few long cells, line items many
// short ones, wide rows very many; columns are how many are wanted.
func BenchmarkDecode(b *testing.B) {
	wide := formattest.Wide(500)
	for _, c := range []struct {
		name   string
		schema types.Schema
		rows   *vec.Batch
		few    []int
		opts   []string
	}{
		{"bid-quoted", formattest.Bid, formattest.Bids(16_384, false), []int{0, 2}, nil},
		{"bid-unquoted", formattest.Bid, formattest.Bids(16_384, false), []int{0, 2}, []string{"disable-quote-character", "true"}},
		{"bid-umlauts", formattest.Bid, formattest.Umlauts(formattest.Bids(16_384, false)), []int{0, 2}, nil},
		{"lineitem-quoted", formattest.Lineitem, formattest.Lineitems(16_384), []int{4, 10}, nil},
		{"lineitem-unquoted", formattest.Lineitem, formattest.Lineitems(16_384), []int{4, 10}, []string{"disable-quote-character", "true"}},
		{"wide", wide, formattest.WideRows(wide, 1024), []int{4, 250}, nil},
	} {
		e, err := NewEncoder(spec(c.schema, c.opts...))
		if err != nil {
			b.Fatal(err)
		}
		text, err := e.Encode(nil, c.rows)
		if err != nil {
			b.Fatal(err)
		}
		for _, cols := range [][]int{spec(c.schema).Columns, c.few} {
			b.Run(fmt.Sprintf("%s/columns=%d", c.name, len(cols)), func(b *testing.B) {
				sp := spec(c.schema) // plain text without quotes is read with quoting on
				sp.Columns = cols
				d, err := NewDecoder(sp)
				if err != nil {
					b.Fatal(err)
				}
				formattest.Speed(b, int64(len(text)), func() {
					for rest := text; len(rest) > 0; {
						_, n, err := d.Decode(rest, true)
						if err != nil {
							b.Fatal(err)
						}
						rest = rest[n:]
					}
				})
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	batch := formattest.Bids(4096, false)
	e, _ := NewEncoder(spec(formattest.Bid))
	var buf []byte
	for b.Loop() {
		buf, _ = e.Encode(buf[:0], batch)
		b.SetBytes(int64(len(buf)))
	}
}

func BenchmarkCut(b *testing.B) {
	e, _ := NewEncoder(spec(formattest.Bid))
	text, _ := e.Encode(nil, formattest.Bids(16_384, false))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c, _ := NewCutter(spec(formattest.Bid))
		c.Cut(text, len(text)-1)
	}
}
