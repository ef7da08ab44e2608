package strided

import (
	"fmt"
	"slices"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// numbers is a source of the numbers below end, a unit each, n in a batch.
func numbers(end int64, n, readers int) *Source {
	return &Source{Ends: true, Readers: readers, Open: func(int) (Make, error) {
		return func(s *Shard) (Made, error) {
			b := vec.NewBuilder(types.TBigInt)
			for s.Next = s.After(s.Next); s.Next < end && b.Len() < n; s.Next = s.After(s.Next + 1) {
				b.Int(s.Next)
			}
			if b.Len() == 0 {
				return Made{Ended: true}, nil
			}
			return Made{Batch: &vec.Batch{Rows: b.Len(), Cols: []vec.Vector{b.Finish()}}, Ended: s.Next >= end}, nil
		}, nil
	}}
}

// Over any series of parallelisms, with a restore between, every number comes once.
func TestEveryUnitOnce(t *testing.T) {
	for _, steps := range [][]int{{1}, {5}, {1, 2, 3}, {3, 2, 7, 1}, {8, 3}} {
		var got []int64
		var saved []byte
		var back []connect.Split
		for i, readers := range steps {
			src := numbers(1000, 10, readers)
			enum, err := src.Enumerator(saved, func() {})
			if err != nil {
				t.Fatal(err)
			}
			enum.Return(back)
			back = nil
			for sub := range readers {
				r, _ := src.Reader(sub, func() {})
				for polls := 0; polls < 5 || i == len(steps)-1; {
					p, err := r.Poll("")
					if err != nil {
						t.Fatal(err)
					}
					if p.Batch != nil {
						got = append(got, p.Batch.Cols[0].(*vec.Fixed[int64]).Vals...)
						polls++
					}
					if p.Empty {
						splits, _, err := enum.Assign(sub)
						if err != nil {
							t.Fatal(err)
						}
						if len(splits) == 0 {
							break
						}
						if err := r.Add(splits); err != nil {
							t.Fatal(err)
						}
					}
				}
				s, _ := r.Snapshot()
				back = append(back, s...)
			}
			saved, _ = enum.Snapshot()
		}
		slices.Sort(got)
		for i, n := range got {
			if int64(i) != n {
				t.Fatalf("parallelism %v: number %d at place %d", steps, n, i)
			}
		}
		if len(got) != 1000 {
			t.Errorf("parallelism %v: %d numbers, want 1000", steps, len(got))
		}
	}
}

// Every reader that asks first gets a share, and none gets much more than another.
func TestShares(t *testing.T) {
	for before := 1; before <= 9; before++ {
		for after := 1; after <= 9; after++ {
			enum, _ := numbers(1, 1, before).Enumerator(nil, func() {})
			var splits []connect.Split
			for i := range before {
				s, _, _ := enum.Assign(i)
				splits = append(splits, s...)
			}
			saved, _ := enum.Snapshot()
			enum, _ = numbers(1, 1, after).Enumerator(saved, func() {})
			enum.Return(splits)
			shares := make([]float64, after)
			for i := range after {
				got, done, err := enum.Assign(i)
				if err != nil || done != (i == after-1) {
					t.Fatalf("%d to %d: done %v, error %v", before, after, done, err)
				}
				for _, s := range got {
					p, _ := parse(s)
					shares[i] += 1 / float64(p.Of)
				}
			}
			if lo, hi := slices.Min(shares), slices.Max(shares); hi > 2*lo {
				t.Errorf("%d to %d: shares %v", before, after, shares)
			}
		}
	}
}

func TestBadPosition(t *testing.T) {
	for _, pos := range []string{"", "{}", `{"index":2,"of":2}`} {
		enum, _ := numbers(1, 1, 1).Enumerator([]byte("[]"), func() {})
		enum.Return([]connect.Split{{ID: "x", Pos: []byte(pos)}})
		if _, _, err := enum.Assign(0); err == nil {
			t.Errorf("position %q is accepted", pos)
		}
	}
}

func ExampleShard_After() {
	s := Shard{Index: 1, Of: 4}
	fmt.Println(s.After(0), s.After(1), s.After(2), s.After(6))
	// Output: 1 1 5 9
}
