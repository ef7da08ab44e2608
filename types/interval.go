package types

import "bytes"

// ParseMonths reads an interval of years and months: +2-03, -1-6, 2-3.
func ParseMonths(s []byte) (months int64, ok bool) {
	neg, s := sign(s)
	i := bytes.IndexByte(s, '-')
	if i < 0 {
		return 0, false
	}
	y, ok1 := digits(s[:i])
	m, ok2 := digits(s[i+1:])
	months = int64(y)*12 + int64(m)
	if neg {
		months = -months
	}
	return months, ok1 && ok2 && m < 12
}

// ParseMillis reads an interval of days and time: +1 02:03:04.500.
func ParseMillis(s []byte) (millis int64, ok bool) {
	neg, s := sign(s)
	i := bytes.IndexByte(s, ' ')
	if i < 0 {
		return 0, false
	}
	d, ok1 := digits(s[:i])
	t, ok2 := ParseTime(s[i+1:])
	millis = int64(d)*86400000 + int64(t)
	if neg {
		millis = -millis
	}
	return millis, ok1 && ok2
}

func sign(s []byte) (neg bool, rest []byte) {
	s = bytes.TrimSpace(s)
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		return s[0] == '-', s[1:]
	}
	return false, s
}
