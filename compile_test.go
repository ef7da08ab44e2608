package millrace_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
)

var compileNew = flag.Bool("compile", false, "write the plan of the newest version into testdata/plans")

// planTables are what the plans of testdata/plans read and write.
func planTables(dir string) string {
	return fmt.Sprintf(`CREATE TABLE orders (id INT, item STRING, qty INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'filesystem', 'path' = '%s/orders.csv', 'format' = 'csv');
CREATE TABLE items (item STRING, price INT) WITH ('connector' = 'filesystem', 'path' = '%s/items.csv', 'format' = 'csv');
CREATE TABLE totals (item STRING PRIMARY KEY NOT ENFORCED, total INT) WITH ('connector' = 'kept');
CREATE TABLE windows (item STRING, w TIMESTAMP(3), n BIGINT, PRIMARY KEY (item, w) NOT ENFORCED) WITH ('connector' = 'kept');
CREATE TABLE best (id INT PRIMARY KEY NOT ENFORCED, item STRING, qty INT) WITH ('connector' = 'kept');
`, dir, dir)
}

const planStatement = `STATEMENT SET BEGIN
INSERT INTO totals SELECT o.item, SUM(o.qty * i.price) FROM orders o JOIN items i ON o.item = i.item WHERE o.qty > 0 GROUP BY o.item;
INSERT INTO windows SELECT item, window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY item, window_start, window_end;
INSERT INTO best SELECT id, item, qty FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY qty DESC) AS r FROM orders) WHERE r = 1 ON CONFLICT DO ERROR;
END`

func planData(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"orders.csv": "1,pen,3,2026-01-01 00:00:01\n2,ink,5,2026-01-01 00:00:02\n3,pen,4,2026-01-01 00:00:12\n4,ink,0,2026-01-01 00:00:13\n",
		"items.csv":  "pen,2\nink,10\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var planRows = [3]string{"ink 50|pen 14", "ink 1767225600000000 1|ink 1767225610000000 1|pen 1767225600000000 1|pen 1767225610000000 1", "2 ink 5|3 pen 4"}

func checkPlanRows(t *testing.T, what string, err error) {
	t.Helper()
	got := [3]string{strings.Join(takeKept("totals"), "|"), strings.Join(takeKept("windows"), "|"), strings.Join(takeKept("best"), "|")}
	if err != nil || got != planRows {
		t.Errorf("%s: %v, %v", what, got, err)
	}
}

// planned is the statement for streams: the items have no watermark to wait for.
func planned() string {
	return strings.Replace(planStatement, " ON CONFLICT DO ERROR", " ON CONFLICT DO DEDUPLICATE", 1)
}

func utc(more map[string]string) millrace.Config {
	cfg := streaming(more)
	cfg.Options["table.local-time-zone"] = "UTC"
	return cfg
}

// TestCompilePlan compiles and executes, at another parallelism than it would have
// had, in both modes.
func TestCompilePlan(t *testing.T) {
	dir := planData(t)
	for _, mode := range []string{"streaming", "batch"} {
		file := filepath.Join(dir, mode+".json")
		statement := planned()
		if mode == "batch" {
			statement = planStatement
		}
		cfg := func(par string) millrace.Config {
			return utc(map[string]string{"execution.runtime-mode": mode, "parallelism.default": par})
		}
		compile := fmt.Sprintf("COMPILE PLAN '%s' FOR %s;", file, statement)
		if _, err := run(cfg("2"), planTables(dir)+compile); err != nil {
			t.Fatal(err)
		}
		for _, par := range []string{"1", "3"} {
			_, err := run(cfg(par), fmt.Sprintf("EXECUTE PLAN '%s';", file))
			checkPlanRows(t, "execute "+mode+" at "+par, err)
		}
		if _, err := run(cfg("1"), planTables(dir)+compile); err == nil || !strings.Contains(err.Error(), "there is a plan file") {
			t.Error(err)
		}
		for _, again := range []string{"COMPILE PLAN '%s' IF NOT EXISTS FOR INSERT INTO totals SELECT 'x', 1 ON CONFLICT DO DEDUPLICATE;"} {
			if _, err := run(cfg("1"), planTables(dir)+fmt.Sprintf(again, file)); err != nil {
				t.Error(err)
			}
		}
		_, err := run(cfg("1"), planTables(dir)+fmt.Sprintf("COMPILE AND EXECUTE PLAN '%s' FOR INSERT INTO totals SELECT 'x', 1 ON CONFLICT DO DEDUPLICATE;", file))
		checkPlanRows(t, "compile and execute what is there", err)
		_, err = run(cfg("1"), planTables(dir)+fmt.Sprintf("SET 'table.plan.force-recompile' = 'true'; COMPILE AND EXECUTE PLAN '%s' FOR %s;", file, statement))
		checkPlanRows(t, "compile anew and execute", err)
	}
}

// TestOldPlans executes plans that were compiled by earlier versions of this program.
func TestOldPlans(t *testing.T) {
	dir := planData(t)
	if *compileNew {
		if _, err := run(utc(nil), planTables("/data")+fmt.Sprintf("SET 'table.plan.force-recompile' = 'true'; COMPILE PLAN 'testdata/plans/v1.json' FOR %s;", planned())); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob("testdata/plans/*.json")
	if len(files) == 0 {
		t.Fatal("no plans")
	}
	for _, f := range files {
		_, err := run(utc(nil), planTables(dir)+fmt.Sprintf("EXECUTE PLAN '%s';", f))
		checkPlanRows(t, f, err)
	}
}

func TestPlanErrors(t *testing.T) {
	dir := planData(t)
	data, err := os.ReadFile("testdata/plans/v1.json")
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	tables := planTables(dir)
	for _, c := range []struct{ name, file, tables, mode, want string }{
		{"version", regexp.MustCompile(`"version": \d+`).ReplaceAllString(good, `"version": 99`), tables, "", "it has version 99, and this program knows the versions 1 to 1"},
		{"altered", strings.Replace(good, `"SUM"`, `"MAX"`, 1), tables, "", "it was altered"},
		{"no JSON", "hello", tables, "", "it is no JSON"},
		{"other JSON", `{"a": 1}`, tables, "", "it is no compiled plan"},
		{"Flink's", `{"flinkVersion": "2.3", "nodes": []}`, tables, "", "compiled plan of Apache Flink"},
		{"ttl", strings.Replace(good, `"ttl": "0 ms"`, `"ttl": "soon"`, 1), tables, "", "'soon' is not a duration"},
		{"table gone", good, "", "", "s.csv' does not exist: file does not exist"},
		{"temporary", strings.ReplaceAll(good, `"options": {`, `"temporary": true, "options": {`), "", "", "the temporary table default_catalog.default_database.totals is not there"},
		{"column", good, strings.Replace(tables, "price INT", "price BIGINT", 1), "", "column 'price' of the table default_catalog.default_database.items is BIGINT now, and the plan was compiled with INT"},
		{"new column", good, strings.Replace(tables, "price INT", "price INT, x INT", 1), "", "has the column 'x'"},
		{"key", good, strings.Replace(tables, "(id INT PRIMARY KEY NOT ENFORCED, item STRING", "(id INT, item STRING PRIMARY KEY NOT ENFORCED", 1), "", "the primary key of the table default_catalog.default_database.best is another"},
		{"mode", good, tables, "batch", "it was compiled for mode STREAMING, and the session's is BATCH"},
	} {
		file := filepath.Join(dir, "p.json")
		if err := os.WriteFile(file, []byte(c.file), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg := utc(nil)
		if c.mode != "" {
			cfg.Options["execution.runtime-mode"] = c.mode
		}
		if _, err := run(cfg, c.tables+fmt.Sprintf("EXECUTE PLAN '%s';", file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := run(utc(nil), "EXECUTE PLAN '/nowhere/p.json';"); err == nil || !strings.Contains(err.Error(), "test.sql:1:1: plan file '/nowhere/p.json': there is none") {
		t.Error(err)
	}
}
