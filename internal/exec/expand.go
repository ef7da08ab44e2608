package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Expand puts out each row once for every grouping set: its columns, the keys again,
// NULL where the set does not have them, and the set's id. A row's copies stand beside
// each other, before those of the next row, so that in a stream all sets are at the
// same time.
type Expand struct {
	Base
	spec *jobgraph.Expand
	feed feed
	ids  []int64
	keep [][]bool // by key and set
}

// NewExpand returns the operator for a spec.
func NewExpand(spec *jobgraph.Expand) *Expand { return &Expand{spec: spec} }

// Open implements Operator.
func (e *Expand) Open(*Context) error {
	e.keep = make([][]bool, len(e.spec.Keys))
	for k := range e.keep {
		e.keep[k] = make([]bool, len(e.spec.Sets))
	}
	for i, s := range e.spec.Sets {
		e.ids = append(e.ids, s.ID)
		for _, k := range s.Keys {
			e.keep[k][i] = true
		}
	}
	return nil
}

// Process implements Operator.
func (e *Expand) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if b.Len() == 0 {
		if last, marked := lastMark(b); marked {
			e.feed.watermark(last)
		}
		return e.feed.drain(out)
	}
	at, mark := 0, 0 // the next row, the next mark
	e.feed.batches(func() (*vec.Batch, error) {
		if at == b.Len() {
			return nil, nil
		}
		upto := min(b.Len(), at+max(1, vec.BatchRowsMax/len(e.ids)))
		part := e.expand(b, at, upto)
		for n := at; mark < len(b.Marks); mark++ {
			m := b.Marks[mark]
			for n < b.Len() && b.Row(n) < int(m.Row) {
				n++
			}
			if n > upto || n == upto && upto < b.Len() {
				break
			}
			part.Marks = append(part.Marks, vec.Mark{Row: int32((n - at) * len(e.ids)), Time: m.Time})
		}
		at = upto
		return part, nil
	})
	return e.feed.drain(out)
}

// Resume implements Operator.
func (e *Expand) Resume(out Output) (bool, error) { return e.feed.drain(out) }

// Watermark implements Operator.
func (e *Expand) Watermark(t int64, out Output) (bool, error) {
	e.feed.watermark(t)
	return e.feed.drain(out)
}

// expand puts out the rows from one ordinal to another.
func (e *Expand) expand(b *vec.Batch, from, to int) *vec.Batch {
	sets := len(e.ids)
	n := (to - from) * sets
	rows := make([]int32, 0, n)
	for i := from; i < to; i++ {
		for range sets {
			rows = append(rows, int32(b.Row(i)))
		}
	}
	out := &vec.Batch{Rows: n, Cols: takeAll(b.Cols, rows)}
	kept := make([]int32, n)
	for k, col := range e.spec.Keys {
		for i, r := range rows {
			if kept[i] = absent; e.keep[k][i%sets] {
				kept[i] = r
			}
		}
		out.Cols = append(out.Cols, takeOrNull(b.Cols[col:col+1], []types.Type{e.spec.Types[col]}, kept)[0])
	}
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = e.ids[i%sets]
	}
	out.Cols = append(out.Cols, &vec.Fixed[int64]{Vals: ids})
	if b.Kinds != nil {
		out.Kinds = make([]vec.RowKind, n)
		for i, r := range rows {
			out.Kinds[i] = b.Kinds[r]
		}
	}
	return out
}
