package keyenc

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// RowVersion names the format of AppendRow; it is the first byte of every row.
//
//	row    = version nulls value*
//	nulls  = a bit a column, bit i of byte i/8, set if NULL; then no value follows
//	value  = BOOLEAN                a byte
//	         integers, times, …     zigzag varint
//	         FLOAT, DOUBLE          4 or 8 bytes, little-endian
//	         128 bits               a byte n, then the low n bytes, little-endian,
//	                                the rest is sign
//	         strings, bytes         varint length, bytes
//	         ARRAY                  varint n, nulls of n, values
//	         MAP, MULTISET          varint n, nulls of n, keys, nulls of n, values
//	         ROW                    nulls, values
const RowVersion = 1

var errRow = errors.New("malformed row")

// AppendRow appends the columns of a row in the compact form, which keeps every
// value as it is, has no order, and tells where it ends.
func AppendRow(dst []byte, ts []types.Type, cols []vec.Vector, row int) []byte {
	dst = append(dst, RowVersion)
	return appendFields(dst, cols, row)
}

// AppendRowHead appends what goes before the values of a row of n columns and
// returns where its null bits begin: set them with SetRowNull.
func AppendRowHead(dst []byte, n int) (row []byte, nulls int) {
	dst = append(dst, RowVersion)
	nulls = len(dst)
	return appendZeros(dst, (n+7)/8), nulls
}

// SetRowNull makes column i NULL.
func SetRowNull(row []byte, nulls, i int) { row[nulls+i>>3] |= 1 << (i & 7) }

// AppendRowBool appends a BOOLEAN to a row that AppendRowHead began.
func AppendRowBool(dst []byte, x bool) []byte { return append(dst, byte(boolWord(x))) }

// AppendRowInt appends a value of 8 to 64 bits.
func AppendRowInt(dst []byte, x int64) []byte { return binary.AppendVarint(dst, x) }

// AppendRowBytes appends a string or bytes.
func AppendRowBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// AppendRowInt128 appends a value of 128 bits.
func AppendRowInt128(dst []byte, x types.Int128) []byte {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], x.Lo)
	binary.LittleEndian.PutUint64(b[8:], uint64(x.Hi))
	sign := byte(x.Hi >> 63)
	n := 16
	// The top bit of what is kept must be the sign.
	for n > 0 && b[n-1] == sign && (n == 1 && sign == 0 || n > 1 && b[n-2]>>7 == sign>>7) {
		n--
	}
	return append(append(dst, byte(n)), b[:n]...)
}

// AppendRowFloat appends a DOUBLE.
func AppendRowFloat(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// AppendRowFloat32 appends a FLOAT.
func AppendRowFloat32(dst []byte, f float32) []byte {
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
}

// AppendRowValue appends the value of any type in column v, which is not NULL.
func AppendRowValue(dst []byte, v vec.Vector, row int) []byte {
	v, row = deref(v, row)
	switch v := v.(type) {
	case *vec.Fixed[int64]:
		return AppendRowInt(dst, v.Vals[row])
	case *vec.Fixed[int32]:
		return AppendRowInt(dst, int64(v.Vals[row]))
	case *vec.Fixed[int16]:
		return AppendRowInt(dst, int64(v.Vals[row]))
	case *vec.Fixed[int8]:
		return AppendRowInt(dst, int64(v.Vals[row]))
	case *vec.Fixed[bool]:
		return AppendRowBool(dst, v.Vals[row])
	case *vec.Fixed[float64]:
		return AppendRowFloat(dst, v.Vals[row])
	case *vec.Fixed[float32]:
		return AppendRowFloat32(dst, v.Vals[row])
	case *vec.Fixed[types.Int128]:
		return AppendRowInt128(dst, v.Vals[row])
	case *vec.Bytes:
		return AppendRowBytes(dst, v.At(row))
	case *vec.List:
		from, to := int(v.Offs[row]), int(v.Offs[row+1])
		return appendRun(binary.AppendUvarint(dst, uint64(to-from)), v.Elem, from, to)
	case *vec.Map:
		from, to := int(v.Offs[row]), int(v.Offs[row+1])
		dst = appendRun(binary.AppendUvarint(dst, uint64(to-from)), v.Key, from, to)
		return appendRun(dst, v.Elem, from, to)
	case *vec.Row:
		return appendFields(dst, v.Fields, row)
	}
	panic("keyenc: unknown vector")
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, 0)
	}
	return dst
}

func appendFields(dst []byte, cols []vec.Vector, row int) []byte {
	nulls := len(dst)
	dst = appendZeros(dst, (len(cols)+7)/8)
	for i, c := range cols {
		if c.Null(row) {
			SetRowNull(dst, nulls, i)
			continue
		}
		dst = AppendRowValue(dst, c, row)
	}
	return dst
}

// appendRun appends the elements [from, to) of a list.
func appendRun(dst []byte, v vec.Vector, from, to int) []byte {
	nulls := len(dst)
	dst = appendZeros(dst, (to-from+7)/8)
	for e := from; e < to; e++ {
		if v.Null(e) {
			SetRowNull(dst, nulls, e-from)
			continue
		}
		dst = AppendRowValue(dst, v, e)
	}
	return dst
}

// DecodeRow appends the values of a row to the builders, one a column, and
// returns what follows the row. After an error the builders are of no use.
func DecodeRow(src []byte, ts []types.Type, bs []*vec.Builder) (rest []byte, err error) {
	d := rowDecoder{src: src}
	if d.byte() != RowVersion {
		return nil, errRow
	}
	nulls := d.take((len(ts) + 7) / 8)
	for i, t := range ts {
		d.value(t, bs[i], nulls, i)
	}
	if d.bad {
		return nil, errRow
	}
	return d.src, nil
}

// DecodeRowValue appends one value that AppendRowValue wrote.
func DecodeRowValue(src []byte, t types.Type, b *vec.Builder) (rest []byte, err error) {
	d := rowDecoder{src: src}
	d.present(t, b)
	if d.bad {
		return nil, errRow
	}
	return d.src, nil
}

// A rowDecoder reads values off src; after the first error it does nothing.
type rowDecoder struct {
	src []byte
	bad bool
}

func (d *rowDecoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.src) {
		d.bad = true
		return nil
	}
	b := d.src[:n]
	d.src = d.src[n:]
	return b
}

func (d *rowDecoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *rowDecoder) varint() int64 {
	x, n := binary.Varint(d.src)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.src = d.src[n:]
	return x
}

// count reads a number of things of which eight take a byte at least.
func (d *rowDecoder) count() int {
	x, n := binary.Uvarint(d.src)
	if n <= 0 || x > 8*uint64(len(d.src)) {
		d.bad = true
		return 0
	}
	d.src = d.src[n:]
	return int(x)
}

func (d *rowDecoder) value(t types.Type, b *vec.Builder, nulls []byte, i int) {
	if d.bad {
		return
	}
	if nulls[i>>3]&(1<<(i&7)) != 0 {
		b.Null()
		return
	}
	d.present(t, b)
}

func (d *rowDecoder) run(t types.Type, b *vec.Builder, n int) {
	nulls := d.take((n + 7) / 8)
	for i := 0; i < n && !d.bad; i++ {
		d.value(t, b, nulls, i)
	}
}

func (d *rowDecoder) present(t types.Type, b *vec.Builder) {
	switch t.Phys() {
	case types.PhysBool:
		b.Bool(d.byte() != 0)
	case types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		b.Int(d.varint())
	case types.PhysFloat32:
		if w := d.take(4); w != nil {
			b.Float(float64(math.Float32frombits(binary.LittleEndian.Uint32(w))))
		}
	case types.PhysFloat64:
		if w := d.take(8); w != nil {
			b.Float(math.Float64frombits(binary.LittleEndian.Uint64(w)))
		}
	case types.PhysInt128:
		d.wide(b)
	case types.PhysBytes:
		n, k := binary.Uvarint(d.src)
		if k <= 0 || n > uint64(len(d.src)-k) {
			d.bad = true
			return
		}
		d.src = d.src[k:]
		b.Bytes(d.take(int(n)))
	case types.PhysList:
		d.run(*t.Elem, b.Kid(0), d.count())
		b.End()
	case types.PhysMap:
		key, val := mapTypes(t)
		n := d.count()
		d.run(key, b.Kid(0), n)
		d.run(val, b.Kid(1), n)
		b.End()
	case types.PhysRow:
		nulls := d.take((len(t.Fields) + 7) / 8)
		for i, f := range t.Fields {
			d.value(f.Type, b.Kid(i), nulls, i)
		}
		b.End()
	}
}

func (d *rowDecoder) wide(b *vec.Builder) {
	n := int(d.byte())
	if n > 16 {
		d.bad = true
		return
	}
	var buf [16]byte
	w := d.take(n)
	copy(buf[:], w)
	if n > 0 && w != nil && w[n-1]>>7 != 0 {
		for i := n; i < 16; i++ {
			buf[i] = 0xFF
		}
	}
	if !d.bad {
		b.Int128(types.Int128{Lo: binary.LittleEndian.Uint64(buf[:8]), Hi: int64(binary.LittleEndian.Uint64(buf[8:]))})
	}
}
