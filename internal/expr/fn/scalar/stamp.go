package scalar

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		&fn.Func{Name: "TIMESTAMPADD", Resolve: resolveStampAdd,
			Doc: doc("temporal", "TIMESTAMPADD(unit, n, t)", "t and n units", "TIMESTAMPADD(HOUR, 1, TIMESTAMP '2020-01-02 03:04:05')")},
		&fn.Func{Name: "TIMESTAMPDIFF", Resolve: resolveStampDiff,
			Doc: doc("temporal", "TIMESTAMPDIFF(unit, a, b)", "the whole units from a to b", "TIMESTAMPDIFF(DAY, DATE '2020-01-02', DATE '2020-01-05')")},
		kernel.Define("OVERLAPS", doc("temporal", "(a, b) OVERLAPS (c, d)", "whether two periods have a moment in common; called with their starts and ends",
			"(DATE '2024-01-01', DATE '2024-01-10') OVERLAPS (DATE '2024-01-10', DATE '2024-01-20')"), overlapSigs()...),
	)
}

var unitMonths = map[string]int64{"MONTH": 1, "QUARTER": 3, "YEAR": 12, "DECADE": 120, "CENTURY": 1200, "MILLENNIUM": 12000}

// unitName drops the prefix and the plural that Calcite's SQL allows.
func unitName(v any) (string, error) {
	s, _ := v.(string)
	if len(s) > 8 && s[:8] == "SQL_TSI_" {
		s = s[8:]
	}
	if _, ok := unitMonths[s]; ok {
		return s, nil
	}
	if _, ok := unitMicros[s]; ok && s != "EPOCH" {
		return s, nil
	}
	return "", fmt.Errorf("%v is no unit of time", v)
}

func resolveStampAdd(args []fn.Arg) (*fn.Impl, error) {
	if len(args) != 3 {
		return nil, fmt.Errorf("TIMESTAMPADD takes a unit, a number and a time, not %s", kernel.Given(args))
	}
	unit, err := unitName(args[0].Value)
	if err != nil {
		return nil, fmt.Errorf("TIMESTAMPADD: %w", err)
	}
	n, t := args[1].Type, args[2].Type.Plain()
	if n.Kind == types.Null {
		n = types.TInt
	}
	if t.Kind == types.Null {
		t = types.TimestampOf(3)
	}
	if !n.Integer() || !(t.Stamp() || t.Kind == types.Date || t.Kind == types.Time) {
		return nil, fmt.Errorf("TIMESTAMPADD takes a unit, an integer and a time, not %s", kernel.Given(args))
	}
	if t.Kind == types.Date && unitMicros[unit] != 0 && unitMicros[unit] < types.Day {
		t = types.TimestampOf(map[string]int{"MILLISECOND": 3, "MICROSECOND": 6}[unit]).Nullable(!t.NotNull)
	}
	big := types.TBigInt.Nullable(!n.NotNull)
	impl := &fn.Impl{Args: []types.Type{args[0].Type, big, t}, Ret: t.Nullable(!(n.NotNull && args[2].Type.NotNull)), Total: true}
	span, factor := types.Of(types.IntervalSecond), unitMicros[unit]/types.Milli
	if m, ok := unitMonths[unit]; ok {
		span, factor = types.Of(types.IntervalMonth), m
	}
	shift := shiftTime(t, span, factor)
	if unit == "MICROSECOND" && t.Stamp() {
		shift = shiftTime(t, span, 0)
		if t.Prec <= 6 {
			shift = kernel.Binary(func(x, n int64) int64 { return x + n })
		}
	}
	impl.Eval = func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		return shift(c, []vec.Vector{args[2], args[1]}, rows, n)
	}
	return impl, nil
}

func resolveStampDiff(args []fn.Arg) (*fn.Impl, error) {
	if len(args) != 3 {
		return nil, fmt.Errorf("TIMESTAMPDIFF takes a unit and two times, not %s", kernel.Given(args))
	}
	unit, err := unitName(args[0].Value)
	if err != nil {
		return nil, fmt.Errorf("TIMESTAMPDIFF: %w", err)
	}
	impl := &fn.Impl{Args: []types.Type{args[0].Type}, Ret: types.TInt, Total: true}
	impl.Ret.NotNull = args[1].Type.NotNull && args[2].Type.NotNull
	for _, a := range args[1:] {
		t := a.Type.Plain()
		switch {
		case t.Kind == types.TimestampLTZ:
			t.Prec = min(t.Prec, 6)
		case t.Stamp() || t.Kind == types.Date || t.Kind == types.Null || t.Kind == types.Time:
			t = types.TimestampOf(6).Nullable(!t.NotNull)
		default:
			return nil, fmt.Errorf("TIMESTAMPDIFF takes a unit and two times, not %s", kernel.Given(args))
		}
		impl.Args = append(impl.Args, t)
	}
	diff := func(a, b int64) int32 { return int32((b - a) / unitMicros[unit]) }
	if m, ok := unitMonths[unit]; ok {
		diff = func(a, b int64) int32 { return int32(monthsBetween(a, b) / m) }
	}
	eval := kernel.Binary(diff)
	impl.Eval = func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		return eval(c, args[1:], rows, n)
	}
	return impl, nil
}

// monthsBetween returns the whole months from a to b: the most that can be
// added to the earlier, with the day cut to its month, and not pass the later.
func monthsBetween(a, b int64) int64 {
	if b < a {
		return -monthsBetween(b, a)
	}
	da, ra := types.DayOf(a)
	db, rb := types.DayOf(b)
	ya, ma, _ := types.DateOf(da)
	yb, mb, _ := types.DateOf(db)
	m := int64(yb-ya)*12 + int64(mb-ma)
	for m > 0 {
		d := types.AddMonths(da, m)
		if d < db || d == db && ra <= rb {
			break
		}
		m--
	}
	return m
}

// overlapSigs are OVERLAPS of dates, of times of day and of timestamps.
func overlapSigs() []kernel.Sig {
	sig := func(w kernel.Want, eval fn.Eval) kernel.Sig {
		return kernel.Sig{Args: []kernel.Want{w, w, w, w}, Ret: types.TBoolean, Total: true, Eval: eval}
	}
	return []kernel.Sig{sig(kernel.DateOnly, evalOverlaps[int32]), sig(kernel.TimeOnly, evalOverlaps[int32]), sig(kernel.Stamp, evalOverlaps[int64])}
}

func evalOverlaps[T int32 | int64](_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a, b, c, d := kernel.Num[T](args[0]), kernel.Num[T](args[1]), kernel.Num[T](args[2]), kernel.Num[T](args[3])
	return kernel.Nums(rows, n, func(i int) bool {
		return max(a.At(i), b.At(i)) >= min(c.At(i), d.At(i)) && max(c.At(i), d.At(i)) >= min(a.At(i), b.At(i))
	}), nil
}
