package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Numbers of 128 bits around every border of their halves, compared by columns and
// constants, all rows and some, as Int128.Cmp has it.
func TestSelectWide(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	his := []int64{math.MinInt64, -1, 0, 1, math.MaxInt64}
	los := []uint64{0, 1, math.MaxInt64, 1 << 63, math.MaxUint64}
	const n = 300
	x, y := make([]types.Int128, n), make([]types.Int128, n)
	for i := range n {
		x[i] = types.Int128{Lo: los[r.IntN(5)], Hi: his[r.IntN(5)]}
		y[i] = types.Int128{Lo: los[r.IntN(5)], Hi: his[r.IntN(5)]}
	}
	var some []int32
	for i := range int32(n) {
		if r.IntN(3) == 0 {
			some = append(some, i)
		}
	}
	col := func(v []types.Int128) vec.Vector { return &vec.Fixed[types.Int128]{Vals: v} }
	constant := func(v types.Int128) vec.Vector { return &vec.Const{Val: col([]types.Int128{v}), N: n} }
	for op := Eq; op <= Ge; op++ {
		for _, c := range []struct {
			name string
			a, b vec.Vector
			at   func(i int) (types.Int128, types.Int128)
		}{
			{"columns", col(x), col(y), func(i int) (types.Int128, types.Int128) { return x[i], y[i] }},
			{"constant right", col(x), constant(y[0]), func(i int) (types.Int128, types.Int128) { return x[i], y[0] }},
			{"constant left", constant(x[1]), col(y), func(i int) (types.Int128, types.Int128) { return x[1], y[i] }},
		} {
			for _, rows := range [][]int32{nil, some} {
				var want []int32
				for i := range int32(n) {
					a, b := c.at(int(i))
					if (rows == nil || slices.Contains(rows, i)) && op.Holds(a.Cmp(b)) {
						want = append(want, i)
					}
				}
				got, ok := Select(op, types.PhysInt128, c.a, c.b, rows, n, make([]int32, n))
				if !ok || !slices.Equal(got, want) {
					t.Fatalf("op %d, %s: %v, not %v", op, c.name, got, want)
				}
			}
		}
	}
}
