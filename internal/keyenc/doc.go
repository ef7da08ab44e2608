// Package keyenc turns rows into hashes and bytes.
//
// There are three forms, each with a version of its own, since all of them lie
// in checkpoints:
//
//   - Hash: 64 bits a key. The high half chooses the key group and the low half
//     the place in a table. Equal values have equal hashes whatever the width of
//     their columns: INT 5, BIGINT 5 and DECIMAL 5.00 hash alike.
//   - AppendKey: bytes that compare (bytes.Compare) as the rows do. Durable keys
//     and sort keys are made of it.
//   - AppendRow: bytes that are short and know where they end, but have no order.
//     Durable rows are made of it.
//
// # Canonical values
//
// Hash and AppendKey see a value without the accidents of its column: integers,
// dates, times, timestamps and intervals as numbers of any width, FLOAT as the
// DOUBLE of the same value (in Hash), −0.0 as 0.0, every NaN as one that is
// greater than all numbers, strings by content. AppendRow keeps a value as it is.
package keyenc

import (
	"math"
	"math/bits"

	"github.com/millrace-io/millrace/vec"
)

// deref returns the flat vector under a Const or Dict, and where row lies in it.
func deref(v vec.Vector, row int) (vec.Vector, int) {
	switch d := v.(type) {
	case *vec.Const:
		return d.Val, 0
	case *vec.Dict:
		return d.Words, int(d.Codes[row])
	}
	return v, row
}

var nanBits = math.Float64bits(math.NaN())

// FloatWord returns the canonical bits of a float: one zero, one NaN.
func FloatWord(f float64) uint64 {
	if f == 0 {
		return 0
	}
	if f != f {
		return nanBits
	}
	return math.Float64bits(f)
}

// div128 divides the 128-bit number by d and returns quotient and remainder.
func div128(hi, lo, d uint64) (qhi, qlo, rem uint64) {
	qhi, rem = hi/d, hi%d
	qlo, rem = bits.Div64(rem, lo, d)
	return qhi, qlo, rem
}
