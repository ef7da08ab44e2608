package statedata_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/rowtext"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/statedata"
	"github.com/millrace-io/millrace/internal/testkit"
	"github.com/millrace-io/millrace/vec"
)

var rewrite = flag.Bool("rewrite", false, "write what the tables are into testdata")

// input is a table of bids that does not end.
const input = `
CREATE TABLE bids (usr STRING, item INT, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = 'IN', 'format' = 'csv', 'csv.null-literal' = '', 'source.monitor-interval' = '20 ms');
CREATE TABLE items (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'filesystem', 'path' = 'ITEMS', 'format' = 'csv', 'csv.null-literal' = '', 'source.monitor-interval' = '20 ms');
`

var bids = []string{
	"ann,1,10,2020-01-01 00:00:01", "bob,2,20,2020-01-01 00:00:02", "ann,1,30,2020-01-01 00:00:03",
	"ann,2,5,2020-01-01 00:01:04", "cid,,7,2020-01-01 00:01:05",
}

// A job is a script over the tables of input.
type job struct {
	dir, script string
}

// newJob writes the input and gives a script the tables.
func newJob(t *testing.T, script string) *job {
	t.Helper()
	dir := t.TempDir()
	in, items, changes := filepath.Join(dir, "in"), filepath.Join(dir, "items"), filepath.Join(dir, "changes")
	write(t, filepath.Join(in, "a.csv"), strings.Join(bids, "\n")+"\n")
	write(t, filepath.Join(items, "a.csv"), "1,anvil\n2,bolt\n")
	write(t, filepath.Join(changes, "a.json"), `{"type": "INSERT", "data": [{"usr": "ann", "price": 1}, {"usr": "bob", "price": 2}, {"usr": "ann", "price": 3}]}`+"\n")
	return &job{dir, strings.NewReplacer("CHANGES'", changes+"'", "IN'", in+"'", "ITEMS'", items+"'").Replace(input + script)}
}

// run runs the job until it has read so many rows, and returns what its checkpoint has.
// name is that of its folder for checkpoints.
func (j *job) run(t *testing.T, name, restore string, rows int64) *statedata.Checkpoint {
	t.Helper()
	chk := filepath.Join(j.dir, name)
	testkit.Checkpoint(t, chk, restore, j.script, rows, map[string]string{"parallelism.default": "2"})
	c, err := statedata.Open(local.New(""), chk, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stateOf runs a job over the bids and returns what its checkpoint has.
func stateOf(t *testing.T, script string, rows int64) *statedata.Checkpoint {
	t.Helper()
	return newJob(t, script).run(t, "chk", "", rows)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// show writes a table as lines, the columns first.
func show(t *testing.T, c state.Files, tab *statedata.Table) string {
	t.Helper()
	w := rowtext.Writer{Schema: tab.Columns, Zone: time.UTC}
	var rows []string
	err := tab.Scan(c, func(b *vec.Batch) error {
		for i := range b.Len() {
			rows = append(rows, string(w.Append(nil, b, b.Row(i))))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(rows)
	return string(w.Header()) + strings.Join(rows, "")
}

// TestTables shows what operators of each kind keep.
func TestTables(t *testing.T) {
	files, err := filepath.Glob("testdata/tables/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) {
			t.Parallel()
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var rows int64
			if _, err := fmt.Sscanf(string(script), "-- %d rows", &rows); err != nil {
				t.Fatalf("the first line says how many rows are read: %v", err)
			}
			got := everything(t, stateOf(t, string(script), rows))
			want := strings.TrimSuffix(file, ".sql") + ".out"
			if *rewrite {
				write(t, want, got)
			}
			data, err := os.ReadFile(want)
			if err != nil || string(data) != got {
				t.Errorf("%v\n%s\nwant\n%s", err, got, data)
			}
		})
	}
}

var stamps = regexp.MustCompile(`20[2-9][1-9]-\d\d-\d\d \d\d:\d\d:\d\d\.\d+`)

// everything shows all tables of all operators, but for some.
func everything(t *testing.T, c *statedata.Checkpoint, but ...string) string {
	var out strings.Builder
	for _, o := range c.Operators {
		fmt.Fprintf(&out, "%s\n", o.Name)
		if o.Opaque != nil {
			t.Error(o.Opaque)
		}
		for _, tab := range o.Tables {
			if slices.Contains(but, tab.Name) {
				continue
			}
			side := ""
			if tab.Side {
				side = " (side)"
			}
			fmt.Fprintf(&out, "\n%s%s\n%s", tab.Name, side, stamps.ReplaceAllString(show(t, c, tab), "now"))
		}
		out.WriteByte('\n')
	}
	return out.String()
}
