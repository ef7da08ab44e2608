// Package explain writes plans as text: the logical tree, the physical plan with
// the changes that flow and the state that is kept, and the vertices that run.
package explain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
)

// infix are the functions that Flink's plans write between their arguments.
var infix = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true,
	"+": true, "-": true, "*": true, "/": true, "%": true, "||": true, "LIKE": true,
	"IS DISTINCT FROM": true, "IS NOT DISTINCT FROM": true}

// Expr writes an expression with the names of its input columns, as Flink's
// plans do: (price > 100), AND(a, b), UPPER(name).
func Expr(e *expr.Expr, names []string) string {
	switch e.Op {
	case expr.Col:
		return column(e.Index, names)
	case expr.Lit:
		return literal(e)
	}
	if e.Func == "AND" {
		flat := *e
		flat.Args = expr.Conjuncts(e)
		e = &flat
	}
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = Expr(a, names)
	}
	switch {
	case infix[e.Func] && len(args) == 2:
		return "(" + args[0] + " " + e.Func + " " + args[1] + ")"
	case e.Func == "-" && len(args) == 1:
		return "-" + args[0]
	case strings.HasPrefix(e.Func, "IS ") && len(args) == 1:
		return args[0] + " " + e.Func
	case e.Func == "CAST" || e.Func == "TRY_CAST" || e.Func == "REINTERPRET":
		return fmt.Sprintf("%s(%s AS %s)", e.Func, args[0], e.Type.Name())
	case e.Func == "FIELD" && len(args) == 2 && e.Args[1].Op == expr.Lit && e.Args[0].Type.Kind == types.Row:
		if i, ok := e.Args[1].Value.(int64); ok && int(i) < len(e.Args[0].Type.Fields) {
			return args[0] + "." + e.Args[0].Type.Fields[i].Name
		}
	}
	return e.Func + "(" + strings.Join(args, ", ") + ")"
}

func column(i int, names []string) string {
	if i >= 0 && i < len(names) {
		return names[i]
	}
	return "$" + strconv.Itoa(i)
}

func columns(cols []int, names []string) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = column(c, names)
	}
	return strings.Join(out, ", ")
}

func literal(e *expr.Expr) string {
	switch v := e.Value.(type) {
	case nil:
		return "null"
	case string:
		if e.Type.Bytes() {
			return fmt.Sprintf("X'%x'", v)
		}
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case bool:
		return strconv.FormatBool(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case types.Int128:
		return decimal(v.String(), e.Type)
	case int64:
		switch {
		case e.Type.Kind == types.Date:
			return time.Unix(v*86400, 0).UTC().Format("2006-01-02")
		case e.Type.Stamp():
			return time.UnixMicro(v).UTC().Format("2006-01-02 15:04:05.999999")
		case e.Type.Kind == types.IntervalSecond:
			return strconv.FormatInt(v, 10) + ":INTERVAL SECOND"
		case e.Type.Kind == types.IntervalMonth:
			return strconv.FormatInt(v, 10) + ":INTERVAL MONTH"
		}
		return decimal(strconv.FormatInt(v, 10), e.Type)
	}
	return fmt.Sprint(e.Value)
}

// decimal sets the point of an unscaled value.
func decimal(s string, t types.Type) string {
	if t.Kind != types.Decimal || t.Scale == 0 {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for len(s) <= t.Scale {
		s = "0" + s
	}
	return sign + s[:len(s)-t.Scale] + "." + s[len(s)-t.Scale:]
}
