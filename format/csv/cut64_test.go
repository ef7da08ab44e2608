package csv

import (
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
	read    int // bytes
	skipped int64
	err     string
	at      format.RecordError // with Offset and Line from the start; Err left out
}

func outcomeOf(t *testing.T, sp format.Spec, text []byte, plain, marked bool) (o outcome) {
	t.Helper()
	d, err := NewDecoder(sp)
	if err != nil {
		t.Fatal(err)
	}
	d.plain, d.marks = d.plain && plain, marked
	for len(text) > 0 {
		b, n, err := d.Decode(text, true)
		if err != nil {
			o.err = err.Error()
			var re *format.RecordError
			if errors.As(err, &re) {
				o.at = *re
				o.at.Err = nil
				o.at.Offset += o.read
				o.at.Line += len(o.rows)
			}
			break
		}
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		o.rows = append(o.rows, formattest.Rows(b)...)
		o.read += n
		text = text[n:]
	}
	o.skipped = d.Skipped()
	return o
}

func compareCuts(t *testing.T, sp format.Spec, text []byte) {
	t.Helper()
	slow := outcomeOf(t, sp, text, false, false)
	for _, marked := range []bool{false, true} { // marks are right also where they are not fast
		fast := outcomeOf(t, sp, text, true, marked)
		if slices.Equal(fast.rows, slow.rows) && fast.skipped == slow.skipped && (fast.read == slow.read || fast.err != "") && fast.err == slow.err && fast.at == slow.at {
			continue
		}
		for i := range min(len(fast.rows), len(slow.rows)) {
			if fast.rows[i] != slow.rows[i] {
				t.Fatalf("%q: row %d is %s when cut 64 bytes at a time, marks %v, else %s", sp.Options, i, fast.rows[i], marked, slow.rows[i])
			}
		}
		t.Fatalf("%q: 64 bytes at a time, marks %v, %d rows, %d skipped, %s, %+v\nelse %d rows, %d skipped, %s, %+v", sp.Options, marked,
			len(fast.rows), fast.skipped, fast.err, fast.at, len(slow.rows), slow.skipped, slow.err, slow.at)
	}
}

// plainOptions let records be cut 64 bytes at a time.
var plainOptions = [][]string{nil, {"ignore-parse-errors", "true"}, {"disable-quote-character", "true"}, {"field-delimiter", "\t", "quote-character", "'"},
	{"trim-spaces", "true"}, {"null-literal", "N"}, {"empty-string-as-null", "true"}, {"ignore-first-line", "true", "ignore-parse-errors", "true"},
	{"ignore-trailing-unmappable", "true", "ignore-parse-errors", "true", "fail-on-missing-columns", "true"}}

// What is cut 64 bytes at a time is what is cut record by record, whatever is in it.
func TestPlainRecordsAreAsOthers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	schemas := []types.Schema{
		append(slices.Clone(formattest.All), formattest.Nested...), formattest.Lineitem, {field("a", types.TString)},
		{field("a", types.TInt), field("b", types.TString), field("c", types.TDate)}, {field("b", types.TString), field("n", types.TBigInt)},
	}
	for round := range 400 {
		s := schemas[round%len(schemas)]
		opts := plainOptions[rng.IntN(len(plainOptions))]
		sp := spec(s, opts...)
		e, err := NewEncoder(sp)
		if err != nil {
			t.Fatal(err)
		}
		rows := formattest.Random(s, 300, uint64(round))
		if round%len(schemas) == 1 {
			rows = formattest.Lineitems(300)
		}
		text, err := e.Encode(nil, rows)
		if err != nil {
			t.Fatal(err)
		}
		if rng.IntN(3) == 0 {
			text = []byte(strings.ReplaceAll(string(text), "\n", "\r\n"))
		}
		for range rng.IntN(4) { // nothing may be wrong, too
			at := rng.IntN(len(text))
			with := []string{"\"", "'", ",", "\n", "\r", "\t", "\"\"", " ", "\xff", "é", "#", "9", "\n\n", "\"x,\ny\""}[rng.IntN(14)]
			text = slices.Concat(text[:at], []byte(with), text[min(at+rng.IntN(2), len(text)):])
		}
		compareCuts(t, sp, text)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("1,x,2024-01-01\n\"2\",\"y,\"\"\n\",\n3,z,2024-01-02\r\n"), uint8(0))
	s := types.Schema{field("a", types.TInt), field("b", types.TString), field("c", types.TDate)}
	f.Fuzz(func(t *testing.T, text []byte, opts uint8) {
		// behind enough plain text that the blocks of 64 bytes are not all cut short
		compareCuts(t, spec(s, plainOptions[int(opts)%len(plainOptions)]...), append([]byte(strings.Repeat("7,seven,2024-07-07\n", 7)), text...))
	})
}

// The fast way is taken where it is meant to be.
func TestPlainRecordsAreCutFast(t *testing.T) {
	for _, text := range []string{"1,x,2024-01-01\n", "1,\"x,\ny\",2024-01-01\n", "1,x,2024-01-01\r\n", "1,\"say \"\"x\"\"\",\n", "1,é,2024-01-01\n", "1,\"x\",\"2024-01-01\"\r\n"} {
		d, err := NewDecoder(spec(types.Schema{field("a", types.TInt), field("b", types.TString), field("c", types.TString)}))
		if err != nil {
			t.Fatal(err)
		}
		d.plainChunk([]byte(strings.Repeat(text, 100)), 0, 1000)
		if n := len(d.cut.starts); n < 10 {
			t.Errorf("%d of 100 records %q are cut", n, text)
		}
	}
}
