package agg

import (
	"math"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// variance is VAR_POP, VAR_SAMP and their square roots, in doubles: words n, mean,
// m2, by Welford's update (Knuth, TAOCP 2, 4.2.2) and Chan's merge. When values
// are also taken out they are n, sum, sum of squares, which adds up whatever
// comes first, but loses digits where the mean is much greater than the spread.
type variance struct {
	inline
	arg    types.Type
	sample bool
	root   bool
	sums   bool
}

func newVariance(sample, root bool) func(jobgraph.AggCall, bool) (Agg, error) {
	return func(call jobgraph.AggCall, retracts bool) (Agg, error) {
		return &variance{inline: inline{n: 3, ret: call.Ret}, arg: call.ArgTypes[0], sample: sample, root: root, sums: retracts}, nil
	}
}

func (a *variance) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	if a.sums {
		a.step(g, slots, rows, col, func(p []uint64, x float64) { addSquares(p, 1, x, x*x) })
		return
	}
	a.step(g, slots, rows, col, welfordAdd)
}

func (a *variance) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	if !a.sums {
		panic("agg: a function that was not made for retractions is given one")
	}
	a.step(g, slots, rows, col, func(p []uint64, x float64) { addSquares(p, ^uint64(0), -x, -x*x) })
}

func (a *variance) step(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector, f func([]uint64, float64)) {
	v := g.view(a.off)
	valid := vec.Validity(col)
	x := floats(col, a.arg)
	for i, s := range slots {
		if r := int(rows[i]); !valid.Null(r) {
			f(v.at(s), x(r))
		}
	}
}

// floats returns the values of a numeric column as doubles.
func floats(col vec.Vector, t types.Type) func(int) float64 {
	scale := 1.0
	if t.Kind == types.Decimal {
		scale = types.Pow10(t.Scale).Float()
	}
	switch c := col.(type) {
	case *vec.Fixed[float64]:
		return func(i int) float64 { return c.Vals[i] }
	case *vec.Fixed[float32]:
		return func(i int) float64 { return float64(c.Vals[i]) }
	case *vec.Fixed[int64]:
		return func(i int) float64 { return float64(c.Vals[i]) / scale }
	case *vec.Fixed[int32]:
		return func(i int) float64 { return float64(c.Vals[i]) }
	case *vec.Fixed[int16]:
		return func(i int) float64 { return float64(c.Vals[i]) }
	case *vec.Fixed[int8]:
		return func(i int) float64 { return float64(c.Vals[i]) }
	case *vec.Fixed[types.Int128]:
		return func(i int) float64 { return c.Vals[i].Float() / scale }
	}
	panic("agg: no number")
}

func welfordAdd(p []uint64, x float64) {
	p[0]++
	mean := math.Float64frombits(p[1])
	d := x - mean
	mean += d / float64(int64(p[0]))
	p[1] = math.Float64bits(mean)
	p[2] = math.Float64bits(math.Float64frombits(p[2]) + d*(x-mean))
}

func addSquares(p []uint64, n uint64, x, x2 float64) {
	p[0] += n
	p[1] = math.Float64bits(math.Float64frombits(p[1]) + x)
	p[2] = math.Float64bits(math.Float64frombits(p[2]) + x2)
}

func (a *variance) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	n, mean, m2 := word(cols[0]), word(cols[1]), word(cols[2])
	for i, s := range slots {
		r := rows[i]
		p := v.at(s)
		if a.sums {
			addSquares(p, uint64(n[r]), math.Float64frombits(uint64(mean[r])), math.Float64frombits(uint64(m2[r])))
			continue
		}
		if n[r] == 0 {
			continue
		}
		na, nb := float64(int64(p[0])), float64(n[r])
		ma, mb := math.Float64frombits(p[1]), math.Float64frombits(uint64(mean[r]))
		d := mb - ma
		p[0] += uint64(n[r])
		p[1] = math.Float64bits(ma + d*nb/(na+nb))
		p[2] = math.Float64bits(math.Float64frombits(p[2]) + math.Float64frombits(uint64(m2[r])) + d*d*na*nb/(na+nb))
	}
}

func (a *variance) Finish(out *Out) vec.Vector {
	w := a.take(out)
	n, m2 := w[0], w[2]
	lo, hi := make([]uint64, len(n)), make([]uint64, len(n))
	has := make([]uint64, len(n))
	for i, c := range n {
		spread := math.Float64frombits(m2[i])
		if sum := math.Float64frombits(w[1][i]); a.sums && int64(c) > 0 {
			spread -= sum * sum / float64(int64(c))
		}
		if a.sample {
			c--
		}
		if int64(c) <= 0 {
			continue
		}
		x := max(spread, 0) / float64(int64(c))
		if a.root {
			x = math.Sqrt(x)
		}
		lo[i], hi[i], has[i] = a.number(x)
	}
	return column(a.ret, lo, hi, validWhere(has))
}

// number brings a double into the words of the result's type: decimals are
// rounded half up, integers cut.
func (a *variance) number(x float64) (lo, hi, ok uint64) {
	switch {
	case a.ret.Approx():
		return math.Float64bits(x), 0, 1
	case a.ret.Kind == types.Decimal:
		d, fits := types.Int128FromFloat(math.Round(x * types.Pow10(a.ret.Scale).Float()))
		if !fits {
			return 0, 0, 0
		}
		return d.Lo, uint64(d.Hi), 1
	}
	return uint64(int64(x*(1+1e-12) + 1e-9)), 0, 1 // what is whole but for rounding stays whole
}
