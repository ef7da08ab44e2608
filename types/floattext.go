package types

import (
	"bytes"
	"math"
	"strconv"
)

// AppendDouble appends a DOUBLE as Java's Double.toString does: the shortest
// digits that read back as the same value, with at least one after the point,
// plain from 1E-3 below 1E7 and otherwise as 1.0E10.
func AppendDouble(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

// AppendFloat is AppendDouble for a FLOAT.
func AppendFloat(dst []byte, f float32) []byte { return appendFloat(dst, float64(f), 32) }

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		at := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		if bytes.IndexByte(dst[at:], '.') < 0 {
			dst = append(dst, '.', '0')
		}
		return dst
	}
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, bits)
	e := bytes.IndexByte(text, 'e')
	if bytes.IndexByte(text[:e], '.') < 0 {
		text = strconv.AppendFloat(buf[:0], f, 'e', 1, bits) // of two digits, so the nearest two: 4.9E-324
		e = bytes.IndexByte(text, 'e')
	}
	dst = append(dst, text[:e]...)
	dst = append(dst, 'E')
	exp := text[e+1:]
	if exp[0] == '-' {
		dst = append(dst, '-')
	}
	exp = bytes.TrimLeft(exp[1:], "0")
	return append(dst, exp...)
}

// ParseDouble reads a number as Java's Double.parseDouble does, blanks around it
// aside: 1.5, -2e3, NaN, Infinity, and a d or f at the end.
func ParseDouble(s []byte) (f float64, ok bool) {
	s = bytes.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	rest := s
	if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	switch string(rest) {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1 - 2*len(s[:len(s)-len(rest)])*b2i(s[0] == '-')), true
	}
	if n := len(s); n > 1 && bytes.IndexByte([]byte("dDfF"), s[n-1]) >= 0 {
		s = s[:n-1]
	}
	for _, c := range s {
		if (c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
