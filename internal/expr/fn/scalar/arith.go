// Package scalar registers the SQL functions that compute a value from the
// values of one row, a family a file. Importing it makes them known.
//
// Units and keywords come as a constant text: EXTRACT('YEAR', x), TRIM('BOTH',
// chars, s), TIMESTAMPADD('SECOND', n, ts), FLOOR(x, 'HOUR').
package scalar

import (
	"fmt"
	"math"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		arithFunc("+", "the sum; a time and an interval give a time", "1 + 2"),
		arithFunc("-", "the difference; the negative of one number", "3 - 2"),
		arithFunc("*", "the product", "2 * 3"),
		arithFunc("/", "the quotient; of integers, cut toward zero", "7 / 2"),
		kernel.Alias(arithFunc("%", "the remainder, with the sign of the dividend", "MOD(7, 2)"), "MOD"),
	)
}

func arithFunc(op, meaning, example string) *fn.Func {
	return &fn.Func{Name: op, Resolve: func(args []fn.Arg) (*fn.Impl, error) { return resolveArith(op[0], args) },
		Doc: fn.Doc{Category: "math", Signature: "a " + op + " b", Meaning: meaning, Example: example}}
}

func resolveArith(op byte, args []fn.Arg) (*fn.Impl, error) {
	if len(args) == 1 && (op == '-' || op == '+') {
		return resolveSign(op, args[0])
	}
	if len(args) != 2 {
		return nil, fmt.Errorf("%c takes 2 arguments, not %d", op, len(args))
	}
	a, b := args[0].Type.Plain(), args[1].Type.Plain()
	if a.Kind == types.Null {
		a = b.Nullable(true)
	}
	if b.Kind == types.Null {
		b = a.Nullable(true)
	}
	if a.Kind == types.Null {
		a, b = types.TInt, types.TInt
	}
	var impl *fn.Impl
	if a.Numeric() && b.Numeric() {
		impl = arithNumbers(op, a, b)
	} else {
		impl = arithTimes(op, a, b)
	}
	if impl == nil {
		return nil, fmt.Errorf("cannot apply %c to %s and %s%s", op, args[0].Type.Name(), args[1].Type.Name(), arithHint(op, a, b))
	}
	impl.Ret.NotNull = args[0].Type.NotNull && args[1].Type.NotNull
	impl.Args[0].NotNull, impl.Args[1].NotNull = args[0].Type.NotNull, args[1].Type.NotNull
	return impl, nil
}

func arithHint(op byte, a, b types.Type) string {
	switch {
	case op == '-' && (a.Stamp() || a.Kind == types.Date) && (b.Stamp() || b.Kind == types.Date):
		return "; use TIMESTAMPDIFF(unit, b, a)"
	case op == '+' && (a.Character() || b.Character()):
		return "; texts are joined by ||, and CAST(x AS INT) makes a number of one"
	case a.Character() || b.Character():
		return "; CAST(x AS INT) makes a number of a text"
	}
	return ""
}

func arithNumbers(op byte, a, b types.Type) *fn.Impl {
	if a.Kind == types.Decimal && !b.Approx() || b.Kind == types.Decimal && !a.Approx() {
		return arithDecimal(op, types.DecimalOfInt(a), types.DecimalOfInt(b))
	}
	t, err := expr.CommonType(a, b)
	if err != nil {
		return nil
	}
	impl := &fn.Impl{Args: []types.Type{t, t}, Ret: t, Total: true}
	switch t.Kind {
	case types.TinyInt:
		impl.Eval = intOp[int8](op)
	case types.SmallInt:
		impl.Eval = intOp[int16](op)
	case types.Int:
		impl.Eval = intOp[int32](op)
	case types.BigInt:
		impl.Eval = intOp[int64](op)
	case types.Float:
		impl.Eval = floatOp[float32](op)
	default:
		impl.Eval = floatOp[float64](op)
	}
	if t.Integer() && (op == '/' || op == '%') {
		impl.Total = false
		if op == '%' && b.Kind < t.Kind {
			// The remainder has the type of the divisor, which therefore keeps its
			// own: the planner finds the same function again by the arguments.
			impl.Args[1], impl.Ret = b, b
			impl.Eval = modTo(t, b)
		}
	}
	return impl
}

func modTo(t, to types.Type) fn.Eval {
	full := map[types.Kind]fn.Eval{types.SmallInt: intOp[int16]('%'), types.Int: intOp[int32]('%'), types.BigInt: intOp[int64]('%')}[t.Kind]
	narrow, _ := kernel.Cast(t, to, false, nil)
	widen, _ := kernel.Cast(to, t, false, nil)
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		divisor, err := widen(c, args[1:], rows, n)
		if err != nil {
			return nil, err
		}
		v, err := full(c, []vec.Vector{args[0], divisor}, rows, n)
		if err != nil {
			return nil, err
		}
		return narrow(c, []vec.Vector{v}, rows, n)
	}
}

func intOp[T int8 | int16 | int32 | int64](op byte) fn.Eval {
	switch op {
	case '+':
		return kernel.Add[T]()
	case '-':
		return kernel.Sub[T]()
	case '*':
		return kernel.Mul[T]()
	case '/':
		return kernel.DivInt[T]()
	}
	return kernel.ModInt[T, T]()
}

func floatOp[T float32 | float64](op byte) fn.Eval {
	switch op {
	case '+':
		return kernel.Add[T]()
	case '-':
		return kernel.Sub[T]()
	case '*':
		return kernel.Mul[T]()
	case '/':
		return kernel.Binary(func(x, y T) T { return x / y })
	}
	return kernel.Binary(func(x, y T) T { return T(math.Mod(float64(x), float64(y))) })
}

func arithDecimal(op byte, a, b types.Type) *fn.Impl {
	var ret types.Type
	switch op {
	case '+', '-':
		ret = types.DecimalAdd(a, b)
	case '*':
		ret = types.DecimalMul(a, b)
	case '/':
		ret = types.DecimalDiv(a, b)
	default:
		ret = types.DecimalMod(a, b)
	}
	impl := &fn.Impl{Args: []types.Type{a, b}, Ret: ret}
	impl.Eval, impl.Total = kernel.DecArith(op, a, b, ret)
	return impl
}

func resolveSign(op byte, arg fn.Arg) (*fn.Impl, error) {
	t := arg.Type
	if t.Kind == types.Null {
		t = types.TInt
	}
	impl := &fn.Impl{Args: []types.Type{t}, Ret: t, Total: true}
	switch {
	case !t.Numeric() && !t.Interval():
		return nil, fmt.Errorf("cannot apply %c to %s", op, t.Name())
	case op == '+':
		impl.Eval = func(_ *fn.Call, args []vec.Vector, _ []int32, _ int) (vec.Vector, error) { return args[0], nil }
		return impl, nil
	}
	impl.Eval = perNumber(t, negate)
	return impl, nil
}

// A numberFunc holds a function of a number for each form that numbers have.
type numberFunc struct {
	i8   func(int8) int8
	i16  func(int16) int16
	i32  func(int32) int32
	i64  func(int64) int64
	f32  func(float32) float32
	f64  func(float64) float64
	i128 func(types.Int128) types.Int128
}

var negate = numberFunc{
	func(x int8) int8 { return -x }, func(x int16) int16 { return -x }, func(x int32) int32 { return -x },
	func(x int64) int64 { return -x }, func(x float32) float32 { return -x }, func(x float64) float64 { return -x },
	types.Int128.Neg,
}

// perNumber returns the kernel of a function whose result has its argument's type.
func perNumber(t types.Type, f numberFunc) fn.Eval {
	switch t.Phys() {
	case types.PhysInt8:
		return kernel.Unary(f.i8)
	case types.PhysInt16:
		return kernel.Unary(f.i16)
	case types.PhysInt32:
		return kernel.Unary(f.i32)
	case types.PhysInt64:
		return kernel.Unary(f.i64)
	case types.PhysFloat32:
		return kernel.Unary(f.f32)
	case types.PhysFloat64:
		return kernel.Unary(f.f64)
	}
	return kernel.Unary(f.i128)
}
