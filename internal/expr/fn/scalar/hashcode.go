package scalar

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(kernel.Define("HASH_CODE", doc("hash", "HASH_CODE(x)", "a number that equal values share: Java's hash of a number, a date or a time, Murmur3 of a text", "HASH_CODE('a')"),
		kernel.Sig{Args: []kernel.Want{hashable}, Ret: types.TInt,
			Make: func(args []types.Type, _ types.Type) fn.Eval { return hashCode(args[0]) }}))
}

var hashable = kernel.Want{Name: "a number, a text, bytes, a BOOLEAN, a date or a time", Null: types.TInt, To: func(t types.Type) (types.Type, bool) {
	return t, t.Integer() || t.Approx() || t.Character() || t.Bytes() || t.Kind == types.Boolean || t.Kind == types.Date || t.Kind == types.Time || t.Interval()
}}

func hashCode(t types.Type) fn.Eval {
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
		return kernel.TextToNum(murmur)
	}
	return func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		v := kernel.Int(args[0])
		return kernel.Nums(rows, n, func(i int) int32 { return int32(v.At(i)) }), nil
	}
}

func foldLong(x int64) int32 { return int32(x ^ int64(uint64(x)>>32)) }

// murmur is Murmur3 of 32 bits with the seed 42, which takes the bytes behind the
// last whole word one by one, with their sign: as Flink and Spark hash texts.
func murmur(s []byte) int32 {
	h, n := uint32(42), len(s)
	for ; len(s) >= 4; s = s[4:] {
		h = murmurMix(h, binary.LittleEndian.Uint32(s))
	}
	for _, c := range s {
		h = murmurMix(h, uint32(int32(int8(c))))
	}
	h ^= uint32(n)
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return int32(h ^ h>>16)
}

func murmurMix(h, k uint32) uint32 {
	k = bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593
	return bits.RotateLeft32(h^k, 13)*5 + 0xe6546b64
}
