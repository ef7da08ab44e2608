package scalar

import (
	"fmt"
	"math"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		floorFunc("FLOOR", "the largest integer not above x; a time rounded down to a unit", true),
		kernel.Alias(floorFunc("CEIL", "the smallest integer not below x; a time rounded up to a unit", false), "CEILING"),
	)
}

func floorFunc(name, meaning string, down bool) *fn.Func {
	whole := kernel.Define(name, fn.Doc{},
		kernel.Sig{Args: []kernel.Want{kernel.Exact}, Of: func(a []types.Type) types.Type { return types.DecimalOf(a[0].Prec, 0) },
			Make: func(a []types.Type, ret types.Type) fn.Eval { return evalWhole(a[0], ret, down) }},
		kernel.Sig{Args: []kernel.Want{kernel.Number}, Of: sameType, Total: true,
			Make: func(a []types.Type, _ types.Type) fn.Eval { return floorNumber(a[0], down) }})
	return &fn.Func{Name: name, Doc: doc("math", name+"(x) or "+name+"(time TO unit)", meaning, name+"(1.2)"),
		Resolve: func(args []fn.Arg) (*fn.Impl, error) {
			if len(args) == 2 {
				return resolveFloorTime(name, args, down)
			}
			return whole.Resolve(args)
		}}
}

func floorNumber(t types.Type, down bool) fn.Eval {
	f := math.Ceil
	if down {
		f = math.Floor
	}
	switch t.Kind {
	case types.Float:
		return kernel.Unary(func(x float32) float32 { return float32(f(float64(x))) })
	case types.Double:
		return kernel.Unary(f)
	}
	return func(_ *fn.Call, args []vec.Vector, _ []int32, _ int) (vec.Vector, error) { return args[0], nil }
}

func evalWhole(t, ret types.Type, down bool) fn.Eval {
	unit, one := types.Pow10(t.Scale), types.Int128Of(1)
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x := kernel.Dec(args[0], t)
		return kernel.Decs(ret, rows, n, func(i int) (types.Int128, bool) {
			q, r := x.At(i).QuoRem(unit)
			switch {
			case down && r.Sign() < 0:
				q = q.Sub(one)
			case !down && r.Sign() > 0:
				q = q.Add(one)
			}
			return q, true
		}), nil
	}
}

func resolveFloorTime(name string, args []fn.Arg, down bool) (*fn.Impl, error) {
	unit, ok := args[1].Value.(string)
	t := args[0].Type.Plain()
	if !ok || !(t.Stamp() || t.Kind == types.Date || t.Kind == types.Time) {
		return nil, fmt.Errorf("%s takes a number, or a time and a unit, not %s", name, kernel.Given(args))
	}
	if !floorUnits[unit] {
		return nil, fmt.Errorf("%s does not know the unit %s", name, unit)
	}
	if t.Stamp() {
		t.Prec = min(t.Prec, 6)
	}
	impl := &fn.Impl{Args: []types.Type{t, args[1].Type}, Ret: t}
	switch t.Kind {
	case types.Date:
		impl.Eval = firstOnly(func(d int32) int32 { return int32(roundDays(unit, int(d), down)) })
	case types.Time:
		impl.Eval = firstOnly(func(ms int32) int32 { return int32(roundMicros(unit, int64(ms)*types.Milli, 0, down) / types.Milli) })
	case types.TimestampLTZ:
		impl.Eval = func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
			zone, x := zoneOf(c), kernel.Num[int64](args[0])
			return kernel.Nums(rows, n, func(i int) int64 {
				return roundMicros(unit, x.At(i), zone.Local(x.At(i))-x.At(i), down)
			}), nil
		}
	default:
		impl.Eval = firstOnly(func(m int64) int64 { return roundMicros(unit, m, 0, down) })
	}
	return impl, nil
}

// firstOnly is kernel.Unary for a call with more, constant arguments.
func firstOnly[A, R vec.Scalar](f func(A) R) fn.Eval { return kernel.Unary(f) }

var floorUnits = map[string]bool{"MILLENNIUM": true, "CENTURY": true, "DECADE": true, "YEAR": true, "QUARTER": true, "MONTH": true,
	"WEEK": true, "DAY": true, "HOUR": true, "MINUTE": true, "SECOND": true, "MILLISECOND": true, "MICROSECOND": true}

var unitMicros = map[string]int64{"WEEK": 7 * types.Day, "DAY": types.Day, "HOUR": types.Hour, "MINUTE": types.Minute, "SECOND": types.Second,
	"MILLISECOND": types.Milli, "MICROSECOND": 1, "EPOCH": types.Second}

// roundMicros rounds a timestamp down or up to a unit of the local time that is
// offset away. Like Flink, it takes the offset at the timestamp, and units above
// the day at the day that the time is cut to toward 1970.
func roundMicros(unit string, micros, offset int64, down bool) int64 {
	size, ok := unitMicros[unit]
	switch {
	case ok && size < types.Hour:
		offset = 0
		fallthrough
	case ok && size <= types.Day:
		local := micros + offset
		rest := local % size
		if rest < 0 {
			rest += size
		}
		local -= rest
		if !down && rest > 0 {
			local += size
		}
		return local - offset
	}
	local := (micros + offset) / types.Milli * types.Milli
	return int64(roundDays(unit, int(local/types.Day), down))*types.Day - offset
}

// roundDays rounds a date down or up to a unit of at least a day.
func roundDays(unit string, days int, down bool) int {
	y, m, d := types.DateOf(days)
	up := 0
	if !down {
		up = 1
	}
	switch unit {
	case "MILLENNIUM":
		return types.DaysOf(1000*((y+999)/1000)-999+1000*up, 1, 1)
	case "CENTURY":
		return types.DaysOf(100*((y+99)/100)-99+100*up, 1, 1)
	case "DECADE":
		return types.DaysOf(10*(y/10)+10*up, 1, 1)
	case "YEAR":
		if m == 1 && d == 1 {
			up = 0
		}
		return types.DaysOf(y+up, 1, 1)
	case "QUARTER":
		if m == 1 && d == 1 {
			up = 0
		}
		return types.DaysOf(y, (m-1)/3*3+1+3*up, 1)
	case "MONTH":
		if d == 1 {
			up = 0
		}
		return types.DaysOf(y, m+up, 1)
	case "WEEK": // which begins on Sunday
		off := types.Weekday(days)
		if !down && off > 0 {
			off -= 7
		}
		return days - off
	}
	return days
}

// zoneOf returns the session's zone.
func zoneOf(c *fn.Call) *types.Zone {
	if c.Env == nil {
		return types.NewZone(nil)
	}
	return types.NewZone(c.Env.Zone)
}
