package csv

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Decoder reads records in two steps: a scan cuts up to a batch of them into
// cells, then each wanted column is read from its cells in one loop.
type Decoder struct {
	scanner
	schema  types.Schema
	wanted  []int
	cols    []*colbuf.Col // by wanted
	rules   colbuf.Rules
	cells   []cell   // width a row
	starts  []uint32 // of the records
	ends    []uint32
	scratch []byte
	started bool
	skipped int64
}

// NewDecoder returns a decoder.
func NewDecoder(spec format.Spec) (*Decoder, error) {
	o, err := readOptions(spec.Options)
	if err != nil {
		return nil, fmt.Errorf("format csv: %w", err)
	}
	if err := checkSchema(spec.Schema); err != nil {
		return nil, err
	}
	d := &Decoder{scanner: scanner{o, len(spec.Schema)}, schema: spec.Schema, wanted: spec.Columns,
		rules: colbuf.Rules{Date: numtext.Loose, Stamp: numtext.Clamp, Sep: ' ', ShortTime: true}}
	for _, c := range spec.Columns {
		d.cols = append(d.cols, colbuf.New(spec.Schema[c].Type))
	}
	return d, nil
}

// Skipped implements format.Decoder.
func (d *Decoder) Skipped() int64 { return d.skipped }

// Decode implements format.Decoder.
func (d *Decoder) Decode(data []byte, final bool) (*vec.Batch, int, error) {
	if len(data) > recordBytesMax {
		data, final = data[:recordBytesMax], false
	}
	n, err := d.scan(data, final)
	if err != nil {
		return nil, 0, err
	}
	rows := len(d.starts)
	b := &vec.Batch{Rows: rows, Cols: make([]vec.Vector, len(d.cols))}
	var first *badCell
	for i, c := range d.cols {
		if bad := d.column(c, d.wanted[i], data, rows); bad != nil && (first == nil || bad.row < first.row) {
			first = bad
		}
	}
	if first != nil {
		name := d.schema[first.col].Name
		return nil, 0, d.recordError(data, int(d.starts[first.row]), int(d.ends[first.row]), first.row, name, first.err)
	}
	for i, c := range d.cols {
		b.Cols[i] = c.Finish()
	}
	return b, n, nil
}

func (d *Decoder) recordError(data []byte, from, to, row int, column string, err error) error {
	for to > from && (data[to-1] == '\n' || data[to-1] == '\r') {
		to--
	}
	return &format.RecordError{Offset: from, Line: row, Column: column, Record: colbuf.Shorten(data[from:to]), Err: err}
}

// scan cuts records from the front of data until the batch is full and returns
// where it stopped. An error is only returned for the first record: those before
// a bad one come first.
func (d *Decoder) scan(data []byte, final bool) (int, error) {
	d.cells, d.starts, d.ends = d.cells[:0], d.starts[:0], d.ends[:0]
	i := 0
	for i < len(data) && len(d.starts) < vec.BatchRowsMax && i < vec.BatchBytesMax {
		if c := data[i]; c == '\n' || c == '\r' || c == '#' {
			if skip, next := d.noRecord(data, i, final); skip {
				if next < 0 {
					break
				}
				i = next
				continue
			}
		}
		at := len(d.cells)
		if at+d.width > cap(d.cells) {
			d.cells = append(d.cells, make([]cell, max(d.width, len(d.cells)))...)[:at]
		}
		d.cells = d.cells[:at+d.width]
		next, bad := d.record(data, i, final, d.cells[at:])
		if next < 0 {
			d.cells = d.cells[:at]
			break
		}
		switch {
		case d.header && !d.started:
			d.cells = d.cells[:at]
		case bad == good:
			d.starts = append(d.starts, uint32(i))
			d.ends = append(d.ends, uint32(next))
		default:
			d.cells = d.cells[:at]
			if !d.ignore {
				if len(d.starts) > 0 {
					return d.validate(data, i)
				}
				return 0, d.recordError(data, i, next, 0, "", d.faultError(bad, data[i:next]))
			}
			d.skipped++
		}
		d.started = true
		i = next
	}
	return d.validate(data, i)
}

// noRecord reports whether the line at i is no record: blank, or a comment.
func (d *Decoder) noRecord(data []byte, i int, final bool) (skip bool, next int) {
	switch {
	case d.comments && data[i] == '#':
		return true, lineEnd(data, i, final)
	case d.width != 1 && data[i] != '#':
		return true, lineEnd(data, i, final)
	}
	return false, 0
}

// validate checks that the scanned records are UTF-8, and drops what is not, or
// what follows it.
func (d *Decoder) validate(data []byte, n int) (int, error) {
	if utf8.Valid(data[:n]) {
		return n, nil
	}
	kept := 0
	for r, from := range d.starts {
		to := d.ends[r]
		if !utf8.Valid(data[from:to]) {
			if d.ignore {
				d.skipped++
				continue
			}
			if kept > 0 {
				n = int(from)
				break
			}
			return 0, d.recordError(data, int(from), int(to), 0, "", d.faultError(notUTF8, nil))
		}
		if kept != r {
			copy(d.cells[kept*d.width:], d.cells[r*d.width:(r+1)*d.width])
			d.starts[kept], d.ends[kept] = from, to
		}
		kept++
	}
	d.starts, d.ends = d.starts[:kept], d.ends[:kept]
	return n, nil
}

func (d *Decoder) faultError(f fault, record []byte) error {
	switch f {
	case tooMany:
		return fmt.Errorf("too many entries: expected at most %d", d.width)
	case tooFew:
		one := d.scanner
		one.ignore, one.failShort = true, false
		cells := make([]cell, d.width)
		_, _ = one.record(record, 0, true, cells)
		n := 0
		for n < len(cells) && cells[n].start != missing {
			n++
		}
		return fmt.Errorf("row length mismatch: %d fields expected but was %d", d.width, n)
	case afterQuote:
		return fmt.Errorf("a closing quote is followed by text: expected the delimiter %q or the end of the line", d.delim)
	case openQuote:
		return errors.New("a quote is not closed before the end of the data")
	}
	return errors.New("the text is not UTF-8")
}

// badCell is the first cell of a column that could not be read.
type badCell struct {
	row, col int
	err      error
}

// text returns the text of a cell, and whether it is NULL.
func (d *Decoder) text(data []byte, c cell) (text []byte, null bool) {
	if c.start == missing {
		return nil, true
	}
	text = data[c.start : c.end&^endFlags]
	if c.end&escaped != 0 {
		d.scratch = d.unescape(d.scratch[:0], text, c.end&quoted != 0)
		text = d.scratch
	}
	if d.nulls && string(text) == string(d.null) || d.emptyNull && len(text) == 0 {
		return nil, true
	}
	return text, false
}

// column reads one column of all scanned records.
func (d *Decoder) column(c *colbuf.Col, col int, data []byte, rows int) *badCell {
	c.Reset(rows)
	plain := !d.nulls && !d.emptyNull
	switch {
	case c.Type.Character():
		d.strings(c, col, data, rows, plain)
		return nil
	case c.Type.Kind == types.BigInt && plain:
		return d.longs(c, col, data, rows)
	case c.Type.Kind == types.Timestamp && c.Phys == types.PhysInt64:
		return d.stamps(c, col, data, rows)
	}
	for r := range rows {
		text, null := []byte(nil), false
		x := d.cells[r*d.width+col]
		if nested := c.Phys == types.PhysList || c.Phys == types.PhysRow; nested && x.start != missing {
			text = d.plainText(data, x)
		} else {
			text, null = d.text(data, x)
		}
		if null {
			c.Null()
			continue
		}
		if bad := d.value(c, text, r, col); bad != nil {
			return bad
		}
	}
	return nil
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

// value appends one cell; with ignore-parse-errors what is bad is NULL.
func (d *Decoder) value(c *colbuf.Col, text []byte, row, col int) *badCell {
	var err error
	switch c.Phys {
	case types.PhysList:
		err = d.array(c, text)
	case types.PhysRow:
		err = d.row(c, text)
	default:
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
		c.Truncate(row)
		c.Null()
		return nil
	}
	return &badCell{row, col, err}
}

// longs is the loop for BIGINT without NULLs.
func (d *Decoder) longs(c *colbuf.Col, col int, data []byte, rows int) *badCell {
	out := c.I64[:rows]
	at := col
	for r := range out {
		x := d.cells[at]
		at += d.width
		if x.start != missing && x.end&endFlags == 0 {
			if v, st := numtext.Int(data[x.start:x.end]); st == numtext.OK {
				out[r] = v
				continue
			}
		}
		v, null, err := d.long(c, data, x)
		if err != nil {
			return &badCell{r, col, err}
		}
		if out[r] = v; null {
			c.SetNull(r)
		}
	}
	c.I64 = out
	return nil
}

// long reads one BIGINT that is quoted, padded, missing or bad.
func (d *Decoder) long(c *colbuf.Col, data []byte, x cell) (v int64, null bool, err error) {
	text, null := d.text(data, x)
	if null {
		return 0, true, nil
	}
	v, st := numtext.Int(colbuf.Trim(text))
	if st != numtext.OK {
		if d.ignore {
			return 0, true, nil
		}
		return 0, false, colbuf.Problem(st, c.Type, text)
	}
	return v, false, nil
}

// stamps is the loop for TIMESTAMP up to microseconds. Neighbours mostly share
// their date, so it is read anew only when its text changes.
func (d *Decoder) stamps(c *colbuf.Col, col int, data []byte, rows int) *badCell {
	var date [10]byte
	day := int64(math.MinInt64)
	at := col
	for r := range rows {
		x := d.cells[at]
		at += d.width
		if from, to := x.start, x.end&^endFlags; x.start != missing && x.end&escaped == 0 && to-from >= 19 && !d.nulls {
			text := data[from:to]
			if [10]byte(text) != date {
				days, n := numtext.Date(text[:10], d.rules.Stamp)
				if n == 10 {
					date, day = [10]byte(text), int64(days)*86400
				} else {
					day = math.MinInt64
				}
			}
			if day != math.MinInt64 && text[10] == ' ' {
				if sec, nano, n := numtext.Clock(text[11:], false); n == len(text)-11 {
					c.I64 = append(c.I64, (day+int64(sec))*1_000_000+int64(numtext.Cut(nano, c.Type.Prec))/1000)
					continue
				}
			}
		}
		text, null := d.text(data, x)
		if null {
			c.Null()
		} else if bad := d.value(c, text, r, col); bad != nil {
			return bad
		}
	}
	return nil
}

// strings is the loop for strings: every text is one.
func (d *Decoder) strings(c *colbuf.Col, col int, data []byte, rows int, plain bool) {
	total := 0
	for at := col; at < rows*d.width; at += d.width {
		if x := d.cells[at]; x.start != missing {
			total += int(x.end&^endFlags - x.start)
		}
	}
	out := c.Data[:0]
	if cap(out) < total {
		out = make([]byte, 0, total)
	}
	offs := c.Offs[:1]
	at := col
	for r := range rows {
		x := d.cells[at]
		at += d.width
		if plain && x.start != missing && x.end&escaped == 0 {
			out = append(out, data[x.start:x.end&^endFlags]...)
		} else if text, null := d.text(data, x); null {
			c.SetNull(r)
		} else {
			out = append(out, text...)
		}
		offs = append(offs, uint32(len(out)))
	}
	c.Data, c.Offs = out, offs
}
