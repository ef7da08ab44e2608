package csv

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/millrace-io/millrace/format/internal/colbuf"
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
	if c.start == missing {
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
	text := data[c.start : c.end&^endFlags]
	if c.end&escaped != 0 {
		d.scratch = d.unescape(d.scratch[:0], text, c.end&quoted != 0)
		text = d.scratch
	}
	return text
}

// column reads one column of the records that were cut; the column has so many rows
// before them.
//
// The loops for the usual types take what has the usual shape, and leave the others
// to value. They look at texts that may be NULL only where no option says which.
func (d *Decoder) column(c *colbuf.Col, col int, data []byte, before int) *badCell {
	usual := !d.nulls && !d.emptyNull
	switch {
	case c.Type.Character():
		d.strings(c, col, data, before, usual)
		return nil
	case !usual:
	case c.Type.Kind == types.BigInt:
		return d.longs(c, col, data, before)
	case c.Type.Kind == types.Int:
		return d.ints(c, col, data, before)
	case c.Type.Kind == types.Decimal && c.Phys == types.PhysInt64:
		return d.decimals(c, col, data, before)
	case c.Type.Kind == types.Date:
		return d.dates(c, col, data, before)
	case c.Type.Kind == types.Timestamp && c.Phys == types.PhysInt64:
		return d.stamps(c, col, data, before)
	}
	for r := range d.cut.starts {
		if bad := d.value(c, d.cut.cells[r*d.width+col], data, before, r, col); bad != nil {
			return bad
		}
	}
	return nil
}

// value appends one cell; with ignore-parse-errors what is bad is NULL.
func (d *Decoder) value(c *colbuf.Col, x cell, data []byte, before, row, col int) *badCell {
	if x.start == missing {
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

// Flags in the high bits of a cell's end make its length a large one, which none of
// the functions for usual shapes takes; so does the one in the start of a missing
// cell. Quotes alone change nothing.
func (x cell) bounds() (from, to int) { return int(x.start), int(x.end &^ quoted) }

// longs is the loop for BIGINT.
func (d *Decoder) longs(c *colbuf.Col, col int, data []byte, before int) *badCell {
	rows := len(d.cut.starts)
	c.I64 = slices.Grow(c.I64, rows)
	cells, out, width := d.cut.cells, c.I64[before:before+rows], d.width
	for r := range out {
		x := cells[col+r*width]
		from, to := x.bounds()
		if v, ok := numtext.IntAt(data, from, to); ok {
			out[r] = v
			continue
		}
		c.I64 = c.I64[:before+r]
		if bad := d.value(c, x, data, before, r, col); bad != nil {
			return bad
		}
	}
	c.I64 = c.I64[:before+rows]
	return nil
}

// ints is the loop for INT.
func (d *Decoder) ints(c *colbuf.Col, col int, data []byte, before int) *badCell {
	rows := len(d.cut.starts)
	c.I32 = slices.Grow(c.I32, rows)
	cells, out, width := d.cut.cells, c.I32[before:before+rows], d.width
	for r := range out {
		x := cells[col+r*width]
		from, to := x.bounds()
		if v, ok := numtext.IntAt(data, from, to); ok && v == int64(int32(v)) {
			out[r] = int32(v)
			continue
		}
		c.I32 = c.I32[:before+r]
		if bad := d.value(c, x, data, before, r, col); bad != nil {
			return bad
		}
	}
	c.I32 = c.I32[:before+rows]
	return nil
}

// decimals is the loop for DECIMAL of up to 18 digits.
func (d *Decoder) decimals(c *colbuf.Col, col int, data []byte, before int) *badCell {
	rows := len(d.cut.starts)
	c.I64 = slices.Grow(c.I64, rows)
	cells, out, width := d.cut.cells, c.I64[before:before+rows], d.width
	prec, scale := c.Type.Prec, c.Type.Scale
	for r := range out {
		x := cells[col+r*width]
		from, to := x.bounds()
		if v, ok := numtext.DecimalAt(data, from, to, prec, scale); ok {
			out[r] = v
			continue
		}
		c.I64 = c.I64[:before+r]
		if bad := d.value(c, x, data, before, r, col); bad != nil {
			return bad
		}
	}
	c.I64 = c.I64[:before+rows]
	return nil
}

// dates is the loop for DATE.
func (d *Decoder) dates(c *colbuf.Col, col int, data []byte, before int) *badCell {
	rows := len(d.cut.starts)
	c.I32 = slices.Grow(c.I32, rows)
	cells, out, width := d.cut.cells, c.I32[before:before+rows], d.width
	for r := range out {
		x := cells[col+r*width]
		if from, to := x.bounds(); to-from == 10 {
			if days, ok := numtext.DateAt(data, from); ok {
				out[r] = days
				continue
			}
		}
		c.I32 = c.I32[:before+r]
		if bad := d.value(c, x, data, before, r, col); bad != nil {
			return bad
		}
	}
	c.I32 = c.I32[:before+rows]
	return nil
}

// stamps is the loop for TIMESTAMP up to microseconds. Neighbours mostly share
// their date, so it is read anew only when its text changes.
func (d *Decoder) stamps(c *colbuf.Col, col int, data []byte, before int) *badCell {
	rows := len(d.cut.starts)
	c.I64 = slices.Grow(c.I64, rows)
	cells, out, width := d.cut.cells, c.I64[before:before+rows], d.width
	var date uint64 // all but the day of the month
	var dd uint16
	day := int64(math.MinInt64) // in microseconds
	for r := range out {
		x := cells[col+r*width]
		if from, to := x.bounds(); uint(to-from-19) <= 10 && data[from+10] == ' ' {
			y, z := binary.LittleEndian.Uint64(data[from:]), binary.LittleEndian.Uint16(data[from+8:])
			if y != date || z != dd {
				date, dd, day = y, z, math.MinInt64
				if n, ok := numtext.DateAt(data, from); ok {
					day = int64(n) * 86_400_000_000
				}
			}
			if us, ok := numtext.ClockAt(data, from+11, to); ok && day != math.MinInt64 {
				out[r] = day + numtext.CutMicros(us, c.Type.Prec)
				continue
			}
		}
		c.I64 = c.I64[:before+r]
		if bad := d.value(c, x, data, before, r, col); bad != nil {
			return bad
		}
	}
	c.I64 = c.I64[:before+rows]
	return nil
}

// copyMax is how long texts are that are copied by two loads and two stores of
// eight bytes, whatever their length: most are short, and a call costs as much.
const copyMax = 16

// strings is the loop for strings: every text is one.
func (d *Decoder) strings(c *colbuf.Col, col int, data []byte, before int, usual bool) {
	total := copyMax
	for at := col; at < len(d.cut.cells); at += d.width {
		if x := d.cut.cells[at]; x.start != missing {
			total += int(x.end&^endFlags - x.start)
		}
	}
	rows, o := len(d.cut.starts), len(c.Data)
	c.Data = slices.Grow(c.Data, total)
	c.Offs = slices.Grow(c.Offs, rows)
	out, offs := c.Data[:cap(c.Data)], c.Offs[len(c.Offs):len(c.Offs)+rows]
	at := col
	for r := range offs {
		x := d.cut.cells[at]
		at += d.width
		from, to := x.bounds()
		switch n := to - from; {
		case uint(n) <= copyMax && usual && len(data)-from >= copyMax:
			a, b := binary.LittleEndian.Uint64(data[from:]), binary.LittleEndian.Uint64(data[from+8:])
			binary.LittleEndian.PutUint64(out[o:], a)
			binary.LittleEndian.PutUint64(out[o+8:], b)
			o += n
		case usual && x.start != missing && x.end&escaped == 0:
			o += copy(out[o:], data[from:to])
		default:
			if text, null := d.text(data, x); null {
				c.SetNull(before + r)
			} else {
				o += copy(out[o:], text)
			}
		}
		offs[r] = uint32(o)
	}
	c.Data, c.Offs = out[:o], c.Offs[:len(c.Offs)+rows]
}
