// Package cdc is what the formats that tell the changes of a table in JSON have
// in common: debezium-json, canal-json and maxwell-json.
//
// A record is an object, the envelope, that says what happened and holds the rows
// before and after. An update becomes the pair -U +U. Inside of the rows all is as
// in the format json. An encoder has no update to write: as in Flink, -U is
// written as a deletion and +U as an insertion.
//
// Where the envelope is, is found first, without reading it: what happened stands
// behind the rows in what the writers write, and decides which of them count.
package cdc

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/format/json"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Format is a format of changes.
type Format struct {
	Name     string
	Options  []connect.Option // besides those that all have
	Metadata []Metadata
	// Fields are the names of the envelope's fields that Record looks at. Those
	// of the metadata need not be among them.
	Fields []string
	// Record returns what reads the records of a table.
	Record func(connect.Options) (Record, error)
	// Wrap returns what an encoder writes before and behind a row that comes or
	// goes. bare says that fields that are NULL are not written.
	Wrap func(adds, bare bool) (before, behind string)
	// CheckWrite returns what is wrong with options for an encoder; may be nil.
	CheckWrite func(connect.Options) error
}

// A Record reads one record: e has found its fields, At the positions of those in
// Format.Fields. It returns false if the record is wrong and Fail has said why.
type Record func(e *Envelope, data []byte) bool

// A Metadata is a key of a table's metadata columns.
type Metadata struct {
	Key   string
	Type  types.Type
	Field string // of the envelope
	Inner string // of the object that Field is; "" for all of it
	Unit  int64  // of a time that is a number, in microseconds; 0 if it is none
}

// Register makes a format known.
func Register(f *Format) {
	out := &format.Format{
		Name:     f.Name,
		Kinds:    true,
		Metadata: map[string]string{},
		Decoder:  func(s format.Spec) (format.Decoder, error) { return NewDecoder(f, s) },
		Encoder:  func(s format.Spec) (format.Encoder, error) { return NewEncoder(f, s) },
		// No Cutter: changes of one row must come in their order, from one reader.
		Options: slices.Concat(f.Options, json.OptionsOf("ignore-parse-errors", "timestamp-format.standard",
			"map-null-key.mode", "map-null-key.literal", "encode.decimal-as-plain-number", "encode.ignore-null-fields")),
	}
	for _, m := range f.Metadata {
		out.Metadata[m.Key] = m.Type.Name()
	}
	format.Register(out)
}

// An Envelope is a record's, while it is read.
type Envelope struct {
	At []int // where the values of Format.Fields are; -1: nowhere
	*json.Rows

	record   Record
	fields   *json.Fields
	metadata []column
	inner    *json.Fields // of the metadata's object
	innerIn  int          // field of that object; -1: none is needed
}

// A column is a metadata column that is read.
type column struct {
	Metadata
	field int
	inner int // -1: all of field
}

// NewDecoder returns a decoder of a format.
func NewDecoder(f *Format, spec format.Spec) (format.Decoder, error) {
	record, err := f.Record(spec.Options)
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", f.Name, err)
	}
	e := &Envelope{record: record, innerIn: -1}
	d, rows, err := json.NewEnveloped(spec, e)
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", f.Name, err)
	}
	for c, key := range spec.Metadata {
		if err := f.checkMetadata(spec.Schema[c], key); err != nil {
			return nil, fmt.Errorf("format %s: %w", f.Name, err)
		}
	}
	names := slices.Clone(f.Fields)
	var inner []string
	for _, m := range rows.Metadata {
		c := column{Metadata: f.metadata(m.Key), inner: -1}
		c.field, names = place(names, c.Field)
		if c.Inner != "" {
			c.inner, inner = place(inner, c.Inner)
			e.innerIn = c.field
		}
		e.metadata = append(e.metadata, c)
	}
	e.Rows, e.fields, e.inner = rows, json.NewFields(names...), json.NewFields(inner...)
	e.At = e.fields.At
	return d, nil
}

// place returns where a name is in names, and adds it if it is not there.
func place(names []string, name string) (int, []string) {
	if i := slices.Index(names, name); i >= 0 {
		return i, names
	}
	return len(names), append(names, name)
}

func (f *Format) metadata(key string) Metadata {
	i := slices.IndexFunc(f.Metadata, func(m Metadata) bool { return m.Key == key })
	if i < 0 {
		return Metadata{}
	}
	return f.Metadata[i]
}

// checkMetadata checks that a column can hold a metadata key: the precision of
// a time and the length of a string are free.
func (f *Format) checkMetadata(col types.Field, key string) error {
	want := f.metadata(key).Type
	switch have := col.Type; {
	case want.Kind == types.Null:
		return fmt.Errorf("column '%s': there is no metadata '%s'", col.Name, key)
	case have.Kind == want.Kind && (want.Elem == nil || have.Elem.Kind == want.Elem.Kind) && (want.Key == nil || have.Key.Kind == want.Key.Kind):
		return nil
	default:
		return fmt.Errorf("column '%s': metadata 'value.%s' is %s, which is not read as %s", col.Name, key, want.Name(), have.Name())
	}
}

// Record implements json.Envelope.
func (e *Envelope) Record(r *json.Rows, data []byte, i int) int {
	end := r.Find(e.fields, data, i)
	if end < 0 || !e.record(e, data) {
		return -1
	}
	return end
}

// Inside finds the fields of the envelope in the object at i, inside of which it
// is. The field keep stays that of the record itself. It returns false if there is
// no such object.
func (e *Envelope) Inside(data []byte, i int, keep int) bool {
	kept := e.At[keep]
	ok := e.Find(e.fields, data, i) >= 0
	e.At[keep] = kept
	return ok
}

// Begin finds what the metadata columns need. It is called once a record, before
// the first row. It returns false if the record is wrong.
func (e *Envelope) Begin(data []byte) bool {
	if e.innerIn < 0 {
		return true
	}
	e.inner.Clear()
	at := e.At[e.innerIn]
	return json.Null(data, at) || data[at] != '{' || e.Find(e.inner, data, at) >= 0
}

// Put adds the row that is the object at i, with its metadata.
func (e *Envelope) Put(k vec.RowKind, data []byte, i int) bool {
	return e.Add(k, data, i) >= 0 && e.addMetadata(data)
}

// PutUpdate adds -U and +U for the row at i, of which old has the fields that
// were another before.
func (e *Envelope) PutUpdate(data []byte, old, i int) bool {
	return e.AddBefore(data, old, i) >= 0 && e.addMetadata(data) && e.Put(vec.UpdateAfter, data, i)
}

func (e *Envelope) addMetadata(data []byte) bool {
	for m := range e.metadata {
		c := &e.metadata[m]
		at := e.At[c.field]
		if c.inner >= 0 {
			at = e.inner.At[c.inner]
		}
		switch {
		case json.Null(data, at):
			e.MetaNull(m)
		case c.Unit > 0:
			if e.MetaTime(m, c.Unit, data, at) < 0 {
				return false
			}
		case e.MetaValue(m, data, at) < 0:
			return false
		}
	}
	return true
}

// Wrong says what is wrong with the record and returns false.
func (e *Envelope) Wrong(column string, err error) bool {
	e.Fail(column, err)
	return false
}

// Unknown is what is wrong with a record of which a field says something that is
// not known; text is nil if the field is missing or no string.
func (e *Envelope) Unknown(field string, text []byte) bool {
	if text == nil {
		return e.Wrong("", fmt.Errorf("the record has no field \"%s\" that is a string", field))
	}
	return e.Wrong("", fmt.Errorf("unknown \"%s\" value \"%s\"", field, text))
}

// ErrNoRow is what is wrong with a change that lacks a row that it must have.
var ErrNoRow = errors.New("the row of the change is missing")

// An Encoder writes a change a line.
type Encoder struct {
	row  *json.Encoder
	wrap [2][2][]byte // goes, comes: before, behind
}

// NewEncoder returns an encoder of a format.
func NewEncoder(f *Format, spec format.Spec) (*Encoder, error) {
	if f.CheckWrite != nil {
		if err := f.CheckWrite(spec.Options); err != nil {
			return nil, fmt.Errorf("format %s: %w", f.Name, err)
		}
	}
	row, err := json.NewEncoder(spec)
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", f.Name, err)
	}
	e := &Encoder{row: row}
	for i, adds := range []bool{false, true} {
		before, behind := f.Wrap(adds, row.IgnoresNull())
		e.wrap[i] = [2][]byte{[]byte(before), []byte(behind + "\n")}
	}
	return e, nil
}

// Encode implements format.Encoder.
func (e *Encoder) Encode(dst []byte, b *vec.Batch) ([]byte, error) {
	for i := range b.Len() {
		row := b.Row(i)
		wrap := &e.wrap[0]
		if b.Kind(row).Adds() {
			wrap = &e.wrap[1]
		}
		var err error
		if dst, err = e.row.AppendObject(append(dst, wrap[0]...), b, row); err != nil {
			return dst, err
		}
		dst = append(dst, wrap[1]...)
	}
	return dst, nil
}
