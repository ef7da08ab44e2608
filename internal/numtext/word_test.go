package numtext

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// shapes are texts near those that the functions of word.go read.
func shapes(rng *rand.Rand) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + rng.IntN(10)))
		}
		return b.String()
	}
	var s string
	switch rng.IntN(4) {
	case 0:
		s = digits(rng.IntN(19))
	case 1:
		s = digits(rng.IntN(12)) + "." + digits(rng.IntN(12))
	case 2:
		s = fmt.Sprintf("%04d-%02d-%02d", rng.IntN(2400), rng.IntN(14), rng.IntN(33))
	default:
		s = fmt.Sprintf("%02d:%02d:%02d.%s", rng.IntN(25), rng.IntN(61), rng.IntN(61), digits(rng.IntN(11)))
		s = s[:len(s)-rng.IntN(2)]
	}
	if rng.IntN(4) == 0 {
		s = "-" + s
	}
	if b := []byte(s); len(b) > 0 && rng.IntN(4) == 0 {
		b[rng.IntN(len(b))] = "0123456789.-:/+ xe\xb1\x00"[rng.IntN(20)]
		s = string(b)
	}
	return s
}

// checkWord compares the functions of word.go with the general ones: what they
// take is taken there, with the same value, whatever stands around it.
func checkWord(t *testing.T, s string, before, behind string, prec, scale int) (taken int) {
	data := []byte(before + s + behind)
	from, to := len(before), len(before)+len(s)
	text := append([]byte(nil), s...)
	same := func(what string, ok bool, got, want int64, st bool) {
		if ok {
			taken++
		}
		if ok && (!st || got != want) {
			t.Fatalf("%s of %q: %d, want %d (%v)", what, s, got, want, st)
		}
	}
	v, ok := IntAt(data, from, to)
	want, st := Int(text)
	same("IntAt", ok, v, want, st == OK)
	if n := len(s); n >= 1 && n <= 8 && len(data)-from >= 8 {
		v, ok = Digits(binary.LittleEndian.Uint64(data[from:]), n)
		same("Digits", ok, v, want, st == OK)
	}
	v, ok = DecimalAt(data, from, to, prec, scale)
	wide, st := Decimal(text, prec, scale)
	same("DecimalAt", ok, v, int64(wide.Lo), st == OK)
	f, ok := DoubleAt(data, from, to)
	wantF, st := Float(text, 64)
	same("DoubleAt", ok, int64(math.Float64bits(f)), int64(math.Float64bits(wantF)), st == OK)
	if len(s) >= 10 {
		d, ok := DateAt(data, from)
		days, n := longDate(text[:10], Strict)
		same("DateAt", ok, int64(d), int64(days), n == 10)
	}
	v, ok = ClockAt(data, from, to)
	sec, nano, n := Clock(text, false)
	same("ClockAt", ok, v, int64(sec)*1_000_000+int64(nano/1000), n == len(text) && n > 0)
	return taken
}

func TestWordsAgreeWithTheGeneralFunctions(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	taken := 0
	for range 300_000 {
		prec := 1 + rng.IntN(18)
		taken += checkWord(t, shapes(rng), "123456789."[:rng.IntN(11)], ",0123456789.55-77:88"[:rng.IntN(21)], prec, rng.IntN(prec+1))
	}
	if taken < 100_000 {
		t.Errorf("only %d texts were taken", taken)
	}
}

// What most texts are must be taken, else the fast functions are none.
func TestWordsTakeWhatIsUsual(t *testing.T) {
	const pad = ",and so on, twenty bytes"
	for _, s := range []string{"0", "7", "-7", "12345678", "-1234567890123456"} {
		if _, ok := IntAt([]byte(s+pad), 0, len(s)); !ok {
			t.Errorf("%s is not taken as an integer", s)
		}
	}
	for _, s := range []string{"0", "0.5", "17", "17.00", "-21168.23", "123456.78", "1234567890123.45"} {
		if _, ok := DecimalAt([]byte(s+pad), 0, len(s), 15, 2); !ok {
			t.Errorf("%s is not taken as a decimal", s)
		}
	}
	for _, s := range []string{"0", "-0.5", "17", "3.14159265358979", "12345678901.5"} {
		if _, ok := DoubleAt([]byte(s+pad), 0, len(s)); !ok {
			t.Errorf("%s is not taken as a double", s)
		}
	}
	for _, s := range []string{"0001-01-01", "2024-02-29", "9999-12-31"} {
		if _, ok := DateAt([]byte(s), 0); !ok {
			t.Errorf("%s is not taken as a date", s)
		}
	}
	for _, s := range []string{"00:00:00", "23:59:59.", "12:34:56.7", "12:34:56.789", "12:34:56.123456", "12:34:56.123456789"} {
		if _, ok := ClockAt([]byte(s+pad), 0, len(s)); !ok {
			t.Errorf("%s is not taken as a time", s)
		}
	}
}

func FuzzWord(f *testing.F) {
	f.Add("12.34", uint8(15), uint8(2))
	f.Fuzz(func(t *testing.T, s string, p, sc uint8) {
		prec := int(p)%18 + 1
		checkWord(t, s, "9.", "7777777777777777777", prec, int(sc)%(prec+1))
	})
}

func BenchmarkWords(b *testing.B) {
	data := []byte("1234567,21168.23,1996-03-13,23:57:23.480,and so on, twenty bytes")
	b.Run("Int", func(b *testing.B) {
		for b.Loop() {
			IntAt(data, 0, 7)
		}
	})
	b.Run("Decimal", func(b *testing.B) {
		for b.Loop() {
			DecimalAt(data, 8, 16, 15, 2)
		}
	})
	b.Run("Date", func(b *testing.B) {
		for b.Loop() {
			DateAt(data, 17)
		}
	})
	b.Run("Clock", func(b *testing.B) {
		for b.Loop() {
			ClockAt(data, 28, 40)
		}
	})
}
