package marks

import "golang.org/x/sys/cpu"

// Which vectors the processor and the system have: variables, for tests.
var (
	hasAVX512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW
	hasAVX2   = cpu.X86.HasAVX2
	hasVBMI2  = hasAVX512 && cpu.X86.HasAVX512VBMI2
)

// Fast reports whether Scan is by the processor's vectors.
func Fast() bool { return hasAVX2 || hasAVX512 }

// Compresses reports whether Compress is by the processor's vectors.
func Compresses() bool { return hasVBMI2 }

// Compress writes those bytes of text that are in keep to the front of dst, and
// anything behind them.
func Compress(dst, text *[BlockBytes]byte, keep uint64) {
	if hasVBMI2 {
		compress(dst, text, keep)
		return
	}
	compressBytes(dst, text, keep)
}

//go:noescape
func compress(dst, text *[64]byte, keep uint64)

// scan marks whole blocks.
func scan(dst []Block, text []byte, c Chars) (ascii bool) {
	switch {
	case len(dst) == 0:
		return true
	case hasAVX512:
		return scanAVX512(&dst[0], &text[0], len(dst), c) == 0
	case hasAVX2:
		return scanAVX2(&dst[0], &text[0], len(dst), c) == 0
	}
	return scanBytes(dst, text, c)
}

// scanAVX512 marks n blocks, more than none. The result is 0 if all bytes are ASCII.
//
//go:noescape
func scanAVX512(dst *Block, text *byte, n int, c Chars) (seen uint64)

// scanAVX2 is the same in vectors of 32 bytes.
//
//go:noescape
func scanAVX2(dst *Block, text *byte, n int, c Chars) (seen uint64)
