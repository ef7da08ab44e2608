package json

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func col(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

var spec = formattest.Spec

func decode(t *testing.T, sp format.Spec, text string, piece int) (rows []string, skipped int64, err error) {
	t.Helper()
	d, err := NewDecoder(sp)
	if err != nil {
		return nil, 0, err
	}
	return formattest.Decode(t, d, text, piece, formattest.Rows)
}

const loose = `{"id":1,"f":1.5,"s":"x","ok":true,"dt":"2024-01-01","ts":"2024-01-01T10:00:00.5","n":12.345}
{"id":"2","f":"2.5","s":7,"ok":"true","ts":"2024-01-01T10:00:00Z","extra":[1]}
{"id":3,"s":{"a":1},"ok":null,"dt":"bad","n":"99999999"}
not json at all
{"id":4.7,"f":null,"s":[1,2],"ts":"2024-01-01 10:00:00"}
{}
`

func TestDecode(t *testing.T) {
	two := types.Schema{col("a", types.TBigInt), col("b", types.TString)}
	nested := types.Schema{col("r", types.RowOf(col("x", types.TInt), col("y", types.ArrayOf(types.TString)))), col("m", types.MapOf(types.TString, types.TInt)), col("z", types.TInt)}
	str := types.Schema{col("s", types.TString)}
	for _, c := range []struct {
		name   string
		schema types.Schema
		opts   []string
		text   string
		want   []string // rows, or the error behind "!"
	}{
		{"plain", two, nil, "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}", []string{`1|"x"`, `2|"y"`}},
		{"blanks", two, nil, " { \"a\" : 1 ,\t\"b\" :\"x\" } \r\n\n  \n{\"a\":2}\r\n", []string{`1|"x"`, `2|NULL`}},
		{"another order", two, nil, "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"a\":2}\n{\"b\":\"z\",\"a\":3}\n{\"a\":4,\"b\":\"w\"}\n", []string{`1|"x"`, `2|"y"`, `3|"z"`, `4|"w"`}},
		{"unknown fields", two, nil, "{\"x\":{\"a\":[1,{\"b\":\"}\"}]},\"a\":1,\"y\":null,\"b\":\"x\",\"z\":-1.5e+3}\n", []string{`1|"x"`}},
		{"twice", two, nil, "{\"a\":1,\"a\":2,\"b\":\"x\",\"b\":\"yy\",\"a\":3}\n", []string{`3|"yy"`}},
		{"missing", two, nil, "{}\n{\"b\":\"x\"}\n", []string{`NULL|NULL`, `NULL|"x"`}},
		{"array of records", two, nil, "[{\"a\":1}, {\"a\":2}]\n[]\n", []string{`1|NULL`, `2|NULL`}},
		{"escapes", str, nil, `{"s":"a\"\\\/\b\f\n\r\t\u00e9\u65e5\ud83d\ude00"}` + "\n" + `{"s":"\ud83d x \ude00 \ud83d\u0041"}` + "\n", []string{`"a\"\\/\b\f\n\r\té日😀"`, `"? x ? ?A"`}},
		{"escaped key", two, nil, `{"\u0061":1,"b\"":3}` + "\n" + `{"\u0061":2}` + "\n", []string{`1|NULL`, `2|NULL`}},
		{"strings of all", str, nil, "{\"s\":1.50}\n{\"s\":true}\n{\"s\":null}\n{\"s\": { \"a\" : [ 1 , \"x\\/\\u0001 y\" ] } }\n", []string{`"1.50"`, `"true"`, `NULL`, `"{\"a\":[1,\"x/\\u0001 y\"]}"`}},
		{"nested", nested, nil, "{\"r\":{\"y\":[\"p\",null,\"q\"],\"x\":1},\"m\":{\"a\":1,\"b\":2,\"a\":3},\"z\":1}\n{\"r\":{},\"m\":{},\"z\":2}\n{\"r\":null,\"m\":null}\n", []string{`(1,["p",NULL,"q"])|{"b"=2,"a"=3}|1`, `(NULL,NULL)|{}|2`, `NULL|NULL|NULL`}},
		{"nested, bad inside", nested, []string{"ignore-parse-errors", "true"}, "{\"r\":{\"y\":[1,{\"q\":2},[]],\"x\":\"bad\"},\"m\":{\"a\":\"bad\"},\"z\":{}}\n{\"r\":7,\"m\":[],\"z\":2}\n", []string{`(NULL,["1","{\"q\":2}","[]"])|{"a"=NULL}|NULL`, `NULL|NULL|2`}},
		{"numbers", types.Schema{col("t", types.Of(types.TinyInt)), col("i", types.TInt), col("l", types.TBigInt), col("d", types.TDouble), col("n", types.DecimalOf(38, 2))}, nil,
			"{\"t\":-128,\"i\":-2147483648,\"l\":-9223372036854775808,\"d\":1e-3,\"n\":1e3}\n{\"t\":\" 7 \",\"i\":4.9,\"l\":1e18,\"d\":\"NaN\",\"n\":\" 1.005 \"}\n{\"t\":0,\"i\":-0,\"l\":12345678901234567,\"d\":0,\"n\":12345678901234567890123456789012345678901}\n",
			[]string{`-128|-2147483648|-9223372036854775808|0.001|100000`, `7|4|1000000000000000000|NaN|101`, `0|0|12345678901234567|0|NULL`}},
		{"int overflow", types.Schema{col("i", types.TInt)}, nil, "{\"i\":2147483648}\n", []string{"!column 'i': '2147483648' is out of range of INT"}},
		{"tinyint overflow", types.Schema{col("i", types.Of(types.TinyInt))}, nil, "{\"i\":128}\n", []string{"!column 'i': '128' is out of range of TINYINT"}},
		{"bigint overflow", two, nil, "{\"a\":9223372036854775808}\n", []string{"!column 'a': '9223372036854775808' is out of range of BIGINT"}},
		{"float overflow", types.Schema{col("i", types.TInt)}, nil, "{\"i\":3e9}\n", []string{"!column 'i': '3e9' is out of range of INT"}},
		{"fraction for tinyint", types.Schema{col("i", types.Of(types.TinyInt))}, nil, "{\"i\":1.5}\n", []string{"!column 'i': '1.5' is not a valid TINYINT"}},
		{"bad nested column", nested, nil, "{\"r\":{\"x\":\"bad\"}}\n", []string{"!column 'r.x': 'bad' is not a valid INT"}},
		{"object for a number", two, nil, "{\"a\":{}}\n", []string{"!column 'a': a JSON object or array is not a valid BIGINT"}},
		{"not an array", types.Schema{col("a", types.ArrayOf(types.TInt))}, nil, "{\"a\":{}}\n", []string{"!column 'a': the value is not a JSON array"}},
		{"times", types.Schema{col("d", types.TDate), col("t", types.Type{Kind: types.Time, Prec: 3}), col("ts", types.TimestampOf(3)), col("u", types.TimestampOf(9)), col("z", types.LTZOf(3))}, nil,
			"{\"d\":\"2024-02-29\",\"t\":\"12:34:56.7899\",\"ts\":\"2024-01-01 10:00:00.5678\",\"u\":\"1969-12-31 23:59:59.123456789\",\"z\":\"2024-01-01 10:00:00Z\"}\n{\"ts\":\"2024-01-01 10:00:00\"}\n",
			[]string{`19782|45296789|1704103200567000|-876543211|1704103200000000`, `NULL|NULL|1704103200000000|NULL|NULL`}},
		{"iso with SQL times", types.Schema{col("ts", types.TimestampOf(3))}, nil, "{\"ts\":\"2024-01-01T10:00:00\"}\n", []string{"!column 'ts': '2024-01-01T10:00:00' is not a valid TIMESTAMP(3)"}},
		{"number for a time", types.Schema{col("ts", types.TimestampOf(3))}, nil, "{\"ts\":1704103200}\n", []string{"!column 'ts': '1704103200' is not a valid TIMESTAMP(3)"}},
		{"bytes", types.Schema{col("b", types.TBytes)}, nil, "{\"b\":\"AQI=\"}\n", []string{`"\x01\x02"`}},
		{"conformance 196", types.Schema{col("id", types.TInt), col("f", types.TDouble), col("s", types.TString), col("ok", types.TBoolean), col("dt", types.TDate), col("ts", types.TimestampOf(3)), col("n", types.DecimalOf(6, 2))},
			[]string{"ignore-parse-errors", "true", "timestamp-format.standard", "ISO-8601"}, loose,
			[]string{`1|1.5|"x"|true|19723|1704103200500000|1235`, `2|2.5|"7"|true|NULL|NULL|NULL`, `3|NULL|"{\"a\":1}"|NULL|NULL|NULL|NULL`, `4|NULL|"[1,2]"|NULL|NULL|NULL|NULL`, `NULL|NULL|NULL|NULL|NULL|NULL|NULL`}},
		{"conformance 197", types.Schema{col("id", types.TInt), col("dt", types.TDate)}, []string{"fail-on-missing-field", "true", "ignore-parse-errors", "false"}, loose, []string{"!column 'dt': some field is missing in the JSON data"}},
		{"not JSON", two, nil, "{\"a\":1\n", []string{"!the line is not valid JSON"}},
		{"not an object", two, nil, "1\n", []string{"!the line is not a JSON object"}},
		{"text behind", two, nil, "{\"a\":1} x\n", []string{"!text follows the JSON object"}},
		{"text behind ignored", two, []string{"ignore-parse-errors", "true"}, "{\"a\":1} x\n{\"a\":2}\n", []string{"1|NULL", "2|NULL"}},
		{"not UTF-8", two, nil, "{\"b\":\"\xff\"}\n", []string{"!the text is not UTF-8"}},
		{"not UTF-8 ignored", two, []string{"ignore-parse-errors", "true"}, "{\"a\":1}\n{\"b\":\"\xff\"}\n{\"a\":2}\n", []string{"1|NULL", "2|NULL"}},
		{"case counts", two, nil, "{\"A\":1,\"B\":\"x\"}\n", []string{"NULL|NULL"}},
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

// What is not JSON is refused wherever it stands: in a wanted, an unwanted and
// an unknown field.
func TestRefusesWhatIsNotJSON(t *testing.T) {
	s := types.Schema{col("a", types.TBigInt), col("b", types.TString), col("c", types.TDouble)}
	for _, bad := range []string{"01", "-", "+1", "1.", ".5", "1e", "0x1", "1 2", "tru", "True", "nul", "NaN", "'x'", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\t\"", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "[1", "{\"a\":1", "{\"a\":1,}", "1}", "", "\"a\"\"b\"", "--1", "1e+", "00", "-01"} {
		for _, name := range []string{"a", "b", "c", "unknown"} {
			line := "{\"" + name + "\":" + bad + "}\n"
			if stdjson.Valid([]byte(line)) {
				t.Fatalf("%s is JSON", line)
			}
			sp := spec(s)
			sp.Columns = []int{0, 1}
			if rows, _, err := decode(t, sp, line, 1<<20); err == nil {
				t.Errorf("%s was read as %q", line, rows)
			}
			sp.Options = connect.Options{"ignore-parse-errors": "true"}
			rows, n, err := decode(t, sp, line+"{\"a\":1}\n", 1<<20)
			if err != nil || n != 1 && bad != "1}" || n == 1 && !slices.Equal(rows, []string{"1|NULL"}) {
				t.Errorf("%s: %q %d %v", line, rows, n, err)
			}
		}
	}
	deep := strings.Repeat("[", depthMax+1) + strings.Repeat("]", depthMax+1)
	if _, _, err := decode(t, spec(s), "{\"x\":"+deep+"}\n", 1<<20); err == nil {
		t.Error("too deep was read")
	}
}

func TestRecordErrorNamesThePlace(t *testing.T) {
	d, err := NewDecoder(spec(types.Schema{col("a", types.TInt)}))
	if err != nil {
		t.Fatal(err)
	}
	text := "\n{\"a\":\"bad\"}\n"
	_, _, err = d.Decode([]byte(text), true)
	var re *format.RecordError
	if !errors.As(err, &re) || re.Offset != 1 || re.Line != 1 || re.Column != "a" || re.Record != "{\"a\":\"bad\"}" {
		t.Fatalf("%+v", err)
	}
	blanks := strings.Repeat(" \n", partBytesMin)
	_, _, err = d.Decode([]byte(blanks+text), true)
	if !errors.As(err, &re) || re.Offset != len(blanks)+1 || re.Line != partBytesMin+1 || re.Record != "{\"a\":\"bad\"}" {
		t.Fatalf("behind many lines: %+v", re)
	}
	b, n, err := d.Decode([]byte("{\"a\":1}\n{\n"), true)
	if err != nil || b.Rows != 1 || n != 8 {
		t.Fatal("rows before a broken record come first", b, n, err)
	}
}

func TestManyRowsAndLongLines(t *testing.T) {
	s := types.Schema{col("a", types.TBigInt), col("b", types.TString)}
	rows, _, err := decode(t, spec(s), strings.Repeat("{\"a\":1,\"b\":\"x\"}\n", 20_000), 1<<20)
	if err != nil || len(rows) != 20_000 {
		t.Fatal(len(rows), err)
	}
	for _, end := range []string{"\n", ""} {
		big := "{\"a\":1,\"b\":\"" + strings.Repeat("y", 20<<20) + "\"}" + end
		rows, _, err = decode(t, spec(s), big, len(big))
		if err != nil || len(rows) != 1 || len(rows[0]) != 20<<20+4 {
			t.Fatal(len(rows), err)
		}
	}
	var many strings.Builder
	many.WriteString("{\"m\":{")
	for i := range 5000 {
		fmt.Fprintf(&many, "\"k%d\":%d,", i%3000, i)
	}
	many.WriteString("\"k\":0}}\n")
	rows, _, err = decode(t, spec(types.Schema{col("m", types.MapOf(types.TString, types.TInt))}), many.String(), 1<<20)
	if err != nil || strings.Count(rows[0], "=") != 3001 || !strings.Contains(rows[0], `"k0"=3000,`) {
		t.Fatal(err, strings.Count(rows[0], "="))
	}
}

func TestRoundTrip(t *testing.T) {
	s := slices.Concat(formattest.All, formattest.Nested, formattest.Deep)
	for seed := range uint64(20) {
		for _, opts := range [][]string{nil, {"timestamp-format.standard", "ISO-8601", "encode.ignore-null-fields", "true", "encode.decimal-as-plain-number", "true"}} {
			b := formattest.Random(s, 200, seed)
			e, err := NewEncoder(spec(s, opts...))
			if err != nil {
				t.Fatal(err)
			}
			text, err := e.Encode(nil, b)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.SplitAfter(string(text), "\n") {
				if line != "" && !stdjson.Valid([]byte(line)) {
					t.Fatalf("%s", line)
				}
			}
			rows, _, err := decode(t, spec(s, opts...), string(text), 10_000)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range formattest.Rows(b) {
				// a NULL ROW is not told from one of NULLs by Random's printing only if the nested field is left out: both print NULL
				if rows[i] != want {
					t.Fatalf("seed %d %q row %d:\n%s\n%s", seed, opts, i, rows[i], want)
				}
			}
		}
	}
}

func TestEncode(t *testing.T) {
	s := types.Schema{col("a", types.TInt), col("d", types.DecimalOf(12, 3)), col("ts", types.TimestampOf(3)), col("f", types.TDouble), col("s", types.TString), col("m", types.MapOf(types.TString, types.TInt))}
	in := "{\"a\":1,\"d\":5200,\"ts\":\"2026-03-01 23:57:23.480\",\"f\":1e10,\"s\":\"a\\u0001\\\"/é\",\"m\":{\"k\":null}}\n{\"f\":\"NaN\",\"d\":14.20}\n"
	d, err := NewDecoder(spec(s))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := d.Decode([]byte(in), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		opts []string
		want string
	}{
		{nil, "{\"a\":1,\"d\":5.2E+3,\"ts\":\"2026-03-01 23:57:23.48\",\"f\":1.0E10,\"s\":\"a\\u0001\\\"/é\",\"m\":{\"k\":null}}\n{\"a\":null,\"d\":14.2,\"ts\":null,\"f\":\"NaN\",\"s\":null,\"m\":null}\n"},
		{[]string{"timestamp-format.standard", "ISO-8601", "encode.ignore-null-fields", "true", "encode.decimal-as-plain-number", "true"},
			"{\"a\":1,\"d\":5200.000,\"ts\":\"2026-03-01T23:57:23.48\",\"f\":1.0E10,\"s\":\"a\\u0001\\\"/é\",\"m\":{\"k\":null}}\n{\"d\":14.200,\"f\":\"NaN\"}\n"},
	} {
		e, err := NewEncoder(spec(s, c.opts...))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := e.Encode(nil, b); err != nil || string(out) != c.want {
			t.Errorf("%s %v\nwant %s", out, err, c.want)
		}
	}
}

func TestBadOptions(t *testing.T) {
	s := types.Schema{col("a", types.TInt)}
	for _, opts := range [][]string{{"timestamp-format.standard", "iso"}, {"fail-on-missing-field", "true", "ignore-parse-errors", "true"}, {"map-null-key.mode", "KEEP"}, {"ignore-parse-errors", "perhaps"}} {
		if _, err := NewDecoder(spec(s, opts...)); err == nil {
			t.Errorf("%q were taken", opts)
		}
	}
	if _, err := NewDecoder(spec(types.Schema{col("a", types.MapOf(types.TInt, types.TInt))})); err == nil {
		t.Error("a map by integers was taken")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(loose), uint8(3))
	f.Add([]byte("[{\"id\":1}]\n{\"m\":{\"a\":1,\"a\":[]},\"s\":\"\\ud83d\\ude00\"}"), uint8(1))
	s := types.Schema{col("id", types.TBigInt), col("s", types.TString), col("ts", types.TimestampOf(3)), col("n", types.DecimalOf(10, 2)), col("m", types.MapOf(types.TString, types.ArrayOf(types.TInt))), col("r", types.RowOf(col("x", types.TDouble)))}
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		for _, ignore := range []string{"true", "false"} {
			sp := spec(s, "ignore-parse-errors", ignore)
			whole, n, err := decode(t, sp, string(text), len(text)+1)
			rows, m, err2 := decode(t, sp, string(text), int(piece)+1)
			if !slices.Equal(whole, rows) || n != m || (err == nil) != (err2 == nil) {
				t.Fatalf("%q: whole %q %d %v, in pieces %q %d %v", text, whole, n, err, rows, m, err2)
			}
			if err != nil && ignore == "true" {
				t.Fatal(err)
			}
			if ignore == "false" && err == nil {
				for _, line := range strings.Split(string(text), "\n") {
					if line = strings.Trim(line, " \t\r"); line != "" && (!stdjson.Valid([]byte(line)) || !utf8.ValidString(line)) {
						t.Fatalf("%q is not JSON and was read", line)
					}
				}
			}
		}
	})
}

// BenchmarkDecode reports the speed in bytes of text. Bids have few long fields, line items many
// short ones, wide rows very many; columns are how many are wanted.
func BenchmarkDecode(b *testing.B) {
	wide := formattest.Wide(500)
	for _, c := range []struct {
		name   string
		schema types.Schema
		rows   *vec.Batch
		few    []int
	}{
		{"bid", formattest.Bid, formattest.Bids(16_384, false), []int{0, 2}},
		{"bid-escapes", formattest.Bid, formattest.Bids(16_384, true), []int{0, 2}},
		{"bid-umlauts", formattest.Bid, formattest.Umlauts(formattest.Bids(16_384, false)), []int{0, 2}},
		{"lineitem", formattest.Lineitem, formattest.Lineitems(16_384), []int{4, 10}},
		{"wide", wide, formattest.WideRows(wide, 1024), []int{4, 250}},
	} {
		e, err := NewEncoder(spec(c.schema))
		if err != nil {
			b.Fatal(err)
		}
		text, err := e.Encode(nil, c.rows)
		if err != nil {
			b.Fatal(err)
		}
		for _, cols := range [][]int{spec(c.schema).Columns, c.few} {
			b.Run(fmt.Sprintf("%s/columns=%d", c.name, len(cols)), func(b *testing.B) {
				sp := spec(c.schema)
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
