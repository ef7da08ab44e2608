package kernel

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/types"
)

// A TimePattern is a compiled pattern of java.time.format.DateTimeFormatter or
// of java.text.SimpleDateFormat: yyyy-MM-dd HH:mm:ss.SSS. The two agree on the
// letters that occur in practice; where they do not (u, and the width of a
// field when reading) the methods say whose rule they follow.
//
// It remembers the date that it wrote last, which the next row mostly has too, so
// it is not safe for concurrent use.
type TimePattern struct {
	parts []timePart
	dates int // so many parts at the front depend on the date alone
	plan  timePlan

	have  bool
	days  int
	date  types.Civil // of days
	front []byte      // the first parts on that date
}

// A timePart is a letter and how often it stands, or a text if letter is 0.
type timePart struct {
	letter   byte
	n        int
	text     string
	adjacent bool // a number follows at once
}

const timeLetters = "GyuYMLwWdDFEeaHkKhmsSAnNzZXVx"

// NewTimePattern compiles a pattern: quotes enclose text, and what is no letter
// stands for itself.
func NewTimePattern(pattern string) (*TimePattern, error) {
	p := &TimePattern{}
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, end, ok := quoted(pattern, i)
			if !ok {
				return nil, fmt.Errorf("the time pattern %q has a quote without its end", pattern)
			}
			p.addText(text)
			i = end
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			if strings.IndexByte(timeLetters, c) < 0 {
				return nil, fmt.Errorf("the time pattern %q has the letter %c, which has no meaning", pattern, c)
			}
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			p.parts = append(p.parts, timePart{letter: c, n: n})
			i += n
		default:
			p.addText(pattern[i : i+1])
			i++
		}
	}
	for i := range len(p.parts) - 1 {
		next := p.parts[i+1].letter
		p.parts[i].adjacent = next != 0 && strings.IndexByte("yuYMdDHkKhmsSn", next) > 0
	}
	for p.dates < len(p.parts) && (p.parts[p.dates].letter == 0 || strings.IndexByte(dateLetters, p.parts[p.dates].letter) >= 0) {
		p.dates++
	}
	p.plan = newTimePlan(p.parts)
	return p, nil
}

// dateLetters are those that depend on the date alone.
const dateLetters = "GyuYMLwWdDFEe"

// Unit returns the longest of a day, an hour, a minute and a second, in microseconds,
// within which all times of one offset have the same text; 0 if there is none.
func (p *TimePattern) Unit() int64 {
	unit := types.Day
	for _, part := range p.parts {
		switch c := part.letter; {
		case c == 0, strings.IndexByte(dateLetters, c) >= 0, strings.IndexByte("zZXxV", c) >= 0:
		case strings.IndexByte("aHkKh", c) >= 0:
			unit = min(unit, types.Hour)
		case c == 'm':
			unit = min(unit, types.Minute)
		case c == 's':
			unit = min(unit, types.Second)
		default:
			return 0
		}
	}
	return unit
}

func (p *TimePattern) addText(s string) {
	if n := len(p.parts); n > 0 && p.parts[n-1].letter == 0 {
		p.parts[n-1].text += s
		return
	}
	p.parts = append(p.parts, timePart{text: s})
}

// quoted reads a quoted text that begins at i; ” is one quote.
func quoted(pattern string, i int) (text string, end int, ok bool) {
	if strings.HasPrefix(pattern[i:], "''") {
		return "'", i + 2, true
	}
	var b strings.Builder
	for i++; i < len(pattern); i++ {
		if pattern[i] != '\'' {
			b.WriteByte(pattern[i])
			continue
		}
		if i+1 < len(pattern) && pattern[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// A timeValue is a local timestamp with what patterns ask of it.
type timeValue struct {
	types.Civil
	days   int
	offset int64 // seconds, for zone letters
}

// Append appends a local timestamp in microseconds; offset is its zone's, in
// seconds.
func (p *TimePattern) Append(dst []byte, local, offset int64) []byte {
	days, rest := types.DayOf(local)
	if !p.have || days != p.days {
		p.setDate(days)
	}
	dst = append(dst, p.front...)
	if p.dates == len(p.parts) {
		return dst
	}
	v := timeValue{Civil: p.date, days: days, offset: offset}
	secs := uint32(rest / types.Second)
	v.Hour, v.Minute, v.Second = int(secs/3600), int(secs/60%60), int(secs%60)
	v.Nano = int(rest-int64(secs)*types.Second) * 1000
	return p.tail(dst, &v, p.dates, len(p.parts))
}

func (p *TimePattern) setDate(days int) {
	p.have, p.days, p.date = true, days, types.Civil{}
	p.date.Year, p.date.Month, p.date.Day = types.DateOf(days)
	p.front = p.tail(p.front[:0], &timeValue{Civil: p.date, days: days}, 0, p.dates)
}

// tail appends the parts from one to another.
func (p *TimePattern) tail(dst []byte, v *timeValue, from, to int) []byte {
	for i := from; i < to; i++ {
		switch part := &p.parts[i]; {
		case part.letter == 0 && len(part.text) == 1:
			dst = append(dst, part.text[0])
		case part.letter == 0:
			dst = append(dst, part.text...)
		case part.n == 2 && part.letter == 'H':
			dst = types.AppendPair(dst, v.Hour)
		case part.n == 2 && part.letter == 'm':
			dst = types.AppendPair(dst, v.Minute)
		case part.n == 2 && part.letter == 's':
			dst = types.AppendPair(dst, v.Second)
		default:
			dst = v.append(dst, part.letter, part.n)
		}
	}
	return dst
}

func (v *timeValue) append(dst []byte, letter byte, n int) []byte {
	switch letter {
	case 'y', 'u':
		return appendYear(dst, v.Year, n)
	case 'Y':
		y, _ := types.ISOWeek(v.days)
		return appendYear(dst, y, n)
	case 'M', 'L':
		return appendName(dst, monthNames[v.Month-1], v.Month, n)
	case 'E':
		if n < 4 {
			n = 3
		}
		return appendName(dst, dayNames[types.Weekday(v.days)], 0, n)
	case 'e':
		return appendName(dst, dayNames[types.Weekday(v.days)], types.Weekday(v.days)+1, n)
	case 'S':
		return appendFirst(dst, v.Nano, n)
	case 'a':
		return append(dst, [...]string{"AM", "PM"}[v.Hour/12]...)
	case 'G':
		return append(dst, "AD"...)
	case 'z', 'Z', 'X', 'x', 'V':
		return appendOffset(dst, v.offset, letter, n)
	}
	return appendPadded(dst, v.field(letter), n)
}

// field is the number that a letter stands for.
func (v *timeValue) field(letter byte) int {
	switch letter {
	case 'd':
		return v.Day
	case 'D':
		return v.days - types.DaysOf(v.Year, 1, 1) + 1
	case 'w':
		_, w := types.ISOWeek(v.days)
		return w
	case 'W':
		return (v.Day+types.Weekday(v.days-v.Day+1)-1)/7 + 1
	case 'F':
		return (v.Day-1)/7 + 1
	case 'H':
		return v.Hour
	case 'k':
		return (v.Hour+23)%24 + 1
	case 'K':
		return v.Hour % 12
	case 'h':
		return (v.Hour+11)%12 + 1
	case 'm':
		return v.Minute
	case 's':
		return v.Second
	case 'A':
		return ((v.Hour*60+v.Minute)*60+v.Second)*1000 + v.Nano/1000000
	case 'n':
		return v.Nano
	}
	return 0
}

func appendYear(dst []byte, y, n int) []byte {
	if n == 2 {
		return appendPadded(dst, ((y%100)+100)%100, 2)
	}
	return appendPadded(dst, y, n)
}

func appendPadded(dst []byte, x, n int) []byte {
	switch {
	case n == 2 && uint(x) < 100:
		return append(dst, byte('0'+x/10), byte('0'+x%10))
	case n == 4 && uint(x) < 10000:
		return append(dst, byte('0'+x/1000), byte('0'+x/100%10), byte('0'+x/10%10), byte('0'+x%10))
	}
	if x < 0 {
		dst, x = append(dst, '-'), -x
	}
	width := 1
	for p := 10; x >= p; p *= 10 {
		width++
	}
	for ; width < n; width++ {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(x), 10)
}

// appendName appends a number for one or two letters, else a name: three of its
// letters, all of it for four, the first for five.
func appendName(dst []byte, name string, number, n int) []byte {
	switch {
	case n < 3:
		return appendPadded(dst, number, n)
	case n == 3:
		return append(dst, name[:3]...)
	case n == 5:
		return append(dst, name[0])
	}
	return append(dst, name...)
}

// appendFirst appends the first n of the nine digits of a fraction.
func appendFirst(dst []byte, nanos, n int) []byte {
	if n == 3 {
		ms := nanos / 1000000
		return types.AppendPair(append(dst, byte('0'+ms/100)), ms%100)
	}
	for unit := 100000000; n > 0; n-- {
		if unit == 0 {
			dst = append(dst, '0')
			continue
		}
		dst = append(dst, byte('0'+nanos/unit%10))
		unit /= 10
	}
	return dst
}

func appendOffset(dst []byte, offset int64, letter byte, n int) []byte {
	if offset == 0 && (letter == 'X' || letter == 'z') {
		if letter == 'z' {
			return append(dst, "UTC"...)
		}
		return append(dst, 'Z')
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = appendPadded(append(dst, sign), int(offset/3600), 2)
	if n == 1 && letter != 'Z' && offset%3600 == 0 {
		return dst
	}
	if n == 3 || letter == 'z' || n >= 5 {
		dst = append(dst, ':')
	}
	return appendPadded(dst, int(offset/60%60), 2)
}
