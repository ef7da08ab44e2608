package statements_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
)

// what a run took and kept differs from run to run
var (
	measuredTime  = regexp.MustCompile(`[0-9.]+(ns|µs|ms|s)\b`)
	measuredBytes = regexp.MustCompile(`[0-9.]+ (B|KB|MB)\b`)
)

func measured(text string) string {
	text = measuredTime.ReplaceAllString(text, "T")
	text = regexp.MustCompile(`memory (at most: )?`+measuredBytes.String()).ReplaceAllString(text, "memory ${1}M")
	text = regexp.MustCompile(`CPU time of the process: T\n`).ReplaceAllString(text, "")
	return regexp.MustCompile(`spilled(:?) [1-9][0-9.]* (B|KB|MB)\b`).ReplaceAllString(text, "spilled$1 S")
}

const analyzedTables = `
SET 'parallelism.default' = '2';
CREATE TABLE o (id INT, item STRING, price INT) WITH ('connector' = 'filesystem', 'path' = 'o', 'format' = 'csv');
CREATE TABLE t (item STRING, n BIGINT, s INT) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'debezium-json');
INSERT INTO o VALUES (1, 'a', 5), (2, 'b', 7), (3, 'a', 1), (4, 'c', 9), (5, 'b', 2);
`

// EXPLAIN ANALYZE runs the statement: an INSERT writes, a SELECT does not answer.
func TestExplainAnalyze(t *testing.T) {
	for mode, want := range map[string]string{"streaming": analyzedStream, "batch": analyzedBatch} {
		t.Chdir(t.TempDir())
		s := session(t, map[string]string{"execution.runtime-mode": mode})
		must(t, s, analyzedTables)
		got := measured(strings.Join(must(t, s, "EXPLAIN ANALYZE INSERT INTO t SELECT item, COUNT(*), SUM(price) FROM o WHERE price > 1 GROUP BY item"), "\n"))
		got += "\n" + measured(strings.Join(must(t, s, "EXPLAIN ANALYZE SELECT a.id FROM o AS a JOIN o AS b ON a.item = b.item"), "\n"))
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s:\n%s\nwant\n%s", mode, got, want)
		}
		same(t, must(t, s, "SET 'execution.runtime-mode' = 'batch'; SELECT item, n, s FROM t ORDER BY item"), "item|n|s", "a|1|5", "b|2|9", "c|1|9")
	}
}

const analyzedStream = `
result
== Physical Plan As It Ran ==
Sink(table=[default_catalog.default_database.t], fields=[item, n, s]): rows in 5, time T (2 subtasks, at most T)
+- GroupAggregate(groupBy=[item], select=[item, COUNT(*) AS agg$0, SUM(price) AS agg$1]): rows in 4, rows out 5, time T (2 subtasks, at most T), memory M
   +- Exchange(distribution=[hash[item]]): rows 4, time T (2 subtasks, at most T)
      +- Calc(select=[item, price], where=[(price > 1)]): rows in 5, rows out 4, time T (2 subtasks, at most T)
         +- TableSourceScan(table=[[default_catalog, default_database, o, filter=[price > 1], project=[item, price]]], fields=[item, price]): rows out 5, time T (2 subtasks, at most T)

== Run ==
mode: streaming
time: T
rows: 5 in, 5 out
memory at most: M
spilled: 0 B

result
== Physical Plan As It Ran ==
Collect(fields=[id]): rows in 9, time T
+- Exchange(distribution=[single]): rows 9, time T (2 subtasks, at most T)
   +- Calc(select=[id]): rows in 9, rows out 9, time T (2 subtasks, at most T)
      +- Join(joinType=[InnerJoin], where=[(item = item0)], select=[id, item, item]): rows in 10, rows out 9, time T (2 subtasks, at most T), memory M
         :- Exchange(distribution=[hash[item]]): rows 5, time T (2 subtasks, at most T)
         :  +- TableSourceScan(table=[[default_catalog, default_database, o, project=[id, item]]], fields=[id, item]): rows out 5, time T (2 subtasks, at most T) (reuse_id=[1])
         +- Exchange(distribution=[hash[item]]): rows 5, time T (2 subtasks, at most T)
            +- Calc(select=[item]): rows in 5, rows out 5, time T (2 subtasks, at most T)
               +- Reused(reference_id=[1])

== Run ==
mode: streaming
time: T
rows: 5 in, 9 out
memory at most: M
spilled: 0 B
`

const analyzedBatch = `
result
== Physical Plan As It Ran ==
Sink(table=[default_catalog.default_database.t], fields=[item, n, s]): rows in 3, time T (2 subtasks, at most T)
+- GlobalGroupAggregate(groupBy=[item], select=[item, agg$0, agg$1]): rows in 3, rows out 3, time T (2 subtasks, at most T), memory M
   +- Exchange(distribution=[hash[item]]): rows 3, time T (2 subtasks, at most T)
      +- LocalGroupAggregate(groupBy=[item], select=[item, COUNT(*) AS acc$0, SUM(price) AS acc$1]): rows in 4, rows out 3, time T (2 subtasks, at most T), memory M
         +- Calc(select=[item, price], where=[(price > 1)]): rows in 5, rows out 4, time T (2 subtasks, at most T)
            +- TableSourceScan(table=[[default_catalog, default_database, o, filter=[price > 1], project=[item, price]]], fields=[item, price]): rows out 5, time T (2 subtasks, at most T)

== Run ==
mode: batch
time: T
rows: 5 in, 3 out
memory at most: M
spilled: 0 B

result
== Physical Plan As It Ran ==
Collect(fields=[id]): rows in 9, time T
+- Exchange(distribution=[single]): rows 9, time T (2 subtasks, at most T)
   +- Calc(select=[id]): rows in 9, rows out 9, time T (2 subtasks, at most T)
      +- HashJoin(joinType=[InnerJoin], where=[(item = item0)], build=[right], select=[id, item, item]): rows in 10, rows out 9, time T (2 subtasks, at most T), memory M
         :- Exchange(distribution=[hash[item]]): rows 5, time T (2 subtasks, at most T)
         :  +- TableSourceScan(table=[[default_catalog, default_database, o, project=[id, item]]], fields=[id, item]): rows out 5, time T (2 subtasks, at most T)
         +- Exchange(distribution=[hash[item]]): rows 5, time T (2 subtasks, at most T)
            +- TableSourceScan(table=[[default_catalog, default_database, o, project=[item]]], fields=[item]): rows out 5, time T (2 subtasks, at most T)

== Run ==
mode: batch
time: T
rows: 10 in, 9 out
memory at most: M
spilled: 0 B
`

// What does not fit in memory is counted where it is written.
func TestExplainAnalyzeSpills(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, map[string]string{"execution.runtime-mode": "batch", "memory.size": "4 mb"})
	must(t, s, `CREATE TABLE g (id INT, name STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '60000', 'rows-per-second' = '10000000')`)
	text := strings.Join(must(t, s, "EXPLAIN ANALYZE SELECT * FROM g ORDER BY name"), "\n")
	if !regexp.MustCompile(`Sort\(.*rows in 60000, .*spilled [0-9.]+ MB`).MatchString(text) || !regexp.MustCompile(`\nspilled: [0-9.]+ MB`).MatchString(text) {
		t.Error(text)
	}
}

// Statement sets and compiled plans run too; what would not end, or is no job, is refused.
func TestExplainAnalyzeOf(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, map[string]string{"execution.runtime-mode": "streaming"})
	must(t, s, analyzedTables)
	text := strings.Join(must(t, s, `CREATE TABLE u (item STRING) WITH ('connector' = 'filesystem', 'path' = 'u', 'format' = 'csv');
		EXPLAIN ANALYZE STATEMENT SET BEGIN
			INSERT INTO u SELECT item FROM o WHERE id < 3;
			INSERT INTO u SELECT item FROM o WHERE id = 3;
		END`), "\n")
	if !strings.Contains(text, "rows: 10 in, 3 out") {
		t.Error(text)
	}
	text = strings.Join(must(t, s, "COMPILE PLAN 'p.json' FOR INSERT INTO u SELECT item FROM o; EXPLAIN ANALYZE EXECUTE PLAN 'p.json'"), "\n")
	if !strings.Contains(text, "rows: 5 in, 5 out") {
		t.Error(text)
	}
	refused(t, s, "EXPLAIN ANALYZE COMPILE PLAN 'q.json' FOR INSERT INTO u SELECT item FROM o", "1:17: EXPLAIN ANALYZE runs a statement, and COMPILE PLAN runs nothing; write EXPLAIN ANALYZE before the INSERT itself")
	refused(t, s, "EXPLAIN ANALYZE DROP TABLE o", "1:17: DROP is not a statement that runs as a job")
	refused(t, s, "EXPLAIN ANALYZE SELECT 1 / CAST('0' AS INT)", "division by zero")
	refused(t, s, `CREATE TABLE e (id INT) WITH ('connector' = 'datagen');
EXPLAIN ANALYZE SELECT * FROM e`, "2:1: EXPLAIN ANALYZE runs the statement to its end, and table 'default_catalog.default_database.e' never ends; bound the table by an option of connector 'datagen'")
	must(t, s, "EXPLAIN ANALYZE SELECT * FROM e /*+ OPTIONS('number-of-rows' = '3') */")
	must(t, s, "SET 'execution.runtime-mode' = 'batch'")
	refused(t, s, "EXPLAIN ANALYZE SELECT * FROM e", "never ends")
	text = strings.Join(must(t, s, "EXPLAIN ANALYZE UPDATE o SET price = 0 WHERE id = 1"), "\n")
	if !strings.Contains(text, "rows: 5 in, 5 out") {
		t.Error(text)
	}
	same(t, must(t, s, "SELECT SUM(price) FROM o"), "EXPR$0", "19")
}

// The checkpoints of a job are not those of the run that measures it.
func TestExplainAnalyzeWithCheckpoints(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, restore := range []string{"", "latest"} {
		s, err := millrace.Open(millrace.Config{CheckpointDir: "chk", Restore: restore})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(must(t, s, strings.Replace(analyzedTables, "INSERT INTO o VALUES", "-- INSERT INTO o VALUES", 1)+"; EXPLAIN ANALYZE SELECT id FROM (VALUES (1), (2)) AS v(id); EXPLAIN ANALYZE INSERT INTO t SELECT 'x', CAST(1 AS BIGINT), id FROM (VALUES (1), (2)) AS v(id)"), "\n")
		if !strings.Contains(text, "rows: 0 in, 2 out") {
			t.Error(text)
		}
		if err := s.Wait(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if list, err := os.ReadDir("chk"); err == nil && len(list) > 0 {
		t.Errorf("%s is left", list[0].Name())
	}
}
