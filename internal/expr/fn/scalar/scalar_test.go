package scalar_test

import (
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar"
	"github.com/millrace-io/millrace/types"
)

var utc = &fn.Env{Zone: time.UTC}

// lit makes an expression of a Go value: string, int, float64, bool, or an
// *expr.Expr as it is.
func lit(t testing.TB, v any) *expr.Expr {
	switch v := v.(type) {
	case *expr.Expr:
		return v
	case string:
		return expr.Text(v)
	case int:
		if int(int32(v)) != v {
			return expr.Literal(types.TBigInt, int64(v))
		}
		return expr.Int(int64(v))
	case float64:
		return expr.Literal(types.TDouble, v)
	case bool:
		return expr.Bool(v)
	case types.Type:
		return expr.NullOf(v)
	}
	t.Fatalf("no literal of %T", v)
	return nil
}

// call makes a call of Go values.
func call(t testing.TB, name string, args ...any) *expr.Expr {
	t.Helper()
	var list []*expr.Expr
	for _, a := range args {
		list = append(list, lit(t, a))
	}
	e, err := expr.NewCall(name, list...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}

// cast makes CAST(v AS to).
func cast(t testing.TB, v any, to types.Type) *expr.Expr {
	t.Helper()
	e, err := expr.Cast(lit(t, v), to)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func try(t testing.TB, v any, to types.Type) *expr.Expr {
	t.Helper()
	e, err := expr.TryCast(lit(t, v), to)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// text evaluates an expression to the text that Flink prints, or to its error.
func text(env *fn.Env, e *expr.Expr) string {
	v, err := expr.EvalConst(e, env)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(expr.AppendText(nil, e.Type, v, 0, env.Zone))
}

// check compares expressions with what Flink printed.
func check(t *testing.T, env *fn.Env, e *expr.Expr, want string) {
	t.Helper()
	if got := text(env, e); got != want {
		t.Errorf("%s = %q, want %q", e, got, want)
	}
}

func dec(p, s int) types.Type { return types.DecimalOf(p, s) }

func TestOperators(t *testing.T) {
	d := func(s string, p, sc int) *expr.Expr { return cast(t, s, dec(p, sc)) }
	check(t, utc, call(t, "+", 1, 2), "3")
	check(t, utc, call(t, "/", -7, 2), "-3")
	check(t, utc, call(t, "+", 2147483647, 1), "-2147483648")
	check(t, utc, call(t, "/", d("1.10", 10, 2), 3), "0.3666666666667")
	check(t, utc, call(t, "/", d("99999.99", 10, 2), d("0.07", 2, 2)), "1428571.285714")
	check(t, utc, call(t, "*", d("12345678901234567890.1", 38, 1), 10), "123456789012345678901.0")
	check(t, utc, call(t, "*", d("99999999999999999999999999999999999.5", 38, 1), d("99999999999999999999999999999999999.5", 38, 1)), "NULL")
	check(t, utc, call(t, "+", d("99999999999999999999999999999999999.5", 38, 1), d("99999999999999999999999999999999999.5", 38, 1)), "199999999999999999999999999999999999.0")
	check(t, utc, call(t, ">", 10, "9"), "TRUE")
	check(t, utc, call(t, "/", 1, 0), "error: division by zero, in 1 / 0")
	check(t, utc, call(t, "IN", 3, 1, types.TInt), "NULL")
	check(t, utc, call(t, "IN", 3, 1, 2), "FALSE")
	check(t, utc, call(t, "GREATEST", 1, 5, 3), "5")
	check(t, utc, call(t, "CASE", call(t, ">", 1, 0), 1, d("2.5", 2, 1)), "1.0")
	check(t, utc, call(t, "NULLIF", 10, 10), "NULL")
	check(t, utc, try(t, "12.5x", dec(6, 2)), "12.50")
}
