package numtext

import (
	"encoding/binary"
	"math/bits"

	"github.com/millrace-io/millrace/types"
)

// What follows reads values in the shapes that most texts have, eight bytes at a
// time, from the middle of a larger text: data[from:to] is the value, and bytes
// behind it are loaded though not looked at. Each says with ok whether it was such
// a shape; if not, the text may still be a value, and the general function (Int,
// Decimal64, Date, Clock) decides.

// wordsMax is how far behind a value's start the functions load.
const wordsMax = 16

const (
	ones = 0x0101010101010101
	low4 = 0x0F0F0F0F0F0F0F0F
)

// digitWord is the first n bytes of x, 1 to 8, as eight digits.
func digitWord(x uint64, n int) uint64 {
	return x<<(uint(8-n)*8&63) | zeros>>(uint(n)*8)
}

// Digits reads the first n bytes of x, 1 to 8, if they are digits. It is short enough to
// be a part of the loop that calls it.
func Digits(x uint64, n int) (v int64, ok bool) {
	x = digitWord(x, n)
	return int64(parse8(x)), digits8(x)
}

// IntAt reads up to 16 digits, perhaps after a minus.
func IntAt(data []byte, from, to int) (v int64, ok bool) {
	neg := int64(0)
	if from < len(data) && data[from] == '-' {
		neg = -1
		from++
	}
	n := to - from
	if uint(n-1) >= 16 || len(data)-from < wordsMax {
		return 0, false
	}
	x := binary.LittleEndian.Uint64(data[from:])
	if n <= 8 {
		if x = digitWord(x, n); !digits8(x) {
			return 0, false
		}
		return int64(parse8(x)) ^ neg - neg, true
	}
	y := binary.LittleEndian.Uint64(data[from+n-8:])
	if x = digitWord(x, n-8); !digits8(x) || !digits8(y) {
		return 0, false
	}
	return int64(parse8(x)*1e8+parse8(y)) ^ neg - neg, true
}

// DecimalAt reads the unscaled value of a DECIMAL(prec, scale), prec at most 18,
// from up to 16 bytes of digits, perhaps with a point, that need no rounding;
// perhaps after a minus.
func DecimalAt(data []byte, from, to, prec, scale int) (v int64, ok bool) {
	v, behind, neg, ok := mantissa(data, from, to)
	more := scale - behind
	if !ok || more < 0 || v >= types.Pow10Int(prec-more) {
		return 0, false
	}
	return v*types.Pow10Int(more) ^ neg - neg, true
}

// DoubleAt reads a double from up to 16 bytes of digits, perhaps with a point;
// perhaps after a minus. Of so few digits both the digits and the power of ten are
// exact, so one division is correctly rounded (Clinger 1990).
func DoubleAt(data []byte, from, to int) (f float64, ok bool) {
	v, behind, neg, ok := mantissa(data, from, to)
	if !ok || v >= 1<<53 {
		return 0, false
	}
	f = float64(v) / pow10s[behind]
	if neg != 0 {
		f = -f
	}
	return f, true
}

// mantissa reads up to 16 bytes of digits, perhaps with a point, perhaps after a
// minus, for which neg is -1: its digits, and how many are behind the point.
func mantissa(data []byte, from, to int) (v int64, behind int, neg int64, ok bool) {
	if from < len(data) && data[from] == '-' {
		neg = -1
		from++
	}
	n := to - from
	if uint(n-1) >= 16 || len(data)-from < wordsMax {
		return 0, 0, 0, false
	}
	x := binary.LittleEndian.Uint64(data[from:])
	if n <= 8 {
		x, behind = withoutPoint(digitWord(x, n))
		ok = digits8(x) && (n > 1 || behind == 0 && data[from] != '.')
		return int64(parse8(x)), behind, neg, ok
	}
	y := binary.LittleEndian.Uint64(data[from+n-8:])
	x = digitWord(x, n-8)
	if z, k := withoutPoint(y); z != y { // the point makes room for the last of the digits before
		y, behind = z&^0xFF|x>>56, k
		x = x<<8 | '0'
	} else if z, k := withoutPoint(x); z != x {
		x, behind = z, k+8
	}
	return int64(parse8(x)*1e8 + parse8(y)), behind, neg, digits8(x) && digits8(y)
}

// withoutPoint moves the bytes of x below its lowest point up by one, with a zero
// below them, and says how many are above it. It has no branch: columns often have
// both numbers with a point and without.
func withoutPoint(x uint64) (digits uint64, behind int) {
	y := x ^ '.'*ones
	point := ^((y | high) - ones | y) & high
	at := uint(bits.TrailingZeros64(point)) >> 3 // 8 if there is none
	below := uint64(1)<<(8*at) - 1
	digits, behind = x&^(below<<8|0xFF)|(x&below)<<8|'0', int(7-at)
	if point == 0 {
		digits = x
	}
	if point == 0 {
		behind = 0
	}
	return digits, behind
}

// marchDays are the days of a year that begins in March before a month, by the
// month, and with what makes 1970-01-01 day 0.
var marchDays = [16]int32{1: 306 - epochDays, 2: 337 - epochDays, 3: 0 - epochDays, 4: 31 - epochDays, 5: 61 - epochDays, 6: 92 - epochDays, 7: 122 - epochDays,
	8: 153 - epochDays, 9: 184 - epochDays, 10: 214 - epochDays, 11: 245 - epochDays, 12: 275 - epochDays}

// monthDays are the days that a month may have.
var monthDays = [16]uint8{1: 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

const epochDays = 719469 // from the day before 0000-03-01

// DateAt reads yyyy-MM-dd, of a month that has that day and a year that is not 0000.
func DateAt(data []byte, from int) (days int32, ok bool) {
	if len(data)-from < 10 {
		return 0, false
	}
	const dashes = '-'<<32 | '-'<<56
	x := binary.LittleEndian.Uint64(data[from:])
	d := uint64(binary.LittleEndian.Uint16(data[from+8:]))
	if (x^dashes)&(0xFF<<32|0xFF<<56) != 0 {
		return 0, false
	}
	if x = x&0xFFFFFFFF | x>>8&(0xFFFF<<32) | d<<48; !digits8(x) {
		return 0, false
	}
	x = (x & low4) * 2561 >> 8 & 0x00FF00FF00FF00FF
	year, month, day := uint32(x&0xFF)*100+uint32(x>>16&0xFF), uint32(x>>32&0xFF), uint32(x>>48)
	if year == 0 || month-1 > 11 || day-1 >= uint32(monthDays[month&15]) {
		return 0, false
	}
	if month == 2 && day == 29 && DaysIn(int(year), 2) != 29 {
		return 0, false
	}
	year -= (month - 3) >> 31
	century := year / 100
	return int32(year*365+year>>2-century+century>>2+day) + marchDays[month&15], true
}

// ClockAt reads HH:mm:ss, perhaps with a point and up to nine digits, all of
// data[from:to], and returns the microseconds of the day.
func ClockAt(data []byte, from, to int) (us int64, ok bool) {
	n := to - from
	if n < 8 || n > 18 || len(data)-from < 18 {
		return 0, false
	}
	const colons = ':'<<16 | ':'<<40
	x := binary.LittleEndian.Uint64(data[from:])
	if (x^colons)&(0xFF<<16|0xFF<<40) != 0 {
		return 0, false
	}
	if x = x&0xFFFF | x>>8&(0xFFFF<<16) | x>>16&(0xFFFF<<32) | '0'<<48 | '0'<<56; !digits8(x) {
		return 0, false
	}
	x = (x & low4) * 2561 >> 8 & 0x00FF00FF00FF00FF
	h, m, s := x&0xFF, x>>16&0xFF, x>>32&0xFF
	if h > 23 || m > 59 || s > 59 {
		return 0, false
	}
	us = int64(h*3600+m*60+s) * 1_000_000
	if n == 8 {
		return us, true
	}
	k := uint(n - 9) // digits of the fraction
	y := binary.LittleEndian.Uint64(data[from+9:])
	if k < 8 {
		y = y&(1<<(8*k)-1) | zeros<<(8*k)
	}
	if data[from+8] != '.' || !digits8(y) || k == 9 && data[from+17]-'0' > 9 {
		return 0, false
	}
	return us + int64(parse8(y)/100), true
}

// CutMicros drops the digits of microseconds that precision p does not have.
func CutMicros(us int64, p int) int64 {
	switch {
	case p >= 6:
		return us
	case p == 3:
		return us - us%1000
	case p == 0:
		return us - us%1_000_000
	}
	return us - us%int64(nanoScale[p+3])
}
