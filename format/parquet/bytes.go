package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/vec"
)

// byteArrays reads values that have a length each.
func byteArrays(c *colbuf.Col, l *leaf, from, to int) error {
	switch {
	case from == to:
		return nil
	case l.dict != nil:
		data, offs := l.values.ByteArray()
		size := 0
		for _, x := range l.index[from:to] {
			size += int(offs[x+1] - offs[x])
		}
		if err := roomFor(c, to-from, size); err != nil {
			return err
		}
		for _, x := range l.index[from:to] {
			c.Bytes(data[offs[x]:offs[x+1]])
		}
		return nil
	case l.plain:
		return l.plainTexts(c, from, to)
	}
	data, offs := l.values.ByteArray()
	data = data[offs[from]:offs[to]]
	if err := roomFor(c, to-from, len(data)); err != nil {
		return err
	}
	base := uint32(len(c.Data)) - offs[from]
	c.Data = append(c.Data, data...)
	for _, o := range offs[from+1 : to+1] {
		c.Offs = append(c.Offs, o+base)
	}
	return nil
}

// roomFor makes room for n values of so many bytes.
func roomFor(c *colbuf.Col, n, size int) error {
	if len(c.Data)+size > math.MaxUint32 {
		return fmt.Errorf("the texts of a batch have more than %d bytes", math.MaxUint32)
	}
	c.Offs = slices.Grow(c.Offs, n)
	c.Data = slices.Grow(c.Data, size)
	return nil
}

// bytesAt returns value i, which is not before one that was asked for.
func (l *leaf) bytesAt(i int) ([]byte, error) {
	switch {
	case l.dict != nil:
		i = int(l.index[i])
	case l.plain:
		if err := l.passTo(i); err != nil {
			return nil, err
		}
		size, err := plainText(l.text)
		if err != nil {
			return nil, err
		}
		return l.text[4 : 4+size], nil
	}
	data, offs := l.values.ByteArray()
	return data[offs[i]:offs[i+1]], nil
}

// passTo goes over texts, to value i of the page.
func (l *leaf) passTo(i int) error {
	for ; l.passed < i; l.passed++ {
		size, err := plainText(l.text)
		if err != nil {
			return err
		}
		l.text = l.text[4+size:]
	}
	return nil
}

// plainText returns how long the text is that b begins with, behind its length.
func plainText(b []byte) (int, error) {
	if len(b) < 4 {
		return 0, errCut
	}
	size := int(binary.LittleEndian.Uint32(b))
	if size > len(b)-4 {
		return 0, errCut
	}
	return size, nil
}

var errCut = errors.New("a value is longer than what is left of its page")

// wordBytes are copied at once where a text has no more.
const wordBytes = 32

// plainTexts appends texts as the page has them: their lengths are added up first, so
// that there is room for all of them at once.
func (l *leaf) plainTexts(c *colbuf.Col, from, to int) error {
	if err := l.passTo(from); err != nil {
		return err
	}
	b, at, n := l.text, 0, len(c.Offs)
	c.Offs = slices.Grow(c.Offs, to-from)[:n+to-from]
	offs := c.Offs[n-1:] // the first is behind what is there
	begin := int(offs[0])
	for i := range offs[1:] {
		size, err := plainText(b[at:])
		if err != nil {
			return err
		}
		at += 4 + size
		offs[i+1] = uint32(begin + at - 4*(i+1))
	}
	size := at - 4*(to-from)
	if err := roomFor(c, 0, size+wordBytes); err != nil {
		return err
	}
	c.Data = c.Data[:begin+size]
	copyTexts(c.Data[begin:begin+size+wordBytes], b[:at], offs)
	l.text, l.passed = b[at:], to
	return nil
}

// copyTexts copies texts that have their lengths before them, without these. dst may be
// written to wordBytes behind the last.
func copyTexts(dst, src []byte, offs []uint32) {
	begin := int(offs[0])
	at := int(offs[0]) - begin
	for i, end := range offs[1:] {
		p := at + 4*(i+1)
		size := int(end) - begin - at
		if size <= wordBytes && p+wordBytes <= len(src) {
			*(*[wordBytes]byte)(dst[at:]) = *(*[wordBytes]byte)(src[p:])
		} else {
			copy(dst[at:], src[p:p+size])
		}
		at += size
	}
}

// textBytes is what a value of a full batch has.
const textBytes = vec.BatchBytesMax / vec.BatchRowsMax

// fitting returns how many of the next n rows a batch takes. Where values are long, as
// they are in the page or the whole column chunk, it is those of one page, as far as
// there is room for them.
func (l *leaf) fitting(n int) int {
	left := l.entries - l.at
	if !l.long && len(l.text) < left*textBytes {
		return n
	}
	n = min(n, left)
	if len(l.text) <= vec.BatchBytesMax {
		return n
	}
	b := l.text
	for i := range n {
		size, err := plainText(b)
		if err != nil || len(l.text)-len(b)+size > vec.BatchBytesMax {
			return max(1, i) // what is wrong is told where it is read
		}
		b = b[4+size:]
	}
	return n
}
