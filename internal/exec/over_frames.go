package exec

import (
	"cmp"
	"fmt"
	"math"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// passes returns the rows of [from, to) that the call's FILTER lets through.
func (c *overCall) passes(p *overPart, rows []int32, from, to int32) []int32 {
	rows = rows[:0]
	if c.spec.Filter < 0 {
		for i := from; i < to; i++ {
			rows = append(rows, i)
		}
		return rows
	}
	f := p.cols[c.spec.Filter].(*vec.Fixed[bool])
	for i := from; i < to; i++ {
		if f.Vals[i] && !f.Valid.Null(int(i)) {
			rows = append(rows, i)
		}
	}
	return rows
}

// frames computes the rows of each row's frame: [lo, hi), empty if lo >= hi.
func (c *overCall) frames(p *overPart) error {
	c.lo, c.hi = grow(c.lo, p.n), grow(c.hi, p.n)
	f := c.spec.Frame
	if !f.Rows && (f.From.Offset != 0 || f.To.Offset != 0) {
		return c.ranges(p)
	}
	for i := range p.n {
		from, to := p.bounds(i)
		lo, hi := from, to
		switch {
		case f.From.Unbounded:
		case f.Rows:
			lo = clampRow(int64(i)+f.From.Offset, from, to)
		default:
			lo = p.peers[i]
		}
		switch {
		case f.To.Unbounded:
		case f.Rows:
			hi = clampRow(int64(i)+f.To.Offset+1, from, to)
		default:
			hi = p.ends[i]
		}
		c.lo[i], c.hi[i] = lo, max(lo, hi)
	}
	return nil
}

func clampRow(i int64, from, to int32) int32 {
	return int32(min(max(i, int64(from)), int64(to)))
}

// ranges is frames for RANGE with a distance: the bounds are values of the one sort
// key, and NULLs are peers of each other only.
func (c *overCall) ranges(p *overPart) error {
	key := p.order.keys[0]
	t := c.types[key.Col]
	mul, div := int64(1), int64(1)
	switch t.Kind {
	case types.Decimal:
		mul = int64(math.Pow10(t.Scale))
	case types.Date:
		div = 86_400_000_000
	case types.Time:
		div = 1000
	}
	whole := func(d int64) int64 { return d * mul / div }
	double := func(d int64) float64 { return float64(d) }
	switch v := p.cols[key.Col].(type) {
	case *vec.Fixed[float64]:
		rangeFrames(c, p, v.Vals, v.Valid, double)
	case *vec.Fixed[float32]:
		vals := make([]float64, p.n)
		for i, x := range v.Vals {
			vals[i] = float64(x)
		}
		rangeFrames(c, p, vals, v.Valid, double)
	case *vec.Fixed[int64]:
		rangeFrames(c, p, v.Vals, v.Valid, whole)
	case *vec.Fixed[int32], *vec.Fixed[int16], *vec.Fixed[int8]:
		rangeFrames(c, p, widen(v), vec.Validity(v), whole)
	default:
		return fmt.Errorf("RANGE with a distance over %s is not supported", t.Name())
	}
	return nil
}

func widen(v vec.Vector) []int64 {
	out := make([]int64, v.Len())
	switch v := v.(type) {
	case *vec.Fixed[int32]:
		for i, x := range v.Vals {
			out[i] = int64(x)
		}
	case *vec.Fixed[int16]:
		for i, x := range v.Vals {
			out[i] = int64(x)
		}
	case *vec.Fixed[int8]:
		for i, x := range v.Vals {
			out[i] = int64(x)
		}
	}
	return out
}

// rangeEdge returns how a value lies to the bound of the frame of a row's value:
// negative is before it in the order.
func rangeEdge[T int64 | float64](c *overCall, p *overPart, b jobgraph.FrameBound, scale func(int64) T) func(row, x T) int {
	desc := p.order.keys[0].Desc
	if !b.Months {
		d := scale(b.Offset)
		if desc {
			return func(row, x T) int { return cmp.Compare(row-x, d) }
		}
		return func(row, x T) int { return cmp.Compare(x-row, d) }
	}
	shift := types.AddMonthsMicros
	if c.types[p.order.keys[0].Col].Kind == types.Date {
		shift = func(days, m int64) int64 { return int64(types.AddMonths(int(days), m)) }
	}
	months, sign := b.Offset, 1
	if desc {
		months, sign = -months, -1
	}
	var last, edge T
	known := false
	return func(row, x T) int {
		if !known || row != last {
			known, last, edge = true, row, T(shift(int64(row), months))
		}
		return sign * cmp.Compare(x, edge)
	}
}

// rangeFrames walks both bounds forward over each partition. By months that can be
// further than the distance alone would take them: a month before both the 28th and
// the 31st of March at their times of day is on the 28th of February, and a bound
// never goes back.
func rangeFrames[T int64 | float64](c *overCall, p *overPart, vals []T, valid vec.Bitmap, scale func(int64) T) {
	f := c.spec.Frame
	from, to := rangeEdge(c, p, f.From, scale), rangeEdge(c, p, f.To, scale)
	for s := range len(p.starts) - 1 {
		first, end := p.starts[s], p.starts[s+1]
		lo, hi := first, first
		for i := first; i < end; i++ {
			if valid.Null(int(i)) {
				c.lo[i], c.hi[i] = p.peers[i], p.ends[i]
				if f.From.Unbounded {
					c.lo[i] = first
				}
				if f.To.Unbounded {
					c.hi[i] = end
				}
				continue
			}
			for lo < end && (lo < i && valid.Null(int(lo)) || !valid.Null(int(lo)) && from(vals[i], vals[lo]) < 0) {
				lo++
			}
			for hi < end && (hi < i && valid.Null(int(hi)) || !valid.Null(int(hi)) && to(vals[i], vals[hi]) <= 0) {
				hi++
			}
			c.lo[i], c.hi[i] = lo, max(lo, hi)
			if f.From.Unbounded {
				c.lo[i], c.hi[i] = first, hi
			}
			if f.To.Unbounded {
				c.hi[i] = end
			}
		}
	}
}
