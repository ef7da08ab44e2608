package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// windowAggregate makes an aggregate by window of one whose keys hold the bounds
// of its input's windows. If the window function stands right below, it becomes
// part of the aggregate, which then never makes a row for each window; else the
// aggregate takes the windows that are attached to the rows.
func windowAggregate(_ *context, a *logical.Aggregate) logical.Node {
	if a.Window != nil {
		return a
	}
	w := WindowOf(a.Input)
	if !w.complete() || !slices.Contains(a.Keys, w.Start) || !slices.Contains(a.Keys, w.End) {
		return a
	}
	var keys, windowKeys []int // positions in a.Keys
	var props []jobgraph.WindowProp
	for i, k := range a.Keys {
		switch k {
		case w.Start, w.End, w.Time:
			windowKeys = append(windowKeys, i)
			props = append(props, propOf(w, k))
		default:
			keys = append(keys, i)
		}
	}
	sets, ok := windowSets(a, keys, windowKeys)
	if !ok {
		return a
	}
	out := *a
	out.Sets = sets
	out.Props = props
	out.Keys = pick(a.Keys, keys)
	if in, time, session, ok := fuseWindow(a, w, out.Keys); ok {
		win := w.Window
		win.Time, win.Session = time, session
		out.Input, out.Window = in, &win
	} else {
		win := w.Window
		win.Time, win.Start, win.End, win.Session = -1, w.Start, w.End, nil
		out.Window = &win
	}
	return orderColumns(a, &out, keys, windowKeys)
}

func propOf(w *Windowed, col int) jobgraph.WindowProp {
	switch col {
	case w.Start:
		return jobgraph.WindowStart
	case w.End:
		return jobgraph.WindowEnd
	}
	return jobgraph.WindowTime
}

// windowSets renumbers grouping sets to the keys without the window; every set
// has to hold the window.
func windowSets(a *logical.Aggregate, keys, windowKeys []int) ([][]int, bool) {
	if a.Sets == nil {
		return nil, true
	}
	var sets [][]int
	for _, set := range a.Sets {
		var out []int
		for _, k := range windowKeys {
			if !slices.Contains(set, k) {
				return nil, false
			}
		}
		for i, k := range keys {
			if slices.Contains(set, k) {
				out = append(out, i)
			}
		}
		sets = append(sets, out)
	}
	return sets, true
}

// fuseWindow takes the window function out from below an aggregate: the new
// input, its rowtime and the session's keys. Projections in between must not read
// the window's columns but for the keys.
func fuseWindow(a *logical.Aggregate, w *Windowed, keys []int) (in logical.Node, time int, session []int, ok bool) {
	needed := slices.Clone(keys)
	for _, call := range a.Aggs {
		needed = append(needed, call.Args...)
		if call.Filter >= 0 {
			needed = append(needed, call.Filter)
		}
		for _, o := range call.Order {
			needed = append(needed, o.Col)
		}
	}
	if a.Late != nil {
		needed = append(needed, a.Late.Cols...)
	}
	for _, c := range needed {
		if c == w.Start || c == w.End || c == w.Time {
			return nil, 0, nil, false
		}
	}
	tvf, direct := a.Input.(*logical.WindowTVF)
	if direct {
		if !sessionKeys(tvf.Window, keys) {
			return nil, 0, nil, false
		}
		return tvf.Input, tvf.Window.Time, tvf.Window.Session, true
	}
	p, ok := a.Input.(*logical.Project)
	if !ok {
		return nil, 0, nil, false
	}
	if tvf, ok = p.Input.(*logical.WindowTVF); !ok {
		return nil, 0, nil, false
	}
	width := len(tvf.Input.Schema())
	// The projection keeps its columns' places: the window's become NULL constants
	// that pruning takes away.
	exprs := slices.Clone(p.Exprs)
	out := slices.Clone(p.Out)
	for i, e := range exprs {
		if within(e, 0, width) {
			continue
		}
		if slices.Contains(needed, i) {
			return nil, 0, nil, false
		}
		exprs[i] = expr.NullOf(e.Type.Plain())
		out[i].Type = exprs[i].Type
	}
	find := func(col int) int {
		for i, e := range exprs {
			if e.Op == expr.Col && e.Index == col {
				return i
			}
		}
		exprs = append(exprs, expr.Column(col, tvf.Input.Schema()[col].Type))
		out = append(out, tvf.Input.Schema()[col])
		return len(exprs) - 1
	}
	time = find(tvf.Window.Time)
	for _, s := range tvf.Window.Session {
		session = append(session, find(s))
	}
	win := tvf.Window
	win.Session = session
	if !sessionKeys(win, keys) {
		return nil, 0, nil, false
	}
	return &logical.Project{Input: tvf.Input, Exprs: exprs, Out: out}, time, session, true
}

// sessionKeys reports whether an aggregate groups by the very columns that
// sessions are cut by.
func sessionKeys(w jobgraph.Window, keys []int) bool {
	if w.WKind != jobgraph.Session {
		return true
	}
	if len(w.Session) != len(keys) {
		return false
	}
	for _, s := range w.Session {
		if !slices.Contains(keys, s) {
			return false
		}
	}
	return true
}

// orderColumns sets the columns of a window aggregate (keys, calls, properties,
// grouping id) and puts them back in the order of the plain one.
func orderColumns(a, w *logical.Aggregate, keys, windowKeys []int) logical.Node {
	at := make([]int, len(a.Out))
	var out types.Schema
	put := func(i int) {
		at[i] = len(out)
		out = append(out, a.Out[i])
	}
	for _, k := range keys {
		put(k)
	}
	for i := range a.Aggs {
		put(len(a.Keys) + i)
	}
	for _, k := range windowKeys {
		put(k)
	}
	if a.Sets != nil {
		put(len(a.Out) - 1)
	}
	for i, p := range w.Props {
		f := &out[len(keys)+len(a.Aggs)+i]
		f.Type = f.Type.Nullable(false)
		f.Type.Rowtime = p == jobgraph.WindowTime && !w.Window.Proctime
	}
	w.Out = out
	exprs := make([]*expr.Expr, len(at))
	schema := slices.Clone(a.Out)
	for i, from := range at {
		exprs[i] = expr.Column(from, out[from].Type)
		schema[i].Type = out[from].Type
	}
	return &logical.Project{Input: w, Exprs: exprs, Out: schema}
}

func pick(list, positions []int) []int {
	out := make([]int, len(positions))
	for i, p := range positions {
		out[i] = list[p]
	}
	return out
}
