package statements_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-io/millrace"
)

var batch = map[string]string{"execution.runtime-mode": "batch", "table.dml-sync": "true"}

// stored is a session with a table of 100 rows, in partitions by p or in none.
func stored(t *testing.T, partitioned bool) *millrace.Session {
	t.Helper()
	t.Chdir(t.TempDir())
	s := session(t, batch)
	by := ""
	if partitioned {
		by = "PARTITIONED BY (p)"
	}
	must(t, s, `CREATE TABLE t (id INT NOT NULL, v STRING, p STRING, w AS id * 10) `+by+` WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'csv', 'csv.null-literal' = 'N');
		CREATE TABLE few (id INT) WITH ('connector' = 'filesystem', 'path' = 'few', 'format' = 'csv');
		INSERT INTO few VALUES (1), (2);
		INSERT INTO t SELECT id, 'v' || CAST(id AS STRING), CASE WHEN id < 50 THEN 'low' ELSE 'high' END FROM (VALUES `+hundred()+`) AS x(id)`)
	return s
}

func hundred() string {
	var out []string
	for i := range 100 {
		out = append(out, fmt.Sprintf("(%d)", i))
	}
	return strings.Join(out, ", ")
}

func TestUpdateDelete(t *testing.T) {
	for _, partitioned := range []bool{false, true} {
		t.Run(fmt.Sprint(partitioned), func(t *testing.T) {
			s := stored(t, partitioned)
			count := func(want string) {
				t.Helper()
				same(t, must(t, s, "SELECT COUNT(*) AS n, SUM(id) AS s, COUNT(DISTINCT v) AS d FROM t")[1:], want)
			}
			count("100|4950|100")
			must(t, s, "UPDATE t SET v = 'x', id = t.id + 1000 WHERE id < 3 OR v = 'v9'")
			count("100|8950|97")
			must(t, s, "DELETE FROM t WHERE v = 'x' OR v IS NULL")
			count("96|4938|96")
			must(t, s, "UPDATE t AS a SET v = NULL WHERE a.id IN (SELECT id + 10 FROM few)")
			count("96|4938|94")
			must(t, s, "DELETE FROM t WHERE v LIKE 'v%'") // where v is NULL a row stays
			count("2|23|0")
			must(t, s, "UPDATE t SET p = 'high'")
			same(t, must(t, s, "SELECT p FROM t"), "p", "high", "high")
			if partitioned {
				same(t, must(t, s, "SHOW PARTITIONS t"), "partition name", "p=high")
			}
			must(t, s, "DELETE FROM t; INSERT INTO t VALUES (1, 'a', 'b')")
			count("1|1|1")
			left, err := filepath.Glob(".*")
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

func TestRewritesRefused(t *testing.T) {
	s := stored(t, false)
	if err := os.WriteFile("one.csv", []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, s, `CREATE TABLE print_t (id INT) WITH ('connector' = 'print');
		CREATE TABLE single (id INT) WITH ('connector' = 'filesystem', 'path' = 'one.csv', 'format' = 'csv');
		CREATE TABLE log (id INT) WITH ('connector' = 'filesystem', 'path' = 'log', 'format' = 'debezium-json');
		CREATE VIEW w AS SELECT * FROM t`)
	for sql, want := range map[string]string{
		"UPDATE nope SET id = 1":                                    "1:8: unknown table 'nope'",
		"UPDATE w SET id = 1":                                       "1:8: 'w' is a view, not a table",
		"UPDATE print_t SET id = 1":                                 "1:8: table 'print_t' is of connector 'print', which cannot take rows away that it has",
		"DELETE FROM single":                                        "1:13: DELETE cannot change table 'single': its path 'one.csv' is a file, not a folder",
		"DELETE FROM log":                                           "its files are a log of changes in the format 'debezium-json'",
		"UPDATE t SET nope = 1":                                     "1:14: unknown column 'nope' in table 't'",
		"UPDATE t SET w = 1":                                        "1:14: column 'w' of table 't' is computed",
		"UPDATE t SET id = 1, t.id = 2":                             "1:22: column 'id' is given two values",
		"UPDATE t SET id = 'x'":                                     "1:19: column 'id' is INT NOT NULL, and the new value is CHAR(1) NOT NULL; write CAST",
		"UPDATE t SET id = NULL":                                    "1:19: column 'id' is NOT NULL",
		"DELETE FROM t WHERE nope = 1":                              "1:21: unknown column 'nope'",
		"ALTER TABLE t ADD PARTITION (p = 'x')":                     "table 't' is not partitioned",
		"TRUNCATE TABLE single":                                     "1:16: TRUNCATE cannot empty table 'single': its path",
		"SET 'execution.runtime-mode' = 'streaming'; DELETE FROM t": "SET 'execution.runtime-mode' = 'batch'",
		"TRUNCATE TABLE t":                                          "SET 'execution.runtime-mode' = 'batch'",
	} {
		must(t, s, "SET 'execution.runtime-mode' = 'batch'")
		if strings.HasPrefix(want, "SET") {
			must(t, s, "SET 'execution.runtime-mode' = 'streaming'")
		}
		refused(t, s, sql, want)
	}
	must(t, s, "SET 'execution.runtime-mode' = 'batch'")
	same(t, must(t, s, "SELECT COUNT(*) AS n FROM t"), "n", "100")
}

func TestPartitions(t *testing.T) {
	s := stored(t, true)
	same(t, must(t, s, "SHOW PARTITIONS t"), "partition name", "p=high", "p=low")
	must(t, s, "ALTER TABLE t ADD PARTITION (p = 'a/b c'); ALTER TABLE t ADD IF NOT EXISTS PARTITION (p = 'low') PARTITION (p = 'new')")
	same(t, must(t, s, "SHOW PARTITIONS t"), "partition name", "p=a%2Fb c", "p=high", "p=low", "p=new")
	same(t, must(t, s, "SHOW PARTITIONS t PARTITION (p = 'high')"), "partition name", "p=high")
	refused(t, s, "ALTER TABLE t ADD PARTITION (p = 'low')", "1:19: partition (p=low) of table 'default_catalog.default_database.t' exists already")
	refused(t, s, "ALTER TABLE t DROP PARTITION (p = 'gone')", "has no partition (p=gone)")
	refused(t, s, "ALTER TABLE t DROP PARTITION (id = 1)", "'id' is not a partition column of table 't'")
	must(t, s, "ALTER TABLE t DROP PARTITION (p = 'low'), PARTITION (p = 'new'); ALTER TABLE t DROP IF EXISTS PARTITION (p = 'new')")
	same(t, must(t, s, "SHOW PARTITIONS t"), "partition name", "p=a%2Fb c", "p=high")
	same(t, must(t, s, "SELECT COUNT(*) AS n, MIN(id) AS m FROM t"), "n|m", "50|50")

	// an overwrite replaces the partitions that get rows, a static one also without
	must(t, s, "INSERT OVERWRITE t SELECT 7, 'x', 'new' FROM few; INSERT OVERWRITE t PARTITION (p = 'a/b c') SELECT 1, 'y'")
	same(t, must(t, s, "SELECT p, COUNT(*) AS n FROM t GROUP BY p ORDER BY p"), "p|n", "a/b c|1", "high|50", "new|2")
	must(t, s, "INSERT OVERWRITE t PARTITION (p = 'high') SELECT 1, 'y' FROM few WHERE id > 5")
	same(t, must(t, s, "SELECT p, COUNT(*) AS n FROM t GROUP BY p ORDER BY p"), "p|n", "a/b c|1", "new|2")
	must(t, s, "TRUNCATE TABLE t; INSERT INTO t VALUES (1, 'a', 'b')")
	same(t, must(t, s, "SELECT COUNT(*) AS n FROM t"), "n", "1")
}

// TestFailedOverwrite: until the job has ended the table is as it was.
func TestFailedOverwrite(t *testing.T) {
	for _, partitioned := range []bool{false, true} {
		s := stored(t, partitioned)
		for _, sql := range []string{
			"INSERT OVERWRITE t SELECT CAST(CASE WHEN id = 7 THEN 'no' ELSE '1' END AS INT), v, p FROM t",
			"UPDATE t SET id = CAST(v AS INT) WHERE id > 90",
		} {
			refused(t, s, sql, "cannot read INT from")
		}
		same(t, must(t, s, "SELECT COUNT(*) AS n, SUM(id) AS s FROM t"), "n|s", "100|4950")
		if left, err := filepath.Glob(".*"); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

// TestOverwriteAtOnce reads a table while it is replaced again and again: a reader
// finds all rows of one version, or does not come to its end.
func TestOverwriteAtOnce(t *testing.T) {
	t.Run("folder", func(t *testing.T) { overwriteAtOnce(t, "") })
	t.Run("partitions", func(t *testing.T) { overwriteAtOnce(t, "PARTITIONED BY (p)") })
}

func overwriteAtOnce(t *testing.T, by string) {
	s := stored(t, by != "")
	must(t, s, "UPDATE t SET v = '0'")
	reader := session(t, batch)
	must(t, reader, "CREATE TABLE t (id INT NOT NULL, v STRING, p STRING) "+by+" WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'csv')")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	read, failed := 0, 0
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			got, err := run(reader, "SELECT COUNT(*) AS n, MIN(v) = MAX(v) OR COUNT(*) = 0 AS same, COUNT(v) AS v FROM t")
			if err != nil {
				if !strings.Contains(err.Error(), "no such file") && !strings.Contains(err.Error(), "does not exist") {
					t.Error(err)
				}
				failed++
				continue
			}
			read++
			if !strings.HasPrefix(got[1], "100|") || !strings.HasSuffix(got[1], "|100") {
				t.Errorf("a reader found %v", got)
			}
		}
	})
	for i := range 30 {
		must(t, s, fmt.Sprintf("UPDATE t SET v = '%d', p = CAST(MOD(id, %d) AS STRING)", i+1, 2+i%5))
	}
	close(stop)
	wg.Wait()
	if read == 0 {
		t.Errorf("nothing was read; %d reads failed", failed)
	}
}

func TestCreateTableAs(t *testing.T) {
	s := stored(t, false)
	must(t, s, `CREATE TABLE c1 WITH ('connector' = 'filesystem', 'path' = 'c1', 'format' = 'csv') AS SELECT id, v, w FROM t WHERE id < 2;
		CREATE TABLE c2 (v, id) PARTITIONED BY (v) WITH ('connector' = 'filesystem', 'path' = 'c2', 'format' = 'csv') AS SELECT id, v FROM c1;
		CREATE TABLE c3 (extra STRING, id BIGINT, twice AS id * 2, PRIMARY KEY (id) NOT ENFORCED) COMMENT 'own' WITH ('connector' = 'filesystem', 'path' = 'c3', 'format' = 'csv') AS SELECT id, v FROM c1`)
	same(t, must(t, s, "SELECT * FROM c1 ORDER BY id"), "id|v|w", "0|v0|0", "1|v1|10")
	same(t, must(t, s, "SELECT * FROM c2 ORDER BY id"), "v|id", "v0|0", "v1|1")
	same(t, must(t, s, "SHOW PARTITIONS c2"), "partition name", "v=v0", "v=v1")
	same(t, must(t, s, "SELECT id, twice, v, extra IS NULL OR extra = '' AS e FROM c3 WHERE id = 1")[:1], "id|twice|v|e")
	same(t, must(t, s, "DESCRIBE c3"), "name|type|null|key|extras|watermark", "extra|STRING|TRUE|NULL|NULL|NULL", "id|BIGINT|FALSE|PRI(id)|NULL|NULL", "twice|BIGINT|FALSE|NULL|AS `id` * 2|NULL", "v|STRING|TRUE|NULL|NULL|NULL")
	// a replaced table has other columns, and its rows
	must(t, s, "REPLACE TABLE c1 WITH ('connector' = 'filesystem', 'path' = 'c1', 'format' = 'csv') AS SELECT id + 5 AS five FROM c1")
	same(t, must(t, s, "SELECT * FROM c1 ORDER BY five"), "five", "5", "6")
	must(t, s, "CREATE OR REPLACE TABLE c4 WITH ('connector' = 'filesystem', 'path' = 'c4', 'format' = 'csv') AS SELECT * FROM c1; CREATE TABLE IF NOT EXISTS c4 WITH ('connector' = 'print') AS SELECT 1 AS x")
	same(t, must(t, s, "SELECT * FROM c4 ORDER BY five"), "five", "5", "6")
	refused(t, s, "REPLACE TABLE c5 WITH ('connector' = 'print') AS SELECT 1 AS x", "REPLACE TABLE is of a table that is there")
	refused(t, s, "CREATE TABLE c1 WITH ('connector' = 'print') AS SELECT 1 AS x", "exists already")
	// a statement that cannot be planned leaves the catalog as it was
	must(t, s, "SET 'execution.runtime-mode' = 'streaming'")
	refused(t, s, "CREATE TABLE c6 WITH ('connector' = 'filesystem', 'path' = 'c6', 'format' = 'csv') AS SELECT COUNT(*) AS n FROM t", "")
	refused(t, s, "CREATE OR REPLACE TABLE c4 WITH ('connector' = 'filesystem', 'path' = 'c4', 'format' = 'csv') AS SELECT COUNT(*) AS n FROM t", "")
	same(t, must(t, s, "SHOW TABLES LIKE 'c%'"), "table name", "c1", "c2", "c3", "c4")
	// a stream has nothing to replace where there is no table
	must(t, s, "CREATE OR REPLACE TABLE d1 WITH ('connector' = 'filesystem', 'path' = 'd1', 'format' = 'csv') AS SELECT id FROM t WHERE id < 2")
	same(t, must(t, s, "SELECT COUNT(*) FROM d1")[1:], "1", "1", "2")
	refused(t, s, "CREATE OR REPLACE TABLE d1 WITH ('connector' = 'filesystem', 'path' = 'd1', 'format' = 'csv') AS SELECT id FROM t", "run it in batch mode")
	must(t, s, "ALTER DATABASE default_database SET ('owner' = 'me')")
	same(t, must(t, s, "SHOW COLUMNS FROM c4"), "name|type|null|key|extras|watermark", "five|INT|FALSE|NULL|NULL|NULL")
}
