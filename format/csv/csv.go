// Package csv is the record format 'csv': RFC 4180 as Jackson and so Flink reads
// and writes it.
//
// A record is a line, but for line breaks in quotes; \n, \r\n and \r end it. A
// cell whose first character is the quote runs to the closing quote, two quotes
// stand for one; quotes elsewhere are text. A line without any character is no
// record, unless the table has a single column.
//
// What a cell must be: text that the column's type can read (see colbuf.Text);
// an empty cell is the empty string, and not a number. With ignore-parse-errors
// a cell that cannot be read is NULL, and so are the columns that a short record
// lacks; records with a broken structure or too many cells are skipped and
// counted.
package csv

import (
	"errors"
	"fmt"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/format"
	"github.com/millrace-io/millrace/types"
)

// recordBytesMax is the largest record that the decoder can address.
const recordBytesMax = 1<<30 - 1

func init() {
	format.Register(&format.Format{
		Name:    "csv",
		Decoder: func(s format.Spec) (format.Decoder, error) { return NewDecoder(s) },
		Encoder: func(s format.Spec) (format.Encoder, error) { return NewEncoder(s) },
		Cutter:  NewCutter,
		Options: []connect.Option{
			{Key: "field-delimiter", Default: ",", Doc: "Character between cells; '\\t' and other backslash escapes are understood.", Check: checkDelimiter},
			{Key: "disable-quote-character", Default: "false", Doc: "Quotes are text like any other.", Check: connect.CheckBool},
			{Key: "quote-character", Default: "\"", Doc: "Character around cells that hold delimiters or line breaks.", Check: checkChar},
			{Key: "allow-comments", Default: "false", Doc: "Lines that begin with # are skipped.", Check: connect.CheckBool},
			{Key: "ignore-parse-errors", Default: "false", Doc: "Cells that cannot be read are NULL, broken records are skipped and counted.", Check: connect.CheckBool},
			{Key: "array-element-delimiter", Default: ";", Doc: "Text between the elements of an ARRAY and the fields of a ROW."},
			{Key: "escape-character", Doc: "Character that takes the one after it as it is.", Check: checkChar},
			{Key: "null-literal", Doc: "Text of a cell that stands for NULL."},
			{Key: "write-bigdecimal-in-scientific-notation", Default: "true", Doc: "Decimals that end in zeros before the point are written with an exponent: 1E+5.", Check: connect.CheckBool},
			{Key: "trim-spaces", Default: "false", Doc: "Blanks around unquoted cells are dropped.", Check: connect.CheckBool},
			{Key: "ignore-trailing-unmappable", Default: "false", Doc: "Cells beyond the last column are dropped.", Check: connect.CheckBool},
			{Key: "allow-trailing-comma", Default: "true", Doc: "One blank cell beyond the last column is dropped.", Check: connect.CheckBool},
			{Key: "fail-on-missing-columns", Default: "false", Doc: "A record with too few cells is broken, also with ignore-parse-errors.", Check: connect.CheckBool},
			{Key: "empty-string-as-null", Default: "false", Doc: "An empty cell is NULL.", Check: connect.CheckBool},
			{Key: "ignore-first-line", Default: "false", Doc: "The first record of each file is a header and skipped.", Check: connect.CheckBool},
		},
	})
}

func checkChar(v string) error {
	if len(v) != 1 {
		return fmt.Errorf("'%s' is not a single ASCII character", v)
	}
	return nil
}

func checkDelimiter(v string) error {
	_, err := delimiter(v)
	return err
}

// delimiter reads the delimiter option, which may have Java's escapes.
func delimiter(v string) (byte, error) {
	if len(v) == 2 && v[0] == '\\' {
		switch v[1] {
		case 't':
			return '\t', nil
		case 'b':
			return '\b', nil
		case 'f':
			return '\f', nil
		case '0':
			return 0, nil
		case '\\', '\'', '"':
			return v[1], nil
		}
	}
	var r rune
	if n, err := fmt.Sscanf(v, "\\u%04x", &r); n == 1 && err == nil && len(v) == 6 && r < 0x80 {
		v = string(r)
	}
	if len(v) != 1 || v[0] >= 0x80 || v[0] == '\n' || v[0] == '\r' {
		return 0, fmt.Errorf("'%s' is not a single ASCII character", v)
	}
	return v[0], nil
}

// options are the format's options, read.
type options struct {
	delim     byte
	quote     byte
	quoting   bool
	escape    byte
	escaping  bool
	comments  bool
	ignore    bool
	element   string
	null      []byte
	nulls     bool
	plain     bool
	trim      bool
	extraOK   bool
	commaOK   bool
	failShort bool
	emptyNull bool
	header    bool
}

func readOptions(o connect.Options) (options, error) {
	var out options
	var errs []error
	flag := func(key string, def bool) bool {
		v, err := o.Bool(key, def)
		errs = append(errs, err)
		return v
	}
	char := func(key string) byte {
		v := o.String(key, "\"")
		if err := checkChar(v); err != nil {
			errs = append(errs, fmt.Errorf("option '%s': %w", key, err))
			return 0
		}
		return v[0]
	}
	var err error
	if out.delim, err = delimiter(o.String("field-delimiter", ",")); err != nil {
		errs = append(errs, fmt.Errorf("option 'field-delimiter': %w", err))
	}
	out.quoting = !flag("disable-quote-character", false)
	if _, set := o["quote-character"]; set && !out.quoting {
		errs = append(errs, errors.New("option 'quote-character' has no meaning when 'disable-quote-character' is true"))
	}
	out.quote = char("quote-character")
	if _, out.escaping = o["escape-character"]; out.escaping {
		out.escape = char("escape-character")
	}
	out.comments = flag("allow-comments", false)
	out.ignore = flag("ignore-parse-errors", false)
	out.element = o.String("array-element-delimiter", ";")
	if out.element == "" {
		errs = append(errs, errors.New("option 'array-element-delimiter': it must not be empty"))
	}
	null, set := o["null-literal"]
	out.null, out.nulls = []byte(null), set
	out.plain = !flag("write-bigdecimal-in-scientific-notation", true)
	out.trim = flag("trim-spaces", false)
	out.extraOK = flag("ignore-trailing-unmappable", false)
	out.commaOK = flag("allow-trailing-comma", true)
	out.failShort = flag("fail-on-missing-columns", false)
	out.emptyNull = flag("empty-string-as-null", false)
	out.header = flag("ignore-first-line", false)
	if out.quoting && out.quote == out.delim || out.escaping && out.escape == out.delim {
		errs = append(errs, errors.New("options 'field-delimiter', 'quote-character' and 'escape-character' must differ"))
	}
	return out, errors.Join(errs...)
}

// checkType refuses what a cell cannot hold.
func checkType(name string, t types.Type, depth int) error {
	switch t.Kind {
	case types.Array:
		if depth == 0 {
			return checkType(name, *t.Elem, 1)
		}
	case types.Row:
		if depth == 0 {
			for _, f := range t.Fields {
				if err := checkType(name+"."+f.Name, f.Type, 1); err != nil {
					return err
				}
			}
			return nil
		}
	case types.Map, types.Multiset, types.Variant, types.Bitmap:
	case types.Time:
		if t.Prec <= 3 {
			return nil
		}
	default:
		return nil
	}
	return fmt.Errorf("format csv: column '%s': %s is not supported", name, t.Name())
}

func checkSchema(s types.Schema) error {
	for _, f := range s {
		if err := checkType(f.Name, f.Type, 0); err != nil {
			return err
		}
	}
	return nil
}
