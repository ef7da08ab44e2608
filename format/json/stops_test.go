package json

import (
	"math/rand/v2"
	"testing"
)

// Stops are where a reader of single bytes stops, in one string from end to end.
func TestStops(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const of = "\\\\\\\\\"\"na\x01é,"
	for round := range 3000 {
		text := make([]byte, 1+rng.IntN(400))
		for i := range text {
			text[i] = of[rng.IntN(len(of))]
			if round%3 > 0 && rng.IntN(8) > 0 {
				text[i] = "a\\"[round%3-1]
			}
		}
		text[len(text)-1] = '\n'
		var s stops
		ascii := s.mark(text)
		wantASCII, escape := true, false
		for i, c := range text {
			first := c == '\\' && !escape
			all := c < ' ' || first || c == '"' && !escape
			ends := all && !(first && i%64 < 63 && (text[i+1] == '"' || text[i+1] == '\\'))
			if got := s.all[i/64]>>(i%64)&1 == 1; got != all {
				t.Fatalf("%q at %d: all %v", text, i, got)
			}
			if got := s.ends[i/64]>>(i%64)&1 == 1; got != ends {
				t.Fatalf("%q at %d: ends %v", text, i, got)
			}
			escape = first
			wantASCII = wantASCII && c < 0x80
		}
		if ascii != wantASCII {
			t.Fatalf("%q: ascii %v", text, ascii)
		}
	}
}
