package cli

import (
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A settler takes out of a batch the rows that join and leave within it: writing
// them as text, only to forget them, is most of the cost of showing what a long
// changelog ends up with.
type settler struct {
	types []types.Type
	bytes []byte
	open  map[string][]int32 // by row: ordinals of those that have joined and not left
}

func newSettler(schema types.Schema) *settler {
	return &settler{types: schema.Types(), open: map[string][]int32{}}
}

// settle returns a batch with the same end, which shares the columns of b.
func (s *settler) settle(b *vec.Batch) *vec.Batch {
	if b.Kinds == nil || b.Len() < 2 {
		return b
	}
	clear(s.open)
	gone := make([]bool, b.Len())
	n := 0
	for i := range b.Len() {
		row := b.Row(i)
		s.bytes = keyenc.AppendRow(s.bytes[:0], s.types, b.Cols, row)
		list := s.open[string(s.bytes)]
		switch {
		case b.Kind(row).Adds():
			s.open[string(s.bytes)] = append(list, int32(i))
		case len(list) > 0:
			last := len(list) - 1
			gone[list[last]], gone[i] = true, true
			s.open[string(s.bytes)] = list[:last]
			n += 2
		}
	}
	if n == 0 {
		return b
	}
	out := &vec.Batch{Cols: b.Cols, Rows: b.Rows, Kinds: b.Kinds, Sel: make([]int32, 0, b.Len()-n)}
	for i, g := range gone {
		if !g {
			out.Sel = append(out.Sel, int32(b.Row(i)))
		}
	}
	return out
}
