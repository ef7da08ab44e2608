package statedata

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// names finds what users call the columns of a job's operators. The planner gives
// names of its own (agg$0, $f1) to what a query has computed: those are replaced by the
// name that it gets further on, or by the text of what it is.
type names struct{ g *jobgraph.Graph }

// A place is an operator of a chain; op is -1 for the chain's source.
type place struct{ vertex, op int }

// made reports whether a name is one of the planner's.
func made(name string) bool { return name == "" || strings.Contains(name, "$") }

// input is the place that an input of an operator comes from.
func (n names) input(p place, input int) (place, bool) {
	v := n.g.Vertices[p.vertex]
	if p.op > 0 || p.op == 0 && v.Source != nil {
		return place{p.vertex, p.op - 1}, true
	}
	for _, e := range n.g.Edges {
		if e.To == p.vertex && e.Input == input {
			return place{e.From, len(n.g.Vertices[e.From].Ops) - 1}, true
		}
	}
	return place{}, false
}

// column names a column of an operator's input. Of the inputs of a global aggregate,
// whose calls speak of the rows before the local one, it takes those.
func (n names) column(p place, input, col int) string {
	from, ok := n.input(p, input)
	if ok {
		return n.output(from, col)
	}
	if l, ok := n.op(p).Spec.(*jobgraph.LookupJoin); ok {
		return nameAt(n.op(p), len(l.LeftTypes)+col)
	}
	return fmt.Sprintf("c%d", col)
}

// columns names the columns that an expression over an operator's input reads.
func (n names) columns(p place, e *expr.Expr) []string {
	var out []string
	for _, c := range expr.Columns(e) {
		for len(out) <= c {
			out = append(out, "")
		}
		out[c] = n.column(p, 0, c)
	}
	return out
}

// key names a column by which an operator groups: as its input has it, or, where that
// is computed, as it is called further on.
func (n names) key(p place, input, col int) string {
	from, ok := n.input(p, input)
	if ok && from.op >= 0 && made(nameAt(n.op(from), col)) {
		if at := passed(n.op(p).Spec, input, col); at >= 0 {
			if name := n.onward(p, at); name != "" {
				return name
			}
		}
	}
	return n.column(p, input, col)
}

// arguments is the place whose input the calls of an operator speak of.
func (n names) arguments(p place) place {
	if phase, ok := phaseOf(n.op(p).Spec); ok && phase == jobgraph.Global {
		if from, ok := n.input(p, 0); ok && from.op >= 0 {
			if phase, ok := phaseOf(n.op(from).Spec); ok && phase == jobgraph.Local {
				return from
			}
		}
	}
	return p
}

func phaseOf(s jobgraph.Spec) (jobgraph.Phase, bool) {
	switch s := s.(type) {
	case *jobgraph.GroupAgg:
		return s.Phase, true
	case *jobgraph.WindowAgg:
		return s.Phase, true
	}
	return 0, false
}

func (n names) op(p place) *jobgraph.Op { return &n.g.Vertices[p.vertex].Ops[p.op] }

// output names a column that an operator puts out, by where it comes from.
func (n names) output(p place, col int) string {
	if p.op < 0 {
		return n.g.Vertices[p.vertex].Source.Output[col].Name
	}
	op := n.op(p)
	if col >= len(op.Output) || !made(op.Output[col].Name) {
		return nameAt(op, col)
	}
	switch s := op.Spec.(type) {
	case *jobgraph.Calc:
		if s.Project == nil {
			return n.column(p, 0, col)
		}
		return expr.String(s.Project[col], n.columns(p, s.Project[col]))
	case *jobgraph.GroupAgg:
		if col < len(s.Keys) {
			return n.column(p, 0, s.Keys[col])
		}
		return n.call(p, s.Aggs, col-len(s.Keys))
	case *jobgraph.WindowAgg:
		if col < len(s.Keys) {
			return n.column(p, 0, s.Keys[col])
		}
		return n.call(p, s.Aggs, col-len(s.Keys))
	case *jobgraph.Over:
		if col < len(s.Types) {
			return n.column(p, 0, col)
		}
		return n.text(p, s.Calls[col-len(s.Types)].AggCall)
	case *jobgraph.Join:
		if col < len(s.LeftTypes) {
			return n.column(p, 0, col)
		}
		return n.column(p, 1, col-len(s.LeftTypes))
	case *jobgraph.MultiJoin:
		input, at := s.Of(col)
		return n.column(p, input, at)
	}
	return nameAt(op, col)
}

// madeName is a name of the planner's in an operator's name, perhaps one that is given.
var madeName = regexp.MustCompile(`( AS )?([A-Za-z_]*\$[A-Za-z0-9_$]+)`)

// shown is an operator's name with those of columns as the query has them: what it
// computes is called as it is further on, or by nothing but its text.
func (n names) shown(p place) string {
	op := n.op(p)
	known := map[string]string{}
	for in := range 2 {
		if from, ok := n.input(p, in); ok {
			for c := range n.width(from) {
				if name := n.nameOf(from, c); made(name) && known[name] == "" {
					known[name] = n.column(p, in, c)
				}
			}
		}
	}
	given := map[string]string{}
	for c := range op.Output {
		if name := nameAt(op, c); made(name) {
			given[name] = n.onward(p, c)
		}
	}
	return madeName.ReplaceAllStringFunc(op.Name, func(s string) string {
		name, as := strings.CutPrefix(s, " AS ")
		if to, ok := given[name]; ok && as {
			if to == "" {
				return ""
			}
			return " AS " + to
		}
		if to := known[name]; to != "" && !made(to) {
			return strings.TrimSuffix(s, name) + to
		}
		if to := given[name]; to != "" {
			return strings.TrimSuffix(s, name) + to
		}
		return s
	})
}

// nameOf is the name that a place gives a column.
func (n names) nameOf(p place, col int) string {
	if p.op < 0 {
		return n.g.Vertices[p.vertex].Source.Output[col].Name
	}
	return nameAt(n.op(p), col)
}

func nameAt(op *jobgraph.Op, col int) string {
	if col < len(op.Output) {
		return op.Output[col].Name
	}
	return fmt.Sprintf("c%d", col)
}

func (n names) call(p place, calls []jobgraph.AggCall, i int) string {
	if i >= len(calls) {
		return fmt.Sprintf("c%d", i)
	}
	return n.text(p, calls[i])
}

// text writes a call as a query has it.
func (n names) text(p place, c jobgraph.AggCall) string {
	p = n.arguments(p)
	args := []string{"*"}
	if len(c.Args) > 0 {
		args = args[:0]
	}
	for _, a := range c.Args {
		args = append(args, n.column(p, 0, a))
	}
	text := strings.Join(args, ", ")
	if c.Distinct {
		text = "DISTINCT " + text
	}
	text = c.Func + "(" + text + ")"
	if c.Filter >= 0 {
		text += " FILTER (WHERE " + n.column(p, 0, c.Filter) + ")"
	}
	return text
}

// result names the result of a call: as the query, or the table that it is written to,
// calls it, or by its text. at is its place in what the operator puts out.
func (n names) result(p place, at int, c jobgraph.AggCall) string {
	if name := n.onward(p, at); name != "" {
		return name
	}
	return n.text(p, c)
}

// onward follows a column to where it has a name, through what passes it on as it is,
// or cast; "" if it gets none.
func (n names) onward(p place, col int) string {
	for {
		next, input, ok := n.next(p)
		if !ok {
			return ""
		}
		op := n.op(next)
		if col = passed(op.Spec, input, col); col < 0 {
			return ""
		}
		if name := nameAt(op, col); !made(name) {
			return name
		}
		p = next
	}
}

// passed is where an operator puts out a column of an input, -1 if it does not.
func passed(spec jobgraph.Spec, input, col int) int {
	switch s := spec.(type) {
	case *jobgraph.Calc:
		if s.Project == nil {
			return col
		}
		return slices.IndexFunc(s.Project, func(e *expr.Expr) bool { return isColumn(e, col) })
	case *jobgraph.GroupAgg:
		return slices.Index(s.Keys, col)
	case *jobgraph.WindowAgg:
		return slices.Index(s.Keys, col)
	case *jobgraph.Join:
		if input == 1 {
			return len(s.LeftTypes) + col
		}
		return col
	case *jobgraph.MultiJoin:
		return s.At(input, col)
	case *jobgraph.Sink, *jobgraph.Collect, *jobgraph.DropBefore, *jobgraph.Materialize, *jobgraph.Keep, *jobgraph.Stamp, *jobgraph.Conflict,
		*jobgraph.Rank, *jobgraph.Dedup, *jobgraph.Over, *jobgraph.Normalize, *jobgraph.Sort, *jobgraph.Limit, *jobgraph.WindowTVF, *jobgraph.LookupJoin, *jobgraph.Correlate:
		return col
	}
	return -1
}

// isColumn reports whether an expression is a column, or a cast of it.
func isColumn(e *expr.Expr, col int) bool {
	for e.Op == expr.Call && (e.Func == "CAST" || e.Func == "REINTERPRET") && len(e.Args) == 1 {
		e = e.Args[0]
	}
	return e.Op == expr.Col && e.Index == col
}

// next is the operator that takes what another puts out, if there is just one, and by
// which input.
func (n names) next(p place) (to place, input int, ok bool) {
	if p.op+1 < len(n.g.Vertices[p.vertex].Ops) {
		return place{p.vertex, p.op + 1}, 0, true
	}
	edges := 0
	for _, e := range n.g.Edges {
		if e.From == p.vertex {
			to, input, edges = place{e.To, 0}, e.Input, edges+1
		}
	}
	return to, input, edges == 1
}
