package kernel

import (
	"bytes"
	"cmp"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Same reports whether two values of one type are not distinct: NULL is the
// same as NULL, NaN as NaN, and nested values are the same by their parts.
func Same(a vec.Vector, i int, b vec.Vector, j int) bool {
	a, i = flatAt(a, i)
	b, j = flatAt(b, j)
	if a.Null(i) || b.Null(j) {
		return a.Null(i) && b.Null(j)
	}
	switch x := a.(type) {
	case *vec.List:
		y := b.(*vec.List)
		return sameRange(x.Elem, x.Offs[i], x.Offs[i+1], y.Elem, y.Offs[j], y.Offs[j+1])
	case *vec.Map:
		return sameMap(x, i, b.(*vec.Map), j)
	case *vec.Row:
		y := b.(*vec.Row)
		for k := range x.Fields {
			if !Same(x.Fields[k], i, y.Fields[k], j) {
				return false
			}
		}
		return true
	}
	return Order(a, i, b, j) == 0
}

func sameRange(a vec.Vector, i, ie uint32, b vec.Vector, j, je uint32) bool {
	if ie-i != je-j {
		return false
	}
	for ; i < ie; i, j = i+1, j+1 {
		if !Same(a, int(i), b, int(j)) {
			return false
		}
	}
	return true
}

func sameMap(x *vec.Map, i int, y *vec.Map, j int) bool {
	if x.Offs[i+1]-x.Offs[i] != y.Offs[j+1]-y.Offs[j] {
		return false
	}
	for k := x.Offs[i]; k < x.Offs[i+1]; k++ {
		at := Find(y.Key, int(y.Offs[j]), int(y.Offs[j+1]), x.Key, int(k))
		if at < 0 || !Same(x.Elem, int(k), y.Elem, at) {
			return false
		}
	}
	return true
}

// Find returns the first place in [from, to) of in whose value is the same as
// what's at place at, or -1.
func Find(in vec.Vector, from, to int, what vec.Vector, at int) int {
	for k := from; k < to; k++ {
		if Same(in, k, what, at) {
			return k
		}
	}
	return -1
}

// Order compares two values of one type, neither of them NULL: -1, 0 or 1. NaN
// is above all other numbers; ROWs and arrays compare part by part, with NULL
// first; maps have no order and are 0 when they are the same.
func Order(a vec.Vector, i int, b vec.Vector, j int) int {
	a, i = flatAt(a, i)
	b, j = flatAt(b, j)
	switch x := a.(type) {
	case *vec.Fixed[bool]:
		return cmpBool(x.Vals[i], b.(*vec.Fixed[bool]).Vals[j])
	case *vec.Fixed[int8]:
		return cmp.Compare(x.Vals[i], b.(*vec.Fixed[int8]).Vals[j])
	case *vec.Fixed[int16]:
		return cmp.Compare(x.Vals[i], b.(*vec.Fixed[int16]).Vals[j])
	case *vec.Fixed[int32]:
		return cmp.Compare(x.Vals[i], b.(*vec.Fixed[int32]).Vals[j])
	case *vec.Fixed[int64]:
		return cmp.Compare(x.Vals[i], b.(*vec.Fixed[int64]).Vals[j])
	case *vec.Fixed[float32]:
		return order(x.Vals[i], b.(*vec.Fixed[float32]).Vals[j])
	case *vec.Fixed[float64]:
		return order(x.Vals[i], b.(*vec.Fixed[float64]).Vals[j])
	case *vec.Fixed[types.Int128]:
		return x.Vals[i].Cmp(b.(*vec.Fixed[types.Int128]).Vals[j])
	case *vec.Bytes:
		return bytes.Compare(x.At(i), b.(*vec.Bytes).At(j))
	case *vec.Row:
		y := b.(*vec.Row)
		for k := range x.Fields {
			if c := orderNull(x.Fields[k], i, y.Fields[k], j); c != 0 {
				return c
			}
		}
		return 0
	case *vec.List:
		return orderList(x, i, b.(*vec.List), j)
	}
	if Same(a, i, b, j) {
		return 0
	}
	return 1
}

func orderList(x *vec.List, i int, y *vec.List, j int) int {
	p, q := x.Offs[i], y.Offs[j]
	for ; p < x.Offs[i+1] && q < y.Offs[j+1]; p, q = p+1, q+1 {
		if c := orderNull(x.Elem, int(p), y.Elem, int(q)); c != 0 {
			return c
		}
	}
	return cmp.Compare(x.Offs[i+1]-p, y.Offs[j+1]-q)
}

// orderNull is Order with NULL before all else.
func orderNull(a vec.Vector, i int, b vec.Vector, j int) int {
	if an, bn := a.Null(i), b.Null(j); an || bn {
		return -cmpBool(an, bn)
	}
	return Order(a, i, b, j)
}

// flatAt returns the flat column and place that hold the value of a row.
func flatAt(v vec.Vector, i int) (vec.Vector, int) {
	switch v := v.(type) {
	case *vec.Const:
		return v.Val, 0
	case *vec.Dict:
		return v.Words, int(v.Codes[i])
	}
	return v, i
}
