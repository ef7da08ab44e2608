package types

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
)

// An Int128 is a signed 128-bit integer in two's complement. As a column of
// wide decimals it is the unscaled value, as a column of timestamps it is
// nanoseconds.
type Int128 struct {
	Lo uint64
	Hi int64
}

// Int128Of returns x as an Int128.
func Int128Of(x int64) Int128 { return Int128{Lo: uint64(x), Hi: x >> 63} }

// Int64 returns the low 64 bits as an int64, and whether they are all of a.
func (a Int128) Int64() (int64, bool) { return int64(a.Lo), a.Hi == int64(a.Lo)>>63 }

// Sign returns -1, 0 or 1.
func (a Int128) Sign() int {
	if a.Hi < 0 {
		return -1
	}
	if a.Hi == 0 && a.Lo == 0 {
		return 0
	}
	return 1
}

// Neg returns -a; the least Int128 is its own negative.
func (a Int128) Neg() Int128 {
	lo, borrow := bits.Sub64(0, a.Lo, 0)
	hi, _ := bits.Sub64(0, uint64(a.Hi), borrow)
	return Int128{lo, int64(hi)}
}

// Abs returns the magnitude of a.
func (a Int128) Abs() Int128 {
	if a.Hi < 0 {
		return a.Neg()
	}
	return a
}

// Add returns a+b, wrapping.
func (a Int128) Add(b Int128) Int128 {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(uint64(a.Hi), uint64(b.Hi), carry)
	return Int128{lo, int64(hi)}
}

// Sub returns a-b, wrapping.
func (a Int128) Sub(b Int128) Int128 {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(uint64(a.Hi), uint64(b.Hi), borrow)
	return Int128{lo, int64(hi)}
}

// Cmp returns -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Int128) Cmp(b Int128) int {
	switch {
	case a.Hi != b.Hi:
		if a.Hi < b.Hi {
			return -1
		}
		return 1
	case a.Lo != b.Lo:
		if a.Lo < b.Lo {
			return -1
		}
		return 1
	}
	return 0
}

// Less reports whether a < b.
func (a Int128) Less(b Int128) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }

// Mul returns a*b and whether it fits.
func (a Int128) Mul(b Int128) (Int128, bool) {
	neg := a.Hi < 0 != (b.Hi < 0)
	p := mul256(a.Abs(), b.Abs())
	if p[2]|p[3] != 0 || p[1]>>63 != 0 {
		return Int128{}, false
	}
	r := Int128{p[0], int64(p[1])}
	if neg {
		r = r.Neg()
	}
	return r, true
}

// MulInt returns a*b, wrapping.
func (a Int128) MulInt(b int64) Int128 {
	hi, lo := bits.Mul64(a.Lo, uint64(b))
	hi += uint64(a.Hi) * uint64(b)
	if b < 0 {
		hi -= a.Lo
	}
	return Int128{lo, int64(hi)}
}

// DivInt returns the quotient rounded down and the remainder in [0, d), for d > 0.
func (a Int128) DivInt(d int64) (Int128, int64) {
	neg := a.Hi < 0
	m := a.Abs()
	qh, r := bits.Div64(0, uint64(m.Hi), uint64(d))
	ql, r := bits.Div64(r, m.Lo, uint64(d))
	q := Int128{ql, int64(qh)}
	if !neg {
		return q, int64(r)
	}
	q = q.Neg()
	if r == 0 {
		return q, 0
	}
	return q.Sub(Int128{Lo: 1}), d - int64(r)
}

// mul256 multiplies two magnitudes; the result has its least word first.
func mul256(a, b Int128) [4]uint64 {
	var p [4]uint64
	h00, l00 := bits.Mul64(a.Lo, b.Lo)
	h01, l01 := bits.Mul64(a.Lo, uint64(b.Hi))
	h10, l10 := bits.Mul64(uint64(a.Hi), b.Lo)
	h11, l11 := bits.Mul64(uint64(a.Hi), uint64(b.Hi))
	var c1, c2 uint64
	p[0] = l00
	p[1], c1 = bits.Add64(h00, l01, 0)
	p[2], c2 = bits.Add64(h01, h10, c1)
	p[3] = h11 + c2
	p[1], c1 = bits.Add64(p[1], l10, 0)
	p[2], c2 = bits.Add64(p[2], l11, c1)
	p[3] += c2
	return p
}

// QuoRem divides, truncating toward zero; the remainder has the sign of a. It
// panics if b is zero.
func (a Int128) QuoRem(b Int128) (quo, rem Int128) {
	q, r := divMag(a.Abs(), b.Abs())
	if a.Hi < 0 != (b.Hi < 0) {
		q = q.Neg()
	}
	if a.Hi < 0 {
		r = r.Neg()
	}
	return q, r
}

// divMag divides magnitudes, which are below 2^127.
func divMag(a, b Int128) (quo, rem Int128) {
	if b.Hi == 0 {
		if b.Lo == 0 {
			panic("types: division of an Int128 by zero")
		}
		qh, r := bits.Div64(0, uint64(a.Hi), b.Lo)
		ql, r := bits.Div64(r, a.Lo, b.Lo)
		return Int128{ql, int64(qh)}, Int128{Lo: r}
	}
	// The quotient is below 2^64: estimate it by the normalised upper word, less
	// one, and correct (Hacker's Delight, 2nd edition, section 9-5, udivdi3).
	s := uint(bits.LeadingZeros64(uint64(b.Hi)))
	top := uint64(b.Hi)<<s | b.Lo>>1>>(63-s)
	q, _ := bits.Div64(uint64(a.Hi)>>1, uint64(a.Hi)<<63|a.Lo>>1, top)
	q >>= 63 - s
	if q != 0 {
		q--
	}
	r := a.Sub(mulLow(b, q))
	if !r.Less(b) {
		q++
		r = r.Sub(b)
	}
	return Int128{Lo: q}, r
}

// mulLow returns the low 128 bits of b*q.
func mulLow(b Int128, q uint64) Int128 {
	hi, lo := bits.Mul64(b.Lo, q)
	return Int128{lo, int64(hi + uint64(b.Hi)*q)}
}

// Float returns a as the nearest float64.
func (a Int128) Float() float64 {
	if v, ok := a.Int64(); ok {
		return float64(v)
	}
	f, _ := new(big.Float).SetInt(a.Big()).Float64()
	return f
}

// Int128FromFloat returns f cut to an integer, and whether it fits.
func Int128FromFloat(f float64) (Int128, bool) {
	if math.IsNaN(f) || f >= 0x1p127 || f < -0x1p127 {
		return Int128{}, false
	}
	b, _ := big.NewFloat(math.Trunc(f)).Int(nil)
	return Int128FromBig(b), true
}

// Big returns a as a big.Int, for the edges.
func (a Int128) Big() *big.Int {
	b := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return b.Add(b, new(big.Int).SetUint64(a.Lo))
}

var mask64 = new(big.Int).SetUint64(math.MaxUint64)

// Int128FromBig returns the low 128 bits of b.
func Int128FromBig(b *big.Int) Int128 {
	lo := new(big.Int).And(b, mask64).Uint64()
	hi := new(big.Int).And(new(big.Int).Rsh(b, 64), mask64).Uint64()
	return Int128{lo, int64(hi)}
}

// String returns a in decimal.
func (a Int128) String() string { return string(a.Append(nil)) }

// Append appends a in decimal.
func (a Int128) Append(dst []byte) []byte { return AppendDecimal128(dst, a, 0) }

// MarshalText implements encoding.TextMarshaler.
func (a Int128) MarshalText() ([]byte, error) { return a.Append(nil), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Int128) UnmarshalText(text []byte) error {
	b, ok := new(big.Int).SetString(string(text), 10)
	if !ok || b.BitLen() > 127 {
		return errors.New("no 128-bit integer: " + string(text))
	}
	*a = Int128FromBig(b)
	return nil
}
