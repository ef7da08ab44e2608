package types

import (
	"math"
	"testing"
	"time"

	"github.com/millrace-io/millrace/internal/testkit/need"
)

func TestCivil(t *testing.T) {
	day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for ; day.Year() < 3000; day = day.AddDate(0, 0, 13) {
		days := int(day.Unix() / 86400)
		if day.Unix() < 0 {
			days = int((day.Unix() - 86399) / 86400)
		}
		y, m, d := DateOf(days)
		if y != day.Year() || m != int(day.Month()) || d != day.Day() || DaysOf(y, m, d) != days {
			t.Fatalf("day %d is %d-%d-%d, want %s", days, y, m, d, day)
		}
		iy, iw := day.ISOWeek()
		if gy, gw := ISOWeek(days); gy != iy || gw != iw || Weekday(days) != int(day.Weekday()) {
			t.Fatalf("%s is in week %d of %d", day, gw, gy)
		}
	}
	if got := AddMonths(DaysOf(2024, 3, 31), 1); got != DaysOf(2024, 4, 30) {
		t.Errorf("a month after 2024-03-31 is %s", AppendDate(nil, got))
	}
	if got := AddMonths(DaysOf(2024, 2, 29), -12); got != DaysOf(2023, 2, 28) {
		t.Errorf("a year before 2024-02-29 is %s", AppendDate(nil, got))
	}
}

func TestZone(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe"} {
		loc, err := LoadZone(name)
		if err != nil {
			need.Skip(t, err)
		}
		z := NewZone(loc)
		for unix := int64(1600000000); unix < 1640000000; unix += 1777 {
			local := z.Local(unix * Second)
			c := CivilOf(local)
			want := time.Unix(unix, 0).In(loc)
			if c.Hour != want.Hour() || c.Day != want.Day() || c.Minute != want.Minute() {
				t.Fatalf("%s at %d is %+v, want %s", name, unix, c, want)
			}
			if back := z.UTC(local); back != unix*Second && z.UTCLate(local) != unix*Second {
				t.Fatalf("%s: %d comes back as %d", name, unix, back/Second)
			}
		}
	}
	for name, offset := range map[string]int64{"GMT+08:00": 28800, "+05:30": 19800, "UTC-3": -10800} {
		loc, err := LoadZone(name)
		if err != nil || NewZone(loc).Offset(0) != offset {
			t.Errorf("%s: %v %v", name, loc, err)
		}
	}
}

func TestTimeTexts(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{string(AppendTimestamp(nil, DaysMicros(2024, 2, 29)+12*Hour, 0)), "2024-02-29 12:00:00"},
		{string(AppendTimestamp(nil, DaysMicros(2024, 2, 29)+120*Milli, 3)), "2024-02-29 00:00:00.120"},
		{string(AppendTimestamp(nil, -1500*Milli, 3)), "1969-12-31 23:59:58.500"},
		{string(AppendTimestamp(nil, 123456, 0)), "1970-01-01 00:00:00.123456"},
		{string(AppendTimestampNanos(nil, Int128Of(-1), 9)), "1969-12-31 23:59:59.999999999"},
		{string(AppendTime(nil, 45296000, 0)), "12:34:56"},
		{string(AppendTime(nil, 45296120, 3)), "12:34:56.12"},
		{string(AppendMonths(nil, 27)), "+2-03"},
		{string(AppendMillis(nil, 273906700)), "+3 04:05:06.700"},
		{string(AppendMillis(nil, -1)), "-0 00:00:00.001"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

// DaysMicros is midnight of a date.
func DaysMicros(y, m, d int) int64 { return int64(DaysOf(y, m, d)) * Day }

func TestDoubleText(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{
		{1e10, "1.0E10"}, {1e-5, "1.0E-5"}, {0.001, "0.001"}, {9999999, "9999999.0"}, {1e7, "1.0E7"}, {2, "2.0"}, {-0.4, "-0.4"},
		{math.Copysign(0, -1), "-0.0"}, {math.NaN(), "NaN"}, {math.Inf(-1), "-Infinity"}, {5.3687091175e8, "5.3687091175E8"},
		{4.9e-324, "4.9E-324"}, {math.MaxFloat64, "1.7976931348623157E308"}, {123456.789, "123456.789"},
	} {
		got := string(AppendDouble(nil, c.f))
		if got != c.want {
			t.Errorf("%g prints as %s, want %s", c.f, got, c.want)
		}
		if back, ok := ParseDouble([]byte(got)); !ok || back != c.f && c.f == c.f {
			t.Errorf("%s is read as %g", got, back)
		}
	}
	if got := string(AppendFloat(nil, 0.1)); got != "0.1" {
		t.Errorf("FLOAT 0.1 prints as %s", got)
	}
}

func FuzzTimeTexts(f *testing.F) {
	f.Add("2024-02-29 12:34:56.789")
	f.Add("12:34:56.7")
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := ParseTimestamp([]byte(s)); ok {
			text := AppendTimestamp(nil, c.Micros(), 6)
			back, ok := ParseTimestamp(text)
			if !ok || back.Micros() != c.Micros() {
				t.Fatalf("%q, printed as %q, comes back as %v", s, text, back)
			}
		}
		if d, ok := ParseDate([]byte(s)); ok {
			if back, ok := ParseDate(AppendDate(nil, d)); !ok || back != d {
				t.Fatalf("%q: day %d comes back as %d", s, d, back)
			}
		}
		ParseTime([]byte(s))
		ParseMillis([]byte(s))
		ParseMonths([]byte(s))
		ParseDouble([]byte(s))
	})
}
