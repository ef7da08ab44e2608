package scalar

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// What words find is what the library finds.
func TestOneByte(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	near := []byte{',', ',' - 1, ',' + 1, ',' | 0x80, 0, 0xFF, 'a'}
	for range 20_000 {
		s := make([]byte, rng.IntN(40))
		for i := range s {
			s[i] = near[rng.IntN(len(near))]
			if rng.IntN(4) > 0 {
				s[i] = near[0]
			}
		}
		if got, want := appendWithout([]byte("x"), s, ','), "x"+string(bytes.ReplaceAll(s, []byte{','}, nil)); string(got) != want {
			t.Fatalf("%q without commas: %q, want %q", s, got, want)
		}
		pieces := bytes.Split(s, []byte{','})
		for k := range len(pieces) + 2 {
			got, ok := pieceBy(s, ',', k)
			if ok != (k < len(pieces)) || ok && !bytes.Equal(got, pieces[k]) {
				t.Fatalf("piece %d of %q: %q %v", k, s, got, ok)
			}
		}
	}
}
