package statements_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace-io/millrace"
)

// start runs a script without waiting for its jobs.
func start(t *testing.T, s *millrace.Session, text string) {
	t.Helper()
	for st, err := range s.Script("t.sql", text) {
		if err == nil {
			_, err = s.Execute(context.Background(), st, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestJobs(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, map[string]string{"execution.checkpointing.dir": "chk", "execution.checkpointing.interval": "1 h"})
	same(t, must(t, s, "SHOW JOBS"), "job id|job name|status|start time")
	refused(t, s, "STOP JOB 'x'", "there is no job 'x'; this session has started no jobs")
	start(t, s, `CREATE TABLE endless (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
		CREATE TABLE three (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');
		CREATE TABLE sink (id INT) WITH ('connector' = 'blackhole');
		SET 'pipeline.name' = 'the job'; INSERT INTO sink SELECT id FROM endless; RESET 'pipeline.name'; INSERT INTO sink SELECT id FROM endless`)
	must(t, s, "INSERT INTO sink SELECT id FROM three")
	jobs := func() string {
		t.Helper()
		clock := regexp.MustCompile(`\|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$`)
		var out []string
		for _, line := range must(t, s, "SHOW JOBS")[1:] {
			if !clock.MatchString(line) {
				t.Errorf("no start time: %s", line)
			}
			out = append(out, clock.ReplaceAllString(line, ""))
		}
		return strings.Join(out, "\n")
	}
	const all = "the-job-sink|the job|%s\nsink|insert-into_default_catalog.default_database.sink|%s\nsink-2|insert-into_default_catalog.default_database.sink|FINISHED"
	if got, want := jobs(), fmt.Sprintf(all, "RUNNING", "RUNNING"); got != want {
		t.Errorf("%s", got)
	}
	must(t, s, "STOP JOB 'the-job-sink'")
	saved := must(t, s, "STOP JOB 'sink' WITH SAVEPOINT")
	if len(saved) != 2 || saved[0] != "savepoint path" {
		t.Fatal(saved)
	}
	if _, err := os.Stat(saved[1]); err != nil {
		t.Error(err)
	}
	if got, want := jobs(), fmt.Sprintf(all, "CANCELED", "FINISHED"); got != want {
		t.Errorf("%s", got)
	}
	if got := must(t, s, "DESCRIBE JOB 'the-job-sink'"); len(got) != 2 || !strings.HasPrefix(got[1], "the-job-sink|the job|CANCELED|") {
		t.Error(got)
	}
	refused(t, s, "STOP JOB 'the-job-sink' WITH SAVEPOINT WITH DRAIN", "job 'the-job-sink' has ended: it is CANCELED")
	refused(t, s, "STOP JOB 'the-job-sink' WITH DRAIN", "WITH DRAIN goes with WITH SAVEPOINT only")
	refused(t, s, "DESCRIBE JOB 'y'", "there is no job 'y'; SHOW JOBS lists the jobs of this session")
	if err := s.Wait(context.Background()); err != nil {
		t.Errorf("jobs that were stopped have not failed: %v", err)
	}
}

// TestFunctions are functions with a body in SQL.
func TestFunctions(t *testing.T) {
	t.Chdir(t.TempDir())
	s := session(t, batch)
	must(t, s, `CREATE FUNCTION Gross(net DECIMAL(10, 2), rate DOUBLE) RETURNS DECIMAL(10, 2) RETURN net * (1 + rate);
		CREATE TEMPORARY FUNCTION twice(x INT) RETURNS BIGINT LANGUAGE SQL AS x + x;
		CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS say(s STRING) RETURNS STRING RETURN CASE WHEN s IS NULL THEN 'nobody' ELSE 'hello ' || s END;
		CREATE FUNCTION four(x INT) RETURNS INT RETURN CAST(twice(x) AS INT) + CAST(twice(x) AS INT);
		CREATE DATABASE d; CREATE FUNCTION d.other() RETURNS INT RETURN 7`)
	same(t, must(t, s, "SELECT CAST(gross(100.00, 0.19) AS STRING) AS g, twice(21) AS t, say('you') AS s, say(CAST(NULL AS STRING)) AS n, four(3) AS f, d.other() AS o"),
		"g|t|s|n|f|o", "119.00|42|hello you|nobody|12|7")
	same(t, must(t, s, "SHOW USER FUNCTIONS"), "function name", "Gross", "four", "say", "twice")
	same(t, must(t, s, "SHOW USER FUNCTIONS FROM d NOT LIKE 's%'"), "function name", "other")
	// the argument is evaluated as its type: it is no text that is put in
	same(t, must(t, s, "SELECT twice(1 + 2) AS x, twice(CAST(2147483647 AS INT)) AS y"), "x|y", "6|-2")
	for sql, want := range map[string]string{
		"SELECT twice('x')":  "twice",
		"SELECT twice(1, 2)": "twice",
		"SELECT other()":     "unknown function 'other'",
		"CREATE FUNCTION four(x INT) RETURNS INT RETURN x":            "exists already",
		"CREATE FUNCTION g(x INT) RETURNS INT RETURN y":               "in the body of function 'g'",
		"CREATE FUNCTION g(x INT, x INT) RETURNS INT RETURN x":        "parameter 'x' is defined twice",
		"CREATE FUNCTION g(x INT) RETURNS INT LANGUAGE JAVA RETURN x": "has a body in SQL, not in JAVA",
		"CREATE FUNCTION g(x ARRAY<INT>) RETURNS DATE RETURN x":       "DATE",
		"CREATE FUNCTION g AS 'com.acme.G' LANGUAGE SCALA":            "classes of Java, Scala or Python are not run here; write the function in SQL",
		"CREATE FUNCTION g AS 'com.acme.G' USING JAR 'g.jar'":         "USING JAR: there is no Java here to load 'g.jar' into; write the function in SQL",
		"DROP FUNCTION nope":     "unknown function 'nope'",
		"DROP FUNCTION twice":    "a temporary function 'default_catalog.default_database.twice' exists; drop it first with DROP TEMPORARY FUNCTION",
		"DESCRIBE FUNCTION nope": "unknown function 'nope'",
	} {
		refused(t, s, sql, want)
	}
	must(t, s, "DROP TEMPORARY FUNCTION twice; DROP FUNCTION IF EXISTS nope; DROP TEMPORARY SYSTEM FUNCTION say; CREATE OR REPLACE FUNCTION four(x INT) RETURNS INT RETURN x + 1")
	same(t, must(t, s, "SELECT four(3) AS f"), "f", "4")
}
