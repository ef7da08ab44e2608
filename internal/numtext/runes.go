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

// ASCII reports whether no byte has its high bit, 32 of them at a time.
func ASCII(s []byte) bool {
	le := binary.LittleEndian
	for ; len(s) >= 32; s = s[32:] {
		if (le.Uint64(s)|le.Uint64(s[8:])|le.Uint64(s[16:])|le.Uint64(s[24:]))&high != 0 {
			return false
		}
	}
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
