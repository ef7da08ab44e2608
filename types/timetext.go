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
	}
	return append(dst, byte('0'+y/1000%10), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10))
}

func appendHMS(dst []byte, secs int) []byte {
	h, m, s := secs/3600, secs/60%60, secs%60
	return append(dst, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':', byte('0'+s/10), byte('0'+s%10))
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
