package kernel

import (
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/vec"
)

// Unary makes a kernel of a function of one fixed-width value.
func Unary[A, R vec.Scalar](f func(A) R) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		a := Num[A](args[0])
		return Nums(rows, n, func(i int) R { return f(a.At(i)) }), nil
	}
}

// Binary makes a kernel of a function of two fixed-width values.
func Binary[A, B, R vec.Scalar](f func(A, B) R) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		a, b := Num[A](args[0]), Num[B](args[1])
		return Nums(rows, n, func(i int) R { return f(a.At(i), b.At(i)) }), nil
	}
}

// TextToNum makes a kernel of a function of a text.
func TextToNum[R vec.Scalar](f func(s []byte) R) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s := Str(args[0])
		return Nums(rows, n, func(i int) R { return f(s.At(i)) }), nil
	}
}

// TextToNum2 makes a kernel of a function of two texts.
func TextToNum2[R vec.Scalar](f func(s, t []byte) R) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s, t := Str(args[0]), Str(args[1])
		return Nums(rows, n, func(i int) R { return f(s.At(i), t.At(i)) }), nil
	}
}

// TextToText makes a kernel of a function that appends to dst what it makes of
// a text.
func TextToText(f func(dst, s []byte) []byte) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s := Str(args[0])
		return Strs(rows, n, func(dst []byte, i int) []byte { return f(dst, s.At(i)) }), nil
	}
}

// TextToTextNull is TextToText for a function that may give NULL.
func TextToTextNull(f func(dst, s []byte) ([]byte, bool)) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		s := Str(args[0])
		return StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) { return f(dst, s.At(i)) }), nil
	}
}
