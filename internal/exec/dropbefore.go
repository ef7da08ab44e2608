package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// DropBefore removes -U rows, for receivers that know rows by a key.
type DropBefore struct {
	Base
	ident idents
}

// NewDropBefore returns the operator.
func NewDropBefore(*jobgraph.DropBefore) Operator { return &DropBefore{} }

// Process implements Operator.
func (d *DropBefore) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if b.Kinds == nil {
		return false, out.Emit(b)
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
