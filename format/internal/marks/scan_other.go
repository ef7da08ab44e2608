//go:build !amd64

package marks

// Fast reports whether Scan is by the processor's vectors.
func Fast() bool { return false }

// Compresses reports whether Compress is by the processor's vectors.
func Compresses() bool { return false }

// Compress writes those bytes of text that are in keep to the front of dst, and
// anything behind them.
func Compress(dst, text *[BlockBytes]byte, keep uint64) { compressBytes(dst, text, keep) }

// scan marks whole blocks.
func scan(dst []Block, text []byte, c Chars) (ascii bool) { return scanBytes(dst, text, c) }
