package vec

// A Bitmap says which rows are valid: bit set = not NULL. The nil Bitmap means
// that all rows are.
type Bitmap []uint64

// NewBitmap returns a bitmap of n rows, all valid.
func NewBitmap(n int) Bitmap {
	b := make(Bitmap, (n+63)/64)
	for i := range b {
		b[i] = ^uint64(0)
	}
	return b
}

// Null reports whether row i is NULL.
func (b Bitmap) Null(i int) bool { return b != nil && b[i>>6]&(1<<(i&63)) == 0 }

// SetNull makes row i NULL. The bitmap must not be nil.
func (b Bitmap) SetNull(i int) { b[i>>6] &^= 1 << (i & 63) }

// SetValid makes row i valid.
func (b Bitmap) SetValid(i int) { b[i>>6] |= 1 << (i & 63) }

// And returns the rows valid in both, for n rows; it may return one of its
// arguments.
func And(a, b Bitmap, n int) Bitmap {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	out := make(Bitmap, (n+63)/64)
	for i := range out {
		out[i] = a[i] & b[i]
	}
	return out
}
