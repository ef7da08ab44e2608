package statements_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnalyze(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, batch)
	must(t, s, `CREATE CATALOG c WITH ('type' = 'file', 'path' = 'cat'); USE CATALOG c;
		CREATE TABLE big (id INT, name STRING, price DECIMAL(10, 2), d DATE, ok BOOLEAN, a ARRAY<INT>, p STRING, w AS id + 1)
			PARTITIONED BY (p) WITH ('connector' = 'filesystem', 'path' = 'big', 'format' = 'json');
		CREATE TABLE small (id INT) WITH ('connector' = 'filesystem', 'path' = 'small', 'format' = 'json');
		INSERT INTO small VALUES (1), (2);
		INSERT INTO big SELECT id, CASE WHEN id < 90 THEN 'n' || CAST(MOD(id, 5) AS STRING) END, id * 1.5, DATE '2026-01-01', id > 3, ARRAY[id], CASE WHEN id < 10 THEN 'x' ELSE 'y' END
			FROM (VALUES `+hundred()+`) AS v(id)`)

	// the smaller side of a join is built, once it is known
	const join = "EXPLAIN SELECT * FROM small AS s JOIN big AS b ON s.id = b.id"
	must(t, s, "ANALYZE TABLE big COMPUTE STATISTICS; ANALYZE TABLE small COMPUTE STATISTICS")
	if plan := strings.Join(must(t, s, join), "\n"); !strings.Contains(plan, "build=[left]") {
		t.Errorf("the larger side is built:\n%s", plan)
	}
	const other = "EXPLAIN SELECT * FROM big AS b JOIN small AS s ON s.id = b.id"
	if plan := strings.Join(must(t, s, other), "\n"); !strings.Contains(plan, "build=[right]") {
		t.Errorf("the larger side is built:\n%s", plan)
	}

	must(t, s, "ANALYZE TABLE big COMPUTE STATISTICS FOR ALL COLUMNS; ANALYZE TABLE big PARTITION (p = 'x') COMPUTE STATISTICS FOR COLUMNS id, name")
	got, err := os.ReadFile(filepath.Join("cat", "default", "big.stats.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(stats); strings.TrimSpace(string(got)) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	// with the statistics of columns: of 100 rows one has this id, which is fewer than 2
	if plan := strings.Join(must(t, s, "EXPLAIN SELECT s.id FROM small AS s JOIN (SELECT id FROM big WHERE id = 7) AS b ON s.id + 1 = b.id + 2"), "\n"); !strings.Contains(plan, "build=[right]") {
		t.Errorf("the larger side is built:\n%s", plan)
	}
	// an ALTER of the columns makes them void, one of the comment of a key does not
	must(t, s, "ALTER TABLE big ADD x INT")
	if _, err := os.Stat(filepath.Join("cat", "default", "big.stats.json")); !os.IsNotExist(err) {
		t.Error("statistics outlive an ALTER TABLE", err)
	}
	refused(t, s, "ANALYZE TABLE small COMPUTE STATISTICS FOR COLUMNS nope", "1:52: unknown column 'nope' in table 'small'")
	refused(t, s, "ANALYZE TABLE big COMPUTE STATISTICS FOR COLUMNS w", "column 'w' is computed or metadata")
	refused(t, s, "ANALYZE TABLE small PARTITION (p = 'x') COMPUTE STATISTICS", "table 'small' is not partitioned")
	refused(t, s, "ANALYZE TABLE nope COMPUTE STATISTICS", "1:15: unknown table 'nope'")
	must(t, s, "SET 'execution.runtime-mode' = 'streaming'")
	refused(t, s, "ANALYZE TABLE small COMPUTE STATISTICS", "SET 'execution.runtime-mode' = 'batch'")
}

const stats = `
{
  "rows": 100,
  "columns": {
    "a": {
      "nulls": 0
    },
    "d": {
      "distinct": 1,
      "nulls": 0,
      "min": "2026-01-01",
      "max": "2026-01-01"
    },
    "id": {
      "distinct": 100,
      "nulls": 0,
      "min": "0",
      "max": "99"
    },
    "name": {
      "distinct": 5,
      "nulls": 10,
      "avg_len": 2,
      "max_len": 2
    },
    "ok": {
      "distinct": 2,
      "nulls": 0
    },
    "p": {
      "distinct": 2,
      "nulls": 0,
      "avg_len": 1,
      "max_len": 1
    },
    "price": {
      "distinct": 100,
      "nulls": 0,
      "min": "0.00",
      "max": "148.50"
    }
  },
  "partitions": {
    "p=x": {
      "rows": 10,
      "columns": {
        "id": {
          "distinct": 10,
          "nulls": 0,
          "min": "0",
          "max": "9"
        },
        "name": {
          "distinct": 5,
          "nulls": 0,
          "avg_len": 2,
          "max_len": 2
        }
      }
    }
  }
}
`
