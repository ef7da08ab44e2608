package lsm

import (
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
	onces := 0
	for name, key := range kinds {
		for _, groups := range []int{1, 7, 1000} {
			r := rand.New(rand.NewPCG(1, uint64(groups)))
			d := &delta{}
			for range radixMin + r.IntN(5000) {
				d.add(append(binary.BigEndian.AppendUint16(nil, uint16(r.IntN(groups))), key(r)...), []byte("v"), false)
			}
			got, once := d.radix()
			want := make([]uint32, d.n)
			for i := range want {
				want[i] = uint32(i)
			}
			slices.SortFunc(want, d.compare)
			if once {
				want = slices.CompactFunc(want, func(a, b uint32) bool { return string(d.key(d.ent(int(a)))) == string(d.key(d.ent(int(b)))) })
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s in %d groups are out of order", name, groups)
			}
			if once {
				onces++
			}
		}
	}
	if onces < 9 { // three kinds, in any number of groups
		t.Errorf("%d of them told all keys apart", onces)
	}
}

func BenchmarkRadix(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	d := &delta{}
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
