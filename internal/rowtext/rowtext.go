// Package rowtext writes rows as the text that users see and tests compare: a line
// of CSV for each row, whose cells are as CAST(x AS STRING) writes them, but that
// BYTES are hexadecimal: x'0a'. NULL is an empty cell; the empty string is "". A
// cell with a comma, a double quote or a line break is quoted, inner quotes doubled.
package rowtext

import (
	"bytes"
	"time"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A Writer writes rows of one schema. It keeps a buffer and is not safe for
// concurrent use.
type Writer struct {
	Schema types.Schema
	Zone   *time.Location // of TIMESTAMP_LTZ

	cell []byte
}

// Header returns the column names as a line.
func (w *Writer) Header() []byte {
	var out []byte
	for i, f := range w.Schema {
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendCell(out, []byte(f.Name))
	}
	return append(out, '\n')
}

// Append appends a row as a line. The row is one of the batch's storage, as
// vec.Batch.Row gives it.
func (w *Writer) Append(dst []byte, b *vec.Batch, row int) []byte {
	for i, f := range w.Schema {
		if i > 0 {
			dst = append(dst, ',')
		}
		if b.Cols[i].Null(row) {
			continue
		}
		w.cell = expr.AppendPrinted(w.cell[:0], f.Type, b.Cols[i], row, w.Zone)
		dst = AppendCell(dst, w.cell)
	}
	return append(dst, '\n')
}

// AppendCell appends a value that is not NULL, quoted where it must be.
func AppendCell(dst, cell []byte) []byte {
	if len(cell) > 0 && !bytes.ContainsAny(cell, ",\"\n\r") {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	for _, c := range cell {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// A Cell is one of a row: NULL, or a text.
type Cell struct {
	Text string
	Null bool
}

// Parse splits a line, without its line break, into cells.
func Parse(line string) []Cell {
	var cells []Cell
	for {
		cell, rest, more := parseCell(line)
		cells = append(cells, cell)
		if !more {
			return cells
		}
		line = rest
	}
}

// parseCell reads one cell; more is whether a comma follows it.
func parseCell(s string) (c Cell, rest string, more bool) {
	if s == "" || s[0] != '"' {
		at := 0
		for at < len(s) && s[at] != ',' {
			at++
		}
		if at == len(s) {
			return Cell{Text: s, Null: s == ""}, "", false
		}
		return Cell{Text: s[:at], Null: at == 0}, s[at+1:], true
	}
	var text []byte
	for at := 1; at < len(s); at++ {
		switch {
		case s[at] != '"':
			text = append(text, s[at])
		case at+1 < len(s) && s[at+1] == '"':
			text = append(text, '"')
			at++
		default:
			return Cell{Text: string(text)}, s[min(at+2, len(s)):], at+1 < len(s)
		}
	}
	return Cell{Text: string(text)}, "", false // the closing quote is missing
}
