// Package cut reads columns from texts that have been cut into cells: a loop for each
// usual type, over the cells of one column. Formats of text cut some records first and
// then read column by column, so that what a type needs is asked for once a column and
// not for each value.
package cut

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/internal/numtext"
	"github.com/millrace-io/millrace/types"
)

// A Cell is where a cell's text lies in the data. Flags are in the high bits: they make
// a length a large one, which none of the functions for usual shapes takes. Quoted alone
// changes nothing, and is not in the text.
type Cell struct {
	Start uint32
	End   uint32
}

// The flags of a cell.
const (
	Missing = 1 << 31 // in Start: the record has no such cell
	Quoted  = 1 << 31 // in End: it stood in quotes
	Escaped = 1 << 30 // in End: it holds characters that stand for others
	Flags   = Quoted | Escaped
)

// Bounds returns where the cell's text lies, with flags but Quoted.
func (x Cell) Bounds() (from, to int) { return int(x.Start), int(x.End &^ Quoted) }

// A Column is the cells of one column: from the first of All on, Width apart.
type Column struct {
	All   []Cell
	Width int
}

// Skip returns what follows so many rows.
func (x Column) Skip(rows int) Column { return Column{x.All[rows*x.Width:], x.Width} }

// A Reader says what the formats write differently.
type Reader struct {
	Data  []byte
	Sep   byte // between date and time
	Quote bool // a string is one only if it is Quoted
	// Unescape appends the text data[from:to] of an Escaped cell; nil if Read is to
	// end before such a cell.
	Unescape func(dst, data []byte, from, to int) []byte
}

// Usual reports whether Read has a loop for a column's type.
func Usual(c *colbuf.Col) bool { return kindOf(c) != 0 }

// kindOf is the kind of a column whose type has a loop, else 0.
func kindOf(c *colbuf.Col) types.Kind {
	switch k := c.Type.Kind; k {
	case types.Char:
		return types.Varchar
	case types.Varchar, types.BigInt, types.Int, types.Double, types.Date:
		return k
	case types.Decimal, types.Timestamp, types.TimestampLTZ:
		if c.Phys == types.PhysInt64 {
			return k
		}
	}
	return 0
}

// Read appends the values of the first cells of a column, rows at most, and returns how
// many: it ends before a cell that does not have the shape that is usual for the type.
// That one may be a value yet.
func (r *Reader) Read(c *colbuf.Col, x Column, rows int) (n int) {
	switch kindOf(c) {
	case types.Varchar:
		return r.strings(c, x, rows)
	case types.BigInt:
		c.I64 = slices.Grow(c.I64, rows)
		n = r.longs(c.I64[len(c.I64):][:rows], x)
		c.I64 = c.I64[:len(c.I64)+n]
	case types.Int:
		c.I32 = slices.Grow(c.I32, rows)
		n = r.ints(c.I32[len(c.I32):][:rows], x)
		c.I32 = c.I32[:len(c.I32)+n]
	case types.Decimal:
		c.I64 = slices.Grow(c.I64, rows)
		n = r.decimals(c.I64[len(c.I64):][:rows], x, c.Type.Prec, c.Type.Scale)
		c.I64 = c.I64[:len(c.I64)+n]
	case types.Double:
		c.F64 = slices.Grow(c.F64, rows)
		n = r.doubles(c.F64[len(c.F64):][:rows], x)
		c.F64 = c.F64[:len(c.F64)+n]
	case types.Date:
		c.I32 = slices.Grow(c.I32, rows)
		n = r.dates(c.I32[len(c.I32):][:rows], x)
		c.I32 = c.I32[:len(c.I32)+n]
	case types.Timestamp, types.TimestampLTZ:
		c.I64 = slices.Grow(c.I64, rows)
		n = r.stamps(c.I64[len(c.I64):][:rows], x, c.Type)
		c.I64 = c.I64[:len(c.I64)+n]
	}
	return n
}

// wordMax is how far into the data a word may begin.
func wordMax(data []byte) int { return len(data) - 8 }

// ints reads integers one by one.
func ints[T int32 | int64](out []T, x Column, data []byte) int {
	last := wordMax(data)
	for k, at := 0, 0; k < len(out); k, at = k+1, at+x.Width {
		from, to := x.All[at].Bounds()
		if n := to - from; uint(n-1) < 8 && from <= last {
			if v, ok := numtext.Digits(binary.LittleEndian.Uint64(data[from:]), n); ok {
				out[k] = T(v)
				continue
			}
		}
		v, ok := numtext.IntAt(data, from, to)
		if !ok || v != int64(T(v)) {
			return k
		}
		out[k] = T(v)
	}
	return len(out)
}

// decimals reads decimals one by one.
func decimals(out []int64, x Column, data []byte, prec, scale int) int {
	for k, at := 0, 0; k < len(out); k, at = k+1, at+x.Width {
		from, to := x.All[at].Bounds()
		v, ok := numtext.DecimalAt(data, from, to, prec, scale)
		if !ok {
			return k
		}
		out[k] = v
	}
	return len(out)
}

// doubles reads doubles one by one.
func doubles(out []float64, x Column, data []byte) int {
	for k, at := 0, 0; k < len(out); k, at = k+1, at+x.Width {
		from, to := x.All[at].Bounds()
		v, ok := numtext.DoubleAt(data, from, to)
		if !ok {
			return k
		}
		out[k] = v
	}
	return len(out)
}

// dates reads dates one by one.
func dates(out []int32, x Column, data []byte) int {
	for k, at := 0, 0; k < len(out); k, at = k+1, at+x.Width {
		from, to := x.All[at].Bounds()
		if to-from != 10 {
			return k
		}
		v, ok := numtext.DateAt(data, from)
		if !ok {
			return k
		}
		out[k] = v
	}
	return len(out)
}

// stamps is the loop for TIMESTAMP and TIMESTAMP_LTZ up to microseconds. Neighbours
// mostly share their date, so it is read anew only when its text changes.
func (r *Reader) stamps(out []int64, x Column, t types.Type) int {
	data, zoned, prec := r.Data, t.Kind == types.TimestampLTZ, t.Prec
	var date uint64 // all but the day of the month
	var dd uint16
	day := int64(math.MinInt64) // in microseconds
	for k, at := 0, 0; k < len(out); k, at = k+1, at+x.Width {
		from, to := x.All[at].Bounds()
		if uint(to-from-19) > 11 || data[from+10] != r.Sep {
			return k
		}
		if zoned {
			if to--; data[to] != 'Z' {
				return k
			}
		}
		y, z := binary.LittleEndian.Uint64(data[from:]), binary.LittleEndian.Uint16(data[from+8:])
		if y != date || z != dd || day == math.MinInt64 {
			n, ok := numtext.DateAt(data, from)
			if !ok {
				return k
			}
			date, dd, day = y, z, int64(n)*86_400_000_000
		}
		us, ok := numtext.ClockAt(data, from+11, to)
		if !ok {
			return k
		}
		out[k] = day + numtext.CutMicros(us, prec)
	}
	return len(out)
}

// strings is the loop for strings.
func (r *Reader) strings(c *colbuf.Col, x Column, rows int) int {
	c.Offs = slices.Grow(c.Offs, rows)
	offs := c.Offs[len(c.Offs):][:rows]
	one := func(offs []uint32, x Column) int { return r.copyOne(c, offs, x) }
	n := 0
	if hasFours {
		n = byVectors(offs, x, func(offs []uint32, x Column) int { return r.copyMany(c, offs, x) }, one)
	} else {
		n = one(offs, x)
	}
	c.Offs = c.Offs[:len(c.Offs)+n]
	return n
}

// wordsMax is how long texts are that are copied by two stores of sixteen bytes,
// whatever their length: most are short, and a call costs as much.
const wordsMax = 32

// copyOne copies texts one by one, and writes the ends that they have in the column.
func (r *Reader) copyOne(c *colbuf.Col, ends []uint32, x Column) (k int) {
	data, out, o := r.Data, c.Data[:cap(c.Data)], len(c.Data)
	must := uint32(0)
	if r.Quote {
		must = Quoted
	}
	for at := 0; k < len(ends); k, at = k+1, at+x.Width {
		cell := x.All[at]
		if cell.Start&Missing|cell.End&Escaped|must&^cell.End != 0 {
			if cell.Start&Missing|must&^cell.End != 0 || r.Unescape == nil {
				break
			}
			out = r.Unescape(out[:o], data, int(cell.Start), int(cell.End&^Flags))
			o = len(out)
			out, ends[k] = out[:cap(out)], uint32(o)
			continue
		}
		from, to := cell.Bounds()
		n := to - from
		if len(out)-o < max(n, wordsMax) {
			out = slices.Grow(out[:o], max(n, wordsMax))
			out = out[:cap(out)]
		}
		if n <= wordsMax && len(data)-from >= wordsMax {
			const half = wordsMax / 2
			*(*[half]byte)(out[o:]) = *(*[half]byte)(data[from:])
			*(*[half]byte)(out[o+half:]) = *(*[half]byte)(data[from+half:])
		} else {
			copy(out[o:], data[from:to])
		}
		o += n
		ends[k] = uint32(o)
	}
	c.Data = out[:o]
	return k
}
