package scalar

import (
	"math"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(kernel.Define("HASH_CODE", doc("hash", "HASH_CODE(x)", "a number that equal values share: Java's hash of a number, a text, a BOOLEAN, a date, a time or a timestamp", "HASH_CODE('a')"),
		kernel.Sig{Args: []kernel.Want{hashable}, Ret: types.TInt,
			Make: func(args []types.Type, _ types.Type) fn.Eval { return hashCode(args[0]) }}))
}

var hashable = kernel.Want{Name: "a number, a text, a BOOLEAN, a date, a time or a TIMESTAMP", Null: types.TInt, To: func(t types.Type) (types.Type, bool) {
	return t, t.Numeric() || t.Character() || t.Kind == types.Boolean || t.Kind == types.Date || t.Kind == types.Time || t.Kind == types.Timestamp
}}

func hashCode(t types.Type) fn.Eval {
	switch {
	case t.Kind == types.Decimal && t.Phys() == types.PhysInt64:
		return kernel.Unary(func(x int64) int32 { return hashDecimal(types.Int128Of(x), t.Scale) })
	case t.Kind == types.Decimal:
		return kernel.Unary(func(x types.Int128) int32 { return hashDecimal(x, t.Scale) })
	case t.Stamp() && t.Phys() == types.PhysInt64:
		return kernel.Unary(func(us int64) int32 {
			ms, us := floorDiv(us, 1000)
			return hashStamp(ms, us*1000)
		})
	case t.Stamp():
		return kernel.Unary(func(ns types.Int128) int32 {
			ms, rest := ns.DivInt(1e6)
			return hashStamp(int64(ms.Lo), rest)
		})
	}
	switch t.Phys() {
	case types.PhysBool:
		return kernel.Unary(func(b bool) int32 {
			if b {
				return 1231
			}
			return 1237
		})
	case types.PhysFloat32:
		return kernel.Unary(func(x float32) int32 {
			if x != x {
				return 0x7fc00000
			}
			return int32(math.Float32bits(x))
		})
	case types.PhysFloat64:
		return kernel.Unary(func(x float64) int32 {
			if x != x {
				return 0x7ff80000
			}
			return foldLong(int64(math.Float64bits(x)))
		})
	case types.PhysInt64:
		return kernel.Unary(foldLong)
	case types.PhysBytes:
		return kernel.TextToNum(hashText)
	}
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		v := kernel.Int(args[0])
		return kernel.Nums(rows, n, func(i int) int32 { return int32(v.At(i)) }), nil
	}
}

func foldLong(x int64) int32 { return int32(x ^ int64(uint64(x)>>32)) }

// floorDiv is the quotient rounded down, and what is left, which is not negative.
func floorDiv(x, by int64) (quo, rest int64) {
	quo, rest = x/by, x%by
	if rest < 0 {
		quo, rest = quo-1, rest+by
	}
	return quo, rest
}

// hashDecimal is the hash of Java's BigDecimal: of the digits, 32 bits at a time from
// the top, of their sign, and of the scale.
func hashDecimal(x types.Int128, scale int) int32 {
	a := x.Abs()
	h := int32(0)
	for _, word := range [...]uint32{uint32(uint64(a.Hi) >> 32), uint32(a.Hi), uint32(a.Lo >> 32), uint32(a.Lo)} {
		h = 31*h + int32(word)
	}
	if x.Sign() < 0 {
		h = -h
	}
	return 31*h + int32(scale)
}

// hashStamp is the hash of Flink's TimestampData: of the milliseconds, which are
// folded, and of the nanoseconds in the last one.
func hashStamp(ms, ns int64) int32 { return 31*(int32(ms)^int32(ms>>32)) + int32(ns) }

// hashText is the hash of Java's String, of its UTF-16 units, without its sign, as
// Flink takes it for texts only.
func hashText(s []byte) int32 {
	h := int32(0)
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(s[i:])
		}
		if i += size; r >= 0x10000 {
			high, low := utf16.EncodeRune(r)
			h, r = 31*h+high, low
		}
		h = 31*h + r
	}
	return max(h, -h)
}
