package scalar

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Texts are cut and searched mostly by one character of ASCII, which comes back after a
// few bytes: too few for the call that bytes.IndexByte is. So words of eight bytes are
// compared here.

const (
	onebyteOnes = 0x0101010101010101
	onebyteHigh = 0x8080808080808080
)

// marksOf has the high bits set of the bytes of x that are those of y.
func marksOf(x, y uint64) uint64 {
	x ^= y
	return ^((x&^uint64(onebyteHigh) + ^uint64(onebyteHigh)) | x) & onebyteHigh
}

// nth returns the position of the k-th c in s[from:], k from 1 on; -1 if there are fewer.
func nth(s []byte, from int, c byte, k int) int {
	i, cs := from, uint64(c)*onebyteOnes
	for ; len(s)-i >= 8; i += 8 {
		m := marksOf(binary.LittleEndian.Uint64(s[i:]), cs)
		if n := bits.OnesCount64(m); n < k {
			k -= n
			continue
		}
		for ; k > 1; k-- {
			m &= m - 1
		}
		return i + bits.TrailingZeros64(m)>>3
	}
	for ; i < len(s); i++ {
		if s[i] == c {
			if k--; k == 0 {
				return i
			}
		}
	}
	return -1
}

// pieceBy is piece for a separator of one byte.
func pieceBy(s []byte, sep byte, k int) ([]byte, bool) {
	if k > 0 {
		at := nth(s, 0, sep, k)
		if at < 0 {
			return nil, false
		}
		s = s[at+1:]
	}
	if end := nth(s, 0, sep, 1); end >= 0 {
		s = s[:end]
	}
	return s, true
}

// appendWithout appends a text without its bytes that are c.
func appendWithout(dst, s []byte, c byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(s)+8)
	out, i, cs := dst[:cap(dst)], 0, uint64(c)*onebyteOnes
	for ; len(s)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(s[i:])
		m := marksOf(x, cs)
		keep := 8 - bits.OnesCount64(m)
		for m != 0 { // what follows such a byte moves to its place
			at := uint(bits.TrailingZeros64(m)) &^ 7
			below := uint64(1)<<at - 1
			x, m = x&below|x>>8&^below, (m&(m-1))>>8
		}
		binary.LittleEndian.PutUint64(out[n:], x)
		n += keep
	}
	for _, b := range s[i:] {
		if b != c {
			out[n] = b
			n++
		}
	}
	return out[:n]
}
