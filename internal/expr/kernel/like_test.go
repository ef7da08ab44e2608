package kernel

import (
	"math/rand/v2"
	"testing"
)

// TestLikeParts compares patterns that are matched part by part with the general way.
func TestLikeParts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	text := func(letters []string, most int) (s string) {
		for range r.IntN(most + 1) {
			s += letters[r.IntN(len(letters))]
		}
		return s
	}
	inParts := 0
	for range 20_000 {
		pattern, s := text([]string{"a", "b", "ä", "%", "%"}, 6), []byte(text([]string{"a", "b", "ä"}, 8))
		l, err := NewLike([]byte(pattern), 0)
		if err != nil {
			t.Fatal(err)
		}
		if l.kind == likeParts {
			inParts++
		}
		if got, want := l.Match(s), l.general(s); got != want {
			t.Fatalf("%q LIKE %q: %v, want %v", s, pattern, got, want)
		}
	}
	if inParts < 1000 {
		t.Errorf("only %d patterns have several parts", inParts)
	}
}
