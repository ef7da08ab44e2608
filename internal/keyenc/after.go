package keyenc

// AppendAfter appends the first key behind all that begin with a prefix; nil if there
// is none.
func AppendAfter(dst, prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xFF {
			dst = append(dst, prefix[:i+1]...)
			dst[len(dst)-1]++
			return dst
		}
	}
	return nil
}
