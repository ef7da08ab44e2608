package json

import (
	"encoding/binary"
	"math/bits"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

// usual names the shape that values of a type mostly have.
type usual uint8

const (
	none      usual = iota
	quotedAny       // any string
	integer         // at most 16 digits, as all numbers here
	small           // of an INT
	decimal         // up to 18 digits of precision, no rounding
	double
	date  // "yyyy-MM-dd"
	stamp // "yyyy-MM-dd HH:mm:ss.fff", with Z for a time zone
)

func usualOf(c *colbuf.Col) usual {
	switch c.Type.Kind {
	case types.Char, types.Varchar:
		return quotedAny
	case types.BigInt:
		return integer
	case types.Int:
		return small
	case types.Decimal:
		if c.Phys == types.PhysInt64 {
			return decimal
		}
	case types.Double:
		return double
	case types.Date:
		return date
	case types.Timestamp, types.TimestampLTZ:
		if c.Phys == types.PhysInt64 {
			return stamp
		}
	}
	return none
}

// usual reads the value at i if it has the shape that is usual for its type, and
// returns the position behind it; 0, with nothing appended, if it is not of that
// shape; -1 if it is not valid.
func (d *Decoder) usual(v *value, data []byte, i int) int {
	c := v.col
	switch v.usual {
	case quotedAny:
		if data[i] == '"' {
			return d.text(c, data, i+1)
		}
	case date:
		if len(data)-i > 11 && data[i] == '"' && data[i+11] == '"' {
			if days, ok := numtext.DateAt(data, i+1); ok {
				c.I32 = append(c.I32, days)
				return i + 12
			}
		}
	case stamp:
		if data[i] == '"' {
			return d.stamp(v, data, i+1)
		}
	case none:
	default:
		if end := plainNumber(data, i); end > 0 && usualNumber(v.usual, c, data, i, end) {
			return end
		}
	}
	return 0
}

func usualNumber(u usual, c *colbuf.Col, data []byte, from, to int) bool {
	switch u {
	case integer:
		x, ok := numtext.IntAt(data, from, to)
		if ok {
			c.I64 = append(c.I64, x)
		}
		return ok
	case small:
		x, ok := numtext.IntAt(data, from, to)
		if ok = ok && x == int64(int32(x)); ok {
			c.I32 = append(c.I32, int32(x))
		}
		return ok
	case decimal:
		x, ok := numtext.DecimalAt(data, from, to, c.Type.Prec, c.Type.Scale)
		if ok {
			c.I64 = append(c.I64, x)
		}
		return ok
	}
	x, ok := numtext.DoubleAt(data, from, to)
	if ok {
		c.F64 = append(c.F64, x)
	}
	return ok
}

// plainNumber returns the position behind the number at i; 0 if it has an exponent
// or is not valid.
func plainNumber(data []byte, i int) int {
	if data[i] == '-' {
		i++
	}
	from := i
	i = digitsEnd(data, i)
	if i == from || data[from] == '0' && i > from+1 {
		return 0
	}
	if data[i] == '.' {
		from = i + 1
		if i = digitsEnd(data, from); i == from {
			return 0
		}
	}
	if c := data[i]; c == ',' || c == '}' || delimits(c) {
		return i
	}
	return 0
}

// noDigits marks bytes of x that are no digits. The lowest that is marked is one.
func noDigits(x uint64) uint64 { return ((x + 0x4646464646464646) | (x - zeros)) & high }

// digitsEnd returns the position of the first byte from i on that is not a digit.
func digitsEnd(data []byte, i int) int {
	for ; len(data)-i >= 8; i += 8 {
		if m := noDigits(binary.LittleEndian.Uint64(data[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for data[i]-'0' <= 9 {
		i++
	}
	return i
}

// stamp appends the timestamp, up to microseconds, whose text starts at i; 0 if it
// is not a plain one. Neighbours mostly share their date, so it is read only when
// its text changes.
func (d *Decoder) stamp(v *value, data []byte, i int) int {
	if len(data)-i < 32 || data[i+10] != d.rules.Sep {
		return 0
	}
	end := textEnd(data, i+19)
	to := end
	if v.kind == types.TimestampLTZ {
		if to--; data[to] != 'Z' {
			return 0
		}
	}
	us, ok := numtext.ClockAt(data, i+11, to)
	if !ok || data[end] != '"' {
		return 0
	}
	if text := [10]byte(data[i:]); text != v.date || !v.dated {
		days, ok := numtext.DateAt(data, i)
		if !ok {
			return 0
		}
		v.date, v.day, v.dated = text, int64(days)*86_400_000_000, true
	}
	v.col.I64 = append(v.col.I64, v.day+numtext.CutMicros(us, v.col.Type.Prec))
	return end + 1
}

// text appends the string whose text starts at i and returns the position behind it;
// -1 if it is not valid, with a part of it perhaps in Data.
func (d *Decoder) text(c *colbuf.Col, data []byte, i int) int {
	if len(d.stops.all) > 0 {
		return d.stops.text(c, data, i)
	}
	return text(c, data, i)
}

// text appends the string whose text starts at i and returns the position behind
// it; -1 if it is not valid, with a part of it perhaps in Data. Words are copied
// while their end is searched for: most strings are too short to be worth a call.
func text(c *colbuf.Col, data []byte, i int) int {
	out, n := c.Data[:cap(c.Data)], len(c.Data)
	for {
		for len(data)-i >= 16 && len(out)-n >= 16 {
			x, y := binary.LittleEndian.Uint64(data[i:]), binary.LittleEndian.Uint64(data[i+8:])
			binary.LittleEndian.PutUint64(out[n:], x)
			binary.LittleEndian.PutUint64(out[n+8:], y)
			mx, my := special(x), special(y)
			if mx|my == 0 {
				i, n = i+16, n+16
				continue
			}
			k := bits.TrailingZeros64(mx) >> 3
			if mx == 0 {
				k = 8 + bits.TrailingZeros64(my)>>3
			}
			i, n = i+k, n+k
			if data[i] == '"' {
				c.Data, c.Offs = out[:n], append(c.Offs, uint32(n))
				return i + 1
			}
			break
		}
		end := textEnd(data, i) // i but at the ends of data and out
		if end == len(data) {
			return -1
		}
		c.Data = append(out[:n], data[i:end]...)
		switch {
		case data[end] == '"':
			c.Offs = append(c.Offs, uint32(len(c.Data)))
			return end + 1
		case data[end] != '\\' || escapeLen(data, end) == 0:
			return -1
		}
		k := 0
		c.Data, k = unescapeOne(c.Data, data[end:])
		out, n = c.Data[:cap(c.Data)], len(c.Data)
		i = end + k
	}
}

// special marks bytes of x that end plain text: quotes, backslashes and control
// characters. The lowest that is marked is one.
func special(x uint64) uint64 {
	return (((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones) | (x - ' '*ones)) &^ x & high
}
