package scalar

import (
	"math"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	for name, f := range map[string]func(float64) float64{
		"SQRT": math.Sqrt, "LN": math.Log, "LOG10": math.Log10, "EXP": math.Exp,
		"LOG2": func(x float64) float64 { return math.Log(x) / math.Log(2) },
		"SIN":  math.Sin, "SINH": math.Sinh, "COS": math.Cos, "COSH": math.Cosh, "TAN": math.Tan, "TANH": math.Tanh,
		"COT":  func(x float64) float64 { return 1 / math.Tan(x) },
		"ASIN": math.Asin, "ACOS": math.Acos, "ATAN": math.Atan,
		"DEGREES": func(x float64) float64 { return x * (180 / math.Pi) },
		"RADIANS": func(x float64) float64 { return x * (math.Pi / 180) },
	} {
		fn.Register(kernel.Define(name, doc("math", name+"(x)", floatMeanings[name], name+"(1)"),
			kernel.Sig{Args: []kernel.Want{kernel.Float}, Ret: types.TDouble, Total: true, Eval: kernel.Unary(f)}))
	}
	two := []kernel.Want{kernel.Float, kernel.Float}
	fn.Register(
		kernel.Alias(kernel.Define("POWER", doc("math", "POWER(a, b)", "a to the power of b", "POWER(2, 3)"),
			kernel.Sig{Args: two, Ret: types.TDouble, Total: true, Eval: kernel.Binary(math.Pow)}), "POW"),
		kernel.Define("ATAN2", doc("math", "ATAN2(y, x)", "the angle of a point", "ATAN2(0, 1)"),
			kernel.Sig{Args: two, Ret: types.TDouble, Total: true, Eval: kernel.Binary(math.Atan2)}),
		kernel.Define("LOG", doc("math", "LOG([base,] x)", "the logarithm, natural by default", "LOG(2, 8)"),
			kernel.Sig{Args: two[:1], Ret: types.TDouble, Total: true, Eval: kernel.Unary(math.Log)},
			kernel.Sig{Args: two, Ret: types.TDouble, Total: true, Eval: kernel.Binary(func(b, x float64) float64 { return math.Log(x) / math.Log(b) })}),
		constant("PI", "the ratio of circumference and diameter", math.Pi),
		constant("E", "the base of natural logarithms", math.E),
		kernel.Define("ABS", doc("math", "ABS(x)", "the magnitude of a number or an interval", "ABS(-2)"),
			kernel.Sig{Args: []kernel.Want{kernel.Number}, Of: sameType, Total: true, Make: func(a []types.Type, _ types.Type) fn.Eval { return perNumber(a[0], absolute) }},
			kernel.Sig{Args: []kernel.Want{spans}, Of: sameType, Total: true, Eval: kernel.Unary(absolute.i64)}),
		kernel.Define("SIGN", doc("math", "SIGN(x)", "-1, 0 or 1, in the type of x", "SIGN(-3)"),
			kernel.Sig{Args: []kernel.Want{kernel.Number}, Of: sameType, Total: true, Make: func(a []types.Type, _ types.Type) fn.Eval { return signOf(a[0]) }}),
	)
}

var floatMeanings = map[string]string{
	"SQRT": "the square root", "LN": "the natural logarithm", "LOG10": "the logarithm to base 10", "LOG2": "the logarithm to base 2",
	"EXP": "e to the power of x", "SIN": "the sine", "SINH": "the hyperbolic sine", "COS": "the cosine", "COSH": "the hyperbolic cosine",
	"TAN": "the tangent", "TANH": "the hyperbolic tangent", "COT": "the cotangent", "ASIN": "the arc sine", "ACOS": "the arc cosine",
	"ATAN": "the arc tangent", "DEGREES": "radians as degrees", "RADIANS": "degrees as radians",
}

var spans = kernel.Want{Name: "an interval", Null: types.Of(types.IntervalSecond),
	To: func(t types.Type) (types.Type, bool) { return t, t.Interval() }}

func constant(name, meaning string, x float64) *fn.Func {
	return kernel.Define(name, doc("math", name+"()", meaning, name+"()"),
		kernel.Sig{Ret: types.TDouble, Eval: func(_ *fn.Call, _ []vec.Vector, _ []int32, n int) (vec.Vector, error) {
			return &vec.Const{Val: &vec.Fixed[float64]{Vals: []float64{x}}, N: n}, nil
		}})
}

func abs[T int8 | int16 | int32 | int64](x T) T {
	if x < 0 {
		return -x
	}
	return x
}

var absolute = numberFunc{abs[int8], abs[int16], abs[int32], abs[int64],
	func(x float32) float32 { return float32(math.Abs(float64(x))) }, math.Abs, types.Int128.Abs}

func sign[T int8 | int16 | int32 | int64 | float32 | float64](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0, -0.0 and NaN
}

// signOf is the sign in the type of the number: 1.00 for DECIMAL(10, 2).
func signOf(t types.Type) fn.Eval {
	if t.Kind != types.Decimal {
		return perNumber(t, numberFunc{sign[int8], sign[int16], sign[int32], sign[int64], sign[float32], sign[float64], nil})
	}
	one := types.Pow10(t.Scale)
	if t.Prec <= 18 {
		return kernel.Unary(func(x int64) int64 { return sign(x) * int64(one.Lo) })
	}
	return kernel.Unary(func(x types.Int128) types.Int128 { return one.MulInt(int64(x.Sign())) })
}
