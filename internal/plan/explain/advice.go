package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// An AdviceItem is what could be better about an operator of a plan.
type AdviceItem struct {
	Op   string // its id
	Kind string // ADVICE or WARNING
	Text string
}

// Advice looks at a stream's plan for what its user may want to know: PLAN_ADVICE.
func Advice(g *jobgraph.Graph) []AdviceItem {
	var out []AdviceItem
	if g.Batch {
		return nil
	}
	mini := g.Options["table.exec.mini-batch.enabled"] == "true"
	for _, op := range g.Ops() {
		if s, ok := op.Spec.(*jobgraph.GroupAgg); ok && s.Phase == jobgraph.Single && !mini && len(s.Keys) > 0 {
			out = append(out, AdviceItem{op.ID, "ADVICE", "local-global aggregation sends fewer rows over the exchange, and tells fewer changes: set 'table.exec.mini-batch.enabled' to 'true', 'table.exec.mini-batch.allow-latency' and 'table.exec.mini-batch.size'"})
		}
		if info, ok := State(op, false); ok && info.Bound >= ByKeys {
			out = append(out, AdviceItem{op.ID, "WARNING", fmt.Sprintf("state %s: %s", strings.ToLower(info.Bound.String()), info.Why)})
		}
		if volatileChanges(op) {
			out = append(out, AdviceItem{op.ID, "WARNING", "an expression gives another result each time and its rows change: what is taken back is not what was sent; compute it before the aggregate or join, or RESET 'table.optimizer.non-deterministic-update.strategy'"})
		}
	}
	return out
}

// volatileChanges reports whether an operator computes RAND() and its like over rows
// that are taken back.
func volatileChanges(op jobgraph.Op) bool {
	c, ok := op.Spec.(*jobgraph.Calc)
	return ok && strings.Contains(op.Kinds, "UB") &&
		slices.ContainsFunc(append(slices.Clone(c.Project), c.Filter), func(e *expr.Expr) bool { return e != nil && expr.Volatile(e, nil) })
}

func adviceText(list []AdviceItem) string {
	if len(list) == 0 {
		return "\nNo advice.\n"
	}
	var b strings.Builder
	for i, a := range list {
		fmt.Fprintf(&b, "\nadvice[%d]: [%s] %s.", i+1, a.Kind, a.Text)
	}
	return b.String() + "\n"
}
