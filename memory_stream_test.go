package millrace_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMemoryOfEventTime runs streams whose rows wait for the watermark, with more state
// than the budget: what is not used leaves memory, and the results are those of a
// batch. With all state in memory the same budget does not do.
func TestMemoryOfEventTime(t *testing.T) {
	if testing.Short() {
		t.Skip("needs more data than a short test has time for")
	}
	rows, folder := 300_000, t.TempDir()
	var text strings.Builder
	for i := range rows {
		fmt.Fprintf(&text, "%d,%d,a text that takes some room and then some more %d,%d\n", i, i*7919%(rows/3), i%100_000, i*31%977)
	}
	if err := os.WriteFile(filepath.Join(folder, "t.csv"), []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	table := fmt.Sprintf("CREATE TABLE t (id INT, k INT, s STRING, v INT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts - INTERVAL '10' MINUTE) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv');\n", folder)
	of := func(what, query string) string {
		return table + "SELECT COUNT(*), " + what + " FROM (" + query + ");"
	}
	const sides = "(SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '100' SECOND)) AS "
	for name, query := range map[string]string{
		"hop":           of("SUM(c), SUM(CHAR_LENGTH(s))", "SELECT s, id, COUNT(*) AS c FROM HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '50' SECOND, INTERVAL '100' SECOND) GROUP BY s, id, window_start, window_end"),
		"cumulate":      of("SUM(c), SUM(CHAR_LENGTH(s))", "SELECT s, id, COUNT(*) AS c, COUNT(DISTINCT v) AS d FROM CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '50' SECOND, INTERVAL '100' SECOND) GROUP BY s, id, window_start, window_end"),
		"interval join": of("SUM(CAST(id AS BIGINT)), SUM(w)", "SELECT a.*, b.v AS w FROM t AS a LEFT JOIN t AS b ON a.id = b.k AND b.ts BETWEEN a.ts - INTERVAL '1' MINUTE AND a.ts + INTERVAL '1' MINUTE"),
		"window join":   of("SUM(CAST(id AS BIGINT)), SUM(w)", "SELECT a.*, b.v AS w FROM "+sides+"a JOIN "+sides+"b ON a.id = b.k AND a.window_start = b.window_start AND a.window_end = b.window_end"),
		"session":       of("SUM(c), SUM(CHAR_LENGTH(s))", "SELECT s, COUNT(*) AS c, COUNT(DISTINCT v) AS d FROM SESSION(TABLE t PARTITION BY s, DESCRIPTOR(ts), INTERVAL '50' SECOND) GROUP BY s, window_start, window_end"),
		"over":          of("SUM(CAST(x AS BIGINT))", "SELECT id, SUM(v) OVER (PARTITION BY k ORDER BY ts) AS x, s FROM t"),
		"distinct over": of("SUM(CAST(x AS BIGINT))", "SELECT id, COUNT(DISTINCT s) OVER (PARTITION BY k ORDER BY ts) AS x, s FROM t"),
		"window top-n":  of("SUM(CAST(id AS BIGINT)), SUM(rn)", "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY id DESC) AS rn FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '100' SECOND)) WHERE rn <= 2"),
		"early": "SET 'table.exec.emit.early-fire.enabled' = 'true';\nSET 'table.exec.emit.early-fire.delay' = '100 ms';\n" +
			of("SUM(c), SUM(CHAR_LENGTH(s))", "SELECT s, COUNT(*) AS c, COUNT(DISTINCT v) AS d FROM t GROUP BY s, TUMBLE(ts, INTERVAL '100' SECOND)"),
		"match": of("SUM(CAST(a AS BIGINT)), SUM(CAST(c AS BIGINT))", "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a, C.id AS c, B.s AS s AFTER MATCH SKIP PAST LAST ROW PATTERN (A B C) DEFINE B AS B.id > A.id, C AS C.id > A.id)"),
	} {
		t.Run(name, func(t *testing.T) {
			want, err := run(batchOf(""), query)
			if err != nil {
				t.Fatal(err)
			}
			opts := map[string]string{"memory.size": "24mb", "parallelism.default": "2"}
			got, err := run(streaming(opts), query)
			if err != nil {
				t.Fatal(err)
			}
			last := func(rows []string) string { return strings.TrimLeft(rows[len(rows)-1], "+UI ") }
			if last(got) != last(want) {
				t.Errorf("with little memory %q, as a batch %q", last(got), last(want))
			}
			whole := maps.Clone(opts)
			whole["state.backend.type"] = "mem"
			if _, err := run(streaming(whole), query); err == nil || !strings.Contains(err.Error(), "needs more memory") {
				t.Errorf("all of the state in memory: %v", err)
			}
		})
	}
}
