package connect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestKeySet compares sets, dense and sparse, of one part and of several, with maps.
func TestKeySet(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		width := []int64{10, 1000, 1 << 20, 1 << 40, math.MaxInt64}[r.IntN(5)]
		from := r.Int64N(width) - width/2
		keys := map[int64]bool{}
		f := &KeyFilter{}
		parts := 1 + r.IntN(3)
		woken := 0
		if _, ready := f.Keys(func() { woken++ }); ready {
			t.Fatal("ready before a part was published")
		}
		for range parts {
			var list []int64
			low, high := int64(math.MaxInt64), int64(math.MinInt64)
			for range r.IntN(300) {
				v := from + r.Int64N(width)/2
				list, keys[v] = append(list, v), true
				low, high = min(low, v), max(high, v)
			}
			s := NewKeySet(low, high, len(list))
			for _, v := range list {
				s.Add(v)
			}
			f.Publish(s, parts)
		}
		s, ready := f.Keys(nil)
		if !ready || woken != 1 {
			t.Fatalf("seed %d: ready: %v, woken %d times", seed, ready, woken)
		}
		for v := range keys {
			if !s.Has(v) || !s.Any(v, v) {
				t.Fatalf("seed %d: %d is missing", seed, v)
			}
		}
		wrong := 0
		for range 1000 {
			if v := from + r.Int64N(width)/2; s.Has(v) && !keys[v] {
				wrong++
			}
		}
		if s.bits != nil && wrong > 0 || s.bits == nil && wrong > 100 && len(keys) > 0 {
			t.Errorf("seed %d: %d of 1000 values are taken for one of %d keys of %d", seed, wrong, len(keys), width)
		}
	}
}

func TestKeySetAny(t *testing.T) {
	s := NewKeySet(100, 1000, 2)
	s.Add(100)
	s.Add(1000)
	for _, c := range []struct {
		low, high int64
		want      bool
	}{{0, 99, false}, {0, 100, true}, {101, 999, false}, {101, 1000, true}, {1001, 2000, false}, {100, 100, true}, {0, 5000, true}} {
		if got := s.Any(c.low, c.high); got != c.want {
			t.Errorf("from %d to %d: %v", c.low, c.high, got)
		}
	}
}

// A part that does not know its keys makes the whole unknown, without waiting.
func TestKeyFilterUnknown(t *testing.T) {
	f := &KeyFilter{}
	f.Publish(NewKeySet(1, 2, 2), 3)
	f.Publish(nil, 3)
	if s, ready := f.Keys(nil); s != nil || !ready {
		t.Errorf("%v, %v", s, ready)
	}
	f.Publish(NewKeySet(1, 2, 2), 3)
	if s, _ := f.Keys(nil); s != nil {
		t.Errorf("%v", s)
	}
}
