package json

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/format/internal/cut"
	"github.com/millrace-io/millrace/format/internal/marks"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Decoder reads objects straight into columns: by the layout of the object before
// and in the shapes that values usually have, or else by the grammar.
type Decoder struct {
	options
	root    *object
	cols    colbuf.Cols // the batch's, in its order
	rules   colbuf.Rules
	skipped int64

	rows     int
	objects  uint64 // objects begun: marks which fields of the current one are there
	rowBytes int    // of a row, lately
	scratch  []byte
	variants *variants // nil before the first
	last     []byte    // copy of a last line without line feed
	problem  problem
	marks    bool // stops are made: the processor has vectors for it
	stops    stops
	plain    plain

	envelope Envelope // nil: a record is a row
	out      Rows     // what envelope adds to
}

// object is a ROW's or the record's fields.
type object struct {
	fields  []field
	index   map[string]int
	wanted  int
	layout  layout
	version int // of the layout
	places  int // that the last object had
}

// field is a field of an object.
type field struct {
	name string
	v    *value // nil if it is not wanted
	seen uint64 // the object in which it was seen last
}

// value is how one type is read.
type value struct {
	col    *colbuf.Col
	usual  usual
	kind   types.Kind
	phys   types.Phys
	object *object // ROW
	elem   *value  // ARRAY, MAP, MULTISET
	date   [10]byte
	day    int64
	dated  bool
}

// problem is what is wrong with the record that is being read.
type problem struct {
	column string
	err    error
}

var (
	errSyntax  = errors.New("the line is not valid JSON")
	errObject  = errors.New("the line is not a JSON object")
	errAfter   = errors.New("text follows the JSON object")
	errMissing = errors.New("some field is missing in the JSON data")
	errUTF8    = errors.New("the text is not UTF-8")
)

// NewDecoder returns a decoder.
func NewDecoder(spec format.Spec) (*Decoder, error) {
	o, err := readOptions(spec.Options)
	if err != nil {
		return nil, fmt.Errorf("format json: %w", err)
	}
	if err := checkSchema(spec.Schema); err != nil {
		return nil, err
	}
	d := &Decoder{options: o, rowBytes: 256, marks: marks.Fast(), plain: plain{rowsMax: vec.BatchRowsMax}, rules: colbuf.Rules{Stamp: numtext.Clamp, Sep: ' '}}
	if o.iso {
		d.rules = colbuf.Rules{Sep: 'T', ShortSec: true}
	}
	d.plain.reader = cut.Reader{Sep: d.rules.Sep, Quote: true, Unescape: d.stops.unescape}
	d.root = &object{index: map[string]int{}}
	byField := make([]*colbuf.Col, len(spec.Schema))
	for _, c := range spec.Columns {
		byField[c] = colbuf.New(spec.Schema[c].Type)
		d.cols = append(d.cols, byField[c])
	}
	for i, f := range spec.Schema {
		if _, meta := spec.Metadata[i]; !meta {
			d.root.add(f.Name, byField[i])
		}
	}
	return d, nil
}

func (o *object) add(name string, c *colbuf.Col) {
	f := field{name: name}
	if c != nil {
		f.v = newValue(c)
		o.wanted++
	}
	o.index[name] = len(o.fields)
	o.fields = append(o.fields, f)
}

func newValue(c *colbuf.Col) *value {
	v := &value{col: c, usual: usualOf(c), kind: c.Type.Kind, phys: c.Phys}
	switch c.Phys {
	case types.PhysList:
		v.elem = newValue(c.Kids[0])
	case types.PhysMap:
		v.elem = newValue(c.Kids[1])
	case types.PhysRow:
		v.object = &object{index: map[string]int{}}
		for i, f := range c.Type.Fields {
			v.object.add(f.Name, c.Kids[i])
		}
	}
	return v
}

// Skipped implements format.Decoder.
func (d *Decoder) Skipped() int64 { return d.skipped }

// region returns the lines at the front of data that one batch may come from:
// whole ones, and not many more than the batch holds.
func (d *Decoder) region(data []byte) []byte {
	limit := min(len(data), vec.BatchBytesMax, max(64<<10, d.rowBytes*vec.BatchRowsMax*9/8))
	end := marks.LastIndexByte(data[:limit], '\n')
	if end < 0 {
		end = bytes.IndexByte(data[limit:], '\n')
		if end >= 0 {
			end += limit
		}
	}
	return data[:end+1]
}

// Decode implements format.Decoder.
func (d *Decoder) Decode(data []byte, final bool) (*vec.Batch, int, error) {
	lines := d.region(data)
	if len(lines) == 0 && final && len(data) > 0 {
		d.last = append(append(d.last[:0], data...), '\n')
		lines = d.last
	}
	d.cols.ResetRows(len(lines), len(lines)/d.rowBytes)
	d.rows = 0
	d.out.kinds = d.out.kinds[:0]
	at, line, more := 0, 0, true
	for more && at < len(lines) && d.rows < vec.BatchRowsMax {
		part := lines[at:partEnd(lines, at, d.partBytes())]
		valid := d.mark(part)
		i := 0
		for i < len(part) && d.rows < vec.BatchRowsMax {
			if valid {
				if i = d.plainRows(part, i, vec.BatchRowsMax-d.rows); i == len(part) || d.rows == vec.BatchRowsMax {
					break
				}
			}
			next, err := d.record(part, i, valid)
			if err != nil {
				if d.rows == 0 {
					return nil, 0, d.recordError(lines, at+i, line, err)
				}
				more = false // the rows before it come first
				break
			}
			i = next
			line++
		}
		at += i
	}
	b := &vec.Batch{Rows: d.rows, Cols: d.cols.Finish(), Kinds: d.out.take()}
	if d.rows > 0 {
		d.rowBytes = at/d.rows + 1
	}
	return b, min(at, len(data)), nil
}

// partBytes is how much is marked and cut at once: a column's loop should be worth its
// call, and the text still be in a near cache.
func (d *Decoder) partBytes() int {
	return min(max(partBytesMin, partRowsMin*d.rowBytes), partBytesMax)
}

// partEnd returns the end of some lines from at on, bytes of them if none is longer.
func partEnd(lines []byte, at, bytesMax int) int {
	if len(lines)-at <= bytesMax {
		return len(lines)
	}
	if end := marks.LastIndexByte(lines[at:at+bytesMax], '\n'); end >= 0 {
		return at + end + 1
	}
	return at + bytesMax + bytes.IndexByte(lines[at+bytesMax:], '\n') + 1
}

// mark prepares lines to be read and reports whether they are UTF-8.
func (d *Decoder) mark(lines []byte) bool {
	if !d.marks {
		return marks.ValidUTF8(lines)
	}
	return d.stops.mark(lines) || marks.ValidUTF8(lines)
}

func (d *Decoder) recordError(lines []byte, i, line int, err error) error {
	text := lines[i:]
	if k := bytes.IndexByte(text, '\n'); k >= 0 {
		text = text[:k]
	}
	return &format.RecordError{Offset: i, Line: line, Column: d.problem.column, Record: colbuf.Shorten(text), Err: err}
}

// record reads the line at i and returns where the next one starts.
func (d *Decoder) record(lines []byte, i int, valid bool) (int, error) {
	d.problem = problem{}
	at := i
	rows := d.rows
	end := -1
	if valid || d.validLine(lines, at) {
		i = blank(lines, i)
		switch lines[i] {
		case '\n':
			return i + 1, nil
		case '{':
			if d.envelope != nil {
				end = d.envelope.Record(&d.out, lines, i)
			} else {
				end = d.row(lines, i)
			}
		case '[':
			if d.envelope != nil {
				d.problem.err = errObject
			} else {
				end = d.array(lines, i)
			}
		default:
			d.problem.err = errObject
		}
	}
	if end >= 0 {
		if end = blank(lines, end); lines[end] == '\n' {
			return end + 1, nil
		}
		if d.ignore {
			return end + bytes.IndexByte(lines[end:], '\n') + 1, nil
		}
		d.problem = problem{err: errAfter}
	}
	for _, c := range d.cols {
		c.Truncate(rows)
	}
	d.rows = rows
	d.out.kinds = d.out.kinds[:min(rows, len(d.out.kinds))]
	if d.ignore {
		d.skipped++
		return at + bytes.IndexByte(lines[at:], '\n') + 1, nil
	}
	if d.problem.err == nil {
		d.problem.err = errSyntax
	}
	return 0, d.problem.err
}

// validLine checks one line when not all of them are UTF-8.
func (d *Decoder) validLine(lines []byte, i int) bool {
	end := i + bytes.IndexByte(lines[i:], '\n')
	if marks.ValidUTF8(lines[i:end]) {
		return true
	}
	d.problem.err = errUTF8
	return false
}

func (d *Decoder) row(data []byte, i int) int {
	end := d.object(d.root, data, i, d.rows)
	if end >= 0 {
		d.rows++
	}
	return end
}

// array reads an array of records.
func (d *Decoder) array(data []byte, i int) int {
	i = blank(data, i+1)
	if data[i] == ']' {
		return i + 1
	}
	for {
		if data[i] != '{' {
			d.problem.err = errObject
			return -1
		}
		if i = d.row(data, i); i < 0 {
			return -1
		}
		i = blank(data, i)
		switch data[i] {
		case ']':
			return i + 1
		case ',':
			i = blank(data, i+1)
		default:
			return -1
		}
	}
}

// object reads the object whose brace is at i into row number row of its columns,
// and returns the position behind it; -1 if it is not valid, with columns of that
// row perhaps filled.
func (d *Decoder) object(o *object, data []byte, i, row int) int {
	d.objects++
	me, filled := d.objects, 0
	for place := 0; ; place++ {
		at, value := d.member(o, data, i, place)
		if value < 0 {
			return -1
		}
		if at < 0 {
			if at == ended {
				o.places = place
				return d.missing(o, me, filled, row, value)
			}
			if i = d.stops.skip(data, value, 1); i < 0 {
				return -1
			}
			continue
		}
		f := &o.fields[at]
		again := f.seen == me
		f.seen = me
		if f.v == nil {
			if i = d.stops.skip(data, value, 1); i < 0 {
				return -1
			}
			continue
		}
		if again {
			f.v.col.Truncate(row)
		} else {
			filled++
		}
		if i = d.value(f.v, data, value); i < 0 {
			if i = d.badField(f, data, value, row); i < 0 {
				return -1
			}
		}
	}
}

// missing makes the fields NULL that an object lacks and returns end.
func (d *Decoder) missing(o *object, me uint64, filled, row, end int) int {
	if filled == o.wanted && !d.failMissing {
		return end
	}
	for k := range o.fields {
		f := &o.fields[k]
		if f.seen == me {
			continue
		}
		if d.failMissing {
			d.problem = problem{f.name, errMissing}
			return -1
		}
		if f.v != nil {
			f.v.col.Null()
		}
	}
	return end
}

// badField is for a value that could not be read; with ignore-parse-errors what is
// bad is NULL, if it is JSON.
func (d *Decoder) badField(f *field, data []byte, i, row int) int {
	if d.ignore {
		f.v.col.Truncate(row)
		f.v.col.Null()
		return d.stops.skip(data, i, 1)
	}
	if d.stops.skip(data, i, 1) < 0 {
		d.problem = problem{err: errSyntax}
		return -1
	}
	if d.problem.column != "" {
		d.problem.column = f.name + "." + d.problem.column
	} else {
		d.problem.column = f.name
	}
	return -1
}
