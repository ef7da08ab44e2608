package csv

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
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
	quoted  [256]bool // bytes that make a text be quoted
	null    []byte
	text    []byte
	cols    []column
	seconds []second // by column
}

// A column is a column of the batch that is written, without its dictionary.
type column struct {
	vec   vec.Vector
	codes []uint32 // of vec by row; nil: see one
	one   bool     // all rows have vec's only value
	bytes *vec.Bytes
	ints  *vec.Fixed[int64]
	t     types.Type
}

// A second is one that was written, with its text: the rows of a stream are often of the
// same.
type second struct {
	at   int64
	text []byte
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
	e := &Encoder{options: o, schema: spec.Schema, null: o.null}
	minSafe := max(o.delim, '\n') + 1
	if o.quoting {
		minSafe = max(minSafe, o.quote+1)
	}
	for c := range e.quoted {
		b := byte(c)
		e.quoted[c] = b < minSafe || b == o.quote || b == o.delim || o.escaping && b == o.escape
	}
	e.cols = make([]column, len(spec.Schema))
	e.seconds = make([]second, len(spec.Schema))
	return e, nil
}

// Encode implements format.Encoder.
func (e *Encoder) Encode(dst []byte, b *vec.Batch) ([]byte, error) {
	if len(b.Cols) != len(e.schema) {
		return dst, fmt.Errorf("format csv: a batch of %d columns for %d", len(b.Cols), len(e.schema))
	}
	for c, v := range b.Cols {
		e.cols[c] = columnOf(v, e.schema[c].Type)
	}
	for i := range b.Len() {
		row := b.Row(i)
		for c := range e.cols {
			if c > 0 {
				dst = append(dst, e.delim)
			}
			dst = e.cell(dst, c, row)
		}
		dst = append(dst, '\n')
	}
	clear(e.cols) // what was written is not kept
	return dst, nil
}

func columnOf(v vec.Vector, t types.Type) column {
	c := column{vec: v, t: t}
	switch x := v.(type) {
	case *vec.Const:
		c.vec, c.one = x.Val, true
	case *vec.Dict:
		c.vec, c.codes = x.Words, x.Codes
	}
	if t.Character() {
		c.bytes, _ = c.vec.(*vec.Bytes)
	} else if t.Kind == types.BigInt || t.Stamp() {
		c.ints, _ = c.vec.(*vec.Fixed[int64])
	}
	return c
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
func (e *Encoder) cell(dst []byte, at, row int) []byte {
	c := &e.cols[at]
	switch {
	case c.codes != nil:
		row = int(c.codes[row])
	case c.one:
		row = 0
	}
	switch {
	case c.bytes != nil:
		if !c.bytes.Valid.Null(row) {
			return e.quoteText(dst, c.bytes.At(row), at == 0)
		}
	case c.ints != nil:
		if !c.ints.Valid.Null(row) {
			if c.t.Kind == types.BigInt {
				return strconv.AppendInt(dst, c.ints.Vals[row], 10)
			}
			e.text = e.stamp(e.text[:0], c.ints.Vals[row], at)
			return e.quoteText(dst, e.text, at == 0)
		}
	case !c.vec.Null(row):
		if bare(c.t) {
			return e.value(dst, c.vec, row, c.t)
		}
		e.text = e.value(e.text[:0], c.vec, row, c.t)
		return e.quoteText(dst, e.text, at == 0)
	}
	return append(dst, e.null...)
}

// stamp appends a time in microseconds.
func (e *Encoder) stamp(dst []byte, us int64, at int) []byte {
	sec, rest := floor(us, 1_000_000)
	s := &e.seconds[at]
	if s.text == nil || s.at != sec {
		s.at, s.text = sec, numtext.AppendTimestamp(s.text[:0], sec, 0, ' ', numtext.Short)
	}
	dst = numtext.AppendFraction(append(dst, s.text...), rest*1000, numtext.Short)
	if e.cols[at].t.Kind == types.TimestampLTZ {
		dst = append(dst, 'Z')
	}
	return dst
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
	if bytes.IndexByte(text, e.quote) < 0 && (!e.escaping || bytes.IndexByte(text, e.escape) < 0) {
		return append(append(dst, text...), e.quote)
	}
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
	if len(text) > quoteFreeMax && (len(text) > utf8.UTFMax*quoteFreeMax || beginsASCII(text) || numtext.Runes(text) > quoteFreeMax) {
		return true
	}
	for _, c := range text {
		if e.quoted[c] {
			return true
		}
	}
	return first && e.comments && len(text) > 0 && text[0] == '#'
}

// beginsASCII reports whether the first quoteFreeMax+1 bytes of a text that has so many are
// a character each: most long texts are known to be long by them.
func beginsASCII(text []byte) bool {
	all := binary.LittleEndian.Uint64(text) | binary.LittleEndian.Uint64(text[8:]) | binary.LittleEndian.Uint64(text[16:]) | uint64(text[quoteFreeMax])
	return all&0x8080808080808080 == 0
}
