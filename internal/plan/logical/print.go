package logical

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// String returns the tree under a node, a line a node, inputs below and
// indented. A subtree that occurs twice as the same pointer is written once, as
// #n, and referred to after that.
func String(n Node) string {
	p := printer{seen: map[Node]int{}, ids: map[Node]int{}}
	p.count(n)
	p.node(n, 0)
	return p.sb.String()
}

// JobString returns the trees of a job.
func JobString(j *Job) string {
	p := printer{seen: map[Node]int{}, ids: map[Node]int{}}
	for _, r := range j.Roots {
		p.count(r)
	}
	for _, r := range j.Roots {
		p.node(r, 0)
	}
	return p.sb.String()
}

type printer struct {
	sb   strings.Builder
	seen map[Node]int // how often a node occurs
	ids  map[Node]int // of nodes that were written and occur again
}

func (p *printer) count(n Node) {
	p.seen[n]++
	if p.seen[n] > 1 {
		return
	}
	for _, in := range n.Inputs() {
		p.count(in)
	}
}

func (p *printer) node(n Node, depth int) {
	p.sb.WriteString(strings.Repeat("  ", depth))
	if id, ok := p.ids[n]; ok {
		fmt.Fprintf(&p.sb, "#%d\n", id)
		return
	}
	p.sb.WriteString(Line(n))
	if p.seen[n] > 1 {
		p.ids[n] = len(p.ids) + 1
		fmt.Fprintf(&p.sb, " #%d", p.ids[n])
	}
	p.sb.WriteByte('\n')
	for _, in := range n.Inputs() {
		p.node(in, depth+1)
	}
}

// Line describes a node without its inputs.
func Line(n Node) string {
	switch n := n.(type) {
	case *Scan:
		return n.line()
	case *Values:
		return n.line()
	case *Filter:
		return "Filter(" + text(n.Cond, n.Input.Schema()) + ")"
	case *Project:
		return n.line()
	case *Join:
		return n.JoinKind.String() + "(" + condition(n.Cond, n.Left, n.Right) + hints(n.Hints) + ")" + nullable(n)
	case *TemporalJoin:
		return "Temporal" + n.JoinKind.String() + "(at=" + text(n.Time, n.Left.Schema()) + ", " +
			condition(n.Cond, n.Left, n.Right) + hints(n.Hints) + ")"
	case *Aggregate:
		if n.TTL != "" {
			return strings.TrimSuffix(n.line(), ")") + ", ttl=" + n.TTL + ")"
		}
		return n.line()
	case *WindowTVF:
		return "WindowTVF(" + windowText(n.Window, n.Input.Schema()) + ")"
	case *Correlate:
		return n.line()
	case *Over:
		return n.line()
	case *Match:
		return n.line()
	case *Sort:
		return "Sort(" + strings.TrimPrefix(orderText(n.Order, n.Schema())+limitText(n.From, n.To), ", ") + ")"
	case *SetOp:
		all := ""
		if n.All {
			all = " ALL"
		}
		return [...]string{"Union", "Intersect", "Except"}[n.SetKind] + all
	case *Rank:
		return n.line()
	case *Sink:
		return n.line()
	case *Collect:
		return "Collect(" + fields(n.Schema()) + ")"
	}
	if s, ok := n.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", n)
}

func (n *Scan) line() string {
	s := "Scan(" + n.Table.Path.Name
	if len(n.Columns) != len(n.Table.Columns) {
		s += ", columns=[" + strings.Join(n.Out.Names(), ", ") + "]"
	}
	var opts []string
	for k, v := range n.Options {
		if n.Table.Options[k] != v {
			opts = append(opts, k+"="+v)
		}
	}
	if len(opts) > 0 {
		slices.Sort(opts)
		s += ", options=[" + strings.Join(opts, ", ") + "]"
	}
	if len(n.Filter) > 0 {
		s += ", filter=" + text(expr.And(n.Filter), n.Out)
	}
	if n.Limit >= 0 {
		s += fmt.Sprintf(", limit=%d", n.Limit)
	}
	return s + ")"
}

func (n *Values) line() string {
	var rows []string
	for _, r := range n.Rows {
		var cells []string
		for _, e := range r {
			cells = append(cells, text(e, nil))
		}
		rows = append(rows, "("+strings.Join(cells, ", ")+")")
	}
	return "Values(" + strings.Join(rows, ", ") + "): " + fields(n.Out)
}

func (n *Project) line() string {
	in := n.Input.Schema()
	names := in.Names()
	var parts []string
	for i, e := range n.Exprs {
		s := expr.String(e, names)
		if s != n.Out[i].Name {
			s += " AS " + n.Out[i].Name
		}
		if e.Op != expr.Col || mark(in[e.Index].Type) != mark(n.Out[i].Type) {
			s += " " + typeText(n.Out[i].Type)
		}
		parts = append(parts, s)
	}
	return "Project(" + strings.Join(parts, ", ") + ")"
}

func (n *Aggregate) line() string {
	in := n.Input.Schema()
	var parts []string
	if n.Window != nil {
		parts = append(parts, "window="+windowText(*n.Window, in))
	}
	if len(n.Keys) > 0 {
		parts = append(parts, "by=["+columns(n.Keys, in)+"]")
	}
	if n.Sets != nil {
		var sets []string
		for _, s := range n.Sets {
			var names []string
			for _, k := range s {
				names = append(names, in[n.Keys[k]].Name)
			}
			sets = append(sets, "("+strings.Join(names, ", ")+")")
		}
		parts = append(parts, "sets=["+strings.Join(sets, ", ")+"]")
	}
	var calls []string
	for i, a := range n.Aggs {
		calls = append(calls, callText(a.AggCall, in)+" AS "+a.Name+" "+typeText(n.Out[len(n.Keys)+i].Type))
	}
	if len(calls) > 0 {
		parts = append(parts, strings.Join(calls, ", "))
	}
	for i, p := range n.Props {
		parts = append(parts, [...]string{"window_start", "window_end", "window_time"}[p]+" AS "+
			n.Out[len(n.Keys)+len(n.Aggs)+i].Name+" "+typeText(n.Out[len(n.Keys)+len(n.Aggs)+i].Type))
	}
	return "Aggregate(" + strings.Join(parts, ", ") + ")"
}

func (n *Correlate) line() string {
	in := n.Input.Schema()
	var args, outs []string
	for _, e := range n.Args {
		args = append(args, text(e, in))
	}
	for _, f := range n.Out[len(in):] {
		outs = append(outs, f.Name+" "+typeText(f.Type))
	}
	s := "Correlate(" + n.Func + "(" + strings.Join(args, ", ") + ")"
	if n.Ordinality {
		s += " WITH ORDINALITY"
	}
	if n.JoinKind == jobgraph.Left {
		s += ", left"
	}
	return s + ", " + strings.Join(outs, ", ") + ")"
}

func (n *Over) line() string {
	in := n.Input.Schema()
	var calls []string
	for i, c := range n.Calls {
		s := callText(c.AggCall, in)
		if f := frameText(c.Frame); f != "" {
			s += " " + f
		}
		calls = append(calls, s+" AS "+n.Out[len(in)+i].Name+" "+typeText(n.Out[len(in)+i].Type))
	}
	s := "Over("
	if len(n.Partition) > 0 {
		s += "partition=[" + columns(n.Partition, in) + "], "
	}
	if len(n.Order) > 0 {
		s += orderText(n.Order, in) + ", "
	}
	return s + strings.Join(calls, ", ") + ")"
}

func (n *Match) line() string {
	in, names := n.Input.Schema(), n.Names()
	s := "Match("
	if len(n.Partition) > 0 {
		s += "partition=[" + columns(n.Partition, in) + "], "
	}
	s += orderText(n.Order, in) + ", pattern=[" + jobgraph.PatternText(n.Vars) + "]"
	if n.Within > 0 {
		s += ", within=" + micros(n.Within)
	}
	for _, v := range n.Vars {
		if v.Cond != nil {
			s += ", " + v.Name + " IF " + expr.String(v.Cond, names)
		}
	}
	s += ", skip " + jobgraph.SkipText(n.Skip, n.SkipVar, n.Vars)
	for i, e := range n.Measures {
		out := n.Out[len(n.Partition)+i]
		s += ", " + expr.String(e, names) + " AS " + out.Name + " " + typeText(out.Type)
	}
	return s + ")"
}

func (n *Rank) line() string {
	in := n.Input.Schema()
	s := "Rank(" + [...]string{"row_number", "rank", "dense_rank"}[n.RankKind]
	if len(n.Partition) > 0 {
		s += ", partition=[" + columns(n.Partition, in) + "]"
	}
	return s + ", " + orderText(n.Order, in) + limitText(n.From, n.To) + ")"
}

func (n *Sink) line() string {
	s := "Sink(" + n.Table.Path.Name + ", " + fields(n.Schema())
	if n.Overwrite {
		s += ", overwrite"
	}
	for _, c := range n.Table.PartitionBy {
		if v, ok := n.Static[c]; ok {
			s += fmt.Sprintf(", %s='%s'", n.Table.Columns[c].Name, v)
		}
	}
	if n.Conflict != "" {
		s += ", on conflict " + strings.ToLower(n.Conflict)
	}
	return s + ")"
}

func condition(cond *expr.Expr, l, r Node) string {
	if cond == nil {
		return "TRUE"
	}
	in := slices.Concat(l.Schema(), r.Schema())
	for i := range in {
		if i >= len(l.Schema()) && l.Schema().Index(in[i].Name) >= 0 {
			in[i].Name = "right." + in[i].Name
		}
	}
	return text(cond, in)
}

func nullable(*Join) string { return "" }

func hints(list []Hint) string {
	s := ""
	for _, h := range list {
		s += ", " + h.Name
		var parts []string
		for k, v := range h.KV {
			parts = append(parts, k+"="+v)
		}
		slices.Sort(parts)
		s += "(" + strings.Join(append(slices.Clone(h.Args), parts...), ", ") + ")"
	}
	return s
}

func callText(a jobgraph.AggCall, in types.Schema) string {
	var args []string
	for _, c := range a.Args {
		args = append(args, in[c].Name)
	}
	if len(args) == 0 && a.Func == "COUNT" {
		args = []string{"*"}
	}
	s := strings.Join(args, ", ")
	if a.Distinct {
		s = "DISTINCT " + s
	}
	if len(a.Order) > 0 {
		s += " " + orderText(a.Order, in)
	}
	s = a.Func + "(" + s + ")"
	if a.Filter >= 0 {
		s += " FILTER " + in[a.Filter].Name
	}
	return s
}

func frameText(f jobgraph.Frame) string {
	bound := func(b jobgraph.FrameBound, side string) string {
		switch {
		case b.Unbounded:
			return "UNBOUNDED " + side
		case b.Offset == 0:
			return "CURRENT"
		case b.Months:
			return strconv.FormatInt(b.Offset, 10) + " MONTH"
		}
		return strconv.FormatInt(b.Offset, 10)
	}
	unit := "RANGE"
	if f.Rows {
		unit = "ROWS"
	}
	if f == (jobgraph.Frame{}) {
		return ""
	}
	return unit + " " + bound(f.From, "PRECEDING") + ".." + bound(f.To, "FOLLOWING")
}

func windowText(w jobgraph.Window, in types.Schema) string {
	s := w.WKind.String() + "("
	if w.Time >= 0 && w.Time < len(in) {
		s += in[w.Time].Name + ", "
	}
	size := micros
	if w.Months {
		size = func(n int64) string { return strconv.FormatInt(n, 10) + " months" }
	}
	s += "size=" + size(w.Size)
	if w.Slide != 0 {
		s += ", slide=" + size(w.Slide)
	}
	if w.Step != 0 {
		s += ", slide=" + micros(w.Step)
	}
	if w.OffsetMonths != 0 {
		s += ", offset=" + size(w.OffsetMonths)
	}
	if w.Offset != 0 {
		s += ", offset=" + micros(w.Offset)
	}
	if w.Zone != "" {
		s += ", zone=" + w.Zone
	}
	if w.Proctime {
		s += ", proctime"
	}
	if len(w.Session) > 0 {
		s += ", partition=[" + columns(w.Session, in) + "]"
	}
	return s + ")"
}

func micros(us int64) string {
	switch {
	case us%1_000_000 == 0:
		return fmt.Sprintf("%ds", us/1_000_000)
	case us%1000 == 0:
		return fmt.Sprintf("%dms", us/1000)
	}
	return fmt.Sprintf("%dus", us)
}

func orderText(keys []jobgraph.SortKey, in types.Schema) string {
	if len(keys) == 0 {
		return ""
	}
	var parts []string
	for _, k := range keys {
		s := in[k.Col].Name
		if k.Desc {
			s += " DESC"
		}
		if k.NullsLast != k.Desc {
			s += map[bool]string{true: " NULLS LAST", false: " NULLS FIRST"}[k.NullsLast]
		}
		parts = append(parts, s)
	}
	return "order=[" + strings.Join(parts, ", ") + "]"
}

func limitText(from, to int64) string {
	switch {
	case to >= 0:
		return fmt.Sprintf(", rows %d..%d", from, to)
	case from > 1:
		return fmt.Sprintf(", rows %d..", from)
	}
	return ""
}

func columns(list []int, in types.Schema) string {
	var names []string
	for _, c := range list {
		names = append(names, in[c].Name)
	}
	return strings.Join(names, ", ")
}

func fields(s types.Schema) string {
	var parts []string
	for _, f := range s {
		parts = append(parts, f.Name+" "+typeText(f.Type))
	}
	return strings.Join(parts, ", ")
}

// typeText is a type with its time attribute: TIMESTAMP(3)*ROWTIME*.
func typeText(t types.Type) string {
	s := t.Name() + mark(t)
	if t.NotNull {
		s += " NOT NULL"
	}
	return s
}

func mark(t types.Type) string {
	switch {
	case t.Rowtime:
		return "*ROWTIME*"
	case t.Proctime:
		return "*PROCTIME*"
	}
	return ""
}

func text(e *expr.Expr, in types.Schema) string {
	if e == nil {
		return "TRUE"
	}
	return expr.String(e, in.Names())
}
