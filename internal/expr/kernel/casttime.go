package kernel

import (
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// floorTo rounds down to a multiple of unit.
func floorTo(x, unit int64) int64 {
	r := x % unit
	if r < 0 {
		r += unit
	}
	return x - r
}

// time casts between dates, times and timestamps. All go by way of a local
// timestamp; a change of precision cuts digits off.
func (c *caster) time() castEval {
	from, to := c.from, c.to
	if from.Prec > 6 && from.Stamp() || to.Prec > 6 && to.Stamp() {
		return c.timeNanos()
	}
	in := c.localMicros()
	switch to.Kind {
	case types.Date:
		return asInt32(from, in, func(m int64) int32 { d, _ := types.DayOf(m); return int32(d) })
	case types.Time:
		return asInt32(from, in, func(m int64) int32 {
			_, rest := types.DayOf(m)
			return int32(rest / types.Milli)
		})
	}
	unit := types.Pow10Int(6 - to.Prec)
	out := func(m int64) int64 { return floorTo(m, unit) }
	switch {
	case from.Kind == types.TimestampLTZ && to.Kind == types.TimestampLTZ:
		in = func(m int64) int64 { return m }
	case to.Kind == types.TimestampLTZ:
		out = func(m int64) int64 { return c.zone.UTC(floorTo(m, unit)) }
	}
	if from.Phys() == types.PhysInt32 {
		return total(func(x int32) int64 { return out(in(int64(x))) })
	}
	return total(func(x int64) int64 { return out(in(x)) })
}

func asInt32(from types.Type, in func(int64) int64, f func(int64) int32) castEval {
	if from.Phys() == types.PhysInt32 {
		return total(func(x int32) int32 { return f(in(int64(x))) })
	}
	return total(func(x int64) int32 { return f(in(x)) })
}

// localMicros returns the function from a source value to a local timestamp.
func (c *caster) localMicros() func(int64) int64 {
	switch c.from.Kind {
	case types.Date:
		return func(d int64) int64 { return d * types.Day }
	case types.Time:
		return func(t int64) int64 { return t * types.Milli }
	case types.TimestampLTZ:
		return c.zone.Local
	}
	return func(m int64) int64 { return m }
}

// timeNanos is time where one side has more than six digits.
func (c *caster) timeNanos() castEval {
	from, to := c.from, c.to
	if from.Phys() == types.PhysInt128 {
		if to.Phys() != types.PhysInt128 {
			return c.viaMicros()
		}
		unit := types.Pow10Int(9 - to.Prec)
		return total(func(x types.Int128) types.Int128 {
			_, r := x.DivInt(unit)
			return c.shiftNanos(x.Sub(types.Int128Of(r)))
		})
	}
	mid := to
	mid.Prec = 6
	first := (&caster{from: from, to: mid, zone: c.zone}).time()
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		v, err := first(v, rows, n)
		if err != nil {
			return nil, err
		}
		return total(func(m int64) types.Int128 { return types.Int128Of(m).MulInt(1000) })(v, rows, n)
	}
}

func (c *caster) shiftNanos(x types.Int128) types.Int128 {
	switch {
	case c.from.Kind == c.to.Kind:
		return x
	case c.from.Kind == types.TimestampLTZ:
		return c.zone.LocalNanos(x)
	}
	return c.zone.UTCNanos(x)
}

// viaMicros cuts to six digits first.
func (c *caster) viaMicros() castEval {
	mid := c.from
	mid.Prec = 6
	second := (&caster{from: mid, to: c.to, zone: c.zone}).time()
	return func(v vec.Vector, rows []int32, n int) (vec.Vector, error) {
		v, err := total(func(x types.Int128) int64 {
			q, _ := x.DivInt(1000)
			return int64(q.Lo)
		})(v, rows, n)
		if err != nil {
			return nil, err
		}
		return second(v, rows, n)
	}
}
