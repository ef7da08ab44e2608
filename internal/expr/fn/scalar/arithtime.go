package scalar

import (
	"math"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// arithTimes returns the implementation of an operator on times and intervals;
// nil if there is none.
func arithTimes(op byte, a, b types.Type) *fn.Impl {
	impl := &fn.Impl{Args: []types.Type{a, b}, Total: true}
	switch {
	case op == '+' && a.Interval() && pointInTime(b):
		impl.Ret = b
		impl.Eval = swapped(shiftTime(b, a, 1))
	case (op == '+' || op == '-') && pointInTime(a) && b.Interval():
		impl.Ret = a
		impl.Eval = shiftTime(a, b, map[byte]int64{'+': 1, '-': -1}[op])
	case (op == '+' || op == '-') && a.Interval() && a.Kind == b.Kind:
		impl.Ret = a
		impl.Eval = intOp[int64](op)
	case op == '*' && a.Interval() && b.Numeric():
		impl.Ret = a
		impl.Args[1], impl.Eval = scaleInterval(b)
	case op == '*' && a.Numeric() && b.Interval():
		impl.Ret = b
		impl.Args[0], impl.Eval = scaleInterval(a)
		impl.Eval = swapped(impl.Eval)
	default:
		return nil
	}
	return impl
}

func pointInTime(t types.Type) bool { return t.Kind >= types.Date && t.Kind <= types.TimestampLTZ }

func swapped(eval fn.Eval) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		return eval(c, []vec.Vector{args[1], args[0]}, rows, n)
	}
}

// scaleInterval returns what a factor is cast to and the kernel of interval *
// factor.
func scaleInterval(factor types.Type) (types.Type, fn.Eval) {
	if factor.Integer() {
		return types.TBigInt, kernel.Mul[int64]()
	}
	return types.TDouble, kernel.Binary(func(x int64, f float64) int64 { return int64(math.Round(float64(x) * f)) })
}

// shiftTime returns the kernel of time + sign * interval.
func shiftTime(t, interval types.Type, sign int64) fn.Eval {
	months := interval.Kind == types.IntervalMonth
	switch {
	case t.Kind == types.Date && months:
		return kernel.Binary(func(d int32, m int64) int32 { return int32(types.AddMonths(int(d), sign*m)) })
	case t.Kind == types.Date:
		return kernel.Binary(func(d int32, ms int64) int32 { return d + int32(sign*ms/86400000) })
	case t.Kind == types.Time && months:
		return kernel.Binary(func(x int32, _ int64) int32 { return x })
	case t.Kind == types.Time:
		return kernel.Binary(func(x int32, ms int64) int32 {
			r := (int64(x) + sign*ms) % 86400000
			if r < 0 {
				r += 86400000
			}
			return int32(r)
		})
	case t.Prec > 6 && months:
		return kernel.Binary(func(x types.Int128, m int64) types.Int128 {
			q, r := x.DivInt(1000)
			return types.Int128Of(types.AddMonthsMicros(int64(q.Lo), sign*m)).MulInt(1000).Add(types.Int128Of(r))
		})
	case t.Prec > 6:
		return kernel.Binary(func(x types.Int128, ms int64) types.Int128 {
			return x.Add(types.Int128Of(sign * ms).MulInt(1e6))
		})
	case months:
		return kernel.Binary(func(x, m int64) int64 { return types.AddMonthsMicros(x, sign*m) })
	}
	return shiftMicros(sign)
}

// shiftMicros is shiftTime for microseconds and milliseconds: a loop of its own for one
// interval, as the watermarks of most tables are computed.
func shiftMicros(sign int64) fn.Eval {
	each := kernel.Binary(func(x, ms int64) int64 { return x + sign*ms*types.Milli })
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		times, ok := args[0].(*vec.Fixed[int64])
		ms := kernel.Num[int64](args[1])
		if !ok || !ms.Const() || rows != nil {
			return each(c, args, rows, n)
		}
		out, by := make([]int64, n), sign*ms.Vals[0]*types.Milli
		for i, x := range times.Vals[:n] {
			out[i] = x + by
		}
		return &vec.Fixed[int64]{Vals: out}, nil
	}
}
