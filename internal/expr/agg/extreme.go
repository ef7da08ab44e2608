package agg

import (
	"bytes"
	"cmp"
	"math"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func newExtreme(sign int) func(jobgraph.AggCall, bool) (Agg, error) {
	return func(call jobgraph.AggCall, _ bool) (Agg, error) {
		t := call.ArgTypes[0]
		switch {
		case !fixed(t):
			return &extremeBytes{onBlob: onBlob{ret: call.Ret}, sign: sign}, nil
		case wide(t):
			return &extremeWide{inline: inline{n: 3, ret: call.Ret}, sign: sign}, nil
		}
		return &extreme{inline: inline{n: 2, ret: call.Ret}, sign: sign}, nil
	}
}

// An Extreme is MIN or MAX over values that also go away: the operator keeps the
// values, and when the extreme of a group is gone it sets the next.
type Extreme interface {
	Agg
	// Sign is 1 for MAX, -1 for MIN.
	Sign() int
	// Drop forgets the values of the groups.
	Drop(g *Groups, slot keyed.Slot)
}

// extreme is MIN and MAX of values of one word: words value, has. NaN is the
// greatest value, as in Java's Double.compare.
type extreme struct {
	inline
	sign int
}

// Sign implements Extreme.
func (a *extreme) Sign() int { return a.sign }

// Drop implements Extreme.
func (a *extreme) Drop(g *Groups, s keyed.Slot) { *g.Word(s, a.off+1) = 0 }

func (a *extreme) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	v := g.view(a.off)
	switch c := col.(type) {
	case *vec.Fixed[int64]:
		extremeInt(&v, slots, rows, c.Vals, c.Valid, a.sign)
	case *vec.Fixed[int32]:
		extremeInt(&v, slots, rows, c.Vals, c.Valid, a.sign)
	case *vec.Fixed[int16]:
		extremeInt(&v, slots, rows, c.Vals, c.Valid, a.sign)
	case *vec.Fixed[int8]:
		extremeInt(&v, slots, rows, c.Vals, c.Valid, a.sign)
	case *vec.Fixed[float64]:
		extremeFloat(&v, slots, rows, c.Vals, c.Valid, a.sign)
	case *vec.Fixed[float32]:
		extremeFloat(&v, slots, rows, c.Vals, c.Valid, a.sign)
	case *vec.Fixed[bool]:
		for i, s := range slots {
			if r := rows[i]; !c.Valid.Null(int(r)) {
				x := uint64(0)
				if c.Vals[r] {
					x = 1
				}
				keepInt(v.at(s), int64(x), a.sign)
			}
		}
	}
}

func extremeInt[T integer](v *view, slots []keyed.Slot, rows []int32, vals []T, valid vec.Bitmap, sign int) {
	slab, shift, mask, stride, off := v.slab, v.shift, v.mask, v.stride, v.off
	for i, s := range slots {
		r := rows[i]
		if valid.Null(int(r)) {
			continue
		}
		p := slab[int(s)>>shift][(int(s)&mask)*stride+off:]
		x, old := int64(vals[r]), int64(p[0])
		if p[1] == 0 || sign > 0 && x > old || sign < 0 && x < old {
			p[1] = 1
			p[0] = uint64(x)
		}
	}
}

func keepInt(p []uint64, x int64, sign int) {
	if old := int64(p[0]); p[1] == 0 || sign > 0 && x > old || sign < 0 && x < old {
		p[0], p[1] = uint64(x), 1
	}
}

func extremeFloat[T float32 | float64](v *view, slots []keyed.Slot, rows []int32, vals []T, valid vec.Bitmap, sign int) {
	for i, s := range slots {
		if r := rows[i]; !valid.Null(int(r)) {
			keepFloat(v.at(s), float64(vals[r]), sign)
		}
	}
}

func keepFloat(p []uint64, x float64, sign int) {
	if p[1] == 0 || CompareFloat(x, math.Float64frombits(p[0])) == sign {
		p[0], p[1] = math.Float64bits(x), 1
	}
}

// CompareFloat orders doubles with NaN as the greatest.
func CompareFloat(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return -cmp.Compare(x, y) // NaN is cmp's least
}

func (a *extreme) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	x, has := word(cols[0]), word(cols[1])
	for i, s := range slots {
		r := rows[i]
		if has[r] == 0 {
			continue
		}
		if a.ret.Approx() {
			keepFloat(v.at(s), math.Float64frombits(uint64(x[r])), a.sign)
			continue
		}
		keepInt(v.at(s), x[r], a.sign)
	}
}

func (a *extreme) Finish(out *Out) vec.Vector {
	w := a.take(out)
	return column(a.ret, w[0], nil, validWhere(w[1]))
}

// extremeWide is MIN and MAX of 128-bit values: words low, high, has.
type extremeWide struct {
	inline
	sign int
}

// Sign implements Extreme.
func (a *extremeWide) Sign() int { return a.sign }

// Drop implements Extreme.
func (a *extremeWide) Drop(g *Groups, s keyed.Slot) { *g.Word(s, a.off+2) = 0 }

func (a *extremeWide) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	v := g.view(a.off)
	c := col.(*vec.Fixed[types.Int128])
	for i, s := range slots {
		if r := rows[i]; !c.Valid.Null(int(r)) {
			keepWide(v.at(s), c.Vals[r], a.sign)
		}
	}
}

func keepWide(p []uint64, x types.Int128, sign int) {
	if p[2] == 0 || x.Cmp(types.Int128{Lo: p[0], Hi: int64(p[1])}) == sign {
		p[0], p[1], p[2] = x.Lo, uint64(x.Hi), 1
	}
}

func (a *extremeWide) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	lo, hi, has := word(cols[0]), word(cols[1]), word(cols[2])
	for i, s := range slots {
		if r := rows[i]; has[r] != 0 {
			keepWide(v.at(s), types.Int128{Lo: uint64(lo[r]), Hi: hi[r]}, a.sign)
		}
	}
}

func (a *extremeWide) Finish(out *Out) vec.Vector {
	w := a.take(out)
	return column(a.ret, w[0], w[1], validWhere(w[2]))
}

// extremeBytes is MIN and MAX of strings: words has, blob.
type extremeBytes struct {
	onBlob
	sign int
}

// Sign implements Extreme.
func (a *extremeBytes) Sign() int { return a.sign }

// Drop implements Extreme.
func (a *extremeBytes) Drop(g *Groups, s keyed.Slot) { *g.Word(s, a.off) = 0 }

func (a *extremeBytes) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	c, ok := col.(*vec.Bytes)
	if !ok {
		return // MIN and MAX are not defined on nested types, see resolve.go
	}
	for i, s := range slots {
		if r := rows[i]; !c.Valid.Null(int(r)) {
			a.keep(g, s, c.At(int(r)))
		}
	}
}

func (a *extremeBytes) keep(g *Groups, s keyed.Slot, x []byte) {
	has := g.Word(s, a.off)
	if *has == 0 || bytes.Compare(x, g.Table.Blob(s, a.off+1)) == a.sign {
		*has = 1
		g.Table.SetBlob(s, a.off+1, x)
	}
}

func (a *extremeBytes) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	has, c := word(cols[0]), cols[1].(*vec.Bytes)
	for i, s := range slots {
		if r := rows[i]; has[r] != 0 {
			a.keep(g, s, c.At(int(r)))
		}
	}
}

func (a *extremeBytes) Read(g *Groups, slots []keyed.Slot, out *Out) {
	b := out.builder(a.ret)
	for _, s := range slots {
		if *g.Word(s, a.off) == 0 {
			b.Null()
			continue
		}
		b.Bytes(g.Table.Blob(s, a.off+1))
	}
}
