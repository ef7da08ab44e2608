package expr_test

import (
	"cmp"
	"math/big"
	"strings"
	"testing"
	"unicode"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// reference evaluates the expressions that random makes, on one row, over plain
// Go values and without a kernel: nil, bool, int64, float64, string, and *big.Rat
// for decimals.
func reference(t testing.TB, e *expr.Expr, row []any) any {
	switch e.Op {
	case expr.Col:
		return row[e.Index]
	case expr.Lit:
		return plain(e.Type, e.Value)
	}
	arg := func(i int) any { return reference(t, e.Args[i], row) }
	switch e.Func {
	case "CASE":
		for i := 0; i+1 < len(e.Args); i += 2 {
			if arg(i) == true {
				return arg(i + 1)
			}
		}
		return arg(len(e.Args) - 1)
	case "COALESCE":
		for i := range e.Args {
			if v := arg(i); v != nil {
				return v
			}
		}
		return nil
	}
	var args []any
	null := false
	for i := range e.Args {
		args = append(args, arg(i))
		null = null || args[i] == nil
	}
	if v, ok := withNulls(e.Func, args); ok {
		return v
	}
	if null {
		return nil
	}
	return strict(t, e, args)
}

// plain is a constant's or a column's value as reference has it.
func plain(t types.Type, v any) any {
	if t.Kind == types.Decimal && v != nil {
		u := big.NewInt(0)
		switch v := v.(type) {
		case int64:
			u.SetInt64(v)
		case types.Int128:
			u = v.Big()
		}
		return new(big.Rat).SetFrac(u, types.Pow10(t.Scale).Big())
	}
	return v
}

// withNulls are the functions for which NULL is a value.
func withNulls(name string, a []any) (any, bool) {
	switch name {
	case "AND", "OR":
		decides, out := name == "OR", any(name == "AND")
		for _, v := range a {
			if v == decides {
				return decides, true
			}
			if v == nil {
				out = nil
			}
		}
		return out, true
	case "IS TRUE":
		return a[0] == true, true
	case "IS NOT TRUE":
		return a[0] != true, true
	case "IS FALSE":
		return a[0] == false, true
	case "IS NULL":
		return a[0] == nil, true
	case "IS NOT NULL":
		return a[0] != nil, true
	case "IS DISTINCT FROM", "IS NOT DISTINCT FROM":
		same := a[0] == nil && a[1] == nil || a[0] != nil && a[1] != nil && order(a[0], a[1]) == 0
		return same == (name == "IS NOT DISTINCT FROM"), true
	case "IN":
		if a[0] == nil {
			return nil, true
		}
		out := any(false)
		for _, v := range a[1:] {
			if v == nil {
				out = nil
			} else if order(a[0], v) == 0 {
				return true, true
			}
		}
		return out, true
	}
	return nil, false
}

func order(a, b any) int {
	switch x := a.(type) {
	case int64:
		return cmp.Compare(x, b.(int64))
	case float64:
		return cmp.Compare(x, b.(float64))
	case string:
		return strings.Compare(x, b.(string))
	case *big.Rat:
		return x.Cmp(b.(*big.Rat))
	}
	return map[bool]int{false: -1, true: 0}[a == b]
}

func strict(t testing.TB, e *expr.Expr, a []any) any {
	switch e.Func {
	case "REINTERPRET":
		return a[0]
	case "CAST":
		return castTo(t, e, a[0])
	case "NOT":
		return !a[0].(bool)
	case "=":
		return order(a[0], a[1]) == 0
	case "<>":
		return order(a[0], a[1]) != 0
	case "<":
		return order(a[0], a[1]) < 0
	case "<=":
		return order(a[0], a[1]) <= 0
	case ">":
		return order(a[0], a[1]) > 0
	case ">=":
		return order(a[0], a[1]) >= 0
	case "+":
		return int64(int32(a[0].(int64) + a[1].(int64)))
	case "-":
		return int64(int32(a[0].(int64) - a[1].(int64)))
	case "*":
		return int64(int32(a[0].(int64) * a[1].(int64)))
	case "GREATEST":
		return max(a[0].(int64), a[1].(int64))
	case "LEAST":
		return min(a[0].(int64), a[1].(int64))
	}
	return text(t, e, a)
}

func castTo(t testing.TB, e *expr.Expr, v any) any {
	i, ok := v.(int64)
	switch {
	case ok && e.Type.Integer():
		return i
	case ok && e.Type.Kind == types.Double:
		return float64(i)
	case ok && e.Type.Kind == types.Decimal && e.Args[0].Type.Integer():
		return big.NewRat(i, 1)
	case e.Type.Kind == types.Decimal || e.Type.Kind == types.Varchar:
		return v
	}
	t.Fatalf("the reference does not know %s", e)
	return nil
}

func text(t testing.TB, e *expr.Expr, a []any) any {
	s, _ := a[0].(string)
	switch e.Func {
	case "UPPER":
		return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS"))
	case "LOWER":
		return strings.ToLower(s)
	case "REVERSE":
		rs := []rune(s)
		for i, j := 0, len(rs)-1; i < j; i, j = i+1, j-1 {
			rs[i], rs[j] = rs[j], rs[i]
		}
		return string(rs)
	case "INITCAP":
		start := true
		return strings.Map(func(r rune) rune {
			out := r
			if r < 128 && start {
				out = unicode.ToUpper(r)
			} else if r < 128 {
				out = unicode.ToLower(r)
			}
			start = r >= 128 || !unicode.IsLetter(r) && !unicode.IsDigit(r)
			return out
		}, s)
	case "CHAR_LENGTH":
		return int64(len([]rune(s)))
	case "||":
		return s + a[1].(string)
	case "LIKE":
		return likeSlow([]rune(s), []rune(a[1].(string)))
	case "SUBSTRING":
		rs, from := []rune(s), a[1].(int64)
		switch n := int64(len(rs)); {
		case from > n || -from > n:
			return ""
		case from > 0:
			return string(rs[from-1:])
		case from < 0:
			return string(rs[n+from:])
		}
		return s
	}
	t.Fatalf("the reference does not know %s", e)
	return nil
}

// likeSlow matches by its definition.
func likeSlow(s, p []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '%':
		return likeSlow(s, p[1:]) || len(s) > 0 && likeSlow(s[1:], p)
	}
	return len(s) > 0 && (p[0] == '_' || p[0] == s[0]) && likeSlow(s[1:], p[1:])
}

// referenceRow is a row of a table as reference has it.
func referenceRow(t testing.TB, cols []vec.Vector, i int) []any {
	var row []any
	for k, c := range cols {
		v, ok := expr.ValueAt(c, i)
		if !ok {
			t.Fatal("a nested column")
		}
		row = append(row, plain(columns[k].Type, v))
	}
	return row
}

// referenceText prints a value as the evaluator's results are printed.
func referenceText(e *expr.Expr, v any) string {
	if v == nil {
		return "NULL"
	}
	return cell(e.Type, expr.Vector(e.Type, v), 0)
}
