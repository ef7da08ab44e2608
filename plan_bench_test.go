package millrace_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace-io/millrace"
	_ "github.com/millrace-io/millrace/connect/blackhole"
)

// longScript is 200 lines: tables, views on views, and the plans of INSERTs with
// joins, windows, Top-N and aggregates over them.
func longScript() string {
	var sb strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&sb, format+"\n", args...) }
	for i := range 10 {
		line("CREATE TABLE orders%d (", i)
		line("  id BIGINT NOT NULL, cust INT, item STRING, price DECIMAL(10, 2), ts TIMESTAMP(3),")
		line("  total AS price * 2, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND,")
		line("  PRIMARY KEY (id) NOT ENFORCED")
		line(") WITH ('connector' = 'datagen');")
		line("CREATE TABLE out%d (item STRING, n BIGINT, s DECIMAL(38, 2)) WITH ('connector' = 'blackhole');", i)
		line("CREATE VIEW per_item%d AS", i)
		line("  SELECT item, COUNT(*) AS n, SUM(price) AS s")
		line("  FROM orders%d WHERE price > 10 GROUP BY item;", i)
		line("CREATE VIEW top%d AS SELECT item, n, s FROM (", i)
		line("  SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC) AS rn FROM per_item%d) WHERE rn <= 10;", i)
		line("EXPLAIN INSERT INTO out%d", i)
		line("  SELECT a.item, a.n + b.n, a.s")
		line("  FROM per_item%d AS a JOIN top%d AS b ON a.item = b.item", i, i/2)
		line("  WHERE a.item IN (SELECT item FROM orders%d WHERE cust BETWEEN 1 AND 10);", i)
		line("EXPLAIN INSERT INTO out%d", i)
		line("  SELECT item, COUNT(DISTINCT cust), MAX(price)")
		line("  FROM TABLE(TUMBLE(TABLE orders%d, DESCRIPTOR(ts), INTERVAL '10' MINUTE))", i)
		line("  GROUP BY window_start, window_end, item;")
		line("-- end of %d", i)
	}
	return sb.String()
}

// wideScript is a table of 500 columns, some computed, read and written whole.
func wideScript() string {
	var cols, sums []string
	for i := range 450 {
		cols = append(cols, fmt.Sprintf("c%d INT", i))
	}
	for i := range 50 {
		cols = append(cols, fmt.Sprintf("d%d AS c%d + c%d", i, i, i+1))
		sums = append(sums, fmt.Sprintf("SUM(c%d) AS s%d", i, i))
	}
	return "CREATE TABLE wide (" + strings.Join(cols, ",\n") + ") WITH ('connector' = 'datagen');\n" +
		"CREATE TABLE same WITH ('connector' = 'blackhole') LIKE wide (EXCLUDING OPTIONS);\n" +
		"EXPLAIN INSERT INTO same SELECT " + columnsOf(450) + " FROM wide WHERE c3 > 1;\n" +
		"EXPLAIN SELECT c0, " + strings.Join(sums, ", ") + " FROM wide GROUP BY c0;\n" +
		"EXPLAIN SELECT * FROM wide AS a JOIN wide AS b ON a.c0 = b.c1;\n"
}

func columnsOf(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("c%d", i))
	}
	return strings.Join(out, ", ")
}

func planScript(tb testing.TB, text string) {
	tb.Helper()
	s, err := millrace.Open(millrace.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	for st, err := range s.Script("bench.sql", text) {
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := s.Execute(context.Background(), st, nil); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestLongScripts keeps the benchmarks' scripts right.
func TestLongScripts(t *testing.T) {
	if n := strings.Count(longScript(), "\n"); n != 200 {
		t.Errorf("%d lines", n)
	}
	planScript(t, longScript())
	planScript(t, wideScript())
}

func BenchmarkPlanScript(b *testing.B) { benchmarkPlan(b, longScript()) }

func BenchmarkPlanWide(b *testing.B) { benchmarkPlan(b, wideScript()) }

// benchmarkPlan also tells the processor's time, which other work on the machine
// does not make longer.
func benchmarkPlan(b *testing.B, text string) {
	began := processor(b)
	for b.Loop() {
		planScript(b, text)
	}
	b.ReportMetric(float64((processor(b)-began).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
