package cut

import (
	"slices"

	"github.com/millrace-io/millrace/format/internal/colbuf"
	"github.com/millrace-io/millrace/types"
)

// Numbers and dates in the shapes that most have are read four at a time where the
// processor has vectors for it. The first four of which one has another shape end that;
// some are read one by one then.

// How many cells are read one by one before vectors are tried again: twice as many each
// time that they read nothing.
const (
	oneByOneMin = 4
	oneByOneMax = 64
)

// byVectors reads cells by many, which reads as many from the front as have the shape that
// it knows, at least four at a time, and by one, which reads any. Both say how many they have read.
func byVectors[T any](out []T, x Column, many, one func(out []T, x Column) int) (done int) {
	for singly := oneByOneMin; done < len(out); singly = min(2*singly, oneByOneMax) {
		if len(out)-done >= 4 {
			read := many(out[done:], x.Skip(done))
			if done += read; done == len(out) {
				break
			}
			if read > 0 {
				singly = oneByOneMin
			}
		}
		n := min(len(out)-done, singly)
		k := one(out[done:done+n], x.Skip(done))
		if done += k; k < n {
			break
		}
	}
	return done
}

// wordBytes is how many bytes, up to its end, are loaded for a number.
const wordBytes = 8

// longs is the loop for BIGINT.
func (r *Reader) longs(out []int64, x Column) int {
	one := func(out []int64, x Column) int { return ints(out, x, r.Data) }
	if !hasFours || len(r.Data) < wordBytes {
		return one(out, x)
	}
	return byVectors(out, x, func(out []int64, x Column) int { return fourLongs(out, x, r.Data) }, one)
}

// Blocks says at which columns ReadBlock reads four. The places are those of their cells
// in a row.
func Blocks(cols []*colbuf.Col, places []int) []bool {
	out := make([]bool, len(cols))
	run := 0 // of columns side by side
	for i, c := range cols {
		switch {
		case !hasFours || c.Type.Kind != types.BigInt:
			run = 0
		case run > 0 && places[i] != places[i-1]+1:
			run = 1
		default:
			run++
		}
		if run == 4 {
			out[i-3], run = true, 0
		}
	}
	return out
}

// ReadBlock appends values to the first four columns, the cells of which are at x and to
// the right of it, and returns how many rows it has read: what is left is for Read. Tables
// of hundreds of columns have so few rows at once that the way to the cells of one column
// costs more than to read them.
func (r *Reader) ReadBlock(cols []*colbuf.Col, x Column, rows int) (n int) {
	if rows < 4 || len(r.Data) < wordBytes {
		return 0
	}
	var outs [4]*int64
	for k := range outs {
		c := cols[k]
		c.I64 = slices.Grow(c.I64, rows)
		outs[k] = &c.I64[len(c.I64):][:1][0]
	}
	n = fourColumns(&outs, rows, x, r.Data)
	for _, c := range cols[:4] {
		c.I64 = c.I64[:len(c.I64)+n]
	}
	return n
}

// ints is the loop for INT.
func (r *Reader) ints(out []int32, x Column) int {
	one := func(out []int32, x Column) int { return ints(out, x, r.Data) }
	if !hasFours || len(r.Data) < wordBytes {
		return one(out, x)
	}
	return byVectors(out, x, func(out []int32, x Column) int { return fourInts(out, x, r.Data) }, one)
}

// decimals is the loop for DECIMAL of up to 18 digits.
func (r *Reader) decimals(out []int64, x Column, prec, scale int) int {
	one := func(out []int64, x Column) int { return decimals(out, x, r.Data, prec, scale) }
	const scaleMax = 9 // of which the power has 32 bits
	if !hasFours || len(r.Data) < wordBytes || scale > scaleMax {
		return one(out, x)
	}
	powers, most := powersOf(scale), types.Pow10Int(prec)-1
	return byVectors(out, x, func(out []int64, x Column) int { return fourDecimals(out, x, r.Data, &powers, most) }, one)
}

// powersOf are what makes digits a DECIMAL of the scale, by how many are behind the point;
// 0 if they are too many.
func powersOf(scale int) (powers [wordBytes]uint32) {
	for behind := range powers[:min(scale+1, wordBytes)] {
		powers[behind] = uint32(types.Pow10Int(scale - behind))
	}
	return powers
}

// powersOfTen are by their exponent.
var powersOfTen = [wordBytes]uint32{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000}

// doubles is the loop for DOUBLE. Both the digits and the power are exact, so the quotient
// is correctly rounded.
func (r *Reader) doubles(out []float64, x Column) int {
	one := func(out []float64, x Column) int { return doubles(out, x, r.Data) }
	if !hasFours || len(r.Data) < wordBytes {
		return one(out, x)
	}
	return byVectors(out, x, func(out []float64, x Column) int { return fourDoubles(out, x, r.Data, &powersOfTen) }, one)
}

// dates is the loop for DATE.
func (r *Reader) dates(out []int32, x Column) int {
	one := func(out []int32, x Column) int { return dates(out, x, r.Data) }
	if !hasFours || len(r.Data) < dateWord {
		return one(out, x)
	}
	return byVectors(out, x, func(out []int32, x Column) int { return fourDates(out, x, r.Data) }, one)
}

// dateWord is how many bytes up to its end are loaded for a date.
const dateWord = 16

// A stringShape says where copyMany has room to load and store manyMax bytes whatever a
// text's length.
type stringShape struct {
	bare    uint32 // not 0: texts need not be Quoted
	last    uint32 // where in the data a text may begin
	lastOut uint32 // the same in the column
	at      uint32 // where the first one is put in the column
}

// manyMax is how long the texts are that copyMany copies.
const manyMax = 128

// copyMany copies texts of up to manyMax bytes and writes the ends that they have in the
// column. It makes no room.
func (r *Reader) copyMany(c *colbuf.Col, ends []uint32, x Column) int {
	if len(r.Data) < manyMax || cap(c.Data) < manyMax {
		return 0
	}
	s := stringShape{1, uint32(len(r.Data) - manyMax), uint32(cap(c.Data) - manyMax), uint32(len(c.Data))}
	if r.Quote {
		s.bare = 0
	}
	n := copyStrings(c.Data[:cap(c.Data)], ends, x, r.Data, &s)
	if n > 0 {
		c.Data = c.Data[:ends[n-1]]
	}
	return n
}
