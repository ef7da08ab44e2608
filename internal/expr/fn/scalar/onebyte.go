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

// pieceBy is piece for a separator of one byte. Where the piece starts and where it ends
// is found in one go.
func pieceBy(s []byte, sep byte, k int) ([]byte, bool) {
	start, i, seps := 0, 0, uint64(sep)*onebyteOnes
	for ; len(s)-i >= 8; i += 8 {
		m := marksOf(binary.LittleEndian.Uint64(s[i:]), seps)
		if k > 0 {
			if n := bits.OnesCount64(m); n < k {
				k -= n
				continue
			}
			for ; k > 1; k-- {
				m &= m - 1
			}
			start, k = i+bits.TrailingZeros64(m)>>3+1, 0
			m &= m - 1
		}
		if m != 0 {
			return s[start : i+bits.TrailingZeros64(m)>>3], true
		}
	}
	for ; i < len(s); i++ {
		if s[i] != sep {
			continue
		}
		if k == 0 {
			return s[start:i], true
		}
		if k--; k == 0 {
			start = i + 1
		}
	}
	return s[start:], k == 0
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
