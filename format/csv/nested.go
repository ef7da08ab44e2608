package csv

import (
	"bytes"
	"fmt"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
)

// elements cuts a cell at the element delimiter and calls f for each part; a
// blank cell has none.
func (d *Decoder) elements(text []byte, f func(i int, part []byte) error) (int, error) {
	if len(colbuf.Trim(text)) == 0 {
		return 0, nil
	}
	for i := 0; ; i++ {
		part := text
		end := bytes.Index(text, []byte(d.element))
		if end >= 0 {
			part, text = text[:end], text[end+len(d.element):]
		}
		if err := f(i, part); err != nil {
			return i, err
		}
		if end < 0 {
			return i + 1, nil
		}
	}
}

// element appends one part to a column of an array's or a row's.
func (d *Decoder) elementValue(k *colbuf.Col, part []byte) error {
	if d.nulls && string(part) == string(d.null) || d.emptyNull && len(part) == 0 {
		k.Null()
		return nil
	}
	if st := k.Text(part, &d.rules); st != numtext.OK {
		if d.ignore {
			k.Null()
			return nil
		}
		return colbuf.Problem(st, k.Type, part)
	}
	return nil
}

func (d *Decoder) array(c *colbuf.Col, text []byte) error {
	_, err := d.elements(text, func(_ int, part []byte) error { return d.elementValue(c.Kids[0], part) })
	if err == nil {
		c.End()
	}
	return err
}

func (d *Decoder) row(c *colbuf.Col, text []byte) error {
	n, err := d.elements(text, func(i int, part []byte) error {
		if i >= len(c.Kids) {
			return nil
		}
		return d.elementValue(c.Kids[i], part)
	})
	if err != nil {
		return err
	}
	if n == 0 {
		c.Null()
		return nil
	}
	if n != len(c.Kids) && !d.ignore {
		return fmt.Errorf("row length mismatch: %d fields expected but was %d", len(c.Kids), n)
	}
	for i := n; i < len(c.Kids); i++ {
		c.Kids[i].Null()
	}
	c.End()
	return nil
}
