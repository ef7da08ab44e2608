package marks

// ValidUTF8 is utf8.Valid, at a speed that is that of memory and not of characters:
// Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte", 2021.
func ValidUTF8(text []byte) bool {
	const size = 32
	if !hasAVX2 || len(text) < size {
		return validWords(text)
	}
	n := len(text) / size
	var none, tail [size]byte
	if utf8AVX2(&text[0], n, &none) != 0 {
		return false
	}
	// zeros behind the text are where a character would go on
	copy(tail[:], text[n*size:])
	return utf8AVX2(&tail[0], 1, (*[size]byte)(text[(n-1)*size:])) == 0
}

// utf8AVX2 checks n times 32 bytes, more than none, that stand behind those before. The
// result is 0 if they are UTF-8 so far: a character may go on behind them.
//
//go:noescape
func utf8AVX2(text *byte, n int, before *[32]byte) (bad uint64)
