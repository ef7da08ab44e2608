package cut

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Cells end at the marks, however many a word has.
func TestAppendEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 20_000 {
		masks := make([]uint64, rng.IntN(6))
		for k := range masks {
			switch masks[k] = rng.Uint64(); (round + k) % 6 {
			case 0:
				masks[k] = 0
			case 1:
				masks[k] = ^uint64(0)
			case 2:
				masks[k] &= rng.Uint64() & rng.Uint64()
			case 3:
				masks[k] = 1 << rng.IntN(64)
			}
		}
		base := uint32(1000 + rng.IntN(1<<20))
		start := base - uint32(rng.IntN(1000))
		before := make([]Cell, rng.IntN(3), 3+rng.IntN(200))
		for k := range before {
			before[k] = Cell{7, 8}
		}
		want, from := slices.Clone(before), start
		for at := range 64 * len(masks) {
			if masks[at/64]>>(at%64)&1 == 1 {
				want = append(want, Cell{from, base + uint32(at)})
				from = base + uint32(at) + 1
			}
		}
		if got := AppendEnds(slices.Clip(before), masks, start, base); !slices.Equal(got, want) {
			t.Fatalf("%x from %d, base %d: %v, want %v", masks, start, base, got, want)
		}
		if len(masks) == 0 {
			continue
		}
		out := make([]Cell, len(want)-len(before)+endsAtOnce)
		appendWords(out, masks, start, base)
		if out = out[:len(want)-len(before)]; !slices.Equal(out, want[len(before):]) {
			t.Fatalf("%x by words: %v, want %v", masks, out, want)
		}
	}
}

func BenchmarkAppendEnds(b *testing.B) {
	masks := slices.Repeat([]uint64{0x1020408102040811}, 64)
	var cells []Cell
	for b.Loop() {
		cells = AppendEnds(cells[:0], masks, 0, 0)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(cells)), "ns/cell")
}
