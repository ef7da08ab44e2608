//go:build !amd64

package marks

// ValidUTF8 is utf8.Valid, for long texts.
func ValidUTF8(text []byte) bool { return validWords(text) }
