package numtext

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-io/millrace/types"
)

func TestInt(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "7": 7, "-7": -7, "+7": 7, "12345678": 12345678, "123456789": 123456789, "0000000000000000000000000001": 1,
		"1234567890123456": 1234567890123456, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64} {
		for _, b := range [][]byte{[]byte(s), append(make([]byte, 0, 64), s...)} {
			if v, st := Int(b); v != want || st != OK {
				t.Errorf("%s: %d %d", s, v, st)
			}
		}
	}
	for s, want := range map[string]Status{"": Bad, "-": Bad, "+": Bad, "1x": Bad, " 1": Bad, "1.0": Bad, "12345678:": Bad, "/2345678": Bad, "123456789012345678x": Bad,
		"9223372036854775808": Over, "-9223372036854775809": Over, "18446744073709551616": Over, "99999999999999999999": Over, "184467440737095516161": Over} {
		if _, st := Int([]byte(s)); st != want {
			t.Errorf("%q: %d", s, st)
		}
	}
}

func FuzzInt(f *testing.F) {
	for _, s := range []string{"1", "-99", "12345678901234567890", "+0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := strconv.ParseInt(s, 10, 64)
		got, st := Int([]byte(s))
		if (err == nil) != (st == OK) || err == nil && got != want {
			t.Fatalf("%q: %d %d, want %d %v", s, got, st, want, err)
		}
	})
}

func TestFloat(t *testing.T) {
	for s, want := range map[string]float64{"1": 1, "-1.5": -1.5, "2.5E3": 2500, ".5": .5, "5.": 5, "1e400": math.Inf(1), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
		"1.0f": 1, "3d": 3, "123456789012345678901234567890": 123456789012345678901234567890, "0.1": 0.1, "123456.789": 123456.789, "4.9E-324": 5e-324} {
		if v, st := Float([]byte(s), 64); v != want || st != OK {
			t.Errorf("%s: %v %d", s, v, st)
		}
	}
	if v, st := Float([]byte("NaN"), 64); !math.IsNaN(v) || st != OK {
		t.Error(v, st)
	}
	for _, s := range []string{"", "-", "x", "inf", "nan", "0x1p3", "1_0", "1e", ".", "1..2", "--1", "f"} {
		if v, st := Float([]byte(s), 64); st != Bad {
			t.Errorf("%q: %v", s, v)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		s     string
		p, s2 int
		want  string
	}{
		{"12.345", 6, 2, "12.35"}, {"-12.345", 6, 2, "-12.35"}, {"12.344", 6, 2, "12.34"}, {"99999999", 6, 2, "over"}, {"9999.995", 6, 2, "over"}, {"9999.994", 6, 2, "9999.99"},
		{"1E+5", 10, 2, "100000.00"}, {"1e-7", 10, 8, "0.00000010"}, {"0.4", 3, 0, "0"}, {"0.5", 3, 0, "1"}, {"0.05", 3, 0, "0"}, {"0", 1, 0, "0"}, {"000.000", 5, 2, "0.00"},
		{"5.2E+3", 12, 3, "5200.000"}, {"1e-99999", 38, 10, "0.0000000000"}, {"0e99999", 38, 0, "0"}, {"1e99999", 38, 0, "over"},
		{"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"}, {"100000000000000000000000000000000000000", 38, 0, "over"},
		{"0.33333333333333333333333333333333333333333333333333333", 38, 37, "0.3333333333333333333333333333333333333"},
		{"1234567890123456789.5", 38, 1, "1234567890123456789.5"}, {"+1.", 4, 1, "1.0"}, {".5", 4, 1, "0.5"}, {"123456789012345678", 18, 0, "123456789012345678"},
		{"", 4, 1, "bad"}, {".", 4, 1, "bad"}, {"1.2.3", 4, 1, "bad"}, {"1e", 4, 1, "bad"}, {"x", 4, 1, "bad"}, {"1 ", 4, 1, "bad"}, {"1e99999999999", 4, 1, "bad"},
	} {
		text := func(v types.Int128, st Status) string {
			switch st {
			case Over:
				return "over"
			case Bad:
				return "bad"
			}
			return string(types.AppendDecimal128(nil, v, c.s2))
		}
		if got := text(Decimal([]byte(c.s), c.p, c.s2)); got != c.want {
			t.Errorf("%q to (%d,%d): %s, want %s", c.s, c.p, c.s2, got, c.want)
		}
		if c.p <= 18 {
			v, st := Decimal64([]byte(c.s), c.p, c.s2)
			if got := text(types.Int128Of(v), st); got != c.want {
				t.Errorf("64: %q to (%d,%d): %s, want %s", c.s, c.p, c.s2, got, c.want)
			}
		}
	}
}

func FuzzDecimal(f *testing.F) {
	f.Add("12.345", uint8(10), uint8(2))
	f.Add("-1e3", uint8(38), uint8(30))
	f.Fuzz(func(t *testing.T, s string, p, sc uint8) {
		prec := int(p)%38 + 1
		scale := int(sc) % (prec + 1)
		got, st := Decimal([]byte(s), prec, scale)
		if strings.ContainsAny(s, "_xXpPiInN/oObB") || len(s) > 60 {
			return
		}
		if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 4 {
			return
		}
		r, ok := new(big.Rat).SetString(s)
		if ok != (st != Bad) {
			t.Fatalf("%q: %d, big.Rat %v", s, st, ok)
		}
		if !ok {
			return
		}
		r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		// round half away from zero
		num, den := new(big.Int).Abs(r.Num()), r.Denom()
		num.Mul(num, big.NewInt(2)).Add(num, den)
		num.Div(num, new(big.Int).Mul(den, big.NewInt(2)))
		if r.Sign() < 0 {
			num.Neg(num)
		}
		fits := new(big.Int).Abs(num).Cmp(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(prec)), nil)) < 0
		if fits != (st == OK) {
			t.Fatalf("%q to (%d,%d): status %d, exact %s", s, prec, scale, st, num)
		}
		if st == OK && string(types.AppendDecimal128(nil, got, 0)) != num.String() {
			t.Fatalf("%q to (%d,%d): %s, exact %s", s, prec, scale, types.AppendDecimal128(nil, got, 0), num)
		}
	})
}

func TestAppendNumbers(t *testing.T) {
	for want, f := range map[string]float64{"0.0": 0, "1.0": 1, "-2.5": -2.5, "1.0E10": 1e10, "1.0E-5": 1e-5, "9999999.0": 9999999, "1.0E7": 1e7, "0.001": 0.001, "9.99E-4": 0.000999,
		"1.7976931348623157E308": math.MaxFloat64, "NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "-0.0": math.Copysign(0, -1), "1.2345678E7": 12345678} {
		if got := string(AppendFloat(nil, f, 64)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := string(AppendFloat(nil, float64(float32(0.1)), 32)); got != "0.1" {
		t.Error(got)
	}
	for _, c := range []struct {
		v          int64
		scale      int
		sci, plain string
	}{{5200000, 3, "5.2E+3", "5200"}, {100000, 0, "1E+5", "100000"}, {1420, 2, "14.2", "14.2"}, {0, 3, "0", "0"}, {-7, 0, "-7", "-7"}, {1, 7, "1E-7", "0.0000001"}, {1, 6, "0.000001", "0.000001"},
		{123, 2, "1.23", "1.23"}, {-5, 3, "-0.005", "-0.005"}, {12, 8, "1.2E-7", "0.00000012"}} {
		if got := string(AppendDecimal(nil, types.Int128Of(c.v), c.scale, false)); got != c.sci {
			t.Errorf("%s, want %s", got, c.sci)
		}
		if got := string(AppendDecimal(nil, types.Int128Of(c.v), c.scale, true)); got != c.plain {
			t.Errorf("%s, want %s", got, c.plain)
		}
	}
}

func TestDates(t *testing.T) {
	for days := -800_000; days < 800_000; days += 37 {
		y, m, d := DateOf(days)
		want := time.Unix(int64(days)*86400, 0).UTC()
		if y != want.Year() || m != int(want.Month()) || d != want.Day() || DaysOf(y, m, d) != days {
			t.Fatalf("%d: %d-%d-%d, want %s", days, y, m, d, want)
		}
		if y > 0 {
			text := AppendDate(nil, days)
			if y <= 9999 && string(text) != want.Format("2006-01-02") {
				t.Fatalf("%s, want %s", text, want)
			}
			if back, n := Date(text, Strict); back != days || n != len(text) {
				t.Fatalf("%s: %d, want %d", text, back, days)
			}
		}
	}
	for s, want := range map[string][3]int{"2024-02-30": {0, 10, 0}, "2024-1-5": {0, 0, 8}, "2024-01-5": {0, 0, 9}, "2024-13-01": {0, 0, 0}, "2024-00-01": {0, 0, 0}, "2024-01-32": {0, 0, 0},
		"20240105": {0, 0, 0}, "x": {0, 0, 0}, "": {0, 0, 0}, "0000-01-01": {10, 10, 10}, "-0001-12-31": {11, 11, 11}, "+12024-01-01": {12, 12, 12}} {
		for rule, n := range want {
			if _, got := Date([]byte(s), DateRule(rule)); got != n {
				t.Errorf("%q by rule %d: %d, want %d", s, rule, got, n)
			}
		}
	}
	if a, _ := Date([]byte("2023-02-31"), Clamp); a != DaysOf(2023, 2, 28) {
		t.Error(a)
	}
}

func TestClock(t *testing.T) {
	for s, want := range map[string][3]int{"12:34:56": {45296, 0, 8}, "12:34:56.5": {45296, 5e8, 10}, "12:34:56.123456789": {45296, 123456789, 18}, "12:34:56.": {45296, 0, 9}, "12:34": {45240, 0, 5},
		"24:00:00": {}, "12:60:00": {}, "12:00:60": {}, "1:00:00": {}, "": {}} {
		sec, nano, n := Clock([]byte(s), true)
		if [3]int{sec, nano, n} != want {
			t.Errorf("%q: %d %d %d", s, sec, nano, n)
		}
	}
	if _, _, n := Clock([]byte("12:34"), false); n != 0 {
		t.Error(n)
	}
	for _, c := range []struct {
		nano          int
		short, groups string
	}{{0, "", ""}, {5e8, ".5", ".500"}, {480e6, ".48", ".480"}, {1000, ".000001", ".000001"}, {123456789, ".123456789", ".123456789"}} {
		if got := string(AppendClock(nil, 45296, c.nano, Short)); got != "12:34:56"+c.short {
			t.Error(got)
		}
		if got := string(AppendClock(nil, 45296, c.nano, Groups)); got != "12:34:56"+c.groups {
			t.Error(got)
		}
	}
	if got := string(AppendTimestamp(nil, -1, 5e8, 'T', Short)); got != "1969-12-31T23:59:59.5" {
		t.Error(got)
	}
	if s, ok := Offset([]byte("-05:30")); !ok || s != -19800 {
		t.Error(s, ok)
	}
	if Cut(123456789, 3) != 123000000 || Cut(5, 9) != 5 || Cut(999999999, 0) != 0 {
		t.Error("Cut")
	}
}
