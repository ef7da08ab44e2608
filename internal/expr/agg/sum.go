package agg

import (
	"math"
	"math/bits"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// what a sum is finished to.
type sumKind uint8

const (
	sumPlain sumKind = iota // NULL over nothing
	sumZero                 // 0 over nothing
	sumMean
)

func newSum(kind sumKind) func(jobgraph.AggCall, bool) (Agg, error) {
	return func(call jobgraph.AggCall, _ bool) (Agg, error) {
		arg := call.ArgTypes[0]
		switch {
		case arg.Kind == types.Decimal:
			return &sumDecimal{inline: inline{n: 4, ret: call.Ret}, kind: kind, scale: arg.Scale}, nil
		case arg.Approx():
			return &sumFloat{inline: inline{n: 2, ret: call.Ret}, kind: kind}, nil
		}
		return &sumInt{inline: inline{n: 2, ret: call.Ret}, kind: kind}, nil
	}
}

// sumInt sums integers: words sum, n. The sum wraps in the width of the result.
type sumInt struct {
	inline
	kind sumKind
}

func (a *sumInt) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	v := g.view(a.off)
	switch c := col.(type) {
	case *vec.Fixed[int64]:
		addInt(&v, slots, rows, c.Vals, c.Valid)
	case *vec.Fixed[int32]:
		addInt(&v, slots, rows, c.Vals, c.Valid)
	case *vec.Fixed[int16]:
		addInt(&v, slots, rows, c.Vals, c.Valid)
	case *vec.Fixed[int8]:
		addInt(&v, slots, rows, c.Vals, c.Valid)
	}
}

func (a *sumInt) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	v := g.view(a.off)
	switch c := col.(type) {
	case *vec.Fixed[int64]:
		subInt(&v, slots, rows, c.Vals, c.Valid)
	case *vec.Fixed[int32]:
		subInt(&v, slots, rows, c.Vals, c.Valid)
	case *vec.Fixed[int16]:
		subInt(&v, slots, rows, c.Vals, c.Valid)
	case *vec.Fixed[int8]:
		subInt(&v, slots, rows, c.Vals, c.Valid)
	}
}

func addInt[T integer](v *view, slots []keyed.Slot, rows []int32, vals []T, valid vec.Bitmap) {
	slab, shift, mask, stride, off := v.slab, v.shift, v.mask, v.stride, v.off
	if valid == nil {
		for i, s := range slots {
			p := slab[int(s)>>shift][(int(s)&mask)*stride+off:]
			p[1]++
			p[0] += uint64(int64(vals[rows[i]]))
		}
		return
	}
	for i, s := range slots {
		if r := rows[i]; !valid.Null(int(r)) {
			p := slab[int(s)>>shift][(int(s)&mask)*stride+off:]
			p[1]++
			p[0] += uint64(int64(vals[r]))
		}
	}
}

func subInt[T integer](v *view, slots []keyed.Slot, rows []int32, vals []T, valid vec.Bitmap) {
	for i, s := range slots {
		if r := rows[i]; !valid.Null(int(r)) {
			p := v.at(s)
			p[1]--
			p[0] -= uint64(int64(vals[r]))
		}
	}
}

func (a *sumInt) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	sum, n := word(cols[0]), word(cols[1])
	for i, s := range slots {
		p := v.at(s)
		p[1] += uint64(n[rows[i]])
		p[0] += uint64(sum[rows[i]])
	}
}

func (a *sumInt) Finish(out *Out) vec.Vector {
	w := a.take(out)
	sum, n := w[0], w[1]
	switch a.kind {
	case sumZero:
		return column(a.ret, sum, nil, nil)
	case sumMean:
		for i, c := range n {
			if c != 0 {
				sum[i] = uint64(int64(sum[i]) / int64(c))
			}
		}
	}
	return column(a.ret, sum, nil, validWhere(n))
}

// sumFloat sums FLOAT and DOUBLE in double: words sum, n. FLOAT is rounded at the
// end only.
type sumFloat struct {
	inline
	kind sumKind
}

func (a *sumFloat) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.step(g, slots, rows, col, 1)
}

func (a *sumFloat) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.step(g, slots, rows, col, -1)
}

func (a *sumFloat) step(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector, sign float64) {
	v := g.view(a.off)
	switch c := col.(type) {
	case *vec.Fixed[float64]:
		addFloat(&v, slots, rows, c.Vals, c.Valid, sign)
	case *vec.Fixed[float32]:
		addFloat(&v, slots, rows, c.Vals, c.Valid, sign)
	}
}

func addFloat[T float32 | float64](v *view, slots []keyed.Slot, rows []int32, vals []T, valid vec.Bitmap, sign float64) {
	n := uint64(int64(sign))
	for i, s := range slots {
		if r := rows[i]; !valid.Null(int(r)) {
			p := v.at(s)
			p[1] += n
			p[0] = math.Float64bits(math.Float64frombits(p[0]) + sign*float64(vals[r]))
		}
	}
}

func (a *sumFloat) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	sum, n := word(cols[0]), word(cols[1])
	for i, s := range slots {
		p := v.at(s)
		p[1] += uint64(n[rows[i]])
		p[0] = math.Float64bits(math.Float64frombits(p[0]) + math.Float64frombits(uint64(sum[rows[i]])))
	}
}

func (a *sumFloat) Finish(out *Out) vec.Vector {
	w := a.take(out)
	sum, n := w[0], w[1]
	switch a.kind {
	case sumZero:
		return column(a.ret, sum, nil, nil)
	case sumMean:
		for i, c := range n {
			if c != 0 {
				sum[i] = math.Float64bits(math.Float64frombits(sum[i]) / float64(int64(c)))
			}
		}
	}
	return column(a.ret, sum, nil, validWhere(n))
}

// sumDecimal sums decimals in 128 bits: words low, high, n, over. A sum that left
// 128 bits, which over remembers, or has more than 38 digits at the end, is NULL.
type sumDecimal struct {
	inline
	kind  sumKind
	scale int
}

func (a *sumDecimal) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.step(g, slots, rows, col, false)
}

func (a *sumDecimal) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.step(g, slots, rows, col, true)
}

func (a *sumDecimal) step(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector, neg bool) {
	v := g.view(a.off)
	switch c := col.(type) {
	case *vec.Fixed[int64]:
		addDecimal64(&v, slots, rows, c.Vals, c.Valid, neg)
	case *vec.Fixed[types.Int128]:
		for i, s := range slots {
			if r := rows[i]; !c.Valid.Null(int(r)) {
				x, n := c.Vals[r], int64(1)
				if neg {
					x, n = x.Neg(), -1
				}
				addWide(v.at(s), x, n)
			}
		}
	}
}

func addDecimal64(v *view, slots []keyed.Slot, rows []int32, vals []int64, valid vec.Bitmap, neg bool) {
	n := int64(1)
	if neg {
		n = -1
	}
	for i, s := range slots {
		if r := rows[i]; !valid.Null(int(r)) {
			x := vals[r] * n // at most 18 digits: never the least int64
			p := v.at(s)
			lo, carry := bits.Add64(p[0], uint64(x), 0)
			hi, _ := bits.Add64(p[1], uint64(x>>63), carry)
			p[2] += uint64(n)
			if hi>>63 != p[1]>>63 && p[1]>>63 == uint64(x)>>63 {
				p[3] = 1
			}
			p[0], p[1] = lo, hi
		}
	}
}

func addWide(p []uint64, x types.Int128, n int64) {
	old := types.Int128{Lo: p[0], Hi: int64(p[1])}
	sum := old.Add(x)
	p[0], p[1] = sum.Lo, uint64(sum.Hi)
	p[2] += uint64(n)
	if (old.Hi < 0) == (x.Hi < 0) && (sum.Hi < 0) != (old.Hi < 0) {
		p[3] = 1
	}
}

func (a *sumDecimal) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	lo, hi, n, over := word(cols[0]), word(cols[1]), word(cols[2]), word(cols[3])
	for i, s := range slots {
		r := rows[i]
		p := v.at(s)
		addWide(p, types.Int128{Lo: uint64(lo[r]), Hi: hi[r]}, n[r])
		p[3] |= uint64(over[r])
	}
}

func (a *sumDecimal) Finish(out *Out) vec.Vector {
	w := a.take(out)
	lo, hi, n, over := w[0], w[1], w[2], w[3]
	var valid vec.Bitmap
	for i, c := range n {
		x := types.Int128{Lo: lo[i], Hi: int64(hi[i])}
		ok := over[i] == 0 && x.FitsDecimal(types.DecimalMax)
		switch {
		case c == 0:
			ok = a.kind == sumZero
		case a.kind == sumMean && ok:
			x, ok = x.DivScaled(types.Int128Of(int64(c)), a.ret.Scale-a.scale)
			lo[i], hi[i] = x.Lo, uint64(x.Hi)
		}
		if !ok {
			if valid == nil {
				valid = vec.NewBitmap(len(n))
			}
			valid.SetNull(i)
		}
	}
	return column(a.ret, lo, hi, valid)
}
