// Package debeziumjson is the format 'debezium-json': the changes that Debezium
// tells.
//
//	{"before":{…},"after":{…},"op":"u","ts_ms":…,"source":{…}}
//
// op is c (created) or r (read in a snapshot): +I of after; u: -U of before and +U
// of after; d: -D of before. With schema-include the record is
// {"schema":…,"payload":{…}}. Lines without anything (tombstones) are skipped.
package debeziumjson

import (
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format/cdc"
	"github.com/millrace-io/millrace/format/json"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Name is the format's.
const Name = "debezium-json"

func init() {
	cdc.Register(Format())
}

// Fields of the envelope.
const (
	before = iota
	after
	op
	payload
	schema
)

// Format returns the format.
func Format() *cdc.Format {
	return &cdc.Format{
		Name: Name,
		Options: []connect.Option{
			{Key: "schema-include", Default: "false", Doc: "Records hold a schema, which is skipped, and the change under 'payload'.", Check: connect.CheckBool},
		},
		Metadata: []cdc.Metadata{
			{Key: "schema", Type: types.TString, Field: "schema"},
			{Key: "ingestion-timestamp", Type: types.LTZOf(3), Field: "ts_ms", Unit: 1000},
			{Key: "source.timestamp", Type: types.LTZOf(3), Field: "source", Inner: "ts_ms", Unit: 1000},
			{Key: "source.database", Type: types.TString, Field: "source", Inner: "db"},
			{Key: "source.schema", Type: types.TString, Field: "source", Inner: "schema"},
			{Key: "source.table", Type: types.TString, Field: "source", Inner: "table"},
			{Key: "source.properties", Type: types.MapOf(types.TString, types.TString), Field: "source"},
		},
		Fields: []string{"before", "after", "op", "payload", "schema"},
		Record: newRecord,
		Wrap: func(adds, bare bool) (string, string) {
			switch {
			case adds && bare:
				return `{"after":`, `,"op":"c"}`
			case adds:
				return `{"before":null,"after":`, `,"op":"c"}`
			case bare:
				return `{"before":`, `,"op":"d"}`
			}
			return `{"before":`, `,"after":null,"op":"d"}`
		},
		CheckWrite: func(o connect.Options) error {
			if include, err := o.Bool("schema-include", false); include || err != nil {
				return errors.Join(err, errors.New("with option 'schema-include' a table cannot be written"))
			}
			return nil
		},
	}
}

func newRecord(o connect.Options) (cdc.Record, error) {
	include, err := o.Bool("schema-include", false)
	if err != nil || !include {
		return record, err
	}
	return func(e *cdc.Envelope, data []byte) bool {
		at := e.At[payload]
		if json.Null(data, at) {
			return e.Wrong("", errPayload)
		}
		return e.Inside(data, at, schema) && record(e, data)
	}, nil
}

var errPayload = errors.New("the record has no field \"payload\", which the option 'schema-include' announces")

func record(e *cdc.Envelope, data []byte) bool {
	if !e.Begin(data) {
		return false
	}
	text := e.Text(data, e.At[op])
	if len(text) != 1 {
		return e.Unknown("op", text)
	}
	old, row := e.At[before], e.At[after]
	switch text[0] {
	case 'c', 'r':
		return has(e, "after", data, row) && e.Put(vec.Insert, data, row)
	case 'u':
		return hasBefore(e, "UPDATE", data, old) && has(e, "after", data, row) &&
			e.Put(vec.UpdateBefore, data, old) && e.Put(vec.UpdateAfter, data, row)
	case 'd':
		return hasBefore(e, "DELETE", data, old) && e.Put(vec.Delete, data, old)
	}
	return e.Unknown("op", text)
}

func has(e *cdc.Envelope, field string, data []byte, at int) bool {
	if json.Null(data, at) {
		return e.Wrong("", fmt.Errorf("the record has no row in \"%s\": %w", field, cdc.ErrNoRow))
	}
	return true
}

func hasBefore(e *cdc.Envelope, what string, data []byte, at int) bool {
	if json.Null(data, at) {
		return e.Wrong("", fmt.Errorf("the \"before\" field of %s message is null, if you are using Debezium Postgres Connector, please check the Postgres table has been set REPLICA IDENTITY to FULL level", what))
	}
	return true
}
