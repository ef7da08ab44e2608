package agg

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// onBlob is the part that accumulators of the words n, blob share.
type onBlob struct {
	off int
	ret types.Type
}

func (a *onBlob) Words() int   { return 2 }
func (a *onBlob) Blobs() []int { return []int{1} }
func (a *onBlob) Bind(off int) { a.off = off }

func (a *onBlob) Partial() []types.Type {
	return []types.Type{types.TBigInt.Nullable(false), types.TBytes.Nullable(false)}
}

func (a *onBlob) Export(g *Groups, slots []keyed.Slot) []vec.Vector {
	v := g.view(a.off)
	n := &vec.Fixed[int64]{Vals: signed(gather(&v, make([]uint64, 0, len(slots)), slots, 0))}
	b := &vec.Bytes{Offs: make([]uint32, 1, len(slots)+1)}
	for i, s := range slots {
		if n.Vals[i] != 0 {
			b.Data = append(b.Data, g.Table.Blob(s, a.off+1)...)
		}
		b.Offs = append(b.Offs, uint32(len(b.Data)))
	}
	return []vec.Vector{n, b}
}

func (a *onBlob) Retract(*Groups, []keyed.Slot, []int32, vec.Vector) {
	panic("agg: a function that was not made for retractions is given one")
}

// Finish returns what Read has built.
func (a *onBlob) Finish(out *Out) vec.Vector { return out.builder(a.ret).Finish() }

func (o *Out) builder(t types.Type) *vec.Builder {
	if o.b == nil {
		o.b = vec.NewBuilder(t)
	}
	return o.b
}
