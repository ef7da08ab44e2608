// Package maxwelljson is the format 'maxwell-json': the changes that Maxwell
// tells.
//
//	{"database":…,"table":…,"type":"update","ts":…,"data":{…},"old":{…}}
//
// type is insert, update or delete. old has the fields that an update changed,
// NULL or not; the others are taken from data.
package maxwelljson

import (
	"fmt"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format/cdc"
	"github.com/millrace-io/millrace/format/json"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Name is the format's.
const Name = "maxwell-json"

func init() {
	cdc.Register(Format())
}

// Fields of the envelope.
const (
	row = iota
	old
	kind
)

// Format returns the format.
func Format() *cdc.Format {
	return &cdc.Format{
		Name: Name,
		Metadata: []cdc.Metadata{
			{Key: "database", Type: types.TString, Field: "database"},
			{Key: "table", Type: types.TString, Field: "table"},
			{Key: "primary-key-columns", Type: types.ArrayOf(types.TString), Field: "primary_key_columns"},
			{Key: "ingestion-timestamp", Type: types.LTZOf(3), Field: "ts", Unit: 1_000_000},
		},
		Fields: []string{"data", "old", "type"},
		Record: func(connect.Options) (cdc.Record, error) { return record, nil },
		Wrap: func(adds, _ bool) (string, string) {
			if adds {
				return `{"data":`, `,"type":"insert"}`
			}
			return `{"data":`, `,"type":"delete"}`
		},
	}
}

func record(e *cdc.Envelope, data []byte) bool {
	if !e.Begin(data) {
		return false
	}
	at := e.At[row]
	switch text := e.Text(data, e.At[kind]); string(text) {
	case "insert":
		return has(e, "data", data, at) && e.Put(vec.Insert, data, at)
	case "delete":
		return has(e, "data", data, at) && e.Put(vec.Delete, data, at)
	case "update":
		return has(e, "data", data, at) && has(e, "old", data, e.At[old]) && e.PutUpdate(data, e.At[old], at)
	default:
		return e.Unknown("type", text)
	}
}

func has(e *cdc.Envelope, field string, data []byte, at int) bool {
	if json.Null(data, at) {
		return e.Wrong("", fmt.Errorf("the record has no row in \"%s\": %w", field, cdc.ErrNoRow))
	}
	return true
}
