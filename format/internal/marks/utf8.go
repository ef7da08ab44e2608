package marks

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// validWords is utf8.Valid for long texts: behind each character that is not ASCII it looks at
// eight bytes at a time again.
func validWords(b []byte) bool {
	const high = 0x8080808080808080
	for len(b) >= 8 {
		m := binary.LittleEndian.Uint64(b) & high
		if m == 0 {
			b = b[8:]
			continue
		}
		b = b[bits.TrailingZeros64(m)>>3:]
		switch c := b[0]; {
		case c >= 0xC2 && c <= 0xDF && len(b) >= 2 && b[1]&0xC0 == 0x80:
			b = b[2:]
		case c > 0xE0 && c < 0xF0 && c != 0xED && len(b) >= 3 && b[1]&0xC0 == 0x80 && b[2]&0xC0 == 0x80:
			b = b[3:]
		default:
			r, n := utf8.DecodeRune(b)
			if r == utf8.RuneError && n == 1 {
				return false
			}
			b = b[n:]
		}
	}
	return utf8.Valid(b)
}
