// Package numtext reads and writes numbers and times in the text forms of Flink's
// file formats, straight from and to bytes, without allocating. What it accepts
// is what Java's parsers accept that Flink calls: Long.parseLong,
// Double.parseDouble, BigDecimal and DateTimeFormatter.
package numtext

import (
	"encoding/binary"
	"math"
	"strconv"
	"unsafe"

	"github.com/millrace-io/millrace/types"
)

// A Status says what became of a text.
type Status uint8

// The outcomes.
const (
	OK   Status = iota
	Over        // a number that the type cannot hold
	Bad         // not such a text
)

const (
	zeros = 0x3030303030303030
	high  = 0x8080808080808080
)

// digits8 reports whether all eight bytes of x are digits.
func digits8(x uint64) bool { return ((x+0x4646464646464646)|(x-zeros))&high == 0 }

// parse8 returns the number whose digits are the bytes of x, the first lowest.
func parse8(x uint64) uint64 {
	x = (x & 0x0F0F0F0F0F0F0F0F) * 2561 >> 8
	x = (x & 0x00FF00FF00FF00FF) * 6553601 >> 16
	return (x & 0x0000FFFF0000FFFF) * 42949672960001 >> 32
}

// load returns the first n <= 8 bytes of b as digits, padded with zeros in front.
func load(b []byte, n int) uint64 {
	if cap(b) >= 8 {
		x := binary.LittleEndian.Uint64(b[:8])
		return x<<uint((8-n)*8) | zeros>>uint(n*8)
	}
	x := uint64(zeros)
	for _, c := range b[:n] {
		x = x>>8 | uint64(c)<<56
	}
	return x
}

// Int reads an integer: an optional sign and digits.
func Int(b []byte) (int64, Status) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	n := len(b)
	var v uint64
	switch {
	case n == 0:
		return 0, Bad
	case n <= 8:
		x := load(b, n)
		if !digits8(x) {
			return 0, Bad
		}
		v = parse8(x)
	case n <= 16:
		x, y := load(b, n-8), load(b[n-8:], 8)
		if !digits8(x) || !digits8(y) {
			return 0, Bad
		}
		v = parse8(x)*1e8 + parse8(y)
	default:
		over := false
		for _, c := range b {
			d := uint64(c - '0')
			if d > 9 {
				return 0, Bad
			}
			over = over || v > (math.MaxUint64-9)/10
			v = v*10 + d
		}
		if over || v > math.MaxInt64 && !(neg && v == 1<<63) {
			return 0, Over
		}
	}
	if neg {
		return -int64(v), OK
	}
	return int64(v), OK
}

// pow10s are the powers of ten that a double holds exactly.
var pow10s = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Float reads a floating-point number of 32 or 64 bits: digits with an optional
// point and exponent, NaN, Infinity, and a suffix f or d. What is too large is
// infinite.
func Float(b []byte, bits int) (float64, Status) {
	if bits == 64 {
		if f, ok := shortFloat(b); ok {
			return f, OK
		}
	}
	s := b
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	if len(s) == 0 {
		return 0, Bad
	}
	switch string(s) {
	case "NaN", "Infinity":
	default:
		if last := s[len(s)-1] | 0x20; last == 'f' || last == 'd' {
			s, b = s[:len(s)-1], b[:len(b)-1]
		}
		for _, c := range s {
			if c-'0' > 9 && c != '.' && c|0x20 != 'e' && c != '+' && c != '-' {
				return 0, Bad
			}
		}
	}
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), bits)
	if err != nil && !math.IsInf(f, 0) {
		return 0, Bad
	}
	return f, OK
}

// shortFloat reads what has at most 15 digits and a small exponent: both are
// exact, so one division is correctly rounded (Clinger 1990).
func shortFloat(b []byte) (float64, bool) {
	i, neg := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, neg = 1, true
	}
	if len(b)-i > 16 || len(b) == i {
		return 0, false
	}
	v, point, digits := uint64(0), -1, 0
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d <= 9 {
			v = v*10 + uint64(d)
			digits++
			continue
		}
		if b[i] != '.' || point >= 0 {
			return 0, false
		}
		point = digits
	}
	if digits == 0 || digits > 15 {
		return 0, false
	}
	f := float64(v)
	if point >= 0 {
		f /= pow10s[digits-point]
	}
	if neg {
		f = -f
	}
	return f, true
}

// number is a decimal text cut into its parts.
type number struct {
	neg    bool
	digits []byte // with the point in it, if any
	whole  int    // digits before the point, without leading zeros; may be negative with an exponent
	exp    int
}

// cutNumber cuts a text as BigDecimal reads it.
func cutNumber(b []byte) (n number, ok bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		n.neg = b[0] == '-'
		b = b[1:]
	}
	i, count, point := 0, 0, -1
	for ; i < len(b); i++ {
		if b[i]-'0' <= 9 {
			count++
		} else if b[i] == '.' && point < 0 {
			point = count
		} else {
			break
		}
	}
	if count == 0 {
		return n, false
	}
	n.digits = b[:i]
	n.whole = count
	if point >= 0 {
		n.whole = point
	}
	if i == len(b) {
		return n, true
	}
	if b[i]|0x20 != 'e' {
		return n, false
	}
	e, st := Int(b[i+1:])
	if st != OK || e > math.MaxInt32 || e < -math.MaxInt32 {
		return n, false
	}
	n.exp = int(e)
	return n, true
}

// Decimal reads a number into the unscaled value of DECIMAL(prec, scale), rounded
// half up.
func Decimal(b []byte, prec, scale int) (types.Int128, Status) {
	n, ok := cutNumber(b)
	if !ok {
		return types.Int128{}, Bad
	}
	keep := n.whole + n.exp + scale // digits of the text that the result has, or that and zeros
	var small uint64                // the value while it has at most 18 digits
	var v types.Int128
	wide, sig, seen := false, 0, 0
	round := false
	for _, c := range n.digits {
		if c == '.' {
			continue
		}
		if seen >= keep {
			round = seen == keep && c >= '5'
			break
		}
		seen++
		if sig > 0 || c != '0' {
			sig++
		}
		if sig > types.DecimalMax {
			return types.Int128{}, Over
		}
		if sig <= 18 {
			small = small*10 + uint64(c-'0')
			continue
		}
		if !wide {
			wide, v = true, types.Int128{Lo: small}
		}
		v = v.MulInt(10).Add(types.Int128{Lo: uint64(c - '0')})
	}
	if !wide {
		v = types.Int128{Lo: small}
	}
	if more := keep - seen; more > 0 && sig > 0 {
		if more+sig > types.DecimalMax {
			return types.Int128{}, Over
		}
		v, _ = v.Mul(types.Pow10(more))
	}
	if round {
		v = v.Add(types.Int128{Lo: 1})
	}
	if !v.Less(types.Pow10(prec)) {
		return types.Int128{}, Over
	}
	if n.neg {
		v = v.Neg()
	}
	return v, OK
}

// Decimal64 is Decimal for at most 18 digits of precision.
func Decimal64(b []byte, prec, scale int) (int64, Status) {
	if v, ok := shortDecimal(b, prec, scale); ok {
		return v, OK
	}
	v, st := Decimal(b, prec, scale)
	return int64(v.Lo), st
}

// shortDecimal reads what has neither exponent nor too many digits.
func shortDecimal(b []byte, prec, scale int) (int64, bool) {
	i, neg := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, neg = 1, true
	}
	if len(b)-i > 17 || len(b) == i {
		return 0, false
	}
	v, point, digits := int64(0), -1, 0
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d <= 9 {
			v = v*10 + int64(d)
			digits++
			continue
		}
		if b[i] != '.' || point >= 0 {
			return 0, false
		}
		point = digits
	}
	frac := 0
	if point >= 0 {
		frac = digits - point
	}
	more := scale - frac
	if digits == 0 || more < 0 || digits+more > 18 {
		return 0, false
	}
	v *= types.Pow10Int(more)
	if v >= types.Pow10Int(prec) {
		return 0, false
	}
	if neg {
		v = -v
	}
	return v, true
}

// AppendFloat appends a number of 32 or 64 bits as Java's toString writes it:
// 1.0, 1.0E10, 1.0E-5, NaN, Infinity.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		n := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		for _, c := range dst[n:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, '.', '0')
	}
	var buf [32]byte
	e := strconv.AppendFloat(buf[:0], f, 'e', -1, bits) // -d.ddde+xx
	i := 0
	point := false
	for ; e[i] != 'e'; i++ {
		point = point || e[i] == '.'
	}
	dst = append(dst, e[:i]...)
	if !point {
		dst = append(dst, '.', '0')
	}
	dst = append(dst, 'E')
	i++
	if e[i] == '-' {
		dst = append(dst, '-')
	}
	i++
	for i < len(e)-1 && e[i] == '0' {
		i++
	}
	return append(dst, e[i:]...)
}

// AppendDecimal appends an unscaled value as Jackson writes a BigDecimal:
// without the zeros at its end, and with an exponent where BigDecimal's toString
// has one (1E+5, 1E-7) unless plain.
func AppendDecimal(dst []byte, v types.Int128, scale int, plain bool) []byte {
	if v.Sign() == 0 {
		return append(dst, '0')
	}
	var buf [48]byte
	text := types.AppendDecimal128(buf[:0], v, 0)
	if text[0] == '-' {
		dst = append(dst, '-')
		text = text[1:]
	}
	for text[len(text)-1] == '0' {
		text = text[:len(text)-1]
		scale--
	}
	adjusted := len(text) - 1 - scale // exponent of the first digit
	switch {
	case !plain && (scale < 0 || adjusted < -6):
		dst = append(dst, text[0])
		if len(text) > 1 {
			dst = append(dst, '.')
			dst = append(dst, text[1:]...)
		}
		dst = append(dst, 'E')
		if adjusted >= 0 {
			dst = append(dst, '+')
		}
		return strconv.AppendInt(dst, int64(adjusted), 10)
	case scale <= 0:
		dst = append(dst, text...)
		for range -scale {
			dst = append(dst, '0')
		}
		return dst
	case adjusted >= 0:
		dst = append(dst, text[:adjusted+1]...)
		dst = append(dst, '.')
		return append(dst, text[adjusted+1:]...)
	}
	dst = append(dst, '0', '.')
	for range -adjusted - 1 {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
