package nexmark

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/bench/queries"
	"github.com/millrace-io/millrace/internal/testkit"
)

// cepQueries are the CEP set, nexmark.md section 4.
var cepQueries = []struct{ name, text string }{
	{"cep_q0", `SELECT * FROM bid MATCH_RECOGNIZE (
  PARTITION BY auction, bidder
  ORDER BY ` + "`dateTime`" + `
  MEASURES START_ROW.` + "`dateTime`" + ` AS start_tstamp, LAST(PRICE_DOWN.` + "`dateTime`" + `) AS bottom_tstamp, LAST(PRICE_UP.` + "`dateTime`" + `) AS end_tstamp
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST PRICE_UP
  PATTERN (START_ROW PRICE_DOWN+ PRICE_UP)
  DEFINE
    PRICE_DOWN AS (LAST(PRICE_DOWN.price, 1) IS NULL AND PRICE_DOWN.price < START_ROW.price) OR PRICE_DOWN.price < LAST(PRICE_DOWN.price, 1),
    PRICE_UP AS PRICE_UP.price > LAST(PRICE_DOWN.price, 1))`},
	{"cep_q1", cepAverage("PAST LAST ROW")},
	{"cep_q2", cepAverage("TO NEXT ROW")},
	{"cep_q3", `SELECT * FROM bid MATCH_RECOGNIZE (
  PARTITION BY auction, bidder
  ORDER BY ` + "`dateTime`" + `
  MEASURES C.` + "`dateTime`" + ` AS drop_time, A.price - C.price AS drop_diff
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B* C) WITHIN INTERVAL '5' SECOND
  DEFINE B AS B.price > A.price - 50, C AS C.price < A.price - 50)`},
}

func cepAverage(skip string) string {
	return `SELECT * FROM bid MATCH_RECOGNIZE (
  PARTITION BY auction, bidder
  ORDER BY ` + "`dateTime`" + `
  MEASURES FIRST(A.` + "`dateTime`" + `) AS start_tstamp, LAST(A.` + "`dateTime`" + `) AS end_tstamp, AVG(A.price) AS avg_price
  ONE ROW PER MATCH
  AFTER MATCH SKIP ` + skip + `
  PATTERN (A+ B)
  DEFINE A AS AVG(A.price) < 10000)`
}

// TestCEP runs the CEP set in both modes, at parallelism 1 and 2.
func TestCEP(t *testing.T) {
	data, err := filepath.Abs(filepath.Join("data", "main"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range cepQueries {
		want, err := recorded("main", q.name)
		if err != nil || want == nil {
			t.Fatalf("%s: no result is recorded: %v", q.name, err)
		}
		text := queries.Script(slices.Concat(queries.Files(data, ".json.gz", "json"), []string{q.text})...)
		for _, mode := range []string{testkit.Batch, testkit.Stream} {
			for _, parallelism := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s/%s/%d", q.name, mode, parallelism), func(t *testing.T) {
					changes, err := testkit.Script{File: q.name, Text: text, Mode: mode, Parallelism: parallelism}.Run(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					rows, err := testkit.Fold(changes)
					if err != nil {
						t.Fatal(err)
					}
					if d := want.diff(rows); d != "" {
						t.Error(d)
					}
				})
			}
		}
	}
}
