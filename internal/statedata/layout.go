package statedata

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
)

// OfJob returns what a job keeps, without any of it.
func OfJob(g *jobgraph.Graph) []*Operator {
	c := &Checkpoint{Found: &checkpoint.Found{Manifest: &checkpoint.Manifest{Groups: g.MaxParallelism}}, Graph: g}
	var out []*Operator
	for v := range g.Vertices {
		for i := range g.Vertices[v].Ops {
			if op := c.operator(place{v, i}); op != nil {
				op.layouts, op.terms = names{g}.layouts(place{v, i}, op), names{g}.terms(place{v, i})
				op.Spec = g.Vertices[v].Ops[i].Spec
				out = append(out, op)
			}
		}
	}
	return out
}

// Layouts are the tables of the operator's store; nil but of OfJob.
func (o *Operator) Layouts() []Layout { return o.layouts }

// Terms are what the operator's state means beside its columns; nil but of OfJob.
func (o *Operator) Terms() []Term { return o.terms }

// A Layout is a table of a store with what its words and columns are. What they are
// is said by their origin: how they follow from the columns of the job's tables,
// whatever the query calls them on the way.
type Layout struct {
	Store string
	Form  keyed.Form
	Shape keyed.Shape
	Of    string       // "values of": the origin of those values
	By    string       // … and of the filters by which they are counted, in order
	Words map[int]Part // of an entry, or beside a row
	Row   []Part       // columns of the rows
	Image int          // the word that has a row as a blob, -1 if none has
	Whole string       // what the table depends on as a whole; "" if its parts say all
	Odd   string       // why what a checkpoint has of the table cannot be read; "" if it can
	Short int          // how many of the last words what a checkpoint has of the table lacks

	lacks int // how many may be: exec.StateTable.Lacks
}

// Timers reports whether the table has timers (keyed.Timers).
func (l *Layout) Timers() bool { return l.Form == keyed.EntryBuckets && l.Shape.Words == 0 }

// A Part is a word of an entry or a column of a row.
type Part struct {
	Origin string
	Call   string // the call whose accumulator it belongs to, "" if it is not one's
	Type   types.Type
	True   uint64 // of a BOOLEAN: the word that is TRUE
}

// Stamp reports whether it is the time of the last change, for a time to live.
func (p Part) Stamp() bool { return p.Type.Kind == types.TimestampLTZ && p.Call == "" }

func (n names) layouts(p place, o *Operator) []Layout {
	var out []Layout
	at := map[string]int{}
	for _, t := range o.Tables {
		i, ok := at[t.state.Store]
		if !ok {
			i = len(out)
			at[t.state.Store] = i
			out = append(out, Layout{Store: t.state.Store, Form: t.form, Shape: t.shape, Words: map[int]Part{}, Image: -1, lacks: t.state.Lacks})
			if len(t.shape.Row) > 0 {
				out[i].Row = make([]Part, len(t.shape.Row))
			}
			if t.state.Of >= 0 {
				out[i].Of = n.originIn(n.arguments(p), 0, t.state.Of)
				out[i].By = n.filters(n.arguments(p), t.state.Filters)
			}
		}
		for _, c := range t.state.Columns {
			n.part(p, &out[i], c)
		}
	}
	return out
}

// filters are the origins of the filters of calls.
func (n names) filters(p place, cols []int) string {
	var out []string
	for _, c := range cols {
		if c < 0 {
			out = append(out, "all")
		} else {
			out = append(out, n.originIn(p, 0, c))
		}
	}
	return strings.Join(out, ", ")
}

// part notes what a column of a table says of its layout.
func (n names) part(p place, l *Layout, c exec.StateColumn) {
	part := Part{Origin: c.Name, Type: c.Type, True: c.True()}
	switch c.Kind {
	case exec.StateInput:
		part.Origin = n.originIn(p, c.Input, c.At)
	case exec.StateCall:
		part.Call = n.callAt(p, c.At)
		part.Origin = part.Call + "." + c.Name
		if strings.HasPrefix(part.Origin, "COUNT().") {
			part.Origin, part.Call = "rows", "" // a group has them whether they are asked for or not
		}
	}
	switch in, i := c.Place(); in {
	case exec.InWord:
		l.Words[i] = part
	case exec.InRow:
		if i < len(l.Row) {
			l.Row[i] = part
		}
	case exec.InImage:
		l.Row, l.Image = append(l.Row, part), i
	case exec.InWhole:
		l.Whole = strings.Join(n.calls(p), ", ")
	}
}

// calls are the origins of an operator's calls.
func (n names) calls(p place) (out []string) {
	switch s := n.op(p).Spec.(type) {
	case *jobgraph.GroupAgg:
		for i := range s.Aggs {
			out = append(out, n.callAt(p, i))
		}
	case *jobgraph.WindowAgg:
		for i := range s.Aggs {
			out = append(out, n.callAt(p, i))
		}
	}
	return out
}

// callAt is the origin of a call.
func (n names) callAt(p place, i int) string {
	var c jobgraph.AggCall
	switch s := n.op(p).Spec.(type) {
	case *jobgraph.GroupAgg:
		c = s.Aggs[i]
	case *jobgraph.WindowAgg:
		c = s.Aggs[i]
	case *jobgraph.Over:
		c = s.Calls[i].AggCall
	default:
		return fmt.Sprint("call ", i)
	}
	p = n.arguments(p)
	var args []string
	for _, a := range c.Args {
		args = append(args, n.originIn(p, 0, a))
	}
	text := strings.Join(args, ", ")
	if c.Distinct {
		text = "DISTINCT " + text
	}
	text = c.Func + "(" + text + ")"
	if c.Filter >= 0 {
		text += " FILTER (" + n.originIn(p, 0, c.Filter) + ")"
	}
	return text
}

// originIn is the origin of a column of an operator's input.
func (n names) originIn(p place, input, col int) string {
	if from, ok := n.input(p, input); ok {
		return n.origin(from, col)
	}
	return fmt.Sprintf("input %d.%d", input, col)
}

// originMax is the length from which an origin is replaced by its hash: projections of
// projections multiply it.
const originMax = 160

// origin says how a column that an operator puts out follows from those of tables.
func (n names) origin(p place, col int) string {
	s := n.originText(p, col)
	if len(s) > originMax {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:8])
	}
	return s
}

func (n names) originText(p place, col int) string {
	if p.op < 0 {
		src := n.g.Vertices[p.vertex].Source
		return src.Table.Name[strings.LastIndexByte(src.Table.Name, '.')+1:] + "." + src.Output[col].Name
	}
	op := n.op(p)
	beside := func(left int) string {
		if col < left {
			return n.originIn(p, 0, col)
		}
		return n.originIn(p, 1, col-left)
	}
	switch s := op.Spec.(type) {
	case *jobgraph.Calc:
		if s.Project == nil {
			return n.originIn(p, 0, col)
		}
		e := s.Project[col]
		var in []string
		for _, c := range expr.Columns(e) {
			for len(in) <= c {
				in = append(in, "")
			}
			in[c] = n.originIn(p, 0, c)
		}
		return expr.String(e, in)
	case *jobgraph.GroupAgg:
		if col < len(s.Keys) {
			return n.originIn(p, 0, s.Keys[col])
		}
		if col -= len(s.Keys); col < len(s.Aggs) {
			return n.callAt(p, col)
		}
	case *jobgraph.WindowAgg:
		if col < len(s.Keys) {
			return n.originIn(p, 0, s.Keys[col])
		}
		if col -= len(s.Keys); col < len(s.Aggs) {
			return n.callAt(p, col)
		}
	case *jobgraph.Over:
		if col < len(s.Types) {
			return n.originIn(p, 0, col)
		}
		return n.callAt(p, col-len(s.Types))
	case *jobgraph.Join:
		return beside(len(s.LeftTypes))
	case *jobgraph.MultiJoin:
		input, at := s.Of(col)
		return n.originIn(p, input, at)
	case *jobgraph.HashJoin:
		return beside(len(s.LeftTypes))
	case *jobgraph.IntervalJoin:
		return beside(len(s.LeftTypes))
	case *jobgraph.WindowJoin:
		return beside(len(s.LeftTypes))
	case *jobgraph.TemporalJoin:
		return beside(len(s.LeftTypes))
	case *jobgraph.CurrentJoin:
		return beside(len(s.LeftTypes))
	case *jobgraph.Match:
	default:
		if from, ok := n.input(p, 0); ok && col < n.width(from) {
			return n.origin(from, col)
		}
	}
	return op.Spec.Kind() + "." + nameAt(op, col)
}

// width is how many columns a place puts out.
func (n names) width(p place) int {
	if p.op < 0 {
		return len(n.g.Vertices[p.vertex].Source.Output)
	}
	return len(n.op(p).Output)
}
