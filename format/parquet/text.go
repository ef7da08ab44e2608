package parquet

import (
	"fmt"
	"unicode/utf8"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/format/internal/marks"
	"github.com/millrace-io/millrace/internal/numtext"
)

// badText is a value of a character column that is not UTF-8: that at of the column,
// or a word of its dictionary.
type badText struct {
	at   int // -1: a word
	text []byte
}

func (e *badText) Error() string {
	return fmt.Sprintf("%q is not UTF-8; a column of BYTES reads it as it is", colbuf.Shorten(e.text))
}

// texts reads strings, which have to be UTF-8.
func texts(c *colbuf.Col, l *leaf, from, to int) error {
	if l.dict != nil {
		if err := l.dict.check(); err != nil {
			return err
		}
		return byteArrays(c, l, from, to)
	}
	row, at := len(c.Offs)-1, len(c.Data)
	if err := byteArrays(c, l, from, to); err != nil {
		return err
	}
	if i := invalid(c.Data, c.Offs[row:], uint32(at)); i >= 0 {
		return &badText{row + i, c.Data[c.Offs[row+i]:c.Offs[row+i+1]]}
	}
	return nil
}

// check checks that the words are UTF-8, once.
func (d *dictionary) check() error {
	if d.checked {
		return nil
	}
	data, offs := d.values.ByteArray()
	if len(offs) > 0 {
		if i := invalid(data, offs, offs[0]); i >= 0 {
			return fmt.Errorf("a word of its dictionary: %w", &badText{-1, data[offs[i]:offs[i+1]]})
		}
	}
	d.checked = true
	return nil
}

// invalid returns which of the texts between offsets is not UTF-8, -1 if all are. They
// follow one another from a place on, so they are looked at together: together they are,
// if also none begins within a character.
func invalid(data []byte, offs []uint32, from uint32) int {
	all := data[from:offs[len(offs)-1]]
	if numtext.ASCII(all) || marks.ValidUTF8(all) && begins(data, offs) {
		return -1
	}
	for i, at := range offs[:len(offs)-1] {
		if !utf8.Valid(data[at:offs[i+1]]) {
			return i
		}
	}
	return -1
}

// begins reports whether each of the texts that has one begins with the first byte of a
// character.
func begins(data []byte, offs []uint32) bool {
	for i, at := range offs[:len(offs)-1] {
		if at < offs[i+1] && !utf8.RuneStart(data[at]) {
			return false
		}
	}
	return true
}
