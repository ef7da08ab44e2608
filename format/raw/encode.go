package raw

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/vec"
)

// An Encoder writes a value a line.
type Encoder struct {
	layout
	order binary.AppendByteOrder
}

// NewEncoder returns an encoder.
func NewEncoder(spec format.Spec) (*Encoder, error) {
	l, err := newLayout(spec)
	if err != nil {
		return nil, err
	}
	e := &Encoder{layout: l, order: binary.BigEndian}
	if l.little {
		e.order = binary.LittleEndian
	}
	return e, nil
}

// Encode implements format.Encoder.
func (e *Encoder) Encode(dst []byte, b *vec.Batch) ([]byte, error) {
	if len(b.Cols) != 1 {
		return dst, fmt.Errorf("format raw: a batch of %d columns for 1", len(b.Cols))
	}
	col := vec.Flat(b.Cols[0])
	for i := range b.Len() {
		row := b.Row(i)
		if col.Null(row) {
			return dst, fmt.Errorf("format raw: column '%s' is NULL, which a record cannot be", e.name)
		}
		dst = append(e.value(dst, col, row), '\n')
	}
	return dst, nil
}

func (e *Encoder) value(dst []byte, v vec.Vector, row int) []byte {
	switch x := v.(type) {
	case *vec.Bytes:
		if e.typ.Character() && e.charset != utf8Text {
			return e.appendText(dst, x.At(row))
		}
		return append(dst, x.At(row)...)
	case *vec.Fixed[bool]:
		if x.Vals[row] {
			return append(dst, 1)
		}
		return append(dst, 0)
	case *vec.Fixed[int8]:
		return append(dst, byte(x.Vals[row]))
	case *vec.Fixed[int16]:
		return e.order.AppendUint16(dst, uint16(x.Vals[row]))
	case *vec.Fixed[int32]:
		return e.order.AppendUint32(dst, uint32(x.Vals[row]))
	case *vec.Fixed[int64]:
		return e.order.AppendUint64(dst, uint64(x.Vals[row]))
	case *vec.Fixed[float32]:
		return e.order.AppendUint32(dst, math.Float32bits(x.Vals[row]))
	case *vec.Fixed[float64]:
		return e.order.AppendUint64(dst, math.Float64bits(x.Vals[row]))
	}
	panic("format raw: a vector of " + e.typ.Name())
}

// appendText appends a text in the charset. As in Java, what it does not have
// becomes a question mark.
func (e *Encoder) appendText(dst, text []byte) []byte {
	last := rune(0x7F)
	if e.charset == latin1 {
		last = 0xFF
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		if r > last {
			r = '?'
		}
		dst = append(dst, byte(r))
	}
	return dst
}
