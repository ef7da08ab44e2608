package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// prune leaves out the columns that nobody reads, from the roots down to the
// scans. It first collects what the receivers of each relation need of it, all of
// them together, then builds the plan anew with the columns renumbered.
func prune(c *context, job *logical.Job) {
	p := &pruner{c: c, needs: map[logical.Node]map[int]bool{}, done: map[logical.Node]pruned{}}
	order := inputsLast(job)
	for _, root := range job.Roots {
		p.all(root)
	}
	for _, n := range order {
		p.ask(n)
	}
	for i, root := range job.Roots {
		job.Roots[i] = p.build(root).node
	}
}

// inputsLast lists the nodes of a job, each before its inputs.
func inputsLast(job *logical.Job) []logical.Node {
	var out []logical.Node
	seen := map[logical.Node]bool{}
	var visit func(n logical.Node)
	visit = func(n logical.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, in := range n.Inputs() {
			visit(in)
		}
		out = append(out, n)
	}
	for _, r := range job.Roots {
		visit(r)
	}
	slices.Reverse(out)
	return out
}

// pruned is a relation without what nobody reads: to maps its old columns to the
// new ones, -1 for those that are gone.
type pruned struct {
	node logical.Node
	to   []int
}

func (p pruned) expr(e *expr.Expr) *expr.Expr {
	return expr.Remap(e, func(c int) int { return p.to[c] })
}

func (p pruned) cols(list []int) []int {
	if list == nil {
		return nil
	}
	out := make([]int, len(list))
	for i, c := range list {
		out[i] = p.to[c]
	}
	return out
}

func (p pruned) order(list []jobgraph.SortKey) []jobgraph.SortKey {
	out := slices.Clone(list)
	for i := range out {
		out[i].Col = p.to[out[i].Col]
	}
	return out
}

type pruner struct {
	c     *context
	needs map[logical.Node]map[int]bool
	done  map[logical.Node]pruned
}

func (p *pruner) need(n logical.Node, cols ...int) {
	if p.needs[n] == nil {
		p.needs[n] = map[int]bool{}
	}
	for _, c := range cols {
		p.needs[n][c] = true
	}
}

func (p *pruner) all(n logical.Node) { p.need(n, upTo(len(n.Schema()))...) }

func (p *pruner) wanted(n logical.Node) []int {
	var out []int
	for c := range n.Schema() {
		if p.needs[n][c] {
			out = append(out, c)
		}
	}
	return out
}

func (p *pruner) exprs(n logical.Node, list ...*expr.Expr) {
	for _, e := range list {
		if e != nil {
			p.need(n, expr.Columns(e)...)
		}
	}
}

func (p *pruner) orders(n logical.Node, order []jobgraph.SortKey) {
	for _, k := range order {
		p.need(n, k.Col)
	}
}

func (p *pruner) call(n logical.Node, a jobgraph.AggCall) {
	p.need(n, a.Args...)
	if a.Filter >= 0 {
		p.need(n, a.Filter)
	}
	p.orders(n, a.Order)
}

// ask tells n's inputs what n needs of them; n's receivers have all spoken.
func (p *pruner) ask(n logical.Node) {
	p.need(n)
	wanted := p.wanted(n)
	if len(wanted) == 0 && len(n.Schema()) > 0 { // rows need a column to be counted
		wanted = []int{cheapest(n)}
		p.need(n, wanted...)
	}
	below := func(in logical.Node, at int) {
		for _, c := range wanted {
			if c >= at && c-at < len(in.Schema()) {
				p.need(in, c-at)
			}
		}
	}
	switch n := n.(type) {
	case *logical.Scan:
		if p.c.Changes != nil && p.c.Changes(n) {
			for i, c := range n.Columns {
				if has(n.Table.PrimaryKey, c) {
					p.need(n, i)
				}
			}
		}
	case *logical.Filter:
		below(n.Input, 0)
		p.exprs(n.Input, n.Cond)
	case *logical.Project:
		p.need(n.Input)
		for _, c := range wanted {
			p.exprs(n.Input, n.Exprs[c])
		}
	case *logical.Join:
		nl := len(n.Left.Schema())
		below(n.Left, 0)
		if n.JoinKind != jobgraph.Semi && n.JoinKind != jobgraph.Anti {
			below(n.Right, nl)
		}
		p.both(n.Left, n.Right, n.Cond)
		if w := n.Window; w != nil {
			p.need(n.Left, w.LeftStart, w.LeftEnd)
			p.need(n.Right, w.RightStart, w.RightEnd)
		}
		if i := n.Interval; i != nil {
			p.need(n.Left, i.LeftTime)
			p.need(n.Right, i.RightTime)
		}
	case *logical.TemporalJoin:
		nl := len(n.Left.Schema())
		below(n.Left, 0)
		below(n.Right, nl)
		p.both(n.Left, n.Right, n.Cond)
		p.exprs(n.Left, n.Time)
		for c, f := range n.Right.Schema() { // the version's time
			if f.Type.Rowtime {
				p.need(n.Right, c)
			}
		}
	case *logical.Aggregate:
		p.need(n.Input, n.Keys...)
		for i, a := range n.Aggs {
			if p.keepsCall(n, i) {
				p.call(n.Input, a.AggCall)
			}
		}
		if w := n.Window; w != nil {
			p.window(n.Input, *w)
		}
		if n.Late != nil {
			p.need(n.Input, n.Late.Cols...)
		}
	case *logical.WindowTVF:
		below(n.Input, 0)
		p.window(n.Input, n.Window)
	case *logical.Correlate:
		below(n.Input, 0)
		p.need(n.Input)
		p.exprs(n.Input, n.Args...)
	case *logical.Over:
		below(n.Input, 0)
		p.need(n.Input, n.Partition...)
		p.orders(n.Input, n.Order)
		for i, call := range n.Calls {
			if p.needs[n][len(n.Input.Schema())+i] {
				p.call(n.Input, call.AggCall)
			}
		}
	case *logical.Match:
		p.need(n.Input)
		p.needMatch(n)
	case *logical.Sort:
		below(n.Input, 0)
		p.orders(n.Input, n.Order)
	case *logical.Rank:
		below(n.Input, 0)
		p.need(n.Input, n.Partition...)
		p.orders(n.Input, n.Order)
		if n.Window != nil {
			p.need(n.Input, n.Window.Start, n.Window.End)
		}
	case *logical.SetOp:
		for _, in := range n.In {
			if n.All && n.SetKind == logical.Union {
				below(in, 0)
			} else {
				p.all(in)
			}
		}
	default:
		for _, in := range n.Inputs() {
			p.all(in)
		}
	}
}

func (p *pruner) both(left, right logical.Node, cond *expr.Expr) {
	p.need(left)
	p.need(right)
	if cond == nil {
		return
	}
	nl := len(left.Schema())
	for _, c := range expr.Columns(cond) {
		if c < nl {
			p.need(left, c)
		} else {
			p.need(right, c-nl)
		}
	}
}

func (p *pruner) window(in logical.Node, w jobgraph.Window) {
	if w.Time >= 0 {
		p.need(in, w.Time)
	} else {
		p.need(in, w.Start, w.End)
	}
	p.need(in, w.Session...)
}

// keepsCall reports whether a call of an aggregate is read.
func (p *pruner) keepsCall(n *logical.Aggregate, i int) bool { return p.needs[n][len(n.Keys)+i] }

// cheapest is the column that costs least to keep.
func cheapest(n logical.Node) int {
	if a, ok := n.(*logical.Aggregate); ok && len(a.Keys) > 0 {
		return 0
	}
	for i, f := range n.Schema() {
		if f.Type.Phys() < types.PhysInt128 {
			return i
		}
	}
	return 0
}

func pick1[T any](list []T, keep []int) []T {
	out := make([]T, 0, len(keep))
	for _, i := range keep {
		out = append(out, list[i])
	}
	return out
}

// gone is a mapping in which only the columns of keep are left.
func gone(width int, keep []int) []int {
	to := make([]int, width)
	for i := range to {
		to[i] = -1
	}
	for i, c := range keep {
		to[c] = i
	}
	return to
}

// trimmed builds an input and projects it to the columns that are needed, for
// receivers that keep or send whole rows.
func (p *pruner) trimmed(in logical.Node) pruned {
	b := p.build(in)
	wanted := p.wanted(in)
	schema := b.node.Schema()
	if len(wanted) == len(schema) {
		return b
	}
	exprs := []*expr.Expr{}
	out := types.Schema{}
	for _, c := range wanted {
		exprs = append(exprs, expr.Column(b.to[c], schema[b.to[c]].Type))
		out = append(out, schema[b.to[c]])
	}
	if pr, ok := b.node.(*logical.Project); ok {
		return pruned{&logical.Project{Input: pr.Input, Exprs: pick1(pr.Exprs, b.cols(wanted)), Out: out}, gone(len(in.Schema()), wanted)}
	}
	return pruned{&logical.Project{Input: b.node, Exprs: exprs, Out: out}, gone(len(in.Schema()), wanted)}
}

// exact builds an input with just its old columns in their order.
func (p *pruner) exact(in logical.Node) logical.Node { return p.trimmed(in).node }

func (p *pruner) build(n logical.Node) pruned {
	if out, ok := p.done[n]; ok {
		return out
	}
	out := p.fresh(n)
	p.done[n] = out
	return out
}

func (p *pruner) fresh(n logical.Node) pruned {
	switch n := n.(type) {
	case *logical.Scan:
		return p.scan(n)
	case *logical.Values:
		return p.values(n)
	case *logical.Filter:
		in := p.build(n.Input)
		return pruned{&logical.Filter{Input: in.node, Cond: in.expr(n.Cond)}, in.to}
	case *logical.Project:
		return p.project(n)
	case *logical.Join:
		return p.join(n)
	case *logical.TemporalJoin:
		l, r := p.trimmed(n.Left), p.trimmed(n.Right)
		out := *n
		out.Left, out.Right = l.node, r.node
		to, keep := sides(l, r)
		out.Out = pick1(n.Out, keep)
		out.Time = l.expr(n.Time)
		if n.Cond != nil {
			out.Cond = pruned{to: to}.expr(n.Cond)
		}
		return pruned{&out, to}
	case *logical.Aggregate:
		return p.aggregate(n)
	case *logical.WindowTVF:
		in := p.trimmed(n.Input)
		out := *n
		out.Input, out.Window = in.node, in.window(n.Window)
		return withAdded(&out.Out, &out, in, n.Out, len(n.Input.Schema()), []int{0, 1, 2})
	case *logical.Correlate:
		return p.correlate(n)
	case *logical.Over:
		return p.over(n)
	case *logical.Match:
		return p.match(n)
	case *logical.Sort:
		in := p.trimmed(n.Input)
		return pruned{&logical.Sort{Input: in.node, Order: in.order(n.Order), From: n.From, To: n.To, Pos: n.Pos}, in.to}
	case *logical.Rank:
		in := p.trimmed(n.Input)
		out := *n
		out.Input, out.Partition, out.Order = in.node, in.cols(n.Partition), in.order(n.Order)
		if n.Window != nil {
			w := *n.Window
			w.Start, w.End = in.to[w.Start], in.to[w.End]
			out.Window = &w
		}
		k := len(n.Input.Schema())
		var added []int
		if n.Number && p.needs[n][k] {
			added = []int{0}
		}
		out.Number = len(added) > 0
		return withAdded(&out.Out, &out, in, n.Out, k, added)
	case *logical.SetOp:
		return p.setOp(n)
	}
	inputs := make([]logical.Node, len(n.Inputs()))
	for i, in := range n.Inputs() {
		inputs[i] = p.exact(in)
	}
	return pruned{n.With(inputs), upTo(len(n.Schema()))}
}

func (p *pruner) scan(n *logical.Scan) pruned {
	keep := p.wanted(n)
	out := *n
	out.Columns, out.Out = pick1(n.Columns, keep), pick1(n.Out, keep)
	res := pruned{&out, gone(len(n.Out), keep)}
	out.Filter = nil
	for _, e := range n.Filter { // the filter above reads the same columns, so they are kept
		if only(e, keep) {
			out.Filter = append(out.Filter, res.expr(e))
		}
	}
	return res
}

func (p *pruner) values(n *logical.Values) pruned {
	keep := p.wanted(n)
	out := &logical.Values{Out: pick1(n.Out, keep)}
	for _, row := range n.Rows {
		out.Rows = append(out.Rows, pick1(row, keep))
	}
	return pruned{out, gone(len(n.Out), keep)}
}

func (p *pruner) project(n *logical.Project) pruned {
	in := p.build(n.Input)
	keep := p.wanted(n)
	out := &logical.Project{Input: in.node, Exprs: []*expr.Expr{}, Out: pick1(n.Out, keep)}
	for _, c := range keep {
		out.Exprs = append(out.Exprs, in.expr(n.Exprs[c]))
	}
	return pruned{out, gone(len(n.Out), keep)}
}

// sides maps the columns of two relations side by side; keep are those left.
func sides(l, r pruned) (to, keep []int) {
	to = slices.Clone(l.to)
	width := len(l.node.Schema())
	for _, c := range r.to {
		if c >= 0 {
			c += width
		}
		to = append(to, c)
	}
	for c, t := range to {
		if t >= 0 {
			keep = append(keep, c)
		}
	}
	return to, keep
}

func (p *pruner) join(n *logical.Join) pruned {
	l, r := p.trimmed(n.Left), p.trimmed(n.Right)
	out := *n
	out.Left, out.Right = l.node, r.node
	to, keep := sides(l, r)
	if n.Cond != nil {
		out.Cond = pruned{to: to}.expr(n.Cond)
	}
	if w := n.Window; w != nil {
		c := *w
		c.LeftStart, c.LeftEnd, c.RightStart, c.RightEnd = l.to[w.LeftStart], l.to[w.LeftEnd], r.to[w.RightStart], r.to[w.RightEnd]
		out.Window = &c
	}
	if i := n.Interval; i != nil {
		c := *i
		c.LeftTime, c.RightTime = l.to[i.LeftTime], r.to[i.RightTime]
		out.Interval = &c
	}
	if n.JoinKind == jobgraph.Semi || n.JoinKind == jobgraph.Anti {
		to, keep = l.to, nil
		for c, t := range to {
			if t >= 0 {
				keep = append(keep, c)
			}
		}
	}
	out.Out = pick1(n.Out, keep)
	return pruned{&out, to}
}

func (p pruned) window(w jobgraph.Window) jobgraph.Window {
	if w.Time >= 0 {
		w.Time = p.to[w.Time]
	} else {
		w.Start, w.End = p.to[w.Start], p.to[w.End]
	}
	w.Session = p.cols(w.Session)
	return w
}

func (p pruned) call(a jobgraph.AggCall) jobgraph.AggCall {
	a.Args = p.cols(a.Args)
	if a.Filter >= 0 {
		a.Filter = p.to[a.Filter]
	}
	if a.Order != nil {
		a.Order = p.order(a.Order)
	}
	return a
}

func (p *pruner) aggregate(n *logical.Aggregate) pruned {
	in := p.trimmed(n.Input)
	out := *n
	out.Input, out.Keys = in.node, in.cols(n.Keys)
	keep := upTo(len(n.Keys))
	out.Aggs, out.Props = nil, nil
	for i, a := range n.Aggs {
		if p.keepsCall(n, i) {
			keep = append(keep, len(n.Keys)+i)
			a.AggCall = in.call(a.AggCall)
			out.Aggs = append(out.Aggs, a)
		}
	}
	for i, prop := range n.Props {
		if c := len(n.Keys) + len(n.Aggs) + i; p.needs[n][c] {
			keep = append(keep, c)
			out.Props = append(out.Props, prop)
		}
	}
	if n.Window != nil {
		w := in.window(*n.Window)
		out.Window = &w
	}
	if n.Late != nil {
		late := *n.Late
		late.Cols = in.cols(late.Cols)
		out.Late = &late
	}
	if n.Sets != nil {
		keep = append(keep, len(n.Out)-1)
	}
	out.Out = pick1(n.Out, keep)
	return pruned{&out, gone(len(n.Out), keep)}
}

// withAdded finishes a node that appends columns to its input's.
func withAdded(schema *types.Schema, node logical.Node, in pruned, old types.Schema, width int, added []int) pruned {
	to := slices.Clone(in.to)
	for len(to) < len(old) {
		to = append(to, -1)
	}
	next := len(in.node.Schema())
	out := make(types.Schema, next)
	for c := range width {
		if in.to[c] >= 0 {
			out[in.to[c]] = old[c]
		}
	}
	for _, a := range added {
		to[width+a] = next
		out = append(out, old[width+a])
		next++
	}
	*schema = out
	return pruned{node, to}
}

func (p *pruner) over(n *logical.Over) pruned {
	in := p.trimmed(n.Input)
	k := len(n.Input.Schema())
	var added []int
	out := *n
	out.Calls = nil
	for i, c := range n.Calls {
		if p.needs[n][k+i] {
			added = append(added, i)
			c.AggCall = in.call(c.AggCall)
			out.Calls = append(out.Calls, c)
		}
	}
	if len(added) == 0 {
		return in
	}
	out.Input, out.Partition, out.Order = in.node, in.cols(n.Partition), in.order(n.Order)
	return withAdded(&out.Out, &out, in, n.Out, k, added)
}

// correlate gives up the ordinality when nobody reads it; the function's columns
// come together.
func (p *pruner) correlate(n *logical.Correlate) pruned {
	in := p.trimmed(n.Input)
	out := *n
	out.Input, out.Args = in.node, make([]*expr.Expr, len(n.Args))
	for i, e := range n.Args {
		out.Args[i] = in.expr(e)
	}
	k := len(n.Input.Schema())
	added := upTo(len(n.Out) - k)
	if n.Ordinality && !p.needs[n][len(n.Out)-1] {
		out.Ordinality, added = false, added[:len(added)-1]
	}
	return withAdded(&out.Out, &out, in, n.Out, k, added)
}

func (p *pruner) setOp(n *logical.SetOp) pruned {
	out := *n
	out.In = make([]logical.Node, len(n.In))
	keep := p.wanted(n)
	if !n.All || n.SetKind != logical.Union {
		keep = upTo(len(n.Out))
	}
	for i, in := range n.In {
		b := p.trimmed(in)
		out.In[i] = project(b, keep)
	}
	out.Out = pick1(n.Out, keep)
	return pruned{&out, gone(len(n.Out), keep)}
}

// project brings a relation to just these old columns, in this order.
func project(b pruned, keep []int) logical.Node {
	schema := b.node.Schema()
	same := len(schema) == len(keep)
	exprs := []*expr.Expr{}
	out := types.Schema{}
	for i, c := range keep {
		same = same && b.to[c] == i
		exprs = append(exprs, expr.Column(b.to[c], schema[b.to[c]].Type))
		out = append(out, schema[b.to[c]])
	}
	if same {
		return b.node
	}
	return &logical.Project{Input: b.node, Exprs: exprs, Out: out}
}
