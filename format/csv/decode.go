package csv

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/format/internal/cut"
	"github.com/millrace-io/millrace/format/internal/marks"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Decoder reads records in two steps: some text is cut into records and cells,
// then each wanted column is read from its cells in one loop.
type Decoder struct {
	scanner
	schema   types.Schema
	wanted   []int
	cols     colbuf.Cols // by wanted
	fours    []bool      // by wanted, see cut.Blocks
	rules    colbuf.Rules
	cut      chunk
	plain    bool // the options let records be cut 64 bytes at a time
	marks    bool // the processor has vectors for it
	blocks   [64]marks.Block
	reader   cut.Reader
	rough    int // records to be cut one by one before that is tried again
	roughs   int // what rough was last
	rowBytes int // of a record, lately
	scratch  []byte
	started  bool
	skipped  int64
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
	d.plain = !o.escaping && !o.comments && d.delim < 0x80 && d.quote < 0x80 && d.quote != '\n' && d.quote != '\r'
	d.rowBytes, d.marks, d.reader.Sep = 128, marks.Fast(), d.rules.Sep
	for _, c := range spec.Columns {
		d.cols = append(d.cols, colbuf.New(spec.Schema[c].Type))
	}
	d.fours = cut.Blocks(d.cols, d.wanted)
	return d, nil
}

// Skipped implements format.Decoder.
func (d *Decoder) Skipped() int64 { return d.skipped }

// Decode implements format.Decoder.
func (d *Decoder) Decode(data []byte, final bool) (*vec.Batch, int, error) {
	if len(data) > recordBytesMax {
		data, final = data[:recordBytesMax], false
	}
	text := min(len(data), max(vec.BatchBytesMax, d.rowBytes*9/8), d.rowBytes*vec.BatchRowsMax*9/8)
	d.cols.ResetRows(text, text/d.rowBytes)
	rows, at := 0, 0
	// a chunk that goes far beyond the text would make all columns grow
	for more := true; more && at < len(data) && at <= vec.BatchBytesMax-d.chunkBytes() && rows < vec.BatchRowsMax; {
		var err error
		if more, err = d.records(data, at, vec.BatchRowsMax-rows, final); err != nil {
			if rows > 0 {
				break // the rows before it come first
			}
			return nil, 0, err
		}
		if err := d.columns(data, rows); err != nil {
			return nil, 0, err
		}
		if n := len(d.cut.starts); n > 0 {
			rows, d.rowBytes = rows+n, (d.cut.next-at)/n+1
		}
		at = d.cut.next
	}
	return &vec.Batch{Rows: rows, Cols: d.cols.Finish()}, at, nil
}

// columns reads the wanted columns of the records that were cut, which follow so
// many rows of the batch.
func (d *Decoder) columns(data []byte, before int) error {
	var first *badCell
	d.reader.Data = data
	done, end := 0, 0 // rows that a block has read, and the column behind it
	for i, c := range d.cols {
		if i == end {
			done, end = 0, i+1
			if d.fours[i] && d.usual() {
				done, end = d.reader.ReadBlock(d.cols[i:], d.cells(d.wanted[i]), len(d.cut.starts)), i+4
			}
		}
		if bad := d.column(c, d.wanted[i], data, before, done); bad != nil && (first == nil || bad.row < first.row) {
			first = bad
		}
	}
	if first == nil {
		return nil
	}
	from := int(d.cut.starts[first.row])
	to, _ := d.record(data, from, true, make([]cell, d.width))
	return d.recordError(data, from, to, before+first.row, d.schema[first.col].Name, first.err)
}

func (d *Decoder) recordError(data []byte, from, to, row int, column string, err error) error {
	for to > from && (data[to-1] == '\n' || data[to-1] == '\r') {
		to--
	}
	return &format.RecordError{Offset: from, Line: row, Column: column, Record: colbuf.Shorten(data[from:to]), Err: err}
}

// records cuts some records from data[from:] into d.cut, and says whether there may
// be more behind them.
func (d *Decoder) records(data []byte, from, rowsMax int, final bool) (more bool, err error) {
	if d.plain && d.rough == 0 && (d.started || !d.header) {
		if d.plainChunk(data, from, rowsMax); len(d.cut.starts) > 0 {
			if !d.marks && d.cut.quotes && d.rowBytes > longCell*d.width {
				d.rough = roughMax
			}
			d.roughs, d.started = 0, true
			return true, nil
		}
		d.roughs = min(max(1, 2*d.roughs), roughMax)
		d.rough = d.roughs
	}
	return d.scan(data, from, rowsMax, final)
}

// scan cuts records one by one. An error is only returned for the first: those
// before a bad one come first.
func (d *Decoder) scan(data []byte, from, rowsMax int, final bool) (more bool, err error) {
	c := &d.cut
	c.cells, c.starts, c.next, c.wrapped = c.cells[:0], c.starts[:0], from, false
	valid := from + validLines(data[from:min(len(data), from+chunkBytesMin+d.rowBytes)])
	for i := from; i < len(data) && i-from < chunkBytesMin && len(c.starts) < rowsMax; c.next = i {
		if x := data[i]; x == '\n' || x == '\r' || x == '#' {
			if skip, next := d.noRecord(data, i, final); skip {
				if next < 0 {
					return false, nil
				}
				i = next
				continue
			}
		}
		at := len(c.cells)
		c.cells = slices.Grow(c.cells, d.width)[:at+d.width]
		next, bad := d.record(data, i, final, c.cells[at:])
		if next < 0 {
			c.cells = c.cells[:at]
			return false, nil
		}
		if bad == good && !(d.header && !d.started) && next > valid && !marks.ValidUTF8(data[i:next]) {
			bad = notUTF8
		}
		switch {
		case d.header && !d.started:
			c.cells = c.cells[:at]
		case bad == good:
			c.starts = append(c.starts, uint32(i))
		default:
			c.cells = c.cells[:at]
			if !d.ignore {
				if len(c.starts) > 0 {
					return true, nil
				}
				return false, d.recordError(data, i, next, 0, "", d.faultError(bad, data[i:next]))
			}
			d.skipped++
		}
		d.started = true
		i = next
		if d.rough > 0 {
			if d.rough--; d.rough == 0 {
				c.next = i
				break
			}
		}
	}
	return true, nil
}

// validLines returns the length of the lines at the front of a text, 0 if they are
// not UTF-8.
func validLines(text []byte) int {
	lines := text[:marks.LastIndexByte(text, '\n')+1]
	if !marks.ValidUTF8(lines) {
		return 0
	}
	return len(lines)
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
		for n < len(cells) && cells[n].Start != missing {
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
