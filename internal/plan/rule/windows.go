package rule

import (
	"strconv"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// Windowed says that the rows of a relation belong to windows, and where their
// bounds are; a column that is not there (any more) is -1. Flink calls it the
// window properties.
type Windowed struct {
	Window           jobgraph.Window // the shape; Time and Session mean nothing
	Start, End, Time int
}

// complete reports whether both bounds are there.
func (w *Windowed) complete() bool { return w != nil && w.Start >= 0 && w.End >= 0 }

// same reports whether two windows are cut alike.
func (w *Windowed) same(v *Windowed) bool {
	a, b := w.Window, v.Window
	return a.WKind == b.WKind && a.Size == b.Size && a.Slide == b.Slide && a.Offset == b.Offset &&
		a.Months == b.Months && a.OffsetMonths == b.OffsetMonths && a.Step == b.Step && a.Proctime == b.Proctime && a.Zone == b.Zone
}

// WindowOf finds the windows that a relation's rows belong to, or nil.
func WindowOf(n logical.Node) *Windowed {
	switch n := n.(type) {
	case *logical.WindowTVF:
		k := len(n.Input.Schema())
		return &Windowed{Window: spec(n.Window, n.Input.Schema()), Start: k, End: k + 1, Time: k + 2}
	case *logical.Filter, *logical.Sort, *logical.Over, *logical.Rank, *logical.Correlate:
		return WindowOf(n.Inputs()[0])
	case *logical.Project:
		return WindowOf(n.Input).through(n.Exprs)
	case *logical.Aggregate:
		return windowOfAggregate(n)
	case *logical.Join:
		if n.Window == nil {
			return nil
		}
		left, right := WindowOf(n.Left), WindowOf(n.Right)
		if n.JoinKind == jobgraph.Right && right != nil {
			return right.shift(len(n.Left.Schema()))
		}
		if n.JoinKind == jobgraph.Full {
			return nil
		}
		return left
	}
	return nil
}

// spec is a window's shape with what its rowtime says of it.
func spec(w jobgraph.Window, in types.Schema) jobgraph.Window {
	if w.Time >= 0 && w.Granule == 0 {
		w.Granule = Granule(in[w.Time].Type)
	}
	return w
}

// Granule is the unit of a rowtime in microseconds.
func Granule(t types.Type) int64 {
	if t.Prec <= 3 {
		return 1000
	}
	return 1
}

func windowOfAggregate(n *logical.Aggregate) *Windowed {
	if n.Window == nil {
		w := WindowOf(n.Input)
		if w == nil {
			return nil
		}
		out := &Windowed{Window: w.Window, Start: -1, End: -1, Time: -1}
		for i, k := range n.Keys {
			switch k {
			case w.Start:
				out.Start = i
			case w.End:
				out.End = i
			case w.Time:
				out.Time = i
			}
		}
		return out
	}
	if n.Emit != nil { // results of a window come again behind its end
		return nil
	}
	out := &Windowed{Window: *n.Window, Start: -1, End: -1, Time: -1}
	at := len(n.Out) - len(n.Props)
	if n.Sets != nil {
		at--
	}
	for i, p := range n.Props {
		switch p {
		case jobgraph.WindowStart:
			out.Start = at + i
		case jobgraph.WindowEnd:
			out.End = at + i
		case jobgraph.WindowTime:
			out.Time = at + i
		}
	}
	if n.Window.Time < 0 { // attached: the shape is further down
		if w := WindowOf(n.Input); w != nil {
			out.Window = w.Window
		}
	}
	return out
}

// through follows the columns of a window through a projection.
func (w *Windowed) through(exprs []*expr.Expr) *Windowed {
	if w == nil {
		return nil
	}
	out := &Windowed{Window: w.Window, Start: -1, End: -1, Time: -1}
	for i, e := range exprs {
		if e.Op != expr.Col {
			continue
		}
		switch e.Index {
		case w.Start:
			out.Start = i
		case w.End:
			out.End = i
		case w.Time:
			out.Time = i
		}
	}
	return out
}

func (w *Windowed) shift(by int) *Windowed {
	out := *w
	for _, c := range []*int{&out.Start, &out.End, &out.Time} {
		if *c >= 0 {
			*c += by
		}
	}
	return &out
}

func itoa(i int) string { return strconv.Itoa(i) }
