package agg

import (
	"encoding/binary"
	"math"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func floatWord(x float64) uint64 { return math.Float64bits(x) }

func boolWord(x bool) uint64 {
	if x {
		return 1
	}
	return 0
}

// AppendValue appends a value of any type in the form in which accumulators keep
// it: a byte that says whether it is NULL, then
//
//	integers, times, DECIMAL(p<=18)  varint
//	BOOLEAN                          a byte
//	FLOAT, DOUBLE                    8 bytes, as a double
//	128-bit values                   16 bytes
//	strings and bytes                uvarint length, bytes
//	ARRAY, MAP, MULTISET             uvarint length, values (key and value in turn)
//	ROW                              the fields
//
// Equal values have equal forms.
func AppendValue(dst []byte, v vec.Vector, i int) []byte {
	switch c := v.(type) {
	case *vec.Const:
		return AppendValue(dst, c.Val, 0)
	case *vec.Dict:
		return AppendValue(dst, c.Words, int(c.Codes[i]))
	}
	if v.Null(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch c := v.(type) {
	case *vec.Fixed[bool]:
		return append(dst, byte(boolWord(c.Vals[i])))
	case *vec.Fixed[int8]:
		return binary.AppendVarint(dst, int64(c.Vals[i]))
	case *vec.Fixed[int16]:
		return binary.AppendVarint(dst, int64(c.Vals[i]))
	case *vec.Fixed[int32]:
		return binary.AppendVarint(dst, int64(c.Vals[i]))
	case *vec.Fixed[int64]:
		return binary.AppendVarint(dst, c.Vals[i])
	case *vec.Fixed[float32]:
		return binary.BigEndian.AppendUint64(dst, canonicalFloat(float64(c.Vals[i])))
	case *vec.Fixed[float64]:
		return binary.BigEndian.AppendUint64(dst, canonicalFloat(c.Vals[i]))
	case *vec.Fixed[types.Int128]:
		dst = binary.BigEndian.AppendUint64(dst, uint64(c.Vals[i].Hi))
		return binary.BigEndian.AppendUint64(dst, c.Vals[i].Lo)
	case *vec.Bytes:
		b := c.At(i)
		return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
	case *vec.List:
		dst = binary.AppendUvarint(dst, uint64(c.Offs[i+1]-c.Offs[i]))
		for e := c.Offs[i]; e < c.Offs[i+1]; e++ {
			dst = AppendValue(dst, c.Elem, int(e))
		}
	case *vec.Map:
		dst = binary.AppendUvarint(dst, uint64(c.Offs[i+1]-c.Offs[i]))
		for e := c.Offs[i]; e < c.Offs[i+1]; e++ {
			dst = AppendValue(dst, c.Key, int(e))
			dst = AppendValue(dst, c.Elem, int(e))
		}
	case *vec.Row:
		for _, f := range c.Fields {
			dst = AppendValue(dst, f, i)
		}
	}
	return dst
}

// canonicalFloat is one word for each value: no -0.0 and one NaN.
func canonicalFloat(x float64) uint64 {
	switch {
	case x == 0:
		return 0
	case x != x:
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(x)
}

// BuildValue appends a value that AppendValue has written, and returns the bytes
// after it.
func BuildValue(b *vec.Builder, src []byte, t types.Type) []byte {
	null := src[0] == 0
	src = src[1:]
	if null {
		b.Null()
		return src
	}
	switch t.Phys() {
	case types.PhysBool:
		b.Bool(src[0] != 0)
		return src[1:]
	case types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		x, n := binary.Varint(src)
		b.Int(x)
		return src[n:]
	case types.PhysFloat32, types.PhysFloat64:
		b.Float(math.Float64frombits(binary.BigEndian.Uint64(src)))
		return src[8:]
	case types.PhysInt128:
		b.Int128(types.Int128{Hi: int64(binary.BigEndian.Uint64(src)), Lo: binary.BigEndian.Uint64(src[8:])})
		return src[16:]
	case types.PhysBytes:
		n, w := binary.Uvarint(src)
		src = src[w:]
		b.Bytes(src[:n])
		return src[n:]
	case types.PhysList:
		n, w := binary.Uvarint(src)
		src = src[w:]
		for range n {
			src = BuildValue(b.Kid(0), src, *t.Elem)
		}
	case types.PhysMap:
		key, val := mapTypes(t)
		n, w := binary.Uvarint(src)
		src = src[w:]
		for range n {
			src = BuildValue(b.Kid(0), src, key)
			src = BuildValue(b.Kid(1), src, val)
		}
	case types.PhysRow:
		for i, f := range t.Fields {
			src = BuildValue(b.Kid(i), src, f.Type)
		}
	}
	b.End()
	return src
}

func mapTypes(t types.Type) (key, val types.Type) {
	if t.Kind == types.Multiset {
		return *t.Elem, types.TInt
	}
	return *t.Key, *t.Elem
}

// skipValue returns the length of the value at the front of src.
func skipValue(src []byte, t types.Type) int {
	if src[0] == 0 {
		return 1
	}
	at := 1
	switch t.Phys() {
	case types.PhysBool:
		return 2
	case types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		_, n := binary.Varint(src[1:])
		return 1 + n
	case types.PhysFloat32, types.PhysFloat64:
		return 9
	case types.PhysInt128:
		return 17
	case types.PhysBytes:
		n, w := binary.Uvarint(src[1:])
		return 1 + w + int(n)
	case types.PhysList:
		n, w := binary.Uvarint(src[1:])
		at += w
		for range n {
			at += skipValue(src[at:], *t.Elem)
		}
	case types.PhysMap:
		key, val := mapTypes(t)
		n, w := binary.Uvarint(src[1:])
		at += w
		for range n {
			at += skipValue(src[at:], key)
			at += skipValue(src[at:], val)
		}
	case types.PhysRow:
		for _, f := range t.Fields {
			at += skipValue(src[at:], f.Type)
		}
	}
	return at
}

func uvarint(b []byte) (uint64, int) { return binary.Uvarint(b) }
