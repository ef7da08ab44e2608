// Package kernel holds what SQL functions are made of: loops over columns, and
// adapters that turn a function of one row's values into one of columns.
//
// A kernel reads its arguments through views (Num for fixed-width values, Str
// for texts and bytes, Nulls for which rows are NULL), which hide whether a
// column is flat, constant or a dictionary, and writes its result through a
// maker (Nums, Strs and their kin). The loops that have to be fast are leaf
// functions over plain slices.
package kernel

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A NumView reads a column of fixed-width values.
type NumView[T vec.Scalar] struct {
	Vals []T
	mask int // -1, or 0 for a constant
}

// At returns the value of a row.
func (v NumView[T]) At(i int) T { return v.Vals[i&v.mask] }

// Const reports whether all rows have one value.
func (v NumView[T]) Const() bool { return v.mask == 0 }

// Num returns a view of a column whose physical form is T; a column of NULLs of
// any other form reads as zeros.
func Num[T vec.Scalar](v vec.Vector) NumView[T] {
	mask := -1
	if c, ok := v.(*vec.Const); ok {
		v, mask = c.Val, 0
	}
	if d, ok := v.(*vec.Dict); ok {
		v = vec.Flat(d)
	}
	f, ok := v.(*vec.Fixed[T])
	if !ok {
		return NumView[T]{Vals: make([]T, v.Len()), mask: mask}
	}
	return NumView[T]{Vals: f.Vals, mask: mask}
}

// An IntView reads a column of integers of any width as int64.
type IntView struct {
	i8   []int8
	i16  []int16
	i32  []int32
	i64  []int64
	mask int
}

// Int returns a view of a column of TINYINT, SMALLINT, INT, BIGINT, DATE, TIME,
// an interval or a timestamp of precision <= 6.
func Int(v vec.Vector) IntView {
	x := IntView{mask: -1}
	if c, ok := v.(*vec.Const); ok {
		v, x.mask = c.Val, 0
	}
	switch v := vec.Flat(v).(type) {
	case *vec.Fixed[int8]:
		x.i8 = v.Vals
	case *vec.Fixed[int16]:
		x.i16 = v.Vals
	case *vec.Fixed[int32]:
		x.i32 = v.Vals
	case *vec.Fixed[int64]:
		x.i64 = v.Vals
	default:
		x.i64 = make([]int64, v.Len())
	}
	return x
}

// At returns the value of a row.
func (v IntView) At(i int) int64 {
	i &= v.mask
	switch {
	case v.i64 != nil:
		return v.i64[i]
	case v.i32 != nil:
		return int64(v.i32[i])
	case v.i16 != nil:
		return int64(v.i16[i])
	}
	return int64(v.i8[i])
}

// A StrView reads a column of texts or bytes.
type StrView struct {
	Offs []uint32
	Data []byte
	mask int
}

// At returns the bytes of a row; they are shared, do not change them.
func (v StrView) At(i int) []byte {
	i &= v.mask
	return v.Data[v.Offs[i]:v.Offs[i+1]:v.Offs[i+1]]
}

// Const reports whether all rows have one value.
func (v StrView) Const() bool { return v.mask == 0 }

// Str returns a view of a column of texts or bytes.
func Str(v vec.Vector) StrView {
	mask := -1
	if c, ok := v.(*vec.Const); ok {
		v, mask = c.Val, 0
	}
	if d, ok := v.(*vec.Dict); ok {
		v = vec.Flat(d)
	}
	b, ok := v.(*vec.Bytes)
	if !ok {
		return StrView{Offs: make([]uint32, v.Len()+1), mask: mask}
	}
	return StrView{Offs: b.Offs, Data: b.Data, mask: mask}
}

// A NullView says which rows of a column are NULL.
type NullView struct {
	valid vec.Bitmap
	codes []uint32
	all   int8 // 1: every row, -1: as valid says
}

// NullsOf returns the view of a column's NULLs.
func NullsOf(v vec.Vector) NullView {
	switch v := v.(type) {
	case *vec.Const:
		if v.Val.Null(0) {
			return NullView{all: 1}
		}
		return NullView{}
	case *vec.Dict:
		valid := vec.Validity(v.Words)
		if valid == nil {
			return NullView{}
		}
		return NullView{valid: valid, codes: v.Codes}
	}
	return NullView{valid: vec.Validity(v)}
}

// At reports whether a row is NULL.
func (v NullView) At(i int) bool {
	if v.all == 1 {
		return true
	}
	if v.codes != nil {
		i = int(v.codes[i])
	}
	return v.valid.Null(i)
}

// None reports whether no row is NULL.
func (v NullView) None() bool { return v.all == 0 && v.valid == nil }

// All reports whether every row is NULL.
func (v NullView) All() bool { return v.all == 1 }

// Bitmap returns the NULLs as a bitmap of n rows; nil when there are none.
func (v NullView) Bitmap(n int) vec.Bitmap {
	switch {
	case v.all == 1:
		return make(vec.Bitmap, (n+63)/64)
	case v.codes == nil:
		return v.valid
	}
	out := vec.NewBitmap(n)
	for i, c := range v.codes {
		if v.valid.Null(int(c)) {
			out.SetNull(i)
		}
	}
	return out
}

// A ListView reads the extents of a column of arrays or maps.
type ListView struct {
	Offs []uint32
	Key  vec.Vector // of a map
	Elem vec.Vector
	mask int
}

// Lists returns a view of a column of arrays, maps or multisets. Key and Elem
// are flat.
func Lists(v vec.Vector) ListView {
	mask := -1
	if c, ok := v.(*vec.Const); ok {
		v, mask = c.Val, 0
	}
	switch v := vec.Flat(v).(type) {
	case *vec.List:
		return ListView{Offs: v.Offs, Elem: vec.Flat(v.Elem), mask: mask}
	case *vec.Map:
		return ListView{Offs: v.Offs, Key: vec.Flat(v.Key), Elem: vec.Flat(v.Elem), mask: mask}
	default:
		return ListView{Offs: make([]uint32, v.Len()+1), Elem: &vec.Fixed[bool]{}, Key: &vec.Fixed[bool]{}, mask: mask}
	}
}

// At returns the extent [from, to) of a row in Elem.
func (v ListView) At(i int) (from, to int) {
	i &= v.mask
	return int(v.Offs[i]), int(v.Offs[i+1])
}

// Each calls f for each of the wanted rows.
func Each(rows []int32, n int, f func(i int)) {
	if rows == nil {
		for i := range n {
			f(i)
		}
		return
	}
	for _, r := range rows {
		f(int(r))
	}
}

// WithValid returns v with other NULLs, sharing its values; v is flat.
func WithValid(v vec.Vector, valid vec.Bitmap) vec.Vector {
	switch v := v.(type) {
	case *vec.Fixed[bool]:
		return &vec.Fixed[bool]{Vals: v.Vals, Valid: valid}
	case *vec.Fixed[int8]:
		return &vec.Fixed[int8]{Vals: v.Vals, Valid: valid}
	case *vec.Fixed[int16]:
		return &vec.Fixed[int16]{Vals: v.Vals, Valid: valid}
	case *vec.Fixed[int32]:
		return &vec.Fixed[int32]{Vals: v.Vals, Valid: valid}
	case *vec.Fixed[int64]:
		return &vec.Fixed[int64]{Vals: v.Vals, Valid: valid}
	case *vec.Fixed[float32]:
		return &vec.Fixed[float32]{Vals: v.Vals, Valid: valid}
	case *vec.Fixed[float64]:
		return &vec.Fixed[float64]{Vals: v.Vals, Valid: valid}
	case *vec.Fixed[types.Int128]:
		return &vec.Fixed[types.Int128]{Vals: v.Vals, Valid: valid}
	case *vec.Bytes:
		return &vec.Bytes{Offs: v.Offs, Data: v.Data, Valid: valid}
	case *vec.List:
		return &vec.List{Offs: v.Offs, Elem: v.Elem, Valid: valid}
	case *vec.Map:
		return &vec.Map{Offs: v.Offs, Key: v.Key, Elem: v.Elem, Valid: valid}
	case *vec.Row:
		return &vec.Row{Fields: v.Fields, N: v.N, Valid: valid}
	}
	panic("kernel: WithValid of Const or Dict")
}
