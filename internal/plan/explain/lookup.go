package explain

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// lookup writes a lookup join as Flink does: the table, the keys by which it is asked,
// and how.
func lookup(s *jobgraph.LookupJoin, names []string, fields string) string {
	src := s.Source
	var right []string // of the rows that leave the Calc
	for i := range s.RightTypes {
		name := fmt.Sprintf("$%d", len(names)+i)
		if p := s.Calc.Project[i]; p.Op == expr.Col {
			name = src.Output[p.Index].Name
		}
		right = append(right, name)
	}
	both := distinct(append(append([]string(nil), names...), right...))
	var keys []string
	for i, k := range s.LeftKeys {
		keys = append(keys, fmt.Sprintf("%s=%s", right[s.RightKeys[i]], column(k, names)))
	}
	out := fmt.Sprintf("LookupJoin(table=[%s], joinType=[%s], lookup=[%s]", strings.ReplaceAll(src.Table.Name, ".", ", "), joinName(s.JoinKind), strings.Join(keys, ", "))
	var where []string
	if s.Calc.Filter != nil {
		where = append(where, Expr(s.Calc.Filter, src.Output.Names()))
	}
	if s.Cond != nil {
		where = append(where, Expr(s.Cond, both))
	}
	if len(where) > 0 {
		out += ", where=[" + strings.Join(where, ", ") + "]"
	}
	out += ", select=[" + fields + "]"
	if how := lookupHow(s); how != "" {
		out += ", " + how
	}
	return out + ")"
}

func lookupHow(s *jobgraph.LookupJoin) string {
	var out []string
	switch s.Cache.Kind {
	case connect.CacheFull:
		out = append(out, "cache=[FULL]")
	case connect.CachePartial:
		out = append(out, "cache=[PARTIAL]")
	}
	if s.Capacity > 0 {
		mode := "ORDERED"
		if !s.Ordered {
			mode = "UNORDERED"
		}
		out = append(out, fmt.Sprintf("async=[%s, %d ms, %d]", mode, s.TimeoutMs, s.Capacity))
	}
	if s.RetryMax > 0 {
		out = append(out, fmt.Sprintf("retry=[lookup_miss, FIXED_DELAY, %d ms, %d]", s.RetryDelayMs, s.RetryMax))
	}
	if s.Keep {
		out = append(out, "upsertMaterialize=[true]")
	}
	return strings.Join(out, ", ")
}
