package marks

import (
	"bytes"
	"testing"
)

func TestLastIndexByte(t *testing.T) {
	for _, size := range []int{0, 1, 1023, 1024, 1025, 5000} {
		text := make([]byte, size)
		if at := LastIndexByte(text, 'x'); at >= 0 {
			t.Fatalf("%d of %d bytes without it", at, size)
		}
		for at := range text {
			text[at/2], text[at] = 'x', 'x'
			if got, want := LastIndexByte(text, 'x'), bytes.LastIndexByte(text, 'x'); got != want {
				t.Fatalf("%d of %d bytes, want %d", got, size, want)
			}
			text[at/2], text[at] = 0, 0
		}
	}
}

func BenchmarkLastIndexByte(b *testing.B) {
	text := make([]byte, 1<<20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		LastIndexByte(text, '\n')
	}
}
