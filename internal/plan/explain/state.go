package explain

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/jobgraph"
)

// A Bound is what limits an operator's state.
type Bound uint8

// The bounds, the worst last.
const (
	Constant    Bound = iota // a number of rows that the plan knows
	ByEnd                    // everything is dropped when the input has ended
	ByWatermark              // dropped as event time goes on
	ByTime                   // dropped when it was not touched for its time to live
	ByKeys                   // an entry for each key that ever came
	ByRows                   // grows with the input
)

func (b Bound) String() string {
	return [...]string{"bounded", "until the end of input", "bounded by the watermark", "bounded by its time to live",
		"GROWS with the number of keys", "GROWS WITHOUT BOUND"}[b]
}

// StateInfo is what an operator keeps, what bounds it, and why.
type StateInfo struct {
	What  string
	Bound Bound
	Why   string
}

func (s StateInfo) String() string {
	text := s.What + "; " + s.Bound.String()
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}

const ttlBounds = "table.exec.state.ttl bounds it"

// State says what an operator keeps; not ok if it keeps nothing.
func State(op jobgraph.Op, batch bool) (info StateInfo, ok bool) {
	info = stateOf(op)
	if info.What == "" {
		return info, false
	}
	if batch && info.Bound > ByWatermark {
		info.Bound, info.Why = ByEnd, ""
	}
	return info, true
}

// byKey is state of an entry for each key: columns of the operator's output.
func byKey(op jobgraph.Op, what string, keys []int, ttlMs int64) StateInfo {
	names := op.Output.Names()
	var of []string
	for _, k := range keys {
		if k < len(names) {
			of = append(of, names[k])
		}
	}
	switch {
	case ttlMs > 0:
		return StateInfo{what, ByTime, fmt.Sprintf("%d ms since the last change of a key", ttlMs)}
	case len(keys) == 0:
		return StateInfo{what, Constant, "there is one key"}
	case len(of) < len(keys):
		return StateInfo{what, ByKeys, ttlBounds}
	}
	return StateInfo{what, ByKeys, "each value of [" + strings.Join(of, ", ") + "] stays; " + ttlBounds}
}

func stateOf(op jobgraph.Op) StateInfo {
	switch s := op.Spec.(type) {
	case *jobgraph.GroupAgg:
		return groupState(op, s)
	case *jobgraph.WindowAgg:
		if s.Phase == jobgraph.Local {
			return StateInfo{}
		}
		if s.Emit != nil && !s.Window.Proctime {
			return StateInfo{"a row of accumulators for each key and window, and what was told of it while something else is to be", ByWatermark, fmt.Sprintf("until it passes the window's end by %d ms", s.Emit.LatenessMs)}
		}
		if s.Window.Proctime {
			return StateInfo{"a row of accumulators for each key and slice", ByTime, "the clock closes windows"}
		}
		return StateInfo{"a row of accumulators for each key and slice", ByWatermark, "until it passes the window's end"}
	case *jobgraph.WindowTVF:
		if s.Window.WKind == jobgraph.Session {
			return StateInfo{"the rows of open sessions", ByWatermark, "until it passes their end"}
		}
	case *jobgraph.Join:
		return joinState(s)
	case *jobgraph.MultiJoin:
		return multiJoinState(s)
	case *jobgraph.HashJoin:
		return StateInfo{"the rows of the side that is built", ByEnd, ""}
	case *jobgraph.IntervalJoin:
		return StateInfo{"the rows of both sides", ByWatermark, fmt.Sprintf("for %d ms of event time", (s.Upper-s.Lower)/1000)}
	case *jobgraph.WindowJoin:
		return StateInfo{"the rows of both sides", ByWatermark, "until it passes the window's end"}
	case *jobgraph.TemporalJoin:
		return StateInfo{"left rows until the watermark passes them; the versions of each right key, at least the newest", ByKeys, "each right key stays"}
	case *jobgraph.LookupJoin:
		if s.Keep {
			if s.TTLMs > 0 {
				return StateInfo{"rows that wait for an answer; every row and what it was joined with", ByTime, fmt.Sprintf("%d ms since it came", s.TTLMs)}
			}
			return StateInfo{"rows that wait for an answer; every row and what it was joined with", ByRows, "a row that is taken back must not be looked up again"}
		}
		return StateInfo{"rows that wait for an answer", Constant, "their number has a limit"}
	case *jobgraph.CurrentJoin:
		return currentState(s)
	case *jobgraph.Rank:
		return rankState(op, s)
	case *jobgraph.Dedup:
		return byKey(op, "a row for each key", s.Keys, s.TTLMs)
	case *jobgraph.Over:
		return overState(s)
	case *jobgraph.Match:
		return matchState(s)
	case *jobgraph.Sort:
		switch {
		case s.Time >= 0:
			return StateInfo{"rows", ByWatermark, "until it passes them"}
		case s.To >= 0:
			return StateInfo{fmt.Sprintf("the first %d rows", s.To), Constant, ""}
		}
		return StateInfo{"all rows", ByEnd, ""}
	case *jobgraph.Limit:
		return StateInfo{"a counter", Constant, ""}
	case *jobgraph.Normalize:
		return byKey(op, "the last row of each key", s.Keys, s.TTLMs)
	case *jobgraph.Keep:
		return byKey(op, "every row that is there, with what was computed for it", s.Keys, s.TTLMs)
	case *jobgraph.Materialize:
		info := byKey(op, "all rows of each key of the sink", s.Keys, s.TTLMs)
		if info.Bound == ByKeys {
			info.Bound, info.Why = ByRows, "rows of one key are all kept, to go back to one when the last is taken back; "+ttlBounds
		}
		return info
	case *jobgraph.Conflict:
		return byKey(op, "a row for each key of the sink, and the changes that the watermark has not passed", s.Keys, s.TTLMs)
	}
	return StateInfo{}
}

func groupState(op jobgraph.Op, s *jobgraph.GroupAgg) StateInfo {
	if s.Phase == jobgraph.Local {
		return StateInfo{}
	}
	extra := sets(s.Aggs, s.Retracts)
	if len(s.Keys) == 0 {
		if extra != "" && s.TTLMs == 0 {
			return StateInfo{"one row of accumulators" + extra, ByRows, "each distinct value stays; " + ttlBounds}
		}
		return StateInfo{"one row of accumulators" + extra, Constant, ""}
	}
	keys := make([]int, len(s.Keys)) // they come first in the output
	for i := range keys {
		keys[i] = i
	}
	return byKey(op, "a row of accumulators for each key"+extra, keys, s.TTLMs)
}

func sets(aggs []jobgraph.AggCall, retracts bool) string {
	for _, a := range aggs {
		if a.Distinct || retracts && (a.Func == "MIN" || a.Func == "MAX") {
			return " and its distinct values"
		}
	}
	return ""
}

func joinState(s *jobgraph.Join) StateInfo {
	const rows = "the rows of both sides"
	switch {
	case s.LeftTTLMs > 0 && s.RightTTLMs > 0:
		return StateInfo{rows, ByTime, fmt.Sprintf("%d ms and %d ms since a row's last change", s.LeftTTLMs, s.RightTTLMs)}
	case len(s.LeftUnique) > 0 && len(s.RightUnique) > 0:
		return StateInfo{rows, ByKeys, "each row stays, and both sides have a unique key; table.exec.state.ttl or a time bound in the condition bounds it"}
	}
	return StateInfo{rows, ByRows, "each row may meet another for ever; table.exec.state.ttl or a time bound in the condition bounds it"}
}

func multiJoinState(s *jobgraph.MultiJoin) StateInfo {
	const rows = "the rows of all inputs, each once"
	var ttls []string
	for _, in := range s.Inputs {
		if in.TTLMs == 0 {
			return StateInfo{rows, ByRows, "each row may meet others for ever; table.exec.state.ttl bounds it"}
		}
		ttls = append(ttls, fmt.Sprintf("%d ms", in.TTLMs))
	}
	return StateInfo{rows, ByTime, strings.Join(ttls, ", ") + " since a row's last change"}
}

func rankState(op jobgraph.Op, s *jobgraph.Rank) StateInfo {
	first := fmt.Sprintf("the first %d rows of each partition", s.To)
	switch {
	case s.WindowEnd >= 0:
		return StateInfo{first, ByWatermark, "until it passes the window's end"}
	case s.Input == jobgraph.RankAppend && s.To >= 0:
		return byKey(op, first, s.Partition, s.TTLMs)
	case s.Input == jobgraph.RankUpdateFast && s.To >= 0:
		return byKey(op, first+", by key", s.Partition, s.TTLMs)
	}
	info := byKey(op, "all rows of each partition", s.Partition, s.TTLMs)
	if info.Bound == ByKeys || info.Bound == Constant {
		info.Bound, info.Why = ByRows, "a row that is not among the first may become one when others are taken back; "+ttlBounds
	}
	return info
}

func overState(s *jobgraph.Over) StateInfo {
	switch {
	case s.Emit == jobgraph.AtEnd:
		return StateInfo{"all rows of each partition", ByEnd, ""}
	case s.Time >= 0 && bounded(s):
		return StateInfo{"the rows that the frames still see, and those that the watermark has not passed", ByWatermark, "frames end"}
	case s.Time >= 0:
		return StateInfo{"the accumulators of each partition, and the rows that the watermark has not passed", ByKeys, "each partition stays"}
	}
	return StateInfo{"all rows of each partition", ByRows, "a later row may come before any of them"}
}

func bounded(s *jobgraph.Over) bool {
	for _, c := range s.Calls {
		if c.Frame.From.Unbounded {
			return false
		}
	}
	return true
}

// states lists the operators of a stream by what bounds their state, the worst
// first.
func states(g *jobgraph.Graph) string {
	if g.Batch {
		return ""
	}
	var b strings.Builder
	for bound := ByRows; ; bound-- {
		first := true
		for _, op := range g.Ops() {
			info, ok := State(op, false)
			if !ok || info.Bound != bound {
				continue
			}
			if first {
				b.WriteString(bound.String() + "\n")
				first = false
			}
			fmt.Fprintf(&b, "    %s\n        %s", op.Name, info.What)
			if info.Why != "" {
				b.WriteString("; " + info.Why)
			}
			b.WriteByte('\n')
		}
		if bound == Constant {
			return b.String()
		}
	}
}

func currentState(s *jobgraph.CurrentJoin) StateInfo {
	switch {
	case !s.Keep && s.RightTTLMs > 0:
		return StateInfo{"the rows of the right side", ByTime, fmt.Sprintf("%d ms since a key was changed or met", s.RightTTLMs)}
	case !s.Keep:
		return StateInfo{"the rows of the right side", ByRows, "each may be met for ever"}
	case s.LeftTTLMs > 0 && s.RightTTLMs > 0:
		return StateInfo{"the rows of the right side; every left row and what it was joined with", ByTime,
			fmt.Sprintf("%d ms since a right key was changed or met, %d ms since a left row came", s.RightTTLMs, s.LeftTTLMs)}
	}
	return StateInfo{"the rows of the right side; every left row and what it was joined with", ByRows, "a row that is taken back must not be joined again"}
}
