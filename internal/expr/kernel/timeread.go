package kernel

import (
	"strings"

	"github.com/millrace-io/millrace/types"
)

// A reading is a text being read by a pattern and the fields found so far.
type reading struct {
	types.Civil
	s       string
	strict  bool
	pm      int // -1 unknown, 0 AM, 1 PM
	hour12  int // -1 unknown
	yearDay int // 0 unknown
	offset  int // seconds east, with hasZone
	hasZone bool
}

// Parse reads a text as java.time's DateTimeFormatter does: a field of one
// letter has any number of digits, one of more letters just so many; all of the
// text has to be read and be in range, but for a day after the end of its month,
// which is the last of it. Fields that the pattern lacks are those of
// 1970-01-01 00:00:00.
func (p *TimePattern) Parse(s string) (types.Civil, bool) {
	c, ok := p.plan.read(s)
	if !ok {
		r := reading{s: s, strict: true}
		if !p.read(&r) || r.s != "" {
			return types.Civil{}, false
		}
		c = r.Civil
	}
	if c.Month < 1 || c.Month > 12 || c.Day < 1 || c.Day > 31 || c.Hour > 23 || c.Minute > 59 || c.Second > 59 {
		return c, false
	}
	c.Day = min(c.Day, types.DaysIn(c.Year, c.Month))
	return c, true
}

// ParseLenient reads a text as java.text.SimpleDateFormat does: fields take as
// many digits as there are, unless another field follows at once; what is out of
// range carries over, and text after the pattern is not looked at. If the
// pattern has a zone, hasZone is set and the result is in UTC.
func (p *TimePattern) ParseLenient(s string) (local int64, hasZone, ok bool) {
	r := reading{s: s}
	if !p.read(&r) {
		return 0, false, false
	}
	return r.Micros() - int64(r.offset)*types.Second, r.hasZone, true
}

func (p *TimePattern) read(r *reading) bool {
	r.Civil, r.pm, r.hour12 = types.Civil{Year: 1970, Month: 1, Day: 1}, -1, -1
	for i := range p.parts {
		part := &p.parts[i]
		switch {
		case part.letter != 0:
			if !r.field(part, part.adjacent) {
				return false
			}
		case len(part.text) == 1:
			if r.s == "" || r.s[0] != part.text[0] {
				return false
			}
			r.s = r.s[1:]
		case !r.text(part.text):
			return false
		}
	}
	if r.hour12 >= 0 {
		r.Hour = r.hour12%12 + 12*max(r.pm, 0)
	}
	if r.yearDay > 0 {
		r.Month, r.Day = 1, r.yearDay
	}
	return true
}

func (r *reading) text(t string) bool {
	if !strings.HasPrefix(r.s, t) {
		return false
	}
	r.s = r.s[len(t):]
	return true
}

// number reads digits for a field of n letters.
func (r *reading) number(n int, adjacent bool) (x, width int, ok bool) {
	if s := r.s; n == 2 && len(s) > 2 && isDigit(s[0]) && isDigit(s[1]) && (r.strict || adjacent || !isDigit(s[2])) {
		r.s = s[2:] // as most fields are
		return int(s[0]-'0')*10 + int(s[1]-'0'), 2, true
	}
	least, most := 1, 9
	if !r.strict {
		for r.s != "" && r.s[0] == ' ' {
			r.s = r.s[1:]
		}
		if adjacent {
			most = n
		}
	} else if n > 1 {
		least, most = n, n
	} else if adjacent {
		most = 2
	}
	for width < most && width < len(r.s) && r.s[width] >= '0' && r.s[width] <= '9' {
		x = x*10 + int(r.s[width]-'0')
		width++
	}
	r.s = r.s[width:]
	return x, width, width >= least
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (r *reading) field(p *timePart, adjacent bool) bool {
	switch p.letter {
	case 'y', 'u', 'Y':
		return r.year(p.n, adjacent)
	case 'M', 'L':
		if p.n >= 3 {
			return r.name(monthNames[:], &r.Month, 1)
		}
	case 'E':
		var day int
		return r.name(dayNames[:], &day, 0)
	case 'a':
		return r.half()
	case 'S':
		return r.fraction(p.n, adjacent)
	case 'z', 'Z', 'X', 'x', 'V':
		return r.zone()
	case 'G':
		return r.text("AD")
	}
	x, _, ok := r.number(p.n, adjacent)
	if !ok {
		return false
	}
	switch p.letter {
	case 'M', 'L':
		r.Month = x
	case 'd':
		r.Day = x
	case 'D':
		r.yearDay = x
	case 'H':
		r.Hour = x
	case 'k':
		r.Hour = x % 24
	case 'h', 'K':
		r.hour12 = x
	case 'm':
		r.Minute = x
	case 's':
		r.Second = x
	case 'n':
		r.Nano = x
	}
	return true
}

// year reads a year; two digits are one from 2000 on, or, leniently, from about
// 80 years ago on.
func (r *reading) year(n int, adjacent bool) bool {
	if !r.strict && n != 2 && !adjacent {
		x, _, ok := r.number(1, false)
		r.Year = x
		return ok
	}
	x, width, ok := r.number(n, adjacent)
	r.Year = x
	if n == 2 && width == 2 {
		if r.Year = 2000 + x; !r.strict && x > 45 {
			r.Year = 1900 + x
		}
	}
	return ok
}

// fraction reads the digits after the second: as the first of nine, or,
// leniently, as a number of milliseconds.
func (r *reading) fraction(n int, adjacent bool) bool {
	if !r.strict {
		x, _, ok := r.number(n, adjacent)
		r.Nano = x * 1000000
		return ok
	}
	x, width := 0, 0
	for ; width < n && width < len(r.s) && r.s[width] >= '0' && r.s[width] <= '9'; width++ {
		x = x*10 + int(r.s[width]-'0')
	}
	r.s = r.s[width:]
	for k := n; k < 9; k++ {
		x *= 10
	}
	r.Nano = x
	return width == n
}

// name reads a name, long or short, in any case.
func (r *reading) name(names []string, to *int, first int) bool {
	for i, n := range names {
		for _, form := range []string{n, n[:3]} {
			if len(r.s) >= len(form) && strings.EqualFold(r.s[:len(form)], form) {
				*to = i + first
				r.s = r.s[len(form):]
				return true
			}
		}
	}
	return false
}

func (r *reading) half() bool {
	if len(r.s) < 2 {
		return false
	}
	switch strings.ToUpper(r.s[:2]) {
	case "AM":
		r.pm = 0
	case "PM":
		r.pm = 1
	default:
		return false
	}
	r.s = r.s[2:]
	return true
}

// zone reads Z, UTC, +0800, +08:00 or +08.
func (r *reading) zone() bool {
	r.hasZone = true
	for _, name := range []string{"UTC", "GMT", "Z"} {
		if r.text(name) {
			return true
		}
	}
	if r.s == "" || r.s[0] != '+' && r.s[0] != '-' {
		return false
	}
	sign := 1
	if r.s[0] == '-' {
		sign = -1
	}
	r.s = r.s[1:]
	digits := 0
	x := 0
	for len(r.s) > 0 && digits < 4 && (r.s[0] == ':' || r.s[0] >= '0' && r.s[0] <= '9') {
		if r.s[0] != ':' {
			x = x*10 + int(r.s[0]-'0')
			digits++
		}
		r.s = r.s[1:]
	}
	if digits == 2 {
		x *= 100
	}
	r.offset = sign * (x/100*3600 + x%100*60)
	return digits == 2 || digits == 4
}
