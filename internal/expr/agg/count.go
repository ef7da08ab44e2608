package agg

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// count is COUNT(*) and COUNT(x).
type count struct{ inline }

func newCount(call jobgraph.AggCall, _ bool) (Agg, error) {
	return &count{inline{n: 1, ret: types.TBigInt}}, nil
}

// Add and Retract count the rows that are not NULL; without a column, all.
func (a *count) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.step(g, slots, rows, col, 1)
}

func (a *count) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	a.step(g, slots, rows, col, ^uint64(0))
}

func (a *count) step(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector, n uint64) {
	v := g.view(a.off)
	if col != nil {
		if valid := vec.Validity(col); valid != nil {
			addCountValid(&v, slots, rows, valid, n)
			return
		}
	}
	addCount(&v, slots, n)
}

func addCount(v *view, slots []keyed.Slot, n uint64) {
	slab, shift, mask, stride, off := v.slab, v.shift, v.mask, v.stride, v.off
	for _, s := range slots {
		slab[int(s)>>shift][(int(s)&mask)*stride+off] += n
	}
}

func addCountValid(v *view, slots []keyed.Slot, rows []int32, valid vec.Bitmap, n uint64) {
	for i, s := range slots {
		if !valid.Null(int(rows[i])) {
			v.at(s)[0] += n
		}
	}
}

func (a *count) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	n := word(cols[0])
	for i, s := range slots {
		v.at(s)[0] += uint64(n[rows[i]])
	}
}

func (a *count) Finish(out *Out) vec.Vector { return column(a.ret, a.take(out)[0], nil, nil) }
