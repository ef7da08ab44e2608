//go:build !amd64

package marks

// Fast reports whether Scan is by the processor's vectors.
func Fast() bool { return false }

// scan marks whole blocks.
func scan(dst []Block, text []byte, c Chars) (ascii bool) { return scanBytes(dst, text, c) }
