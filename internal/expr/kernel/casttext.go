package kernel

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// toText casts anything to CHAR, VARCHAR or STRING: its text, cut to the length
// and, for CHAR, padded with blanks.
func (c *caster) toText() castEval {
	from, to := c.from, c.to
	limit := to.Len
	if to.Kind == types.Varchar && (limit == types.MaxLen || from.Character() && from.Len <= limit) {
		limit = 0
	}
	if from.Character() && limit == 0 {
		return same
	}
	pad := to.Kind == types.Char
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		return Strs(rows, n, func(dst []byte, i int) []byte {
			at := len(dst)
			dst = appendText(dst, &from, v, i, c.zone)
			if limit > 0 {
				dst = fitText(dst, at, limit, pad)
			}
			return dst
		}), nil
	}
}

// fitText cuts what follows at to limit characters, or pads it.
func fitText(dst []byte, at, limit int, pad bool) []byte {
	if len(dst)-at <= limit && !pad {
		return dst
	}
	n := 0
	for i := at; i < len(dst); n++ {
		if n == limit {
			return dst[:i]
		}
		_, size := utf8.DecodeRune(dst[i:])
		i += size
	}
	for ; pad && n < limit; n++ {
		dst = append(dst, ' ')
	}
	return dst
}

// fromText reads values from texts.
func (c *caster) fromText() castEval {
	to := c.to
	switch to.Kind {
	case types.Boolean:
		return parse(c, func(s []byte) (bool, bool, bool) { b, ok := parseBool(s); return b, false, ok })
	case types.TinyInt:
		return parseInt[int8](c, 1<<7)
	case types.SmallInt:
		return parseInt[int16](c, 1<<15)
	case types.Int:
		return parseInt[int32](c, 1<<31)
	case types.BigInt:
		return parseInt[int64](c, 1<<63)
	case types.Float:
		return parse(c, func(s []byte) (float32, bool, bool) { f, ok := types.ParseDouble(s); return float32(f), false, ok })
	case types.Double:
		return parse(c, func(s []byte) (float64, bool, bool) { f, ok := types.ParseDouble(s); return f, false, ok })
	case types.Decimal:
		if to.Prec > 18 {
			return parse(c, func(s []byte) (types.Int128, bool, bool) {
				v, fits, ok := types.ParseDecimal(s, to.Prec, to.Scale)
				return v, false, ok && fits
			})
		}
		return parse(c, func(s []byte) (int64, bool, bool) {
			v, fits, ok := types.ParseDecimal(s, to.Prec, to.Scale)
			return int64(v.Lo), false, ok && fits
		})
	case types.Binary, types.Varbinary:
		return c.binary()
	case types.IntervalMonth:
		return parse(c, func(s []byte) (int64, bool, bool) { m, ok := types.ParseMonths(s); return m, false, ok })
	case types.IntervalSecond:
		return parse(c, func(s []byte) (int64, bool, bool) { m, ok := types.ParseMillis(s); return m, false, ok })
	}
	return c.timeFromText()
}

func (c *caster) timeFromText() castEval {
	switch c.to.Kind {
	case types.Date:
		return parse(c, func(s []byte) (int32, bool, bool) { d, ok := types.ParseDate(s); return int32(d), false, ok })
	case types.Time:
		return parse(c, func(s []byte) (int32, bool, bool) { t, ok := types.ParseTime(s); return int32(t), false, ok })
	case types.Timestamp, types.TimestampLTZ:
		local := c.to.Kind == types.TimestampLTZ
		if c.to.Prec > 6 {
			return parse(c, func(s []byte) (types.Int128, bool, bool) {
				v, ok := c.stamp(s, local)
				return v, false, ok
			})
		}
		unit := types.Pow10Int(6 - c.to.Prec)
		return parse(c, func(s []byte) (int64, bool, bool) {
			civil, ok := types.ParseTimestamp(s)
			if !ok {
				return 0, false, false
			}
			m := floorTo(civil.Micros(), unit)
			if local {
				m = c.zone.UTC(m)
			}
			return m, false, true
		})
	}
	return nil
}

// stamp reads a timestamp of more than six digits, in nanoseconds.
func (c *caster) stamp(s []byte, local bool) (types.Int128, bool) {
	civil, ok := types.ParseTimestamp(s)
	if !ok {
		return types.Int128{}, false
	}
	unit := int(types.Pow10Int(9 - c.to.Prec))
	v := types.Int128Of(civil.Micros()).MulInt(1000).Add(types.Int128Of(int64(civil.Nano % 1000 / unit * unit)))
	if local {
		v = c.zone.UTCNanos(v)
	}
	return v, true
}

// parseBool reads t, true, y, yes, 1 and f, false, n, no, 0, in any case.
func parseBool(s []byte) (b, ok bool) {
	if len(s) > 5 {
		return false, false
	}
	switch strings.ToLower(string(s)) {
	case "t", "true", "y", "yes", "1":
		return true, true
	case "f", "false", "n", "no", "0":
		return false, true
	}
	return false, false
}

func parseInt[R integer](c *caster, limit uint64) castEval {
	return parse(c, func(s []byte) (R, bool, bool) {
		v, ok := ParseInt(s, limit)
		return R(v), false, ok
	})
}

// ParseInt reads an integer as Flink's CAST does: blanks around it aside, with a
// sign, and a fraction that is cut off. Its magnitude must be below limit, or be
// limit itself if it is negative.
func ParseInt(s []byte, limit uint64) (int64, bool) {
	s = bytes.Trim(s, " ")
	if len(s) == 0 {
		return 0, false
	}
	neg := s[0] == '-'
	if neg || s[0] == '+' {
		if s = s[1:]; len(s) == 0 {
			return 0, false
		}
	}
	n := uint64(0)
	for i, ch := range s {
		if ch == '.' {
			if !allDigits(s[i+1:]) {
				return 0, false
			}
			break
		}
		if ch < '0' || ch > '9' || n > limit/10 {
			return 0, false
		}
		n = n*10 + uint64(ch-'0')
	}
	if n > limit || n == limit && !neg {
		return 0, false
	}
	if neg {
		return -int64(n), true
	}
	return int64(n), true
}

func allDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// binary casts texts and bytes to bytes: cut to the length and, for BINARY,
// padded with zeros.
func (c *caster) binary() castEval {
	limit, pad := c.to.Len, c.to.Kind == types.Binary
	if !pad && limit == types.MaxLen {
		return same
	}
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		in := Str(v)
		return Strs(rows, n, func(dst []byte, i int) []byte {
			s := in.At(i)
			dst = append(dst, s[:min(len(s), limit)]...)
			for k := len(s); pad && k < limit; k++ {
				dst = append(dst, 0)
			}
			return dst
		}), nil
	}
}
