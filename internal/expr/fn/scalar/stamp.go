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

// monthsBetween returns the months from a to b that Calcite counts: the most that
// can be added to the day of the earlier, the day cut to its month, and not pass the
// day of the later; one less when adding them to a gives the day of b, and the time
// of b is the lesser.
func monthsBetween(a, b int64) int64 {
	da, ra := types.DayOf(a)
	db, rb := types.DayOf(b)
	m := wholeMonths(da, db)
	if types.AddMonths(da, m) == db && rb < ra {
		m--
	}
	return m
}

func wholeMonths(a, b int) int64 {
	if b < a {
		return -wholeMonths(b, a)
	}
	ya, ma, _ := types.DateOf(a)
	yb, mb, _ := types.DateOf(b)
	m := int64(yb-ya)*12 + int64(mb-ma)
	if m > 0 && types.AddMonths(a, m) > b {
		m--
	}
	return m
}

// overlapSigs are OVERLAPS of dates, of times of day and of timestamps.
func overlapSigs() []kernel.Sig {
	sig := func(w kernel.Want, eval fn.Eval) kernel.Sig {
		return kernel.Sig{Args: []kernel.Want{w, w, w, w}, Ret: types.TBoolean, NullsIn: true, Total: true, Eval: eval}
	}
	return []kernel.Sig{sig(kernel.DateOnly, evalOverlaps[int32]), sig(kernel.TimeOnly, evalOverlaps[int32]), sig(kernel.Stamp, evalOverlaps[int64])}
}

// evalOverlaps is end1 >= start2 AND end2 >= start1. The start of a pair is its lesser
// value, and its second where one is NULL, which leaves some answers FALSE, not NULL.
func evalOverlaps[T int32 | int64](_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	var at [4]func(i int) (T, bool)
	for k, a := range args {
		v, nulls := kernel.Num[T](a), kernel.NullsOf(a)
		at[k] = func(i int) (T, bool) { return v.At(i), !nulls.At(i) }
	}
	return kernel.NumsNull(rows, n, func(i int) (bool, bool) {
		start1, end1 := ordered(at[0], at[1], i)
		start2, end2 := ordered(at[2], at[3], i)
		x, xKnown := reaches(end1, start2, i)
		y, yKnown := reaches(end2, start1, i)
		if xKnown && !x || yKnown && !y {
			return false, true
		}
		return true, xKnown && yKnown
	}), nil
}

func ordered[T int32 | int64](a, b func(i int) (T, bool), i int) (start, end func(i int) (T, bool)) {
	if ok, known := reaches(b, a, i); known && ok {
		return a, b
	}
	return b, a
}

// reaches tells if a >= b, and if that is known.
func reaches[T int32 | int64](a, b func(i int) (T, bool), i int) (is, known bool) {
	x, xKnown := a(i)
	y, yKnown := b(i)
	return x >= y, xKnown && yKnown
}
