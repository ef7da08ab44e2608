package csv

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/millrace-io/millrace/format/internal/cut"
)

type cell = cut.Cell

const (
	missing  = cut.Missing
	quoted   = cut.Quoted
	escaped  = cut.Escaped
	endFlags = cut.Flags
)

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
	// Bytes below this may end a record; \n and \r do.
	control = 0x0E
)

// A fault is what is wrong with a record's structure.
type fault uint8

const (
	good fault = iota
	tooMany
	tooFew
	afterQuote
	openQuote
	notUTF8
)

// scanner cuts data into records and cells.
type scanner struct {
	options
	width int // columns
}

// special returns the position of the first byte from i on that is the delimiter
// or below control, or len(data).
func special(data []byte, i int, delim uint64) int {
	for ; i+8 <= len(data); i += 8 {
		x := binary.LittleEndian.Uint64(data[i:])
		y := x ^ delim
		if m := ((y-ones)&^y | (x-control*ones)&^x) & high; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c < control || c == byte(delim) {
			return i
		}
	}
	return i
}

// record cuts the record at i into cells, which has room for one row, and returns
// where the next one starts: -1 if its end is not in data. Cells that the record
// lacks are marked missing.
func (s *scanner) record(data []byte, i int, final bool, cells []cell) (next int, bad fault) {
	delim := uint64(s.delim) * ones
	n := 0 // cells so far
	extraBlank := true
	for {
		var c cell
		var end int // of the cell, delimiter excluded
		if i < len(data) && data[i] == s.quote && s.quoting {
			var f fault
			c, end, f = s.quotedCell(data, i, final)
			if end < 0 {
				return -1, f
			}
			if f != good && bad == good {
				bad = f
			}
		} else {
			end = s.plainEnd(data, i, delim)
			c = cell{Start: uint32(i), End: uint32(end)}
			if s.escaping && bytes.IndexByte(data[i:end], s.escape) >= 0 {
				c.End |= escaped
			}
			if s.trim {
				c = trimCell(data, c)
			}
		}
		if n < len(cells) {
			cells[n] = c
		} else if n > len(cells) || c.End&^endFlags != c.Start && len(bytes.TrimSpace(data[c.Start:c.End&^endFlags])) > 0 {
			extraBlank = false
		}
		n++
		if end == len(data) {
			if !final {
				return -1, bad
			}
			next = end
			break
		}
		if data[end] == s.delim {
			i = end + 1
			continue
		}
		next = end + 1
		if data[end] == '\r' {
			if next == len(data) && !final {
				return -1, bad
			}
			if next < len(data) && data[next] == '\n' {
				next++
			}
		}
		break
	}
	if bad == good && n > len(cells) && !s.extraOK && (!s.commaOK || n > len(cells)+1 || !extraBlank) {
		bad = tooMany
	}
	if n < len(cells) {
		if bad == good && (!s.ignore || s.failShort) {
			bad = tooFew
		}
		for ; n < len(cells); n++ {
			cells[n] = cell{Start: missing}
		}
	}
	return next, bad
}

// plainEnd returns where the unquoted text at i ends: at a delimiter, at a line
// break or at the end of data.
func (s *scanner) plainEnd(data []byte, i int, delim uint64) int {
	if s.escaping {
		for ; i < len(data); i++ {
			switch c := data[i]; c {
			case s.escape:
				i++
			case s.delim, '\n', '\r':
				return i
			}
		}
		return len(data)
	}
	for {
		i = special(data, i, delim)
		if i == len(data) || data[i] == byte(delim) || data[i] == '\n' || data[i] == '\r' {
			return i
		}
		i++
	}
}

// quotedCell reads the cell whose opening quote is at i. end is where what
// follows the cell is, -1 if that is not in data.
func (s *scanner) quotedCell(data []byte, i int, final bool) (c cell, end int, bad fault) {
	c.Start = uint32(i + 1)
	flags := uint32(quoted)
	j := i + 1
	for {
		if s.escaping {
			for j < len(data) && data[j] != s.quote {
				if data[j] == s.escape {
					flags |= escaped
					j++
				}
				j++
			}
		} else {
			k := bytes.IndexByte(data[min(j, len(data)):], s.quote)
			if k < 0 {
				j = len(data)
			} else {
				j += k
			}
		}
		if j >= len(data) {
			if !final {
				return c, -1, good
			}
			c.End = uint32(len(data)) | flags
			return c, len(data), openQuote
		}
		if j+1 < len(data) && data[j+1] == s.quote {
			flags |= escaped
			j += 2
			continue
		}
		break
	}
	c.End = uint32(j) | flags
	j++
	for j < len(data) && data[j] <= ' ' && data[j] != '\n' && data[j] != '\r' && data[j] != s.delim {
		j++
	}
	if j == len(data) {
		if !final {
			return c, -1, good
		}
		return c, j, good
	}
	if data[j] == s.delim || data[j] == '\n' || data[j] == '\r' {
		return c, j, good
	}
	return c, s.plainEnd(data, j, uint64(s.delim)*ones), afterQuote
}

func trimCell(data []byte, c cell) cell {
	end := c.End &^ endFlags
	for c.Start < end && data[c.Start] <= ' ' {
		c.Start++
	}
	for c.Start < end && data[end-1] <= ' ' {
		end--
	}
	c.End = end | c.End&endFlags
	return c
}

// lineEnd returns where the line after the one at i starts, -1 if it is not in data.
func lineEnd(data []byte, i int, final bool) int {
	for ; i < len(data); i++ {
		if data[i] == '\n' {
			return i + 1
		}
		if data[i] == '\r' {
			if i+1 < len(data) {
				if data[i+1] == '\n' {
					i++
				}
				return i + 1
			}
			if !final {
				return -1
			}
		}
	}
	if final {
		return len(data)
	}
	return -1
}

// unescape appends the text of a cell that holds doubled quotes or escapes.
func (s *scanner) unescape(dst, text []byte, inQuotes bool) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case s.escaping && c == s.escape && i+1 < len(text):
			i++
			c = text[i]
			switch c {
			case '0':
				c = 0
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			}
		case inQuotes && c == s.quote:
			i++ // the second of two
		}
		dst = append(dst, c)
	}
	return dst
}
