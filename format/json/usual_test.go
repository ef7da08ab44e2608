package json

import (
	stdjson "encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/formattest"
	"github.com/millrace-io/millrace/types"
)

// outcome is all that a caller sees of a text that is decoded.
type outcome struct {
	rows    []string
	skipped int64
	err     string
	at      format.RecordError // with Offset and Line from the start; Err left out
}

func (o *outcome) fail(err error, read int) {
	o.err = err.Error()
	var re *format.RecordError
	if errors.As(err, &re) {
		o.at = *re
		o.at.Err = nil
		o.at.Offset += read
		o.at.Line += len(o.rows)
	}
}

func whole(t *testing.T, sp format.Spec, text []byte, marked bool) (o outcome) {
	t.Helper()
	d, err := NewDecoder(sp)
	if err != nil {
		t.Fatal(err)
	}
	d.marks = marked
	for read := 0; read < len(text); {
		b, n, err := d.Decode(text[read:], true)
		if err != nil {
			o.fail(err, read)
			break
		}
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		o.rows = append(o.rows, formattest.Rows(b)...)
		read += n
	}
	o.skipped = d.Skipped()
	return o
}

// byGrammar decodes line by line with decoders that have seen no layout and know of
// no usual shapes.
func byGrammar(t *testing.T, sp format.Spec, text []byte) (o outcome) {
	t.Helper()
	var forget func(v *value)
	forget = func(v *value) {
		if v == nil {
			return
		}
		v.usual = none
		forget(v.elem)
		if v.object != nil {
			for _, f := range v.object.fields {
				forget(f.v)
			}
		}
	}
	read := 0
	for _, line := range strings.SplitAfter(string(text), "\n") {
		if line == "" {
			break
		}
		d, err := NewDecoder(sp)
		if err != nil {
			t.Fatal(err)
		}
		d.marks = false
		for _, f := range d.root.fields {
			forget(f.v)
		}
		b, n, err := d.Decode([]byte(line), true)
		if err != nil {
			o.fail(err, read)
			break
		}
		if n != len(line) {
			t.Fatalf("%d bytes of %q are read", n, line)
		}
		o.rows = append(o.rows, formattest.Rows(b)...)
		o.skipped += d.Skipped()
		read += len(line)
	}
	return o
}

// compareShapes compares what is read with and without marks with what the grammar says.
func compareShapes(t *testing.T, sp format.Spec, text []byte) {
	t.Helper()
	slow := byGrammar(t, sp, text)
	slow.at.Line = 0                             // lines without rows count or not by where a call ends
	for _, marked := range []bool{false, true} { // marks are right also where they are not fast
		fast := whole(t, sp, text, marked)
		fast.at.Line = 0
		if slices.Equal(fast.rows, slow.rows) && fast.skipped == slow.skipped && fast.err == slow.err && fast.at == slow.at {
			continue
		}
		for i := range min(len(fast.rows), len(slow.rows)) {
			if fast.rows[i] != slow.rows[i] {
				t.Fatalf("%q, marks %v: row %d is\n%s, by the grammar\n%s", sp.Options, marked, i, fast.rows[i], slow.rows[i])
			}
		}
		t.Fatalf("%q, marks %v: %d rows, %d skipped, %s, %+v\nby the grammar %d rows, %d skipped, %s, %+v", sp.Options, marked,
			len(fast.rows), fast.skipped, fast.err, fast.at, len(slow.rows), slow.skipped, slow.err, slow.at)
	}
}

var shapeOptions = [][]string{nil, {"ignore-parse-errors", "true"}, {"timestamp-format.standard", "ISO-8601", "ignore-parse-errors", "true"}, {"fail-on-missing-field", "true"},
	{"encode.ignore-null-fields", "true", "ignore-parse-errors", "true"}}

// What is read by layouts and usual shapes is what the grammar says.
func TestShapesAreReadAsTheGrammarSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	schemas := []types.Schema{
		slices.Concat(formattest.All, formattest.Nested, formattest.Deep), formattest.Lineitem, formattest.Bid,
		{col("a", types.TDouble), col("a rather long name of a column", types.TString), col("ts", types.TimestampOf(6)), col("z", types.LTZOf(0)), col("d", types.DecimalOf(18, 6))},
	}
	for round := range 160 {
		s := schemas[round%len(schemas)]
		sp := spec(s, shapeOptions[rng.IntN(len(shapeOptions))]...)
		e, err := NewEncoder(sp)
		if err != nil {
			t.Fatal(err)
		}
		rows := formattest.Random(s, 60, uint64(round))
		switch round % len(schemas) {
		case 1:
			rows = formattest.Lineitems(60)
		case 2:
			rows = formattest.Bids(60, round%8 == 2)
		}
		text, err := e.Encode(nil, rows)
		if err != nil {
			t.Fatal(err)
		}
		if rng.IntN(3) == 0 { // as Python's json writes
			text = []byte(strings.ReplaceAll(strings.ReplaceAll(string(text), "\":", "\": "), ",\"", ", \""))
		}
		if rng.IntN(3) == 0 { // only some columns, in another order
			rng.Shuffle(len(sp.Columns), func(i, j int) { sp.Columns[i], sp.Columns[j] = sp.Columns[j], sp.Columns[i] })
			sp.Columns = sp.Columns[:1+rng.IntN(len(sp.Columns))]
		}
		for range rng.IntN(5) { // nothing may be wrong, too
			at := rng.IntN(len(text))
			with := []string{"\"", "\\", ",", "\n", "{", "}", "0", "-", ".", "e", "\xff", "é", "\\u00e9", " ", "\t", "\x01", "null", "\"x\":1,"}[rng.IntN(18)]
			text = slices.Concat(text[:at], []byte(with), text[min(at+rng.IntN(2), len(text)):])
		}
		compareShapes(t, sp, text)
	}
}

func FuzzShapes(f *testing.F) {
	f.Add([]byte(`{"i":1,"n":7,"s":"text, and more of it","f":1.5,"d":"2024-01-02","ts":"2024-01-02 03:04:05.678","dec":12.34}`+"\n"), uint8(0))
	f.Add([]byte(`{"i":01,"n":-0,"s":"\u0041","f":1e5,"d":"2024-02-30","ts":"2024-01-02T03:04:05Z","dec":.5,"i":2}`+"\n"), uint8(1))
	f.Add([]byte(strings.Repeat(`{"i":8,"n":-1234567,"s":"with \" and \\","f":null,"d":"2024-07-07","ts":"2024-07-07 07:07:07","dec":7.7,"r":{"x":"y"}}`+"\r\n", 3)), uint8(2))
	f.Add([]byte(strings.Repeat(`{"i":"8","n":1.5,"s":true,"f":"0.5","d":null,"ts":"2024-07-07 07:07:07.123","dec":-7.77}`+"\n", 3)+`{"i":"x"`), uint8(4))
	s := types.Schema{col("i", types.TInt), col("n", types.TBigInt), col("s", types.TString), col("f", types.TDouble), col("d", types.TDate), col("ts", types.TimestampOf(3)),
		col("dec", types.DecimalOf(9, 2)), col("r", types.RowOf(col("x", types.TString)))}
	f.Fuzz(func(t *testing.T, text []byte, opts uint8) {
		const usual = `{"i":7,"n":-7,"s":"x","f":0.25,"d":"2024-07-07","ts":"2024-07-07 07:07:07","dec":7.77,"r":{"x":"y"}}` + "\n"
		compareShapes(t, spec(s, shapeOptions[int(opts)%len(shapeOptions)]...), slices.Concat([]byte(usual), text))
	})
}

// The usual shapes are read as such, else there is no use in them.
func TestUsualShapesAreTaken(t *testing.T) {
	const behind = `,"and so on":"more than thirty bytes of it"}` + "\n"
	for _, c := range []struct {
		typ  types.Type
		text string
	}{
		{types.TString, `"text with ünicode"`}, {types.TString, `"escaped \" text"`}, {types.TBigInt, "1234567890123456"}, {types.TBigInt, "-7"}, {types.TInt, "0"},
		{types.DecimalOf(15, 2), "21168.23"}, {types.DecimalOf(15, 2), "17"}, {types.TDouble, "-0.125"}, {types.TDate, `"1996-03-13"`},
		{types.TimestampOf(3), `"2024-01-02 03:04:05"`}, {types.TimestampOf(6), `"2024-01-02 03:04:05.123456"`}, {types.LTZOf(3), `"2024-01-02 03:04:05.678Z"`},
	} {
		sp := spec(types.Schema{col("a", c.typ)})
		d, err := NewDecoder(sp)
		if err != nil {
			t.Fatal(err)
		}
		if end := d.usual(d.root.fields[0].v, []byte(c.text+behind), 0); end != len(c.text) {
			t.Errorf("%s as %s: %d", c.text, c.typ.Name(), end)
		}
	}
}

// Numbers are JSON's, also where they are skipped.
func TestNumbersAreJSON(t *testing.T) {
	for _, text := range []string{"0", "-0", "7", "-7.5", "0.5", "1e5", "1E-5", "12345678901234567890", "01", "-01", "00", "1.", "-", "-.5", ".5", "+1", "1.5.2", "1e", "--1", "1-", "0x1", "1_0", "1 2"} {
		for _, typ := range []types.Type{types.TBigInt, types.TInt, types.DecimalOf(10, 2), types.TDouble, types.TString} {
			sp := spec(types.Schema{col("a", typ), col("b", typ)})
			sp.Columns = []int{0}
			for _, line := range []string{`{"a":` + text + `,"b":0,"c":"more than sixteen bytes"}`, `{"b":` + text + `,"c":"more than sixteen bytes"}`} {
				d, err := NewDecoder(sp)
				if err != nil {
					t.Fatal(err)
				}
				_, _, err = d.Decode([]byte(line+"\n"), true)
				if valid := stdjson.Valid([]byte(line)); !valid && err == nil || valid && err != nil && !strings.Contains(err.Error(), typ.Name()) {
					t.Errorf("%s with %s: %v", line, typ.Name(), err)
				}
			}
		}
	}
}
