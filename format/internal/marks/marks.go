// Package marks finds the characters by which a text is cut, 64 bytes at a time, as bit
// masks.
//
// It is written for the vectors of some processors; Fast tells whether this is one of
// them. On others the words of eight bytes that decoders compare on their way are
// faster than marks would be.
//
// The loop over the text is assembly rather than simd/archsimd: one call is for many
// blocks, so nothing need be inlined, and so every go build and go test has it, and
// not only those with GOEXPERIMENT=simd, which Go may still change.
package marks

import "math/bits"

// BlockBytes is how much text one Block marks.
const BlockBytes = 64

// Chars are the bytes to be marked. A, B and C are ASCII.
type Chars struct {
	A, B, C byte
	Low     byte // this and all below it; less than 0x80
}

// A Block has the marks of 64 bytes: bit i is of byte i.
type Block struct {
	A, B, C uint64 // the byte is Chars.A and so on
	Low     uint64 // it is Chars.Low or below
}

// Blocks returns how many blocks a text of n bytes has.
func Blocks(n int) int { return (n + BlockBytes - 1) / BlockBytes }

// Scan marks the text's bytes in dst, which has a block for each 64 of them and for
// what is left, and reports whether all are ASCII. Bits behind the text are 0.
func Scan(dst []Block, text []byte, c Chars) (ascii bool) {
	n := len(text) / BlockBytes
	dst = dst[:Blocks(len(text))]
	ascii = scan(dst[:n], text[:n*BlockBytes], c)
	if n == len(dst) {
		return ascii
	}
	var tail [BlockBytes]byte
	rest := copy(tail[:], text[n*BlockBytes:])
	last := &dst[n]
	ascii = scan(dst[n:], tail[:], c) && ascii
	within := uint64(1)<<rest - 1
	last.A, last.B, last.C, last.Low = last.A&within, last.B&within, last.C&within, last.Low&within
	return ascii
}

// scanBytes is scan for every processor, to be compared with.
func scanBytes(dst []Block, text []byte, c Chars) (ascii bool) {
	ascii = true
	for k := range dst {
		var b Block
		for i, x := range text[k*BlockBytes : (k+1)*BlockBytes] {
			b.A |= bit(x == c.A, i)
			b.B |= bit(x == c.B, i)
			b.C |= bit(x == c.C, i)
			b.Low |= bit(x <= c.Low, i)
			ascii = ascii && x < 0x80
		}
		dst[k] = b
	}
	return ascii
}

func bit(is bool, i int) uint64 {
	if is {
		return 1 << i
	}
	return 0
}

// compressBytes is Compress for every processor, to be compared with.
func compressBytes(dst, text *[BlockBytes]byte, keep uint64) {
	n := 0
	for ; keep != 0; keep &= keep - 1 {
		dst[n] = text[bits.TrailingZeros64(keep)]
		n++
	}
}

// At returns the marks of 64 bytes from i on, which is in words; behind the words there
// are none.
func At(words []uint64, i int) uint64 {
	w, shift := i/64, i%64
	x := words[w] >> shift
	if w+1 < len(words) {
		x |= words[w+1] << (64 - shift)
	}
	return x
}

// Next returns the position of the first mark from i on in a mask of words of which one
// is set there.
func Next(words []uint64, i int) int {
	w := i / 64
	x := words[w] >> (i % 64)
	if x != 0 {
		return i + bits.TrailingZeros64(x)
	}
	for {
		if w++; words[w] != 0 {
			return w*64 + bits.TrailingZeros64(words[w])
		}
	}
}
