package explain

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// Text is EXPLAIN's answer: the tree as bound, the operators with the changes
// that they emit, and the vertices that run.
func Text(before *logical.Job, g *jobgraph.Graph) string {
	return "== Abstract Syntax Tree ==\n" + Logical(before) +
		"\n== Optimized Physical Plan ==\n" + Physical(g) +
		"\n== Optimized Execution Plan ==\n" + Execution(g)
}

// Logical writes the trees of a job.
func Logical(job *logical.Job) string { return logical.JobString(job) }

// Physical writes the operators of a graph as trees, from those that nobody reads
// down, with the kinds of change that each emits. What several read is written
// once and then referred to.
func Physical(g *jobgraph.Graph) string {
	p := physical{g: g, in: map[int][]jobgraph.Edge{}, out: make([]int, len(g.Vertices)), refs: map[int]int{}}
	for _, e := range g.Edges {
		p.in[e.To] = append(p.in[e.To], e)
		p.out[e.From]++
	}
	for i := range g.Vertices {
		if p.out[i] == 0 {
			p.vertex(i, "", "")
		}
	}
	return p.b.String()
}

type physical struct {
	g    *jobgraph.Graph
	in   map[int][]jobgraph.Edge
	out  []int // edges that leave a vertex
	refs map[int]int
	b    strings.Builder
}

// line writes a node; first stands before it, rest before what is below it.
func (p *physical) line(first, text, kinds string, note string) {
	p.b.WriteString(first + text)
	if !p.g.Batch && kinds != "" {
		p.b.WriteString(", changelogMode=[" + kinds + "]")
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
		p.line(first, v.Ops[k].Name, v.Ops[k].Kinds, note)
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
	for k, e := range edges {
		f, r := rest+"+- ", rest+"   "
		if k < len(edges)-1 {
			f, r = rest+":- ", rest+":  "
		}
		if text := exchange(p.g, e); text != "" {
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
		p.line(first, fmt.Sprintf("WatermarkAssigner(rowtime=[%s], watermark=[%s])", column(w.Time, names), Expr(w.Expr, names)), s.Kinds, note)
		first, note = rest+"+- ", ""
	}
	p.line(first, Source(s), s.Kinds, note)
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
func Execution(g *jobgraph.Graph) string {
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
			if s := State(op.Spec, g.Batch); s != "" {
				fmt.Fprintf(&b, "      state %s: %s\n", op.ID, s)
			}
			if s := emission(op.Spec, g.Batch); s != "" {
				fmt.Fprintf(&b, "      emits %s\n", s)
			}
		}
	}
	return b.String()
}

// unbounded marks state that nothing takes away.
const unbounded = "GROWS WITHOUT BOUND"

// State says what an operator keeps, and by what it is bounded; "" if it keeps
// nothing.
func State(spec jobgraph.Spec, batch bool) string {
	life := func(ttlMs int64, what string) string {
		switch {
		case batch:
			return what + ", until the end of input"
		case ttlMs > 0:
			return fmt.Sprintf("%s, for %d ms since its last change", what, ttlMs)
		}
		return what + "; " + unbounded + " with the number of keys (table.exec.state.ttl bounds it)"
	}
	switch s := spec.(type) {
	case *jobgraph.GroupAgg:
		switch {
		case s.Phase == jobgraph.Local:
			return ""
		case len(s.Keys) == 0:
			return "one row of accumulators" + sets(s.Aggs, s.Retracts)
		}
		return life(s.TTLMs, "a row of accumulators for each key"+sets(s.Aggs, s.Retracts))
	case *jobgraph.WindowAgg:
		if s.Phase == jobgraph.Local {
			return ""
		}
		return "a row of accumulators for each key and slice, until the watermark passes the window's end"
	case *jobgraph.WindowTVF:
		if s.Window.WKind == jobgraph.Session {
			return "the rows of open sessions, until the watermark passes their end"
		}
	case *jobgraph.Join:
		return joinState(s, batch)
	case *jobgraph.HashJoin:
		return "the rows of the side that is built, until the end of input"
	case *jobgraph.IntervalJoin:
		return fmt.Sprintf("the rows of both sides, for %d ms of event time", (s.Upper-s.Lower)/1000)
	case *jobgraph.WindowJoin:
		return "the rows of both sides, until the watermark passes the window's end"
	case *jobgraph.TemporalJoin:
		return "left rows until the watermark passes them; the versions of each right key, at least the newest; " + unbounded + " with the number of right keys"
	case *jobgraph.LookupJoin:
		text := "rows that wait for an answer"
		if s.Keep {
			text += "; every row and what it was joined with; " + unbounded + " with the number of rows"
		}
		return text
	case *jobgraph.CurrentJoin:
		text := "the rows of the right side"
		if s.Keep {
			text += "; every left row and what it was joined with"
		}
		return text + "; " + unbounded
	case *jobgraph.Rank:
		switch {
		case s.WindowEnd >= 0:
			return fmt.Sprintf("the first %d rows of each partition, until the watermark passes the window's end", s.To)
		case s.Input == jobgraph.RankAppend && s.To >= 0:
			return life(s.TTLMs, fmt.Sprintf("the first %d rows of each partition", s.To))
		case s.Input == jobgraph.RankUpdateFast:
			return life(s.TTLMs, fmt.Sprintf("the first %d rows of each partition, by key", s.To))
		}
		return life(s.TTLMs, "all rows of each partition")
	case *jobgraph.Dedup:
		return life(s.TTLMs, "a row for each key")
	case *jobgraph.Over:
		switch {
		case s.Emit == jobgraph.AtEnd:
			return "all rows of each partition, until the end of input"
		case s.Time >= 0 && bounded(s):
			return "the rows that the frames still see, and those that the watermark has not passed"
		case s.Time >= 0:
			return "the accumulators of each partition, and the rows that the watermark has not passed; " + unbounded + " with the number of partitions"
		}
		return "all rows of each partition; " + unbounded
	case *jobgraph.Match:
		return matchState(s)
	case *jobgraph.Sort:
		if s.Time >= 0 {
			return "rows until the watermark passes them"
		}
		if s.To >= 0 {
			return fmt.Sprintf("the first %d rows", s.To)
		}
		return "all rows, until the end of input"
	case *jobgraph.Limit:
		return "a counter"
	case *jobgraph.Normalize:
		return life(s.TTLMs, "the last row of each key")
	case *jobgraph.Materialize:
		return life(s.TTLMs, "the rows of each key of the sink")
	case *jobgraph.Conflict:
		return life(s.TTLMs, "a row for each key of the sink, and the changes that the watermark has not passed")
	}
	return ""
}

func sets(aggs []jobgraph.AggCall, retracts bool) string {
	for _, a := range aggs {
		if a.Distinct || retracts && (a.Func == "MIN" || a.Func == "MAX") {
			return " and its distinct values"
		}
	}
	return ""
}

func joinState(s *jobgraph.Join, batch bool) string {
	switch {
	case batch:
		return "the rows of both sides, until the end of input"
	case s.LeftTTLMs > 0 && s.RightTTLMs > 0:
		return fmt.Sprintf("the rows of both sides, for %d ms and %d ms since their last change", s.LeftTTLMs, s.RightTTLMs)
	}
	return "the rows of both sides; " + unbounded + " (table.exec.state.ttl or a time bound in the condition bounds it)"
}

func bounded(s *jobgraph.Over) bool {
	for _, c := range s.Calls {
		if c.Frame.From.Unbounded {
			return false
		}
	}
	return true
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
	case *jobgraph.Join, *jobgraph.IntervalJoin:
		if !batch {
			return "on change"
		}
	}
	return ""
}
