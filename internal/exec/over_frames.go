package exec

import (
	"fmt"
	"math"

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

// rangeFrames walks both bounds forward over each partition.
func rangeFrames[T int64 | float64](c *overCall, p *overPart, vals []T, valid vec.Bitmap, scale func(int64) T) {
	f, desc := c.spec.Frame, p.order.keys[0].Desc
	a, b := scale(f.From.Offset), scale(f.To.Offset)
	// at returns how far row k lies behind row i in the order.
	at := func(i, k int32) T {
		if desc {
			return vals[i] - vals[k]
		}
		return vals[k] - vals[i]
	}
	for s := range len(p.starts) - 1 {
		from, to := p.starts[s], p.starts[s+1]
		lo, hi := from, from
		for i := from; i < to; i++ {
			if valid.Null(int(i)) {
				c.lo[i], c.hi[i] = p.peers[i], p.ends[i]
				if f.From.Unbounded {
					c.lo[i] = from
				}
				if f.To.Unbounded {
					c.hi[i] = to
				}
				continue
			}
			for lo < to && (lo < i && valid.Null(int(lo)) || !valid.Null(int(lo)) && at(i, lo) < a) {
				lo++
			}
			for hi < to && (hi < i && valid.Null(int(hi)) || !valid.Null(int(hi)) && at(i, hi) <= b) {
				hi++
			}
			c.lo[i], c.hi[i] = lo, max(lo, hi)
			if f.From.Unbounded {
				c.lo[i], c.hi[i] = from, hi
			}
			if f.To.Unbounded {
				c.hi[i] = to
			}
		}
	}
}
