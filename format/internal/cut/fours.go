package cut

import "github.com/millrace-io/millrace/format/internal/colbuf"

// Numbers and dates in the shapes that most have are read four at a time where the
// processor has vectors for it. The first four of which one has another shape end that;
// some are read one by one then.

// oneByOne is how many cells are read one by one before four are tried again.
const oneByOne = 16

// byVectors reads cells by many, which reads as many from the front as have the shape that
// it knows, at least four at a time, and by one, which reads any. Both say how many they have read.
func byVectors[T any](out []T, x Column, many, one func(out []T, x Column) int) (done int) {
	for done < len(out) {
		if n := len(out) - done; n >= 4 {
			if done += many(out[done:], x.Skip(done)); done == len(out) {
				break
			}
		}
		n := min(len(out)-done, oneByOne)
		k := one(out[done:done+n], x.Skip(done))
		if done += k; k < n {
			break
		}
	}
	return done
}

// A numberShape is what numbers may look like that are read by fours: up to eight bytes,
// of which the first may be a minus, with a point before the last digits, as many as
// scale, which is at most scaleMax. Words are the last eight bytes of a text.
type numberShape struct {
	least  uint64 // bytes of a text
	span   uint64 // bytes that it may have beyond that; for 32 bits, the others are ones
	last   uint64 // where in the data a word may begin, in the same way
	behind uint64 // bytes of a word behind the point
	before uint64 // those before the point, when they are moved to where it was
	point  uint64 // the point in a word
	others uint64 // all bytes but the point
}

const (
	wordBytes = 8
	scaleMax  = wordBytes - 1
	// A DECIMAL of that precision holds all that a word does.
	wordPrec = wordBytes
)

func shapeOf(scale, size int) numberShape {
	const all, upper = ^uint64(0), 0xFFFFFFFF << 32
	s := numberShape{least: 1, behind: all, others: all}
	if scale > 0 {
		at := 8 * uint(wordBytes-1-scale)
		s.least, s.behind, s.point, s.others = uint64(1+scale), all<<(at+8), '.'<<at, ^(0xFF << at)
		s.before = ^s.behind &^ 0xFF
	}
	s.span, s.last = upper|wordBytes-s.least, upper|uint64(size-wordBytes)
	return s
}

// longs is the loop for BIGINT.
func (r *Reader) longs(out []int64, x Column) int {
	one := func(out []int64, x Column) int { return ints(out, x, r.Data) }
	if !hasFours || len(r.Data) < wordBytes {
		return one(out, x)
	}
	shape := shapeOf(0, len(r.Data))
	return byVectors(out, x, func(out []int64, x Column) int { return fourLongs(out, x, r.Data, &shape) }, one)
}

// ints is the loop for INT.
func (r *Reader) ints(out []int32, x Column) int {
	one := func(out []int32, x Column) int { return ints(out, x, r.Data) }
	if !hasFours || len(r.Data) < wordBytes {
		return one(out, x)
	}
	shape := shapeOf(0, len(r.Data))
	return byVectors(out, x, func(out []int32, x Column) int { return fourInts(out, x, r.Data, &shape) }, one)
}

// decimals is the loop for DECIMAL of up to 18 digits. Many columns are written with all
// digits behind the point.
func (r *Reader) decimals(out []int64, x Column, prec, scale int) int {
	one := func(out []int64, x Column) int { return decimals(out, x, r.Data, prec, scale) }
	if !hasFours || len(r.Data) < wordBytes || scale > scaleMax || prec < wordPrec {
		return one(out, x)
	}
	shape := shapeOf(scale, len(r.Data))
	return byVectors(out, x, func(out []int64, x Column) int { return fourLongs(out, x, r.Data, &shape) }, one)
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
