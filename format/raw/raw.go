// Package raw is the record format 'raw': a table of one column, whose value is
// all of the record. In files a record is a line.
//
// Strings are the record's text, in raw.charset; BYTES are its bytes. BOOLEAN is a
// byte that is not 0, and numbers are their bytes in raw.endianness. Records of
// such types have a fixed length, so that a line feed among the bytes of a number
// does not end it. A line feed inside a string or BYTES does, as in Flink.
package raw

import (
	"errors"
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
)

// Name is the format's.
const Name = "raw"

func init() {
	format.Register(&format.Format{
		Name:    Name,
		Decoder: func(s format.Spec) (format.Decoder, error) { return NewDecoder(s) },
		Encoder: func(s format.Spec) (format.Encoder, error) { return NewEncoder(s) },
		Cutter:  newCutter,
		Options: []connect.Option{
			{Key: "charset", Default: "UTF-8", Doc: "How text is encoded: UTF-8, US-ASCII or ISO-8859-1.", Check: func(v string) error { _, err := charsetOf(v); return err }},
			{Key: "endianness", Default: "big-endian", Doc: "The order of a number's bytes: big-endian or little-endian.", Check: connect.CheckOneOf("big-endian", "little-endian")},
		},
	})
}

// charset is how text is encoded.
type charset uint8

const (
	utf8Text charset = iota
	ascii
	latin1
)

func charsetOf(name string) (charset, error) {
	switch strings.ToUpper(name) {
	case "UTF-8", "UTF8":
		return utf8Text, nil
	case "US-ASCII", "ASCII":
		return ascii, nil
	case "ISO-8859-1", "ISO8859_1", "LATIN1":
		return latin1, nil
	}
	return 0, fmt.Errorf("the charset '%s' is not one of UTF-8, US-ASCII and ISO-8859-1", name)
}

// layout is how the one column is written.
type layout struct {
	name    string
	typ     types.Type
	width   int // bytes of a value; 0: any number
	little  bool
	charset charset
}

func newLayout(spec format.Spec) (layout, error) {
	fail := func(err error) (layout, error) { return layout{}, fmt.Errorf("format raw: %w", err) }
	if len(spec.Schema) != 1 {
		return fail(fmt.Errorf("the format only supports a single physical column, and there are %d: %s", len(spec.Schema), strings.Join(spec.Schema.Names(), ", ")))
	}
	l := layout{name: spec.Schema[0].Name, typ: spec.Schema[0].Type}
	var errs [2]error
	l.charset, errs[0] = charsetOf(spec.Options.String("charset", "UTF-8"))
	switch order := spec.Options.String("endianness", "big-endian"); order {
	case "little-endian":
		l.little = true
	case "big-endian":
	default:
		errs[1] = fmt.Errorf("option 'endianness': '%s' is not big-endian or little-endian", order)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return fail(err)
	}
	switch l.typ.Kind {
	case types.Char, types.Varchar, types.Binary, types.Varbinary:
	case types.Boolean, types.TinyInt:
		l.width = 1
	case types.SmallInt:
		l.width = 2
	case types.Int, types.Float:
		l.width = 4
	case types.BigInt, types.Double:
		l.width = 8
	default:
		return fail(fmt.Errorf("column '%s': the format doesn't support %s", l.name, l.typ.Name()))
	}
	return l, nil
}

// newCutter cuts at line feeds where they end records. Records of a fixed length
// may hold some: such a file is not cut.
func newCutter(spec format.Spec) (format.Cutter, error) {
	l, err := newLayout(spec)
	if err != nil || l.width == 0 {
		return format.Lines{}, err
	}
	return whole{}, nil
}

// whole is the Cutter of what is not cut.
type whole struct{}

// Sequential implements format.Cutter.
func (whole) Sequential() bool { return false }

// Cut implements format.Cutter.
func (whole) Cut([]byte, int) int { return -1 }
