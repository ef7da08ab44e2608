package marks

import "bytes"

// LastIndexByte is bytes.LastIndexByte, which goes back byte by byte, for texts in which
// the byte may be far from the end: whole pieces are passed by vectors.
func LastIndexByte(text []byte, c byte) int {
	const piece = 1 << 10
	for end := len(text); end > 0; {
		from := max(0, end-piece)
		if bytes.IndexByte(text[from:end], c) >= 0 {
			return from + bytes.LastIndexByte(text[from:end], c)
		}
		end = from
	}
	return -1
}
