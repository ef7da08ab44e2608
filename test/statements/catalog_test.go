package statements_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-io/millrace"
)

// must runs a script that has to succeed.
func must(t *testing.T, s *millrace.Session, text string) []string {
	t.Helper()
	out, err := run(s, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// refused runs a script that has to fail with a message.
func refused(t *testing.T, s *millrace.Session, text, want string) {
	t.Helper()
	_, err := run(s, text)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant: %s\n%s", err, want, text)
	}
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

const objects = `
CREATE DATABASE IF NOT EXISTS sales COMMENT 'it''s all' WITH ('owner' = 'me');
USE sales;
CREATE TABLE orders (
  id BIGINT NOT NULL COMMENT 'the id', item VARCHAR(20), price DECIMAL(10, 2), twice AS price * 2 COMMENT 'p', ts TIMESTAMP(3), r ROW<a INT, ` + "`b c`" + ` STRING NOT NULL>,
  name STRING NOT NULL METADATA FROM 'file.name' VIRTUAL, dt STRING, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, CONSTRAINT pk PRIMARY KEY (id) NOT ENFORCED
) COMMENT 'orders' DISTRIBUTED BY HASH(id) INTO 3 BUCKETS PARTITIONED BY (dt) WITH ('connector' = 'filesystem', 'path' = 'orders', 'format' = 'json');
CREATE FUNCTION Plus(x INT, y INT) RETURNS INT RETURN x + y;
CREATE VIEW cheap (id COMMENT 'i', n) COMMENT 'v' AS WITH o AS (SELECT * FROM orders) SELECT id, plus(1, 2) FROM o WHERE price < 10 AND item <> 'it''s' AND EXISTS (SELECT 1 FROM orders AS p WHERE p.id = o.id);
CREATE VIEW ` + "`a.b/c d``e%`" + ` AS SELECT c.id FROM sales.cheap AS c;
`

func TestFileCatalog(t *testing.T) {
	t.Chdir(t.TempDir())
	create := "CREATE CATALOG %s COMMENT 'c' WITH ('type' = 'file', 'path' = 'cat');"
	a, b := session(t, nil), session(t, nil)
	must(t, a, fmt.Sprintf(create, "c1")+"USE CATALOG c1;"+objects)
	// another process, which gives the catalog another name, sees all of it
	must(t, b, fmt.Sprintf(create, "two"))
	same(t, must(t, b, "SHOW TABLES FROM two.sales"), "table name", "a.b/c d`e%", "cheap", "orders")
	same(t, must(t, b, "SHOW VIEWS IN two.sales LIKE 'c%'"), "view name", "cheap")
	same(t, must(t, b, "SHOW USER FUNCTIONS FROM two.sales"), "function name", "Plus")
	same(t, must(t, b, "SHOW DATABASES FROM two"), "database name", "default", "sales")
	must(t, b, "EXPLAIN SELECT * FROM two.sales.`a.b/c d``e%`; USE CATALOG two; USE sales")
	for _, what := range []string{"TABLE orders", "VIEW cheap", "VIEW `a.b/c d``e%`", "DATABASE sales", "FUNCTION plus"} {
		one := strings.ReplaceAll(must(t, a, "SHOW CREATE "+what)[1], "`c1`", "`two`")
		same(t, must(t, b, "SHOW CREATE "+what)[1:], one)
	}
	// what one changes, the other sees at once
	must(t, b, "ALTER TABLE orders DROP DISTRIBUTION; ALTER TABLE orders SET ('json.ignore-parse-errors' = 'true')")
	if got := must(t, a, "SHOW CREATE TABLE orders")[1]; strings.Contains(got, "DISTRIBUTED") || !strings.Contains(got, "ignore-parse") {
		t.Error(got)
	}
	must(t, a, "ALTER TABLE orders RENAME TO bought; DROP VIEW cheap; DROP FUNCTION PLUS")
	same(t, must(t, b, "SHOW TABLES"), "table name", "a.b/c d`e%", "bought")
	refused(t, b, "SELECT * FROM cheap", "unknown table 'cheap'")
	refused(t, b, "SELECT plus(1, 2)", "unknown function 'plus'")
	refused(t, b, "CREATE TABLE bought (a INT) WITH ('connector' = 'blackhole')", "exists already")
	refused(t, b, "SELECT * FROM `a.b/c d``e%`", "unknown table 'two.sales.cheap'")
	// temporary objects are the session's
	must(t, a, "CREATE TEMPORARY VIEW bought AS SELECT 1 AS x")
	same(t, must(t, a, "SHOW COLUMNS FROM bought LIKE 'x'"), "name|type|null|key|extras|watermark", "x|INT|FALSE|NULL|NULL|NULL")
	if len(must(t, b, "SHOW COLUMNS FROM bought")) != 9 {
		t.Error("another session sees a temporary view")
	}
	refused(t, b, "DROP DATABASE two.sales", "in use")
	must(t, b, "USE CATALOG default_catalog; DROP DATABASE two.sales CASCADE; DROP CATALOG two")
	same(t, must(t, a, "SHOW DATABASES"), "database name", "default")
	refused(t, a, "SELECT * FROM bought2", "unknown database 'sales'")
}

// TestFileByHand edits the catalog's files.
func TestFileByHand(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, nil)
	must(t, s, "CREATE CATALOG c WITH ('type' = 'file', 'path' = 'cat', 'default-database' = 'd'); USE CATALOG c; CREATE TABLE t (a INT) WITH ('connector' = 'blackhole')")
	name := filepath.Join("cat", "d", "t.sql")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := "CREATE TABLE `d`.`t` (\n  `a` INT\n)\nWITH (\n  'connector' = 'blackhole'\n);\n"; string(text) != want {
		t.Errorf("%s", text)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("-- by hand\nCREATE TABLE t (a INT, b STRING) WITH ('connector' = 'blackhole')")
	same(t, must(t, s, "DESCRIBE t"), "name|type|null|key|extras|watermark", "a|INT|TRUE|NULL|NULL|NULL", "b|STRING|TRUE|NULL|NULL|NULL")
	write("CREATE TABLE t (a INT, b STRANG) WITH ('connector' = 'blackhole')")
	refused(t, s, "DESCRIBE t", "cat/d/t.sql:1:26: unknown type")
	write("CREATE TABLE t (a INT")
	refused(t, s, "SELECT * FROM t", "cat/d/t.sql:1:22: ")
	write("SELECT 1")
	refused(t, s, "SELECT * FROM t", "cat/d/t.sql:1:1: a catalog's file holds one CREATE")
	same(t, must(t, s, "SHOW TABLES"), "table name", "t")
	must(t, s, "DROP TABLE t")
	same(t, must(t, s, "SHOW TABLES"), "table name")
}

// TestFileRace lets sessions, each like a process of its own, make and change the
// same objects at once.
func TestFileRace(t *testing.T) {
	t.Chdir(t.TempDir())
	const processes, tables, rounds = 6, 5, 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	made, added := map[int]int{}, 0
	for p := range processes {
		s := session(t, nil)
		must(t, s, "CREATE CATALOG c WITH ('type' = 'file', 'path' = 'cat'); USE CATALOG c")
		wg.Go(func() {
			for i := range tables {
				_, err := run(s, fmt.Sprintf("CREATE TABLE t%d (a INT) WITH ('connector' = 'blackhole')", i))
				if err == nil {
					mu.Lock()
					made[i]++
					mu.Unlock()
				} else if !strings.Contains(err.Error(), "exists already") {
					t.Error(err)
				}
			}
			for i := range rounds {
				_, err := run(s, fmt.Sprintf("ALTER TABLE t0 ADD c%d_%d INT", p, i))
				if err == nil {
					mu.Lock()
					added++
					mu.Unlock()
				} else if !strings.Contains(err.Error(), "changed by another process") {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range tables {
		if made[i] != 1 {
			t.Errorf("table %d was made %d times", i, made[i])
		}
	}
	s := session(t, nil)
	if cols := must(t, s, "CREATE CATALOG c WITH ('type' = 'file', 'path' = 'cat'); USE CATALOG c; DESCRIBE t0"); len(cols) != added+2 || added == 0 {
		t.Errorf("%d columns were added, %d are there", added, len(cols)-2)
	}
}

// TestShowCreate runs again what SHOW CREATE says.
func TestShowCreate(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, nil)
	must(t, s, objects)
	for _, what := range []string{"VIEW `a.b/c d``e%`", "VIEW cheap", "FUNCTION plus", "TABLE orders"} {
		text := must(t, s, "SHOW CREATE "+what)[1]
		// elsewhere: the text does not depend on what is current
		must(t, s, "DROP "+what+"; USE default_database; "+text+"; USE sales")
		same(t, must(t, s, "SHOW CREATE "+what)[1:], text)
	}
	must(t, s, "CREATE CATALOG c COMMENT 'it''s' WITH ('type' = 'generic_in_memory', 'default-database' = 'x')")
	for _, what := range []string{"CATALOG c", "DATABASE c.x"} {
		text := must(t, s, "SHOW CREATE "+what)[1]
		if what == "CATALOG c" {
			must(t, s, "DROP CATALOG c; "+text)
		}
		same(t, must(t, s, "SHOW CREATE "+what)[1:], text)
	}
}

func TestLike(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, nil)
	must(t, s, `CREATE TABLE base (id INT NOT NULL COMMENT 'i', v STRING, twice AS id * 2, ts AS TO_TIMESTAMP(v), f STRING METADATA FROM 'file.name' VIRTUAL, dt STRING,
		WATERMARK FOR ts AS ts - INTERVAL '1' SECOND, PRIMARY KEY (id) NOT ENFORCED) COMMENT 'base' DISTRIBUTED INTO 3 BUCKETS PARTITIONED BY (dt)
		WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv')`)
	show := func(clauses string) string {
		t.Helper()
		text := must(t, s, "CREATE TEMPORARY TABLE l "+clauses+"; SHOW CREATE TABLE l")[1]
		must(t, s, "DROP TEMPORARY TABLE l")
		return strings.Join(strings.Fields(strings.TrimPrefix(text, "CREATE TEMPORARY TABLE `default_catalog`.`default_database`.`l` ")), " ")
	}
	const (
		physical = "`id` INT NOT NULL COMMENT 'i', `v` STRING, "
		computed = "`twice` AS `id` * 2, `ts` AS TO_TIMESTAMP(`v`), "
		meta     = "`f` STRING METADATA FROM 'file.name' VIRTUAL, "
		mark     = ", WATERMARK FOR `ts` AS `ts` - INTERVAL '1' SECOND"
		key      = ", PRIMARY KEY (`id`) NOT ENFORCED"
		parts    = " PARTITIONED BY (`dt`)"
		options  = " WITH ( 'connector' = 'filesystem', 'format' = 'csv', 'path' = 'x' )"
	)
	for clauses, want := range map[string]string{
		"LIKE base": "( " + physical + computed + meta + "`dt` STRING" + mark + key + " ) DISTRIBUTED INTO 3 BUCKETS" + parts + options,
		"(n INT) COMMENT 'own' WITH ('path' = 'y') LIKE base":                                                                       "( " + physical + computed + meta + "`dt` STRING, `n` INT" + mark + key + " ) COMMENT 'own' DISTRIBUTED INTO 3 BUCKETS" + parts + strings.Replace(options, "'x'", "'y'", 1),
		"LIKE base (EXCLUDING GENERATED EXCLUDING METADATA EXCLUDING WATERMARKS)":                                                   "( " + physical + "`dt` STRING" + key + " ) DISTRIBUTED INTO 3 BUCKETS" + parts + options,
		"LIKE base (EXCLUDING CONSTRAINTS EXCLUDING PARTITIONS EXCLUDING DISTRIBUTION)":                                             "( " + physical + computed + meta + "`dt` STRING" + mark + " )" + options,
		"WITH ('connector' = 'blackhole') LIKE base (EXCLUDING ALL)":                                                                "( " + physical + "`dt` STRING ) WITH ( 'connector' = 'blackhole' )",
		"WITH ('connector' = 'blackhole') LIKE base (EXCLUDING ALL INCLUDING CONSTRAINTS)":                                          "( " + physical + "`dt` STRING" + key + " ) WITH ( 'connector' = 'blackhole' )",
		"(twice AS id * 3, WATERMARK FOR ts AS ts) LIKE base (OVERWRITING GENERATED OVERWRITING WATERMARKS EXCLUDING DISTRIBUTION)": "( " + physical + strings.Replace(computed, "* 2", "* 3", 1) + meta + "`dt` STRING, WATERMARK FOR `ts` AS `ts`" + key + " )" + parts + options,
		"(f STRING METADATA FROM 'file.path' VIRTUAL) LIKE base (OVERWRITING METADATA EXCLUDING DISTRIBUTION)":                      "( " + physical + computed + strings.Replace(meta, "name", "path", 1) + "`dt` STRING" + mark + key + " )" + parts + options,
	} {
		if got := show(clauses); got != want {
			t.Errorf("%s\n got %s\nwant %s", clauses, got, want)
		}
	}
	for clauses, want := range map[string]string{
		"LIKE nope":                                         "unknown table 'nope'",
		"(v INT) LIKE base":                                 "column 'v' is defined twice",
		"(twice AS id) LIKE base":                           "column 'twice' is defined twice",
		"(PRIMARY KEY (v) NOT ENFORCED) LIKE base":          "two primary keys",
		"(WATERMARK FOR ts AS ts) LIKE base":                "EXCLUDING WATERMARKS or OVERWRITING WATERMARKS",
		"PARTITIONED BY (v) LIKE base":                      "write EXCLUDING PARTITIONS",
		"DISTRIBUTED INTO 2 BUCKETS LIKE base":              "write EXCLUDING DISTRIBUTION",
		"WITH ('path' = 'y') LIKE base (INCLUDING OPTIONS)": "EXCLUDING OPTIONS or OVERWRITING OPTIONS",
		"LIKE base (EXCLUDING GENERATED)":                   "write EXCLUDING WATERMARKS",
		"LIKE base (EXCLUDING OPTIONS)":                     "has no option 'connector'",
		"LIKE base (OVERWRITING CONSTRAINTS)":               "",
		"LIKE base (INCLUDING OPTIONS EXCLUDING OPTIONS)":   "",
		"LIKE base (INCLUDING ALL EXCLUDING ALL)":           "",
	} {
		refused(t, s, "CREATE TEMPORARY TABLE l "+clauses, want)
	}
}
