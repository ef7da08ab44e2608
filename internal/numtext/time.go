package numtext

import "strconv"

// DaysOf returns the days from 1970-01-01 to a date of the proleptic Gregorian
// calendar (Howard Hinnant, days_from_civil).
func DaysOf(y, m, d int) int {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// DateOf is the inverse of DaysOf.
func DateOf(days int) (y, m, d int) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	y = yoe + era*400
	m = mp + 3
	if m > 12 {
		m -= 12
		y++
	}
	return y, m, d
}

// DaysIn returns the number of days of a month.
func DaysIn(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// two reads two digits.
func two(b []byte, i int) (int, bool) {
	a, c := b[i]-'0', b[i+1]-'0'
	return int(a)*10 + int(c), a <= 9 && c <= 9
}

// A DateRule says how a date text may differ from yyyy-MM-dd.
type DateRule uint8

// The rules.
const (
	Strict DateRule = iota
	Clamp           // February 30 is its last day, as Java's SMART resolver has it
	Loose           // one digit for month or day will do, as java.sql.Date reads
)

// Years that dates may have: what an int64 of microseconds can hold.
const (
	yearMin = -290307
	yearMax = 294246
)

// Date reads a date at the front of b and returns its days since 1970-01-01 and
// its length, 0 if there is none.
func Date(b []byte, rule DateRule) (days, n int) {
	if days, ok := DateAt(b, 0); ok {
		return int(days), 10
	}
	return longDate(b, rule)
}

func civil(y, m, d, n int, rule DateRule) (int, int) {
	if m < 1 || m > 12 || d < 1 || d > 31 || y < yearMin || y > yearMax {
		return 0, 0
	}
	if last := DaysIn(y, m); d > last {
		if rule != Clamp {
			return 0, 0
		}
		d = last
	}
	return DaysOf(y, m, d), n
}

// longDate reads dates with signs, long years or short months.
func longDate(b []byte, rule DateRule) (days, n int) {
	i, sign := 0, 1
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		i = 1
		if b[0] == '-' {
			sign = -1
		}
	}
	field := func(least, most int) (v int, ok bool) {
		from := i
		for i < len(b) && b[i]-'0' <= 9 && i-from < most {
			v = v*10 + int(b[i]-'0')
			i++
		}
		return v, i-from >= least
	}
	least := 2
	if rule == Loose {
		least = 1
	}
	y, ok := field(4, 9)
	if !ok || i >= len(b) || b[i] != '-' {
		return 0, 0
	}
	i++
	m, ok := field(least, 2)
	if !ok || i >= len(b) || b[i] != '-' {
		return 0, 0
	}
	i++
	d, ok := field(least, 2)
	if !ok {
		return 0, 0
	}
	return civil(sign*y, m, d, i, rule)
}

// Clock reads HH:mm:ss with up to nine digits of fraction at the front of b and
// returns its parts and its length, 0 if there is none. short lets the seconds
// be left out.
func Clock(b []byte, short bool) (sec, nano, n int) {
	if len(b) < 5 || b[2] != ':' {
		return 0, 0, 0
	}
	h, ok1 := two(b, 0)
	m, ok2 := two(b, 3)
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, 0, 0
	}
	sec = h*3600 + m*60
	if len(b) < 8 || b[5] != ':' {
		if short {
			return sec, 0, 5
		}
		return 0, 0, 0
	}
	s, ok := two(b, 6)
	if !ok || s > 59 {
		return 0, 0, 0
	}
	sec += s
	if len(b) == 8 || b[8] != '.' {
		return sec, 0, 8
	}
	n = 9
	for n < len(b) && n < 18 && b[n]-'0' <= 9 {
		nano = nano*10 + int(b[n]-'0')
		n++
	}
	return sec, nano * nanoScale[n-9], n
}

// nanoScale[n] makes n digits of fraction into nanoseconds.
var nanoScale = [...]int{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1}

// Cut drops the digits of nanoseconds that precision p does not have.
func Cut(nano, p int) int {
	if p >= 9 {
		return nano
	}
	return nano - nano%nanoScale[p]
}

// Offset reads Z or a zone offset, ±hh:mm or ±hhmm or ±hh, that is all of b, in
// seconds.
func Offset(b []byte) (sec int, ok bool) {
	if len(b) == 1 && b[0]|0x20 == 'z' {
		return 0, true
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	h, ok := two(b, 1)
	m := 0
	switch {
	case len(b) == 6 && b[3] == ':':
		var ok2 bool
		m, ok2 = two(b, 4)
		ok = ok && ok2
	case len(b) == 5:
		var ok2 bool
		m, ok2 = two(b, 3)
		ok = ok && ok2
	case len(b) != 3:
		return 0, false
	}
	if !ok || h > 18 || m > 59 {
		return 0, false
	}
	sec = h*3600 + m*60
	if b[0] == '-' {
		sec = -sec
	}
	return sec, true
}

func append2(dst []byte, v int) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

// AppendDate appends a date as yyyy-MM-dd.
func AppendDate(dst []byte, days int) []byte {
	y, m, d := DateOf(days)
	switch {
	case y < 0:
		dst = append(dst, '-')
		y = -y
	case y > 9999:
		dst = append(dst, '+')
	}
	if y < 1000 {
		dst = append(dst, "000"[:3-len(strconv.Itoa(y))+1]...)
	}
	if y > 9999 || y < 1000 {
		dst = strconv.AppendInt(dst, int64(y), 10)
	} else {
		dst = append2(append2(dst, y/100), y%100)
	}
	dst = append2(append(dst, '-'), m)
	return append2(append(dst, '-'), d)
}

// A Fraction says how many digits follow the second.
type Fraction uint8

// The ways to write a fraction.
const (
	Short  Fraction = iota // none of the zeros at the end, and none at all for a whole second
	Groups                 // 0, 3, 6 or 9 digits, as Java's LocalTime.toString
)

// AppendClock appends HH:mm:ss and a fraction.
func AppendClock(dst []byte, sec, nano int, f Fraction) []byte {
	dst = append(append2(dst, sec/3600), ':')
	dst = append(append2(dst, sec/60%60), ':')
	return AppendFraction(append2(dst, sec%60), nano, f)
}

// AppendFraction appends the fraction of a second, with its point.
func AppendFraction(dst []byte, nano int, f Fraction) []byte {
	if nano == 0 {
		return dst
	}
	if ms := nano / 1_000_000; ms*1_000_000 == nano {
		dst = append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		for f != Groups && dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
		return dst
	}
	var buf [9]byte
	for i := 8; i >= 0; i-- {
		buf[i] = byte('0' + nano%10)
		nano /= 10
	}
	n := 9
	if f == Groups {
		for n > 3 && buf[n-1] == '0' && buf[n-2] == '0' && buf[n-3] == '0' {
			n -= 3
		}
	} else {
		for buf[n-1] == '0' {
			n--
		}
	}
	return append(append(dst, '.'), buf[:n]...)
}

// AppendTimestamp appends a date, sep and a time of day. nano is in [0, 1e9).
func AppendTimestamp(dst []byte, sec int64, nano int, sep byte, f Fraction) []byte {
	days := sec / 86400
	rest := sec % 86400
	if rest < 0 {
		rest += 86400
		days--
	}
	dst = append(AppendDate(dst, int(days)), sep)
	return AppendClock(dst, int(rest), nano, f)
}
