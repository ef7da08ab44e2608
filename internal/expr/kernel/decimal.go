package kernel

import (
	"math/big"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A DecView reads a column of decimals of any width as Int128.
type DecView struct {
	narrow NumView[int64]
	wide   NumView[types.Int128]
	isWide bool
}

// Dec returns a view of a column of decimals of type t.
func Dec(v vec.Vector, t types.Type) DecView {
	if t.Phys() == types.PhysInt128 {
		return DecView{wide: Num[types.Int128](v), isWide: true}
	}
	return DecView{narrow: Num[int64](v)}
}

// At returns the unscaled value of a row.
func (v DecView) At(i int) types.Int128 {
	if v.isWide {
		return v.wide.At(i)
	}
	return types.Int128Of(v.narrow.At(i))
}

// Decs makes a column of decimals of type t of unscaled values; NULL where ok is
// false or where they do not fit.
func Decs(t types.Type, rows []int32, n int, f func(i int) (types.Int128, bool)) vec.Vector {
	if t.Phys() == types.PhysInt128 {
		return NumsNull(rows, n, func(i int) (types.Int128, bool) {
			v, ok := f(i)
			return v, ok && v.FitsDecimal(t.Prec)
		})
	}
	return NumsNull(rows, n, func(i int) (int64, bool) {
		v, ok := f(i)
		return int64(v.Lo), ok && v.FitsDecimal(t.Prec)
	})
}

// decFast returns the kernel for decimals whose result has at most 18 digits:
// int64 all the way and no overflow.
func decFast(op byte, a, b, ret types.Type) fn.Eval {
	if ret.Prec > 18 || a.Prec > 18 || b.Prec > 18 {
		return nil
	}
	if op == '*' {
		return Mul[int64]()
	}
	if op != '+' && op != '-' {
		return nil
	}
	if a.Scale == b.Scale {
		if op == '+' {
			return Add[int64]()
		}
		return Sub[int64]()
	}
	fa, fb := types.Pow10Int(ret.Scale-a.Scale), types.Pow10Int(ret.Scale-b.Scale)
	if op == '-' {
		fb = -fb
	}
	return Binary(func(x, y int64) int64 { return x*fa + y*fb })
}

// DecArith returns the kernel of an operator on decimals and whether it is
// total. What does not fit the result's digits is NULL.
func DecArith(op byte, a, b, ret types.Type) (eval fn.Eval, isTotal bool) {
	if fast := decFast(op, a, b, ret); fast != nil {
		return fast, true
	}
	if op == '*' && a.Scale+b.Scale == ret.Scale && a.Prec+b.Prec <= ret.Prec && a.Prec+b.Prec <= types.DecimalMax {
		eval = decProduct(a, b)
		if fast := wordProduct(a, b, ret, eval); fast != nil {
			eval = fast
		}
		return eval, true
	}
	var f func(x, y types.Int128) (types.Int128, bool)
	switch op {
	case '+', '-':
		f = func(x, y types.Int128) (types.Int128, bool) {
			if op == '-' {
				y = y.Neg()
			}
			return decSum(x, a.Scale, y, b.Scale, ret.Scale)
		}
	case '*':
		shift := a.Scale + b.Scale - ret.Scale
		f = func(x, y types.Int128) (types.Int128, bool) { return x.MulRound(y, shift) }
	case '/':
		shift := ret.Scale - a.Scale + b.Scale
		f = func(x, y types.Int128) (types.Int128, bool) { return decDiv(x, y, shift) }
	default:
		f = func(x, y types.Int128) (types.Int128, bool) { return decMod(x, a.Scale, y, b.Scale, ret.Scale) }
	}
	divides := op == '/' || op == '%'
	eval = func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, y := Dec(args[0], a), Dec(args[1], b)
		var err error
		v := Decs(ret, rows, n, func(i int) (types.Int128, bool) {
			d := y.At(i)
			if divides && d == (types.Int128{}) {
				err = ErrDivide
				return d, false
			}
			return f(x.At(i), d)
		})
		return v, err
	}
	if op == '*' {
		if fast := wordProduct(a, b, ret, eval); fast != nil {
			eval = fast
		}
	}
	return eval, !divides
}

// decProduct returns the kernel of a product that always fits, and is wide.
func decProduct(a, b types.Type) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, y := Dec(args[0], a), Dec(args[1], b)
		if x.isWide == y.isWide {
			return Nums(rows, n, func(i int) types.Int128 {
				p, _ := x.At(i).Mul(y.At(i))
				return p
			}), nil
		}
		if x.isWide {
			x, y = y, x
		}
		return Nums(rows, n, func(i int) types.Int128 { return y.wide.At(i).MulInt(x.narrow.At(i)) }), nil
	}
}

func decSum(x types.Int128, sx int, y types.Int128, sy, to int) (types.Int128, bool) {
	s := max(sx, sy)
	p, ok1 := x.Rescale(sx, s)
	q, ok2 := y.Rescale(sy, s)
	sum := p.Add(q)
	if ok1 && ok2 && p.Hi>>62 == p.Hi>>63 && q.Hi>>62 == q.Hi>>63 { // no carry into the sign
		return sum.Rescale(s, to)
	}
	b := new(big.Int).Add(scaled(x, s-sx), scaled(y, s-sy))
	return fromBig(b, bigPow(s-to))
}

func decDiv(x, y types.Int128, shift int) (types.Int128, bool) {
	if shift >= 0 && shift <= 38 {
		if r, ok := x.DivScaled(y, shift); ok {
			return r, true
		}
	}
	if shift >= 0 {
		return fromBig(scaled(x, shift), y.Big())
	}
	return fromBig(x.Big(), scaled(y, -shift))
}

func decMod(x types.Int128, sx int, y types.Int128, sy, to int) (types.Int128, bool) {
	s := max(sx, sy)
	p, ok1 := x.Rescale(sx, s)
	q, ok2 := y.Rescale(sy, s)
	if ok1 && ok2 {
		_, r := p.QuoRem(q)
		return r.Rescale(s, to)
	}
	r := new(big.Int).Rem(scaled(x, s-sx), scaled(y, s-sy))
	return fromBig(r, bigPow(s-to))
}

func scaled(x types.Int128, n int) *big.Int { return new(big.Int).Mul(x.Big(), bigPow(n)) }

func bigPow(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// fromBig returns a/d rounded half away from zero, if it fits.
func fromBig(a, d *big.Int) (types.Int128, bool) {
	q, r := new(big.Int).QuoRem(a, d, new(big.Int))
	if r.Abs(r).Lsh(r, 1).CmpAbs(d) >= 0 {
		if a.Sign()*d.Sign() < 0 {
			q.Sub(q, big.NewInt(1))
		} else {
			q.Add(q, big.NewInt(1))
		}
	}
	return types.Int128FromBig(q), q.BitLen() < 127
}
