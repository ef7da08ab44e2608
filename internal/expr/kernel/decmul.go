package kernel

import (
	"math/bits"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// wordProduct returns the kernel for products that keep all their digits, of factors that
// nearly always fit 64 bits; nil if the product is rounded. slow is the kernel for others.
func wordProduct(a, b, ret types.Type, slow fn.Eval) fn.Eval {
	if ret.Phys() != types.PhysInt128 || a.Scale+b.Scale != ret.Scale {
		return nil
	}
	// The product of two numbers of 64 bits has less than 38 digits.
	check := ret.Prec < min(types.DecimalMax, a.Prec+b.Prec)
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, ok1 := words(args[0], a, rows, n)
		y, ok2 := words(args[1], b, rows, n)
		if !ok1 || !ok2 {
			return slow(c, args, rows, n)
		}
		if !check {
			return Nums(rows, n, func(i int) types.Int128 { return product(x.At(i), y.At(i)) }), nil
		}
		return NumsNull(rows, n, func(i int) (types.Int128, bool) {
			p := product(x.At(i), y.At(i))
			return p, p.FitsDecimal(ret.Prec)
		}), nil
	}
}

func product(x, y int64) types.Int128 {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	hi -= uint64(x>>63&y) + uint64(y>>63&x) // Mul64 takes a negative number for 2^64 more
	return types.Int128{Lo: lo, Hi: int64(hi)}
}

// words returns a view of decimals as 64 bits, and whether all of them fit.
func words(v vec.Vector, t types.Type, rows []int32, n int) (NumView[int64], bool) {
	if t.Phys() != types.PhysInt128 {
		return Num[int64](v), true
	}
	wide := Num[types.Int128](v)
	out := make([]int64, n)
	all := true
	narrow := func(i int) {
		x := wide.At(i)
		out[i] = int64(x.Lo)
		all = all && x.Hi == int64(x.Lo)>>63
	}
	if rows == nil {
		for i := range out {
			narrow(i)
		}
	} else {
		for _, r := range rows {
			narrow(int(r))
		}
	}
	return Num[int64](&vec.Fixed[int64]{Vals: out}), all
}
