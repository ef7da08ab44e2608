package statedata_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/statedata"
	"github.com/millrace-io/millrace/internal/testkit"
	"github.com/millrace-io/millrace/vec"
)

// more is what comes behind the bids.
var more = []string{"ann,1,90,2020-01-01 00:02:00", "bob,2,1,2020-01-01 00:02:30", "dan,1,10,2020-01-01 00:03:00", "cid,2,10,2020-01-01 02:59:00"}

// TestRewritten writes each table that can be written with its own rows into a savepoint,
// whole and row by row, and lets a job go on from it: what it keeps in the end is what it
// keeps when nobody touched its state.
func TestRewritten(t *testing.T) {
	files, err := filepath.Glob("testdata/tables/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".sql")
		if name == "normalize" || strings.HasPrefix(name, "join_") && name != "join_left" {
			continue // what comes behind the bids is not all that they read
		}
		t.Run(name, func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var rows int64
			fmt.Sscanf(string(script), "-- %d rows", &rows)
			j := newJob(t, string(script))
			c := j.run(t, "chk", "", rows)
			write(t, filepath.Join(j.dir, "in", "b.csv"), strings.Join(more, "\n")+"\n")
			var untouched *statedata.Checkpoint
			for _, o := range c.Operators {
				for _, tab := range o.Tables {
					if tab.Sealed != "" {
						continue
					}
					if untouched == nil {
						untouched = j.run(t, "untouched", c.Path, int64(len(more)))
					}
					for _, replace := range []bool{true, false} {
						to := filepath.Join(j.dir, fmt.Sprintf("%s-%v", strings.ReplaceAll(o.ID+tab.Name, " ", ""), replace))
						writeOwn(t, c, o, tab, to, replace)
						got, want := results(t, j.run(t, to[len(j.dir)+1:]+"-chk", to, int64(len(more))), tab), results(t, untouched, tab)
						if got != want {
							t.Errorf("table '%s' written, replace %v:\n%s\nwant\n%s", tab.Name, replace, got, want)
						}
						written++
					}
				}
			}
		})
	}
	if written < 20 {
		t.Errorf("only %d tables were written", written)
	}
}

// results shows all tables when accumulators were written. When results were, the
// accumulators behind them are others: they say how many values there were.
func results(t *testing.T, c *statedata.Checkpoint, written *statedata.Table) string {
	if written.Name != "accumulators" {
		return everything(t, c, "accumulators")
	}
	return everything(t, c)
}

// writeOwn makes a savepoint in which a table has the rows that it had.
func writeOwn(t *testing.T, c *statedata.Checkpoint, o *statedata.Operator, tab *statedata.Table, to string, replace bool) {
	t.Helper()
	v, err := statedata.Pin(c.FS, c.Path, o.ID, tab.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	e := &statedata.Edit{From: v, To: to, Replace: replace, Rows: func(f func(*vec.Batch) error) error { return v.Table.Scan(v, f) }}
	for i := range v.Table.Columns {
		e.Columns = append(e.Columns, i)
	}
	if err := e.Do(); err != nil {
		t.Fatalf("%s: %v", tab.Name, err)
	}
	s, err := statedata.Open(c.FS, to, func(line string) { t.Error(line) })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := results(t, s, tab), results(t, c, tab); got != want {
		t.Fatalf("%s, replace %v: the savepoint has\n%s\nwant\n%s", tab.Name, replace, got, want)
	}
}

// TestFixed sets a total right by SQL, and a job goes on from it.
func TestFixed(t *testing.T) {
	j := newJob(t, `CREATE TABLE o (usr STRING, cnt BIGINT, total INT, best INT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'blackhole');
	INSERT INTO o SELECT usr, COUNT(*), SUM(price), MAX(price) FROM bids GROUP BY usr;`)
	c := j.run(t, "chk", "", 5)
	sp := filepath.Join(j.dir, "fixed")
	if got := query(testkit.Batch, "INSERT INTO state('"+c.Path+"', 'GroupAgg') /*+ OPTIONS('sink.path' = '"+sp+"') */ SELECT usr, cnt + 10, 1000, best FROM state('"+c.Path+"', 'GroupAgg') WHERE usr = 'ann' UNION ALL VALUES ('new', 1, 1, CAST(NULL AS INT))"); got != "" {
		t.Fatal(got)
	}
	if got, want := query(testkit.Batch, "SELECT * FROM state('"+sp+"', 'GroupAgg')"), "ann,13,1000,30\nbob,1,20,20\ncid,1,7,7\nnew,1,1,"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	write(t, filepath.Join(j.dir, "in", "b.csv"), strings.Join(more, "\n")+"\n")
	next := j.run(t, "next", sp, int64(len(more)))
	if got, want := query(testkit.Batch, "SELECT * FROM state('"+next.Path+"', 'GroupAgg')"), "ann,14,1090,90\nbob,2,21,20\ncid,2,17,10\ndan,1,10,10\nnew,1,1,"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := query(testkit.Batch, "SELECT * FROM state('"+c.Path+"', 'GroupAgg') WHERE usr = 'ann'"); got != "ann,3,45,30" {
		t.Errorf("the checkpoint has changed: %s", got)
	}
}

// TestBootstrapped fills the side of a join from a file, before the job has read any of
// its input.
func TestBootstrapped(t *testing.T) {
	j := newJob(t, `CREATE TABLE o (usr STRING, name STRING) WITH ('connector' = 'filesystem', 'path' = 'OUT', 'format' = 'csv');
	INSERT INTO o SELECT usr, name FROM bids JOIN items ON bids.item = items.id;`)
	out := filepath.Join(j.dir, "out")
	j.script = strings.Replace(j.script, "'OUT'", "'"+out+"'", 1)
	for _, f := range []string{"in", "items"} {
		if err := os.Remove(filepath.Join(j.dir, f, "a.csv")); err != nil {
			t.Fatal(err)
		}
	}
	c := j.run(t, "chk", "", 0)
	names := filepath.Join(j.dir, "names.csv")
	write(t, names, "1,ANVIL\n2,BOLT\n")
	sp := filepath.Join(j.dir, "filled")
	if got := query(testkit.Batch, "CREATE TABLE names (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '"+names+"', 'format' = 'csv');"+
		"INSERT OVERWRITE state('"+c.Path+"', 'Join', 'right') /*+ OPTIONS('sink.path' = '"+sp+"') */ SELECT id, name FROM names"); got != "" {
		t.Fatal(got)
	}
	write(t, filepath.Join(j.dir, "in", "a.csv"), strings.Join(bids, "\n")+"\n")
	j.run(t, "next", sp, int64(len(bids)))
	got := query(testkit.Batch, "CREATE TABLE o (usr STRING, name STRING) WITH ('connector' = 'filesystem', 'path' = '"+out+"', 'format' = 'csv'); SELECT * FROM o")
	if want := "ann,ANVIL\nann,ANVIL\nann,BOLT\nbob,BOLT"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestRefused shows what is said of state that cannot be written.
func TestRefused(t *testing.T) {
	j := newJob(t, `CREATE TABLE o (usr STRING, cnt BIGINT, mean INT, all_ STRING, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'blackhole');
	CREATE TABLE p (usr STRING, n BIGINT) WITH ('connector' = 'blackhole');
	CREATE TABLE q (usr STRING, price INT) WITH ('connector' = 'blackhole');
	CREATE TABLE w (usr STRING, n BIGINT) WITH ('connector' = 'blackhole');
	EXECUTE STATEMENT SET BEGIN
	INSERT INTO o SELECT usr, COUNT(*), AVG(price), LISTAGG(usr) FROM bids GROUP BY usr;
	INSERT INTO p SELECT item, n FROM (SELECT CAST(item AS STRING) AS item, COUNT(DISTINCT usr) AS n FROM bids GROUP BY CAST(item AS STRING));
	INSERT INTO q SELECT usr, price FROM (SELECT usr, price, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY price DESC) AS n FROM bids) WHERE n <= 2;
	INSERT INTO w SELECT usr, COUNT(*) FROM SESSION(TABLE bids PARTITION BY usr, DESCRIPTOR(ts), INTERVAL '2' HOUR) GROUP BY usr, window_start, window_end;
	END;`)
	j.script = strings.ReplaceAll(j.script, "'blackhole'", "'print', 'standard-error' = 'true'")
	c := j.run(t, "chk", "", 5)
	dir := filepath.Dir(c.Path)
	sp := filepath.Join(j.dir, "sp")
	taken := filepath.Join(j.dir, "taken")
	write(t, filepath.Join(taken, "a"), "")
	hint := " /*+ OPTIONS('sink.path' = '" + sp + "') */ "
	const windows = "WindowAggregate"
	for _, r := range []struct{ op, table, with, rows, want string }{
		{"AVG(price)", "", hint, "VALUES ('a', 1, 2, 'x')", "table 'groups' of GroupAggregate(groupBy=[usr]"},
		{"AVG(price)", "", hint, "VALUES ('a', 1, 2, 'x')", "cannot be written: the result of AVG does not say what is kept for it; write its table 'accumulators'"},
		{"AVG(price)", "accumulators", hint, "VALUES ('a', 1, 2, 1, 1, x'00')", "cannot be written: LISTAGG keeps bytes of its own"},
		{"DISTINCT", "", hint, "VALUES ('a', 1)", "cannot be written: it has DISTINCT calls, or MIN or MAX over rows that leave, which are kept with the set of their values"},
		{"DISTINCT", "values of usr", hint, "VALUES ('a', 'x')", "cannot be written: the values of DISTINCT calls"},
		{windows, "", hint, "VALUES ('a', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:00:00', 1)", "cannot be written: the windows of a key are kept together, as partial results"},
		{"Rank", "", hint, "VALUES ('a', 1), ('a', 2), ('a', 3)", "make savepoint " + sp + ": a key of table 'rows' has more than 2 rows, which is all that Rank("},
		{"Rank", "", " /*+ OPTIONS('sink.path' = '" + taken + "') */ ", "VALUES ('a', 1)", taken + " is there already: a savepoint is never changed, name a new folder by the option 'sink.path'"},
	} {
		table := ""
		if r.table != "" {
			table = ", '" + r.table + "'"
		}
		text := "INSERT INTO state('" + dir + "', '" + r.op + "'" + table + ")" + r.with + r.rows
		if got := query(testkit.Batch, text); !strings.Contains(got, r.want) {
			t.Errorf("%s:\n%s\nwant\n%s", text, got, r.want)
		}
		if _, err := os.Stat(sp); err == nil {
			t.Fatalf("%s: a savepoint is left", text)
		}
	}
	for _, q := range []struct{ mode, sql, want string }{
		{testkit.Stream, "INSERT INTO state('DIR', 'Rank')" + hint + "VALUES ('a', 1)", "q.sql:1:13: state is written by jobs that end: SET 'execution.runtime-mode' = 'batch'"},
		{testkit.Batch, "INSERT INTO other('DIR', 'Rank') VALUES ('a', 1)", "q.sql:1:13: 'other' is no table function that can be written to; INSERT INTO state('path', 'operator') makes a new savepoint"},
		{testkit.Batch, "CREATE TABLE r (usr STRING) WITH ('connector' = 'state', 'path' = 'DIR', 'operator' = 'Rank'); INSERT INTO r" + hint + "VALUES ('a')", "a row of table 'rows' needs the columns 'price' too"},
		{testkit.Batch, "INSERT INTO state('DIR', 'Rank')" + hint + "VALUES ('a', 'b', 'c')", "3 columns"},
	} {
		if got := query(q.mode, strings.ReplaceAll(q.sql, "DIR", dir)); !strings.Contains(got, q.want) {
			t.Errorf("%s:\n%s\nwant\n%s", q.sql, got, q.want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(j.dir, "*.rows-*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}
