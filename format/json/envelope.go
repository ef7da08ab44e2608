package json

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/vec"
)

// An Envelope reads records that hold rows in objects of their own, as the
// formats of changes do.
type Envelope interface {
	// Record reads the record whose brace is at i into r and returns the position
	// behind it; -1 if it is not valid JSON or r.Fail was called. Then nothing of
	// it counts. A line feed ends data; positions behind it are not valid. The methods
	// of r take positions in data, not in other texts.
	Record(r *Rows, data []byte, i int) int
}

// Rows are the rows of a batch, as an Envelope adds them. A row is added by Add
// or AddBefore, and then its metadata by one of the methods that begin with
// Meta for each column of Metadata.
type Rows struct {
	Metadata []Metadata

	d       *Decoder
	values  []*value // of the root's fields
	old     layout   // the layout of objects with what was another before
	kinds   []vec.RowKind
	last    int // rows of the last batch that had changes
	scratch []byte
}

// A Metadata is a column that tells about the record.
type Metadata struct {
	Key string
	v   *value
}

// NewEnveloped returns a decoder of records that envelope reads. Columns in
// spec.Metadata are in r.Metadata, in the order of spec.Columns.
func NewEnveloped(spec format.Spec, envelope Envelope) (*Decoder, *Rows, error) {
	d, err := NewDecoder(spec)
	if err != nil {
		return nil, nil, err
	}
	d.envelope, d.out.d = envelope, d
	for _, f := range d.root.fields {
		d.out.values = append(d.out.values, f.v)
	}
	for i, c := range spec.Columns {
		if key, ok := spec.Metadata[c]; ok {
			d.out.Metadata = append(d.out.Metadata, Metadata{Key: key, v: newValue(d.cols[i])})
		}
	}
	return d, &d.out, nil
}

// OptionsOf returns those options of the format json that have these keys.
func OptionsOf(keys ...string) []connect.Option {
	return slices.DeleteFunc(slices.Clone(allOptions), func(o connect.Option) bool { return !slices.Contains(keys, o.Key) })
}

// take returns the kinds of the batch that is done; nil if all are inserts.
func (r *Rows) take() []vec.RowKind {
	if !slices.ContainsFunc(r.kinds, func(k vec.RowKind) bool { return k != vec.Insert }) {
		return nil
	}
	out := r.kinds
	r.last = len(out)
	r.kinds = make([]vec.RowKind, 0, r.last)
	return out
}

// Fail says what is wrong with the record and returns -1. column may be "".
func (r *Rows) Fail(column string, err error) int {
	r.d.problem = problem{column, err}
	return -1
}

// Ignores reports whether the option ignore-parse-errors is set.
func (r *Rows) Ignores() bool { return r.d.ignore }

// ErrRow is what is wrong with a row that is not an object.
var ErrRow = errors.New("the value is not a JSON object")

// Add reads the object at i as a row and returns the position behind it; -1 if
// it is not valid.
func (r *Rows) Add(k vec.RowKind, data []byte, i int) int {
	d := r.d
	if data[i] != '{' {
		return r.Fail("", ErrRow)
	}
	end := d.object(d.root, data, i, d.rows)
	if end >= 0 {
		d.rows++
		r.kinds = append(r.kinds, k)
	}
	return end
}

// AddBefore adds, as a -U, the row that was there before the one at row: old is
// an object with the fields that were another, perhaps NULL. It returns -1 if
// one of the objects is not valid.
func (r *Rows) AddBefore(data []byte, old, row int) int {
	d, o := r.d, r.d.root
	if data[old] != '{' || data[row] != '{' {
		return r.Fail("", ErrRow)
	}
	me := d.objects + 1
	o.layout, r.old = r.old, o.layout
	end := d.object(o, data, old, d.rows)
	o.layout, r.old = r.old, o.layout
	if end < 0 {
		return -1
	}
	for k := range o.fields { // what old has is not read again
		switch f := &o.fields[k]; {
		case f.v == nil:
		case f.seen == me:
			f.v = nil
			o.wanted--
		default:
			f.v.col.Truncate(d.rows)
		}
	}
	end = d.object(o, data, row, d.rows)
	o.wanted = 0
	for k, v := range r.values {
		o.fields[k].v = v
		if v != nil {
			o.wanted++
		}
	}
	if end >= 0 {
		d.rows++
		r.kinds = append(r.kinds, vec.UpdateBefore)
	}
	return end
}

// MetaNull adds a NULL to a metadata column.
func (r *Rows) MetaNull(m int) { r.Metadata[m].v.col.Null() }

// MetaValue adds the value at i, read by the type of the metadata column. It
// returns -1 if that cannot be.
func (r *Rows) MetaValue(m int, data []byte, i int) int {
	meta := &r.Metadata[m]
	row := meta.v.col.Len()
	end := r.d.value(meta.v, data, i)
	if end >= 0 {
		return end
	}
	if r.d.ignore {
		meta.v.col.Truncate(row)
		meta.v.col.Null()
		return i
	}
	r.d.problem.column = meta.Key
	return -1
}

// MetaTime adds the time that the number at i, perhaps in a string, is: unit
// microseconds each, since the epoch. It returns -1 if there is no such number.
func (r *Rows) MetaTime(m int, unit int64, data []byte, i int) int {
	meta := &r.Metadata[m]
	if word(data, i, "null") {
		meta.v.col.Null()
		return i
	}
	text, end := r.Text(data, i), 0
	if text == nil {
		if end, _ = skipNumber(data, i); end < 0 {
			return r.Fail(meta.Key, errTime)
		}
		text = data[i:end]
	}
	n, st := numtext.Int(colbuf.Trim(text))
	if st != numtext.OK || n > timeMax/unit || n < -timeMax/unit {
		if r.d.ignore {
			meta.v.col.Null()
			return i
		}
		return r.Fail(meta.Key, fmt.Errorf("'%s' is not a time since 1970", colbuf.Shorten(text)))
	}
	us := n * unit
	sec, rest := us/1_000_000, us%1_000_000
	if rest < 0 {
		sec, rest = sec-1, rest+1_000_000
	}
	meta.v.col.Timestamp(sec, numtext.Cut(int(rest)*1000, meta.v.col.Type.Prec))
	return i
}

// timeMax is the last microsecond of the year 9999.
const timeMax = 253402300799_999_999

var errTime = errors.New("the value is not a time since 1970")

// Text returns the text of the string at i, valid until the next call; nil if
// there is no string.
func (r *Rows) Text(data []byte, i int) []byte {
	if i < 0 || data[i] != '"' {
		return nil
	}
	end, escapes := skipString(data, i+1)
	if end < 0 {
		return nil
	}
	if !escapes {
		return data[i+1 : end-1 : end-1]
	}
	r.scratch = unescape(append(r.scratch[:0], ' ')[:0], data[i+1:end-1]) // not nil, though it be empty
	return r.scratch
}

// Null reports whether there is no value at i: i is negative, or it is null.
func Null(data []byte, i int) bool { return i < 0 || word(data, i, "null") }

// Elements appends the positions of the values in the array at i. It returns
// false if there is no array, or not a valid one.
func (r *Rows) Elements(dst []int, data []byte, i int) ([]int, bool) {
	if i < 0 || data[i] != '[' {
		return dst, false
	}
	if i = blank(data, i+1); data[i] == ']' {
		return dst, true
	}
	for {
		dst = append(dst, i)
		if i = r.d.stops.skip(data, i, 1); i < 0 {
			return dst, false
		}
		i = blank(data, i)
		switch data[i] {
		case ']':
			return dst, true
		case ',':
			i = blank(data, i+1)
		default:
			return dst, false
		}
	}
}

// A Fields finds the values of some fields in objects without reading them.
type Fields struct {
	At []int // by name: where the value is in the object found last; -1: nowhere
	o  object
}

// NewFields returns what finds fields of these names.
func NewFields(names ...string) *Fields {
	f := &Fields{At: make([]int, len(names)), o: object{index: map[string]int{}}}
	for _, n := range names {
		f.o.add(n, nil)
	}
	return f
}

// Clear forgets what was found.
func (f *Fields) Clear() {
	for k := range f.At {
		f.At[k] = -1
	}
}

// Find finds the fields of the object whose brace is at i and returns the
// position behind it; -1 if it is not valid. Of fields of one name the last
// counts.
func (r *Rows) Find(f *Fields, data []byte, i int) int {
	f.Clear()
	if data[i] != '{' {
		return r.Fail("", ErrRow)
	}
	for place := 0; ; place++ {
		at, value := r.d.member(&f.o, data, i, place)
		if value < 0 || at == ended {
			return value
		}
		if at >= 0 {
			f.At[at] = value
		}
		if i = r.d.stops.skip(data, value, 1); i < 0 {
			return -1
		}
	}
}

// AppendObject appends a row of columns as an object.
func (e *Encoder) AppendObject(dst []byte, b *vec.Batch, row int) ([]byte, error) {
	return e.object(dst, b.Cols, row, e.schema, e.keys)
}

// IgnoresNull reports whether fields that are NULL are not written.
func (e *Encoder) IgnoresNull() bool { return e.ignoreNulls }
