package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

const (
	gatherRows  = 1024 // a batch of as many rows is large enough
	gatherCalls = 64   // parts of windows that are looked at for a batch
)

// gathered puts the results of windows that are complete at the same time into one
// batch, where they have few rows each. A watermark that passes thousands of small
// windows, as that at the end of a batch, or windows that slide by a minute, else makes
// a batch of some rows for each of them, which costs all operators behind this one as
// much as a large one does.
func (w *WindowAgg) gathered(next func() (*vec.Batch, error)) func() (*vec.Batch, error) {
	if w.spec.Phase == jobgraph.Local || w.spec.Late {
		return next
	}
	types := pickTypes(w.spec.InputTypes, w.spec.Keys)
	for _, a := range w.spec.Aggs {
		types = append(types, a.Ret)
	}
	for range w.spec.Props {
		types = append(types, propType)
	}
	var held *gathering // rows of some windows
	var behind *vec.Batch
	ended := false
	return func() (*vec.Batch, error) {
		if b := behind; b != nil {
			behind = nil
			return b, nil
		}
		for range gatherCalls {
			if ended {
				break
			}
			b, err := next()
			switch {
			case err != nil:
				return nil, err
			case b == nil:
				ended = true
			case b.Rows == 0:
			case held == nil && b.Rows >= gatherRows:
				return b, nil
			case held == nil:
				held = &gathering{first: b, types: types}
			case held.rows()+b.Rows > vec.BatchRowsMax:
				behind = b
			default:
				held.add(b)
			}
			if held != nil && (behind != nil || held.rows() >= gatherRows) {
				break
			}
		}
		if held != nil {
			out := held.batch()
			held = nil
			return out, nil
		}
		if ended {
			return nil, nil
		}
		return &vec.Batch{}, nil
	}
}

var propType = types.TimestampOf(3)

// A gathering is one batch, or the rows of several.
type gathering struct {
	types []types.Type
	first *vec.Batch
	build []*vec.Builder // nil: there is only the first
	n     int
}

func (g *gathering) rows() int { return max(g.n, g.first.Rows) }

func (g *gathering) add(b *vec.Batch) {
	if g.build == nil {
		for _, t := range g.types {
			b := vec.NewBuilder(t)
			b.Reserve(gatherRows + g.first.Rows)
			g.build = append(g.build, b)
		}
		g.copy(g.first)
	}
	g.copy(b)
}

func (g *gathering) copy(b *vec.Batch) {
	g.n += b.Rows
	for c, v := range b.Cols {
		g.build[c].FromAll(v, b.Rows)
	}
}

func (g *gathering) batch() *vec.Batch {
	if g.build == nil {
		return g.first
	}
	out := &vec.Batch{Rows: g.n}
	for _, b := range g.build {
		out.Cols = append(out.Cols, b.Finish())
	}
	return out
}
