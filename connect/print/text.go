package print

import (
	"strconv"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// appendRow appends a row with its kind: +I[1, abc].
func appendRow(dst []byte, kind vec.RowKind, types []types.Type, cols []vec.Vector, row int) []byte {
	dst = append(dst, kind.String()...)
	dst = append(dst, '[')
	for i, c := range cols {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendCell(dst, &types[i], c, row)
	}
	return append(dst, ']')
}

// appendCell appends a value as Java's toString writes what Flink hands to its
// print sink. That is CAST AS STRING but for null, booleans, times and whatever
// holds other values.
func appendCell(dst []byte, t *types.Type, v vec.Vector, row int) []byte {
	if v.Null(row) {
		return append(dst, "null"...)
	}
	switch d := v.(type) {
	case *vec.Const:
		v, row = d.Val, 0
	case *vec.Dict:
		v, row = d.Words, int(d.Codes[row])
	}
	switch t.Kind {
	case types.Boolean:
		return strconv.AppendBool(dst, v.(*vec.Fixed[bool]).Vals[row])
	case types.Time:
		ms := int64(v.(*vec.Fixed[int32]).Vals[row])
		return appendClock(dst, time.UnixMilli(ms).UTC())
	case types.Timestamp, types.TimestampLTZ:
		return appendStamp(dst, t, instant(v, row))
	case types.Binary, types.Varbinary:
		return appendBytes(dst, v.(*vec.Bytes).At(row))
	case types.Array:
		l := v.(*vec.List)
		return appendList(dst, "[]", l.Offs[row], l.Offs[row+1], func(dst []byte, e int) []byte { return appendCell(dst, t.Elem, l.Elem, e) })
	case types.Map, types.Multiset:
		key, elem := t.Key, t.Elem
		if t.Kind == types.Multiset {
			key, elem = t.Elem, &types.TInt
		}
		m := v.(*vec.Map)
		return appendList(dst, "{}", m.Offs[row], m.Offs[row+1], func(dst []byte, e int) []byte {
			return appendCell(append(appendCell(dst, key, m.Key, e), '='), elem, m.Elem, e)
		})
	case types.Row:
		r := v.(*vec.Row)
		fields := make([]types.Type, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = f.Type
		}
		return appendRow(dst, vec.Insert, fields, r.Fields, row)
	}
	return expr.AppendText(dst, *t, v, row, time.UTC)
}

func appendList(dst []byte, brackets string, from, to uint32, item func(dst []byte, i int) []byte) []byte {
	dst = append(dst, brackets[0])
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ", "...)
		}
		dst = item(dst, int(i))
	}
	return append(dst, brackets[1])
}

// appendBytes appends Java's bytes, which have signs.
func appendBytes(dst, b []byte) []byte {
	return appendList(dst, "[]", 0, uint32(len(b)), func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(int8(b[i])), 10) })
}

// instant returns a timestamp; one without a zone as if it were in UTC.
func instant(v vec.Vector, row int) time.Time {
	if f, ok := v.(*vec.Fixed[int64]); ok {
		return time.UnixMicro(f.Vals[row]).UTC()
	}
	n := v.(*vec.Fixed[types.Int128]).Vals[row]
	const billion = 1_000_000_000
	// Nanoseconds of the years that Flink has fit in 94 bits: split them at 2^32.
	high, low := n.Hi<<32|int64(n.Lo>>32), int64(n.Lo&0xFFFFFFFF)
	seconds, rest := high/billion, high%billion
	rest = rest<<32 | low
	return time.Unix(seconds<<32+rest/billion, rest%billion).UTC()
}

// appendStamp appends 2026-01-01T00:00 or, as an instant, 2026-01-01T00:00:00Z.
func appendStamp(dst []byte, t *types.Type, at time.Time) []byte {
	dst = append(at.AppendFormat(dst, time.DateOnly), 'T')
	if t.Kind == types.Timestamp {
		return appendClock(dst, at)
	}
	return append(appendFraction(at.AppendFormat(dst, time.TimeOnly), at.Nanosecond()), 'Z')
}

// appendClock appends a time of day without seconds if they are zero.
func appendClock(dst []byte, at time.Time) []byte {
	if at.Second() == 0 && at.Nanosecond() == 0 {
		return at.AppendFormat(dst, "15:04")
	}
	return appendFraction(at.AppendFormat(dst, time.TimeOnly), at.Nanosecond())
}

// appendFraction appends nothing or 3, 6 or 9 digits.
func appendFraction(dst []byte, ns int) []byte {
	digits := 9
	for ; digits > 0 && ns%1000 == 0; digits -= 3 {
		ns /= 1000
	}
	if digits == 0 {
		return dst
	}
	text := strconv.Itoa(ns)
	dst = append(dst, '.')
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
