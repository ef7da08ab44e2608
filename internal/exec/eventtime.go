package exec

import (
	"encoding/binary"
	"math"

	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/vec"
)

// segments calls f for each run of rows between two marks of a batch, with the
// mark that ends it; nil after the last rows. Rows share the batch's columns.
func segments(b *vec.Batch, f func(part *vec.Batch, mark *vec.Mark)) {
	if len(b.Marks) == 0 {
		f(b, nil)
		return
	}
	part := func(sel []int32) *vec.Batch {
		return &vec.Batch{Cols: b.Cols, Rows: b.Rows, Kinds: b.Kinds, Sel: sel}
	}
	sel := b.Sel
	if sel == nil {
		sel = make([]int32, b.Rows)
		for i := range sel {
			sel[i] = int32(i)
		}
	}
	for i := range b.Marks {
		k := 0
		for k < len(sel) && sel[k] < b.Marks[i].Row {
			k++
		}
		f(part(sel[:k:k]), &b.Marks[i])
		sel = sel[k:]
	}
	if len(sel) > 0 {
		f(part(sel), nil)
	}
}

// floorDiv is a/b rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// satAdd is a+b, kept within int64.
func satAdd(a, b int64) int64 {
	switch s := a + b; {
	case a > 0 && b > 0 && s < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && s >= 0:
		return math.MinInt64
	default:
		return s
	}
}

// saveTime and restoredTime keep an event time with a subtask's state. After a
// change of parallelism the lowest of the former subtasks' counts.
func saveTime(s state.Store, name string, t int64) {
	s.SetValue(name, binary.BigEndian.AppendUint64(nil, uint64(t)))
}

func restoredTime(s state.Store, name string) int64 {
	t, any := int64(math.MaxInt64), false
	for _, v := range s.Values(name) {
		if len(v) == 8 {
			t, any = min(t, int64(binary.BigEndian.Uint64(v))), true
		}
	}
	if !any {
		return math.MinInt64
	}
	return t
}
