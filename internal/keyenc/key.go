package keyenc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// KeyVersion names the format of AppendKey.
const KeyVersion = 1

// The first byte of an encoded value. Integers of all widths, to 128 bits, have
// one encoding: small ones are a byte, others a byte that tells sign and length,
// and the fewest bytes that hold the number, big-endian.
const (
	keyNullFirst = 0x00
	keyValue     = 0x01 // floats, strings, nested values
	keyNeg       = 0x20 // 0x20-n: a negative integer of n bytes
	keySmall     = 0x20 // 0x20+x: 0 <= x < keySmallMax
	keySmallMax  = 0xC0
	keyPos       = 0xDF // 0xDF+n: another positive integer of n bytes
	keyNullLast  = 0xFF

	keyEnd = 0x00 // after the last element of a list or map
	keyOne = 0x01 // before an element

	strEscape = 0x00 // in a string: 00 FF is the byte 00, 00 01 the end
	strZero   = 0xFF
	strEnd    = 0x01
)

var errKey = errors.New("malformed key")

// An Order is how a column sorts. The zero Order is ascending with NULLs first.
type Order struct{ Desc, NullsLast bool }

// AppendKey appends the columns of a row in their order-preserving form. Keys
// compare as their rows do, column by column, ascending, NULLs first; no key is
// a prefix of another of the same types. Maps have an arbitrary but fixed order.
func AppendKey(dst []byte, ts []types.Type, cols []vec.Vector, row int) []byte {
	for _, c := range cols {
		dst = appendKey(dst, c, row)
	}
	return dst
}

// AppendSortKey is AppendKey with an order for each column.
func AppendSortKey(dst []byte, cols []vec.Vector, orders []Order, row int) []byte {
	for i, c := range cols {
		v, r := deref(c, row)
		if v.Null(r) {
			dst = AppendKeyNull(dst, orders[i])
			continue
		}
		at := len(dst)
		dst = appendKey(dst, v, r)
		if orders[i].Desc {
			for j := range dst[at:] {
				dst[at+j] ^= 0xFF
			}
		}
	}
	return dst
}

// AppendKeyNull appends NULL.
func AppendKeyNull(dst []byte, o Order) []byte {
	if o.NullsLast {
		return append(dst, keyNullLast)
	}
	return append(dst, keyNullFirst)
}

// AppendKeyInt appends an integer, BOOLEAN (0, 1), date, time, timestamp,
// interval or the unscaled value of a decimal.
func AppendKeyInt(dst []byte, x int64) []byte {
	if x >= 0 {
		if x < keySmallMax {
			return append(dst, keySmall+byte(x))
		}
		n := (bits.Len64(uint64(x)) + 7) / 8
		return appendTail(append(dst, keyPos+byte(n)), uint64(x), n)
	}
	n := (bits.Len64(^uint64(x)) + 7) / 8
	n = max(n, 1)
	return appendTail(append(dst, keyNeg-byte(n)), uint64(x), n)
}

// appendTail appends the low n bytes of w, big-endian.
func appendTail(dst []byte, w uint64, n int) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], w)
	return append(dst, b[8-n:]...)
}

// AppendKeyInt128 appends a wide decimal or timestamp.
func AppendKeyInt128(dst []byte, x types.Int128) []byte {
	if x.Hi == int64(x.Lo)>>63 {
		return AppendKeyInt(dst, int64(x.Lo))
	}
	if x.Hi >= 0 {
		n := 8 + (bits.Len64(uint64(x.Hi))+7)/8
		dst = append(dst, keyPos+byte(n))
		return binary.BigEndian.AppendUint64(appendTail(dst, uint64(x.Hi), n-8), x.Lo)
	}
	n := 8 + (bits.Len64(^uint64(x.Hi))+7)/8
	dst = append(dst, keyNeg-byte(n))
	return binary.BigEndian.AppendUint64(appendTail(dst, uint64(x.Hi), n-8), x.Lo)
}

// AppendKeyFloat appends a DOUBLE.
func AppendKeyFloat(dst []byte, f float64) []byte {
	w := FloatWord(f)
	if w>>63 != 0 {
		w = ^w
	} else {
		w |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(append(dst, keyValue), w)
}

// AppendKeyFloat32 appends a FLOAT.
func AppendKeyFloat32(dst []byte, f float32) []byte {
	w := math.Float32bits(f)
	switch {
	case f == 0:
		w = 0
	case f != f:
		w = math.Float32bits(float32(math.NaN()))
	}
	if w>>31 != 0 {
		w = ^w
	} else {
		w |= 1 << 31
	}
	return binary.BigEndian.AppendUint32(append(dst, keyValue), w)
}

// AppendKeyBytes appends a string or bytes.
func AppendKeyBytes(dst, b []byte) []byte {
	dst = append(dst, keyValue)
	for {
		i := bytes.IndexByte(b, strEscape)
		if i < 0 {
			break
		}
		dst = append(append(dst, b[:i]...), strEscape, strZero)
		b = b[i+1:]
	}
	return append(append(dst, b...), strEscape, strEnd)
}

func appendKey(dst []byte, v vec.Vector, row int) []byte {
	v, row = deref(v, row)
	if v.Null(row) {
		return append(dst, keyNullFirst)
	}
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		return AppendKeyInt(dst, v.Vals[row])
	case *vec.Fixed[int32]:
		return AppendKeyInt(dst, int64(v.Vals[row]))
	case *vec.Fixed[int16]:
		return AppendKeyInt(dst, int64(v.Vals[row]))
	case *vec.Fixed[int8]:
		return AppendKeyInt(dst, int64(v.Vals[row]))
	case *vec.Fixed[bool]:
		return AppendKeyInt(dst, int64(boolWord(v.Vals[row])))
	case *vec.Fixed[float64]:
		return AppendKeyFloat(dst, v.Vals[row])
	case *vec.Fixed[float32]:
		return AppendKeyFloat32(dst, v.Vals[row])
	case *vec.Fixed[types.Int128]:
		return AppendKeyInt128(dst, v.Vals[row])
	case *vec.Bytes:
		return AppendKeyBytes(dst, v.At(row))
	case *vec.List:
		dst = append(dst, keyValue)
		for e := v.Offs[row]; e < v.Offs[row+1]; e++ {
			dst = appendKey(append(dst, keyOne), v.Elem, int(e))
		}
		return append(dst, keyEnd)
	case *vec.Map:
		return appendKeyMap(dst, v, row)
	case *vec.Row:
		dst = append(dst, keyValue)
		for _, f := range v.Fields {
			dst = appendKey(dst, f, row)
		}
		return dst
	}
	panic("keyenc: unknown vector")
}

// appendKeyMap appends the entries of a map sorted by key, so that equal maps
// have equal bytes.
func appendKeyMap(dst []byte, v *vec.Map, row int) []byte {
	var entries [][]byte
	for e := v.Offs[row]; e < v.Offs[row+1]; e++ {
		entries = append(entries, appendKey(appendKey([]byte{keyOne}, v.Key, int(e)), v.Elem, int(e)))
	}
	slices.SortFunc(entries, bytes.Compare)
	dst = append(dst, keyValue)
	for _, e := range entries {
		dst = append(dst, e...)
	}
	return append(dst, keyEnd)
}

// DecodeKey appends the values of a key to the builders, one a column, and
// returns what follows the key. After an error the builders are of no use.
func DecodeKey(src []byte, ts []types.Type, bs []*vec.Builder) (rest []byte, err error) {
	d := keyDecoder{src: src}
	for i, t := range ts {
		d.value(t, bs[i])
	}
	return d.rest()
}

// DecodeSortKey is DecodeKey for AppendSortKey.
func DecodeSortKey(src []byte, ts []types.Type, orders []Order, bs []*vec.Builder) (rest []byte, err error) {
	d := keyDecoder{src: src}
	for i, t := range ts {
		if len(d.src) > 0 && (d.src[0] == keyNullFirst || d.src[0] == keyNullLast) {
			d.src = d.src[1:]
			bs[i].Null()
			continue
		}
		d.mask = 0
		if orders[i].Desc {
			d.mask = 0xFF
		}
		d.value(t, bs[i])
	}
	return d.rest()
}

// A keyDecoder reads values off src; every byte is XORed with mask (FF in
// descending columns). After the first error it does nothing.
type keyDecoder struct {
	src  []byte
	mask byte
	bad  bool
	buf  []byte
}

func (d *keyDecoder) rest() ([]byte, error) {
	if d.bad {
		return nil, errKey
	}
	return d.src, nil
}

func (d *keyDecoder) byte() byte {
	if len(d.src) == 0 {
		d.bad = true
		return 0
	}
	b := d.src[0] ^ d.mask
	d.src = d.src[1:]
	return b
}

// word reads n <= 8 bytes, big-endian.
func (d *keyDecoder) word(n int) (w uint64) {
	if len(d.src) < n {
		d.bad = true
		return 0
	}
	for _, b := range d.src[:n] {
		w = w<<8 | uint64(b^d.mask)
	}
	d.src = d.src[n:]
	return w
}

func (d *keyDecoder) value(t types.Type, b *vec.Builder) {
	if d.bad {
		return
	}
	first := d.byte()
	if d.bad {
		return
	}
	if first == keyNullFirst {
		b.Null()
		return
	}
	phys := t.Phys()
	if phys <= types.PhysInt64 || phys == types.PhysInt128 {
		d.int(first, phys, b)
		return
	}
	if first != keyValue {
		d.bad = true
		return
	}
	switch phys {
	case types.PhysFloat32:
		w := uint32(d.word(4))
		if w>>31 != 0 {
			w &^= 1 << 31
		} else {
			w = ^w
		}
		b.Float(float64(math.Float32frombits(w)))
	case types.PhysFloat64:
		w := d.word(8)
		if w>>63 != 0 {
			w &^= 1 << 63
		} else {
			w = ^w
		}
		b.Float(math.Float64frombits(w))
	case types.PhysBytes:
		d.bytes(b)
	case types.PhysList:
		for d.more() {
			d.value(*t.Elem, b.Kid(0))
		}
		b.End()
	case types.PhysMap:
		key, val := mapTypes(t)
		for d.more() {
			d.value(key, b.Kid(0))
			d.value(val, b.Kid(1))
		}
		b.End()
	case types.PhysRow:
		for i, f := range t.Fields {
			d.value(f.Type, b.Kid(i))
		}
		b.End()
	}
}

// more reads whether another element follows.
func (d *keyDecoder) more() bool {
	c := d.byte()
	if c != keyOne && c != keyEnd {
		d.bad = true
	}
	return !d.bad && c == keyOne
}

func (d *keyDecoder) int(first byte, phys types.Phys, b *vec.Builder) {
	var x types.Int128
	switch {
	case first >= keySmall && first < keySmall+keySmallMax:
		x.Lo = uint64(first - keySmall)
	case first > keyPos && first <= keyPos+16:
		x = d.wide(int(first-keyPos), 0)
	case first >= keyNeg-16 && first < keyNeg:
		x = d.wide(int(keyNeg-first), ^uint64(0))
	default:
		d.bad = true
	}
	if d.bad {
		return
	}
	if phys == types.PhysInt128 {
		b.Int128(x)
		return
	}
	if x.Hi != int64(x.Lo)>>63 {
		d.bad = true
		return
	}
	if phys == types.PhysBool {
		b.Bool(x.Lo != 0)
		return
	}
	b.Int(int64(x.Lo))
}

// wide reads n <= 16 bytes over a number whose bits are all sign.
func (d *keyDecoder) wide(n int, sign uint64) types.Int128 {
	hi := sign
	if n > 8 {
		if w := d.word(n - 8); n < 16 {
			hi = sign<<(8*(n-8)) | w
		} else {
			hi = w
		}
		n = 8
	}
	lo := d.word(n)
	if n < 8 {
		lo |= sign << (8 * n)
	}
	return types.Int128{Lo: lo, Hi: int64(hi)}
}

func (d *keyDecoder) bytes(b *vec.Builder) {
	d.buf = d.buf[:0]
	for !d.bad {
		c := d.byte()
		if c == strEscape {
			switch d.byte() {
			case strEnd:
				if !d.bad {
					b.Bytes(d.buf)
				}
				return
			case strZero:
			default:
				d.bad = true
			}
		}
		d.buf = append(d.buf, c)
	}
}

// AppendKeyTime appends a bucket's time: 8 bytes that compare as the times do.
func AppendKeyTime(dst []byte, t int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(t)^1<<63)
}

// KeyTime reads what AppendKeyTime wrote.
func KeyTime(src []byte) (t int64, rest []byte, err error) {
	if len(src) < 8 {
		return 0, nil, errKey
	}
	return int64(binary.BigEndian.Uint64(src) ^ 1<<63), src[8:], nil
}
