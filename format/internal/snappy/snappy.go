// Package snappy decodes blocks of Snappy, which Parquet's pages are as a rule: half of
// the time that reading them takes.
//
// A block is the number of bytes that it stands for, as a varint, and then elements: a
// tag of which the lower two bits are the kind, and either bytes (a literal) or how far
// back, and how many, the bytes are that come again (a copy). See
// https://github.com/google/snappy/blob/main/format_description.txt.
//
// A decoder that branches on the kind and the length of an element has branches that no
// processor foresees where data is not regular. The loop for amd64 does the same for literals and copies of up to 64 bytes: it looks their
// lengths up, chooses where their bytes are by a conditional move, and copies 32 bytes
// whatever the length. What it cannot do so, and all that is wrong, it leaves to step.
package snappy

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/snappy"
)

// ErrCorrupt is that a block is none of Snappy.
var ErrCorrupt = errors.New("snappy: the block is broken")

// Decode decodes a block, which stands for as many bytes as dst has.
func Decode(dst, block []byte) error {
	size, k := binary.Uvarint(block)
	if k <= 0 || size != uint64(len(dst)) {
		return fmt.Errorf("%w: it says it has %d bytes where there are %d", ErrCorrupt, size, len(dst))
	}
	if !fast() {
		if _, err := snappy.Decode(dst, block); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return nil
	}
	block = block[k:]
	op, ip := 0, 0
	for {
		op, ip = elements(dst, block, op, ip)
		if ip == len(block) {
			break
		}
		var ok bool
		if op, ip, ok = step(dst, block, op, ip); !ok {
			return fmt.Errorf("%w at byte %d", ErrCorrupt, k+ip)
		}
	}
	if op != len(dst) {
		return fmt.Errorf("%w: it ends after %d of %d bytes", ErrCorrupt, op, len(dst))
	}
	return nil
}

// step decodes the element at ip to op and returns where the next one is, of both.
func step(dst, block []byte, op, ip int) (int, int, bool) {
	tag, b := block[ip], block[ip+1:]
	n := int(tag>>2) + 1 // bytes of the element
	if tag&3 == literal {
		if n > 60 {
			k := n - 60 // bytes that its length has
			if len(b) < k {
				return op, ip, false
			}
			n = 0
			for i := range k {
				n |= int(b[i]) << (8 * i)
			}
			n, b = n+1, b[k:]
		}
		if n > len(b) || n > len(dst)-op {
			return op, ip, false
		}
		copy(dst[op:], b[:n])
		return op + n, len(block) - len(b) + n, true
	}
	var k, back int
	switch k = kindBytes[tag&3]; {
	case len(b) < k:
		return op, ip, false
	case k == 1:
		n, back = int(tag>>2&7)+4, int(tag>>5)<<8|int(b[0])
	case k == 2:
		back = int(binary.LittleEndian.Uint16(b))
	default:
		back = int(binary.LittleEndian.Uint32(b))
	}
	if back == 0 || back > op || n > len(dst)-op {
		return op, ip, false
	}
	for end := op + n; op < end; { // bytes may come again that this copy has made
		op += copy(dst[op:end], dst[op-back:op])
	}
	return op, ip + 1 + k, true
}

// Kinds of elements, by the lower bits of their tags.
const (
	literal = iota
	copy1
	copy2
	copy4
)

// kindBytes is how many bytes there are behind a tag, of a copy.
var kindBytes = [4]int{copy1: 1, copy2: 2, copy4: 4}
