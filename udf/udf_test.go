package udf_test

import (
	"errors"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/testkit"
	"github.com/millrace-io/millrace/udf"
)

// all has a field of every form of value.
type all struct {
	B   bool
	I8  int8
	I16 int16
	I32 int32
	I64 int64
	N   int
	F32 float32
	F64 float64
	S   string
	By  []byte
	At  time.Time
	L   []int32
	M   map[string]int
	P   *int64
	Opt udf.Null[string]
}

// values has a field of every type of this package.
type values struct {
	D udf.Date
	T udf.Time
	I udf.Instant
	X *udf.Decimal
}

// latest keeps values in its state.
type latest struct {
	At    udf.Instant
	Value *udf.Decimal
}

func (l *latest) Accumulate(at udf.Instant, x udf.Decimal) {
	if l.Value == nil || at.After(l.At.Time) {
		l.At, l.Value = at, &x
	}
}

func (l *latest) Merge(o *latest) {
	if o.Value != nil {
		l.Accumulate(o.At, *o.Value)
	}
}

func (l *latest) Result() *udf.Decimal { return l.Value }

type pair struct {
	A, B int64
	Name string `sql:"the_name"`
}

// words is an aggregate whose state has a map, a slice and a time.
type words struct {
	Count map[string]int
	Order []string
	Last  *time.Time
}

func (w *words) Accumulate(s string, at *time.Time) error {
	if s == "bad" {
		return errors.New("no bad words")
	}
	if s == "worse" {
		panic("a worse word")
	}
	if w.Count == nil {
		w.Count = map[string]int{}
	}
	if w.Count[s]++; w.Count[s] == 1 {
		w.Order = append(w.Order, s)
	}
	if at != nil && (w.Last == nil || at.After(*w.Last)) {
		w.Last = at
	}
	return nil
}

func (w *words) Merge(o *words) {
	for _, s := range o.Order {
		for range o.Count[s] {
			w.Accumulate(s, o.Last)
		}
	}
}

func (w *words) Result() string {
	var out []string
	for _, s := range slices.Sorted(slices.Values(w.Order)) {
		out = append(out, fmt.Sprintf("%s:%d", s, w.Count[s]))
	}
	if w.Last != nil {
		out = append(out, w.Last.Format("15:04"))
	}
	return strings.Join(out, " ")
}

// sum can take rows out.
type sum struct{ S, N int64 }

func (s *sum) Accumulate(v int64) { s.S, s.N = s.S+v, s.N+1 }
func (s *sum) Retract(v int64)    { s.S, s.N = s.S-v, s.N-1 }
func (s *sum) Merge(o *sum)       { s.S, s.N = s.S+o.S, s.N+o.N }
func (s *sum) Result() *int64 {
	if s.N == 0 {
		return nil
	}
	return &s.S
}

func init() {
	udf.Scalar("echo", func(a all) all { return a })
	udf.Scalar("glue", func(sep string, parts ...*string) string {
		var list []string
		for _, p := range parts {
			if p == nil {
				list = append(list, "-")
			} else {
				list = append(list, *p)
			}
		}
		return strings.Join(list, sep)
	})
	udf.Scalar1("twice", func(x int64) (int64, error) { return 2 * x, nil })
	udf.Scalar2("elem_at", func(list []string, i int) (string, error) { return list[i], nil })
	udf.Scalar3("between_all", func(x, lo, hi udf.Null[float64]) (bool, error) {
		return x.Valid && lo.Valid && hi.Valid && lo.V <= x.V && x.V <= hi.V, nil
	})
	udf.Scalar1("picky", func(x int64) (string, error) {
		if x == 3 {
			return "", errors.New("not a three")
		}
		return fmt.Sprint(x), nil
	})
	n := int64(0)
	udf.Scalar("next_one", func() int64 { n++; return n }, udf.Volatile())
	udf.Table("upto", func(n int64) iter.Seq[int64] {
		return func(yield func(int64) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	})
	udf.Table("pairs", func(n *int64) ([]pair, error) {
		if n == nil {
			return []pair{{0, 0, "null"}}, nil
		}
		if *n < 0 {
			return nil, errors.New("less than nothing")
		}
		return []pair{{*n, *n * *n, "square"}, {*n, *n * *n * *n, "cube"}}, nil
	})
	udf.Scalar1("next_day", func(d udf.Date) (udf.Date, error) { return d + 1, nil })
	udf.Scalar("date_of", func(t time.Time) udf.Date { return udf.DateOf(t) })
	udf.Scalar("time_of", func(t udf.Instant) udf.Time { return udf.TimeOf(t.UTC()) })
	udf.Scalar2("sooner", func(t udf.Time, ms int64) (udf.Time, error) {
		return t - udf.Time(time.Duration(ms)*time.Millisecond), nil
	})
	udf.Scalar2("wait", func(t udf.Instant, secs int64) (udf.Instant, error) {
		return udf.Instant{Time: t.Add(time.Duration(secs) * time.Second)}, nil
	})
	udf.Scalar("discount", func(price, percent udf.Decimal) (udf.Decimal, error) {
		off := new(big.Rat).Mul(price.Rat(), percent.Rat())
		return udf.DecimalOf(off.Quo(off, big.NewRat(100, 1)))
	})
	udf.Scalar("values_text", func(v values) string { return fmt.Sprintf("%s %s %s %s", v.D, v.T, v.I.Format(time.RFC3339Nano), v.X) })
	udf.Table("calendar", func(from udf.Date, n int64) []values {
		var out []values
		for i := range n {
			d := from + udf.Date(i)
			x, _ := udf.ParseDecimal(fmt.Sprintf("%d.5", i))
			out = append(out, values{D: d, T: udf.Time(time.Duration(i) * time.Hour), I: udf.Instant{Time: d.Time()}, X: &x})
		}
		return out
	})
	udf.Aggregate[latest]("latest")
	udf.Aggregate[words]("words")
	udf.Aggregate[sum]("my_sum")
}

const numbers = "(VALUES (1, 'a'), (2, 'b'), (CAST(NULL AS INT), 'c'), (3, 'd'), (3, 'a')) AS t(x, s)"

func run(t *testing.T, mode, text string, parallelism int) ([]string, error) {
	t.Helper()
	changes, err := testkit.Script{File: "t", Text: text, Mode: mode, Parallelism: parallelism}.Run(t.Context())
	if err != nil {
		return nil, err
	}
	rows, err := testkit.Fold(changes)
	if err != nil {
		t.Fatal(err)
	}
	return rows, nil
}

func TestFunctions(t *testing.T) {
	window := "CREATE TABLE w (s STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='testdata/w.csv','format'='csv');"
	for _, c := range []struct {
		name, sql string
		want      []string
	}{
		{"every form of value", `SELECT echo(ROW(TRUE, CAST(1 AS TINYINT), CAST(2 AS SMALLINT), 3, CAST(4 AS BIGINT), CAST(5 AS BIGINT), CAST(1.5 AS FLOAT), 2.5E0, 'x', CAST('y' AS BYTES),
			TIMESTAMP '2024-01-02 03:04:05.123456', ARRAY[1, 2], MAP['k', CAST(7 AS BIGINT)], CAST(NULL AS BIGINT), 'o')).m['k']`, []string{"7"}},
		{"NULL is not given to a function that does not take it", "SELECT s, twice(x) FROM " + numbers, []string{"a,2", "a,6", "b,4", "c,", "d,6"}},
		{"variadic, with NULL", "SELECT glue('+', s, CAST(x AS STRING)) FROM " + numbers, []string{"a+1", "a+3", "b+2", "c+-", "d+3"}},
		{"variadic, with nothing", "SELECT glue('+')", []string{"\"\""}},
		{"arrays", "SELECT elem_at(ARRAY['p', 'q', 'r'], x) FROM (VALUES (0), (2)) AS t(x)", []string{"p", "r"}},
		{"Null in and out", "SELECT between_all(x, 2, 3) FROM " + numbers, []string{"FALSE", "FALSE", "TRUE", "TRUE", "TRUE"}},
		{"a filter keeps rows away", "SELECT picky(x) FROM " + numbers + " WHERE x <> 3", []string{"1", "2"}},
		{"CASE keeps rows away", "SELECT CASE WHEN x = 3 THEN 'three' ELSE picky(x) END FROM " + numbers, []string{"", "1", "2", "three", "three"}},
		{"iter.Seq", "SELECT x, i FROM " + numbers + ", LATERAL TABLE(upto(x)) AS u(i) WHERE s <> 'a'", []string{"2,0", "2,1", "3,0", "3,1", "3,2"}},
		{"columns of a struct, NULL taken", "SELECT the_name, b FROM " + numbers + ", LATERAL TABLE(pairs(x)) WHERE s IN ('b', 'c')", []string{"cube,8", "null,0", "square,4"}},
		{"a table function sees rows that count", "SELECT b FROM (SELECT x - 2 AS y FROM " + numbers + " WHERE x >= 2), LATERAL TABLE(pairs(y))", []string{"0", "0", "1", "1", "1", "1"}},
		{"an aggregate with NULLs", "SELECT my_sum(x), my_sum(x) FILTER (WHERE s = 'z') FROM " + numbers, []string{"9,"}},
		{"DISTINCT", "SELECT my_sum(DISTINCT x) FROM " + numbers, []string{"6"}},
		{"rows that change", "SELECT my_sum(m) FROM (SELECT s, MAX(x) AS m FROM " + numbers + " GROUP BY s)", []string{"8"}},
		{"two arguments, one is constant", "SELECT words(s, TIMESTAMP '2024-01-01 10:20:00') FROM " + numbers, []string{"a:2 b:1 c:1 d:1 10:20"}},
		{"an argument that is NULL", "SELECT words(s, CAST(NULL AS TIMESTAMP(3))) FROM " + numbers, []string{"a:2 b:1 c:1 d:1"}},
		{"windows", window + "SELECT window_end, my_sum(v), words(s, ts) FROM HOP(TABLE w, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '2' MINUTE) GROUP BY window_start, window_end",
			[]string{"2024-01-01 10:01:00.000,3,a:1 b:1 10:00", "2024-01-01 10:02:00.000,6,a:2 b:1 10:01", "2024-01-01 10:03:00.000,3,a:1 10:01"}},
		{"session windows come together", window + "SELECT window_start, my_sum(v) FROM SESSION(TABLE w, DESCRIPTOR(ts), INTERVAL '80' SECOND) GROUP BY window_start, window_end", []string{"2024-01-01 10:00:10.000,6"}},
		{"MATCH_RECOGNIZE", window + "SELECT * FROM w MATCH_RECOGNIZE (ORDER BY ts MEASURES my_sum(a.v) AS s, twice(FIRST(a.v)) AS f PATTERN (a{3}) DEFINE a AS twice(a.v) > 0)", []string{"6,2"}},
		{"mini-batches", "SET 'table.exec.mini-batch.enabled' = 'true'; SET 'table.exec.mini-batch.allow-latency' = '1 s'; SET 'table.exec.mini-batch.size' = '100'; SELECT s, my_sum(x), words(s, CAST(NULL AS TIMESTAMP(3))) FROM " + numbers + " GROUP BY s",
			[]string{"a,4,a:2", "b,2,b:1", "c,,c:1", "d,3,d:1"}},
		{"DATE", "SELECT next_day(DATE '2024-02-28'), next_day(d), date_of(TIMESTAMP '1969-12-31 23:59:59') FROM (VALUES (DATE '1969-12-31'), (CAST(NULL AS DATE))) AS t(d)",
			[]string{"2024-02-29,,1969-12-31", "2024-02-29,1970-01-01,1969-12-31"}},
		{"TIME", "SELECT CAST(sooner(TIME '00:00:01', 1) AS STRING), sooner(CAST('12:34:56.789' AS TIME(3)), 789), time_of(TO_TIMESTAMP_LTZ(86399001, 3))", []string{"00:00:00.999,12:34:56.0,23:59:59.001"}},
		{"TIMESTAMP_LTZ", "SET 'table.local-time-zone' = 'Asia/Tokyo'; SELECT wait(TO_TIMESTAMP_LTZ(0, 3), 60), wait(CAST(TIMESTAMP '1970-01-01 09:00:00' AS TIMESTAMP_LTZ(3)), -1)",
			[]string{"1970-01-01 09:01:00.000000,1970-01-01 08:59:59.000000"}},
		{"DECIMAL", "SELECT discount(CAST(19.99 AS DECIMAL(10, 2)), 15), CAST(discount(x, 33.3333) AS DECIMAL(10, 4)), discount(CAST(NULL AS DECIMAL(5, 1)), 1) FROM (VALUES (100), (-7)) AS t(x)",
			[]string{"2.998500000000000000,-2.3333,", "2.998500000000000000,33.3333,"}},
		{"a DECIMAL that does not fit", "SELECT discount(CAST(1234567890123456789012345 AS DECIMAL(38, 0)), 1)", []string{""}},
		{"values in a ROW", "SELECT values_text(ROW(DATE '2024-02-29', TIME '01:02:03', TO_TIMESTAMP_LTZ(1, 3), CAST(-0.5 AS DECIMAL(3, 1))))",
			[]string{"2024-02-29 01:02:03 1970-01-01T00:00:00.001Z -0.500000000000000000"}},
		{"values as columns", "SELECT c.d, t, i, x FROM LATERAL TABLE(calendar(DATE '2024-02-28', 2)) AS c",
			[]string{"2024-02-28,00:00:00.0,2024-02-28 00:00:00.000000,0.500000000000000000", "2024-02-29,01:00:00.0,2024-02-29 00:00:00.000000,1.500000000000000000"}},
		{"values in a state", "SELECT s, latest(TO_TIMESTAMP_LTZ(x, 0), x * 1.5) FROM " + numbers + " GROUP BY s",
			[]string{"a,4.500000000000000000", "b,3.000000000000000000", "c,", "d,4.500000000000000000"}},
		{"in the body of a SQL function", "CREATE FUNCTION four(x BIGINT) RETURNS BIGINT RETURN twice(twice(x)); SELECT four(x) FROM " + numbers + " WHERE s = 'b'", []string{"8"}},
		{"OVER", window + "SELECT v, my_sum(v) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), my_sum(v) OVER (ORDER BY ts) FROM w", []string{"1,1,1", "2,3,3", "3,5,6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, mode := range []string{testkit.Stream, testkit.Batch} {
				for p := 1; p <= 2; p++ {
					got, err := run(t, mode, c.sql, p)
					if err != nil {
						t.Fatalf("%s, parallelism %d: %v", mode, p, err)
					}
					if !slices.Equal(got, c.want) {
						t.Errorf("%s, parallelism %d: %q, want %q", mode, p, got, c.want)
					}
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"SELECT picky(x) FROM " + numbers, "function PICKY: not a three"},
		{"SELECT elem_at(ARRAY['p'], x) FROM " + numbers, "function ELEM_AT panicked: runtime error: index out of range [1] with length 1 (udf_test.go:"},
		{"SELECT the_name FROM " + numbers + ", LATERAL TABLE(pairs(-x))", "function PAIRS: less than nothing"},
		{"SELECT words(s, CAST(NULL AS TIMESTAMP(3))) FROM (VALUES ('bad')) AS t(s)", "function WORDS: no bad words"},
		{"SELECT words(s, CAST(NULL AS TIMESTAMP(3))) FROM (VALUES ('worse')) AS t(s)", "function WORDS panicked: a worse word (udf_test.go:"},
		{"SELECT words(s, CAST(NULL AS TIMESTAMP(3))) FROM (SELECT MAX(s) AS s, x FROM " + numbers + " GROUP BY x)", "WORDS cannot take rows out again"},
		{"SELECT sooner(TIME '00:00:01', 1001)", "function SOONER panicked: -1ms is no time of a day"},
		{"SELECT discount(99999999999999999999, 200)", "function DISCOUNT: 199999999999999999998.000000000000000000 does not fit into DECIMAL(38, 18)"},
		{"SELECT next_day(1)", "NEXT_DAY(DATE) is called with INT where it takes DATE"},
		{"SELECT twice('a') FROM " + numbers, "TWICE(BIGINT) is called with CHAR(1) where it takes BIGINT"},
		{"SELECT twise(1)", "did you mean"},
		{"SELECT * FROM LATERAL TABLE(upto(1, 2))", "UPTO(BIGINT) is called with 2 arguments"},
	} {
		if _, err := run(t, testkit.Stream, c.sql, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v\nwant %s", c.sql, err, c.want)
		}
	}
}

func TestVolatile(t *testing.T) {
	rows, err := run(t, testkit.Stream, "SELECT next_one() FROM "+numbers, 1)
	if err != nil || len(slices.Compact(rows)) != 5 {
		t.Errorf("%q, %v", rows, err)
	}
}

type hidden struct{ n int }

func (h *hidden) Accumulate(int64) { h.n++ }
func (h *hidden) Merge(o *hidden)  { h.n += o.n }
func (h *hidden) Result() int      { return h.n }

type tree struct{ Kids []tree }

func TestRegistrations(t *testing.T) {
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"there is already a function UPPER", func() { udf.Scalar("upper", strings.ToUpper) }},
		{"there is already a function SUM", func() { udf.Aggregate[sum]("sum") }},
		{`"a b" is no name`, func() { udf.Scalar("a b", strings.ToUpper) }},
		{"no function", func() { udf.Scalar("f", 1) }},
		{"parameter 2: SQL has no type for chan int", func() { udf.Scalar("f", func(int, chan int) int { return 1 }) }},
		{"has to return a value", func() { udf.Scalar("f", func(int) {}) }},
		{"has to return []T or iter.Seq[T], not int", func() { udf.Table("f", func(int) int { return 1 }) }},
		{"contains itself", func() { udf.Scalar("f", func(tree) int { return 1 }) }},
		{"field n of udf_test.hidden is not exported", func() { udf.Aggregate[hidden]("f") }},
		{"*udf_test.pair has no method Accumulate", func() { udf.Aggregate[pair]("f") }},
	} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.HasPrefix(p, "udf: ") || !strings.Contains(p, c.want) {
					t.Errorf("%s, want %s", p, c.want)
				}
			}()
			c.f()
		}()
	}
}

func BenchmarkScalar(b *testing.B) {
	text := "SELECT COUNT(*) FROM (SELECT %s AS y FROM t) WHERE y > 0"
	table := "CREATE TABLE t (x BIGINT) WITH ('connector'='datagen', 'number-of-rows'='1000000', 'rows-per-second'='1000000000', 'fields.x.kind'='sequence', 'fields.x.start'='1', 'fields.x.end'='1000000');"
	for _, f := range []string{"x + x", "twice(x)"} {
		b.Run(f, func(b *testing.B) {
			for b.Loop() {
				if _, err := (testkit.Script{Text: table + fmt.Sprintf(text, f), Mode: testkit.Batch}).Run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
