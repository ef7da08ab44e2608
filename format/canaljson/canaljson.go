// Package canaljson is the format 'canal-json': the changes that Canal tells.
//
//	{"data":[{…},…],"old":[{…},…],"type":"UPDATE","database":…,"table":…,…}
//
// type is INSERT, UPDATE, DELETE, or CREATE, which is skipped. data are the rows
// of one statement. old has, for each, the fields that an update changed, NULL or
// not; the others are taken from data.
package canaljson

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format/cdc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Name is the format's.
const Name = "canal-json"

func init() {
	cdc.Register(Format())
}

// Fields of the envelope.
const (
	rows = iota
	olds
	kind
	database
	table
)

var fields = []string{"data", "old", "type", "database", "table"}

// Format returns the format.
func Format() *cdc.Format {
	checkPattern := func(v string) error { _, err := compile(v); return err }
	return &cdc.Format{
		Name: Name,
		Options: []connect.Option{
			{Key: "database.include", Doc: "Regular expression: changes of other databases are skipped.", Check: checkPattern},
			{Key: "table.include", Doc: "Regular expression: changes of other tables are skipped.", Check: checkPattern},
		},
		Metadata: []cdc.Metadata{
			{Key: "database", Type: types.TString, Field: "database"},
			{Key: "table", Type: types.TString, Field: "table"},
			{Key: "sql-type", Type: types.MapOf(types.TString, types.TInt), Field: "sqlType"},
			{Key: "pk-names", Type: types.ArrayOf(types.TString), Field: "pkNames"},
			{Key: "ingestion-timestamp", Type: types.LTZOf(3), Field: "ts", Unit: 1000},
			{Key: "event-timestamp", Type: types.LTZOf(3), Field: "es", Unit: 1000},
		},
		Fields: fields,
		Record: newRecord,
		Wrap: func(adds, _ bool) (string, string) {
			if adds {
				return `{"data":[`, `],"type":"INSERT"}`
			}
			return `{"data":[`, `],"type":"DELETE"}`
		},
	}
}

func compile(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// reader reads the records of a table.
type reader struct {
	filters []*filter
	rows    []int // positions in the record
	olds    []int
}

// filter lets records pass of which a field matches. Neighbours mostly have the
// same, so only another one is matched.
type filter struct {
	field   int
	pattern *regexp.Regexp
	last    []byte
	passes  bool
}

func newRecord(o connect.Options) (cdc.Record, error) {
	r := &reader{}
	for _, field := range []int{database, table} {
		key := fields[field] + ".include"
		pattern, ok := o[key]
		if !ok {
			continue
		}
		re, err := compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("option '%s': %w", key, err)
		}
		r.filters = append(r.filters, &filter{field: field, pattern: re, passes: re.MatchString("")})
	}
	return r.record, nil
}

func (f *filter) match(text []byte) bool {
	if !bytes.Equal(text, f.last) {
		f.last = append(f.last[:0], text...)
		f.passes = f.pattern.Match(text)
	}
	return f.passes
}

func (r *reader) record(e *cdc.Envelope, data []byte) bool {
	for _, f := range r.filters {
		text := e.Text(data, e.At[f.field])
		if text == nil {
			name := fields[f.field]
			return e.Wrong("", fmt.Errorf("the record has no field \"%s\" that is a string, which the option '%s.include' looks at", name, name))
		}
		if !f.match(text) {
			return true
		}
	}
	if !e.Begin(data) {
		return false
	}
	switch text := e.Text(data, e.At[kind]); string(text) {
	case "INSERT":
		return r.all(e, vec.Insert, data)
	case "DELETE":
		return r.all(e, vec.Delete, data)
	case "UPDATE":
		return r.update(e, data)
	case "CREATE":
		return true
	default:
		return e.Unknown("type", text)
	}
}

// elements returns where the rows of an array are.
func elements(e *cdc.Envelope, dst []int, field int, data []byte) ([]int, bool) {
	dst, ok := e.Elements(dst[:0], data, e.At[field])
	if !ok {
		e.Wrong("", fmt.Errorf("the record has no array of rows in \"%s\": %w", fields[field], cdc.ErrNoRow))
	}
	return dst, ok
}

func (r *reader) all(e *cdc.Envelope, k vec.RowKind, data []byte) bool {
	var ok bool
	if r.rows, ok = elements(e, r.rows, rows, data); !ok {
		return false
	}
	for _, at := range r.rows {
		if !e.Put(k, data, at) {
			return false
		}
	}
	return true
}

func (r *reader) update(e *cdc.Envelope, data []byte) bool {
	var ok bool
	if r.rows, ok = elements(e, r.rows, rows, data); !ok {
		return false
	}
	if r.olds, ok = elements(e, r.olds, olds, data); !ok {
		return false
	}
	if len(r.olds) < len(r.rows) {
		return e.Wrong("", fmt.Errorf("\"old\" has %d rows, \"data\" %d: %w", len(r.olds), len(r.rows), cdc.ErrNoRow))
	}
	for i, at := range r.rows {
		if !e.PutUpdate(data, r.olds[i], at) {
			return false
		}
	}
	return true
}
