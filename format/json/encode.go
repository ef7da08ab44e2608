package json

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/internal/expr/variant"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// An Encoder writes an object a line, with the columns in their order. Decimals
// lose the zeros at their end and timestamps those of their fraction, as in
// Flink; NaN and infinities are strings.
type Encoder struct {
	options
	schema types.Schema
	keys   *keys
	sep    byte
}

// keys are an object's keys as they are written, and those of objects inside.
type keys struct {
	text [][]byte // with quotes and colon
	kids []*keys  // of ROWs, or of an array's or map's elements
}

func newKeys(s []types.Field) *keys {
	k := &keys{}
	for _, f := range s {
		k.text = append(k.text, append(appendString(nil, []byte(f.Name)), ':'))
		k.kids = append(k.kids, kidKeys(f.Type))
	}
	return k
}

func kidKeys(t types.Type) *keys {
	switch t.Kind {
	case types.Row:
		return newKeys(t.Fields)
	case types.Array, types.Map:
		return kidKeys(*t.Elem)
	}
	return nil
}

// NewEncoder returns an encoder.
func NewEncoder(spec format.Spec) (*Encoder, error) {
	o, err := readOptions(spec.Options)
	if err != nil {
		return nil, fmt.Errorf("format json: %w", err)
	}
	if err := checkSchema(spec.Schema); err != nil {
		return nil, err
	}
	e := &Encoder{options: o, schema: spec.Schema, keys: newKeys(spec.Schema), sep: ' '}
	if o.iso {
		e.sep = 'T'
	}
	return e, nil
}

// Encode implements format.Encoder.
func (e *Encoder) Encode(dst []byte, b *vec.Batch) ([]byte, error) {
	if len(b.Cols) != len(e.schema) {
		return dst, fmt.Errorf("format json: a batch of %d columns for %d", len(b.Cols), len(e.schema))
	}
	var err error
	for i := range b.Len() {
		if dst, err = e.object(dst, b.Cols, b.Row(i), e.schema, e.keys); err != nil {
			return dst, err
		}
		dst = append(dst, '\n')
	}
	return dst, nil
}

func (e *Encoder) object(dst []byte, cols []vec.Vector, row int, fields []types.Field, k *keys) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for c := range cols {
		v, at := flat(cols[c], row)
		null := v.Null(at)
		if null && e.ignoreNulls {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, k.text[c]...)
		if null {
			dst = append(dst, "null"...)
			continue
		}
		var err error
		if dst, err = e.value(dst, v, at, &fields[c].Type, k.kids[c]); err != nil {
			return dst, fmt.Errorf("column '%s': %w", fields[c].Name, err)
		}
	}
	return append(dst, '}'), nil
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

// value appends a value that is not NULL, of a vector that is flat.
func (e *Encoder) value(dst []byte, v vec.Vector, row int, t *types.Type, k *keys) ([]byte, error) {
	switch x := v.(type) {
	case *vec.Fixed[bool]:
		return strconv.AppendBool(dst, x.Vals[row]), nil
	case *vec.Fixed[int8]:
		return strconv.AppendInt(dst, int64(x.Vals[row]), 10), nil
	case *vec.Fixed[int16]:
		return strconv.AppendInt(dst, int64(x.Vals[row]), 10), nil
	case *vec.Fixed[int32]:
		return e.int32(dst, x.Vals[row], t.Kind), nil
	case *vec.Fixed[int64]:
		switch t.Kind {
		case types.Timestamp, types.TimestampLTZ:
			sec, us := x.Vals[row]/1_000_000, x.Vals[row]%1_000_000
			if us < 0 {
				sec, us = sec-1, us+1_000_000
			}
			return e.stamp(dst, sec, int(us)*1000, t), nil
		case types.Decimal:
			return e.decimal(dst, types.Int128Of(x.Vals[row]), t.Scale), nil
		}
		return strconv.AppendInt(dst, x.Vals[row], 10), nil
	case *vec.Fixed[float32]:
		return float(dst, float64(x.Vals[row]), 32), nil
	case *vec.Fixed[float64]:
		return float(dst, x.Vals[row], 64), nil
	case *vec.Fixed[types.Int128]:
		if t.Stamp() {
			q, ns := x.Vals[row].DivInt(1_000_000_000)
			sec, _ := q.Int64()
			return e.stamp(dst, sec, int(ns), t), nil
		}
		return e.decimal(dst, x.Vals[row], t.Scale), nil
	case *vec.Bytes:
		if t.Kind == types.Variant {
			return variant.Of(x.At(row)).AppendJSON(dst), nil
		}
		if t.Bytes() {
			dst = base64.StdEncoding.AppendEncode(append(dst, '"'), x.At(row))
			return append(dst, '"'), nil
		}
		return appendString(dst, x.At(row)), nil
	}
	return e.nested(dst, v, row, t, k)
}

func (e *Encoder) int32(dst []byte, v int32, k types.Kind) []byte {
	switch k {
	case types.Date:
		return append(numtext.AppendDate(append(dst, '"'), int(v)), '"')
	case types.Time:
		return append(numtext.AppendClock(append(dst, '"'), int(v)/1000, int(v)%1000*1_000_000, numtext.Short), '"')
	}
	return strconv.AppendInt(dst, int64(v), 10)
}

func (e *Encoder) stamp(dst []byte, sec int64, nano int, t *types.Type) []byte {
	dst = numtext.AppendTimestamp(append(dst, '"'), sec, nano, e.sep, numtext.Short)
	if t.Kind == types.TimestampLTZ {
		dst = append(dst, 'Z')
	}
	return append(dst, '"')
}

func float(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(numtext.AppendFloat(append(dst, '"'), f, bits), '"')
	}
	return numtext.AppendFloat(dst, f, bits)
}

func (e *Encoder) nested(dst []byte, v vec.Vector, row int, t *types.Type, k *keys) ([]byte, error) {
	switch x := v.(type) {
	case *vec.Row:
		return e.object(dst, x.Fields, row, t.Fields, k)
	case *vec.List:
		dst = append(dst, '[')
		for i := x.Offs[row]; i < x.Offs[row+1]; i++ {
			if i > x.Offs[row] {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = e.nullable(dst, x.Elem, int(i), t.Elem, k); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case *vec.Map:
		return e.mapping(dst, x, row, t, k)
	}
	return dst, fmt.Errorf("%s cannot be written", t.Name())
}

func (e *Encoder) nullable(dst []byte, v vec.Vector, row int, t *types.Type, k *keys) ([]byte, error) {
	v, row = flat(v, row)
	if v.Null(row) {
		return append(dst, "null"...), nil
	}
	return e.value(dst, v, row, t, k)
}

var errNullKey = errors.New("a map has a NULL key, which JSON cannot hold: set 'json.map-null-key.mode' to DROP or LITERAL")

func (e *Encoder) mapping(dst []byte, x *vec.Map, row int, t *types.Type, k *keys) ([]byte, error) {
	elem := t.Elem
	if t.Kind == types.Multiset {
		elem = &types.TInt
	}
	dst = append(dst, '{')
	first := true
	for i := int(x.Offs[row]); i < int(x.Offs[row+1]); i++ {
		key, at := flat(x.Key, i)
		null := key.Null(at)
		if null && e.keyMode == "FAIL" {
			return dst, errNullKey
		}
		if null && e.keyMode == "DROP" {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if null {
			dst = appendString(dst, []byte(e.keyLiteral))
		} else {
			dst = appendString(dst, key.(*vec.Bytes).At(at))
		}
		var err error
		if dst, err = e.nullable(append(dst, ':'), x.Elem, i, elem, k); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendString appends a string in quotes, escaped as Jackson does: quote,
// backslash and control characters only.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		k := textEnd(s, 0)
		dst = append(dst, s[:k]...)
		if k == len(s) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[k])
		s = s[k+1:]
	}
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '\\')
	switch c {
	case '"', '\\':
		return append(dst, c)
	case '\b':
		return append(dst, 'b')
	case '\f':
		return append(dst, 'f')
	case '\n':
		return append(dst, 'n')
	case '\r':
		return append(dst, 'r')
	case '\t':
		return append(dst, 't')
	}
	return append(dst, 'u', '0', '0', hex[c>>4], hex[c&15])
}

// decimal appends a decimal without the zeros at its end, with an exponent where Java
// has one; or as it is.
func (e *Encoder) decimal(dst []byte, v types.Int128, scale int) []byte {
	if e.plain {
		return types.AppendDecimal128(dst, v, scale)
	}
	return numtext.AppendDecimal(dst, v, scale, false)
}
