package kernel

import (
	"math"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

type integer interface{ int8 | int16 | int32 | int64 }

// number casts between numbers: integers wrap, floats saturate to INT or BIGINT
// and from there wrap (Java's narrowing), decimals are cut to integers and
// rounded half up to other decimals, and NULL where they do not fit.
func (c *caster) number() castEval {
	switch c.from.Phys() {
	case types.PhysInt8:
		return fromInt[int8](c)
	case types.PhysInt16:
		return fromInt[int16](c)
	case types.PhysInt32:
		return fromInt[int32](c)
	case types.PhysFloat32:
		return fromFloat[float32](c)
	case types.PhysFloat64:
		return fromFloat[float64](c)
	case types.PhysInt128:
		return fromDecimal(c, func(x types.Int128) types.Int128 { return x })
	}
	if c.from.Kind == types.Decimal {
		return fromDecimal(c, types.Int128Of)
	}
	return fromInt[int64](c)
}

func fromInt[A integer](c *caster) castEval {
	switch c.to.Kind {
	case types.TinyInt:
		return total(func(x A) int8 { return int8(x) })
	case types.SmallInt:
		return total(func(x A) int16 { return int16(x) })
	case types.Int:
		return total(func(x A) int32 { return int32(x) })
	case types.BigInt:
		return total(func(x A) int64 { return int64(x) })
	case types.Float:
		return total(func(x A) float32 { return float32(x) })
	case types.Double:
		return total(func(x A) float64 { return float64(x) })
	}
	if c.to.Prec <= 18 {
		p, scale := types.Pow10Int(c.to.Prec-c.to.Scale), types.Pow10Int(c.to.Scale)
		return partial(func(x A) (int64, bool) {
			v := int64(x)
			return v * scale, v < p && v > -p
		})
	}
	if whole := c.to.Prec - c.to.Scale; whole >= 19 && c.to.Scale <= 18 { // all integers fit
		if c.to.Scale == 0 {
			return total(func(x A) types.Int128 { return types.Int128Of(int64(x)) })
		}
		scale := types.Pow10Int(c.to.Scale)
		return total(func(x A) types.Int128 { return types.Int128Of(int64(x)).MulInt(scale) })
	}
	p, scale := types.Pow10(c.to.Prec-c.to.Scale), types.Pow10(c.to.Scale)
	return partial(func(x A) (types.Int128, bool) {
		v := types.Int128Of(int64(x))
		r, ok := v.Mul(scale)
		return r, ok && v.Abs().Less(p)
	})
}

// saturate is Java's cast of a floating point number to int or long.
func saturate(f float64, low, high int64) int64 {
	switch {
	case f != f:
		return 0
	case f >= float64(high):
		return high
	case f <= float64(low):
		return low
	}
	return int64(f)
}

func fromFloat[A float32 | float64](c *caster) castEval {
	toInt := func(x A) int32 { return int32(saturate(float64(x), math.MinInt32, math.MaxInt32)) }
	switch c.to.Kind {
	case types.TinyInt:
		return total(func(x A) int8 { return int8(toInt(x)) })
	case types.SmallInt:
		return total(func(x A) int16 { return int16(toInt(x)) })
	case types.Int:
		return total(toInt)
	case types.BigInt:
		return total(func(x A) int64 { return saturate(float64(x), math.MinInt64, math.MaxInt64) })
	case types.Float:
		return total(func(x A) float32 { return float32(x) })
	case types.Double:
		return total(func(x A) float64 { return float64(x) })
	}
	bits := 64
	if c.from.Kind == types.Float {
		bits = 32
	}
	return toDecimal(c, func(x A) (types.Int128, bool) { return floatDecimal(float64(x), bits, c.to) })
}

func floatDecimal(x float64, bits int, to types.Type) (types.Int128, bool) {
	if x != x || math.IsInf(x, 0) {
		return types.Int128{}, false
	}
	var buf [40]byte
	text := types.AppendDouble(buf[:0], x)
	if bits == 32 {
		text = types.AppendFloat(buf[:0], float32(x))
	}
	v, fits, ok := types.ParseDecimal(text, to.Prec, to.Scale)
	return v, ok && fits
}

// toDecimal makes decimals of a function to unscaled values of the target's
// scale, in the target's width.
func toDecimal[A vec.Scalar](c *caster, f func(A) (types.Int128, bool)) castEval {
	if c.to.Prec > 18 {
		return partial(f)
	}
	return partial(func(x A) (int64, bool) {
		v, ok := f(x)
		r, _ := v.Int64()
		return r, ok
	})
}

func fromDecimal[A vec.Scalar](c *caster, wide func(A) types.Int128) castEval {
	scale := c.from.Scale
	whole := func(x A) int64 {
		q, _ := wide(x).QuoRem(types.Pow10(scale))
		return int64(q.Lo)
	}
	switch c.to.Kind {
	case types.TinyInt:
		return total(func(x A) int8 { return int8(whole(x)) })
	case types.SmallInt:
		return total(func(x A) int16 { return int16(whole(x)) })
	case types.Int:
		return total(func(x A) int32 { return int32(whole(x)) })
	case types.BigInt:
		return total(whole)
	case types.Float:
		return total(func(x A) float32 { return float32(types.DecimalFloat(wide(x), scale)) })
	case types.Double:
		return total(func(x A) float64 { return types.DecimalFloat(wide(x), scale) })
	}
	to := c.to
	if to.Kind == types.Decimal && to.Scale == scale && to.Prec >= c.from.Prec && to.Phys() == c.from.Phys() {
		return same
	}
	return toDecimal(c, func(x A) (types.Int128, bool) {
		v, ok := wide(x).Rescale(scale, to.Scale)
		return v, ok && v.FitsDecimal(to.Prec)
	})
}

// toBool makes booleans of numbers: TRUE where not zero.
func (c *caster) toBool() castEval {
	switch c.from.Phys() {
	case types.PhysInt8:
		return total(func(x int8) bool { return x != 0 })
	case types.PhysInt16:
		return total(func(x int16) bool { return x != 0 })
	case types.PhysInt32:
		return total(func(x int32) bool { return x != 0 })
	case types.PhysInt64:
		return total(func(x int64) bool { return x != 0 })
	case types.PhysFloat32:
		return total(func(x float32) bool { return x != 0 })
	case types.PhysFloat64:
		return total(func(x float64) bool { return x != 0 })
	case types.PhysInt128:
		return total(func(x types.Int128) bool { return x != types.Int128{} })
	}
	return nil
}

// fromBool makes numbers of booleans: 1 and 0.
func (c *caster) fromBool() castEval {
	one := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	switch c.to.Kind {
	case types.TinyInt:
		return total(func(b bool) int8 { return int8(one(b)) })
	case types.SmallInt:
		return total(func(b bool) int16 { return int16(one(b)) })
	case types.Int:
		return total(func(b bool) int32 { return int32(one(b)) })
	case types.BigInt:
		return total(one)
	case types.Float:
		return total(func(b bool) float32 { return float32(one(b)) })
	case types.Double:
		return total(func(b bool) float64 { return float64(one(b)) })
	case types.Decimal:
		return toDecimal(c, func(b bool) (types.Int128, bool) {
			v := types.Pow10(c.to.Scale).MulInt(one(b))
			return v, v.FitsDecimal(c.to.Prec)
		})
	}
	return nil
}
