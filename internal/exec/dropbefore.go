package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// DropBefore removes -U rows, for receivers that know rows by a key, or makes
// deletions of them.
type DropBefore struct {
	Base
	spec  *jobgraph.DropBefore
	ident idents
}

// NewDropBefore returns the operator.
func NewDropBefore(spec *jobgraph.DropBefore) Operator { return &DropBefore{spec: spec} }

// Process implements Operator.
func (d *DropBefore) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if b.Kinds == nil {
		return false, out.Emit(b)
	}
	if d.spec.Delete {
		res := *b
		res.Kinds = slices.Clone(b.Kinds)
		for i, k := range res.Kinds {
			if k == vec.UpdateBefore {
				res.Kinds[i] = vec.Delete
			}
		}
		return false, out.Emit(&res)
	}
	rows := d.ident.positions(b)
	sel := make([]int32, 0, len(rows))
	for _, r := range rows {
		if b.Kinds[r] != vec.UpdateBefore {
			sel = append(sel, r)
		}
	}
	res := *b
	if len(sel) < len(rows) {
		res.Sel = sel
	}
	if len(sel) > 0 {
		return false, out.Emit(&res)
	}
	if m, ok := lastMark(b); ok {
		return false, out.Watermark(m)
	}
	return false, nil
}
