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

// TestFacts are single results that Flink 2.3 is known to give.
func TestFacts(t *testing.T) {
	i8 := types.Of(types.TinyInt)
	for _, c := range []struct {
		e    *expr.Expr
		want string
	}{
		{call(t, "TO_TIMESTAMP", "2024-02-30 00:00:00"), "2024-02-29 00:00:00.000"},
		{call(t, "TO_DATE", "2024-02-30"), "NULL"},
		{try(t, "2024-02-30", types.TDate), "NULL"},
		{call(t, "UNIX_TIMESTAMP", "2024-02-30 00:00:00"), "1709251200"},
		{call(t, "UNIX_TIMESTAMP", ""), "-9223372036854775808"},
		{call(t, "LPAD", "hi", -1, "?"), "NULL"},
		{call(t, "LPAD", "hi", 4, ""), "NULL"},
		{call(t, "REPLACE", "ab", "", "x"), "xaxbx"},
		{call(t, "REGEXP", "abc", ""), "FALSE"},
		{call(t, "REGEXP_REPLACE", "foobar", "oo|ar", "$0"), "f$0b$0"},
		{call(t, "UPPER", "straße"), "STRASSE"},
		{call(t, "*", cast(t, 127, i8), cast(t, 127, i8)), "1"},
		{cast(t, 3.99, i8), "3"},
		{cast(t, 1e20, types.TInt), "2147483647"},
		{cast(t, 1e20, i8), "-1"},
		{cast(t, cast(t, 12345, types.TString), types.Type{Kind: types.Varchar, Len: 3}), "123"},
		{cast(t, "x", types.Type{Kind: types.Char, Len: 3}), "x  "},
		{call(t, "ARRAY_SORT", call(t, "ARRAY", 2, types.TInt, 1), false), "[2, 1, NULL]"},
		{call(t, "TRANSLATE", "abc", types.TString, "x"), "abc"},
		{call(t, "TRANSLATE", "abc", "ab", types.TString), "c"},
		{call(t, "PRINTF", "%d-%s", types.TInt, "x"), "null-x"},
		{call(t, "TIMESTAMPDIFF", "MONTH", cast(t, "2024-03-31", types.TDate), cast(t, "2024-02-29", types.TDate)), "-1"},
		{call(t, "DATE_FORMAT", cast(t, "2024-07-04 13:14:15", types.TimestampOf(3)), "EEEE, d MMMM yyyy, h:mm a"), "Thursday, 4 July 2024, 1:14 PM"},
		{call(t, "REGEXP_EXTRACT", "key=val", "(?<=key=)(\\w+)", 1), "val"},
		{call(t, "JSON_VALUE", `{"a":[{"b":1},{"b":2}]}`, "lax $.a[1].b"), "2"},
		{call(t, "JSON_QUERY", `{"a":[{"b":1},{"b":2}]}`, "$.a[*].b"), "[1,2]"},
		{call(t, "COUNT_CHAR", "banana", "a"), "3"},
		{call(t, "COUNT_CHAR", types.TString, "a"), "0"},
		{call(t, "INSTR", "banana", "a", 3, 2), "6"},
		{call(t, "INSTR", "banana", "a", -2, 1), "4"},
	} {
		check(t, utc, c.e, c.want)
	}
}
