package vec

import (
	"bytes"
	"cmp"
	"math"

	"github.com/millrace-io/millrace/types"
)

// Compare orders two values of one type: NULL before all, false before true,
// numbers by value with NaN last, bytes by byte, nested values by their parts. It
// serves cold paths.
func Compare(a Vector, i int, b Vector, k int) int {
	a, i = deref(a, i)
	b, k = deref(b, k)
	an, bn := a.Null(i), b.Null(k)
	switch {
	case an && bn:
		return 0
	case an:
		return -1
	case bn:
		return 1
	}
	switch a := a.(type) {
	case *Fixed[bool]:
		x, y := a.Vals[i], b.(*Fixed[bool]).Vals[k]
		if x == y {
			return 0
		}
		if y {
			return -1
		}
		return 1
	case *Fixed[int8]:
		return cmp.Compare(a.Vals[i], b.(*Fixed[int8]).Vals[k])
	case *Fixed[int16]:
		return cmp.Compare(a.Vals[i], b.(*Fixed[int16]).Vals[k])
	case *Fixed[int32]:
		return cmp.Compare(a.Vals[i], b.(*Fixed[int32]).Vals[k])
	case *Fixed[int64]:
		return cmp.Compare(a.Vals[i], b.(*Fixed[int64]).Vals[k])
	case *Fixed[float32]:
		return compareFloat(float64(a.Vals[i]), float64(b.(*Fixed[float32]).Vals[k]))
	case *Fixed[float64]:
		return compareFloat(a.Vals[i], b.(*Fixed[float64]).Vals[k])
	case *Fixed[types.Int128]:
		x, y := a.Vals[i], b.(*Fixed[types.Int128]).Vals[k]
		return cmp.Or(cmp.Compare(x.Hi, y.Hi), cmp.Compare(x.Lo, y.Lo))
	case *Bytes:
		return bytes.Compare(a.At(i), b.(*Bytes).At(k))
	case *List:
		y := b.(*List)
		return compareRun([]Vector{a.Elem}, a.Offs[i], a.Offs[i+1], []Vector{y.Elem}, y.Offs[k], y.Offs[k+1])
	case *Map:
		y := b.(*Map)
		return compareRun([]Vector{a.Key, a.Elem}, a.Offs[i], a.Offs[i+1], []Vector{y.Key, y.Elem}, y.Offs[k], y.Offs[k+1])
	case *Row:
		for f, x := range a.Fields {
			if c := Compare(x, i, b.(*Row).Fields[f], k); c != 0 {
				return c
			}
		}
	}
	return 0
}

func deref(v Vector, i int) (Vector, int) {
	switch v := v.(type) {
	case *Const:
		return v.Val, 0
	case *Dict:
		return v.Words, int(v.Codes[i])
	}
	return v, i
}

func compareRun(a []Vector, i, iEnd uint32, b []Vector, k, kEnd uint32) int {
	for ; i < iEnd && k < kEnd; i, k = i+1, k+1 {
		for f := range a {
			if c := Compare(a[f], int(i), b[f], int(k)); c != 0 {
				return c
			}
		}
	}
	return cmp.Compare(iEnd-i, kEnd-k)
}

func compareFloat(x, y float64) int {
	switch xn, yn := math.IsNaN(x), math.IsNaN(y); {
	case xn && yn:
		return 0
	case xn:
		return 1
	case yn:
		return -1
	}
	return cmp.Compare(x, y)
}
