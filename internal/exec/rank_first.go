package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// first handles a row of a top-1 over rows that only come or improve: Flink's
// FastTop1Function. The one row of a partition is the last in its list; those
// before it are of this batch and will be forgotten with it.
func (r *Rank) first(i int) {
	x, s := r.rows, r.batch.slots[i]
	m := x.m
	prev := m.Last(s)
	if prev != 0 {
		c := x.compare(&r.batch, i, firstWord(m.Extra(prev)), prev)
		if c >= 0 {
			// A new version of the very row counts, though it is not before it.
			if r.spec.Input != jobgraph.RankUpdateFast || !x.equal(&r.batch, i, prev, x.tag) {
				return
			}
		}
	}
	if !r.batch.b.Kind(int(r.batch.rows[i])).Adds() {
		return
	}
	e := x.keep(&r.batch, i)
	if prev != 0 {
		r.changes.drop(prev)
	}
	if r.spec.Emit == jobgraph.AtEnd {
		return
	}
	if prev == 0 {
		r.changes.add(vec.Insert, e.ref, 1)
		return
	}
	r.update(prev, e.ref, 1)
}
