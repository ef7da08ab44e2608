package bind

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/print"
	"github.com/millrace-io/millrace/types"
)

// A length is an interval of a window as it was written: months of the calendar, or
// microseconds.
type length struct {
	months, us int64
	weeks      bool   // written in weeks
	text       string // as it was written
}

func (l length) String() string { return l.text }

// length reads an interval of a window.
func (x *exprBinder) length(e ast.Expr, name string, positive bool) (*expr.Expr, length, error) {
	l := length{text: print.Expr(e)}
	v, err := x.constant(e, "the interval of "+name)
	if err != nil {
		return nil, l, err
	}
	n, ok := v.Value.(int64)
	switch {
	case ok && v.Type.Kind == types.IntervalMonth:
		l.months = n
	case ok && v.Type.Kind == types.IntervalSecond:
		l.us = n * 1000
		iv, written := e.(*ast.Interval)
		l.weeks = written && iv.Range.From == ast.Week
	default:
		return nil, l, errAt(e, "%s takes an interval here, as INTERVAL '10' SECOND, not %s", name, v.Type.Name())
	}
	if positive && n <= 0 {
		return nil, l, errAt(e, "%s takes an interval greater than zero here", name)
	}
	return v, l, nil
}

// monday is the first Monday, 5 January 1970: windows of weeks are counted from it.
const monday = 4 * 86_400 * 1_000_000

// setLengths puts the intervals into a window, those that were not given being zero.
func setLengths(w *jobgraph.Window, at ast.Node, size, slide, offset length) error {
	w.Size, w.Slide, w.Offset = size.us, slide.us, offset.us
	if size.weeks && (w.WKind == jobgraph.Tumble || w.WKind == jobgraph.Cumulate) || slide.weeks && w.WKind == jobgraph.Hop {
		w.Offset += monday
	}
	switch {
	case w.WKind == jobgraph.Session && size.months > 0:
		return errAt(at, "SESSION takes a gap of days or smaller units: months and years differ in length")
	case w.WKind == jobgraph.Hop && (size.months > 0) != (slide.months > 0):
		return errAt(at, "HOP needs a slide and a size that are both in months or both in smaller units, not %s and %s", slide, size)
	case w.WKind == jobgraph.Cumulate && size.months == 0 && slide.months > 0:
		return errAt(at, "CUMULATE needs a step that is smaller than its maximum size, but %s is not within %s", slide, size)
	case w.WKind == jobgraph.Cumulate && (size.months > 0) == (slide.months > 0) && (size.us+size.months)%(slide.us+slide.months) != 0:
		return errAt(at, "CUMULATE needs a maximum size that is a multiple of the step, but %s is none of %s", size, slide)
	case size.months == 0 && offset.months != 0:
		return errAt(at, "%s of days or smaller units takes an offset in such units, not in months", w.WKind)
	case size.months > 0:
		w.Months, w.Size, w.Slide, w.OffsetMonths = true, size.months, slide.months, offset.months
		w.Step = slide.us
	}
	return nil
}
