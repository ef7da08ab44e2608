package csv

import (
	"bytes"
	"fmt"

	"github.com/millrace-io/millrace/format"
)

// cutter follows the file's quotes from its start. It must agree with the
// scanner on where records end, also in broken records, so it knows the same
// places: a quote opens a cell only as its first character, text after a
// closing quote goes on to the delimiter, a comment's quotes are text.
type cutter struct {
	scanner
	state place
}

// A place is what the next byte is.
type place uint8

const (
	recordStart  place = iota
	cellStart          // after a delimiter
	inPlain            // inside unquoted text, or after text behind a closing quote
	inQuotes           // after an opening quote
	afterClose         // after a quote inside quotes: the closing one, or the first of two
	blanks             // blanks behind a closing quote
	inComment          // after # at a record's start
	plainEscape        // after an escape in unquoted text
	quotesEscape       // after an escape in quotes
	afterCR            // after \r: a \n belongs to it
)

// NewCutter returns what cuts a CSV file at records. Without quotes and escapes
// every line feed ends a record, and the file need not be seen from its start.
func NewCutter(spec format.Spec) (format.Cutter, error) {
	o, err := readOptions(spec.Options)
	if err != nil {
		return nil, fmt.Errorf("format csv: %w", err)
	}
	if !o.quoting && !o.escaping {
		return format.Lines{}, nil
	}
	return &cutter{scanner: scanner{o, len(spec.Schema)}}, nil
}

// Sequential implements format.Cutter.
func (c *cutter) Sequential() bool { return true }

// Cut implements format.Cutter.
func (c *cutter) Cut(data []byte, min int) int {
	if c.plainPiece(data) {
		found := format.Lines{}.Cut(data, min)
		if min <= 0 && c.state == recordStart {
			found = 0
		}
		c.state = c.plainState(data)
		return found
	}
	found := -1
	delim := uint64(c.delim) * ones
	for i := 0; i < len(data); {
		b := data[i]
		if c.state == afterCR {
			c.state = recordStart
			if b == '\n' {
				i++
				continue
			}
		}
		if c.state == recordStart && i >= min && found < 0 {
			found = i
		}
		i = c.step(data, i, b, delim)
	}
	return found
}

// plainPiece reports whether only line feeds matter in a piece.
func (c *cutter) plainPiece(data []byte) bool {
	switch c.state {
	case recordStart, cellStart, inPlain:
	default:
		return false
	}
	return !c.escaping && !c.comments && len(data) > 0 &&
		bytes.IndexByte(data, c.quote) < 0 && bytes.IndexByte(data, '\r') < 0
}

// plainState is the place behind a plain piece.
func (c *cutter) plainState(data []byte) place {
	switch data[len(data)-1] {
	case '\n':
		return recordStart
	case c.delim:
		return cellStart
	}
	return inPlain
}

// step goes over the byte at i, and what follows it in the same place, and
// returns the next position.
func (c *cutter) step(data []byte, i int, b byte, delim uint64) int {
	switch c.state {
	case inQuotes:
		return c.stepQuotes(data, i)
	case quotesEscape:
		c.state = inQuotes
		return i + 1
	case plainEscape:
		c.state = inPlain
		return i + 1
	case afterClose:
		if b == c.quote {
			c.state = inQuotes
			return i + 1
		}
		c.state = blanks
	case inComment:
		k := bytes.IndexAny(data[i:], "\n\r")
		if k < 0 {
			return len(data)
		}
		i, b = i+k, data[i+k]
	case recordStart, cellStart:
		if b == '#' && c.state == recordStart && c.comments {
			c.state = inComment
			return i + 1
		}
		if c.quoting && b == c.quote {
			c.state = inQuotes
			return i + 1
		}
		c.state = inPlain
	}
	switch {
	case b == '\n':
		c.state = recordStart
	case b == '\r':
		c.state = afterCR
	case b == c.delim:
		c.state = cellStart
	case c.state == blanks && b <= ' ':
	case c.escaping && b == c.escape:
		c.state = plainEscape
	default:
		c.state = inPlain
		if c.escaping {
			return i + 1
		}
		return max(i+1, special(data, i, delim))
	}
	return i + 1
}

// stepQuotes goes to the end of quoted text.
func (c *cutter) stepQuotes(data []byte, i int) int {
	if c.escaping {
		switch data[i] {
		case c.quote:
			c.state = afterClose
		case c.escape:
			c.state = quotesEscape
		}
		return i + 1
	}
	k := bytes.IndexByte(data[i:], c.quote)
	if k < 0 {
		return len(data)
	}
	c.state = afterClose
	return i + k + 1
}
