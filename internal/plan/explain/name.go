package explain

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// Node writes one relation of a logical tree as Flink's plans and messages do:
// GroupAggregate(groupBy=[a], select=[a, COUNT(*) AS n]).
func Node(n logical.Node) string {
	var in types.Schema
	if inputs := n.Inputs(); len(inputs) > 0 {
		in = inputs[0].Schema()
	}
	names := in.Names()
	switch n := n.(type) {
	case *logical.Scan:
		return scan(n)
	case *logical.Values:
		return fmt.Sprintf("Values(tuples=[%d rows], fields=[%s])", len(n.Rows), strings.Join(n.Out.Names(), ", "))
	case *logical.Filter:
		return fmt.Sprintf("Calc(select=[%s], where=[%s])", strings.Join(names, ", "), Expr(n.Cond, names))
	case *logical.Project:
		return fmt.Sprintf("Calc(select=[%s])", selects(n.Exprs, names, n.Out.Names()))
	case *logical.Aggregate:
		return aggregate(n, names)
	case *logical.WindowTVF:
		return fmt.Sprintf("WindowTableFunction(window=[%s])", Window(n.Window, names))
	case *logical.Join:
		return join(n)
	case *logical.TemporalJoin:
		both := distinct(append(names, n.Right.Schema().Names()...))
		return fmt.Sprintf("TemporalJoin(joinType=[%s], where=[%s], time=[%s])", joinName(n.JoinKind), condition(n.Cond, both), Expr(n.Time, names))
	case *logical.Correlate:
		return correlate(n.Func, n.Args, n.Ordinality, n.JoinKind, names, n.Out.Names())
	case *logical.Over:
		return fmt.Sprintf("OverAggregate(%sselect=[%s])", overBy(n.Partition, n.Order, names), OverCalls(n.Calls, names, n.Out.Names()))
	case *logical.Match:
		return match(&jobgraph.Match{Partition: n.Partition, Order: n.Order, Vars: n.Vars, Skip: n.Skip, SkipVar: n.SkipVar,
			Within: n.Within, Refs: n.Refs, Measures: n.Measures}, names, n.Out.Names())
	case *logical.Sort:
		return sortText(n.Order, n.From, n.To, names)
	case *logical.Rank:
		return Rank(n.RankKind, n.Partition, n.Order, n.From, n.To, n.Number, names)
	case *logical.SetOp:
		kind := [...]string{"Union", "Intersect", "Except"}[n.SetKind]
		return fmt.Sprintf("%s(all=[%t], union=[%s])", kind, n.All, strings.Join(n.Out.Names(), ", "))
	case *logical.Sink:
		p := n.Table.Path
		return fmt.Sprintf("Sink(table=[%s.%s.%s], fields=[%s])", p.Catalog, p.Database, p.Name, strings.Join(names, ", "))
	case *logical.Collect:
		return fmt.Sprintf("Collect(fields=[%s])", strings.Join(names, ", "))
	}
	s := fmt.Sprintf("%T", n)
	return s[strings.LastIndexByte(s, '.')+1:] + "()"
}

// correlate writes the call as Flink does: UNNEST is a function of its own there,
// and the columns of the outer row belong to $cor0.
func correlate(name string, args []*expr.Expr, ordinality bool, kind jobgraph.JoinKind, in, out []string) string {
	outer := make([]string, len(in))
	for i, n := range in {
		outer[i] = "$cor0." + n
	}
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = Expr(a, outer)
	}
	switch {
	case name == "UNNEST" && ordinality:
		name = "$UNNEST_ROWS_WITH_ORDINALITY$1"
	case name == "UNNEST":
		name = "$UNNEST_ROWS$1"
	case ordinality:
		name += "_WITH_ORDINALITY"
	}
	join := "INNER"
	if kind == jobgraph.Left {
		join = "LEFT"
	}
	return fmt.Sprintf("Correlate(invocation=[%s(%s)], joinType=[%s], select=[%s])", name, strings.Join(list, ", "), join, strings.Join(out, ", "))
}

func scan(n *logical.Scan) string {
	p := n.Table.Path
	s := fmt.Sprintf("TableSourceScan(table=[[%s, %s, %s", p.Catalog, p.Database, p.Name)
	if len(n.Filter) > 0 {
		s += ", filter=[" + Expr(expr.And(n.Filter), n.Out.Names()) + "]"
	}
	if n.Limit >= 0 {
		s += fmt.Sprintf(", limit=[%d]", n.Limit)
	}
	return s + "]], fields=[" + strings.Join(n.Out.Names(), ", ") + "])"
}

func condition(cond *expr.Expr, names []string) string {
	if cond == nil {
		return "true"
	}
	return Expr(cond, names)
}

func joinName(k jobgraph.JoinKind) string { return k.String() }

func join(n *logical.Join) string {
	both := distinct(append(n.Left.Schema().Names(), n.Right.Schema().Names()...))
	name := "Join"
	extra := ""
	switch {
	case n.Window != nil:
		name = "WindowJoin"
	case n.Interval != nil:
		name = "IntervalJoin"
		extra = fmt.Sprintf(", windowBounds=[lower=%d ms, upper=%d ms]", n.Interval.Lower/1000, n.Interval.Upper/1000)
	}
	return fmt.Sprintf("%s(joinType=[%s], where=[%s]%s, select=[%s])", name, joinName(n.JoinKind), condition(n.Cond, both), extra, strings.Join(n.Out.Names(), ", "))
}

func aggregate(n *logical.Aggregate, names []string) string {
	aggs := make([]jobgraph.AggCall, len(n.Aggs))
	for i, a := range n.Aggs {
		aggs[i] = a.AggCall
	}
	if n.Window != nil {
		return "WindowAggregate(" + WindowAggArgs(*n.Window, n.Keys, aggs, n.Props, names, n.Out.Names()) + ")"
	}
	s := "GroupAggregate("
	if n.Sets != nil {
		var sets []string
		for _, set := range n.Sets {
			var cols []int
			for _, k := range set {
				cols = append(cols, n.Keys[k])
			}
			sets = append(sets, "{"+columns(cols, names)+"}")
		}
		s += "groupingSets=[" + strings.Join(sets, ", ") + "], "
	}
	return s + GroupArgs(n.Keys, aggs, names, n.Out.Names()) + ")"
}

// GroupArgs is groupBy=[…], select=[…] of an aggregate.
func GroupArgs(keys []int, aggs []jobgraph.AggCall, in, out []string) string {
	s := ""
	if len(keys) > 0 {
		s = "groupBy=[" + columns(keys, in) + "], "
	}
	parts := keysAs(keys, in, out)
	for i, a := range aggs {
		parts = append(parts, as(Call(a, in), column(len(keys)+i, out)))
	}
	return s + "select=[" + strings.Join(parts, ", ") + "]"
}

// WindowAggArgs is groupBy=[…], window=[…], select=[…] of a window aggregate.
func WindowAggArgs(w jobgraph.Window, keys []int, aggs []jobgraph.AggCall, props []jobgraph.WindowProp, in, out []string) string {
	s := ""
	if len(keys) > 0 {
		s = "groupBy=[" + columns(keys, in) + "], "
	}
	parts := keysAs(keys, in, out)
	for i, a := range aggs {
		parts = append(parts, as(Call(a, in), column(len(keys)+i, out)))
	}
	for i, p := range props {
		name := [...]string{"start", "end", "rowtime"}[p]
		parts = append(parts, as(name+"('w$)", column(len(keys)+len(aggs)+i, out)))
	}
	return s + "window=[" + Window(w, in) + "], select=[" + strings.Join(parts, ", ") + "]"
}

func keysAs(keys []int, in, out []string) []string {
	var parts []string
	for i, k := range keys {
		parts = append(parts, as(column(k, in), column(i, out)))
	}
	return parts
}

func as(text, name string) string {
	if text == name || strings.HasPrefix(name, "$") {
		return text
	}
	return text + " AS " + name
}

// Call writes an aggregate call.
func Call(a jobgraph.AggCall, in []string) string {
	args := columns(a.Args, in)
	for i, c := range a.Consts {
		if c != nil && i < len(a.Args) {
			list := strings.Split(args, ", ")
			if s, ok := c.(string); ok {
				c = "'" + s + "'"
			}
			list[i] = fmt.Sprint(c)
			args = strings.Join(list, ", ")
		}
	}
	if len(a.Args) == 0 && a.Func == "COUNT" {
		args = "*"
	}
	if a.Distinct {
		args = "DISTINCT " + args
	}
	if len(a.Order) > 0 {
		args += " ORDER BY " + orderText(a.Order, in)
	}
	s := a.Func + "(" + args + ")"
	if a.Filter >= 0 {
		s += " FILTER " + column(a.Filter, in)
	}
	return s
}

// Window writes a window.
func Window(w jobgraph.Window, in []string) string {
	ms := func(us int64) string { return fmt.Sprintf("%d ms", us/1000) }
	size := ms
	if w.Months {
		size = func(n int64) string { return fmt.Sprintf("%d months", n) }
	}
	step := size(w.Slide)
	if w.Step > 0 {
		step = ms(w.Step)
	}
	by := "time_col=[" + column(w.Time, in) + "]"
	if w.Time < 0 {
		by = "win_start=[" + column(w.Start, in) + "], win_end=[" + column(w.End, in) + "]"
	}
	if w.Proctime {
		by += ", proctime"
	}
	s := w.WKind.String() + "(" + by
	switch w.WKind {
	case jobgraph.Session:
		if len(w.Session) > 0 {
			s += ", partition_keys=[" + columns(w.Session, in) + "]"
		}
		s += ", gap=[" + ms(w.Size)
	case jobgraph.Hop:
		s += ", slide=[" + step + "], size=[" + size(w.Size)
	case jobgraph.Cumulate:
		s += ", step=[" + step + "], max_size=[" + size(w.Size)
	default:
		s += ", size=[" + size(w.Size)
	}
	if w.OffsetMonths != 0 {
		s += "], offset=[" + size(w.OffsetMonths)
	}
	if w.Offset != 0 {
		s += "], offset=[" + ms(w.Offset)
	}
	return s + "])"
}

func orderText(order []jobgraph.SortKey, names []string) string {
	var parts []string
	for _, k := range order {
		s := column(k.Col, names)
		if k.Desc {
			s += " DESC"
		} else {
			s += " ASC"
		}
		if k.NullsLast != k.Desc {
			s += map[bool]string{true: " NULLS LAST", false: " NULLS FIRST"}[k.NullsLast]
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func overBy(partition []int, order []jobgraph.SortKey, names []string) string {
	s := ""
	if len(partition) > 0 {
		s += "partitionBy=[" + columns(partition, names) + "], "
	}
	if len(order) > 0 {
		s += "orderBy=[" + orderText(order, names) + "], "
	}
	return s
}

// OverBy is partitionBy=[…], orderBy=[…] with a comma after each.
func OverBy(partition []int, order []jobgraph.SortKey, names []string) string {
	return overBy(partition, order, names)
}

// OverCalls is the select list of an OVER aggregate.
func OverCalls(calls []jobgraph.OverCall, in, out []string) string {
	parts := append([]string(nil), in...)
	for i, c := range calls {
		parts = append(parts, as(Call(c.AggCall, in)+" "+frame(c.Frame), column(len(in)+i, out)))
	}
	return strings.Join(parts, ", ")
}

func months(b jobgraph.FrameBound) string {
	if b.Months {
		return " MONTH"
	}
	return ""
}

func frame(f jobgraph.Frame) string {
	bound := func(b jobgraph.FrameBound, word string) string {
		switch {
		case b.Unbounded:
			return "UNBOUNDED " + word
		case b.Offset == 0:
			return "CURRENT ROW"
		case b.Offset < 0:
			return fmt.Sprintf("%d%s PRECEDING", -b.Offset, months(b))
		}
		return fmt.Sprintf("%d%s FOLLOWING", b.Offset, months(b))
	}
	unit := "RANGE"
	if f.Rows {
		unit = "ROWS"
	}
	return unit + " BETWEEN " + bound(f.From, "PRECEDING") + " AND " + bound(f.To, "FOLLOWING")
}

// Rank writes a Top-N.
func Rank(kind jobgraph.RankKind, partition []int, order []jobgraph.SortKey, from, to int64, number bool, names []string) string {
	name := [...]string{"ROW_NUMBER", "RANK", "DENSE_RANK"}[kind]
	sel := strings.Join(names, ", ")
	if number {
		sel += ", w0$o0"
	}
	return fmt.Sprintf("Rank(strategy=[%s], rankType=[%s], rankRange=[%s], %sselect=[%s])",
		"", name, rankRange(from, to), overBy(partition, order, names), sel)
}

func rankRange(from, to int64) string {
	if to < 0 {
		return fmt.Sprintf("rankStart=%d", from)
	}
	return fmt.Sprintf("rankStart=%d, rankEnd=%d", from, to)
}

func sortText(order []jobgraph.SortKey, from, to int64, names []string) string {
	limit := ""
	if from > 1 {
		limit += fmt.Sprintf(", offset=[%d]", from-1)
	}
	if to >= 0 {
		limit += fmt.Sprintf(", fetch=[%d]", max(0, to-max(from, 1)+1))
	}
	switch {
	case len(order) == 0:
		return "Limit(" + strings.TrimPrefix(limit, ", ") + ")"
	case limit != "":
		return "SortLimit(orderBy=[" + orderText(order, names) + "]" + limit + ")"
	}
	return "Sort(orderBy=[" + orderText(order, names) + "])"
}

func selects(exprs []*expr.Expr, in, out []string) string {
	parts := make([]string, len(exprs))
	for i, e := range exprs {
		parts[i] = as(Expr(e, in), column(i, out))
	}
	return strings.Join(parts, ", ")
}
