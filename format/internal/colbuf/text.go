package colbuf

import (
	"encoding/base64"
	"math"

	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

// Rules say how a format writes dates and times.
type Rules struct {
	Date      numtext.DateRule // of DATE
	Stamp     numtext.DateRule // of the date in a TIMESTAMP
	Sep       byte             // between date and time: ' ' or 'T'
	ShortTime bool             // TIME may leave out its seconds
	ShortSec  bool             // TIMESTAMP may leave out its seconds
}

// Trim cuts blanks and control characters at both ends, as Java's trim does.
func Trim(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// Text appends the value that a text stands for, and says whether it is one; if
// not, nothing is appended. A decimal that is too large is NULL, as in Flink.
// Columns of arrays, maps and rows have no text form: Bad.
func (c *Col) Text(b []byte, r *Rules) numtext.Status {
	switch c.Type.Kind {
	case types.Char, types.Varchar:
		c.Bytes(b)
		return numtext.OK
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalMonth, types.IntervalSecond:
		v, st := numtext.Int(Trim(b))
		if st == numtext.OK {
			st = c.CheckInt(v)
		}
		if st == numtext.OK {
			c.Int(v)
		}
		return st
	case types.Boolean:
		c.Bools = append(c.Bools, isTrue(Trim(b)))
		return numtext.OK
	case types.Double:
		v, st := numtext.Float(Trim(b), 64)
		if st == numtext.OK {
			c.F64 = append(c.F64, v)
		}
		return st
	case types.Float:
		v, st := numtext.Float(Trim(b), 32)
		if st == numtext.OK {
			c.F32 = append(c.F32, float32(v))
		}
		return st
	case types.Decimal:
		return c.decimal(Trim(b))
	case types.Date:
		days, n := numtext.Date(b, r.Date)
		if n == 0 || n != len(b) {
			return numtext.Bad
		}
		c.I32 = append(c.I32, int32(days))
		return numtext.OK
	case types.Time:
		sec, nano, n := numtext.Clock(b, r.ShortTime)
		if n == 0 || n != len(b) {
			return numtext.Bad
		}
		c.I32 = append(c.I32, int32(sec*1000+numtext.Cut(nano, min(3, c.Type.Prec))/1_000_000))
		return numtext.OK
	case types.Timestamp, types.TimestampLTZ:
		return c.stamp(Trim(b), r)
	case types.Binary, types.Varbinary:
		return c.base64(b)
	case types.Null:
		c.Null()
		return numtext.OK
	}
	return numtext.Bad
}

// CheckInt reports whether an integer fits the column.
func (c *Col) CheckInt(v int64) numtext.Status {
	ok := true
	switch c.Phys {
	case types.PhysInt8:
		ok = v == int64(int8(v))
	case types.PhysInt16:
		ok = v == int64(int16(v))
	case types.PhysInt32:
		ok = v == int64(int32(v))
	}
	if c.Type.Kind == types.IntervalMonth {
		ok = v >= math.MinInt32 && v <= math.MaxInt32
	}
	if ok {
		return numtext.OK
	}
	return numtext.Over
}

func isTrue(b []byte) bool {
	return len(b) == 4 && b[0]|0x20 == 't' && b[1]|0x20 == 'r' && b[2]|0x20 == 'u' && b[3]|0x20 == 'e'
}

func (c *Col) decimal(b []byte) numtext.Status {
	if c.Phys == types.PhysInt64 {
		v, st := numtext.Decimal64(b, c.Type.Prec, c.Type.Scale)
		switch st {
		case numtext.OK:
			c.I64 = append(c.I64, v)
		case numtext.Over:
			c.Null()
			st = numtext.OK
		}
		return st
	}
	v, st := numtext.Decimal(b, c.Type.Prec, c.Type.Scale)
	switch st {
	case numtext.OK:
		c.Wide = append(c.Wide, v)
	case numtext.Over:
		c.Null()
		st = numtext.OK
	}
	return st
}

// Stamp reads a timestamp, all of b; LTZ ones have a zone at the end.
func (r *Rules) stampOf(b []byte, ltz bool) (sec int64, nano int, ok bool) {
	days, n := numtext.Date(b, r.Stamp)
	if n == 0 || len(b) <= n || b[n] != r.Sep && !(r.Sep == 'T' && b[n] == 't') {
		return 0, 0, false
	}
	clock, nano, m := numtext.Clock(b[n+1:], r.ShortSec)
	if m == 0 {
		return 0, 0, false
	}
	sec = int64(days)*86400 + int64(clock)
	rest := b[n+1+m:]
	if !ltz {
		return sec, nano, len(rest) == 0
	}
	off, ok := numtext.Offset(rest)
	return sec - int64(off), nano, ok
}

func (c *Col) stamp(b []byte, r *Rules) numtext.Status {
	sec, nano, ok := r.stampOf(b, c.Type.Kind == types.TimestampLTZ)
	if !ok {
		return numtext.Bad
	}
	c.Timestamp(sec, numtext.Cut(nano, c.Type.Prec))
	return numtext.OK
}

func (c *Col) base64(b []byte) numtext.Status {
	n := len(c.Data)
	out, err := base64.StdEncoding.AppendDecode(c.Data, b)
	if err != nil {
		c.Data = c.Data[:n]
		return numtext.Bad
	}
	c.Data = out
	c.Offs = append(c.Offs, uint32(len(c.Data)))
	return numtext.OK
}

// Problem says what is wrong with a text that Text refused.
func Problem(st numtext.Status, t types.Type, text []byte) error {
	return &problem{st, t.Name(), Shorten(text)}
}

type problem struct {
	status numtext.Status
	typ    string
	text   string
}

func (p *problem) Error() string {
	if p.status == numtext.Over {
		return "'" + p.text + "' is out of range of " + p.typ
	}
	return "'" + p.text + "' is not a valid " + p.typ
}

// textMax is how much of a bad record or value an error shows, in bytes.
const textMax = 200

// Shorten returns a text as an error shows it.
func Shorten(b []byte) string {
	if len(b) > textMax {
		return string(b[:textMax]) + "…"
	}
	return string(b)
}
