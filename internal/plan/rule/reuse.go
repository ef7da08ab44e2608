package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// reuse makes equal subtrees one, so that they run once. Subtrees that call
// something volatile stay apart: each has its own random numbers.
func reuse(job *logical.Job) {
	r := reuser{known: map[string]logical.Node{}, ids: map[logical.Node]string{}, done: map[logical.Node]logical.Node{}}
	for i, root := range job.Roots {
		if c, ok := root.(*logical.Collect); ok { // the names of its input are the result's
			job.Roots[i] = &logical.Collect{Input: withInputs(c.Input, r.visit)}
			continue
		}
		job.Roots[i] = r.visit(root)
	}
}

type reuser struct {
	known map[string]logical.Node
	ids   map[logical.Node]string
	done  map[logical.Node]logical.Node
}

func (r *reuser) visit(n logical.Node) logical.Node {
	if out, ok := r.done[n]; ok {
		return out
	}
	out := withInputs(n, r.visit)
	d := r.digest(out)
	switch first := r.known[d]; {
	case first != nil && d != "":
		out = first
	case d != "":
		r.known[d] = out
	}
	if r.ids[out] == "" {
		r.ids[out] = itoa(len(r.ids))
	}
	r.done[n] = out
	return out
}

// digest describes a node wholly, its inputs by number; "" for what is not to be
// shared.
func (r *reuser) digest(n logical.Node) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%T", n)
	for _, in := range n.Inputs() {
		s.WriteString("," + r.ids[in])
	}
	s.WriteByte(';')
	volatile := false
	e := func(list ...*expr.Expr) {
		for _, x := range list {
			if x != nil {
				volatile = volatile || expr.Volatile(x, nil)
				exprText(&s, x)
			}
			s.WriteByte(',')
		}
	}
	switch n := n.(type) {
	case *logical.Scan:
		keys := make([]string, 0, len(n.Options))
		for k, v := range n.Options {
			keys = append(keys, fmt.Sprintf("%q=%q", k, v))
		}
		slices.Sort(keys)
		fmt.Fprintf(&s, "%v %v %v %d", n.Table.Path, keys, n.Columns, n.Limit)
		e(n.Filter...)
	case *logical.Values:
		for _, row := range n.Rows {
			e(row...)
			s.WriteByte(';')
		}
	case *logical.Filter:
		e(n.Cond)
	case *logical.Project:
		e(n.Exprs...)
	case *logical.Join:
		fmt.Fprintf(&s, "%d %v %v %v", n.JoinKind, n.Hints, n.Interval, n.Window)
		e(n.Cond)
	case *logical.TemporalJoin:
		fmt.Fprintf(&s, "%d %v %t", n.JoinKind, n.Hints, n.Versions)
		e(n.Time, n.Cond)
	case *logical.Aggregate:
		fmt.Fprintf(&s, "%v %v %v %s", n.Keys, n.Sets, n.Props, n.TTL)
		if n.Window != nil {
			fmt.Fprintf(&s, "%+v", *n.Window)
		}
		if n.Late != nil { // like no other
			fmt.Fprintf(&s, "late %p", n.Late.Sink)
		}
		for _, a := range n.Aggs {
			fmt.Fprintf(&s, "%+v", a.AggCall)
		}
	case *logical.WindowTVF:
		fmt.Fprintf(&s, "%+v", n.Window)
	case *logical.Correlate:
		fmt.Fprintf(&s, "%d %s %t", n.JoinKind, n.Func, n.Ordinality)
		e(n.Args...)
	case *logical.Over:
		fmt.Fprintf(&s, "%v %v %+v", n.Partition, n.Order, n.Calls)
	case *logical.Match:
		fmt.Fprintf(&s, "%v %v %s %d %d %d", n.Partition, n.Order, jobgraph.PatternText(n.Vars), n.Skip, n.SkipVar, n.Within)
		for _, v := range n.Vars {
			s.WriteByte(';')
			if v.Cond != nil {
				e(v.Cond)
			}
		}
		for _, r := range n.Refs {
			fmt.Fprintf(&s, "(%d %d %d %d %+v)", r.RefKind, r.Var, r.Col, r.Offset, r.Call)
		}
		e(n.Measures...)
	case *logical.Sort:
		fmt.Fprintf(&s, "%v %d %d", n.Order, n.From, n.To)
	case *logical.Rank:
		fmt.Fprintf(&s, "%d %v %v %d %d %t %v", n.RankKind, n.Partition, n.Order, n.From, n.To, n.Number, n.Window)
	case *logical.SetOp:
		fmt.Fprintf(&s, "%d %t", n.SetKind, n.All)
	default:
		return "" // sinks, and what this rule does not know
	}
	if volatile {
		return ""
	}
	for _, f := range n.Schema() {
		fmt.Fprintf(&s, "|%s %t %t", typeText(f.Type), f.Type.Rowtime, f.Type.Proctime)
		if _, ok := n.(*logical.Scan); ok {
			s.WriteString(f.Name)
		}
	}
	return s.String()
}

func exprText(s *strings.Builder, e *expr.Expr) {
	fmt.Fprintf(s, "(%d %s %d %T%q %q", e.Op, typeText(e.Type), e.Index, e.Value, fmt.Sprint(e.Value), e.Func)
	for _, a := range e.Args {
		exprText(s, a)
	}
	s.WriteByte(')')
}

func typeText(t types.Type) string { return t.String() }
