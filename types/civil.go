package types

// Units of time in microseconds, the unit of timestamps.
const (
	Milli  int64 = 1000
	Second       = 1000 * Milli
	Minute       = 60 * Second
	Hour         = 60 * Minute
	Day          = 24 * Hour
)

// A Civil is a date and time of day in the proleptic Gregorian calendar.
type Civil struct {
	Year, Month, Day     int // Month and Day from 1
	Hour, Minute, Second int
	Nano                 int
}

// DaysOf returns the days from 1970-01-01 to a date; month and day may be out of
// range and carry over (after Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms", days_from_civil).
func DaysOf(year, month, day int) int {
	month--
	year += floorDiv(month, 12)
	month = floorMod(month, 12) + 1
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := (153*((month+9)%12)+2)/5 + day - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// DateOf returns the date that lies days after 1970-01-01 (civil_from_days of
// the same source).
func DateOf(days int) (year, month, day int) {
	days += 719468
	era := floorDiv(days, 146097)
	doe := uint32(days - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy-(153*mp+2)/5) + 1
	month = int(mp) + 3
	year = int(yoe) + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int) int {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

// DayOf returns the day that a timestamp in microseconds falls on and the
// microseconds since its midnight.
func DayOf(micros int64) (days int, rest int64) {
	d := micros / Day
	rest = micros - d*Day
	if rest < 0 {
		d--
		rest += Day
	}
	return int(d), rest
}

// CivilOf returns the date and time of a timestamp in microseconds.
func CivilOf(micros int64) Civil {
	days, rest := DayOf(micros)
	c := Civil{}
	c.Year, c.Month, c.Day = DateOf(days)
	secs := int(rest / Second)
	c.Hour, c.Minute, c.Second = secs/3600, secs/60%60, secs%60
	c.Nano = int(rest%Second) * 1000
	return c
}

// Micros returns the timestamp of c in microseconds; fields may be out of range
// and carry over.
func (c Civil) Micros() int64 {
	return int64(DaysOf(c.Year, c.Month, c.Day))*Day + int64(c.Hour)*Hour + int64(c.Minute)*Minute +
		int64(c.Second)*Second + int64(c.Nano/1000)
}

// LeapYear reports whether a year has 366 days.
func LeapYear(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// DaysIn returns the number of days of a month.
func DaysIn(year, month int) int {
	switch month {
	case 2:
		if LeapYear(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// AddMonths moves a date by months; the day is cut to the length of the month
// that it lands in.
func AddMonths(days int, months int64) int {
	y, m, d := DateOf(days)
	n := int64(y)*12 + int64(m-1) + months
	y = int(n / 12)
	m = int(n % 12)
	if m < 0 {
		m += 12
		y--
	}
	return DaysOf(y, m+1, min(d, DaysIn(y, m+1)))
}

// AddMonthsMicros is AddMonths for a timestamp in microseconds.
func AddMonthsMicros(micros, months int64) int64 {
	days, rest := DayOf(micros)
	return int64(AddMonths(days, months))*Day + rest
}

// Weekday returns the day of the week, 0 for Sunday.
func Weekday(days int) int { return floorMod(days+4, 7) }

// ISOWeek returns the week of ISO 8601 that a date falls in, and its year.
func ISOWeek(days int) (year, week int) {
	thursday := days - (Weekday(days)+6)%7 + 3
	year, _, _ = DateOf(thursday)
	return year, (thursday-DaysOf(year, 1, 1))/7 + 1
}
