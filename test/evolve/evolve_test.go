// Package evolve_test lets jobs go on with the state of what they were.
package evolve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace"
	_ "github.com/millrace-io/millrace/cli" // connectors and formats
)

// rows is how many there are; a job is stopped when it has read some of them.
const rows = 6000

// tables are what the scripts read: TYPE is that of the numbers. Row i has k = i mod 10
// and v = i.
const tables = `
CREATE TABLE src (id BIGINT, k AS CAST(MOD(id, 10) AS TYPE), v AS CAST(id AS TYPE), s AS 'x' || CAST(MOD(id, 7) AS STRING))
  WITH ('connector'='datagen', 'rows-per-second'='3000', 'fields.id.kind'='sequence', 'fields.id.start'='1', 'fields.id.end'='6000');
`

// A change is a script before and after it changed.
type change struct {
	name     string
	old, now string // statements behind the tables; TYPE INT, then BIGINT where wide
	wide     bool
	was      map[string]string // options of the old job
	set      map[string]string // of the new job
	sink     string            // of the new job
	refused  string            // the error, where there is one
	allow    bool
	check    func(t *testing.T, final map[string]map[string]any)
}

func sinkOf(name, columns string) string {
	return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector'='filesystem', 'path'='out/%s', 'format'='debezium-json');\n", name, columns, name)
}

// distinctOf counts values of which those of the second half were there in the first.
const distinctOf = sinkOfTotals + "INSERT INTO totals SELECT k, COUNT(*), SUM(DISTINCT MOD(v, 1500)) FROM src GROUP BY k"

// topOf keeps as many rows as there are, the newest first; each row moves all others.
const topOf = sinkOfTotals + "INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY MOD(id, 3000) ORDER BY id DESC) AS rn FROM src) WHERE rn <= 2 GROUP BY k"

// timed is a table with a time of event, a second a row.
const timed = "CREATE TABLE timed (id BIGINT, k AS CAST(MOD(id, 10) AS TYPE), ts AS TO_TIMESTAMP_LTZ(id * 1000, 3), WATERMARK FOR ts AS ts) " +
	"WITH ('connector'='datagen', 'rows-per-second'='3000', 'fields.id.kind'='sequence', 'fields.id.start'='1', 'fields.id.end'='6000');\n" + sinkOfTotals

const windowsOf = timed + "INSERT INTO totals SELECT k, COUNT(*), MAX(k) FROM TABLE(TUMBLE(TABLE timed, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) GROUP BY k, window_start, window_end"

const closeOf = timed + "INSERT INTO totals SELECT a.k, COUNT(*), MAX(b.k) FROM timed a JOIN timed b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '10' SECOND AND b.ts GROUP BY a.k"

const overOf = timed + "INSERT INTO totals SELECT k, n, k FROM (SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS n FROM timed)"

const sinkOfTotals = "CREATE TABLE totals (k TYPE, n BIGINT, total TYPE) WITH ('connector'='filesystem', 'path'='out/totals', 'format'='debezium-json');\n"

var forAnHour = map[string]string{"table.exec.state.ttl": "1 h"}

// distinct checks sums of different values.
func distinct(t *testing.T, final map[string]map[string]any) {
	t.Helper()
	for k := range 10 {
		want := 0
		for v := k; v < 1500; v += 10 {
			want += v
		}
		if row := final[strconv.Itoa(k)]; number(row["n"]) != rows/10 || number(row["total"]) != want {
			t.Errorf("key %d has %v, not n %d, total %d", k, row, rows/10, want)
		}
	}
}

const totalsOf = "SELECT k, COUNT(*), SUM(v) FROM src GROUP BY k"

// full checks counts and sums over all rows.
func full(t *testing.T, final map[string]map[string]any) {
	t.Helper()
	if len(final) != 10 {
		t.Fatalf("%d keys: %v", len(final), final)
	}
	for k, row := range final {
		n, sum := 0, 0
		for i := 1; i <= rows; i++ {
			if strconv.Itoa(i%10) == k {
				n, sum = n+1, sum+i
			}
		}
		if number(row["n"]) != n || number(row["total"]) != sum {
			t.Errorf("key %s has %v, not n %d, total %d", k, row, n, sum)
		}
	}
}

func number(x any) int { f, _ := x.(float64); return int(f) }

var changes = []change{
	{name: "an aggregate more", sink: "totals",
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf,
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE, low TYPE") + "INSERT INTO totals SELECT k, COUNT(*), SUM(v), MIN(v) FROM src GROUP BY k",
		check: func(t *testing.T, final map[string]map[string]any) {
			full(t, final)
			for k, row := range final {
				if number(row["low"]) < 100 { // the first rows went by before there was a MIN
					t.Errorf("key %s has the minimum %v", k, row["low"])
				}
			}
		}},
	{name: "aggregates in another order, one less", sink: "totals",
		old: sinkOf("totals", "k TYPE, a TYPE, n BIGINT, total TYPE, d DOUBLE") + "INSERT INTO totals SELECT k, MAX(v), COUNT(*), SUM(v), AVG(CAST(v AS DOUBLE)) FROM src GROUP BY k",
		now: sinkOf("totals", "k TYPE, total TYPE, n BIGINT") + "INSERT INTO totals SELECT k, SUM(v), COUNT(*) FROM src GROUP BY k", check: full},
	{name: "wider numbers", sink: "totals", wide: true,
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf,
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf, check: full},
	{name: "another filter", sink: "totals",
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM src WHERE v > 0 GROUP BY k",
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM src WHERE v > -1 GROUP BY k", check: full},
	{name: "another constant in an aggregate", sink: "totals",
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals SELECT k, COUNT(*), SUM(v + 0) FROM src GROUP BY k",
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals SELECT k, COUNT(*), SUM(v * 1) FROM src GROUP BY k", check: full},
	{name: "another name for the sink", sink: "sums",
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf,
		now: strings.ReplaceAll(sinkOf("sums", "k TYPE, n BIGINT, total TYPE"), "out/sums", "out/totals") + "INSERT INTO sums " + totalsOf, check: full},
	{name: "an INSERT in front", sink: "totals",
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf,
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + sinkOf("highs", "s STRING, v TYPE") +
			"EXECUTE STATEMENT SET BEGIN INSERT INTO highs SELECT s, MAX(v) FROM src GROUP BY s; INSERT INTO totals " + totalsOf + "; END", check: full},
	{name: "another parallelism and an aggregate more", sink: "totals", set: map[string]string{"parallelism.default": "3"},
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf,
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE, d BIGINT") + "INSERT INTO totals SELECT k, COUNT(*), SUM(v), COUNT(DISTINCT s) FROM src GROUP BY k", check: full},
	{name: "a time to live", sink: "totals", set: map[string]string{"table.exec.state.ttl": "1 h"},
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf,
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals " + totalsOf, check: full},
	{name: "a time to live for different values", sink: "totals", old: distinctOf, now: distinctOf, set: forAnHour, check: distinct},
	{name: "no time to live for different values", sink: "totals", old: distinctOf, now: distinctOf, was: forAnHour, check: distinct},
	{name: "another constant in what is counted once", sink: "totals", old: distinctOf,
		now: strings.ReplaceAll(distinctOf, "MOD(v, 1500)", "MOD(v, 1499)"),
		check: func(t *testing.T, final map[string]map[string]any) {
			if n := number(final["3"]["n"]); n != rows/10 {
				t.Errorf("a count that is kept is %d", n)
			}
		}},
	{name: "a call more over values that are kept", sink: "totals", old: distinctOf,
		now:     strings.ReplaceAll(distinctOf, "COUNT(*)", "COUNT(DISTINCT MOD(v, 1500))"),
		refused: "have been kept for other calls"},
	{name: "a time to live for the first rows", sink: "totals", old: topOf, now: topOf, set: forAnHour, check: full},
	{name: "no time to live for the first rows", sink: "totals", old: topOf, now: topOf, was: forAnHour, check: full},
	{name: "more of the first rows", sink: "totals", old: topOf, now: strings.ReplaceAll(topOf, "rn <= 2", "rn <= 3"), check: full},
	{name: "fewer of the first rows", sink: "totals", old: topOf, now: strings.ReplaceAll(topOf, "rn <= 2", "rn <= 1"),
		refused: "it told the rows numbered 1 to 2, and is to tell those numbered 1 to 1"},
	{name: "the first rows of another order", sink: "totals", old: topOf, now: strings.ReplaceAll(topOf, "ORDER BY id DESC", "ORDER BY v DESC"),
		refused: "which this job does not have"},
	{name: "another window", sink: "totals", old: windowsOf, now: strings.ReplaceAll(windowsOf, "'10' MINUTE", "'1' HOUR"), refused: "which this job does not have"},
	{name: "another interval", sink: "totals", old: closeOf, now: strings.ReplaceAll(closeOf, "'10' SECOND", "'20' SECOND"),
		refused: "its interval was from -10000 ms to 0 ms, and is from -20000 ms to 0 ms"},
	{name: "another frame", sink: "totals", old: overOf, now: strings.ReplaceAll(overOf, "10 PRECEDING", "20 PRECEDING"), refused: "its frame was ROWS -10 TO 0, and is ROWS -20 TO 0"},
	{name: "a join with a column less, and wider", sink: "totals", wide: true,
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE, s STRING") +
			"INSERT INTO totals SELECT a.k, COUNT(*), SUM(b.v), MAX(a.s) FROM src a JOIN src b ON a.id = b.id GROUP BY a.k",
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") +
			"INSERT INTO totals SELECT a.k, COUNT(*), SUM(b.v) FROM src a JOIN src b ON a.id = b.id GROUP BY a.k", check: full},
	{name: "a join with a column more", sink: "totals",
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") +
			"INSERT INTO totals SELECT a.k, COUNT(*), SUM(b.v) FROM src a JOIN src b ON a.id = b.id GROUP BY a.k",
		now: sinkOf("totals", "k TYPE, n BIGINT, total TYPE, s STRING") +
			"INSERT INTO totals SELECT a.k, COUNT(*), SUM(b.v), MAX(a.s) FROM src a JOIN src b ON a.id = b.id GROUP BY a.k",
		refused: "its rows need column"},
	{name: "another key", sink: "totals",
		old:     sinkOf("totals", "k BIGINT, n BIGINT") + "INSERT INTO totals SELECT id, COUNT(*) FROM (SELECT id FROM src) GROUP BY id",
		now:     sinkOf("totals", "k BIGINT, n BIGINT") + "INSERT INTO totals SELECT s, n FROM (SELECT CAST(COUNT(*) AS BIGINT) AS s, MAX(id) AS n FROM src GROUP BY s)",
		refused: "which this job does not have"},
	{name: "another key, allowed", sink: "totals", allow: true,
		old: sinkOf("totals", "k TYPE, n BIGINT, total TYPE") + "INSERT INTO totals SELECT MAX(k), COUNT(*), SUM(v) FROM src GROUP BY s",
		now: strings.ReplaceAll(sinkOf("totals", "k TYPE, n BIGINT, total TYPE"), "out/totals", "out/anew") + "INSERT INTO totals " + totalsOf,
		check: func(t *testing.T, final map[string]map[string]any) {
			if n := number(final["3"]["n"]); n < 1 || n >= rows/10 {
				t.Errorf("a group that began empty has %d rows", n)
			}
		}},
}

func TestChanges(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			old := place(dir, strings.ReplaceAll(tables+c.old, "TYPE", "INT"))
			savepoint := stopped(t, dir, old, c.was)
			typ := "INT"
			if c.wide {
				typ = "BIGINT"
			}
			err := resumed(t, dir, place(dir, strings.ReplaceAll(tables+c.now, "TYPE", typ)), savepoint, c)
			switch {
			case c.refused != "":
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("the error is %v, not %q", err, c.refused)
				}
			case err != nil:
				t.Fatal(err)
			default:
				out := c.sink
				for _, name := range []string{"anew", "totals"} {
					if strings.Contains(c.now, "out/"+name+"'") {
						out = name
						break
					}
				}
				c.check(t, folded(t, filepath.Join(dir, "out", out)))
			}
		})
	}
}

// place lets a script write below a folder.
func place(dir, script string) string {
	return strings.ReplaceAll(script, "'out/", "'"+dir+"/out/")
}

func options(dir string, more map[string]string) map[string]string {
	out := map[string]string{"execution.checkpointing.interval": "50 ms", "parallelism.default": "2"}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func execute(s *millrace.Session, script string) error {
	for st, err := range s.Script("job.sql", script) {
		if err == nil {
			_, err = s.Execute(context.Background(), st, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stopped runs a job for a while and stops it with a savepoint.
func stopped(t *testing.T, dir, script string, set map[string]string) string {
	t.Helper()
	s, err := millrace.Open(millrace.Config{CheckpointDir: filepath.Join(dir, "chk"), Options: options(dir, set)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := execute(s, script); err != nil {
		t.Fatal(err)
	}
	job := s.Jobs()[0]
	for job.Status().SourceRows < rows/10 { // soon: machines are busy, and the job must not end before
		time.Sleep(5 * time.Millisecond)
	}
	path, err := job.Stop(context.Background(), filepath.Join(dir, "savepoints"), false)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// resumed runs a script from a savepoint to its end.
func resumed(t *testing.T, dir, script, savepoint string, c change) error {
	t.Helper()
	set := options(dir, c.set)
	if c.allow {
		set["execution.state-recovery.ignore-unclaimed-state"] = "true"
	}
	s, err := millrace.Open(millrace.Config{CheckpointDir: filepath.Join(dir, "chk"), Restore: savepoint, Options: set,
		Log: func(line string) { t.Log(line) }})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := execute(s, script); err != nil {
		return err
	}
	return s.Wait(context.Background())
}

// folded is the table that the changes in a folder make, by its first column.
func folded(t *testing.T, dir string) map[string]map[string]any {
	t.Helper()
	rows := map[string]map[string]any{}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v in %s, %v", files, dir, err)
	}
	// Of a key there may be changes in several files: the last is the one that counts most.
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(f)
		for in.Scan() {
			var ev struct{ Before, After map[string]any }
			if err := json.Unmarshal(in.Bytes(), &ev); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if ev.After == nil {
				continue
			}
			k := fmt.Sprint(ev.After["k"])
			if old := rows[k]; old == nil || number(old["n"]) <= number(ev.After["n"]) {
				rows[k] = ev.After
			}
		}
		f.Close()
	}
	return rows
}
