package statements_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// An aggregate over different values that is done by buckets first gives the rows of
// one that is not: over rows that come and rows that change, by key and of all, in
// mini-batches and without.
func TestSplitDistinct(t *testing.T) {
	t.Chdir(t.TempDir())
	r := rand.New(rand.NewPCG(1, 1))
	var rows strings.Builder
	cell := func(n int) string {
		if r.IntN(8) == 0 {
			return "NULL"
		}
		return fmt.Sprint(r.IntN(n))
	}
	for id := range 400 {
		fmt.Fprintf(&rows, "%d,%s,%s,%s,w%s\n", id%150, cell(4), cell(20), cell(50), cell(9))
	}
	if err := os.WriteFile("in.csv", []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	const calls = "COUNT(DISTINCT v), SUM(DISTINCT v), COUNT(*), COUNT(y), SUM(y), MIN(y), MAX(DISTINCT s), COUNT(DISTINCT v) FILTER (WHERE y > 20), " +
		"AVG(DISTINCT v), AVG(y), AVG(DISTINCT v) FILTER (WHERE y > 20), AVG(CAST(y AS DECIMAL(10, 2)) / 3), AVG(CAST(y AS DOUBLE)), AVG(CAST(y AS FLOAT)), AVG(CAST(y AS TINYINT))"
	// The newest row of each id: a table whose rows change.
	const newest = "(SELECT id, LAST_VALUE(k) AS k, LAST_VALUE(v) AS v, LAST_VALUE(y) AS y, LAST_VALUE(s) AS s FROM t GROUP BY id)"
	for _, q := range []struct {
		query string
		split bool
	}{
		{"SELECT k, " + calls + " FROM t GROUP BY k", true},
		{"SELECT " + calls + " FROM t", true},
		{"SELECT " + calls + " FROM t WHERE id < 0", true},
		{"SELECT k, " + calls + " FROM " + newest + " GROUP BY k", true},
		{"SELECT " + calls + " FROM " + newest, true},
		{"SELECT COUNT(DISTINCT s), MIN(s) FROM t", true},
		{"SELECT k FROM (SELECT k, COUNT(DISTINCT v) AS n FROM t GROUP BY k) WHERE n > 18", true},
		{"SELECT COUNT(DISTINCT v), COUNT(DISTINCT s) FROM t", false},
		{"SELECT AVG(DISTINCT v) FROM t WHERE v IS NULL", true},
		{"SELECT k, AVG(DISTINCT CAST(v AS DECIMAL(12, 8)) / 7) FROM t GROUP BY k", true},
		{"SELECT AVG(y) FROM t", false},
		{"SELECT COUNT(DISTINCT v), LISTAGG(s) FILTER (WHERE v < 0) FROM t", false},
		{"SELECT v, COUNT(DISTINCT v) FROM t GROUP BY v", false},
	} {
		var want []string
		for _, options := range []map[string]string{
			nil,
			{"table.optimizer.distinct-agg.split.enabled": "true", "table.optimizer.distinct-agg.split.bucket-num": "3"},
			{"table.optimizer.distinct-agg.split.enabled": "true", "table.exec.mini-batch.enabled": "true",
				"table.exec.mini-batch.allow-latency": "1 s", "table.exec.mini-batch.size": "7"},
		} {
			s := session(t, options)
			must(t, s, "CREATE TABLE t (id INT, k INT, v INT, y INT, s STRING) WITH ('connector' = 'filesystem', 'path' = 'in.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL')")
			must(t, s, "SET 'parallelism.default' = '2'")
			plan := strings.Join(must(t, s, "EXPLAIN "+q.query), "\n")
			if got := strings.Contains(plan, "bucket$"); got != (q.split && options != nil) {
				t.Errorf("%s\nby buckets: %t\n%s", q.query, got, plan)
			}
			got := final(t, s, q.query)
			if options == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s\ngot  %v\nwant %v", q.query, got, want)
			}
		}
	}
}

// final runs a query as a stream and returns the rows that its changes add up to.
func final(t *testing.T, s *millrace.Session, query string) []string {
	t.Helper()
	there := map[string]int{}
	for st, err := range s.Script("t.sql", query) {
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Execute(context.Background(), st, func(_ types.Schema, b *vec.Batch) error {
			for i := range b.Len() {
				text := row(b, b.Row(i))
				if b.Kind(b.Row(i)).Adds() {
					there[text]++
				} else if there[text]--; there[text] < 0 {
					t.Errorf("%s\ntakes back %s, which is not there", query, text)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Job.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	var rows []string
	for text, n := range there {
		for range n {
			rows = append(rows, text)
		}
	}
	slices.Sort(rows)
	return rows
}
