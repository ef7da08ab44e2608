package expr_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const benchRows = 4096

// benchTable has an INT a, a BIGINT b, a short text s, a TIMESTAMP(3) ts, an INT n with NULLs and a DECIMAL(10, 2) p.
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
	cols := []vec.Vector{a, b, s.Finish(), ts, n, &vec.Fixed[int64]{Vals: b.Vals}}
	return cols, types.Schema{{Name: "a", Type: types.TInt}, {Name: "b", Type: types.TBigInt}, {Name: "s", Type: types.TString},
		{Name: "ts", Type: types.TimestampOf(3)}, {Name: "n", Type: types.TInt}, {Name: "p", Type: types.DecimalOf(10, 2)}}
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
		{"hour", call("HOUR", col(3))},
		{"case_texts", call("CASE", call("<", col(0), expr.Int(100)), expr.Text("low"), call("<", col(0), expr.Int(900)), expr.Text("mid"), expr.Text("high"))},
	} {
		b.Run(c.name, func(b *testing.B) { benchEval(b, c.e, cols) })
	}
}

func rate(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchRows/1e6/b.Elapsed().Seconds(), "Mrows/s")
}

func benchEval(b *testing.B, e *expr.Expr, cols []vec.Vector) {
	e, _ = expr.Fold(e, nil)
	p, err := expr.Compile(e, &fn.Env{Zone: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.Eval(cols, nil, benchRows); err != nil {
			b.Fatal(err)
		}
	}
	rate(b)
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
		{"like_prefix", call("LIKE", col(2), expr.Text("ba%"))},
	} {
		b.Run(c.name, func(b *testing.B) {
			e, _ := expr.Fold(c.e, nil)
			p, err := expr.Compile(e, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := p.Filter(cols, nil, benchRows); err != nil {
					b.Fatal(err)
				}
			}
			rate(b)
		})
	}
}
