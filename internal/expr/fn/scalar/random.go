package scalar

import (
	"encoding/hex"
	"math/bits"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	seed := []kernel.Want{kernel.Int64}
	fn.Register(
		volatile(kernel.Define("RAND", doc("math", "RAND([seed])", "a random number from 0 below 1", "RAND()"),
			kernel.Sig{Args: seed, Opt: 1, Ret: types.TDouble, Eval: evalRand})),
		volatile(kernel.Define("RAND_INTEGER", doc("math", "RAND_INTEGER([seed,] bound)", "a random integer from 0 below a bound", "RAND_INTEGER(10)"),
			kernel.Sig{Args: []kernel.Want{kernel.Int64, kernel.Int64}[:1], Ret: types.TInt, Eval: evalRandInteger},
			kernel.Sig{Args: []kernel.Want{kernel.Int64, kernel.Int64}, Ret: types.TInt, Eval: evalRandInteger})),
		volatile(kernel.Define("UUID", doc("math", "UUID()", "a random UUID of version 4", "UUID()"),
			kernel.Sig{Ret: types.Type{Kind: types.Char, Len: 36}, NeverNull: true, Eval: evalUUID})),
	)
}

func volatile(f *fn.Func) *fn.Func {
	f.Volatile = true
	return f
}

// splitMix is the SplitMix64 of Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", as a function of the place in its sequence.
func splitMix(seed, at uint64) uint64 {
	z := seed + (at+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// draw returns the random numbers of a call by row: of the seed given, or of the
// run's.
func draw(c *fn.Call, seeds []vec.Vector) func(i int) uint64 {
	if len(seeds) > 0 {
		s := kernel.Num[int64](seeds[0])
		return func(i int) uint64 { return splitMix(splitMix(uint64(s.At(i)), 0), uint64(c.Row)+uint64(i)) }
	}
	site, ok := c.State.(uint64)
	if !ok {
		if c.Env != nil {
			site = splitMix(c.Env.Seed, c.Env.Site())
		}
		c.State = site
	}
	return func(i int) uint64 { return splitMix(site, uint64(c.Row)+uint64(i)) }
}

func evalRand(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	next := draw(c, args)
	return kernel.Nums(rows, n, func(i int) float64 { return float64(next(i)>>11) / (1 << 53) }), nil
}

func evalRandInteger(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	next, bound := draw(c, args[:len(args)-1]), kernel.Num[int64](args[len(args)-1])
	return kernel.Nums(rows, n, func(i int) int32 {
		hi, _ := bits.Mul64(next(i), uint64(max(bound.At(i), 1)))
		return int32(hi)
	}), nil
}

func evalUUID(c *fn.Call, _ []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	next := draw(c, nil)
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
		a := next(i)
		b := splitMix(a, 1)
		var u [16]byte
		for k := range 8 {
			u[k], u[8+k] = byte(a>>(8*k)), byte(b>>(8*k))
		}
		u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
		for k, cut := range [...]int{0, 4, 6, 8, 10} {
			if k > 0 {
				dst = append(dst, '-')
			}
			dst = hex.AppendEncode(dst, u[cut:[...]int{4, 6, 8, 10, 16}[k]])
		}
		return dst
	}), nil
}
