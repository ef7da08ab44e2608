package numtext

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// Texts of every length with what is not ASCII, valid or not, at every place.
func TestRunes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"é", "€", "😀", "\xff", "\x80", "\xe2\x82", "\xf0\x9f"}
	for length := range 70 {
		plain := make([]byte, length)
		for i := range plain {
			plain[i] = byte(r.IntN(utf8.RuneSelf))
		}
		for at := range length + 1 {
			for _, p := range parts {
				s := append(append(append([]byte{}, plain[:at]...), p...), plain[at:]...)
				if got, want := Runes(s), utf8.RuneCount(s); got != want || ASCII(s) {
					t.Fatalf("%q: %d, not %d; ASCII: %v", s, got, want, ASCII(s))
				}
			}
		}
		if Runes(plain) != length || !ASCII(plain) {
			t.Fatalf("%q: %d, not %d; ASCII: %v", plain, Runes(plain), length, ASCII(plain))
		}
	}
}

func BenchmarkRunes(b *testing.B) {
	s := []byte("a text of the length that most comments have, sixty-odd bytes.")
	for _, c := range []struct {
		name  string
		count func([]byte) int
	}{{"words", Runes}, {"utf8", utf8.RuneCount}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.count(s)
			}
		})
	}
}
