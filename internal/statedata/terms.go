package statedata

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/types"
)

// A Term is something that an operator's spec says, beyond its keys, on which depends
// what its state means: of another window, order or pattern, the same words and rows
// would say something else.
type Term struct{ What, Is string }

// terms are those of the operator at a place.
func (n names) terms(p place) []Term {
	join := func(k jobgraph.JoinKind) []Term { return []Term{{"its kind", k.String()}} }
	switch s := n.op(p).Spec.(type) {
	case *jobgraph.WindowAgg:
		return []Term{{"its window", n.window(p, s.Window)}}
	case *jobgraph.Join:
		return join(s.JoinKind)
	case *jobgraph.WindowJoin:
		return join(s.JoinKind)
	case *jobgraph.TemporalJoin:
		return join(s.JoinKind)
	case *jobgraph.LookupJoin:
		return join(s.JoinKind)
	case *jobgraph.CurrentJoin:
		return join(s.JoinKind)
	case *jobgraph.IntervalJoin:
		return append(join(s.JoinKind), Term{"its interval", fmt.Sprintf("from %d ms to %d ms", s.Lower/1000, s.Upper/1000)})
	case *jobgraph.Rank:
		return []Term{{"its order", n.order(p, s.Order, s.Types)}, {"its number", fmt.Sprint(s.RankKind)}}
	case *jobgraph.Dedup:
		which := "the first row"
		if s.KeepLast {
			which = "the last row"
		}
		by := "arrival"
		if s.Time >= 0 {
			by = n.originIn(p, 0, s.Time)
		}
		return []Term{{"what it keeps", which + " by " + by}}
	case *jobgraph.Over:
		var frames []string
		for _, c := range s.Calls {
			frames = append(frames, frameText(c.Frame))
		}
		slices.Sort(frames)
		frames = slices.Compact(frames)
		return []Term{{"its order", n.order(p, s.Order, s.Types)}, {"its frame", strings.Join(frames, ", ")}}
	case *jobgraph.Match:
		return []Term{{"its order", n.order(p, s.Order, s.Types)}, {"its pattern", jobgraph.PatternText(s.Vars)},
			{"where it goes on", jobgraph.SkipText(s.Skip, s.SkipVar, s.Vars)}, {"what its conditions aggregate", n.refs(p, s)}}
	}
	return nil
}

// window writes a window as the columns' origins have it.
func (n names) window(p place, w jobgraph.Window) string {
	in := make([]string, 0)
	if from, ok := n.input(n.arguments(p), 0); ok {
		for i := range n.width(from) {
			in = append(in, n.origin(from, i))
		}
	}
	return explain.Window(w, in)
}

// order writes the keys of an order. The rows' words depend on how wide the values are.
func (n names) order(p place, keys []jobgraph.SortKey, ts []types.Type) string {
	var parts []string
	for _, k := range keys {
		text := n.originIn(p, 0, k.Col)
		if ts[k.Col].Phys() == types.PhysInt128 {
			text += " of 128 bits"
		}
		if k.Desc {
			text += " DESC"
		}
		if k.NullsLast {
			text += " NULLS LAST"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func frameText(f jobgraph.Frame) string {
	unit := "RANGE"
	if f.Rows {
		unit = "ROWS"
	}
	bound := func(b jobgraph.FrameBound) string {
		switch {
		case b.Unbounded:
			return "UNBOUNDED"
		case b.Months:
			return fmt.Sprintf("%d months", b.Offset)
		}
		return fmt.Sprint(b.Offset)
	}
	return unit + " " + bound(f.From) + " TO " + bound(f.To)
}

// refs are the aggregates that the conditions of a pattern read: attempts carry them.
func (n names) refs(p place, m *jobgraph.Match) string {
	in := make([]string, len(m.Types))
	for i := range in {
		in[i] = n.originIn(p, 0, i)
	}
	all := jobgraph.MatchNames(m.Refs, m.Vars, in)
	var out []string
	for i, r := range m.Refs {
		asked := slices.ContainsFunc(m.Vars, func(v jobgraph.MatchVar) bool {
			return v.Cond != nil && slices.Contains(expr.Columns(v.Cond), len(m.Types)+i)
		})
		if asked && r.RefKind == jobgraph.MatchAgg {
			out = append(out, all[i])
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}
