package lsm

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// The radix puts keys of every kind in the order of compare.
func TestRadix(t *testing.T) {
	kinds := map[string]func(r *rand.Rand) []byte{
		"numbers":      func(r *rand.Rand) []byte { return binary.BigEndian.AppendUint64(nil, uint64(r.IntN(3000))) },
		"wide numbers": func(r *rand.Rand) []byte { return binary.BigEndian.AppendUint64(nil, r.Uint64()) },
		"rows": func(r *rand.Rand) []byte {
			return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(r.IntN(99))), uint64(r.IntN(1<<30)))
		},
		"ten that vary": func(r *rand.Rand) []byte {
			return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.Uint64()), uint64(r.IntN(1<<16)))
		},
		"one key": func(*rand.Rand) []byte { return []byte("key") },
		"no key":  func(*rand.Rand) []byte { return nil },
		"strings": func(r *rand.Rand) []byte {
			n := 1 + r.IntN(9)
			return slices.Repeat([]byte{'a', 'b'}, n)[:1+r.IntN(2*n)]
		},
		"long": func(r *rand.Rand) []byte { return append(make([]byte, 80), byte(r.IntN(9)), byte(r.IntN(9))) },
	}
	packs := 0
	for name, key := range kinds {
		for _, groups := range []int{1, 7, 1000} {
			for _, tail := range []int{0, 8} {
				r := rand.New(rand.NewPCG(1, uint64(groups)))
				keys := make([][]byte, radixMin+r.IntN(5000))
				for i := range keys {
					keys[i] = append(binary.BigEndian.AppendUint16(nil, uint16(r.IntN(groups))), key(r)...)
					if tail > 0 {
						keys[i] = binary.BigEndian.AppendUint64(keys[i], uint64(i/(groups%7+1)))
					}
				}
				at := func(i int) []byte { return keys[i] }
				got, again := order(len(keys), tail, at)
				want := make([]uint32, len(keys))
				for i := range want {
					want[i] = uint32(i)
				}
				slices.SortStableFunc(want, func(a, b uint32) int { return bytes.Compare(keys[a], keys[b]) })
				if !slices.Equal(got, want) {
					t.Fatalf("%s in %d groups with a tail of %d are out of order", name, groups, tail)
				}
				for i := range want {
					same := i > 0 && bytes.Equal(keys[want[i]], keys[want[i-1]])
					if same != (again != nil && again[i]) {
						t.Fatalf("%s in %d groups with a tail of %d: key %d is like the one before: %t", name, groups, tail, i, same)
					}
				}
				if take, all, _ := telling(len(keys), tail, at); all && len(take) <= packedBytes {
					packs++
				}
			}
		}
	}
	if packs < 9 {
		t.Errorf("keys were packed %d times", packs)
	}
}

func BenchmarkRadix(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	d := &delta{tail: 8}
	for i := range 100_000 {
		key := binary.BigEndian.AppendUint16(nil, uint16(r.IntN(128)))
		key = binary.BigEndian.AppendUint64(append(key, 8), uint64(r.IntN(200_000)))
		d.add(binary.BigEndian.AppendUint64(key, uint64(i)), make([]byte, 100), false)
	}
	b.SetBytes(int64(d.n))
	for b.Loop() {
		d.sort()
	}
}
