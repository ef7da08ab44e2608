package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A part is an INSERT that a drawn job may have. Where # stands in its query, a
// number is drawn.
type part struct {
	sink    string
	columns string
	query   string
	low     int // the number's range
	high    int
	changes bool // the result has more than inserts
	clicks  bool // it reads clicks too
}

// parts are what jobs are drawn from. Each has one result, whatever order its input
// comes in.
var parts = []part{
	{"copy", "id BIGINT, k INT, amount DECIMAL(10,2)", "SELECT id, k, amount FROM orders WHERE MOD(k, #) <> 0", 2, 9, false, false},
	{"tumble", "ws TIMESTAMP(3), k INT, n BIGINT, s DECIMAL(38,2)", "SELECT window_start, k, COUNT(*), SUM(amount) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '#' SECOND)) GROUP BY window_start, window_end, k", 10, 90, false, false},
	{"hop", "ws TIMESTAMP(3), we TIMESTAMP(3), k INT, m DECIMAL(10,2)", "SELECT window_start, window_end, k, MAX(amount) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '#' MINUTE)) GROUP BY window_start, window_end, k", 1, 3, false, false},
	{"cumulate", "ws TIMESTAMP(3), we TIMESTAMP(3), n BIGINT", "SELECT window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '#' MINUTE)) GROUP BY window_start, window_end", 1, 5, false, false},
	{"session", "ws TIMESTAMP(3), we TIMESTAMP(3), k INT, n BIGINT", "SELECT window_start, window_end, k, COUNT(*) FROM TABLE(SESSION(TABLE orders PARTITION BY k, DESCRIPTOR(ts), INTERVAL '#' SECOND)) GROUP BY window_start, window_end, k", 1, 6, false, false},
	{"best", "k INT, id BIGINT, ts TIMESTAMP(3)", "SELECT k, id, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY amount DESC, id) AS rn FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) WHERE rn <= #", 1, 5, false, false},
	{"over", "id BIGINT, n BIGINT, s DECIMAL(38,2)", "SELECT id, COUNT(*) OVER w, SUM(amount) OVER w FROM orders WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '#' SECOND PRECEDING AND CURRENT ROW)", 5, 40, false, false},
	{"dedup", "id BIGINT, k INT", "SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts) AS rn FROM (SELECT * FROM orders UNION ALL SELECT * FROM orders WHERE MOD(k, #) = 0)) WHERE rn = 1", 1, 4, false, false},
	{"both", "id BIGINT, order_id BIGINT, amount DECIMAL(10,2), page STRING", "SELECT c.id, o.id, o.amount, c.page FROM clicks c JOIN orders o ON c.order_id = o.id AND MOD(o.k, #) <> 1", 2, 9, false, true},
	{"several", "id BIGINT, order_id BIGINT, other BIGINT", "SELECT /*+ MULTI_JOIN(c, o, d) */ c.id, o.id, d.id FROM clicks c JOIN orders o ON c.order_id = o.id JOIN clicks d ON d.order_id = o.id AND MOD(d.k, #) <> 1", 2, 9, false, true},
	{"near", "id BIGINT, order_id BIGINT, a TIMESTAMP(3), b TIMESTAMP(3)", "SELECT c.id, o.id, c.ts, o.ts FROM clicks c JOIN orders o ON c.k = o.k AND c.ts BETWEEN o.ts - INTERVAL '#' SECOND AND o.ts + INTERVAL '1' SECOND", 1, 3, false, true},
	{"temporal", "id BIGINT, order_id BIGINT, amount DECIMAL(10,2)", "SELECT c.id, v.id, v.amount FROM clicks c JOIN versions FOR SYSTEM_TIME AS OF c.ts AS v ON c.order_id = v.id WHERE MOD(c.k, #) <> 1", 2, 9, false, true},
	{"sums", "g BIGINT, n BIGINT, s DECIMAL(38,2), m TIMESTAMP(3)", "SELECT id / #, COUNT(*), SUM(amount), MAX(ts) FROM orders GROUP BY id / #", 2, 9, true, false},
	{"distinct", "g BIGINT, n BIGINT, d BIGINT", "SELECT MOD(id, 1000), COUNT(*), COUNT(DISTINCT k) FROM orders WHERE MOD(id, #) = 0 GROUP BY MOD(id, 1000)", 2, 5, true, false},
	{"outer", "id BIGINT, page STRING", "SELECT o.id, c.page FROM orders o LEFT JOIN clicks c ON c.order_id = o.id WHERE MOD(o.k, #) = 0", 2, 5, true, true},
	{"totals", "k INT, n BIGINT, s DECIMAL(38,2)", "SELECT o.k, COUNT(*), SUM(o.amount) FROM clicks c JOIN orders o ON c.order_id = o.id WHERE MOD(c.id, #) = 0 GROUP BY o.k", 2, 5, true, true},
	{"top", "k INT, id BIGINT, amount DECIMAL(10,2)", "SELECT k, id, amount FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY amount DESC, id) AS rn FROM orders) WHERE rn <= #", 1, 9, true, false},
}

// drawJob draws some parts, their numbers and formats, and whether they are one job or
// several, over files or over generators that take their time.
func drawJob(rnd *rand.Rand) *scenario {
	s := &scenario{name: "drawn", alone: rnd.IntN(2) == 0, changes: map[string]bool{}}
	source := orders + clicks
	if rnd.IntN(4) == 0 {
		source = paced
	}
	var tables, inserts strings.Builder
	tables.WriteString(source + "CREATE VIEW versions AS SELECT id, amount, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM orders) WHERE rn = 1;\n")
	for _, i := range rnd.Perm(len(parts))[:1+rnd.IntN(3)] {
		p := parts[i]
		format := []string{"'csv'", "'json'", "'csv', 'sink.rolling-policy.file-size'='100 kb'"}[rnd.IntN(3)]
		if p.changes {
			format = "'debezium-json'"
			s.changes[p.sink] = true
		}
		s.sinks = append(s.sinks, p.sink)
		fmt.Fprintf(&tables, "CREATE TABLE s_%s (%s) WITH ('connector'='filesystem', 'path'='OUT/%s', 'format'=%s);\n", p.sink, p.columns, p.sink, format)
		number := fmt.Sprint(p.low + rnd.IntN(p.high-p.low+1))
		fmt.Fprintf(&inserts, "INSERT INTO s_%s %s;\n", p.sink, strings.ReplaceAll(p.query, "#", number))
	}
	slices.Sort(s.sinks)
	s.script = tables.String() + inserts.String()
	if s.alone {
		s.script = tables.String() + "EXECUTE STATEMENT SET BEGIN\n" + inserts.String() + "END;\n"
	}
	return s
}

// net returns the rows that are there after all changes, which may stand in any order.
func net(t *testing.T, changes []string) []string {
	count := map[string]int{}
	for _, line := range changes {
		var c struct{ Before, After json.RawMessage }
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for row, n := range map[*json.RawMessage]int{&c.Before: -1, &c.After: 1} {
			if text := string(*row); text != "null" {
				count[text] += n
			}
		}
	}
	var out []string
	for row, n := range count {
		for range n {
			out = append(out, row)
		}
		if n < 0 {
			out = append(out, fmt.Sprintf("%d × too often taken back: %s", -n, row))
		}
	}
	return out
}

// TestPartsRun shows that each part has a result by itself, in both forms of a script.
func TestPartsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("TestOrdeal draws some of them")
	}
	seen := map[string]bool{}
	rnd := rand.New(rand.NewPCG(*seed, 3))
	for len(seen) < len(parts) {
		s := drawJob(rnd)
		if !slices.ContainsFunc(s.sinks, func(sink string) bool { return !seen[sink] }) {
			continue
		}
		s.reference(t)
		for _, sink := range s.sinks {
			seen[sink] = true
		}
	}
}
