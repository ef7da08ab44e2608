package vec

import (
	"slices"

	"github.com/millrace-io/millrace/types"
)

// A Builder makes a column row by row from rows of other columns. It serves
// edges and cold paths; hot loops append to slices of the concrete vectors.
type Builder struct {
	phys types.Phys
	v    Vector
	kids []*Builder // List: element; Map: key, element; Row: fields
	n    int
}

// NewBuilder returns a builder for columns of type t.
func NewBuilder(t types.Type) *Builder {
	b := &Builder{phys: t.Phys()}
	switch b.phys {
	case types.PhysList:
		b.kids = []*Builder{NewBuilder(*t.Elem)}
	case types.PhysMap:
		if t.Kind == types.Multiset {
			b.kids = []*Builder{NewBuilder(*t.Elem), NewBuilder(types.TInt)}
		} else {
			b.kids = []*Builder{NewBuilder(*t.Key), NewBuilder(*t.Elem)}
		}
	case types.PhysRow:
		for _, f := range t.Fields {
			b.kids = append(b.kids, NewBuilder(f.Type))
		}
	}
	b.v = b.empty()
	return b
}

func (b *Builder) empty() Vector {
	switch b.phys {
	case types.PhysBool:
		return &Fixed[bool]{}
	case types.PhysInt8:
		return &Fixed[int8]{}
	case types.PhysInt16:
		return &Fixed[int16]{}
	case types.PhysInt32:
		return &Fixed[int32]{}
	case types.PhysInt64:
		return &Fixed[int64]{}
	case types.PhysFloat32:
		return &Fixed[float32]{}
	case types.PhysFloat64:
		return &Fixed[float64]{}
	case types.PhysInt128:
		return &Fixed[types.Int128]{}
	case types.PhysBytes:
		return &Bytes{Offs: []uint32{0}}
	case types.PhysList:
		return &List{Offs: []uint32{0}}
	case types.PhysMap:
		return &Map{Offs: []uint32{0}}
	}
	return &Row{}
}

// Len returns the number of rows so far.
func (b *Builder) Len() int { return b.n }

// Kid returns the builder of a nested column: the element of an array, key (0)
// and value (1) of a map, the i'th field of a row. Append to it, then call End
// on the parent.
func (b *Builder) Kid(i int) *Builder { return b.kids[i] }

func (b *Builder) grow(valid *Bitmap, null bool) {
	if *valid == nil && null {
		*valid = NewBitmap(b.n)
	}
	if *valid != nil {
		if b.n>>6 >= len(*valid) {
			*valid = append(*valid, ^uint64(0))
		}
		if null {
			valid.SetNull(b.n)
		} else {
			valid.SetValid(b.n)
		}
	}
	b.n++
}

func appendFixed[T Scalar](b *Builder, v *Fixed[T], x T, null bool) {
	v.Vals = append(v.Vals, x)
	b.grow(&v.Valid, null)
}

// Null appends a NULL.
func (b *Builder) Null() {
	switch v := b.v.(type) {
	case *Fixed[bool]:
		appendFixed(b, v, false, true)
	case *Fixed[int8]:
		appendFixed(b, v, 0, true)
	case *Fixed[int16]:
		appendFixed(b, v, 0, true)
	case *Fixed[int32]:
		appendFixed(b, v, 0, true)
	case *Fixed[int64]:
		appendFixed(b, v, 0, true)
	case *Fixed[float32]:
		appendFixed(b, v, 0, true)
	case *Fixed[float64]:
		appendFixed(b, v, 0, true)
	case *Fixed[types.Int128]:
		appendFixed(b, v, types.Int128{}, true)
	case *Bytes:
		v.Offs = append(v.Offs, uint32(len(v.Data)))
		b.grow(&v.Valid, true)
	case *Row:
		for _, k := range b.kids {
			k.Null()
		}
		b.end(true)
	default:
		b.end(true)
	}
}

// Bool appends a BOOLEAN.
func (b *Builder) Bool(x bool) { appendFixed(b, b.v.(*Fixed[bool]), x, false) }

// Int appends an integer, a date, a time, a timestamp of precision <= 6, an
// interval or a decimal of precision <= 18, whatever its width.
func (b *Builder) Int(x int64) {
	switch v := b.v.(type) {
	case *Fixed[int8]:
		appendFixed(b, v, int8(x), false)
	case *Fixed[int16]:
		appendFixed(b, v, int16(x), false)
	case *Fixed[int32]:
		appendFixed(b, v, int32(x), false)
	case *Fixed[int64]:
		appendFixed(b, v, x, false)
	default:
		appendFixed(b, b.v.(*Fixed[types.Int128]), types.Int128{Lo: uint64(x), Hi: x >> 63}, false)
	}
}

// Float appends a FLOAT or DOUBLE.
func (b *Builder) Float(x float64) {
	if v, ok := b.v.(*Fixed[float32]); ok {
		appendFixed(b, v, float32(x), false)
		return
	}
	appendFixed(b, b.v.(*Fixed[float64]), x, false)
}

// Int128 appends a wide decimal or a timestamp of precision > 6.
func (b *Builder) Int128(x types.Int128) { appendFixed(b, b.v.(*Fixed[types.Int128]), x, false) }

// Bytes appends a string or bytes, copied.
func (b *Builder) Bytes(x []byte) {
	v := b.v.(*Bytes)
	v.Data = append(v.Data, x...)
	v.Offs = append(v.Offs, uint32(len(v.Data)))
	b.grow(&v.Valid, false)
}

// String appends a string.
func (b *Builder) String(x string) {
	v := b.v.(*Bytes)
	v.Data = append(v.Data, x...)
	v.Offs = append(v.Offs, uint32(len(v.Data)))
	b.grow(&v.Valid, false)
}

// End ends a row of a nested column: an array or map takes what was appended to
// its Kids since the last End, a ROW one value of each.
func (b *Builder) End() { b.end(false) }

func (b *Builder) end(null bool) {
	switch v := b.v.(type) {
	case *List:
		v.Offs = append(v.Offs, uint32(b.kids[0].n))
		b.grow(&v.Valid, null)
	case *Map:
		v.Offs = append(v.Offs, uint32(b.kids[0].n))
		b.grow(&v.Valid, null)
	case *Row:
		v.N++
		b.grow(&v.Valid, null)
	}
}

// From appends row i of v, which has the builder's type.
func (b *Builder) From(v Vector, i int) {
	switch s := v.(type) {
	case *Const:
		b.From(s.Val, 0)
		return
	case *Dict:
		b.From(s.Words, int(s.Codes[i]))
		return
	}
	if v.Null(i) {
		b.Null()
		return
	}
	switch s := v.(type) {
	case *Fixed[bool]:
		b.Bool(s.Vals[i])
	case *Fixed[int8]:
		appendFixed(b, b.v.(*Fixed[int8]), s.Vals[i], false)
	case *Fixed[int16]:
		appendFixed(b, b.v.(*Fixed[int16]), s.Vals[i], false)
	case *Fixed[int32]:
		appendFixed(b, b.v.(*Fixed[int32]), s.Vals[i], false)
	case *Fixed[int64]:
		appendFixed(b, b.v.(*Fixed[int64]), s.Vals[i], false)
	case *Fixed[float32]:
		appendFixed(b, b.v.(*Fixed[float32]), s.Vals[i], false)
	case *Fixed[float64]:
		appendFixed(b, b.v.(*Fixed[float64]), s.Vals[i], false)
	case *Fixed[types.Int128]:
		b.Int128(s.Vals[i])
	case *Bytes:
		b.Bytes(s.At(i))
	case *List:
		for e := s.Offs[i]; e < s.Offs[i+1]; e++ {
			b.kids[0].From(s.Elem, int(e))
		}
		b.End()
	case *Map:
		for e := s.Offs[i]; e < s.Offs[i+1]; e++ {
			b.kids[0].From(s.Key, int(e))
			b.kids[1].From(s.Elem, int(e))
		}
		b.End()
	case *Row:
		for k, f := range s.Fields {
			b.kids[k].From(f, i)
		}
		b.End()
	}
}

// Reserve makes room for n rows, of values of fixed size.
func (b *Builder) Reserve(n int) {
	switch v := b.v.(type) {
	case *Fixed[int64]:
		v.Vals = slices.Grow(v.Vals, n)
	case *Fixed[int32]:
		v.Vals = slices.Grow(v.Vals, n)
	case *Fixed[float64]:
		v.Vals = slices.Grow(v.Vals, n)
	case *Bytes:
		v.Offs = slices.Grow(v.Offs, n)
	}
}

// FromAll appends the first n rows of a column of the same type.
func (b *Builder) FromAll(v Vector, n int) {
	done := false
	switch to := b.v.(type) {
	case *Fixed[int64]:
		done = fixedFrom(b, to, v, n)
	case *Fixed[int32]:
		done = fixedFrom(b, to, v, n)
	case *Fixed[float64]:
		done = fixedFrom(b, to, v, n)
	case *Bytes:
		done = bytesFrom(b, to, v, n)
	}
	for i := 0; i < n && !done; i++ {
		b.From(v, i)
	}
}

// fixedFrom is FromAll of values without NULL; false: they are to be copied one by one.
func fixedFrom[T Scalar](b *Builder, to *Fixed[T], v Vector, n int) bool {
	if to.Valid != nil {
		return false
	}
	switch s := v.(type) {
	case *Fixed[T]:
		if s.Valid != nil {
			return false
		}
		to.Vals = append(to.Vals, s.Vals[:n]...)
	case *Const:
		c, ok := s.Val.(*Fixed[T])
		if !ok || c.Valid != nil {
			return false
		}
		at := len(to.Vals)
		to.Vals = slices.Grow(to.Vals, n)[:at+n]
		for i := range to.Vals[at:] {
			to.Vals[at+i] = c.Vals[0]
		}
	default:
		return false
	}
	b.n += n
	return true
}

// bytesFrom is fixedFrom for strings and bytes.
func bytesFrom(b *Builder, to *Bytes, v Vector, n int) bool {
	s, ok := v.(*Bytes)
	if !ok || s.Valid != nil || to.Valid != nil {
		return false
	}
	shift := uint32(len(to.Data)) - s.Offs[0]
	to.Data = append(to.Data, s.Data[s.Offs[0]:s.Offs[n]]...)
	for _, off := range s.Offs[1 : n+1] {
		to.Offs = append(to.Offs, off+shift)
	}
	b.n += n
	return true
}

// Finish returns the column and empties the builder.
func (b *Builder) Finish() Vector {
	v := b.v
	switch s := v.(type) {
	case *List:
		s.Elem = b.kids[0].Finish()
	case *Map:
		s.Key, s.Elem = b.kids[0].Finish(), b.kids[1].Finish()
	case *Row:
		for _, k := range b.kids {
			s.Fields = append(s.Fields, k.Finish())
		}
	}
	b.v, b.n = b.empty(), 0
	return v
}

// Nulls returns a column of n NULLs of type t.
func Nulls(t types.Type, n int) Vector {
	b := NewBuilder(t)
	b.Null()
	return &Const{Val: b.Finish(), N: n}
}
