package wire

import (
	"encoding/binary"
	"unsafe"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A reader takes things off the front of a body. After the first thing that does
// not fit, bad is set and everything is empty.
type reader struct {
	src   []byte
	bad   bool
	depth int
}

// depthMax bounds nested columns.
const depthMax = 64

func (r *reader) fail() { r.bad, r.src = true, nil }

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.src) {
		r.fail()
		return nil
	}
	b := r.src[:n]
	r.src = r.src[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// count reads a number of things that take at least a bit each of what is left.
func (r *reader) count() int {
	x, n := binary.Uvarint(r.src)
	if n <= 0 || x > uint64(len(r.src))*8+64 {
		r.fail()
		return 0
	}
	r.src = r.src[n:]
	return int(x)
}

func (r *reader) varint() int64 {
	x, n := binary.Varint(r.src)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.src = r.src[n:]
	return x
}

func (r *reader) batch() *vec.Batch {
	rows, x := binary.Uvarint(r.src)
	if x <= 0 || rows > 1<<31 {
		r.fail()
		return nil
	}
	r.src = r.src[x:]
	b := &vec.Batch{Rows: int(rows)}
	cols, marks := r.count(), r.count()
	if r.byte() == 1 {
		for _, k := range r.take(b.Rows) {
			if k > byte(vec.Delete) {
				r.fail()
				return nil
			}
			b.Kinds = append(b.Kinds, vec.RowKind(k))
		}
		if b.Rows == 0 {
			b.Kinds = []vec.RowKind{}
		}
	}
	for range marks {
		m := vec.Mark{Row: int32(r.count())}
		m.Time = r.varint()
		b.Marks = append(b.Marks, m)
	}
	for range cols {
		if r.bad {
			return nil
		}
		b.Cols = append(b.Cols, r.column(b.Rows))
	}
	if !r.bad && b.Check() != nil {
		r.fail()
	}
	return b
}

func read[T any](r *reader, n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if n > len(r.src)/size {
		r.fail()
		return nil
	}
	out := make([]T, n)
	copy(raw(out), r.take(n*size))
	return out
}

func fixed[T vec.Scalar](r *reader, rows int) vec.Vector {
	valid := r.valid(rows)
	return &vec.Fixed[T]{Vals: read[T](r, rows), Valid: valid}
}

// bools reads bytes that must be 0 or 1: another value is no Go bool.
func (r *reader) bools(rows int) vec.Vector {
	v := &vec.Fixed[bool]{Valid: r.valid(rows)}
	for _, b := range r.take(rows) {
		if b > 1 {
			r.fail()
		}
		v.Vals = append(v.Vals, b == 1)
	}
	return v
}

func (r *reader) valid(rows int) vec.Bitmap {
	if r.byte() == 0 {
		return nil
	}
	return read[uint64](r, (rows+63)/64)
}

func (r *reader) offsets(rows int) []uint32 {
	offs := read[uint32](r, rows+1)
	for i := 1; i < len(offs); i++ {
		if offs[i] < offs[i-1] {
			r.fail()
		}
	}
	if r.bad || len(offs) == 0 || offs[0] != 0 {
		r.fail()
		return make([]uint32, 1)
	}
	return offs
}

func (r *reader) column(rows int) vec.Vector {
	if r.depth++; r.depth > depthMax {
		r.fail()
	}
	defer func() { r.depth-- }()
	t := tag(r.byte())
	if r.bad {
		return &vec.Fixed[bool]{}
	}
	switch t {
	case tagBool:
		return r.bools(rows)
	case tagInt8:
		return fixed[int8](r, rows)
	case tagInt16:
		return fixed[int16](r, rows)
	case tagInt32:
		return fixed[int32](r, rows)
	case tagInt64:
		return fixed[int64](r, rows)
	case tagFloat32:
		return fixed[float32](r, rows)
	case tagFloat64:
		return fixed[float64](r, rows)
	case tagInt128:
		return fixed[types.Int128](r, rows)
	case tagBytes:
		v := &vec.Bytes{Valid: r.valid(rows), Offs: r.offsets(rows)}
		v.Data = append([]byte(nil), r.take(r.count())...)
		if int(v.Offs[len(v.Offs)-1]) > len(v.Data) {
			r.fail()
		}
		return v
	case tagList:
		v := &vec.List{Valid: r.valid(rows), Offs: r.offsets(rows)}
		v.Elem = r.column(int(v.Offs[len(v.Offs)-1]))
		return v
	case tagMap:
		v := &vec.Map{Valid: r.valid(rows), Offs: r.offsets(rows)}
		n := int(v.Offs[len(v.Offs)-1])
		v.Key, v.Elem = r.column(n), r.column(n)
		return v
	case tagRow:
		v := &vec.Row{Valid: r.valid(rows), N: rows}
		for range r.count() {
			v.Fields = append(v.Fields, r.column(rows))
		}
		return v
	case tagConst:
		return &vec.Const{Val: r.column(1), N: rows}
	case tagDict:
		v := &vec.Dict{Codes: read[uint32](r, rows)}
		words := r.count()
		v.Words = r.column(words)
		for _, c := range v.Codes {
			if int(c) >= words {
				r.fail()
			}
		}
		return v
	}
	r.fail()
	return &vec.Fixed[bool]{}
}
