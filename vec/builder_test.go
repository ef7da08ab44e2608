package vec_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// TestFromAll appends columns of every kind, whole, and compares with a row at a time.
func TestFromAll(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	column := func(typ types.Type, n int, nulls bool) vec.Vector {
		b := vec.NewBuilder(typ)
		for range n {
			x := r.IntN(1000)
			switch {
			case nulls && x%4 == 0:
				b.Null()
			case typ.Character():
				b.String(fmt.Sprint(x))
			case typ.Kind == types.Array:
				b.Kid(0).Int(int64(x))
				b.End()
			case typ.Kind == types.Double:
				b.Float(float64(x))
			case typ.Kind == types.Boolean:
				b.Bool(x%2 == 0)
			default:
				b.Int(int64(x))
			}
		}
		return b.Finish()
	}
	for _, typ := range []types.Type{types.TBigInt, types.TInt, types.Of(types.SmallInt), types.TDouble, types.TBoolean, types.TString, types.ArrayOf(types.TInt)} {
		for round := range 60 {
			all, one := vec.NewBuilder(typ), vec.NewBuilder(typ)
			for range 1 + r.IntN(4) {
				n := r.IntN(5)
				v := column(typ, n+2, r.IntN(3) == 0)
				switch r.IntN(4) {
				case 0:
					v = &vec.Const{Val: column(typ, 1, r.IntN(3) == 0), N: n}
				case 1:
					v = &vec.Dict{Words: v, Codes: []uint32{1, 0, 1, 0, 0, 1}[:n]}
				case 2:
					v = vec.Slice(v, 1, n+1)
				}
				all.FromAll(v, n)
				for i := range n {
					one.From(v, i)
				}
			}
			n := one.Len()
			if all.Len() != n {
				t.Fatalf("%v: %d rows, want %d", typ, all.Len(), n)
			}
			got, want := all.Finish(), one.Finish()
			for i := range n {
				if vec.Compare(got, i, want, i) != 0 || got.Null(i) != want.Null(i) {
					t.Fatalf("%v, round %d: row %d differs", typ, round, i)
				}
			}
		}
	}
}
