package statedata_test

import (
	"context"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/millrace-io/millrace/internal/statedata"
	"github.com/millrace-io/millrace/internal/testkit"
)

// totals is a job with state of a group and of a join.
const totals = `
CREATE TABLE o (usr STRING, cnt BIGINT, total INT, mean INT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'blackhole');
CREATE TABLE p (usr STRING, name STRING) WITH ('connector' = 'blackhole');
EXECUTE STATEMENT SET BEGIN
INSERT INTO o SELECT usr, COUNT(*), SUM(price), AVG(price) FROM bids GROUP BY usr;
INSERT INTO p SELECT usr, name FROM bids JOIN items ON bids.item = items.id;
END;`

// query runs a query and returns its rows, sorted, or what went wrong.
func query(mode, text string) string {
	changes, err := testkit.Script{File: "q.sql", Text: text, Mode: mode, Parallelism: 2}.Run(context.Background())
	if err != nil {
		return err.Error()
	}
	rows, err := testkit.Fold(changes)
	if err != nil {
		return err.Error()
	}
	sort.Strings(rows)
	return strings.Join(rows, "\n")
}

func TestSQL(t *testing.T) {
	c := stateOf(t, totals, 7)
	dir := filepath.Dir(c.Path)
	for _, q := range []struct{ sql, want string }{
		{"SELECT * FROM state('DIR', 'GroupAggregate')", "ann,3,45,15\nbob,1,20,20\ncid,1,7,7"},
		{"SELECT * FROM state('" + c.Path + "', 'GroupAgg', 'GROUPS')", "ann,3,45,15\nbob,1,20,20\ncid,1,7,7"},
		{"SELECT * FROM TABLE(state('DIR', '" + c.Operators[0].ID + "'))", "ann,3,45,15\nbob,1,20,20\ncid,1,7,7"},
		{"SELECT s.usr, total / cnt FROM state('DIR', 'groupagg') AS s WHERE cnt > 1", "ann,15"},
		{"SELECT n FROM state('DIR', 'groupagg') AS s (a, n, c, d) WHERE a = 'bob'", "1"},
		{"SELECT SUM(`mean.sum`), SUM(`mean.n`) FROM state('DIR', 'groupagg', 'accumulators')", "72,5"},
		{"SELECT l.usr, r.name FROM state('DIR', 'Join', 'left') l JOIN state('DIR', 'Join', 'right') r ON l.item = r.id", "ann,anvil\nann,anvil\nann,bolt\nbob,bolt"},
		{"SELECT COUNT(*) FROM (SELECT * FROM state('DIR', 'groupagg') LIMIT 2)", "2"},
		{"CREATE TABLE g WITH ('connector' = 'state', 'path' = 'DIR', 'operator' = 'groupagg'); SELECT usr FROM g WHERE mean > 10", "ann\nbob"},
		{"CREATE TABLE g (total INT, who AS UPPER(usr), usr STRING NOT NULL) WITH ('connector' = 'state', 'path' = 'DIR', 'operator' = 'groupagg'); SELECT * FROM g", "20,BOB,bob\n45,ANN,ann\n7,CID,cid"},

		{"CREATE TABLE g (usr INT) WITH ('connector' = 'state', 'path' = 'DIR', 'operator' = 'groupagg'); SELECT * FROM g", "column 'usr' of table 'groups' is STRING, not INT"},
		{"CREATE TABLE g (totl INT) WITH ('connector' = 'state', 'path' = 'DIR', 'operator' = 'groupagg'); SELECT * FROM g", "has no column 'totl'; did you mean 'total'?; it has usr, cnt, total, mean"},
		{"CREATE TABLE g WITH ('connector' = 'state', 'path' = 'DIR'); SELECT * FROM g", "q.sql:1:1: connector 'state' needs the option 'operator'"},
		{"CREATE TABLE g WITH ('connector' = 'state', 'path' = 'DIR', 'oprator' = 'x'); SELECT * FROM g", "unknown option 'oprator' of connector 'state'; did you mean 'operator'?"},
		{"CREATE TABLE g WITH ('connector' = 'datagen'); SELECT * FROM g", "q.sql:1:1: table 'g' has no columns"},
		{"SELECT * FROM state('DIR')", "q.sql:1:15: state takes the path of a checkpoint, an operator and perhaps one of its tables, not 1 arguments; millrace state ls PATH shows what there is"},
		{"SELECT * FROM state('DIR', 7)", "argument operator of state is a text"},
		{"SELECT * FROM state('DIR', usr)", "usr"},
		{"SELECT * FROM state('DIR/none', 'x')", "there is no checkpoint: " + dir + "/none does not exist"},
		{"SELECT * FROM state('DIR', 'GroupAgregate')", "no operator with state is called 'GroupAgregate'; did you mean 'GroupAggregate'?; there are: "},
		{"SELECT * FROM state('DIR', 'a')", "several operators are called 'a': say which by its id, or by more of its name: "},
		{"SELECT * FROM state('DIR', 'Join')", "has several tables: name one of 'left', 'right'"},
		{"SELECT * FROM state('DIR', 'Join', 'lft')", "has no table 'lft'; did you mean 'left'?; it has 'left', 'right'"},
	} {
		for _, mode := range []string{testkit.Batch, testkit.Stream} {
			got := query(mode, strings.ReplaceAll(q.sql, "DIR", dir))
			if got != q.want && !(len(q.want) > 30 || q.want == "usr") || !strings.Contains(got, q.want) {
				t.Errorf("%s, %s:\n%s\nwant\n%s", q.sql, mode, got, q.want)
			}
		}
	}
}

// TestDamaged reads checkpoints with damaged and missing files.
func TestDamaged(t *testing.T) {
	c := stateOf(t, totals, 7)
	dir := filepath.Dir(c.Path)
	group := c.Operators[0]
	var file string
	for _, h := range group.Handles {
		for _, f := range h.Files {
			file = filepath.Join(dir, "shared", f.Name)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := "SELECT * FROM state('" + dir + "', 'GroupAgg')"
	named := "SELECT * FROM state('" + c.Path + "', 'GroupAgg')"
	for _, d := range []struct {
		name string
		do   func() error
		want []string // of the folder, of the checkpoint by name
	}{
		{"altered", func() error {
			bad := append([]byte(nil), data...)
			bad[len(bad)/2] ^= 1
			return os.WriteFile(file, bad, 0o644)
		}, []string{"checksum is wrong; name an older checkpoint to read that", "checksum is wrong"}},
		{"cut", func() error { return os.WriteFile(file, data[:len(data)/2], 0o644) }, []string{" bytes instead of ", " bytes instead of "}},
		{"missing", func() error { return os.Remove(file) }, []string{"no such file", "no such file"}},
		{"plan", func() error {
			if err := os.WriteFile(file, data, 0o644); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, c.Manifest.Plan), []byte("{}"), 0o644)
		}, []string{c.Manifest.Plan + " is cut short", "is cut short"}},
	} {
		if err := d.do(); err != nil {
			t.Fatal(err)
		}
		for i, q := range []string{text, named} {
			if got := query(testkit.Batch, q); !strings.Contains(got, d.want[i]) {
				t.Errorf("%s: %s\nwant %s", d.name, got, d.want[i])
			}
		}
	}
}

// TestVanished reads a table whose checkpoint is deleted once it is open, as a job that
// runs does.
func TestVanished(t *testing.T) {
	c := stateOf(t, totals, 7)
	v, err := statedata.Pin(c.FS, c.Path, "GroupAgg", "")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	want := show(t, c, v.Table)
	if err := os.RemoveAll(filepath.Dir(c.Path)); err != nil {
		t.Fatal(err)
	}
	if got := show(t, v, v.Table); got != want || !strings.Contains(got, "ann,3,45,15") {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestCompiled runs a compiled plan that reads two tables of state.
func TestCompiled(t *testing.T) {
	c := stateOf(t, totals, 7)
	dir := t.TempDir()
	out := "CREATE TABLE o (usr STRING, n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '" + filepath.Join(dir, "out") + "');"
	plan := filepath.Join(dir, "plan.json")
	if got := query(testkit.Batch, out+"COMPILE PLAN '"+plan+"' FOR INSERT INTO o SELECT a.usr, b.`mean.n` FROM state('"+c.Path+"', 'GroupAgg') a JOIN state('"+c.Path+
		"', 'GroupAgg', 'accumulators') b ON a.usr = b.usr; EXECUTE PLAN '"+plan+"';"); got != "" {
		t.Fatal(got)
	}
	if got, want := query(testkit.Batch, out+"SELECT * FROM o"), "ann,3\nbob,1\ncid,1"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
