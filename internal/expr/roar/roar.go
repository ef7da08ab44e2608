// Package roar works on values of type BITMAP: sets of 32-bit integers in the
// portable form of Roaring (github.com/RoaringBitmap/RoaringFormatSpec), run
// containers where they are smaller. Equal sets have equal bytes, as every value
// of the type comes out of Append.
package roar

import (
	"fmt"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"
)

// A Set is a set of 32-bit integers, which order as if they had no sign.
type Set struct{ b *roaring.Bitmap }

// New returns an empty set.
func New() *Set { return &Set{b: roaring.New()} }

// Add puts an integer in.
func (s *Set) Add(x int32) { s.b.Add(uint32(x)) }

// Clear takes everything out.
func (s *Set) Clear() { s.b.Clear() }

// Len returns how many integers are in.
func (s *Set) Len() int64 { return int64(s.b.GetCardinality()) }

// Load makes the set what a value of type BITMAP holds.
func (s *Set) Load(cell []byte) error {
	s.b = roaring.New()
	if len(cell) == 0 {
		return nil
	}
	if _, err := s.b.FromUnsafeBytes(cell); err != nil {
		return fmt.Errorf("cannot read a bitmap from %d bytes: %w", len(cell), err)
	}
	return nil
}

// Read is Load for bytes from elsewhere: it looks whether they are a bitmap, all
// of them, and keeps none.
func (s *Set) Read(b []byte) error {
	s.b = roaring.New()
	n, err := s.b.FromUnsafeBytes(append([]byte(nil), b...))
	if err == nil {
		err = s.b.Validate()
	}
	if err != nil {
		return fmt.Errorf("cannot read a bitmap from %d bytes: %w", len(b), err)
	}
	if int(n) != len(b) {
		return fmt.Errorf("cannot read a bitmap from %d bytes: it ends after %d", len(b), n)
	}
	return nil
}

// An Op puts two sets together.
type Op uint8

// The operations.
const (
	And Op = iota
	Or
	Xor
	AndNot
)

// Apply makes s the result of s op t.
func (s *Set) Apply(op Op, t *Set) {
	switch op {
	case And:
		s.b.And(t.b)
	case Or:
		s.b.Or(t.b)
	case Xor:
		s.b.Xor(t.b)
	default:
		s.b.AndNot(t.b)
	}
}

// Append appends the set as a value of type BITMAP.
func (s *Set) Append(dst []byte) []byte {
	s.b.RunOptimize()
	b, err := s.b.ToBytes()
	if err != nil {
		panic(err) // it writes to memory
	}
	return append(dst, b...)
}

// Each calls f with the integers, ascending as if they had no sign.
func (s *Set) Each(f func(x int32)) {
	it := s.b.Iterator()
	for it.HasNext() {
		f(int32(it.Next()))
	}
}

// textMax is about how long the text of a set becomes, in bytes, before three dots
// end it, as in Flink.
const textMax = 0x80000

// AppendText appends the set as text, {1,2}; integers below 0 count from 2^31 on,
// as the order does.
func (s *Set) AppendText(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, '{')
	it := s.b.Iterator()
	for first := true; it.HasNext(); first = false {
		if !first {
			dst = append(dst, ',')
			if len(dst)-start > textMax {
				dst = append(dst, "..."...)
				break
			}
		}
		dst = strconv.AppendUint(dst, uint64(it.Next()), 10)
	}
	return append(dst, '}')
}

// AppendText appends a value of type BITMAP as text.
func AppendText(dst, cell []byte) []byte {
	s := Set{}
	if err := s.Load(cell); err != nil {
		return append(dst, '{', '}')
	}
	return s.AppendText(dst)
}
