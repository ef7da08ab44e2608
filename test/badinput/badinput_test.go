package badinput

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "millrace-badinput-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if binary = os.Getenv("MILLRACE_BINARY"); binary == "" {
		binary = filepath.Join(dir, "millrace")
		if out, err := exec.Command("go", "build", "-o", binary, "github.com/millrace-io/millrace/cmd/millrace").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, out)
			os.Exit(1)
		}
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// outcome is what a user sees of a run.
type outcome struct {
	exit           int
	stdout, stderr string
}

// runIn runs the binary in a folder.
func runIn(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	err := cmd.Wait()
	out := outcome{stdout: stdout.String(), stderr: stderr.String()}
	var e *exec.ExitError
	if errors.As(err, &e) {
		out.exit = e.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if out.exit < 0 {
		t.Fatalf("%v: %s", err, out.stderr)
	}
	return out
}

// A wrong is one thing that is wrong.
type wrong struct {
	name   string
	files  map[string]string // made in the folder first
	script string            // job.sql, run as `millrace run -f job.sql`
	args   []string          // more arguments; instead of all if script is ""
	exit   int
	stderr string // all of it, but for "millrace: " and the line's end; * stands for anything
	stdout string // all of it
}

// table is a table t over a file.
func table(columns, file, format string, options ...string) string {
	out := fmt.Sprintf("CREATE TABLE t (%s) WITH ('connector'='filesystem', 'path'='%s', 'format'='%s'", columns, file, format)
	for i := 0; i < len(options); i += 2 {
		out += fmt.Sprintf(", '%s'='%s'", options[i], options[i+1])
	}
	return out + ");\n"
}

const (
	sel    = "SELECT a, b FROM t;\n"
	three  = "1,a\n2,b\n3,c\n"
	insert = "CREATE TABLE o (a INT, b STRING) WITH ('connector'='filesystem', 'path'='out', 'format'='csv');\nINSERT INTO o SELECT a, b FROM t;\n"
	place  = "table default_catalog.default_database.t: read "
)

// fortieth has a mistake in its 40th statement.
func fortieth() string {
	var b strings.Builder
	for i := range 39 {
		fmt.Fprintf(&b, "CREATE TABLE t%d (a INT)\n  WITH ('connector' = 'blackhole');\n", i)
	}
	return b.String() + "INSERT INTO t1 SELECT a FORM t2;\n"
}

var wrongs = []wrong{
	// scripts
	{name: "the 40th statement", script: fortieth(), exit: 2, stderr: "job.sql:79:25: unexpected 'FORM' before 't2'; did you mean FROM?"},
	{name: "unknown column", exit: 2, script: `-- prices
CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT)
WITH (
  'connector' = 'datagen',
  'number-of-rows' = '10'
);
CREATE TABLE o (price BIGINT)
WITH (
  'connector' = 'blackhole'
);
INSERT INTO o
SELECT prise FROM bid;
`, stderr: "job.sql:12:8: unknown column 'prise' in table 'bid'; did you mean 'price'?"},
	{name: "unknown table", script: "CREATE TABLE orders (a INT) WITH ('connector'='blackhole');\nSELECT * FROM ordres;", exit: 2, stderr: "job.sql:2:15: unknown table 'ordres'; did you mean 'orders'?"},
	{name: "unknown function", script: "SELECT UPPPER('x');", exit: 2, stderr: "job.sql:1:8: *UPPPER*did you mean*UPPER*"},
	{name: "unknown connector", script: "CREATE TABLE t (a INT)\n WITH ('connector'='filesytem', 'path'='x', 'format'='csv');\nSELECT * FROM t;", exit: 2, stderr: "job.sql:2:8: unknown connector 'filesytem'*; did you mean 'filesystem'?"},
	{name: "unknown format", script: table("a INT", "x", "jsson") + "SELECT * FROM t;", exit: 2, stderr: "job.sql:1:68: unknown format 'jsson'*; did you mean 'json'?"},
	{name: "misspelt table option", script: table("a INT", "x", "csv", "csv.ignore-parse-error", "true") + "SELECT * FROM t;", exit: 2, stderr: "job.sql:1:*: unknown option 'csv.ignore-parse-error'*; did you mean 'csv.ignore-parse-errors'?"},
	{name: "unknown table option", script: table("a INT", "x", "csv", "colour", "red") + "SELECT * FROM t;", exit: 2, stderr: "job.sql:1:*: unknown option 'colour' of connector 'filesystem'*"},
	{name: "missing table option", script: "SET 'parallelism.default' = '1';\nCREATE TABLE t (a INT) WITH ('connector'='filesystem', 'format'='csv');\n  SELECT * FROM t;", exit: 2, stderr: "job.sql:3:3: table default_catalog.default_database.t: option 'path' is missing"},
	{name: "bad value of a table option", script: "CREATE TABLE t (a INT) WITH ('connector'='datagen', 'number-of-rows'='many');\nSELECT * FROM t;", exit: 2, stderr: "job.sql:1:*: *number-of-rows*'many' is not a whole number*"},
	{name: "misspelt SET", script: "SET 'parallelism.defautl' = '2';", exit: 2, stderr: "job.sql:1:*: unknown option 'parallelism.defautl'; did you mean 'parallelism.default'?"},
	{name: "bad value of SET", script: "SET 'execution.checkpointing.interval' = 'soon';", exit: 2, stderr: "job.sql:1:*: *execution.checkpointing.interval*'soon'*"},
	{name: "a sink that takes no changes", script: "CREATE TABLE t (a INT) WITH ('connector'='datagen', 'number-of-rows'='1');\nCREATE TABLE o (n BIGINT) WITH ('connector'='filesystem', 'path'='out', 'format'='csv');\nINSERT INTO o SELECT COUNT(*) FROM t;", exit: 2, stderr: "job.sql:3:13: table 'o' only takes new rows, but an aggregate without GROUP BY at 3:22 has its results updated*"},
	{name: "nothing runs behind a mistake", files: map[string]string{"in.csv": three}, script: "SELECT 1 AS n;\nSELECT * FRM x;\nSELECT 2;", exit: 2, stderr: "job.sql:2:10: unexpected 'FRM'*did you mean FROM?", stdout: "n\n1\n"},
	{name: "no script", args: []string{"run", "-f", "nosuch.sql"}, exit: 2, stderr: "open nosuch.sql: no such file or directory"},
	{name: "two scripts", args: []string{"run", "-f", "a.sql", "-e", "SELECT 1"}, exit: 2, stderr: "give one script: FILE, -f FILE or -e SQL"},
	{name: "inline", args: []string{"run", "-e", "SELECT 1 +"}, exit: 2, stderr: "-e:1:*: *unexpected*end*"},

	// flags
	{name: "unknown flag", args: []string{"run", "-e", "SELECT 1", "--parallelisme", "2"}, exit: 2, stderr: "unknown flag --parallelisme*"},
	{name: "unknown mode", args: []string{"run", "-e", "SELECT 1", "--mode", "stream"}, exit: 2, stderr: "--mode must be one of*streaming*batch*stream*"},
	{name: "unknown format of results", args: []string{"run", "-e", "SELECT 1", "--format", "xml"}, exit: 2, stderr: "--format must be one of*xml*"},
	{name: "misspelt --set", args: []string{"run", "-e", "SELECT 1", "--set", "execution.checkpointing.intervall=1s"}, exit: 2, stderr: "unknown option 'execution.checkpointing.intervall'; did you mean 'execution.checkpointing.interval'?"},
	{name: "negative parallelism", args: []string{"run", "-e", "SELECT 1", "--parallelism=-1"}, exit: 2, stderr: "--parallelism -1: it must be positive"},
	{name: "restore without a folder", args: []string{"run", "-e", "SELECT 1", "--restore", "latest"}, exit: 2, stderr: "a restore needs a folder, where the job keeps its checkpoints: give --checkpoint-dir or set 'execution.checkpointing.dir'"},

	// files
	{name: "missing file", script: table("a INT, b STRING", "nosuch.csv", "csv") + sel, exit: 1, stderr: "*table default_catalog.default_database.t: the path 'nosuch.csv' does not exist*"},
	{name: "missing file, batch", script: table("a INT, b STRING", "nosuch.csv", "csv") + sel, args: []string{"--mode", "batch"}, exit: 1, stderr: "*the path 'nosuch.csv' does not exist*"},
	{name: "pattern without a file", script: table("a INT, b STRING", "nosuch-*.csv", "csv") + sel, exit: 1, stderr: "*no file matches the pattern*"},
	{name: "empty file", files: map[string]string{"in.csv": ""}, script: table("a INT, b STRING", "in.csv", "csv") + sel, stdout: "a,b\n"},
	{name: "empty JSON file", files: map[string]string{"in.json": ""}, script: table("a INT, b STRING", "in.json", "json") + sel, stdout: "a,b\n"},
	{name: "empty gzip file", files: map[string]string{"in.csv.gz": ""}, script: table("a INT, b STRING", "in.csv.gz", "csv") + sel, stdout: "a,b\n"},
	{name: "no gzip file", files: map[string]string{"in.csv.gz": three}, script: table("a INT, b STRING", "in.csv.gz", "csv") + sel, exit: 1, stderr: place + "'in.csv.gz'*gzip*"},
	{name: "no Parquet file", files: map[string]string{"in.parquet": three}, script: table("a INT, b STRING", "in.parquet", "parquet") + sel, exit: 1, stderr: place + "'in.parquet'*"},
	{name: "too few fields", files: map[string]string{"in.csv": "1,a\n2,b\n3\n4,d\n"}, script: table("a INT, b STRING", "in.csv", "csv") + sel, exit: 1, stderr: place + "'in.csv' at byte 8, record 3: row length mismatch: 2 fields expected but was 1, in \"3\""},
	{name: "too few fields, going on", files: map[string]string{"in.csv": "1,a\n3\n4,d\n"}, script: table("a INT, b STRING", "in.csv", "csv", "csv.ignore-parse-errors", "true") + sel, stdout: "a,b\n1,a\n3,\n4,d\n"},
	{name: "half a JSON line", files: map[string]string{"in.json": `{"a":1,"b":"x"}` + "\n" + `{"a":2,"b":"y` + "\n"}, script: table("a INT, b STRING", "in.json", "json") + sel, exit: 1, stderr: place + `'in.json' at byte 16, record 2: the line is not valid JSON, in "{\"a\":2,\"b\":\"y"`},
	{name: "half a JSON line at the end", files: map[string]string{"in.json": `{"a":1,"b":"x"}` + "\n" + `{"a":2,"b"`}, script: table("a INT, b STRING", "in.json", "json") + sel, exit: 1, stderr: place + `'in.json' at byte 16, record 2: the line is not valid JSON, in "{\"a\":2,\"b\""`},
	{name: "half a JSON line, going on", files: map[string]string{"in.json": `{"a":1,"b":"x"}` + "\n" + `{"a":2,"b":"y` + "\n" + `{"a":3,"b":"z"}` + "\n"}, script: table("a INT, b STRING", "in.json", "json", "json.ignore-parse-errors", "true") + sel, stdout: "a,b\n1,x\n3,z\n"},
	{name: "not UTF-8", files: map[string]string{"in.csv": "1,a\n2,\xff\xfe\n"}, script: table("a INT, b STRING", "in.csv", "csv") + "SELECT COUNT(b) FROM t;", exit: 1, stderr: place + `'in.csv' at byte 4, record 2: the text is not UTF-8, in "2,\xff\xfe"`},
	{name: "JSON not UTF-8", files: map[string]string{"in.json": "{\"a\":1,\"b\":\"\xff\"}\n"}, script: table("a INT, b STRING", "in.json", "json") + sel, exit: 1, stderr: place + `'in.json' at byte 0, record 1: the text is not UTF-8, in "{\"a\":1,\"b\":\"\xff\"}"`},
	{name: "JSON not UTF-8, going on", files: map[string]string{"in.json": "{\"a\":1,\"b\":\"\xff\"}\n{\"a\":2,\"b\":\"y\"}\n"}, script: table("a INT, b STRING", "in.json", "json", "json.ignore-parse-errors", "true") + sel, stdout: "a,b\n2,y\n"},
	{name: "number too big", files: map[string]string{"in.csv": "1,a\n99999999999,b\n"}, script: table("a INT, b STRING", "in.csv", "csv") + sel, exit: 1, stderr: place + "'in.csv' at byte 4, record 2: column 'a': '99999999999' is out of range of INT, in \"99999999999,b\""},
	{name: "number too big, going on", files: map[string]string{"in.csv": "1,a\n99999999999,b\n"}, script: table("a INT, b STRING", "in.csv", "csv", "csv.ignore-parse-errors", "true") + sel, stdout: "a,b\n1,a\n,b\n"},
	{name: "JSON number too big", files: map[string]string{"in.json": `{"a":300,"b":"x"}` + "\n"}, script: table("a TINYINT, b STRING", "in.json", "json") + sel, exit: 1, stderr: place + "'in.json' at byte 0, record 1: *'a'*300*out of range of TINYINT*"},
	{name: "no number", files: map[string]string{"in.csv": "1,a\nxx,b\n"}, script: table("a INT, b STRING", "in.csv", "csv") + sel, exit: 1, stderr: place + "'in.csv' at byte 4, record 2: column 'a': 'xx' is not a valid INT, in \"xx,b\""},
	{name: "a long bad record is cut", files: map[string]string{"in.csv": "1,a\nxx," + strings.Repeat("y", 5000) + "\n"}, script: table("a INT, b STRING", "in.csv", "csv") + sel, exit: 1, stderr: place + "'in.csv' at byte 4, record 2: column 'a': 'xx' is not a valid INT, in \"xx,yyy*"},

	// expressions
	{name: "division by zero", script: "SELECT\n  1 / (a - 1)\nFROM (VALUES (1), (2)) AS t(a);", exit: 1, stderr: "job.sql:2:5: division by zero, in 1 / (a - 1)"},
	{name: "division by zero in an insert", files: map[string]string{"in.csv": three}, script: table("a INT, b STRING", "in.csv", "csv") + "CREATE TABLE o (a INT) WITH ('connector'='filesystem', 'path'='out', 'format'='csv');\nINSERT INTO o SELECT 6 / (a - 3) FROM t;", exit: 1, stderr: "job.sql:3:24: division by zero, in 6 / (a - 3)"},
	{name: "a cast of an aggregate", script: "SELECT CAST(MAX(t.a) AS INT) FROM (VALUES ('1'), ('x')) AS t(a);", exit: 1, stderr: "job.sql:1:8: cannot read INT from \"x\", in CAST(MAX(t.a) AS INT)"},
	{name: "a cast in a join", files: map[string]string{"in.csv": three}, script: table("a INT, b STRING", "in.csv", "csv") + "SELECT 1 FROM t JOIN t AS u ON t.a = u.a AND CAST(u.b AS INT) > t.a;", exit: 1, stderr: "*cannot read INT from *, in CAST(u.b AS INT)"},
	{name: "a cast that fails", script: "SELECT CAST(a AS INT) FROM (VALUES ('1'), ('x')) AS t(a);", exit: 1, stderr: "job.sql:1:8: cannot read INT from \"x\", in CAST(a AS INT)"},

	// sinks
	{name: "output folder that cannot be written", files: map[string]string{"in.csv": three, "out": "a file"}, script: table("a INT, b STRING", "in.csv", "csv") + insert, exit: 1, stderr: "*out is not a folder*"},
	{name: "null in a column that has none", files: map[string]string{"in.csv": "1,a\n,b\n"}, script: table("a INT, b STRING", "in.csv", "csv", "csv.null-literal", "") + "CREATE TABLE o (a INT NOT NULL) WITH ('connector'='filesystem', 'path'='out', 'format'='csv');\nINSERT INTO o SELECT a FROM t;", exit: 1, stderr: "*'a'*NOT NULL*"},

	// checkpoints
	{name: "checkpoint folder that is a file", files: map[string]string{"in.csv": three, "ck": ""}, script: table("a INT, b STRING", "in.csv", "csv") + insert, args: []string{"--checkpoint-dir", "ck"}, exit: 1, stderr: "the checkpoint folder ck/o cannot be written: *ck is not a folder"},
	{name: "checkpoint folder that cannot be made", files: map[string]string{"in.csv": three}, script: table("a INT, b STRING", "in.csv", "csv") + insert, args: []string{"--checkpoint-dir", "/proc/no/such"}, exit: 1, stderr: "the checkpoint folder /proc/no/such/o cannot be written: *"},
	{name: "no checkpoint there", files: map[string]string{"in.csv": three, "some/file": ""}, script: table("a INT, b STRING", "in.csv", "csv") + insert, args: []string{"--checkpoint-dir", "ck", "--restore", "some"}, exit: 2, stderr: "restore some: there is no checkpoint in some: one is a file chk-N.json in a job's folder, or the folder of a savepoint"},
	{name: "no such checkpoint", files: map[string]string{"in.csv": three}, script: table("a INT, b STRING", "in.csv", "csv") + insert, args: []string{"--checkpoint-dir", "ck", "--restore", "ck/o/chk-00000007.json"}, exit: 2, stderr: "restore ck/o/chk-00000007.json: *no such file*"},
	{name: "no checkpoint at all", files: map[string]string{"in.csv": three, "ck/o/chk-00000003.json": "this is none, but it is long enough"}, script: table("a INT, b STRING", "in.csv", "csv") + insert, args: []string{"--checkpoint-dir", "ck", "--restore", "latest", "--quiet"}, exit: 1, stderr: "no checkpoint in ck/o can be used: *chk-00000003.json fails its checksum"},

	// what is not wrong
	{name: "results only", files: map[string]string{"in.csv": three}, script: table("a INT, b STRING", "in.csv", "csv") + "SELECT a FROM t WHERE a > 1;\nSHOW TABLES;", args: []string{"--parallelism", "1"}, stdout: "a\n2\n3\n\ntable name\nt\n"},
	{name: "nothing to restore", files: map[string]string{"in.csv": three}, script: table("a INT, b STRING", "in.csv", "csv") + insert, args: []string{"--checkpoint-dir", "ck", "--restore", "latest"}, stderr: "o: there is no checkpoint in ck/o: it starts from the beginning"},
	{name: "nothing to restore, quietly", files: map[string]string{"in.csv": three}, script: table("a INT, b STRING", "in.csv", "csv") + insert, args: []string{"--checkpoint-dir", "ck", "--restore", "latest", "--quiet"}},
}

func TestWrong(t *testing.T) {
	for _, w := range wrongs {
		t.Run(w.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, w.files)
			args := w.args
			if w.script != "" {
				write(t, dir, map[string]string{"job.sql": w.script})
				args = append([]string{"run", "-f", "job.sql"}, w.args...)
			}
			got := runIn(t, dir, args...)
			if got.exit != w.exit {
				t.Errorf("exit status %d, should be %d", got.exit, w.exit)
			}
			says(t, got.stderr, w.exit, w.stderr)
			if w.stdout != "*" && w.exit == 0 && sorted(got.stdout) != sorted(w.stdout) || w.exit == 2 && got.stdout != w.stdout {
				t.Errorf("standard output is %q, should be %q", got.stdout, w.stdout)
			}
			// a job that failed may have begun to print: then the header stands there
			if w.exit == 1 && strings.Count(got.stdout, "\n") > 1 {
				t.Errorf("standard output is %q", got.stdout)
			}
			noHalfFiles(t, dir)
		})
	}
}

// says checks that standard error is one line that matches.
func says(t *testing.T, got string, exit int, want string) {
	t.Helper()
	if want == "" {
		if got != "" {
			t.Errorf("standard error has %q", got)
		}
		return
	}
	line, ok := strings.CutSuffix(got, "\n")
	if !ok || strings.Contains(line, "\n") {
		t.Errorf("standard error is not one line: %q", got)
	}
	if exit != 0 {
		if line, ok = strings.CutPrefix(line, "millrace: "); !ok {
			t.Errorf("standard error does not begin with the program's name: %q", got)
		}
	}
	if !like(line, want) {
		t.Errorf("standard error is\n  %s\nshould be\n  %s", line, want)
	}
	if len(line) > 1000 {
		t.Errorf("the line has %d bytes", len(line))
	}
}

// like matches a text with a pattern in which * stands for anything.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, ".*") + `)$`).MatchString(text)
}

// sorted is the text with all lines of each part but the first in order: rows come in
// no order.
func sorted(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i := 1; i < len(lines); i++ {
		for k := i; k > 1 && lines[k] < lines[k-1] && lines[k] != "" && lines[k-1] != "\n" && lines[k] != "\n"; k-- {
			lines[k], lines[k-1] = lines[k-1], lines[k]
		}
	}
	return strings.Join(lines, "")
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// noHalfFiles fails the test if a file is left under its hidden name.
func noHalfFiles(t *testing.T, dir string) {
	t.Helper()
	filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".inprogress") {
			t.Errorf("left behind: %s", p)
		}
		return nil
	})
}
