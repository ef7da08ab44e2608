package types

// AppendDate appends a date as 2024-02-29.
func AppendDate(dst []byte, days int) []byte {
	y, m, d := DateOf(days)
	return appendYMD(dst, y, m, d)
}

func appendYMD(dst []byte, y, m, d int) []byte {
	if y < 0 {
		dst, y = append(dst, '-'), -y
	}
	if y > 9999 {
		dst = append(dst, byte('0'+y/10000%10))
		y %= 10000
	}
	dst = append(dst, "0000-00-00"...)
	b := dst[len(dst)-10:]
	putPair(b, y/100)
	putPair(b[2:], y%100)
	putPair(b[5:], m)
	putPair(b[8:], d)
	return dst
}

// pairs are the texts of 00 to 99, one after the other.
var pairs = func() (p [200]byte) {
	for i := range 100 {
		p[2*i], p[2*i+1] = byte('0'+i/10), byte('0'+i%10)
	}
	return p
}()

// putPair writes the two digits of x, which is below 100.
func putPair(b []byte, x int) {
	at := 2 * (uint(x) % 100)
	b[0], b[1] = pairs[at], pairs[at+1]
}

// AppendPair appends the two digits of x, which is below 100.
func AppendPair(dst []byte, x int) []byte {
	at := 2 * (uint(x) % 100)
	return append(dst, pairs[at], pairs[at+1])
}

func appendHMS(dst []byte, secs int) []byte {
	dst = append(dst, "00:00:00"...)
	b := dst[len(dst)-8:]
	s := uint32(secs)
	putPair(b, int(s/3600))
	putPair(b[3:], int(s/60%60))
	putPair(b[6:], int(s%60))
	return dst
}

// AppendTime appends a time of day in milliseconds as 12:34:56. With a precision
// a fraction follows, without the zeros at its end but for one.
func AppendTime(dst []byte, millis int, prec int) []byte {
	millis = floorMod(millis, 86400000)
	dst = appendHMS(dst, millis/1000)
	ms := millis % 1000
	if prec <= 0 {
		return dst
	}
	dst = append(dst, '.')
	for ; prec > 0; prec-- {
		dst = append(dst, byte('0'+ms/100))
		if ms = ms % 100 * 10; ms == 0 {
			break
		}
	}
	return dst
}

// AppendTimestamp appends a timestamp in microseconds as 2024-02-29 12:34:56.789
// with prec digits after the second, and more if there are more that are not 0.
func AppendTimestamp(dst []byte, micros int64, prec int) []byte {
	days, rest := DayOf(micros)
	dst = append(AppendDate(dst, days), ' ')
	dst = appendHMS(dst, int(rest/Second))
	return appendFraction(dst, int(rest%Second)*1000, prec)
}

// AppendTimestampNanos is AppendTimestamp for nanoseconds.
func AppendTimestampNanos(dst []byte, nanos Int128, prec int) []byte {
	q, frac := nanos.DivInt(1e9)
	secs, _ := q.Int64()
	days, rest := DayOf(secs * Second)
	dst = append(AppendDate(dst, days), ' ')
	dst = appendHMS(dst, int(rest/Second))
	return appendFraction(dst, int(frac), prec)
}

func appendFraction(dst []byte, nanos, prec int) []byte {
	if prec == 3 && nanos%1_000_000 == 0 {
		ms := nanos / 1_000_000
		dst = append(dst, '.', byte('0'+ms/100))
		return AppendPair(dst, ms%100)
	}
	digits := 9
	for digits > prec && nanos%10 == 0 {
		nanos /= 10
		digits--
	}
	if digits == 0 {
		return dst
	}
	dst = append(dst, ".000000000"[:digits+1]...)
	for i := len(dst) - 1; nanos > 0; i-- {
		dst[i] = byte('0' + nanos%10)
		nanos /= 10
	}
	return dst
}

// AppendMonths appends an interval of months as +2-03.
func AppendMonths(dst []byte, months int64) []byte {
	sign := byte('+')
	if months < 0 {
		sign, months = '-', -months
	}
	dst = AppendDecimal64(append(dst, sign), months/12, 0)
	m := months % 12
	return append(dst, '-', byte('0'+m/10), byte('0'+m%10))
}

// AppendMillis appends an interval of milliseconds as +1 02:03:04.500.
func AppendMillis(dst []byte, millis int64) []byte {
	sign := byte('+')
	if millis < 0 {
		sign, millis = '-', -millis
	}
	dst = AppendDecimal64(append(dst, sign), millis/86400000, 0)
	rest := int(millis % 86400000)
	dst = appendHMS(append(dst, ' '), rest/1000)
	ms := rest % 1000
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}
