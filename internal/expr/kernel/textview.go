package kernel

import "unsafe"

// TextOf returns bytes as a string without a copy. It may be used only as long as
// the bytes stay as they are: within the call for a row.
func TextOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
