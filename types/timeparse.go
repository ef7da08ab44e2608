package types

import (
	"bytes"
)

// ParseDate reads a date as CAST does: 2024-02-29, 2024-2-9, 2024-2, 2024, and
// what follows a blank is not looked at.
func ParseDate(s []byte) (days int, ok bool) {
	if i := bytes.IndexByte(s, ' '); i > 0 {
		s = s[:i]
	}
	y, m, d := 0, 1, 1
	parts := [...]*int{&y, &m, &d}
	for i, p := range parts {
		end := bytes.IndexByte(s, '-')
		if end < 0 || i == 2 {
			if *p, ok = digits(bytes.TrimSpace(s)); !ok {
				return 0, false
			}
			break
		}
		if *p, ok = digits(bytes.TrimSpace(s[:end])); !ok {
			return 0, false
		}
		s = s[end+1:]
	}
	if y > 9999 || m < 1 || m > 12 || d < 1 || d > DaysIn(y, m) {
		return 0, false
	}
	return DaysOf(y, m, d), true
}

// digits reads an unsigned number of at most nine digits.
func digits(s []byte) (int, bool) {
	if len(s) == 0 || len(s) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// ParseTime reads a time of day as CAST does, in milliseconds: 12:34:56.789,
// 12:34, 12. A fourth digit of the fraction rounds.
func ParseTime(s []byte) (millis int, ok bool) {
	var part [3]int
	frac := 0
	if i := bytes.IndexByte(s, '.'); i >= 0 {
		frac = fraction(bytes.TrimSpace(s[i+1:]))
		s = s[:i]
		if bytes.Count(s, []byte{':'}) != 2 {
			return 0, false
		}
	}
	for i := range part {
		end := bytes.IndexByte(s, ':')
		if end < 0 || i == 2 {
			if part[i], ok = digits(bytes.TrimSpace(s)); !ok {
				return 0, false
			}
			break
		}
		if part[i], ok = digits(bytes.TrimSpace(s[:end])); !ok {
			return 0, false
		}
		s = s[end+1:]
	}
	if part[0] > 23 || part[1] > 59 || part[2] > 59 {
		return 0, false
	}
	return (part[0]*3600+part[1]*60+part[2])*1000 + frac, true
}

// fraction reads a fraction in milliseconds; what is no digit counts as 0.
func fraction(s []byte) int {
	r := 0
	for i, m := 0, 100; i < len(s) && m > 0; i, m = i+1, m/10 {
		if s[i] >= '0' && s[i] <= '9' {
			r += m * int(s[i]-'0')
		}
	}
	if len(s) > 3 && s[3] >= '5' && s[3] <= '9' {
		r++
	}
	return min(r, 999)
}

// ParseTimestamp reads a timestamp as CAST does: a date of four, one or two, and
// one or two digits, and perhaps a blank with hours, minutes, seconds and a
// fraction of up to nine digits. A day after the end of its month is the last
// of it. Fields out of range are not ok.
func ParseTimestamp(s []byte) (c Civil, ok bool) {
	p := scanner{s: s}
	c.Year = p.number(4, 4)
	p.is('-')
	c.Month = p.number(1, 2)
	p.is('-')
	c.Day = p.number(1, 2)
	if p.bad || c.Month < 1 || c.Month > 12 || c.Day < 1 || c.Day > 31 {
		return c, false
	}
	c.Day = min(c.Day, DaysIn(c.Year, c.Month))
	if len(p.s) == 0 {
		return c, true
	}
	p.is(' ')
	c.Hour = p.number(1, 2)
	p.is(':')
	c.Minute = p.number(1, 2)
	p.is(':')
	c.Second = p.number(1, 2)
	if len(p.s) > 0 {
		p.is('.')
		c.Nano = p.fraction()
	}
	inDay := c.Hour < 24 && c.Minute < 60 && c.Second < 60
	midnight := c.Hour == 24 && c.Minute == 0 && c.Second == 0 && c.Nano == 0 // of the next day
	return c, !p.bad && len(p.s) == 0 && (inDay || midnight)
}

// A scanner reads fixed forms from the front of a text; bad sticks.
type scanner struct {
	s   []byte
	bad bool
}

func (p *scanner) is(c byte) {
	if len(p.s) == 0 || p.s[0] != c {
		p.bad = true
		return
	}
	p.s = p.s[1:]
}

func (p *scanner) number(least, most int) int {
	n, k := 0, 0
	for k < most && k < len(p.s) && p.s[k] >= '0' && p.s[k] <= '9' {
		n = n*10 + int(p.s[k]-'0')
		k++
	}
	if k < least {
		p.bad = true
	}
	p.s = p.s[k:]
	return n
}

// fraction reads up to nine digits as nanoseconds.
func (p *scanner) fraction() int {
	n, k := 0, 0
	for k < 9 && k < len(p.s) && p.s[k] >= '0' && p.s[k] <= '9' {
		n = n*10 + int(p.s[k]-'0')
		k++
	}
	p.s = p.s[k:]
	for ; k < 9; k++ {
		n *= 10
	}
	return n
}
