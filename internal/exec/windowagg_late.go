package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// lateRows makes the rows of a window aggregation whose spec has Late: results with
// NULLs behind them, and late rows behind NULLs.
type lateRows struct {
	spec  *jobgraph.WindowAgg
	types []types.Type // of the input's columns that late rows have
	rows  []int32      // late rows of the batch at hand
	start []int64
	end   []int64
}

func newLateRows(spec *jobgraph.WindowAgg) *lateRows {
	if !spec.Late {
		return nil
	}
	l := &lateRows{spec: spec}
	for _, c := range spec.LateIn {
		l.types = append(l.types, spec.InputTypes[c])
	}
	return l
}

// add takes a row of the batch at hand that is late for a window.
func (l *lateRows) add(row int32, start, end int64) {
	if l != nil {
		l.rows, l.start, l.end = append(l.rows, row), append(l.start, start), append(l.end, end)
	}
}

// take returns the late rows of a batch, and forgets them; nil if there are none.
func (l *lateRows) take(b *vec.Batch) *vec.Batch {
	if l == nil || len(l.rows) == 0 {
		return nil
	}
	n := len(l.rows)
	out := &vec.Batch{Rows: n}
	for _, t := range l.spec.LateOut {
		out.Cols = append(out.Cols, vec.Nulls(t, n))
	}
	out.Cols = append(out.Cols, flag(true, n))
	for _, c := range l.spec.LateIn {
		out.Cols = append(out.Cols, vec.Take(vec.Flat(b.Cols[c]), l.rows))
	}
	out.Cols = append(out.Cols, &vec.Fixed[int64]{Vals: l.start}, &vec.Fixed[int64]{Vals: l.end})
	l.rows, l.start, l.end = nil, nil, nil
	return out
}

// results appends the columns of late rows to a batch of results.
func (l *lateRows) results(b *vec.Batch) *vec.Batch {
	if l == nil || b == nil {
		return b
	}
	b.Cols = append(b.Cols, flag(false, b.Rows))
	for _, t := range l.types {
		b.Cols = append(b.Cols, vec.Nulls(t, b.Rows))
	}
	for range 2 {
		b.Cols = append(b.Cols, vec.Nulls(types.TimestampOf(3), b.Rows))
	}
	return b
}

// flag is a BOOLEAN column of one value.
func flag(v bool, n int) vec.Vector {
	return &vec.Const{Val: &vec.Fixed[bool]{Vals: []bool{v}}, N: n}
}
