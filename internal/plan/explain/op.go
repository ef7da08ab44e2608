package explain

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

// Op writes an operator of a job graph, given its inputs' and its output's columns.
func Op(spec jobgraph.Spec, inputs []types.Schema, out types.Schema) string {
	var names, both []string
	for i, in := range inputs {
		if i == 0 {
			names = in.Names()
		}
		both = append(both, in.Names()...)
	}
	both = distinct(both)
	outNames := out.Names()
	fields := strings.Join(outNames, ", ")
	switch s := spec.(type) {
	case *jobgraph.Calc:
		return calc(s, names, outNames)
	case *jobgraph.Expand:
		return expand(s, names)
	case *jobgraph.Values:
		return fmt.Sprintf("Values(tuples=[%d rows], fields=[%s])", len(s.Rows), fields)
	case *jobgraph.GroupAgg:
		name := [...]string{"GroupAggregate", "LocalGroupAggregate", "GlobalGroupAggregate"}[s.Phase]
		if s.Phase == jobgraph.Global {
			return name + "(" + globalArgs(s.Keys, names, outNames) + ")"
		}
		return name + "(" + GroupArgs(s.Keys, s.Aggs, names, outNames) + ")"
	case *jobgraph.WindowAgg:
		name := [...]string{"WindowAggregate", "LocalWindowAggregate", "GlobalWindowAggregate"}[s.Phase]
		if s.Phase == jobgraph.Global {
			return name + "(" + globalArgs(s.Keys, names, outNames) + ")"
		}
		late := ""
		if s.Late {
			late = ", late=[" + columns(s.LateIn, names) + "]"
		}
		return name + "(" + WindowAggArgs(s.Window, s.Keys, s.Aggs, s.Props, names, outNames) + late + fires(s.Emit) + ")"
	case *jobgraph.WindowTVF:
		return "WindowTableFunction(window=[" + Window(s.Window, names) + "])"
	case *jobgraph.Join:
		return joinOp("Join", s.JoinKind, s.LeftKeys, s.RightKeys, s.NullSafe, s.Cond, "", inputs, both, fields)
	case *jobgraph.MultiJoin:
		return fmt.Sprintf("MultiJoin(commonJoinKey=[%s], select=[%s])", commonKey(s, both), fields)
	case *jobgraph.HashJoin:
		side := "right"
		if s.BuildLeft {
			side = "left"
		}
		name := "HashJoin"
		if len(s.LeftKeys) == 0 {
			name = "NestedLoopJoin"
		}
		return joinOp(name, s.JoinKind, s.LeftKeys, s.RightKeys, s.NullSafe, s.Cond, ", build=["+side+"]"+runtimeFilter(s, inputs), inputs, both, fields)
	case *jobgraph.IntervalJoin:
		bounds := fmt.Sprintf(", windowBounds=[lower=%d ms, upper=%d ms]", s.Lower/1000, s.Upper/1000)
		return joinOp("IntervalJoin", s.JoinKind, s.LeftKeys, s.RightKeys, nil, s.Cond, bounds, inputs, both, fields)
	case *jobgraph.WindowJoin:
		l, r := inputs[0].Names(), inputs[1].Names()
		win := fmt.Sprintf(", window=[%s, %s = %s, %s]", column(s.LeftStart, l), column(s.LeftEnd, l), column(s.RightStart, r), column(s.RightEnd, r))
		return joinOp("WindowJoin", s.JoinKind, s.LeftKeys, s.RightKeys, s.NullSafe, s.Cond, win, inputs, both, fields)
	case *jobgraph.TemporalJoin:
		at := fmt.Sprintf(", time=[%s >= %s]", column(s.LeftTime, names), column(s.RightTime, inputs[1].Names()))
		return joinOp("TemporalJoin", s.JoinKind, s.LeftKeys, s.RightKeys, nil, s.Cond, at, inputs, both, fields)
	case *jobgraph.LookupJoin:
		return lookup(s, names, fields)
	case *jobgraph.CurrentJoin:
		return joinOp("TemporalJoin", s.JoinKind, s.LeftKeys, s.RightKeys, nil, s.Cond, ", time=[PROCTIME]", inputs, both, fields)
	case *jobgraph.Correlate:
		return correlate(s.Func, s.Args, s.Ordinality, s.JoinKind, names, outNames)
	case *jobgraph.Rank:
		if len(s.Order) == 0 && len(s.Partition) == 0 {
			return sortText(nil, s.From, s.To, names)
		}
		strategy := [...]string{"AppendFastStrategy", "UpdateFastStrategy", "RetractStrategy"}[s.Input]
		if s.Input == jobgraph.RankUpdateFast {
			strategy += "[" + columns(s.UniqueKey, names) + "]"
		}
		text := Rank(s.RankKind, s.Partition, s.Order, s.From, s.To, s.Number, names)
		if s.WindowEnd >= 0 {
			return "Window" + strings.Replace(text, "strategy=[]", "win_end=["+column(s.WindowEnd, names)+"]", 1)
		}
		return strings.Replace(text, "strategy=[]", "strategy=["+strategy+"]", 1)
	case *jobgraph.Dedup:
		keep, order := "FirstRow", "PROCTIME"
		if s.KeepLast {
			keep = "LastRow"
		}
		if s.Time >= 0 {
			order = "ROWTIME"
		}
		return fmt.Sprintf("Deduplicate(keep=[%s], key=[%s], order=[%s])", keep, columns(s.Keys, names), order)
	case *jobgraph.Over:
		return "OverAggregate(" + overBy(s.Partition, s.Order, names) + "select=[" + OverCalls(s.Calls, names, outNames) + "])"
	case *jobgraph.Match:
		return match(s, names, outNames)
	case *jobgraph.Sort:
		text := sortText(s.Order, s.From, s.To, names)
		if s.Time >= 0 {
			return "Temporal" + text
		}
		return text
	case *jobgraph.Limit:
		return sortText(nil, s.From, s.To, names)
	case *jobgraph.Normalize:
		return "ChangelogNormalize(key=[" + columns(s.Keys, names) + "])"
	case *jobgraph.DropBefore:
		if s.Delete {
			return "DropUpdateBefore(asDelete=[true])"
		}
		return "DropUpdateBefore()"
	case *jobgraph.Materialize:
		return "SinkMaterialize(key=[" + columns(s.Keys, names) + "])"
	case *jobgraph.Keep:
		return "Keep(key=[" + columns(s.Keys, names) + "], values=[" + strings.Join(names[len(names)-s.Values:], ", ") + "])"
	case *jobgraph.Stamp:
		return "WatermarkStamp()"
	case *jobgraph.Conflict:
		strategy := "NOTHING"
		if s.Fail {
			strategy = "ERROR"
		}
		text := "SinkConflict(key=[" + columns(s.Keys, names) + "]"
		if len(s.Unique) > 0 {
			text += ", upsertKey=[" + columns(s.Unique, names) + "]"
		}
		return text + ", strategy=[" + strategy + "])"
	case *jobgraph.Sink:
		return fmt.Sprintf("Sink(table=[%s], fields=[%s])", s.Table.Name, strings.Join(s.Table.Schema.Names(), ", "))
	case *jobgraph.Collect:
		return "Collect(fields=[" + strings.Join(names, ", ") + "])"
	}
	return spec.Kind() + "()"
}

func expand(s *jobgraph.Expand, in []string) string {
	sets := make([]string, len(s.Sets))
	for i, set := range s.Sets {
		var keys []string
		for _, k := range set.Keys {
			keys = append(keys, in[s.Keys[k]])
		}
		sets[i] = fmt.Sprintf("(%s) AS %d", strings.Join(keys, ", "), set.ID)
	}
	return "Expand(groupingSets=[" + strings.Join(sets, ", ") + "])"
}

func calc(s *jobgraph.Calc, in, out []string) string {
	sel := strings.Join(out, ", ")
	if s.Project != nil {
		sel = selects(s.Project, in, out)
	}
	if s.Filter == nil {
		return "Calc(select=[" + sel + "])"
	}
	return "Calc(select=[" + sel + "], where=[" + Expr(s.Filter, in) + "])"
}

func globalArgs(keys []int, in, out []string) string {
	s := ""
	if len(keys) > 0 {
		s = "groupBy=[" + columns(keys, in) + "], "
	}
	return s + "select=[" + strings.Join(out, ", ") + "]"
}

// commonKey writes which columns of the inputs of a MultiJoin are equal.
func commonKey(s *jobgraph.MultiJoin, names []string) string {
	var parts []string
	for k := range s.Inputs[0].Keys {
		var equal []string
		for i, in := range s.Inputs {
			equal = append(equal, column(s.At(i, in.Keys[k]), names))
		}
		parts = append(parts, strings.Join(equal, " = "))
	}
	return strings.Join(parts, ", ")
}

func joinOp(name string, kind jobgraph.JoinKind, left, right []int, safe []bool, cond *expr.Expr, extra string, inputs []types.Schema, both []string, fields string) string {
	nl := len(inputs[0])
	var where []string
	for i := range left {
		op := "="
		if safe != nil && safe[i] {
			op = "IS NOT DISTINCT FROM"
		}
		where = append(where, "("+column(left[i], both)+" "+op+" "+column(nl+right[i], both)+")")
	}
	for _, c := range expr.Conjuncts(cond) {
		where = append(where, Expr(c, both))
	}
	text := "true"
	switch len(where) {
	case 0:
	case 1:
		text = where[0]
	default:
		text = "AND(" + strings.Join(where, ", ") + ")"
	}
	return fmt.Sprintf("%s(joinType=[%s], where=[%s]%s, select=[%s])", name, joinName(kind), text, extra, fields)
}

// distinct tells equal names of a join's columns apart as Flink does: id, id0.
func distinct(names []string) []string {
	seen := map[string]bool{}
	out := make([]string, len(names))
	for i, n := range names {
		unique := n
		for k := 0; seen[unique]; k++ {
			unique = fmt.Sprintf("%s%d", n, k)
		}
		seen[unique] = true
		out[i] = unique
	}
	return out
}

// fires writes when a window is told besides at its end, as Flink does.
func fires(e *jobgraph.WindowEmit) string {
	if e == nil {
		return ""
	}
	delay := func(ms int64) string {
		if ms == 0 {
			return "no delay"
		}
		return fmt.Sprintf("delay %d millisecond", ms)
	}
	var parts []string
	if e.EarlyMs >= 0 {
		parts = append(parts, "early "+delay(e.EarlyMs))
	}
	if e.LateMs >= 0 {
		parts = append(parts, "late "+delay(e.LateMs))
	}
	return ", emit=[" + strings.Join(parts, ", ") + "]"
}

// runtimeFilter names the columns whose values a hash join tells to scans.
func runtimeFilter(s *jobgraph.HashJoin, inputs []types.Schema) string {
	if len(s.Filters) == 0 || len(inputs) < 2 {
		return ""
	}
	var names []string
	for _, f := range s.Filters {
		if s.BuildLeft {
			names = append(names, inputs[0][s.LeftKeys[f.Key]].Name)
		} else {
			names = append(names, inputs[1][s.RightKeys[f.Key]].Name)
		}
	}
	return ", runtimeFilter=[" + strings.Join(names, ", ") + "]"
}
