package lookup

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/testkit"
	"github.com/millrace-io/millrace/vec"
)

// far is the connector 'far': the table (id BIGINT, name STRING, weight BIGINT), in which
// an id that three divides has no row, one that is even two, others one. 'shy' is how
// often an id is asked for before its rows are seen.
var far = struct {
	sync.Mutex
	asked map[string]int // keys that were asked for, by table
	seen  map[string]int // by table and key
}{asked: map[string]int{}, seen: map[string]int{}}

func init() {
	connect.Register(&connect.Connector{
		Name: "far",
		Options: append([]connect.Option{connect.CacheOption, {Key: "shy", Default: "0"}, {Key: "fails", Default: "false"}},
			connect.PartialCacheOptions...),
		Lookup: func(t connect.Table, k connect.KeyScan) (connect.Looker, error) {
			return &looker{table: t, scan: k, came: make(chan connect.Answer, 1000)}, nil
		},
	})
}

// A looker answers each Ask from a goroutine.
type looker struct {
	table connect.Table
	scan  connect.KeyScan
	came  chan connect.Answer
}

func (l *looker) Ask(id uint64, keys *vec.Batch) error {
	shy, err := l.table.Options.Int("shy", 0)
	if err != nil {
		return err
	}
	a := connect.Answer{ID: id, Last: true}
	var bs []*vec.Builder
	for _, c := range l.scan.Columns {
		bs = append(bs, vec.NewBuilder(l.table.Schema[c].Type))
	}
	for r := range keys.Rows {
		id := vec.Flat(keys.Cols[0]).(*vec.Fixed[int64]).Vals[r]
		if !l.visible(id, int(shy)) {
			continue
		}
		for n := range rowsOf(id) {
			a.Of = append(a.Of, int32(r))
			for i, c := range l.scan.Columns {
				switch c {
				case 0:
					bs[i].Int(id)
				case 1:
					bs[i].String(fmt.Sprintf("n%d.%d", id, n))
				default:
					bs[i].Int(id * 10)
				}
			}
		}
	}
	if len(a.Of) > 0 {
		a.Rows = &vec.Batch{Rows: len(a.Of)}
		for _, b := range bs {
			a.Rows.Cols = append(a.Rows.Cols, b.Finish())
		}
	}
	go func() {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		l.came <- a
	}()
	return nil
}

// visible counts a question, and says whether the rows of the id are seen by now.
func (l *looker) visible(id int64, shy int) bool {
	far.Lock()
	defer far.Unlock()
	far.asked[l.table.Name]++
	key := l.table.Name + "/" + strconv.FormatInt(id, 10)
	far.seen[key]++
	return far.seen[key] > shy
}

func rowsOf(id int64) int {
	switch {
	case id%3 == 0:
		return 0
	case id%2 == 0:
		return 2
	}
	return 1
}

func (l *looker) Poll() (connect.Answer, bool, error) {
	if l.table.Options["fails"] == "true" {
		return connect.Answer{}, false, fmt.Errorf("the server is gone")
	}
	select {
	case a := <-l.came:
		return a, true, nil
	default:
		return connect.Answer{}, false, nil
	}
}

func (l *looker) Close() error { return nil }

// script has a left side of 300 ids, five times each, and a NULL.
func script(name, options, query string) string {
	return fmt.Sprintf(`
CREATE TABLE n (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1500', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '1499');
CREATE VIEW a AS SELECT CASE WHEN id = 7 THEN CAST(NULL AS BIGINT) ELSE MOD(id, 300) END AS id, id AS n, PROCTIME() AS pt FROM n;
CREATE TABLE %s (id BIGINT, name STRING, weight BIGINT, doubled AS weight * 2) WITH ('connector' = 'far'%s);
%s`, name, options, strings.ReplaceAll(query, "FAR", name))
}

// want is what the join gives, by left row.
func want(left bool) []string {
	var out []string
	for at := range int64(1500) {
		id := at % 300
		n := rowsOf(id)
		if at == 7 {
			n = 0
		}
		for k := range n {
			out = append(out, fmt.Sprintf("%d,n%d.%d,%d", at, id, k, id*20))
		}
		if n == 0 && left {
			out = append(out, fmt.Sprintf("%d,,", at))
		}
	}
	return out
}

// Every way to look up gives the same rows, in both modes.
func TestLookup(t *testing.T) {
	for i, c := range []struct{ name, options, hint, set string }{
		{"plain", "", "", ""},
		{"unordered", "", "LOOKUP('table'='f', 'output-mode'='allow_unordered', 'capacity'='7')", ""},
		{"one_by_one", "", "LOOKUP('table'='f', 'async'='false')", ""},
		{"shuffled", "", "LOOKUP('table'='f', 'shuffle'='true')", ""},
		{"by_session", "", "", "SET 'table.exec.async-lookup.output-mode' = 'ALLOW_UNORDERED'; SET 'table.exec.async-lookup.buffer-capacity' = '33';"},
		{"partial", ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '1000'", "", ""},
		{"partial_small", ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '10', 'lookup.partial-cache.cache-missing-key' = 'false'", "", ""},
		{"again", ", 'shy' = '2'", "LOOKUP('table'='f', 'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='1ms', 'max-attempts'='3')", ""},
		{"again_unordered", ", 'shy' = '2'", "LOOKUP('table'='f', 'output-mode'='allow_unordered', 'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='1ms', 'max-attempts'='3')", ""},
	} {
		for _, mode := range []string{testkit.Batch, testkit.Stream} {
			for _, parallelism := range []int{1, 2} {
				for _, kind := range []string{"", "LEFT"} {
					table := fmt.Sprintf("far_%d_%s_%d%s", i, mode, parallelism, kind)
					hint := c.hint
					if hint != "" {
						hint = "/*+ " + hint + " */"
					}
					q := c.set + fmt.Sprintf("SELECT %s a.n, f.name, f.doubled FROM a %s JOIN FAR FOR SYSTEM_TIME AS OF a.pt AS f ON a.id = f.id;", hint, kind)
					t.Run(c.name+"/"+table, func(t *testing.T) {
						t.Parallel()
						changes, err := testkit.Script{File: c.name, Text: script(table, c.options, q), Mode: mode, Parallelism: parallelism}.Run(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						var rows []string
						for _, ch := range changes {
							rows = append(rows, ch.Row)
						}
						ordered := parallelism == 1 && !strings.Contains(c.name, "unordered") && c.name != "by_session"
						if d := (testkit.Comparison{Ordered: ordered}).Diff(rows, want(kind == "LEFT")); d != "" {
							t.Error(d)
						}
						if n := asked("default_catalog.default_database." + table); c.name == "partial" && n > 300*parallelism {
							t.Errorf("%d questions for 300 keys", n)
						}
					})
				}
			}
		}
	}
}

func asked(table string) int {
	far.Lock()
	defer far.Unlock()
	return far.asked[table]
}

// Rows are filtered by what the query says of the table, and joined with what changes.
func TestLookupQueries(t *testing.T) {
	for i, c := range []struct{ query, want string }{
		{"SELECT COUNT(*), SUM(f.weight) FROM a JOIN FAR FOR SYSTEM_TIME AS OF a.pt AS f ON a.id = f.id AND f.weight > 2900 AND a.n < 1400", "36,106360"},
		{"SELECT COUNT(f.id), COUNT(*) FROM a LEFT JOIN FAR FOR SYSTEM_TIME AS OF a.pt AS f ON a.id = f.id AND f.name LIKE '%.1'", "500,1500"},
		{"SELECT COUNT(*), MAX(g.name) FROM (SELECT MAX(n) AS m, id FROM a GROUP BY id) AS b JOIN FAR FOR SYSTEM_TIME AS OF PROCTIME() AS g ON b.m = g.id", "301,n7.0"},
		{"SELECT COUNT(*) FROM a JOIN FAR FOR SYSTEM_TIME AS OF a.pt AS f ON a.id = f.id JOIN FAR FOR SYSTEM_TIME AS OF a.pt AS g ON f.weight = g.id", "2998"},
	} {
		for _, mode := range []string{testkit.Batch, testkit.Stream} {
			table := fmt.Sprintf("q_%d_%s", i, mode)
			t.Run(table, func(t *testing.T) {
				t.Parallel()
				changes, err := testkit.Script{File: table, Text: script(table, "", c.query+";"), Mode: mode, Parallelism: 2}.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if rows, err := testkit.Fold(changes); err != nil || len(rows) != 1 || rows[0] != c.want {
					t.Errorf("%v %v, want %s", rows, err, c.want)
				}
			})
		}
	}
}

// What is wrong is said in the user's words.
func TestLookupErrors(t *testing.T) {
	const join = "a JOIN FAR FOR SYSTEM_TIME AS OF a.pt AS f ON a.id = f.id;"
	for i, c := range []struct{ options, query, want string }{
		{"", "SELECT /*+ LOOKUP('table'='f', 'retry-predicate'='lookup_miss') */ a.id FROM " + join, "retries need"},
		{"", "SELECT /*+ LOOKUP('table'='f', 'capcity'='3') */ a.id FROM " + join, "hint LOOKUP knows no 'capcity'; did you mean 'capacity'?"},
		{"", "SELECT /*+ LOOKUP('table'='f', 'output-mode'='any') */ a.id FROM " + join, "output-mode 'any' is none of ORDERED, ALLOW_UNORDERED"},
		{"", "SELECT a.id FROM a JOIN FAR FOR SYSTEM_TIME AS OF a.pt AS f ON a.id > f.id;", "is asked by key, so the join needs a condition"},
		{", 'fails' = 'true'", "SELECT a.id FROM " + join, "the server is gone"},
		{", 'lookup.cache' = 'FULL'", "SELECT a.id FROM " + join, "cannot be read"},
	} {
		table := fmt.Sprintf("e_%d", i)
		_, err := testkit.Script{File: table, Text: script(table, c.options, c.query), Mode: testkit.Stream, TimeLimit: 20 * time.Second}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: it says %v, want %s", c.query, err, c.want)
		}
	}
}
