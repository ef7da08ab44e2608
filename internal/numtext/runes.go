package numtext

import (
	"encoding/binary"
	"unicode/utf8"
)

// Runes is utf8.RuneCount, which counts an invalid byte as one: ASCII is passed over
// 16 bytes at a time.
func Runes(s []byte) int {
	n := 0
	for len(s) >= 16 {
		if (binary.LittleEndian.Uint64(s)|binary.LittleEndian.Uint64(s[8:]))&high != 0 {
			return n + utf8.RuneCount(s)
		}
		n, s = n+16, s[16:]
	}
	if len(s) >= 8 {
		if binary.LittleEndian.Uint64(s)&high != 0 {
			return n + utf8.RuneCount(s)
		}
		n, s = n+8, s[8:]
	}
	for i, c := range s {
		if c >= utf8.RuneSelf {
			return n + i + utf8.RuneCount(s[i:])
		}
	}
	return n + len(s)
}
