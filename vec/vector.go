// Package vec holds data as the engine moves it: columns of values in batches.
//
// # Ownership
//
// A Batch has one owner. Handing a batch to Output.Emit, an exchange or a sink
// gives it away: the giver must not write it afterwards. A batch that has been
// given away is never changed again, only dropped, so a receiver may keep it,
// and its columns, as long as it likes; columns are shared freely between
// batches. Forgetting a batch costs garbage, never correctness; there is no
// reference count to get wrong.
//
// # Layout
//
// The layout is Arrow's (values, offsets, validity bitmap with 1 = valid), but
// that BOOLEAN takes a byte a value. types.Type.Phys says which vector a SQL
// type has.
package vec

import "github.com/millrace-io/millrace/types"

// A Vector is one column of a batch. It is sealed: the concrete types of this
// package are the only ones, so a kernel switches on the type once a batch and
// then runs a loop over plain slices.
type Vector interface {
	// Len is the number of rows.
	Len() int
	// Null reports whether a row is NULL. For edges and tests, not for loops.
	Null(row int) bool
	sealed()
}

// Scalar is a fixed-width value.
type Scalar interface {
	bool | int8 | int16 | int32 | int64 | float32 | float64 | types.Int128
}

// Fixed is a column of fixed-width values. A NULL row's value is unspecified.
type Fixed[T Scalar] struct {
	Vals  []T
	Valid Bitmap
}

// Bytes is a column of strings or byte strings: row i is Data[Offs[i]:Offs[i+1]].
// Offsets ascend; a NULL row is empty. A batch ends before Data passes 2 GiB.
type Bytes struct {
	Offs  []uint32 // one more than rows
	Data  []byte
	Valid Bitmap
}

// List is a column of arrays: row i is Elem[Offs[i]:Offs[i+1]].
type List struct {
	Offs  []uint32
	Elem  Vector
	Valid Bitmap
}

// Map is a column of maps: row i has the keys Key[Offs[i]:Offs[i+1]] and the
// values Elem at the same places. A MULTISET is a map from element to INT count.
type Map struct {
	Offs  []uint32
	Key   Vector
	Elem  Vector
	Valid Bitmap
}

// Row is a column of ROWs.
type Row struct {
	Fields []Vector
	N      int
	Valid  Bitmap
}

// Const is a column whose every row holds the one value of Val.
type Const struct {
	Val Vector // of length 1, neither Const nor Dict
	N   int
}

// Dict is a column of indexes into a shared dictionary.
type Dict struct {
	Codes []uint32
	Words Vector // neither Const nor Dict; a NULL is a NULL word
}

// Len implements Vector.
func (v *Fixed[T]) Len() int { return len(v.Vals) }

// Null implements Vector.
func (v *Fixed[T]) Null(i int) bool { return v.Valid.Null(i) }
func (v *Fixed[T]) sealed()         {}

// Len implements Vector.
func (v *Bytes) Len() int { return len(v.Offs) - 1 }

// Null implements Vector.
func (v *Bytes) Null(i int) bool { return v.Valid.Null(i) }
func (v *Bytes) sealed()         {}

// At returns the bytes of a row; they are shared, do not change them.
func (v *Bytes) At(i int) []byte { return v.Data[v.Offs[i]:v.Offs[i+1]:v.Offs[i+1]] }

// Len implements Vector.
func (v *List) Len() int { return len(v.Offs) - 1 }

// Null implements Vector.
func (v *List) Null(i int) bool { return v.Valid.Null(i) }
func (v *List) sealed()         {}

// Len implements Vector.
func (v *Map) Len() int { return len(v.Offs) - 1 }

// Null implements Vector.
func (v *Map) Null(i int) bool { return v.Valid.Null(i) }
func (v *Map) sealed()         {}

// Len implements Vector.
func (v *Row) Len() int { return v.N }

// Null implements Vector.
func (v *Row) Null(i int) bool { return v.Valid.Null(i) }
func (v *Row) sealed()         {}

// Len implements Vector.
func (v *Const) Len() int { return v.N }

// Null implements Vector.
func (v *Const) Null(int) bool { return v.Val.Null(0) }
func (v *Const) sealed()       {}

// Len implements Vector.
func (v *Dict) Len() int { return len(v.Codes) }

// Null implements Vector.
func (v *Dict) Null(i int) bool { return v.Words.Null(int(v.Codes[i])) }
func (v *Dict) sealed()         {}

// Validity returns the bitmap of a flat vector (not Const, not Dict); nil when
// no row is NULL.
func Validity(v Vector) Bitmap {
	switch v := v.(type) {
	case *Fixed[bool]:
		return v.Valid
	case *Fixed[int8]:
		return v.Valid
	case *Fixed[int16]:
		return v.Valid
	case *Fixed[int32]:
		return v.Valid
	case *Fixed[int64]:
		return v.Valid
	case *Fixed[float32]:
		return v.Valid
	case *Fixed[float64]:
		return v.Valid
	case *Fixed[types.Int128]:
		return v.Valid
	case *Bytes:
		return v.Valid
	case *List:
		return v.Valid
	case *Map:
		return v.Valid
	case *Row:
		return v.Valid
	}
	panic("vec: Validity of Const or Dict")
}
