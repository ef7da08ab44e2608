package explain

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// Details are what EXPLAIN shows beyond the plan itself.
type Details struct {
	Changes bool // CHANGELOG_MODE
	JSON    bool // JSON_EXECUTION_PLAN
	Advice  bool // PLAN_ADVICE
	// Cost estimates what an operator or source, by id, emits: ESTIMATED_COST.
	Cost func(id string) (rows, width float64, ok bool)
	// Keys are the upsert keys of what an operator or source emits, by names.
	Keys func(id string) [][]string
	// Delivery says what a failure does to the rows of a sink.
	Delivery func(*jobgraph.Sink) string
}

// Text is EXPLAIN's answer: the tree as bound, the operators, the vertices that run
// and what they keep.
func Text(before *logical.Job, g *jobgraph.Graph, d Details) string {
	text := ""
	if before != nil {
		text = "== Abstract Syntax Tree ==\n" + Logical(before) + "\n"
	}
	if d.Advice {
		text += "== Optimized Physical Plan With Advice ==\n" + tree(g, d) + adviceText(Advice(g)) + "\n"
	} else {
		text += "== Optimized Physical Plan ==\n" + tree(g, d) + "\n"
	}
	text += "== Optimized Execution Plan ==\n" + execution(g, d)
	if s := states(g); s != "" {
		text += "\n== State ==\n" + s
	}
	if d.JSON {
		text += "\n== Physical Execution Plan ==\n" + JSON(g)
	}
	return text
}

// Ran writes the operators of a graph that has run with what part and edge say that an
// operator or source, by id, and an edge, by its place, have done.
func Ran(g *jobgraph.Graph, part func(id string) string, edge func(i int) string) string {
	p := newPhysical(g, Details{})
	p.ran, p.carried = part, edge
	return "== Physical Plan As It Ran ==\n" + p.tree()
}

// Logical writes the trees of a job.
func Logical(job *logical.Job) string { return logical.JobString(job) }

// Physical writes the operators of a graph as trees, from those that nobody reads
// down, with the kinds of change that each emits. What several read is written
// once and then referred to.
func Physical(g *jobgraph.Graph) string { return tree(g, Details{Changes: true}) }

func tree(g *jobgraph.Graph, d Details) string { return newPhysical(g, d).tree() }

func newPhysical(g *jobgraph.Graph, d Details) *physical {
	p := &physical{g: g, d: d, advice: map[string][]int{}, in: map[int][]int{}, out: make([]int, len(g.Vertices)), refs: map[int]int{}}
	for i, e := range g.Edges {
		p.in[e.To] = append(p.in[e.To], i)
		p.out[e.From]++
	}
	if d.Advice {
		for i, a := range Advice(g) {
			p.advice[a.Op] = append(p.advice[a.Op], i+1)
		}
	}
	return p
}

func (p *physical) tree() string {
	for i := range p.g.Vertices {
		if p.out[i] == 0 {
			p.vertex(i, "", "")
		}
	}
	return p.b.String()
}

type physical struct {
	g      *jobgraph.Graph
	d      Details
	advice map[string][]int // by operator: numbers from 1
	in     map[int][]int    // edges that lead to a vertex
	out    []int            // edges that leave a vertex
	refs   map[int]int
	b      strings.Builder

	ran     func(id string) string // what an operator or source has done; nil: the graph has not run
	carried func(edge int) string
}

// line writes a node; first stands before it.
func (p *physical) line(first, id, text, kinds string, note string) {
	if n := p.advice[id]; len(n) > 0 {
		name, rest, _ := strings.Cut(text, "(")
		sep := ", "
		if rest == ")" {
			sep = ""
		}
		text = name + "(advice=" + strings.ReplaceAll(fmt.Sprint(n), " ", ", ") + sep + rest
	}
	p.b.WriteString(first + text)
	if p.d.Changes && !p.g.Batch && kinds != "" {
		p.b.WriteString(", changelogMode=[" + kinds + "]")
		if p.d.Keys != nil && kinds != "I" {
			for _, k := range p.d.Keys(id) {
				p.b.WriteString(", upsertKey=[" + strings.Join(k, ", ") + "]")
			}
		}
	}
	if p.d.Cost != nil {
		if rows, width, ok := p.d.Cost(id); ok {
			fmt.Fprintf(&p.b, ": rowcount = %.3G, rowsize = %.0f", rows, width)
		}
	}
	if p.ran != nil {
		if ran := p.ran(id); ran != "" {
			p.b.WriteString(": " + ran)
		}
	}
	p.b.WriteString(note + "\n")
}

func (p *physical) vertex(i int, first, rest string) {
	v := p.g.Vertices[i]
	if id, ok := p.refs[i]; ok {
		p.b.WriteString(fmt.Sprintf("%sReused(reference_id=[%d])\n", first, id))
		return
	}
	note := ""
	if p.out[i] > 1 {
		p.refs[i] = len(p.refs) + 1
		note = fmt.Sprintf(" (reuse_id=[%d])", p.refs[i])
	}
	for k := len(v.Ops) - 1; k >= 0; k-- {
		p.line(first, v.Ops[k].ID, v.Ops[k].Name, v.Ops[k].Kinds, note)
		note = ""
		if k > 0 || v.Source != nil {
			first, rest = rest+"+- ", rest+"   "
		}
	}
	if v.Source != nil {
		p.source(v.Source, first, rest, note)
		return
	}
	edges := p.in[i]
	for k, i := range edges {
		e := p.g.Edges[i]
		f, r := rest+"+- ", rest+"   "
		if k < len(edges)-1 {
			f, r = rest+":- ", rest+":  "
		}
		if text := exchange(p.g, e); text != "" {
			if p.ran != nil {
				text += ": " + p.carried(i)
			}
			p.b.WriteString(f + text + "\n")
			f, r = r+"+- ", r+"   "
		}
		p.vertex(e.From, f, r)
	}
}

// exchange writes an edge, "" for one that moves nothing.
func exchange(g *jobgraph.Graph, e jobgraph.Edge) string {
	s := ""
	switch e.Ship {
	case jobgraph.Forward:
		if !e.Blocking {
			return ""
		}
		s = "forward"
	case jobgraph.Hash:
		s = "hash[" + columns(e.Keys, outputOf(g.Vertices[e.From]).Names()) + "]"
	case jobgraph.Gather:
		s = "single"
	default:
		s = e.Ship.String()
	}
	s = "Exchange(distribution=[" + s + "]"
	if e.Blocking {
		s += ", shuffle_mode=[BATCH]"
	}
	return s + ")"
}

func outputOf(v jobgraph.Vertex) types.Schema {
	if n := len(v.Ops); n > 0 {
		return v.Ops[n-1].Output
	}
	return v.Source.Output
}

func (p *physical) source(s *jobgraph.Source, first, rest, note string) {
	if w := s.Watermark; w != nil {
		names := s.Output.Names()
		p.line(first, "", fmt.Sprintf("WatermarkAssigner(rowtime=[%s], watermark=[%s])", column(w.Time, names), Expr(w.Expr, names)), s.Kinds, note)
		first, note = rest+"+- ", ""
	}
	p.line(first, s.ID, Source(s), s.Kinds, note)
}

// Source writes the scan of a table.
func Source(s *jobgraph.Source) string {
	text := fmt.Sprintf("TableSourceScan(table=[[%s", strings.ReplaceAll(s.Table.Name, ".", ", "))
	names := s.Table.Schema.Names()
	if n := len(s.Scan.Predicates); n > 0 {
		var parts []string
		for _, p := range s.Scan.Predicates {
			op := [...]string{"=", "<>", "<", "<=", ">", ">=", "IN", "IS NULL", "IS NOT NULL"}[p.Op]
			var vals []string
			for _, v := range p.Values {
				if t, ok := v.(string); ok {
					v = "'" + t + "'"
				}
				vals = append(vals, fmt.Sprint(v))
			}
			parts = append(parts, strings.TrimSpace(column(p.Column, names)+" "+op+" "+strings.Join(vals, ", ")))
		}
		text += ", filter=[" + strings.Join(parts, " AND ") + "]"
	}
	if s.Scan.Limit >= 0 {
		text += fmt.Sprintf(", limit=[%d]", s.Scan.Limit)
	}
	if len(s.Scan.Columns) < len(names) {
		text += ", project=[" + columns(s.Scan.Columns, names) + "]"
	}
	return text + "]], fields=[" + strings.Join(s.Output.Names(), ", ") + "])"
}

// Execution writes the vertices of a graph with their parallelism, what they keep
// and when they tell results.
func Execution(g *jobgraph.Graph) string { return execution(g, Details{}) }

func execution(g *jobgraph.Graph, d Details) string {
	var b strings.Builder
	for i, v := range g.Vertices {
		fmt.Fprintf(&b, "[%d] %s  (parallelism %d)\n", i+1, v.Name, v.Parallelism)
		for _, e := range g.Edges {
			if e.To != i {
				continue
			}
			fmt.Fprintf(&b, "    <- [%d] %s", e.From+1, e.Ship)
			if e.Ship == jobgraph.Hash {
				b.WriteString(" by " + columns(e.Keys, outputOf(g.Vertices[e.From]).Names()))
			}
			if v.Source == nil && jobgraph.Inputs(v.Ops[0].Spec) > 1 {
				fmt.Fprintf(&b, ", input %d", e.Input)
			}
			switch {
			case e.Blocking:
				b.WriteString(", after it has ended")
			case g.Batch && v.Source == nil && jobgraph.Inputs(v.Ops[0].Spec) > 1:
				fmt.Fprintf(&b, ", priority %d", e.Priority)
			}
			b.WriteByte('\n')
		}
		if v.Source != nil {
			fmt.Fprintf(&b, "    %s\n", Source(v.Source))
		}
		for _, op := range v.Ops {
			fmt.Fprintf(&b, "    %s\n", op.Name)
			if s, ok := State(op, g.Batch); ok {
				fmt.Fprintf(&b, "      state %s: %s\n", op.ID, s)
			}
			if sink, ok := op.Spec.(*jobgraph.Sink); ok && d.Delivery != nil {
				fmt.Fprintf(&b, "      delivers %s\n", d.Delivery(sink))
			}
			if s := emission(op.Spec, g.Batch); s != "" {
				fmt.Fprintf(&b, "      emits %s\n", s)
			}
		}
	}
	return b.String()
}

// emission says when an operator with state tells its results.
func emission(spec jobgraph.Spec, batch bool) string {
	on := func(e jobgraph.Emit) string {
		if e == jobgraph.AtEnd {
			return "at the end of input"
		}
		return "on change"
	}
	switch s := spec.(type) {
	case *jobgraph.GroupAgg:
		if s.Phase == jobgraph.Local {
			return "by batch"
		}
		if s.Fold && s.Emit == jobgraph.OnChange {
			return fmt.Sprintf("on change, folded over %d rows or %d ms", s.FoldRows, s.FoldMs)
		}
		return on(s.Emit)
	case *jobgraph.WindowAgg:
		if s.Phase == jobgraph.Local {
			return "when a slice ends"
		}
		if e := s.Emit; e != nil {
			text := "when a window ends"
			if e.EarlyMs >= 0 {
				text = "on change, " + text
			}
			if e.LateMs >= 0 {
				text += ", on late rows"
			}
			return text
		}
		return "when a window ends"
	case *jobgraph.WindowJoin:
		return "when a window ends"
	case *jobgraph.TemporalJoin:
		return "on watermark"
	case *jobgraph.Rank:
		if s.WindowEnd >= 0 {
			return "when a window ends"
		}
		return on(s.Emit)
	case *jobgraph.Dedup:
		return on(s.Emit)
	case *jobgraph.Over:
		if s.Time >= 0 && s.Emit == jobgraph.OnChange {
			return "on watermark"
		}
		return on(s.Emit)
	case *jobgraph.Match:
		if s.Time < 0 {
			return "on change"
		}
		return "on watermark"
	case *jobgraph.Sort:
		if s.Time >= 0 {
			return "on watermark"
		}
		return "at the end of input"
	case *jobgraph.Join, *jobgraph.MultiJoin, *jobgraph.IntervalJoin:
		if !batch {
			return "on change"
		}
	}
	return ""
}
