package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// match writes MATCH_RECOGNIZE as Flink's plans do.
func match(m *jobgraph.Match, in, out []string) string {
	names := append(slices.Clone(in), jobgraph.MatchNames(m.Refs, m.Vars, in)...)
	s := "Match(" + overBy(m.Partition, m.Order, in)
	if len(m.Measures) > 0 {
		s += "measures=[" + selects(m.Measures, names, out[len(m.Partition):]) + "], "
	}
	s += "rowsPerMatch=[ONE ROW PER MATCH], after=[SKIP " + jobgraph.SkipText(m.Skip, m.SkipVar, m.Vars) + "], pattern=[" + jobgraph.PatternText(m.Vars) + "]"
	if m.Within > 0 {
		s += fmt.Sprintf(", within=[%d ms]", m.Within/1000)
	}
	var defines []string
	for _, v := range m.Vars {
		if v.Cond != nil {
			defines = append(defines, v.Name+"="+Expr(v.Cond, names))
		}
	}
	return s + ", define=[{" + strings.Join(defines, ", ") + "}])"
}

// matchState says what a match keeps.
func matchState(m *jobgraph.Match) StateInfo {
	const rows = "the rows of open attempts and of matches that wait for earlier ones, and those that the watermark has not passed"
	loops := slices.ContainsFunc(m.Vars, func(v jobgraph.MatchVar) bool { return v.Max < 0 })
	switch {
	case m.Within > 0:
		return StateInfo{rows, ByWatermark, fmt.Sprintf("WITHIN closes attempts after %d ms of event time", m.Within/1000)}
	case loops:
		return StateInfo{rows, ByRows, "an attempt may go on for ever; WITHIN bounds it"}
	}
	return StateInfo{rows, ByKeys, "an attempt per partition is of limited length, and may stay open; WITHIN closes it"}
}
