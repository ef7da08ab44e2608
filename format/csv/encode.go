package csv

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// quoteFreeMax is the longest text that Jackson looks through for characters to
// quote; what is longer is always quoted.
const quoteFreeMax = 24

// An Encoder writes records as Jackson does: numbers bare, text in quotes if it
// is longer than 24 characters or has one that is not above the delimiter and
// the quote in ASCII (so a timestamp's blank). NULL is the null literal, else
// nothing.
type Encoder struct {
	options
	schema  types.Schema
	minSafe byte // characters below it are quoted
	null    []byte
	text    []byte
}

// NewEncoder returns an encoder.
func NewEncoder(spec format.Spec) (*Encoder, error) {
	o, err := readOptions(spec.Options)
	if err != nil {
		return nil, fmt.Errorf("format csv: %w", err)
	}
	if err := checkSchema(spec.Schema); err != nil {
		return nil, err
	}
	e := &Encoder{options: o, schema: spec.Schema, minSafe: max(o.delim, '\n') + 1, null: o.null}
	if o.quoting {
		e.minSafe = max(e.minSafe, o.quote+1)
	}
	return e, nil
}

// Encode implements format.Encoder.
func (e *Encoder) Encode(dst []byte, b *vec.Batch) ([]byte, error) {
	if len(b.Cols) != len(e.schema) {
		return dst, fmt.Errorf("format csv: a batch of %d columns for %d", len(b.Cols), len(e.schema))
	}
	for i := range b.Len() {
		row := b.Row(i)
		for c, v := range b.Cols {
			if c > 0 {
				dst = append(dst, e.delim)
			}
			dst = e.cell(dst, v, row, e.schema[c].Type, c == 0)
		}
		dst = append(dst, '\n')
	}
	return dst, nil
}

// flat returns the vector and row that hold a value.
func flat(v vec.Vector, row int) (vec.Vector, int) {
	switch x := v.(type) {
	case *vec.Const:
		return x.Val, 0
	case *vec.Dict:
		return x.Words, int(x.Codes[row])
	}
	return v, row
}

// cell appends one cell.
func (e *Encoder) cell(dst []byte, v vec.Vector, row int, t types.Type, first bool) []byte {
	v, row = flat(v, row)
	if v.Null(row) {
		return append(dst, e.null...)
	}
	if t.Character() {
		return e.quoteText(dst, v.(*vec.Bytes).At(row), first)
	}
	if bare(t) {
		return e.value(dst, v, row, t)
	}
	e.text = e.value(e.text[:0], v, row, t)
	return e.quoteText(dst, e.text, first)
}

// bare reports whether values of a type are never quoted.
func bare(t types.Type) bool { return t.Numeric() || t.Kind == types.Boolean || t.Interval() }

// value appends the text of a value that is not NULL.
func (e *Encoder) value(dst []byte, v vec.Vector, row int, t types.Type) []byte {
	switch x := v.(type) {
	case *vec.Fixed[bool]:
		return strconv.AppendBool(dst, x.Vals[row])
	case *vec.Fixed[int8]:
		return strconv.AppendInt(dst, int64(x.Vals[row]), 10)
	case *vec.Fixed[int16]:
		return strconv.AppendInt(dst, int64(x.Vals[row]), 10)
	case *vec.Fixed[int32]:
		switch t.Kind {
		case types.Date:
			return numtext.AppendDate(dst, int(x.Vals[row]))
		case types.Time:
			ms := int(x.Vals[row])
			return numtext.AppendClock(dst, ms/1000, ms%1000*1_000_000, numtext.Short)
		}
		return strconv.AppendInt(dst, int64(x.Vals[row]), 10)
	case *vec.Fixed[int64]:
		switch {
		case t.Stamp():
			sec, us := floor(x.Vals[row], 1_000_000)
			return stamp(dst, sec, us*1000, t)
		case t.Kind == types.Decimal:
			return numtext.AppendDecimal(dst, types.Int128Of(x.Vals[row]), t.Scale, e.plain)
		}
		return strconv.AppendInt(dst, x.Vals[row], 10)
	case *vec.Fixed[float32]:
		return numtext.AppendFloat(dst, float64(x.Vals[row]), 32)
	case *vec.Fixed[float64]:
		return numtext.AppendFloat(dst, x.Vals[row], 64)
	case *vec.Fixed[types.Int128]:
		if t.Stamp() {
			sec, ns := x.Vals[row].DivInt(1_000_000_000)
			s, _ := sec.Int64()
			return stamp(dst, s, int(ns), t)
		}
		return numtext.AppendDecimal(dst, x.Vals[row], t.Scale, e.plain)
	case *vec.Bytes:
		if t.Bytes() {
			return base64.StdEncoding.AppendEncode(dst, x.At(row))
		}
		return append(dst, x.At(row)...)
	case *vec.List:
		for i := x.Offs[row]; i < x.Offs[row+1]; i++ {
			dst = e.part(dst, x.Elem, int(i), *t.Elem, i > x.Offs[row])
		}
	case *vec.Row:
		for i, f := range x.Fields {
			dst = e.part(dst, f, row, t.Fields[i].Type, i > 0)
		}
	}
	return dst
}

// part appends an element of an array or a field of a row.
func (e *Encoder) part(dst []byte, v vec.Vector, row int, t types.Type, more bool) []byte {
	if more {
		dst = append(dst, e.element...)
	}
	v, row = flat(v, row)
	if v.Null(row) {
		return append(dst, e.null...)
	}
	return e.value(dst, v, row, t)
}

func floor(v, by int64) (int64, int) {
	q, r := v/by, v%by
	if r < 0 {
		q, r = q-1, r+by
	}
	return q, int(r)
}

func stamp(dst []byte, sec int64, nano int, t types.Type) []byte {
	dst = numtext.AppendTimestamp(dst, sec, nano, ' ', numtext.Short)
	if t.Kind == types.TimestampLTZ {
		dst = append(dst, 'Z')
	}
	return dst
}

// quoteText appends a text, in quotes if Jackson would.
func (e *Encoder) quoteText(dst, text []byte, first bool) []byte {
	if !e.quoting {
		if !e.escaping {
			return append(dst, text...)
		}
		for _, c := range text {
			if c == e.escape || c == e.delim || c == '\n' || c == '\r' {
				dst = append(dst, e.escape)
				switch c {
				case '\n':
					c = 'n'
				case '\r':
					c = 'r'
				}
			}
			dst = append(dst, c)
		}
		return dst
	}
	if !e.needsQuotes(text, first) {
		return append(dst, text...)
	}
	dst = append(dst, e.quote)
	from := 0
	for i, c := range text {
		if c == e.quote {
			dst = append(append(dst, text[from:i]...), e.quote)
			from = i
		} else if e.escaping && c == e.escape {
			dst = append(append(dst, text[from:i]...), e.escape)
			from = i
		}
	}
	return append(append(dst, text[from:]...), e.quote)
}

func (e *Encoder) needsQuotes(text []byte, first bool) bool {
	if len(text) > quoteFreeMax && utf8.RuneCount(text) > quoteFreeMax {
		return true
	}
	for _, c := range text {
		if c < e.minSafe || c == e.quote || c == e.delim || e.escaping && c == e.escape {
			return true
		}
	}
	return first && e.comments && len(text) > 0 && text[0] == '#'
}
