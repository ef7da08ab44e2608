package expr_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const benchRows = 4096

// benchTable has an INT a, a BIGINT b, a short text s, a TIMESTAMP(3) ts, an INT n with NULLs and a DECIMAL(10, 2) p, and texts of timestamps,
// dates and JSON.
func benchTable() ([]vec.Vector, types.Schema) {
	r := rand.New(rand.NewPCG(1, 1))
	a := &vec.Fixed[int32]{Vals: make([]int32, benchRows)}
	b := &vec.Fixed[int64]{Vals: make([]int64, benchRows)}
	ts := &vec.Fixed[int64]{Vals: make([]int64, benchRows)}
	n := &vec.Fixed[int32]{Vals: a.Vals, Valid: vec.NewBitmap(benchRows)}
	s := vec.NewBuilder(types.TString)
	words := []string{"apple", "banana", "cherry", "date", "elder", "fig", "grape"}
	for i := range benchRows {
		a.Vals[i] = int32(r.IntN(1000))
		b.Vals[i] = int64(r.IntN(1000))
		ts.Vals[i] = 1700000000*types.Second + int64(r.IntN(1000000))*types.Milli
		s.String(words[r.IntN(len(words))])
		if r.IntN(10) == 0 {
			n.Valid.SetNull(i)
		}
	}
	stamps, dates, docs := vec.NewBuilder(types.TString), vec.NewBuilder(types.TString), vec.NewBuilder(types.TString)
	for _, x := range ts.Vals {
		text := string(types.AppendTimestamp(nil, x, 3))
		stamps.String(text)
		dates.String(text[:10])
		docs.String(`{"b": "x", "a": "` + text + `"}`)
	}
	cols := []vec.Vector{a, b, s.Finish(), ts, n, &vec.Fixed[int64]{Vals: b.Vals}, stamps.Finish(), dates.Finish(), docs.Finish()}
	return cols, types.Schema{{Name: "a", Type: types.TInt}, {Name: "b", Type: types.TBigInt}, {Name: "s", Type: types.TString},
		{Name: "ts", Type: types.TimestampOf(3)}, {Name: "n", Type: types.TInt}, {Name: "p", Type: types.DecimalOf(10, 2)},
		{Name: "stamp", Type: types.TString}, {Name: "date", Type: types.TString}, {Name: "doc", Type: types.TString}}
}

func BenchmarkEval(b *testing.B) {
	cols, schema := benchTable()
	col := func(i int) *expr.Expr { return expr.Column(i, schema[i].Type) }
	call := func(name string, args ...*expr.Expr) *expr.Expr {
		e, err := expr.NewCall(name, args...)
		if err != nil {
			b.Fatal(err)
		}
		return e
	}
	cast := func(e *expr.Expr, to types.Type) *expr.Expr {
		out, err := expr.Cast(e, to)
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	for _, c := range []struct {
		name string
		e    *expr.Expr
	}{
		{"int+int", call("+", col(0), col(4))},
		{"bigint*const", call("*", col(1), expr.Int(3))},
		{"int<const", call("<", col(0), expr.Int(500))},
		{"decimal*const", call("*", col(5), expr.Literal(types.DecimalOf(4, 3), int64(908)))},
		{"text=const", call("=", col(2), expr.Text("banana"))},
		{"like_prefix", call("LIKE", col(2), expr.Text("ba%"))},
		{"like_contains", call("LIKE", col(2), expr.Text("%an%"))},
		{"upper", call("UPPER", col(2))},
		{"date_format", call("DATE_FORMAT", col(3), expr.Text("yyyy-MM-dd"))},
		{"date_format_seconds", call("DATE_FORMAT", col(3), expr.Text("yyyy-MM-dd HH:mm:ss"))},
		{"time-interval", call("-", col(3), expr.Literal(types.Of(types.IntervalSecond), int64(4000)))},
		{"cast_time_as_text", cast(call("+", col(3), expr.Literal(types.Of(types.IntervalSecond), int64(1))), types.TString)},
		{"from_unixtime", call("FROM_UNIXTIME", col(1))},
		{"to_timestamp", call("TO_TIMESTAMP", col(6))},
		{"to_timestamp_pattern", call("TO_TIMESTAMP", col(6), expr.Text("yyyy-MM-dd HH:mm:ss.SSS"))},
		{"to_date", call("TO_DATE", col(7))},
		{"cast_text_as_timestamp", cast(col(6), types.TimestampOf(3))},
		{"cast_text_as_date", cast(col(7), types.TDate)},
		{"unix_timestamp", call("UNIX_TIMESTAMP", col(6))},
		{"hour", call("HOUR", col(3))},
		{"substring", call("SUBSTRING", col(2), expr.Int(2), expr.Int(3))},
		{"concat", call("CONCAT", col(2), expr.Text("-"), col(2))},
		{"regexp", call("REGEXP", col(2), expr.Text("^b.*a$"))},
		{"regexp_extract", call("REGEXP_EXTRACT", col(2), expr.Text("an+"))},
		{"char_length", call("CHAR_LENGTH", col(8))},
		{"replace", call("REPLACE", col(8), expr.Text("x"), expr.Text(""))},
		{"md5", call("MD5", col(2))},
		{"json_value", call("JSON_VALUE", col(8), expr.Text("$.a"))},
		{"parse_json_field", call("ITEM", call("PARSE_JSON", col(8)), expr.Text("a"))},
		{"case_texts", call("CASE", call("<", col(0), expr.Int(100)), expr.Text("low"), call("<", col(0), expr.Int(900)), expr.Text("mid"), expr.Text("high"))},
	} {
		b.Run(c.name, func(b *testing.B) { benchEval(b, c.e, cols) })
	}
}

// rate reports rows a second of processor time, so that what else the machine does
// counts little.
func rate(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(b.N)*benchRows/1e6/(cpuTime(b)-before).Seconds(), "Mrows/cpu-s")
}

func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchEval(b *testing.B, e *expr.Expr, cols []vec.Vector) {
	e, _ = expr.Fold(e, nil)
	p, err := expr.Compile(e, &fn.Env{Zone: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		if _, err := p.Eval(cols, nil, benchRows); err != nil {
			b.Fatal(err)
		}
	}
	rate(b, before)
}

func BenchmarkFilter(b *testing.B) {
	cols, schema := benchTable()
	col := func(i int) *expr.Expr { return expr.Column(i, schema[i].Type) }
	call := func(name string, args ...*expr.Expr) *expr.Expr {
		e, err := expr.NewCall(name, args...)
		if err != nil {
			b.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		name string
		e    *expr.Expr
	}{
		{"int<const", call("<", col(0), expr.Int(500))},
		{"nullable<const", call("<", col(4), expr.Int(500))},
		{"and", call("AND", call("<", col(0), expr.Int(500)), call(">", col(1), expr.Int(100)))},
		{"text=const", call("=", col(2), expr.Text("banana"))},
		{"decimal>const", call(">", call("*", col(1), expr.Literal(types.DecimalOf(4, 3), int64(908))), expr.Literal(types.DecimalOf(7, 3), int64(500_000)))},
		{"like_prefix", call("LIKE", col(2), expr.Text("ba%"))},
	} {
		b.Run(c.name, func(b *testing.B) {
			e, _ := expr.Fold(c.e, nil)
			p, err := expr.Compile(e, nil)
			if err != nil {
				b.Fatal(err)
			}
			before := cpuTime(b)
			for b.Loop() {
				if _, err := p.Filter(cols, nil, benchRows); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, before)
		})
	}
}
