package scalar

import (
	"math"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		roundFunc("ROUND", "rounded half up to n digits after the point; n may be negative", true),
		roundFunc("TRUNCATE", "cut to n digits after the point", false),
	)
}

func roundFunc(name, meaning string, half bool) *fn.Func {
	return &fn.Func{Name: name, Doc: doc("math", name+"(x [, n])", meaning, name+"(1.256, 2)"),
		Resolve: func(args []fn.Arg) (*fn.Impl, error) {
			f := kernel.Define(name, fn.Doc{}, roundSigs(half, args)...)
			return f.Resolve(args)
		}}
}

// roundSigs are the signatures of ROUND and TRUNCATE. The result's scale depends
// on n where that is constant.
func roundSigs(half bool, args []fn.Arg) []kernel.Sig {
	places, known := int64(0), true
	if len(args) == 2 {
		places, known = args[1].Value.(int64)
	}
	decimal := func(a []types.Type) types.Type {
		if !known {
			return a[0].Nullable(true)
		}
		return roundType(a[0], int(places))
	}
	return []kernel.Sig{
		{Args: []kernel.Want{kernel.Exact, kernel.Int32}, Opt: 1, Of: decimal, MayBeNull: !known,
			Make: func(a []types.Type, ret types.Type) fn.Eval { return evalRoundDecimal(half, a[0], ret) }},
		{Args: []kernel.Want{kernel.Whole, kernel.Int32}, Opt: 1, Of: sameType,
			Make: func(a []types.Type, ret types.Type) fn.Eval { return evalRoundInt(half, ret) }},
		{Args: []kernel.Want{kernel.Float, kernel.Int32}, Opt: 1, Ret: types.TDouble,
			Make: func([]types.Type, types.Type) fn.Eval { return evalRoundFloat(half) }},
	}
}

// roundType is Flink's result type of ROUND(DECIMAL(p, s), n).
func roundType(t types.Type, n int) types.Type {
	switch {
	case n >= t.Scale:
		return types.DecimalOf(t.Prec, t.Scale)
	case n < 0:
		return types.DecimalOf(min(types.DecimalMax, 1+t.Prec-t.Scale), 0)
	}
	return types.DecimalOf(min(types.DecimalMax, 1+t.Prec-t.Scale+n), n)
}

// digitsArg returns the n of a row, 0 by default.
func digitsArg(args []vec.Vector) func(i int) int {
	if len(args) == 1 {
		return func(int) int { return 0 }
	}
	v := kernel.Num[int32](args[1])
	return func(i int) int { return int(v.At(i)) }
}

func evalRoundDecimal(half bool, t, ret types.Type) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, places := kernel.Dec(args[0], t), digitsArg(args)
		return kernel.Decs(ret, rows, n, func(i int) (types.Int128, bool) {
			v, k := x.At(i), places(i)
			if k >= t.Scale {
				return v.Rescale(t.Scale, ret.Scale)
			}
			return roundTo(v, t.Scale-k, half, ret.Scale-k)
		}), nil
	}
}

// roundTo drops digits and then appends zeros.
func roundTo(v types.Int128, drop int, half bool, zeros int) (types.Int128, bool) {
	if drop > types.DecimalMax {
		return types.Int128{}, true
	}
	unit := types.Pow10(drop)
	var q types.Int128
	if half {
		q = v.DivRound(unit)
	} else {
		q, _ = v.QuoRem(unit)
	}
	if zeros < 0 {
		return q, false
	}
	return q.Rescale(0, zeros)
}

// evalRoundInt rounds in the type of the number: what overflows wraps.
func evalRoundInt(half bool, t types.Type) fn.Eval {
	back, _ := kernel.Cast(types.TBigInt, t, false, nil)
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, places := kernel.Int(args[0]), digitsArg(args)
		v := kernel.Nums(rows, n, func(i int) int64 {
			k := places(i)
			if k >= 0 {
				return x.At(i)
			}
			r, _ := roundTo(types.Int128Of(x.At(i)), -k, half, -k)
			return int64(r.Lo)
		})
		return back(c, []vec.Vector{v}, rows, n)
	}
}

func evalRoundFloat(half bool) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, places := kernel.Num[float64](args[0]), digitsArg(args)
		return kernel.Nums(rows, n, func(i int) float64 { return roundFloat(x.At(i), places(i), half) }), nil
	}
}

// roundFloat rounds the decimal that a number prints as, as Java's
// BigDecimal.valueOf has it.
func roundFloat(x float64, places int, half bool) float64 {
	switch {
	case x != x || math.IsInf(x, 0):
		return x
	case places == 0 && half:
		return math.Round(x) + 0
	case places == 0:
		return math.Trunc(x) + 0
	}
	return roundBig(x, places, half)
}
