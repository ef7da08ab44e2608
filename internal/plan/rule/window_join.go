package rule

import (
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// windowJoin finds joins of rows of the same window: both inputs have windows cut
// alike, and the condition asks for equal starts and equal ends.
func windowJoin(j *logical.Join) *logical.Join {
	if j.Window != nil || j.Interval != nil {
		return j
	}
	l, r := WindowOf(j.Left), WindowOf(j.Right)
	if !l.complete() || !r.complete() || !l.same(r) {
		return j
	}
	e := j.Equi()
	start, end := false, false
	for i := range e.Left {
		start = start || e.Left[i] == l.Start && e.Right[i] == r.Start
		end = end || e.Left[i] == l.End && e.Right[i] == r.End
	}
	if !start || !end {
		return j
	}
	out := *j
	out.Window = &logical.WindowPair{LeftStart: l.Start, LeftEnd: l.End, RightStart: r.Start, RightEnd: r.End, Granule: max(l.Window.Granule, 1), Zone: l.Window.Zone}
	return &out
}
