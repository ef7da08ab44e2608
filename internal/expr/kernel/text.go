package kernel

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/millrace-io/millrace/internal/expr/roar"
	"github.com/millrace-io/millrace/internal/expr/variant"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// AppendText appends a cell as CAST(x AS STRING) writes it, NULL as NULL;
// timestamps with a local zone are shown in zone (nil: UTC).
func AppendText(dst []byte, t types.Type, v vec.Vector, row int, zone *time.Location) []byte {
	return appendText(dst, &t, v, row, types.NewZone(zone))
}

// AppendPrinted appends a cell as Flink's client prints it, which differs in that
// BYTES are hexadecimal: x'0a'.
func AppendPrinted(dst []byte, t types.Type, v vec.Vector, row int, zone *time.Location) []byte {
	return textForm{types.NewZone(zone), true}.append(dst, &t, v, row)
}

func appendText(dst []byte, t *types.Type, v vec.Vector, row int, zone *types.Zone) []byte {
	return textForm{zone, false}.append(dst, t, v, row)
}

// A textForm is what a value's text depends on besides the value.
type textForm struct {
	zone *types.Zone
	hex  bool // of BYTES
}

func (f textForm) append(dst []byte, t *types.Type, v vec.Vector, row int) []byte {
	v, row = flatAt(v, row)
	if v.Null(row) {
		return append(dst, "NULL"...)
	}
	switch v := v.(type) {
	case *vec.Fixed[bool]:
		return appendBool(dst, v.Vals[row])
	case *vec.Fixed[int8]:
		return strconv.AppendInt(dst, int64(v.Vals[row]), 10)
	case *vec.Fixed[int16]:
		return strconv.AppendInt(dst, int64(v.Vals[row]), 10)
	case *vec.Fixed[int32]:
		return appendInt32(dst, t, v.Vals[row])
	case *vec.Fixed[int64]:
		return appendInt64(dst, t, v.Vals[row], f.zone)
	case *vec.Fixed[float32]:
		return types.AppendFloat(dst, v.Vals[row])
	case *vec.Fixed[float64]:
		return types.AppendDouble(dst, v.Vals[row])
	case *vec.Fixed[types.Int128]:
		return appendInt128(dst, t, v.Vals[row], f.zone)
	case *vec.Bytes:
		if f.hex && (t.Kind == types.Binary || t.Kind == types.Varbinary) {
			return fmt.Appendf(dst, "x'%x'", v.At(row))
		}
		return appendBytes(dst, t, v.At(row))
	}
	return f.nested(dst, t, v, row)
}

func appendBytes(dst []byte, t *types.Type, b []byte) []byte {
	switch t.Kind {
	case types.Binary, types.Varbinary:
		return appendValid(dst, b)
	case types.Variant:
		return variant.Of(b).AppendJSON(dst)
	case types.Bitmap:
		return roar.AppendText(dst, b)
	}
	return append(dst, b...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "TRUE"...)
	}
	return append(dst, "FALSE"...)
}

func appendInt32(dst []byte, t *types.Type, x int32) []byte {
	switch t.Kind {
	case types.Date:
		return types.AppendDate(dst, int(x))
	case types.Time:
		return types.AppendTime(dst, int(x), t.Prec)
	}
	return strconv.AppendInt(dst, int64(x), 10)
}

func appendInt64(dst []byte, t *types.Type, x int64, zone *types.Zone) []byte {
	switch t.Kind {
	case types.Decimal:
		return types.AppendDecimal64(dst, x, t.Scale)
	case types.Timestamp:
		return types.AppendTimestamp(dst, x, t.Prec)
	case types.TimestampLTZ:
		return types.AppendTimestamp(dst, zone.Local(x), t.Prec)
	case types.IntervalMonth:
		return types.AppendMonths(dst, x)
	case types.IntervalSecond:
		return types.AppendMillis(dst, x)
	}
	return strconv.AppendInt(dst, x, 10)
}

func appendInt128(dst []byte, t *types.Type, x types.Int128, zone *types.Zone) []byte {
	switch t.Kind {
	case types.Timestamp:
		return types.AppendTimestampNanos(dst, x, t.Prec)
	case types.TimestampLTZ:
		return types.AppendTimestampNanos(dst, zone.LocalNanos(x), t.Prec)
	}
	return types.AppendDecimal128(dst, x, t.Scale)
}

// appendValid appends bytes as text: what is no UTF-8 becomes U+FFFD.
func appendValid(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	return append(dst, bytes.ToValidUTF8(b, []byte("\uFFFD"))...)
}

// nested writes [1, NULL], {a=1, b=NULL} and (1, x).
func (f textForm) nested(dst []byte, t *types.Type, v vec.Vector, row int) []byte {
	switch v := v.(type) {
	case *vec.List:
		dst = append(dst, '[')
		for e := v.Offs[row]; e < v.Offs[row+1]; e++ {
			if e > v.Offs[row] {
				dst = append(dst, ", "...)
			}
			dst = f.append(dst, t.Elem, v.Elem, int(e))
		}
		return append(dst, ']')
	case *vec.Map:
		key, elem := t.Key, t.Elem
		if t.Kind == types.Multiset {
			key, elem = t.Elem, &types.TInt
		}
		dst = append(dst, '{')
		for e := v.Offs[row]; e < v.Offs[row+1]; e++ {
			if e > v.Offs[row] {
				dst = append(dst, ", "...)
			}
			dst = append(f.append(dst, key, v.Key, int(e)), '=')
			dst = f.append(dst, elem, v.Elem, int(e))
		}
		return append(dst, '}')
	}
	r := v.(*vec.Row)
	dst = append(dst, '(')
	for i, field := range r.Fields {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = f.append(dst, &t.Fields[i].Type, field, row)
	}
	return append(dst, ')')
}
