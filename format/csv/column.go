package csv

import (
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/format/internal/cut"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

// badCell is the first cell of a column that could not be read.
type badCell struct {
	row, col int // row of those that were cut
	err      error
}

// text returns the text of a cell, and whether it is NULL.
func (d *Decoder) text(data []byte, c cell) (text []byte, null bool) {
	if c.Start == missing {
		return nil, true
	}
	text = d.plainText(data, c)
	if d.nulls && string(text) == string(d.null) || d.emptyNull && len(text) == 0 {
		return nil, true
	}
	return text, false
}

// plainText is the text of a cell without regard to NULL: for arrays and rows,
// whose elements the null literal is compared with.
func (d *Decoder) plainText(data []byte, c cell) []byte {
	text := data[c.Start : c.End&^endFlags]
	if c.End&escaped != 0 {
		d.scratch = d.unescape(d.scratch[:0], text, c.End&quoted != 0)
		text = d.scratch
	}
	return text
}

// usual reports whether no option says which texts are NULL.
func (d *Decoder) usual() bool { return !d.nulls && !d.emptyNull }

// cells are a column's cells.
func (d *Decoder) cells(col int) cut.Column {
	return cut.Column{All: d.cut.cells[min(col, len(d.cut.cells)):], Width: d.width}
}

// column reads one column of the records that were cut, those of which the first have
// been read; the column has so many rows before them all.
//
// What has the usual shape is read by a loop for its type, where no option says which
// texts are NULL, and the others by value.
func (d *Decoder) column(c *colbuf.Col, col int, data []byte, before, done int) *badCell {
	x, usual := d.cells(col), d.usual() && cut.Usual(c)
	wrapped := d.cut.wrapped
	if wrapped && (!usual || c.Type.Character()) { // numbers are mostly not quoted
		d.cut.unwrapColumn(data, d.quote, col, d.width)
		wrapped = false
	}
	for row, rows := done, len(d.cut.starts); row < rows; row++ {
		if usual {
			if row += d.reader.Read(c, x.Skip(row), rows-row); row == rows {
				break
			}
		}
		if wrapped {
			d.cut.unwrapColumn(data, d.quote, col, d.width)
			wrapped = false
			row-- // again, without the quotes
			continue
		}
		if bad := d.value(c, d.cut.cells[row*d.width+col], data, before, row, col); bad != nil {
			return bad
		}
	}
	return nil
}

// value appends one cell; with ignore-parse-errors what is bad is NULL.
func (d *Decoder) value(c *colbuf.Col, x cell, data []byte, before, row, col int) *badCell {
	if x.Start == missing {
		c.Null()
		return nil
	}
	var err error
	switch c.Phys {
	case types.PhysList:
		err = d.array(c, d.plainText(data, x))
	case types.PhysRow:
		err = d.row(c, d.plainText(data, x))
	default:
		text, null := d.text(data, x)
		if null {
			c.Null()
			return nil
		}
		if st := c.Text(text, &d.rules); st != numtext.OK {
			if d.ignore {
				c.Null()
				return nil
			}
			err = colbuf.Problem(st, c.Type, text)
		}
	}
	if err == nil {
		return nil
	}
	if d.ignore {
		c.Truncate(before + row)
		c.Null()
		return nil
	}
	return &badCell{row, col, err}
}
