package scalar

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(&fn.Func{Name: "EXTRACT", Resolve: resolveExtract,
		Doc: doc("temporal", "EXTRACT(unit FROM t)", "a field of a time", "EXTRACT(DAY FROM DATE '2006-06-05')")})
	for name, unit := range map[string]string{"YEAR": "YEAR", "QUARTER": "QUARTER", "MONTH": "MONTH", "WEEK": "WEEK", "DAYOFYEAR": "DOY",
		"DAYOFMONTH": "DAY", "DAYOFWEEK": "DOW", "HOUR": "HOUR", "MINUTE": "MINUTE", "SECOND": "SECOND"} {
		fn.Register(&fn.Func{Name: name, Doc: doc("temporal", name+"(t)", "EXTRACT("+unit+" FROM t)", name+"(DATE '1994-09-27')"),
			Resolve: func(args []fn.Arg) (*fn.Impl, error) {
				if len(args) != 1 {
					return nil, fmt.Errorf("%s takes a time, not %s", name, kernel.Given(args))
				}
				return extractImpl(name, timeFields[unit], args[0].Type)
			}})
	}
}

func resolveExtract(args []fn.Arg) (*fn.Impl, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("EXTRACT takes a unit and a time, as in EXTRACT(DAY FROM t), not %s", kernel.Given(args))
	}
	name, _ := args[0].Value.(string)
	unit, ok := timeFields[name]
	if !ok {
		return nil, fmt.Errorf("EXTRACT does not know the unit %v", args[0].Value)
	}
	impl, err := extractImpl("EXTRACT", unit, args[1].Type)
	if err != nil {
		return nil, err
	}
	eval := impl.Eval
	impl.Args = append([]types.Type{args[0].Type}, impl.Args...)
	impl.Eval = func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		return eval(c, args[1:], rows, n)
	}
	return impl, nil
}

// A timeField is what EXTRACT takes of a time.
type timeField uint8

const (
	fieldMillennium timeField = iota + 1
	fieldCentury
	fieldDecade
	fieldYear
	fieldIsoyear
	fieldQuarter
	fieldMonth
	fieldWeek
	fieldDay
	fieldDow
	fieldIsodow
	fieldDoy
	fieldHour
	fieldMinute
	fieldSecond
	fieldMillisecond
	fieldMicrosecond
	fieldNanosecond
	fieldEpoch
)

var timeFields = map[string]timeField{
	"MILLENNIUM":  fieldMillennium,
	"CENTURY":     fieldCentury,
	"DECADE":      fieldDecade,
	"YEAR":        fieldYear,
	"ISOYEAR":     fieldIsoyear,
	"QUARTER":     fieldQuarter,
	"MONTH":       fieldMonth,
	"WEEK":        fieldWeek,
	"DAY":         fieldDay,
	"DOW":         fieldDow,
	"ISODOW":      fieldIsodow,
	"DOY":         fieldDoy,
	"HOUR":        fieldHour,
	"MINUTE":      fieldMinute,
	"SECOND":      fieldSecond,
	"MILLISECOND": fieldMillisecond,
	"MICROSECOND": fieldMicrosecond,
	"NANOSECOND":  fieldNanosecond,
	"EPOCH":       fieldEpoch,
}

func extractImpl(name string, unit timeField, t types.Type) (*fn.Impl, error) {
	if t.Kind == types.Null {
		t = types.TDate
	}
	impl := &fn.Impl{Args: []types.Type{t}, Ret: types.TBigInt.Nullable(!t.NotNull), Total: true}
	switch {
	case t.Kind == types.Date:
		impl.Eval = kernel.Unary(func(d int32) int64 { return extractDay(unit, int(d)) })
	case t.Kind == types.Time:
		impl.Eval = kernel.Unary(func(ms int32) int64 { return extractMicros(unit, int64(ms)*types.Milli, 0) })
	case t.Kind == types.IntervalMonth:
		impl.Eval = kernel.Unary(func(m int64) int64 { return extractMonths(unit, m) })
	case t.Kind == types.IntervalSecond:
		impl.Eval = kernel.Unary(func(ms int64) int64 { return extractSpan(unit, ms) })
	case t.Stamp() && t.Prec > 6:
		impl.Eval = evalExtractNanos(unit, t.Kind == types.TimestampLTZ)
	case t.Stamp():
		impl.Eval = evalExtract(unit, t.Kind == types.TimestampLTZ)
	default:
		return nil, fmt.Errorf("%s takes a DATE, TIME, TIMESTAMP or interval, not %s", name, t.Name())
	}
	return impl, nil
}

func evalExtract(unit timeField, local bool) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x := kernel.Num[int64](args[0])
		if !local {
			return kernel.Nums(rows, n, func(i int) int64 { return extractMicros(unit, x.At(i), 0) }), nil
		}
		zone := zoneOf(c)
		return kernel.Nums(rows, n, func(i int) int64 { return extractMicros(unit, zone.Local(x.At(i)), 0) }), nil
	}
}

func evalExtractNanos(unit timeField, local bool) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, zone := kernel.Num[types.Int128](args[0]), zoneOf(c)
		return kernel.Nums(rows, n, func(i int) int64 {
			q, nanos := x.At(i).DivInt(1000)
			micros := int64(q.Lo)
			if local {
				micros = zone.Local(micros)
			}
			return extractMicros(unit, micros, nanos)
		}), nil
	}
}

// extractMicros is a field of a timestamp, with nanoseconds below its
// microsecond. Times before 1970 are cut toward 1970, as Flink does: their hours
// and below are negative and their day is the next.
func extractMicros(unit timeField, micros, nanos int64) int64 {
	below := micros % types.Milli // microseconds of the millisecond
	if below < 0 {
		below += types.Milli
	}
	ms := (micros - below) / types.Milli
	switch unit {
	case fieldHour:
		return ms % 86400000 / 3600000
	case fieldMinute:
		return ms % 3600000 / 60000
	case fieldSecond:
		return ms % 60000 / 1000
	case fieldMillisecond:
		return ms % 1000
	case fieldMicrosecond:
		return ms%1000*1000 + below
	case fieldNanosecond:
		return ms%1000*1000000 + below*1000 + nanos
	case fieldEpoch:
		return ms / 1000
	}
	return extractDay(unit, int(ms/86400000))
}

// extractDay is a field of a date.
func extractDay(unit timeField, days int) int64 {
	y, m, d := types.DateOf(days)
	switch unit {
	case fieldMillennium:
		return int64(roundAway(y, 1000))
	case fieldCentury:
		return int64(roundAway(y, 100))
	case fieldDecade:
		return int64(y / 10)
	case fieldYear:
		return int64(y)
	case fieldIsoyear:
		iso, _ := types.ISOWeek(days)
		return int64(iso)
	case fieldQuarter:
		return int64(m+2) / 3
	case fieldMonth:
		return int64(m)
	case fieldWeek:
		_, week := types.ISOWeek(days)
		return int64(week)
	case fieldDay:
		return int64(d)
	case fieldDow:
		return int64(types.Weekday(days)) + 1
	case fieldIsodow:
		return int64((types.Weekday(days)+6)%7) + 1
	case fieldDoy:
		return int64(days-types.DaysOf(y, 1, 1)) + 1
	case fieldEpoch:
		return int64(days) * 86400
	}
	return 0
}

func roundAway(y, unit int) int {
	if y > 0 {
		return (y + unit - 1) / unit
	}
	return (y - unit + 1) / unit
}

func extractMonths(unit timeField, m int64) int64 {
	switch unit {
	case fieldYear:
		return m / 12
	case fieldQuarter:
		return m%12/3 + 1
	case fieldMonth:
		return m % 12
	}
	return 0
}

func extractSpan(unit timeField, ms int64) int64 {
	switch unit {
	case fieldDay:
		return ms / 86400000
	case fieldEpoch:
		return ms / 1000
	}
	return extractMicros(unit, ms*types.Milli, 0)
}
