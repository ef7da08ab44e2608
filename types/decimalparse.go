package types

import "bytes"

// ParseDecimal reads a number such as -12.50 or 1.5E3 as DECIMAL(prec, scale),
// rounded half up; ok is false if s is no number, and fits if it is one but has
// too many digits before the point. One stray letter at the end of a short
// number is let pass, as Flink's reader for decimals of up to 18 digits does
// (12.5x is 12.5).
func ParseDecimal(s []byte, prec, scale int) (v Int128, fits, ok bool) {
	var d decimalText
	if !d.read(s, prec <= 18 && len(s) <= 18) {
		return Int128{}, false, false
	}
	// The value is digits * 10^-point. Keep scale digits after the point.
	keep := len(d.digits) - (d.point - scale)
	if keep > 40 && len(d.digits) > 0 {
		return Int128{}, false, true
	}
	for i := 0; i < keep; i++ {
		c := byte('0')
		if i < len(d.digits) {
			c = d.digits[i]
		}
		if v.Hi > 1<<63/10-1 {
			return Int128{}, false, true
		}
		v = v.MulInt(10).Add(Int128{Lo: uint64(c - '0')})
	}
	if keep >= 0 && keep < len(d.digits) && d.digits[keep] >= '5' {
		v = v.Add(Int128{Lo: 1})
	}
	if d.neg {
		v = v.Neg()
	}
	return v, v.FitsDecimal(prec), true
}

// A decimalText is a number as its significant digits and where the point is.
type decimalText struct {
	neg    bool
	digits []byte // without zeros in front
	point  int    // digits after the point; negative: zeros to append
}

func (d *decimalText) read(s []byte, stray bool) bool {
	s = bytes.Trim(s, " \n\t")
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		d.neg = s[0] == '-'
		s = s[1:]
	}
	n := d.significand(s)
	if n < 0 {
		return false
	}
	if s = s[n:]; len(s) > 1 && (s[0] == 'e' || s[0] == 'E') {
		return d.exponent(s[1:])
	}
	return len(s) == 0 || stray && len(s) == 1 && s[0] != '.'
}

// significand reads digits with at most one point among them and returns how
// many bytes it read, -1 if there was no digit.
func (d *decimalText) significand(s []byte) int {
	seen, dot := 0, false
	for i, c := range s {
		switch {
		case c == '.' && !dot:
			dot = true
		case c >= '0' && c <= '9':
			seen++
			if dot {
				d.point++
			}
			if c != '0' || len(d.digits) > 0 {
				d.digits = append(d.digits, c)
			}
		case seen == 0:
			return -1
		default:
			return i
		}
	}
	if seen == 0 {
		return -1
	}
	return len(s)
}

func (d *decimalText) exponent(s []byte) bool {
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	n, ok := digits(s)
	if !ok {
		return false
	}
	if neg {
		n = -n
	}
	d.point -= n
	return true
}
