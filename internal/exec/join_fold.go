package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// foldPairsMin is how many rows of the other side the changes of a batch must meet
// for the batch to be folded. With fewer all versions are told, as Flink does.
const foldPairsMin = vec.BatchRowsMax

// one reports whether an input has one row at most.
func (j *Join) one(in int) bool {
	if in == 0 {
		return j.spec.LeftOne
	}
	return j.spec.RightOne
}

// manyPairs reports whether the batch at hand meets many rows of the other side.
// Every version of the one row of a global aggregate is compared with them all, which
// is the square of the rows that come.
func (j *Join) manyPairs() bool {
	n := 0
	for _, s := range j.match.slots {
		if s == keyed.None {
			continue
		}
		if n += j.sides[1-j.in].rows.Count(s); n >= foldPairsMin {
			return true
		}
	}
	return false
}

// foldOne returns what the changes of a table of one row come to: that row as it was
// before the batch, and as it is behind it.
func foldOne(b *vec.Batch) *vec.Batch {
	n := b.Len()
	if n <= 2 {
		return b
	}
	first, last := b.Row(0), b.Row(n-1)
	was, is := !b.Kind(first).Adds(), b.Kind(last).Adds()
	out := &vec.Batch{Cols: b.Cols, Rows: b.Rows, Kinds: make([]vec.RowKind, b.Rows), Sel: []int32{}}
	if was {
		out.Sel = append(out.Sel, int32(first))
		out.Kinds[first] = vec.Delete
	}
	if is {
		out.Sel = append(out.Sel, int32(last))
		out.Kinds[last] = vec.Insert
	}
	if was && is {
		out.Kinds[first], out.Kinds[last] = vec.UpdateBefore, vec.UpdateAfter
	}
	return out
}
