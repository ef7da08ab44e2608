package roar

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"
)

func of(xs ...int32) *Set {
	s := New()
	for _, x := range xs {
		s.Add(x)
	}
	return s
}

// TestForm: the bytes are those that Apache Flink 2.3.0 gave for BITMAP_TO_BYTES.
func TestForm(t *testing.T) {
	if got := hex.EncodeToString(of(1, 2).Append(nil)); got != "3a30000001000000000001001000000001000200" {
		t.Errorf("{1,2} is %s", got)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		s    *Set
		want string
	}{{of(), "{}"}, {of(2, 1, 2), "{1,2}"}, {of(-1, 0), "{0,4294967295}"}} {
		if got := string(AppendText(nil, c.s.Append(nil))); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	long := New()
	for i := range int32(200_000) {
		long.Add(i * 3)
	}
	if got := AppendText(nil, long.Append(nil)); len(got) < textMax || len(got) > textMax+20 || string(got[len(got)-4:]) != "...}" {
		t.Errorf("a long text has %d bytes and ends in %s", len(got), got[len(got)-10:])
	}
}

// TestRandom: operations on sets of all densities against maps, and equal sets
// have equal bytes however they came about.
func TestRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		a, b := map[int32]bool{}, map[int32]bool{}
		span := 1 << rng.IntN(17)
		for range rng.IntN(5000) {
			a[int32(rng.IntN(span))-10] = true
			b[int32(rng.IntN(span))-10] = true
		}
		for op, keep := range map[Op]func(x, y bool) bool{
			And: func(x, y bool) bool { return x && y }, Or: func(x, y bool) bool { return x || y },
			Xor: func(x, y bool) bool { return x != y }, AndNot: func(x, y bool) bool { return x && !y },
		} {
			want := New()
			for i := -10; i < span; i++ {
				if k := int32(i); keep(a[k], b[k]) {
					want.Add(k)
				}
			}
			var x, y Set
			for _, c := range []struct {
				to   *Set
				from map[int32]bool
			}{{&x, a}, {&y, b}} {
				s := New()
				for k := range c.from {
					s.Add(k)
				}
				if err := c.to.Load(s.Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
			x.Apply(op, &y)
			if !slices.Equal(x.Append(nil), want.Append(nil)) || x.Len() != want.Len() {
				t.Fatalf("op %d: %s, want %s", op, x.AppendText(nil), want.AppendText(nil))
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good := of(1, 2, 70_000).Append(nil)
	var s Set
	if err := s.Read(good); err != nil || s.Len() != 3 {
		t.Errorf("%d, %v", s.Len(), err)
	}
	for _, bad := range [][]byte{{}, {1, 2, 3}, good[:len(good)-1], append(slices.Clone(good), 0)} {
		if err := s.Read(bad); err == nil {
			t.Errorf("%x is a bitmap", bad)
		}
	}
}
