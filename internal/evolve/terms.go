package evolve

import (
	"fmt"
	"strings"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/statedata"
)

// terms compares what the state means beside its columns.
func (it *Item) terms(old, new *statedata.Operator, refuse func(string, ...any)) {
	had := map[string]string{}
	for _, t := range old.Terms() {
		had[t.What] = t.Is
	}
	for _, t := range new.Terms() {
		if was := had[t.What]; was != t.Is {
			refuse("%s was %s, and is %s", t.What, told(was), told(t.Is))
		}
	}
	o, was := old.Spec.(*jobgraph.Rank)
	n, is := new.Spec.(*jobgraph.Rank)
	if was && is {
		it.numbers(o, n, refuse)
	}
}

func told(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// numbers compares which rows a Top-N keeps and tells. What it keeps are the rows that
// it has told, where those alone can ever be asked for: then a larger N begins with
// them. Otherwise rows would be told as if they had been before, or never be taken back.
func (it *Item) numbers(old, new *jobgraph.Rank, refuse func(string, ...any)) {
	if old.Input != new.Input {
		refuse("its input changes in another way: it keeps other rows than it kept")
		return
	}
	if old.From == new.From && old.To == new.To {
		return
	}
	ends := new.WindowEnd >= 0 // all rows of a window are told at its end
	told := old.RankKind == jobgraph.RowNumber && (old.Input != jobgraph.RankRetract) && old.From <= 1 && new.From <= 1
	wider := old.To > 0 && (new.To < 0 || new.To > old.To)
	switch {
	case ends && !wider:
	case wider && (told || ends && old.RankKind == jobgraph.RowNumber):
		it.Why = append(it.Why, fmt.Sprintf("the state has the first %d rows of a partition and no more: those behind them are rows that come from now on, and what came before is not found again, as in Flink", old.To))
	default:
		refuse("it told the rows numbered %s, and is to tell those numbered %s: rows that it has told would not be taken back, or told twice", span(old), span(new))
	}
}

func span(r *jobgraph.Rank) string {
	if r.To < 0 {
		return fmt.Sprintf("%d and above", max(r.From, 1))
	}
	return fmt.Sprintf("%d to %d", max(r.From, 1), r.To)
}

// sets looks at the values that calls keep. A call that is new cannot share values that
// others have kept: what they have seen it has not counted. And calls whose values were
// not kept begin empty, whatever other calls they resemble.
func (it *Item) sets(old, new *statedata.Operator, refuse func(string, ...any)) {
	had := callsOf(old)
	for i := range new.Layouts() {
		l := &new.Layouts()[i]
		if l.Of == "" {
			continue
		}
		if counterpart(old, l) == nil {
			it.unset = true
			continue
		}
		for call := range callsOf(new) {
			if !had[call] && over(call, l.Of) {
				refuse("%s is new, and the values of %s that it needs have been kept for other calls, which have seen them", call, l.Of)
			}
		}
	}
}

// over reports whether a call is over the values of a column.
func over(call, column string) bool {
	return strings.Contains(call, "(DISTINCT "+column+")") || strings.HasPrefix(call, "MIN("+column+")") || strings.HasPrefix(call, "MAX("+column+")")
}
