// Package json is the record format 'json': a line, an object, a row. A line may
// also be an array of objects: a row each. Blank lines are no records.
//
// Values are read as Flink's JSON format reads them. Numbers may stand in
// strings; a number with a fraction is cut for INT and BIGINT; BOOLEAN is true
// for any spelling of true and false for all other text; STRING takes every
// value, objects and arrays as their text without blanks; a DECIMAL that does
// not fit is NULL. Of fields with one name the last counts, fields that the
// schema does not have are checked and skipped, missing ones are NULL.
//
// With ignore-parse-errors a field that cannot be read is NULL, and a line that
// is not JSON is skipped and counted.
package json

import (
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
)

func init() {
	format.Register(&format.Format{
		Name:    "json",
		Decoder: func(s format.Spec) (format.Decoder, error) { return NewDecoder(s) },
		Encoder: func(s format.Spec) (format.Encoder, error) { return NewEncoder(s) },
		Cutter:  func(format.Spec) (format.Cutter, error) { return format.Lines{}, nil },
		Options: allOptions,
	})
}

var allOptions = []connect.Option{
	{Key: "fail-on-missing-field", Default: "false", Doc: "A record without one of the columns is an error.", Check: connect.CheckBool},
	{Key: "ignore-parse-errors", Default: "false", Doc: "Fields that cannot be read are NULL, lines that are not JSON are skipped and counted.", Check: connect.CheckBool},
	{Key: "timestamp-format.standard", Default: "SQL", Doc: "How timestamps are written: SQL (2024-01-31 12:00:00.5) or ISO-8601 (2024-01-31T12:00:00.5).", Check: connect.CheckOneOf("SQL", "ISO-8601")},
	{Key: "map-null-key.mode", Default: "FAIL", Doc: "What becomes of a NULL key when a map is written: FAIL, DROP its entry, or write the LITERAL.", Check: connect.CheckOneOf("FAIL", "DROP", "LITERAL")},
	{Key: "map-null-key.literal", Default: "null", Doc: "What stands for a NULL key in mode LITERAL."},
	{Key: "encode.decimal-as-plain-number", Default: "false", Doc: "Decimals are written with all their digits, without an exponent.", Check: connect.CheckBool},
	{Key: "encode.ignore-null-fields", Default: "false", Doc: "Fields that are NULL are not written.", Check: connect.CheckBool},
	{Key: "decode.json-parser.enabled", Default: "true", Doc: "Flink chooses one of two parsers by it, which read the same; there is one here.", Check: connect.CheckBool},
}

// options are the format's options, read.
type options struct {
	failMissing bool
	ignore      bool
	iso         bool
	keyMode     string
	keyLiteral  string
	plain       bool
	ignoreNulls bool
}

func readOptions(o connect.Options) (options, error) {
	var out options
	var errs []error
	flag := func(key string) bool {
		v, err := o.Bool(key, false)
		errs = append(errs, err)
		return v
	}
	word := func(key, def string, words ...string) string {
		v := o.String(key, def)
		if err := connect.CheckOneOf(words...)(v); err != nil {
			errs = append(errs, fmt.Errorf("option '%s': %w", key, err))
		}
		return v
	}
	out.failMissing = flag("fail-on-missing-field")
	out.ignore = flag("ignore-parse-errors")
	out.iso = word("timestamp-format.standard", "SQL", "SQL", "ISO-8601") == "ISO-8601"
	out.keyMode = word("map-null-key.mode", "FAIL", "FAIL", "DROP", "LITERAL")
	out.keyLiteral = o.String("map-null-key.literal", "null")
	out.plain = flag("encode.decimal-as-plain-number")
	out.ignoreNulls = flag("encode.ignore-null-fields")
	if out.failMissing && out.ignore {
		errs = append(errs, errors.New("options 'fail-on-missing-field' and 'ignore-parse-errors' shouldn't both be true"))
	}
	return out, errors.Join(errs...)
}

// checkType refuses what JSON cannot hold.
func checkType(name string, t types.Type) error {
	switch t.Kind {
	case types.Bitmap:
		return fmt.Errorf("format json: column '%s': BITMAP is not supported; BITMAP_TO_BYTES(b) and BITMAP_FROM_BYTES(bytes) change it to BYTES and back", name)
	case types.Array:
		return checkType(name, *t.Elem)
	case types.Multiset:
		if !t.Elem.Character() {
			return fmt.Errorf("format json: column '%s': a key of %s must be a string", name, t.Name())
		}
	case types.Map:
		if !t.Key.Character() {
			return fmt.Errorf("format json: column '%s': a key of %s must be a string", name, t.Name())
		}
		return checkType(name, *t.Elem)
	case types.Row:
		for _, f := range t.Fields {
			if err := checkType(name+"."+f.Name, f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkSchema(s types.Schema) error {
	for _, f := range s {
		if err := checkType(f.Name, f.Type); err != nil {
			return err
		}
	}
	return nil
}
