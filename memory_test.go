package millrace_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
)

// batchOf configures a batch run; memory is the budget, "" for the default.
func batchOf(memory string) millrace.Config {
	opts := map[string]string{"execution.runtime-mode": "batch", "parallelism.default": "2"}
	if memory != "" {
		opts["memory.size"] = memory
	}
	return millrace.Config{Options: opts}
}

// TestMemory runs queries whose operators keep more than the budget allows: they
// go by way of files, and the rows are those that they give in memory.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("needs more data than a short test has time for")
	}
	rows, folder := 300_000, t.TempDir()
	var text strings.Builder
	for i := range rows {
		fmt.Fprintf(&text, "%d,%d,a text that takes some room %d,%d\n", i, i*7919%(rows/3), i%1000, i*31%977)
	}
	if err := os.WriteFile(filepath.Join(folder, "t.csv"), []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	table := fmt.Sprintf("CREATE TABLE t (id INT, k INT, s STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv');\n", folder)
	// What comes out is few rows, that hang on all.
	of := func(what, query string) string {
		return table + "SELECT COUNT(*), SUM(CAST(id AS BIGINT) * (1 + v)), " + what + " FROM (" + query + ");"
	}
	for name, query := range map[string]string{
		"top-n":    of("SUM(n)", "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v, id) AS n FROM t) WHERE n <= 2"),
		"distinct": of("COUNT(s)", "SELECT DISTINCT id, k, s, v FROM t"),
		"over":     of("SUM(x)", "SELECT *, SUM(v) OVER (ORDER BY id) AS x FROM t"),
		"sort":     of("SUM(x)", "SELECT *, k AS x FROM t ORDER BY s, id LIMIT 150000"),
		"join":     of("SUM(x), MAX(s), MAX(y)", "SELECT t.*, u.v AS x, u.s AS y FROM t JOIN t AS u ON t.id = u.k"),
		"keyless":  of("SUM(x), MAX(s)", "SELECT /*+ BROADCAST(t) */ t.*, u.v AS x FROM (SELECT * FROM t WHERE id < 5) AS u LEFT JOIN t ON t.v + u.id < 12"),
	} {
		t.Run(name, func(t *testing.T) {
			want, err := run(batchOf(""), query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := run(batchOf("12mb"), query)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) || len(want) != 1 {
				t.Errorf("with little memory %q, else %q", got, want)
			}
			nowhere := batchOf("12mb") // a file is no folder
			nowhere.Options["io.tmp.dirs"] = filepath.Join(folder, "t.csv")
			if _, err := run(nowhere, query); err == nil || !strings.Contains(err.Error(), "spill") {
				t.Errorf("it did without files: %v", err)
			}
		})
	}
}

// TestMemoryOfStreams: a stream whose state is to stay in memory, or cannot leave it,
// and needs more than there is, says so.
func TestMemoryOfStreams(t *testing.T) {
	const table = "CREATE TABLE t (id INT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'number-of-rows' = '400000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '400000');\n"
	for name, query := range map[string]string{
		"groups":   "SELECT id, COUNT(*) FROM t GROUP BY id",
		"sort":     "SELECT id FROM t ORDER BY ts",
		"join":     "SELECT a.id FROM t AS a JOIN t AS b ON a.id = b.id AND a.ts BETWEEN b.ts - INTERVAL '1' DAY AND b.ts",
		"distinct": "SELECT DISTINCT id FROM t",
		"keys":     "SELECT id FROM t GROUP BY id",
		"except":   "SELECT id FROM t EXCEPT SELECT 0 - id FROM t",
	} {
		t.Run(name, func(t *testing.T) {
			if name == "sort" {
				query = strings.ReplaceAll(table, "AS ts)", "AS ts - INTERVAL '1' DAY)") + query
			} else {
				query = table + query
			}
			_, err := run(streaming(map[string]string{"memory.size": "8mb", "state.backend.type": "mem"}), query)
			operator := map[string]string{"groups": "2:12: GroupAggregate(groupBy=[id]", "sort": "2:27: TemporalSort(orderBy=[", "join": "2:25: IntervalJoin(joinType=[", "distinct": "2:17: GroupAggregate(groupBy=[id]", "except": "2:18: Join(joinType=[LeftAntiJoin]", "keys": "2:27: GroupAggregate(groupBy=[id]"}[name]
			const help = "needs more memory than the budget of 8 MB; raise 'memory.size', or set 'state.backend.type' to 'lsm', with which state leaves memory"
			if err == nil || !strings.Contains(err.Error(), ":"+operator) || !strings.Contains(err.Error(), help) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestOverMonths: frames by months follow the calendar, in both modes.
func TestOverMonths(t *testing.T) {
	folder := t.TempDir()
	var text strings.Builder
	for i, day := range []string{"01-31", "02-28", "02-29", "03-28", "03-29", "03-31", "04-30"} {
		fmt.Fprintf(&text, "%d,2024-%s 10:00:00\n", i, day)
	}
	if err := os.WriteFile(filepath.Join(folder, "t.csv"), []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	query := fmt.Sprintf(`CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv');
		SELECT id, COUNT(*) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '1' MONTH PRECEDING AND CURRENT ROW) FROM t;`, folder)
	want := []string{"+I 0 1", "+I 1 2", "+I 2 3", "+I 3 3", "+I 4 3", "+I 5 4", "+I 6 2"}
	for _, cfg := range []millrace.Config{batchOf(""), streaming(nil)} {
		if got, err := run(cfg, query); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v, %q, not %q", cfg.Options, err, got, want)
		}
	}
	batch := `CREATE VIEW v AS SELECT * FROM (VALUES (1, DATE '2024-01-31'), (2, DATE '2024-02-28'), (3, DATE '2024-02-29'), (4, DATE '2024-03-31')) AS t (id, d);
		SELECT id, SUM(id) OVER (ORDER BY d DESC RANGE BETWEEN INTERVAL '1' MONTH PRECEDING AND CURRENT ROW) FROM v;
		SELECT id, SUM(id) OVER (ORDER BY d RANGE BETWEEN CURRENT ROW AND INTERVAL '0-1' YEAR TO MONTH FOLLOWING) FROM v`
	want = []string{"+I 4 4", "+I 3 3", "+I 2 5", "+I 1 6", "+I 1 6", "+I 2 5", "+I 3 3", "+I 4 4"}
	if got, err := run(batchOf(""), batch); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %q, not %q", err, got, want)
	}
}
