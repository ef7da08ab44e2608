package snappy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/snappy"
)

// plain decodes by steps alone.
func plain(dst, block []byte) bool {
	size, k := binary.Uvarint(block)
	if k <= 0 || size != uint64(len(dst)) {
		return false
	}
	block = block[k:]
	op, ip, ok := 0, 0, true
	for ip < len(block) {
		if op, ip, ok = step(dst, block, op, ip); !ok {
			return false
		}
	}
	return op == len(dst)
}

// check compares Decode with plain and with the library's decoder, which knows elements
// that Snappy has not.
func check(t testing.TB, size int, block []byte) (ok bool) {
	t.Helper()
	want := make([]byte, size)
	ok = plain(want, block)
	if library, err := snappy.Decode(nil, block); ok && (err != nil || !bytes.Equal(library, want)) {
		t.Fatalf("the library decodes otherwise (%v): %x", err, block)
	}
	const guard = 0xA5
	memory := bytes.Repeat([]byte{guard}, size+128)
	got := memory[:size:size]
	err := Decode(got, bytes.Clone(block))
	switch {
	case ok && (err != nil || !bytes.Equal(got, want)):
		t.Fatalf("other bytes (%v) of %x", err, block)
	case !ok && (err == nil && fast() || err != nil && !errors.Is(err, ErrCorrupt)):
		t.Fatalf("%v of %x", err, block)
	}
	if !bytes.Equal(memory[size:], bytes.Repeat([]byte{guard}, 128)) {
		t.Fatalf("written behind the end of %x", block)
	}
	return ok
}

// randomBlock makes elements of each kind, some of them wrong if so asked.
func randomBlock(rng *rand.Rand, elements int, wrong bool) (block []byte, size int) {
	back := func(most int) int {
		switch {
		case wrong && rng.IntN(50) == 0:
			return rng.IntN(most + 1)
		case rng.IntN(2) == 0:
			return 1 + rng.IntN(min(size, 40, most))
		}
		return 1 + rng.IntN(min(size, most))
	}
	for range elements {
		kind := rng.IntN(4)
		if size == 0 && !wrong {
			kind = literal
		}
		n := 1 + rng.IntN(64)
		if rng.IntN(2) == 0 {
			n = 1 + rng.IntN(20)
		}
		switch {
		case size == 0 || kind == literal:
			if rng.IntN(20) == 0 {
				n = 1 + rng.IntN(70_000)
			}
			switch k := rng.IntN(4); {
			case n <= 60 && rng.IntN(10) > 0:
				block = append(block, byte(n-1)<<2)
			case n <= 1<<8 && k == 0:
				block = append(block, 60<<2, byte(n-1))
			case n <= 1<<16 && k <= 1:
				block = append(block, 61<<2, byte(n-1), byte((n-1)>>8))
			case k <= 2:
				block = append(block, 62<<2, byte(n-1), byte((n-1)>>8), byte((n-1)>>16))
			default:
				block = append(block, 63<<2, byte(n-1), byte((n-1)>>8), byte((n-1)>>16), 0)
			}
			for range n {
				block = append(block, byte(rng.IntN(256)))
			}
		case kind == copy1:
			n = 4 + rng.IntN(8)
			b := back(1<<11 - 1)
			block = append(block, byte(b>>8)<<5|byte(n-4)<<2|copy1, byte(b))
		case kind == copy2:
			block = binary.LittleEndian.AppendUint16(append(block, byte(n-1)<<2|copy2), uint16(back(1<<16-1)))
		default:
			block = binary.LittleEndian.AppendUint32(append(block, byte(n-1)<<2|copy4), uint32(back(1<<20)))
		}
		size += n
	}
	return append(binary.AppendUvarint(nil, uint64(size)), block...), size
}

func TestDecode(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 1000 {
		block, size := randomBlock(rng, rng.IntN(1+rng.IntN(300)), false)
		if !check(t, size, block) {
			t.Fatalf("%d: %x is not decoded", i, block)
		}
		block, size = randomBlock(rng, rng.IntN(100), true)
		check(t, size, block)
		for range 5 {
			bad := bytes.Clone(block)
			bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
			check(t, size, bad)
			check(t, size, bad[:rng.IntN(len(bad))])
		}
	}
	if err := Decode(make([]byte, 3), nil); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// What the library encodes is decoded.
func TestRoundTrip(t *testing.T) {
	for name, data := range samples(100_000) {
		for _, n := range []int{0, 1, 60, 61, 1000, 65_536, len(data)} {
			if !check(t, n, snappy.Encode(nil, data[:n])) {
				t.Errorf("%d bytes of %s are not decoded", n, name)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		block, _ := randomBlock(rng, 30, false)
		f.Add(block)
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		if size, _ := binary.Uvarint(block); size < 1<<20 {
			check(t, int(size), block)
		}
	})
}

// samples are what pages hold.
func samples(n int) map[string][]byte {
	rng := rand.New(rand.NewPCG(3, 3))
	words := []string{"furiously ", "carefully ", "final ", "express ", "pending ", "deposits ", "theodolites ", "sleep "}
	out := map[string][]byte{"numbers": nil, "words": nil, "letters": nil, "steps": nil, "zeros": make([]byte, n)}
	for len(out["numbers"]) < n {
		out["numbers"] = binary.LittleEndian.AppendUint64(out["numbers"], rng.Uint64N(9000))
	}
	for len(out["words"]) < n {
		out["words"] = append(out["words"], words[rng.IntN(len(words))]...)
	}
	for len(out["letters"]) < n {
		out["letters"] = append(out["letters"], byte('a'+rng.IntN(26)))
	}
	for i := uint32(0); len(out["steps"]) < n; i++ {
		out["steps"] = binary.LittleEndian.AppendUint32(out["steps"], i%4)
	}
	for name := range out {
		out[name] = out[name][:n]
	}
	return out
}

func BenchmarkDecode(b *testing.B) {
	for name, data := range samples(1 << 20) {
		block := snappy.Encode(nil, data)
		dst := make([]byte, len(data))
		for _, c := range []struct {
			name   string
			decode func() error
		}{
			{"here", func() error { return Decode(dst, block) }},
			{"library", func() error { _, err := snappy.Decode(dst, block); return err }},
		} {
			b.Run(fmt.Sprintf("%s/%s", name, c.name), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					if err := c.decode(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
