package snappy

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2 // a variable, for tests

func fast() bool { return hasAVX2 }

// Elements are decoded here while there is so much behind them, of the block and of what
// it stands for: what may be read and written too much.
const (
	blockMargin = 80
	dstMargin   = 96
)

// elements decodes the elements from ip on to op, as far as it can, and returns where it
// has come.
func elements(dst, block []byte, op, ip int) (int, int) {
	if len(dst)-op <= dstMargin || len(block)-ip <= blockMargin {
		return op, ip
	}
	return elementsAVX2(dst, block, op, ip, &tags, &patterns)
}

//go:noescape
func elementsAVX2(dst, block []byte, op, ip int, tags *[256]uint64, patterns *[17]pattern) (opNow, ipNow int)

// tags are what a tag means, by its value: in byte 0 how many bytes its element has, in
// byte 1 how far the next tag is, in bytes 2 and 3 what is always in how far the bytes
// are back, in the others a mask of what else is, of the bytes behind the tag. A literal
// is "64 back", which is never less than its length; what is not decoded in the common
// way is 0 back.
var tags = func() (t [256]uint64) {
	for i := range uint64(256) {
		n := i>>2 + 1
		switch i & 3 {
		case literal:
			if n <= 60 {
				t[i] = n | (1+n)<<8 | 64<<16
			} else {
				t[i] = 1
			}
		case copy1:
			t[i] = i>>2&7 + 4 | 2<<8 | i>>5<<24 | 0xFF<<32
		case copy2:
			t[i] = n | 3<<8 | 0xFFFF<<32
		case copy4:
			t[i] = n | 5<<8 | 0xFFFFFFFF<<32
		}
	}
	return t
}()

// A pattern repeats the bytes of a copy that are fewer than 16 back.
type pattern struct {
	shuffle [16]byte // which of them come
	step    uint64   // after so many bytes it begins anew
	_       uint64
}

// patterns are by how far the bytes are back.
var patterns = func() (p [17]pattern) {
	for back := 1; back <= 16; back++ {
		for i := range 16 {
			p[back].shuffle[i] = byte(i % back)
		}
		p[back].step = uint64(16 - 16%back)
	}
	return p
}()
