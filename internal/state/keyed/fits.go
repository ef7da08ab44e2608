package keyed

import (
	"encoding/binary"

	"github.com/millrace-io/millrace/internal/keyenc"
)

// Fits reports whether a durable value can be one of a table of that shape: its length
// is that of the words, and of the blobs or the row behind them. What words mean is
// not in them.
func (shape Shape) Fits(form Form, val []byte) bool {
	words := shape.Words
	if form.Rows() {
		words = shape.Extra
	}
	if len(val) < 1+8*words || val[0] != valueVersion {
		return false
	}
	rest := val[1+8*words:]
	if form.Rows() {
		behind, err := keyenc.DecodeRow(rest, shape.Row, builders(shape.Row))
		return err == nil && len(behind) == 0
	}
	for _, w := range shape.Blobs {
		n := binary.LittleEndian.Uint64(val[1+8*w:])
		if n == 0 {
			continue
		}
		if n--; n > uint64(len(rest)) {
			return false
		}
		rest = rest[n:]
	}
	return len(rest) == 0
}
