package types

import (
	"math/bits"
	"strconv"
)

// DecimalMax is the most digits that a DECIMAL may have.
const DecimalMax = 38

// pow10s are the powers of ten that an Int128 holds.
var pow10s = func() (p [DecimalMax + 1]Int128) {
	p[0] = Int128{Lo: 1}
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1].MulInt(10)
	}
	return p
}()

var pow10s64 = func() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// Pow10 returns 10^n for n in [0, 38].
func Pow10(n int) Int128 { return pow10s[n] }

// Pow10Int returns 10^n for n in [0, 18].
func Pow10Int(n int) int64 { return pow10s64[n] }

// adjust fits a decimal type of too many digits into 38: the scale gives way,
// but not below 6 (SQL Server's rule, which Hive, Spark and Flink share).
func adjust(p, s int) Type {
	if p <= DecimalMax {
		return DecimalOf(p, s)
	}
	whole := p - s
	s = max(DecimalMax-whole, min(s, 6))
	return DecimalOf(DecimalMax, s)
}

// DecimalAdd returns the type of a+b and a-b.
func DecimalAdd(a, b Type) Type {
	s := max(a.Scale, b.Scale)
	return adjust(max(a.Prec-a.Scale, b.Prec-b.Scale)+s+1, s)
}

// DecimalMul returns the type of a*b.
func DecimalMul(a, b Type) Type { return adjust(a.Prec+b.Prec+1, a.Scale+b.Scale) }

// DecimalDiv returns the type of a/b.
func DecimalDiv(a, b Type) Type {
	s := max(6, a.Scale+b.Prec+1)
	return adjust(a.Prec-a.Scale+b.Scale+s, s)
}

// DecimalMod returns the type of a%b.
func DecimalMod(a, b Type) Type {
	s := max(a.Scale, b.Scale)
	return adjust(min(a.Prec-a.Scale, b.Prec-b.Scale)+s, s)
}

// DecimalOfInt returns the decimal type that holds every value of an integer
// type, and t itself for a decimal.
func DecimalOfInt(t Type) Type {
	switch t.Kind {
	case TinyInt:
		return DecimalOf(3, 0)
	case SmallInt:
		return DecimalOf(5, 0)
	case Int:
		return DecimalOf(10, 0)
	case BigInt:
		return DecimalOf(19, 0)
	}
	return t
}

// Rescale returns an unscaled decimal moved from one scale to another, rounded
// half up (away from zero), and whether it fits an Int128.
func (a Int128) Rescale(from, to int) (Int128, bool) {
	switch {
	case to == from || a == Int128{}:
		return a, true
	case to > from:
		if to-from > DecimalMax {
			return Int128{}, false
		}
		return a.Mul(pow10s[to-from])
	case from-to > DecimalMax:
		return Int128{}, true
	}
	return a.DivRound(pow10s[from-to]), true
}

// DivRound returns a/b rounded half away from zero. It panics if b is zero.
func (a Int128) DivRound(b Int128) Int128 {
	q, r := a.QuoRem(b)
	r, m := r.Abs(), b.Abs()
	if m.Sub(r).Cmp(r) <= 0 {
		one := Int128{Lo: 1}
		if a.Hi < 0 != (b.Hi < 0) {
			return q.Sub(one)
		}
		return q.Add(one)
	}
	return q
}

// FitsDecimal reports whether an unscaled value has at most p digits.
func (a Int128) FitsDecimal(p int) bool {
	return p >= DecimalMax+1 || a.Abs().Less(pow10s[p]) && a.Abs().Hi >= 0
}

// MulRound returns a*b / 10^shift rounded half up, and whether it fits: the
// product may be wider than an Int128 on the way.
func (a Int128) MulRound(b Int128, shift int) (Int128, bool) {
	p := mul256(a.Abs(), b.Abs())
	neg := a.Hi < 0 != (b.Hi < 0)
	return divMag256(p, shift, neg)
}

// divMag256 divides a 256-bit magnitude by 10^shift, rounding half up.
func divMag256(p [4]uint64, shift int, neg bool) (Int128, bool) {
	half := false
	for shift > 0 {
		n := min(shift, 18)
		shift -= n
		d := uint64(pow10s64[n])
		var r uint64
		for i := 3; i >= 0; i-- {
			p[i], r = bits.Div64(r, p[i], d)
		}
		half = r >= d-r // only the last round's digit decides; rounds before it leave whole digits below
		if shift > 0 {
			half = false
		}
	}
	out := Int128{p[0], int64(p[1])}
	if half {
		out = out.Add(Int128{Lo: 1})
	}
	if p[2]|p[3] != 0 || p[1]>>63 != 0 || out.Hi < 0 {
		return Int128{}, false
	}
	if neg {
		out = out.Neg()
	}
	return out, true
}

// DivScaled returns a * 10^shift / b rounded half up, and whether it fits. It
// panics if b is zero.
func (a Int128) DivScaled(b Int128, shift int) (Int128, bool) {
	neg := a.Hi < 0 != (b.Hi < 0)
	m, d := a.Abs(), b.Abs()
	p := [4]uint64{m.Lo, uint64(m.Hi), 0, 0}
	for shift > 0 {
		n := min(shift, 18)
		shift -= n
		if !mulWord(&p, uint64(pow10s64[n])) {
			return Int128{}, false
		}
	}
	q, r, ok := div256(p, d)
	if !ok {
		return Int128{}, false
	}
	if d.Sub(r).Cmp(r) <= 0 {
		q = q.Add(Int128{Lo: 1})
	}
	if q.Hi < 0 {
		return Int128{}, false
	}
	if neg {
		q = q.Neg()
	}
	return q, true
}

func mulWord(p *[4]uint64, w uint64) bool {
	var carry uint64
	for i := range p {
		h, l := bits.Mul64(p[i], w)
		var c uint64
		p[i], c = bits.Add64(l, carry, 0)
		carry = h + c
	}
	return carry == 0
}

// div256 divides by shifting and subtracting bit by bit when the divisor has
// two words, by words otherwise; ok is false if the quotient has over 127 bits.
func div256(p [4]uint64, d Int128) (quo, rem Int128, ok bool) {
	if d.Hi == 0 {
		var r uint64
		for i := 3; i >= 0; i-- {
			p[i], r = bits.Div64(r, p[i], d.Lo)
		}
		return Int128{p[0], int64(p[1])}, Int128{Lo: r}, p[2]|p[3] == 0 && p[1]>>63 == 0
	}
	if p[2]|p[3] == 0 && p[1]>>63 == 0 {
		quo, rem = divMag(Int128{p[0], int64(p[1])}, d)
		return quo, rem, true
	}
	r := Int128{p[2], int64(p[3])}
	if r.Hi < 0 || !r.Less(d) {
		return Int128{}, Int128{}, false
	}
	low := Int128{p[0], int64(p[1])}
	for range 128 {
		r = shl(r, uint64(low.Hi)>>63)
		low = shl(low, 0)
		quo = shl(quo, 0)
		if r.Hi < 0 || !r.Less(d) {
			r = r.Sub(d)
			quo.Lo |= 1
		}
	}
	return quo, r, quo.Hi >= 0
}

func shl(a Int128, in uint64) Int128 {
	return Int128{a.Lo<<1 | in, int64(uint64(a.Hi)<<1 | a.Lo>>63)}
}

// AppendDecimal64 appends an unscaled value as a decimal with scale digits
// after the point, all of them.
func AppendDecimal64(dst []byte, v int64, scale int) []byte {
	if v < 0 {
		dst = append(dst, '-')
	}
	return appendPoint(dst, strconv.AppendUint(make([]byte, 0, 20), magnitude(v), 10), scale)
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// AppendDecimal128 is AppendDecimal64 for wide decimals.
func AppendDecimal128(dst []byte, v Int128, scale int) []byte {
	if x, ok := v.Int64(); ok {
		return AppendDecimal64(dst, x, scale)
	}
	if v.Hi < 0 {
		dst = append(dst, '-')
	}
	var buf [40]byte
	i := len(buf)
	m := v.Abs()
	hi, lo := uint64(m.Hi), m.Lo
	for hi|lo != 0 {
		var r uint64
		hi, r = hi/1e18, hi%1e18
		lo, r = bits.Div64(r, lo, 1e18)
		for k := 0; k < 18 && (r != 0 || hi|lo != 0); k++ {
			i--
			buf[i] = byte('0' + r%10)
			r /= 10
		}
	}
	return appendPoint(dst, buf[i:], scale)
}

// appendPoint appends digits with a point before the last scale of them.
func appendPoint(dst, digits []byte, scale int) []byte {
	if scale <= 0 {
		return append(dst, digits...)
	}
	whole := len(digits) - scale
	if whole <= 0 {
		dst = append(dst, '0', '.')
		for range -whole {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:whole]...)
	dst = append(dst, '.')
	return append(dst, digits[whole:]...)
}

// DecimalFloat returns the float64 nearest to an unscaled decimal.
func DecimalFloat(v Int128, scale int) float64 {
	if x, ok := v.Int64(); ok && scale <= 22 && x < 1<<53 && x > -1<<53 {
		return float64(x) / floatPow10[scale] // both are exact, so the quotient is rounded once
	}
	f, _ := strconv.ParseFloat(string(AppendDecimal128(nil, v, scale)), 64)
	return f
}

var floatPow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
