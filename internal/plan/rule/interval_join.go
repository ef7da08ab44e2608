package rule

import (
	"math"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// intervalJoin finds joins whose condition bounds the distance of both sides'
// rowtimes from above and from below: their state can be dropped by time. A batch
// joins them like any others.
func intervalJoin(c *context, j *logical.Join) *logical.Join {
	if c.Batch && !c.Verify || j.Window != nil || j.Interval != nil || j.Cond == nil {
		return j
	}
	if j.JoinKind == jobgraph.Semi || j.JoinKind == jobgraph.Anti {
		return j
	}
	i, _, ok := Bounds(j)
	if !ok {
		return j
	}
	out := *j
	out.Interval = &i
	return &out
}

// Bounds reads the time bounds of a join's condition, and returns what else the
// condition asks besides the keys (nil is TRUE).
func Bounds(j *logical.Join) (logical.Interval, *expr.Expr, bool) {
	nl := len(j.Left.Schema())
	i := logical.Interval{LeftTime: -1, RightTime: -1, Lower: math.MinInt64, Upper: math.MaxInt64}
	var rest []*expr.Expr
	for _, e := range expr.Conjuncts(j.Equi().Rest) {
		if !addBound(&i, e, nl, j) {
			rest = append(rest, e)
		}
	}
	// An equality of the rowtimes is a key as well as a bound.
	eq := j.Equi()
	for k, l := range eq.Left {
		if lt, rt := j.Left.Schema()[l].Type, j.Right.Schema()[eq.Right[k]].Type; lt.Rowtime && rt.Rowtime && (i.LeftTime < 0 || i.LeftTime == l && i.RightTime == eq.Right[k]) {
			i.LeftTime, i.RightTime = l, eq.Right[k]
			i.Lower, i.Upper = max(i.Lower, 0), min(i.Upper, 0)
		}
	}
	if i.LeftTime < 0 || i.Lower == math.MinInt64 || i.Upper == math.MaxInt64 {
		return logical.Interval{}, nil, false
	}
	if len(rest) == 0 {
		return i, nil, true
	}
	return i, expr.And(rest), true
}

// addBound reads one comparison of two rowtimes, each with a constant distance
// added: l + a >= r + b says l - r >= b - a.
func addBound(i *logical.Interval, e *expr.Expr, nl int, j *logical.Join) bool {
	if e.Op != expr.Call || len(e.Args) != 2 {
		return false
	}
	op := e.Func
	lc, la, ok1 := linear(e.Args[0])
	rc, ra, ok2 := linear(e.Args[1])
	if !ok1 || !ok2 {
		return false
	}
	if lc >= nl {
		lc, la, rc, ra, op = rc, ra, lc, la, Flip(op)
	}
	if lc >= nl || rc < nl {
		return false
	}
	rc -= nl
	lt, rt := j.Left.Schema()[lc].Type, j.Right.Schema()[rc].Type
	if !lt.Rowtime || !rt.Rowtime || lt.Prec > 6 || rt.Prec > 6 || i.LeftTime >= 0 && (i.LeftTime != lc || i.RightTime != rc) {
		return false
	}
	d := ra - la
	unit := min(Granule(lt), Granule(rt))
	switch op {
	case ">=":
		i.Lower = max(i.Lower, d)
	case ">":
		i.Lower = max(i.Lower, d+unit)
	case "<=":
		i.Upper = min(i.Upper, d)
	case "<":
		i.Upper = min(i.Upper, d-unit)
	case "=":
		i.Lower, i.Upper = max(i.Lower, d), min(i.Upper, d)
	default:
		return false
	}
	i.LeftTime, i.RightTime = lc, rc
	return true
}

// linear reads a column plus or minus constant intervals, in microseconds.
func linear(e *expr.Expr) (col int, offset int64, ok bool) {
	switch {
	case e.Op == expr.Col:
		return e.Index, 0, e.Type.Stamp()
	case e.Op != expr.Call:
		return 0, 0, false
	case (e.Func == "CAST" || e.Func == "REINTERPRET") && e.Type.Stamp() && e.Args[0].Type.Kind == e.Type.Kind && e.Type.Prec >= e.Args[0].Type.Prec:
		return linear(e.Args[0])
	case (e.Func == "+" || e.Func == "-") && len(e.Args) == 2:
		a, b := e.Args[0], e.Args[1]
		if e.Func == "+" && a.Op == expr.Lit {
			a, b = b, a
		}
		ms, whole := b.Value.(int64)
		if b.Op != expr.Lit || !whole || b.Type.Kind != types.IntervalSecond {
			return 0, 0, false
		}
		if e.Func == "-" {
			ms = -ms
		}
		col, offset, ok = linear(a)
		return col, offset + ms*1000, ok
	}
	return 0, 0, false
}
