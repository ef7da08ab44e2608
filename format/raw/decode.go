package raw

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Decoder reads a value a line.
type Decoder struct {
	layout
	col    *colbuf.Col
	wanted bool // the column is read; if not, lines are counted
}

// NewDecoder returns a decoder.
func NewDecoder(spec format.Spec) (*Decoder, error) {
	l, err := newLayout(spec)
	if err != nil {
		return nil, err
	}
	return &Decoder{layout: l, col: colbuf.New(l.typ), wanted: len(spec.Columns) > 0}, nil
}

// Skipped implements format.Decoder.
func (d *Decoder) Skipped() int64 { return 0 }

// Decode implements format.Decoder.
func (d *Decoder) Decode(data []byte, final bool) (*vec.Batch, int, error) {
	d.col.ResetFor(len(data))
	rows, i := 0, 0
	for rows < vec.BatchRowsMax && i < vec.BatchBytesMax {
		value, next := d.record(data, i, final)
		if next < 0 {
			break
		}
		if d.width > 0 && len(value) != d.width {
			if rows > 0 {
				break // the rows before it come first
			}
			return nil, 0, &format.RecordError{Column: d.name, Record: colbuf.Shorten(value),
				Err: fmt.Errorf("the record has %d bytes, and %s has %d", len(value), d.typ.Name(), d.width)}
		}
		if d.wanted {
			d.add(value)
		}
		rows++
		i = next
	}
	b := &vec.Batch{Rows: rows}
	if d.wanted {
		b.Cols = []vec.Vector{d.col.Finish()}
	}
	return b, i, nil
}

// record returns the record at i, without its end, and where the next one
// starts; -1 if its end is not there yet. A carriage return before the line feed
// belongs to the end.
func (d *Decoder) record(data []byte, i int, final bool) ([]byte, int) {
	rest := data[i:]
	if len(rest) == 0 {
		return nil, -1
	}
	if w := d.width; w > 0 && len(rest) > w { // the value may hold line feeds
		if rest[w] == '\n' {
			return rest[:w], i + w + 1
		}
		if rest[w] == '\r' {
			if len(rest) > w+1 && rest[w+1] == '\n' {
				return rest[:w], i + w + 2
			}
			if len(rest) == w+1 && !final {
				return nil, -1
			}
		}
	} else if w > 0 && !final {
		return nil, -1
	} else if len(rest) == w {
		return rest, i + w
	}
	end := bytes.IndexByte(rest, '\n')
	switch {
	case end < 0 && !final:
		return nil, -1
	case end < 0:
		return rest, len(data)
	case end > 0 && rest[end-1] == '\r':
		return rest[:end-1], i + end + 1
	}
	return rest[:end], i + end + 1
}

// add appends a value of the right length.
func (d *Decoder) add(v []byte) {
	c := d.col
	switch d.typ.Kind {
	case types.Binary, types.Varbinary:
		c.Bytes(v)
	case types.Char, types.Varchar:
		c.Data = d.appendText(c.Data, v)
		c.Offs = append(c.Offs, uint32(len(c.Data)))
	case types.Boolean:
		c.Bools = append(c.Bools, v[0] != 0)
	case types.TinyInt:
		c.I8 = append(c.I8, int8(v[0]))
	case types.SmallInt:
		x := binary.BigEndian.Uint16(v)
		if d.little {
			x = bits.ReverseBytes16(x)
		}
		c.I16 = append(c.I16, int16(x))
	case types.Int, types.Float:
		x := binary.BigEndian.Uint32(v)
		if d.little {
			x = bits.ReverseBytes32(x)
		}
		if d.typ.Kind == types.Float {
			c.F32 = append(c.F32, math.Float32frombits(x))
		} else {
			c.I32 = append(c.I32, int32(x))
		}
	default:
		x := binary.BigEndian.Uint64(v)
		if d.little {
			x = bits.ReverseBytes64(x)
		}
		if d.typ.Kind == types.Double {
			c.F64 = append(c.F64, math.Float64frombits(x))
		} else {
			c.I64 = append(c.I64, int64(x))
		}
	}
}

// appendText appends a text as UTF-8. As in Java, what the charset does not have
// becomes U+FFFD.
func (d *Decoder) appendText(dst, v []byte) []byte {
	switch d.charset {
	case utf8Text:
		if utf8.Valid(v) {
			return append(dst, v...)
		}
		for len(v) > 0 {
			r, n := utf8.DecodeRune(v)
			dst = utf8.AppendRune(dst, r)
			v = v[n:]
		}
		return dst
	case ascii:
		for _, c := range v {
			if c >= utf8.RuneSelf {
				dst = utf8.AppendRune(dst, utf8.RuneError)
			} else {
				dst = append(dst, c)
			}
		}
		return dst
	}
	for _, c := range v {
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst
}
