package scalar_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestFormatRuns formats columns of times that ascend slowly, stand still, or jump, with
// NULLs and rows left out, and compares with each row by itself.
func TestFormatRuns(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	env := &fn.Env{Zone: berlin, Now: func() int64 { return 0 }}
	r := rand.New(rand.NewPCG(5, 5))
	summer := time.Date(2024, 10, 27, 0, 30, 0, 0, time.UTC).UnixMicro() // half an hour before it ends
	made := map[string]bool{}
	for _, pattern := range []string{"yyyy-MM-dd", "EEEE w", "yyyy-MM-dd HH", "h a", "HH:mm", "'at' HH:mm:ss X", "mm:ss.SSS", "A"} {
		for _, typ := range []types.Type{types.TimestampOf(3), {Kind: types.TimestampLTZ, Prec: 3}} {
			e, err := expr.NewCall("DATE_FORMAT", expr.Column(0, typ), expr.Text(pattern))
			if err != nil {
				t.Fatal(err)
			}
			p, err := expr.Compile(e, env)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []int64{0, types.Second / 5, types.Minute / 3, types.Hour / 9, -types.Minute, types.Day / 2} {
				for _, nulls := range []int{0, 10} {
					n := 100
					b := vec.NewBuilder(typ)
					for i := range n {
						if nulls > 0 && r.IntN(nulls) == 0 {
							b.Null()
						} else {
							b.Int((summer + int64(i)*step) * (1 - 2*int64(r.IntN(2))*(int64(nulls)&1)))
						}
					}
					col := b.Finish()
					var rows []int32
					for i := range n {
						if r.IntN(3) > 0 {
							rows = append(rows, int32(i))
						}
					}
					if r.IntN(2) == 0 {
						rows = nil
					}
					got, err := p.Eval([]vec.Vector{col}, rows, n)
					if err != nil {
						t.Fatal(err)
					}
					switch got.(type) {
					case *vec.Dict, *vec.Const:
						made[pattern] = true
					}
					for k := range n {
						if rows != nil && k >= len(rows) {
							break
						}
						i := k
						if rows != nil {
							i = int(rows[k])
						}
						want, err := p.Eval([]vec.Vector{vec.Take(col, []int32{int32(i)})}, nil, 1)
						if err != nil {
							t.Fatal(err)
						}
						if g, w := vec.Flat(got).(*vec.Bytes), vec.Flat(want).(*vec.Bytes); g.Null(i) != w.Null(0) || !g.Null(i) && string(g.At(i)) != string(w.At(0)) {
							t.Fatalf("%s of %v, step %d, row %d: %q, by itself %q", pattern, typ, step, i, g.At(i), w.At(0))
						}
					}
				}
			}
		}
	}
	for _, pattern := range []string{"yyyy-MM-dd", "EEEE w", "yyyy-MM-dd HH", "h a", "HH:mm", "'at' HH:mm:ss X"} {
		if !made[pattern] {
			t.Errorf("%s: no column of words was made", pattern)
		}
	}
	if made["A"] || made["mm:ss.SSS"] {
		t.Error("words were made of a pattern that tells milliseconds apart")
	}
}
