package marks

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func checkUTF8(t testing.TB, text []byte) {
	t.Helper()
	want := utf8.Valid(text)
	if got := ValidUTF8(text); got != want {
		t.Fatalf("%x: %v, want %v", text, got, want)
	}
	if got := validWords(text); got != want {
		t.Fatalf("%x by words: %v, want %v", text, got, want)
	}
}

// All pairs of bytes, and all third and fourth bytes of what begins well, wherever in a
// block they stand.
func TestValidUTF8(t *testing.T) {
	var few []byte // bytes at the ends of what is allowed somewhere
	for _, x := range []int{0, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF} {
		few = append(few, byte(x))
	}
	text := bytes.Repeat([]byte("a"), 100)
	for at := 28; at < 37; at++ {
		for a := range 256 {
			for b := range 256 {
				text[at], text[at+1] = byte(a), byte(b)
				checkUTF8(t, text)
			}
		}
		for _, a := range few {
			for _, b := range few {
				for _, c := range few {
					for _, d := range few {
						copy(text[at:], []byte{a, b, c, d})
						checkUTF8(t, text)
					}
				}
			}
		}
		copy(text[at:], "aaaa")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "é", "日", "😀", strings.Repeat("a", 40), strings.Repeat("日本", 20), "\x80", "\xE3\x81", "\xF0\x9F\x98", "\xED\xA0\x80", "\xC0\x80", "\xF4\x90\x80\x80"}
	for round := range 20_000 {
		var s strings.Builder
		for range rng.IntN(30) {
			s.WriteString(parts[rng.IntN(6)])
		}
		if round%2 == 0 {
			s.WriteString(parts[rng.IntN(len(parts))]) // at the very end
		} else if round%3 == 0 {
			s.WriteString(parts[rng.IntN(len(parts))] + parts[rng.IntN(6)])
		}
		checkUTF8(t, []byte(s.String()))
	}
}

func FuzzValidUTF8(f *testing.F) {
	f.Add([]byte(strings.Repeat("日本語 text ", 10)))
	f.Fuzz(func(t *testing.T, text []byte) {
		checkUTF8(t, text)
		checkUTF8(t, append(bytes.Repeat([]byte("a"), 30), text...))
	})
}

func BenchmarkValidUTF8(b *testing.B) {
	for _, s := range []string{"ASCII only", "ein paar Wörter", "日本語"} {
		text := []byte(strings.Repeat(s, 1<<16/len(s)))
		for _, f := range []struct {
			name string
			f    func([]byte) bool
		}{{"vectors", ValidUTF8}, {"words", validWords}, {"library", utf8.Valid}} {
			b.Run(s+"/"+f.name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					f.f(text)
				}
			})
		}
	}
}
