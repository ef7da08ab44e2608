package agg

import (
	"math"
	"unsafe"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// integer is what an integer word can hold.
type integer interface{ int8 | int16 | int32 | int64 }

// signed is the same memory as int64s.
func signed(w []uint64) []int64 {
	if len(w) == 0 {
		return []int64{}
	}
	return unsafe.Slice((*int64)(unsafe.Pointer(&w[0])), len(w))
}

// validWhere returns the bitmap of the words that are not 0, nil if all are.
func validWhere(w []uint64) vec.Bitmap {
	var b vec.Bitmap
	for i, x := range w {
		if x == 0 {
			if b == nil {
				b = vec.NewBitmap(len(w))
			}
			b.SetNull(i)
		}
	}
	return b
}

// column makes a column of fixed-width values from their words; hi are the high
// words of an Int128.
func column(t types.Type, lo, hi []uint64, valid vec.Bitmap) vec.Vector {
	switch t.Phys() {
	case types.PhysBool:
		vals := make([]bool, len(lo))
		for i, w := range lo {
			vals[i] = w != 0
		}
		return &vec.Fixed[bool]{Vals: vals, Valid: valid}
	case types.PhysInt8:
		return narrow[int8](lo, valid)
	case types.PhysInt16:
		return narrow[int16](lo, valid)
	case types.PhysInt32:
		return narrow[int32](lo, valid)
	case types.PhysInt64:
		return &vec.Fixed[int64]{Vals: signed(lo), Valid: valid}
	case types.PhysFloat32:
		vals := make([]float32, len(lo))
		for i, w := range lo {
			vals[i] = float32(math.Float64frombits(w))
		}
		return &vec.Fixed[float32]{Vals: vals, Valid: valid}
	case types.PhysFloat64:
		vals := make([]float64, len(lo))
		for i, w := range lo {
			vals[i] = math.Float64frombits(w)
		}
		return &vec.Fixed[float64]{Vals: vals, Valid: valid}
	case types.PhysInt128:
		vals := make([]types.Int128, len(lo))
		for i := range vals {
			vals[i] = types.Int128{Lo: lo[i], Hi: int64(hi[i])}
		}
		return &vec.Fixed[types.Int128]{Vals: vals, Valid: valid}
	}
	panic("agg: no fixed-width type")
}

func narrow[T integer](w []uint64, valid vec.Bitmap) vec.Vector {
	vals := make([]T, len(w))
	for i, x := range w {
		vals[i] = T(x)
	}
	return &vec.Fixed[T]{Vals: vals, Valid: valid}
}

// wide reports whether values of t need two words, fixed whether they need no blob.
func wide(t types.Type) bool  { return t.Phys() == types.PhysInt128 }
func fixed(t types.Type) bool { return t.Phys() <= types.PhysInt128 }
