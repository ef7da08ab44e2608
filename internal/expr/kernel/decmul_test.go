package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/types"
)

// A product of two words is that of two Int128.
func TestProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	edge := []int64{0, 1, -1, 1<<63 - 1, -1 << 63, 999_999_999_999_999_999, -999_999_999_999_999_999}
	for range 10_000 {
		x, y := int64(r.Uint64())>>r.IntN(64), int64(r.Uint64())>>r.IntN(64)
		if r.IntN(4) == 0 {
			x = edge[r.IntN(len(edge))]
		}
		if r.IntN(4) == 0 {
			y = edge[r.IntN(len(edge))]
		}
		want, ok := types.Int128Of(x).MulRound(types.Int128Of(y), 0)
		if got := product(x, y); !ok || got != want {
			t.Fatalf("%d * %d = %s, want %s", x, y, got, want)
		}
	}
}
