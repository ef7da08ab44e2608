// Package functions checks the built-in functions and casts against what Apache
// Flink 2.3.0 gave for them: values, types with nullability, and what NULL does.
package functions

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/internal/testkit"
)

// A sample is a line of testdata/functions.tsv.
type sample struct{ name, call, typ, result string }

const unknown = "-" // what was not recorded

func samples(t *testing.T) []sample {
	data, err := os.ReadFile("testdata/functions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var out []sample
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 4 {
			t.Fatalf("not four cells: %q", line)
		}
		out = append(out, sample{f[0], f[1], f[2], f[3]})
	}
	return out
}

// otherType are the samples whose type differs from Flink's, each with its reason.
var otherType = map[string]string{
	"LPAD('hi', 4, '?')":                       "it gives NULL for a negative length, so it is nullable",
	"RPAD('hi', 4, '?')":                       "as LPAD",
	"SHA2('a', 256)":                           "it gives NULL for other lengths, so it is nullable",
	"ELEMENT(ARRAY[1])":                        "it gives NULL for an empty array, so it is nullable",
	"INTERVAL '10 00:00:00.004' DAY TO SECOND": "intervals have one precision",
}

// TestSamples runs the samples in both modes.
func TestSamples(t *testing.T) {
	list := samples(t)
	if len(list) < 500 {
		t.Fatalf("%d samples", len(list))
	}
	for _, mode := range []string{testkit.Batch, testkit.Stream} {
		t.Run(mode, func(t *testing.T) {
			for _, s := range list {
				t.Run(s.call, func(t *testing.T) {
					t.Parallel()
					s.check(t, mode)
				})
			}
		})
	}
}

func (s sample) check(t *testing.T, mode string) {
	text, ok := s.query(mode)
	if !ok {
		return
	}
	changes, err := testkit.Script{File: "sample.sql", Text: text, Mode: mode, Defaults: map[string]string{"table.local-time-zone": "UTC"}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := testkit.Fold(changes)
	if err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	cells := rowtext.Parse(rows[0])
	got := cells[0].Text
	if cells[0].Null {
		got = "NULL"
	}
	if s.result != unknown && got != s.result && !sameNumber(got, s.result) {
		t.Errorf("it is %s, want %s", got, s.result)
	}
	reason, differs := otherType[s.call]
	if typ := cells[1].Text; s.typ != unknown && (typ != s.typ) != differs {
		t.Errorf("its type is %s, want %s (%s)", typ, s.typ, reason)
	}
}

// query makes the sample a query of its value and its type.
func (s sample) query(mode string) (string, bool) {
	const from = ` FROM (SELECT k, x, i, s, BITMAP_BUILD(ARRAY[i]) AS bm
		FROM (VALUES ('a', CAST(1.5 AS DOUBLE), CAST(1 AS INT), CAST('p' AS STRING)), ('a', CAST(NULL AS DOUBLE), CAST(NULL AS INT), CAST(NULL AS STRING))) AS v(k, x, i, s))`
	if call, ok := strings.CutPrefix(s.call, "AGG:"); ok {
		if strings.HasPrefix(call, "SINGLE_VALUE") {
			return "SELECT v, TYPEOF(v) FROM (SELECT " + call + " AS v" + from + " WHERE i = 1)", true
		}
		if strings.HasPrefix(call, "JSON_OBJECTAGG") {
			return "SELECT v, TYPEOF(v) FROM (SELECT k, " + call + " AS v" + from + " WHERE i = 1 GROUP BY k)", true
		}
		return "SELECT v, TYPEOF(v) FROM (SELECT k, " + call + " AS v" + from + " GROUP BY k)", true
	}
	if call, ok := strings.CutPrefix(s.call, "OVER:"); ok {
		return "SELECT v, TYPEOF(v) FROM (SELECT " + call + " OVER (PARTITION BY k ORDER BY i) AS v" + from + ")", mode == testkit.Batch
	}
	return "SELECT " + s.call + ", TYPEOF(" + s.call + ")", true
}

// sameNumber compares the texts of two DOUBLEs. The last bit of what is computed by
// series (COT) is not Java's.
func sameNumber(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err == nil && err2 == nil && math.Abs(x-y) <= 4e-16*math.Abs(x)
}
