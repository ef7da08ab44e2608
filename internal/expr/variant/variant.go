// Package variant holds the values of type VARIANT in the binary encoding of
// Parquet (VariantEncoding.md in apache/parquet-format), which Flink has too: a
// field or an element is found without reading the rest.
//
// A value is one run of bytes, so that a column of them is a vec.Bytes:
//
//	metadata | value
//	metadata: header | count | offsets | the names of all fields
//	value:    header | …
//
// The low two bits of a value's header are its basic type. All lengths are little
// endian. The names of an object's fields ascend, so the same object has the same
// text whatever the order in which it was written.
package variant

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"

	"github.com/millrace-io/millrace/types"
)

// A Kind is what a value is.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Int
	Double
	Float
	Decimal
	String
	Bytes
	Date
	Timestamp
	TimestampLTZ
	Array
	Object
	Bad // no such type in this version
)

// The basic types, and the primitive types in the six bits above.
const (
	basicPrimitive = 0
	basicShort     = 1
	basicObject    = 2
	basicArray     = 3

	primNull         = 0
	primTrue         = 1
	primFalse        = 2
	primInt8         = 3
	primInt16        = 4
	primInt32        = 5
	primInt64        = 6
	primDouble       = 7
	primDecimal4     = 8
	primDecimal8     = 9
	primDecimal16    = 10
	primDate         = 11
	primTimestampLTZ = 12
	primTimestamp    = 13
	primFloat        = 14
	primBinary       = 15
	primString       = 16

	version       = 1
	shortMax      = 63
	largeCountMin = 256
)

// A Value is one value, with the names that it needs; it shares its bytes.
type Value struct {
	meta []byte
	val  []byte // from its header on; more may follow
}

// Of returns the value that a cell holds; an empty cell is null.
func Of(cell []byte) Value {
	n := metaLen(cell)
	if n == 0 || n >= len(cell) {
		return Value{val: []byte{0}}
	}
	return Value{meta: cell[:n], val: cell[n:]}
}

// metaLen returns how long the metadata at the front is, 0 if there is none.
func metaLen(b []byte) int {
	if len(b) < 3 || b[0]&15 != version {
		return 0
	}
	size := int(b[0]>>6) + 1
	count := number(b, 1, size)
	at := 1 + size + (count+1)*size
	if at > len(b) {
		return 0
	}
	return at + number(b, at-size, size)
}

// number reads an unsigned integer of size bytes; 0 where there are none.
func number(b []byte, at, size int) int {
	if at < 0 || at+size > len(b) {
		return 0
	}
	x := 0
	for i := size - 1; i >= 0; i-- {
		x = x<<8 | int(b[at+i])
	}
	return x
}

func (v Value) basic() byte { return v.val[0] & 3 }
func (v Value) prim() byte  { return v.val[0] >> 2 }

// Kind returns what the value is.
func (v Value) Kind() Kind {
	switch v.basic() {
	case basicShort:
		return String
	case basicObject:
		return Object
	case basicArray:
		return Array
	}
	switch p := v.prim(); p {
	case primNull:
		return Null
	case primTrue, primFalse:
		return Bool
	case primInt8, primInt16, primInt32, primInt64:
		return Int
	case primDouble:
		return Double
	case primDecimal4, primDecimal8, primDecimal16:
		return Decimal
	case primDate:
		return Date
	case primTimestampLTZ:
		return TimestampLTZ
	case primTimestamp:
		return Timestamp
	case primFloat:
		return Float
	case primBinary:
		return Bytes
	case primString:
		return String
	}
	return Bad
}

// Int returns an integer, a date in days, or a timestamp in microseconds.
func (v Value) Int() int64 {
	switch v.prim() {
	case primInt8:
		return int64(int8(number(v.val, 1, 1)))
	case primInt16:
		return int64(int16(number(v.val, 1, 2)))
	case primInt32, primDate:
		return int64(int32(number(v.val, 1, 4)))
	}
	return int64(number(v.val, 1, 8))
}

// Bool returns a BOOLEAN.
func (v Value) Bool() bool { return v.prim() == primTrue }

// Float returns a FLOAT or DOUBLE.
func (v Value) Float() float64 {
	if v.prim() == primFloat {
		return float64(math.Float32frombits(uint32(number(v.val, 1, 4))))
	}
	return math.Float64frombits(uint64(number(v.val, 1, 8)))
}

// Decimal returns the unscaled value of a DECIMAL and its scale.
func (v Value) Decimal() (types.Int128, int) {
	scale := number(v.val, 1, 1)
	switch v.prim() {
	case primDecimal4:
		return types.Int128Of(int64(int32(number(v.val, 2, 4)))), scale
	case primDecimal8:
		return types.Int128Of(int64(number(v.val, 2, 8))), scale
	}
	return types.Int128{Lo: uint64(number(v.val, 2, 8)), Hi: int64(number(v.val, 10, 8))}, scale
}

// Text returns the bytes of a string or of BYTES.
func (v Value) Text() []byte {
	at, n := 1, int(v.prim())
	if v.basic() != basicShort {
		at, n = 5, number(v.val, 1, 4)
	}
	if at+n > len(v.val) {
		return nil
	}
	return v.val[at : at+n]
}

// A nest is where the parts of an object or array lie.
type nest struct {
	n, ids, idSize, offs, offSize, data int
}

func (v Value) nest() nest {
	h := v.prim()
	x := nest{offSize: int(h&3) + 1, ids: 2}
	large := h>>2&1 == 1
	if v.basic() == basicObject {
		x.idSize, large = int(h>>2&3)+1, h>>4&1 == 1
	}
	x.n = number(v.val, 1, 1)
	if large {
		x.n, x.ids = number(v.val, 1, 4), 5
	}
	x.offs = x.ids + x.n*x.idSize
	x.data = x.offs + (x.n+1)*x.offSize
	return x
}

// at returns the i-th part.
func (v Value) at(x nest, i int) Value {
	from := x.data + number(v.val, x.offs+i*x.offSize, x.offSize)
	if from >= len(v.val) {
		return Value{meta: v.meta, val: []byte{0}}
	}
	return Value{meta: v.meta, val: v.val[from:]}
}

// key returns the name of the i-th field.
func (v Value) key(x nest, i int) []byte {
	id, size := number(v.val, x.ids+i*x.idSize, x.idSize), int(v.meta[0]>>6)+1
	count := number(v.meta, 1, size)
	at := 1 + size
	from, to := number(v.meta, at+id*size, size), number(v.meta, at+(id+1)*size, size)
	text := at + (count+1)*size
	if id >= count || from > to || text+to > len(v.meta) {
		return nil
	}
	return v.meta[text+from : text+to]
}

// Len returns the number of fields or elements.
func (v Value) Len() int { return v.nest().n }

// Elem returns the i-th element of an array, counted from 0.
func (v Value) Elem(i int) (Value, bool) {
	if v.basic() != basicArray {
		return Value{}, false
	}
	x := v.nest()
	if i < 0 || i >= x.n {
		return Value{}, false
	}
	return v.at(x, i), true
}

// Field returns the field of an object.
func (v Value) Field(name []byte) (Value, bool) {
	if v.basic() != basicObject {
		return Value{}, false
	}
	x := v.nest()
	low, high := 0, x.n
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := compare(v.key(x, mid), name); {
		case c == 0:
			return v.at(x, mid), true
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return Value{}, false
}

func compare(a, b []byte) int { return slices.Compare(a, b) }

// size returns how many bytes the value has.
func (v Value) size() int {
	switch v.basic() {
	case basicShort:
		return 1 + int(v.prim())
	case basicObject, basicArray:
		x := v.nest()
		return x.data + number(v.val, x.offs+x.n*x.offSize, x.offSize)
	}
	switch v.prim() {
	case primInt8:
		return 2
	case primInt16:
		return 3
	case primInt32, primDate, primFloat:
		return 5
	case primInt64, primDouble, primTimestamp, primTimestampLTZ:
		return 9
	case primDecimal4:
		return 6
	case primDecimal8:
		return 10
	case primDecimal16:
		return 18
	case primBinary, primString:
		return 5 + number(v.val, 1, 4)
	}
	return 1
}

// Append appends the value as a cell of its own.
func (v Value) Append(dst []byte) []byte {
	if v.meta == nil || v.basic() != basicObject && v.basic() != basicArray {
		dst = append(dst, version, 0, 0) // a value without fields needs no names
	} else {
		dst = append(dst, v.meta...)
	}
	return append(dst, v.val[:min(v.size(), len(v.val))]...)
}

// AppendJSON appends the value as JSON, without blanks, fields in the order of
// their names. Not a number and infinities, which JSON has not, are texts.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind() {
	case Bool:
		return strconv.AppendBool(dst, v.Bool())
	case Int:
		return strconv.AppendInt(dst, v.Int(), 10)
	case Double, Float:
		return v.appendFloat(dst)
	case Decimal:
		x, scale := v.Decimal()
		return types.AppendDecimal128(dst, x, scale)
	case String:
		return AppendJSONString(dst, v.Text())
	case Bytes:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.Text()), '"')
	case Date:
		return append(types.AppendDate(append(dst, '"'), int(v.Int())), '"')
	case Timestamp:
		return append(types.AppendTimestamp(append(dst, '"'), v.Int(), 6), '"')
	case TimestampLTZ:
		return append(types.AppendTimestamp(append(dst, '"'), v.Int(), 6), `+00:00"`...)
	case Array:
		dst = append(dst, '[')
		x := v.nest()
		for i := range x.n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.at(x, i).AppendJSON(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		x := v.nest()
		for i := range x.n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendJSONString(dst, v.key(x, i)), ':')
			dst = v.at(x, i).AppendJSON(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

func (v Value) appendFloat(dst []byte) []byte {
	x := v.Float()
	odd := math.IsNaN(x) || math.IsInf(x, 0)
	if odd {
		dst = append(dst, '"')
	}
	if v.Kind() == Float {
		dst = types.AppendFloat(dst, float32(x))
	} else {
		dst = types.AppendDouble(dst, x)
	}
	if odd {
		dst = append(dst, '"')
	}
	return dst
}

const hex = "0123456789ABCDEF"

// AppendJSONString appends a text in quotes; quotes, backslashes and control
// characters are escaped, nothing else.
func AppendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			dst = appendControl(dst, c)
		}
	}
	return append(dst, '"')
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		return append(dst, `\b`...)
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\f':
		return append(dst, `\f`...)
	case '\r':
		return append(dst, `\r`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
