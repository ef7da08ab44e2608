package marks

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// byByte is Scan said plainly.
func byByte(text []byte, c Chars) (dst []Block, ascii bool) {
	dst, ascii = make([]Block, Blocks(len(text))), true
	for i, x := range text {
		b, bit := &dst[i/64], uint64(1)<<(i%64)
		if x == c.A {
			b.A |= bit
		}
		if x == c.B {
			b.B |= bit
		}
		if x == c.C {
			b.C |= bit
		}
		if x <= c.Low {
			b.Low |= bit
		}
		ascii = ascii && x < 0x80
	}
	return dst, ascii
}

// eachScan runs f with each of the loops that the processor can run.
func eachScan(t testing.TB, f func(name string)) {
	t.Helper()
	f("the processor's best")
	for _, without := range vectors {
		had := *without.has
		*without.has = false
		defer func() { *without.has = had }()
		f("no " + without.name)
	}
}

func check(t testing.TB, text []byte, c Chars) {
	t.Helper()
	want, wantASCII := byByte(text, c)
	eachScan(t, func(name string) {
		got := make([]Block, len(want)+1)
		guard := Block{1, 2, 3, 4}
		for i := range got {
			got[i] = guard
		}
		ascii := Scan(got[:len(want)], text, c)
		if !slices.Equal(got[:len(want)], want) || ascii != wantASCII {
			t.Fatalf("%s: %q %q:\n%x %v, want\n%x %v", name, c, text, got, ascii, want, wantASCII)
		}
		if got[len(want)] != guard {
			t.Fatalf("%s: written behind the blocks of %d bytes", name, len(text))
		}
	})
}

func TestScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []Chars{{'"', '\\', ',', 0x1F}, {',', '\n', '"', 0x0D}, {'\t', '\n', '\'', 0}, {0, 0x7F, 0x7F, 0x7F}} {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		check(t, all, c)
		near := []byte{c.A, c.A + 1, c.A - 1, c.A | 0x80, c.B, c.B ^ 1, c.C, c.C | 0x80, c.Low, c.Low + 1, 0, 0x7F, 0x80, 0xFF, 'a'}
		for n := range 300 {
			text := make([]byte, n)
			for i := range text {
				text[i] = near[rng.IntN(len(near))]
			}
			check(t, text, c)
			for i := range text {
				text[i] = 'a'
			}
			check(t, text, c)
			if n > 0 {
				text[rng.IntN(n)] = 0x80 // one byte that is not ASCII, anywhere
				check(t, text, c)
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("{\"a\":\"x\\\\\",\"b\":[1,2]}\n"), byte('"'), byte('\\'), byte(','), byte(0x1F))
	f.Fuzz(func(t *testing.T, text []byte, a, b, c, low byte) {
		check(t, text, Chars{a & 0x7F, b & 0x7F, c & 0x7F, low & 0x7F})
	})
}

func TestNext(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		words := make([]uint64, 5)
		for range 1 + rng.IntN(4) {
			words[rng.IntN(5)] |= 1 << rng.IntN(64)
		}
		words[4] |= 1 << 63
		want := 319
		for i := 319; i >= 0; i-- {
			if words[i/64]>>(i%64)&1 == 1 {
				want = i
			}
			if got := Next(words, i); got != want {
				t.Fatalf("%x from %d: %d, want %d", words, i, got, want)
			}
		}
	}
}

func TestCompress(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	eachScan(t, func(name string) {
		for round := range 1000 {
			keep := []uint64{0, ^uint64(0), 1, 1 << 63, rng.Uint64(), rng.Uint64() & rng.Uint64(), rng.Uint64() | rng.Uint64()}[round%7]
			var text, dst, want [BlockBytes]byte
			for i := range text {
				text[i] = byte(rng.Uint32())
			}
			n := 0
			for i, x := range text {
				if keep>>i&1 == 1 {
					want[n] = x
					n++
				}
			}
			Compress(&dst, &text, keep)
			if !slices.Equal(dst[:n], want[:n]) {
				t.Fatalf("%s: %x of %x: %x, want %x", name, keep, text, dst[:n], want[:n])
			}
		}
	})
}

func TestAt(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	words := []uint64{rng.Uint64(), rng.Uint64(), rng.Uint64()}
	for i := range 192 {
		want := uint64(0)
		for k := range 64 {
			if at := i + k; at < 192 && words[at/64]>>(at%64)&1 == 1 {
				want |= 1 << k
			}
		}
		if got := At(words, i); got != want {
			t.Fatalf("from %d: %x, want %x", i, got, want)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	text := make([]byte, 64<<10)
	for i := range text {
		text[i] = byte('a' + i%26)
	}
	dst := make([]Block, Blocks(len(text)))
	eachScan(b, func(name string) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Scan(dst, text, Chars{'"', '\\', ',', 0x1F})
			}
		})
	})
}
