package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/cli"
	"github.com/millrace-io/millrace/internal/testkit"
)

// run runs the program and returns what it writes, standard error behind standard
// output.
func run(t *testing.T, args ...string) (status int, text string) {
	t.Helper()
	var files [2]*os.File
	for i, name := range []string{"out", "err"} {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	status = cli.Main(args, os.Stdin, files[0], files[1])
	for _, f := range files {
		data, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		text += string(data)
	}
	return status, text
}

// totalsJob stops a job that counts, and returns its folder for checkpoints.
func totalsJob(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.MkdirAll(in, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "a.csv"), []byte("ann,10\nbob,20\nann,30\n,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	testkit.Checkpoint(t, filepath.Join(dir, "chk"), "", `
		SET 'pipeline.name' = 'shop';
		CREATE TABLE bids (usr STRING, price INT) WITH ('connector' = 'filesystem', 'path' = '`+in+`', 'format' = 'csv', 'csv.null-literal' = '', 'source.monitor-interval' = '20 ms');
		CREATE TABLE totals (usr STRING, cnt BIGINT, total INT) WITH ('connector' = 'print', 'standard-error' = 'true');
		INSERT INTO totals SELECT usr, COUNT(*), SUM(price) FROM bids GROUP BY usr;`, 4, map[string]string{"parallelism.default": "1"})
	return filepath.Join(dir, "chk")
}

func TestStateCommands(t *testing.T) {
	dir := totalsJob(t)
	job := filepath.Join(dir, "shop-totals")
	file := func(name string) string { return filepath.Join(dir, name) }
	ids := regexp.MustCompile(`\b[0-9a-f]{16}\b`)
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"ls DIR", 0, `
of job shop-totals: JOB/chk-`},
		{"ls shop --checkpoint-dir DIR", 0, `
ID  GroupAggregate(groupBy=[usr], select=[usr, COUNT(*) AS cnt, SUM(price) AS total])
  GroupAgg: `},
		{"ls JOB", 0, `
  groups        at most 3 rows  usr, cnt, total
  accumulators  at most 3 rows  usr, rows, total.sum, total.n
`},
		{"ls JOB", 0, `
ID  source default_catalog.default_database.bids
  filesystem: 0 unfinished splits, no watermark yet
`},
		{"show JOB GroupAgg --key ann", 0, "usr,cnt,total\nann,2,40\n"},
		{"show JOB GroupAgg --key NULL --format json", 0, `{"usr":null,"cnt":1,"total":1}` + "\n"},
		{"show JOB GroupAgg --key cnt=1 --key total=20 --no-header", 0, "bob,1,20\n"},
		{"show JOB GroupAgg accumulators --key usr=bob", 0, "usr,rows,total.sum,total.n\nbob,1,20,1\n"},
		{"show JOB GroupAgg --limit 1", 0, "there are more than 1 row: --limit 0 shows all\n"},
		{"show JOB GroupAgg --key nobody", 0, "usr,cnt,total\n"},
		{"export JOB GroupAgg -o DIR/a.csv", 0, "DIR/a.csv: 3 rows of table 'groups'\n"},
		{"export JOB GroupAgg -o DIR/a.json", 0, "DIR/a.json: 3 rows of table 'groups'\n"},
		{"export JOB GroupAgg -o DIR/a.parquet", 0, "DIR/a.parquet: 3 rows of table 'groups'\n"},

		{"ls DIR/none", 2, "there is no checkpoint: DIR/none does not exist\n"},
		{"ls other --checkpoint-dir DIR", 2, "there is no job 'other' in DIR: there are shop-totals\n"},
		{"show JOB Join", 2, "no operator with state is called 'Join'; there are: ID GroupAggregate("},
		{"show JOB GroupAgg grups", 2, "has no table 'grups'; did you mean 'groups'?; it has 'groups', 'accumulators'\n"},
		{"show JOB GroupAgg --key totl=1", 2, "--key totl=1: there is no column 'totl'; did you mean 'total'?\n"},
		{"show JOB GroupAgg --limit=-1", 2, "--limit -1: it must not be negative\n"},
		{"export JOB GroupAgg -o DIR/a.txt", 2, "DIR/a.txt: its name must end in .csv, .json or .parquet\n"},
		{"export JOB GroupAgg -o DIR/none/a.csv", 2, "no such file or directory\n"},
	} {
		args := strings.NewReplacer("JOB", job, "DIR", dir).Replace(c.args)
		status, got := run(t, append([]string{"state"}, strings.Fields(args)...)...)
		got = ids.ReplaceAllString(strings.NewReplacer(job, "JOB", dir, "DIR").Replace(got), "ID")
		want := strings.TrimPrefix(c.want, "\n")
		if status != c.status || !strings.Contains(got, want) {
			t.Errorf("state %s: status %d\n%s\nwant status %d\n%s", c.args, status, got, c.status, want)
		}
	}
	for _, f := range []struct{ name, want string }{
		{file("a.csv"), "usr,cnt,total\n"},
		{file("a.csv"), "\nann,2,40\n"},
		{file("a.json"), `{"usr":"bob","cnt":1,"total":20}` + "\n"},
	} {
		if data, err := os.ReadFile(f.name); err != nil || !strings.Contains(string(data), f.want) {
			t.Errorf("%s: %v\n%s\nwant %s", f.name, err, data, f.want)
		}
	}
	status, got := run(t, "run", "--quiet", "-e", "CREATE TABLE x (usr STRING, total INT) WITH ('connector' = 'filesystem', 'path' = '"+file("a.parquet")+"', 'format' = 'parquet'); SELECT SUM(total) AS s FROM x")
	if status != 0 || !strings.Contains(got, "\n61") {
		t.Errorf("from parquet: %d %s", status, got)
	}
	if left, _ := filepath.Glob(file(".a.*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// TestStateImport makes savepoints with the rows of files, and lets them be shown.
func TestStateImport(t *testing.T) {
	dir := totalsJob(t)
	job := filepath.Join(dir, "shop-totals")
	for name, text := range map[string]string{
		"all.csv":   "total,usr,cnt\n1,new,1\n2,,1\n",
		"ann.json":  `{"usr": "ann", "cnt": 7, "total": 70}` + "\n",
		"twice.csv": "usr,cnt,total\na,1,1\na,2,2\n",
		"typo.csv":  "usr,cnt,totl\n",
		"short.csv": "usr,total\nann,1\n",
		"bad.csv":   "usr,cnt,total\nann,x,1\n",
		"empty.csv": "",
		"none.csv":  "usr,cnt,total\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"import JOB GroupAgg DIR/all.csv -o DIR/all", 0, "DIR/all\n2 rows of table 'groups'\n"},
		{"show DIR/all GroupAgg --key new --no-header", 0, "new,1,1\n"},
		{"show DIR/all GroupAgg --key ann --no-header", 0, ""},
		{"import JOB GroupAgg DIR/ann.json --upsert -o DIR/ann", 0, "DIR/ann\n1 row of table 'groups'\n"},
		{"show DIR/ann GroupAgg --key ann --no-header", 0, "ann,7,70\n"},
		{"show DIR/ann GroupAgg --key bob --no-header", 0, "bob,1,20\n"},
		{"export DIR/ann GroupAgg accumulators -o DIR/ann.parquet", 0, ""},
		{"import DIR/all GroupAgg DIR/ann.parquet accumulators -o DIR/again", 0, "DIR/again\n3 rows of table 'accumulators'\n"},
		{"show DIR/again GroupAgg --key ann --no-header", 0, "ann,7,70\n"},
		{"import JOB GroupAgg DIR/none.csv -o DIR/emptied", 0, "DIR/emptied\n0 rows of table 'groups'\n"},
		{"show DIR/emptied GroupAgg --no-header", 0, ""},

		{"import JOB GroupAgg DIR/all.csv -o DIR/all", 2, "DIR/all is there already: a savepoint is never changed"},
		{"import JOB GroupAgg DIR/twice.csv -o DIR/x", 1, "two rows have the key usr = a\n"},
		{"import JOB GroupAgg DIR/typo.csv -o DIR/x", 2, "DIR/typo.csv: table 'groups' has no column 'totl'; did you mean 'total'?\n"},
		{"import JOB GroupAgg DIR/short.csv -o DIR/x", 2, "a row of table 'groups' needs the columns 'cnt' too\n"},
		{"import JOB GroupAgg DIR/bad.csv -o DIR/x", 1, "column 'cnt': 'x' is not a valid BIGINT"},
		{"import JOB GroupAgg DIR/empty.csv -o DIR/x", 2, "DIR/empty.csv is empty: its first line names the columns\n"},
		{"import JOB GroupAgg DIR/gone.json -o DIR/x", 2, "no such file or directory\n"},
		{"import JOB GroupAgg DIR/all.txt -o DIR/x", 2, "its name must end in .csv, .json or .parquet\n"},
		{"import JOB Join DIR/all.csv -o DIR/x", 2, "no operator with state is called 'Join'"},
	} {
		args := strings.NewReplacer("JOB", job, "DIR", dir).Replace(c.args)
		status, got := run(t, append([]string{"state"}, strings.Fields(args)...)...)
		got = strings.NewReplacer(job, "JOB", dir, "DIR").Replace(got)
		if status != c.status || !strings.Contains(got, c.want) || c.want == "" && strings.HasPrefix(c.args, "show") && got != "" {
			t.Errorf("state %s: status %d\n%s\nwant status %d\n%s", c.args, status, got, c.status, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("a savepoint is left")
	}
}
