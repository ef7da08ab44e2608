package kernel

import (
	"errors"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/vec"
)

// ErrDivide is the error of a division by zero of integers and decimals.
var ErrDivide = errors.New("division by zero")

// Add returns the kernel of + for one Go type. As in Sub and Mul, integers wrap
// around.
func Add[T ordered]() fn.Eval { return arith(addVV[T], addVC[T], addVC[T]) }

// Sub returns the kernel of -.
func Sub[T ordered]() fn.Eval { return arith(subVV[T], subVC[T], subCV[T]) }

// Mul returns the kernel of *.
func Mul[T ordered]() fn.Eval { return arith(mulVV[T], mulVC[T], mulVC[T]) }

// arith makes a kernel of the three loops of an operation: column with column,
// column with constant, and column with a constant on the left. They run over
// all rows, wanted or not: that is faster than choosing.
func arith[T ordered](vv func(x, y, out []T), vc, cv func(x []T, c T, out []T)) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, _ []int32, n int) (vec.Vector, error) {
		x, y := Num[T](args[0]), Num[T](args[1])
		out := make([]T, n)
		switch {
		case y.Const() && !x.Const():
			vc(x.Vals[:n], y.Vals[0], out)
		case x.Const() && !y.Const():
			cv(y.Vals[:n], x.Vals[0], out)
		case x.Const():
			vv(x.Vals[:1], y.Vals[:1], out[:min(n, 1)])
			for i := range out {
				out[i] = out[0]
			}
		default:
			vv(x.Vals[:n], y.Vals[:n], out)
		}
		return &vec.Fixed[T]{Vals: out}, nil
	}
}

func addVV[T ordered](x, y, out []T) {
	y, out = y[:len(x)], out[:len(x)]
	for i, a := range x {
		out[i] = a + y[i]
	}
}

func addVC[T ordered](x []T, c T, out []T) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a + c
	}
}

func subVV[T ordered](x, y, out []T) {
	y, out = y[:len(x)], out[:len(x)]
	for i, a := range x {
		out[i] = a - y[i]
	}
}

func subVC[T ordered](x []T, c T, out []T) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a - c
	}
}

func subCV[T ordered](x []T, c T, out []T) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = c - a
	}
}

func mulVV[T ordered](x, y, out []T) {
	y, out = y[:len(x)], out[:len(x)]
	for i, a := range x {
		out[i] = a * y[i]
	}
}

func mulVC[T ordered](x []T, c T, out []T) {
	out = out[:len(x)]
	for i, a := range x {
		out[i] = a * c
	}
}

// DivInt returns the kernel of / for integers, which cuts toward zero.
func DivInt[T integer]() fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, y := Num[T](args[0]), Num[T](args[1])
		if y.Const() && y.Vals[0] != 0 {
			d := y.Vals[0]
			return Nums(rows, n, func(i int) T { return x.At(i) / d }), nil
		}
		return NumsErr(rows, n, func(i int) (T, error) {
			d := y.At(i)
			if d == 0 {
				return 0, ErrDivide
			}
			return x.At(i) / d, nil
		})
	}
}

// ModInt returns the kernel of % for integers; the sign is the dividend's.
func ModInt[T, R integer]() fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, y := Num[T](args[0]), Num[T](args[1])
		return NumsErr(rows, n, func(i int) (R, error) {
			d := y.At(i)
			if d == 0 {
				return 0, ErrDivide
			}
			return R(x.At(i) % d), nil
		})
	}
}
