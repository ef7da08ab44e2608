package kernel

import (
	"math/bits"

	"github.com/millrace-io/millrace/types"
)

// selWide is selOrdered for numbers of 128 bits.
func selWide(op Cmp, x, y NumView[types.Int128], rows []int32, n int, out []int32) []int32 {
	if op == Eq || op == Ne {
		return selWideEqual(op == Eq, x, y, rows, n, out)
	}
	if op == Gt || op == Le { // x > y is y < x
		x, y = y, x
	}
	not := 0
	if op == Ge || op == Le {
		not = 1
	}
	k := 0
	if rows == nil {
		for i := range n {
			out[k] = int32(i)
			k += below(x.At(i), y.At(i)) ^ not
		}
		return out[:k]
	}
	for _, r := range rows {
		out[k] = r
		k += below(x.At(int(r)), y.At(int(r))) ^ not
	}
	return out[:k]
}

// below is 1 if a < b, else 0, without a branch: what a subtraction borrows.
func below(a, b types.Int128) int {
	const sign = 1 << 63
	_, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	_, borrow = bits.Sub64(uint64(a.Hi)^sign, uint64(b.Hi)^sign, borrow)
	return int(borrow)
}

func selWideEqual(want bool, x, y NumView[types.Int128], rows []int32, n int, out []int32) []int32 {
	k := 0
	keep := func(i int) {
		out[k] = int32(i)
		if (x.At(i) == y.At(i)) == want {
			k++
		}
	}
	if rows == nil {
		for i := range n {
			keep(i)
		}
		return out[:k]
	}
	for _, r := range rows {
		keep(int(r))
	}
	return out[:k]
}
