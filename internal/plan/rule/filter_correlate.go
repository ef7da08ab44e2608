package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterCorrelate moves a filter that does not read what a table function returns
// below its call. A filter that no NULL row passes makes a left one an inner one.
func filterCorrelate(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	call, ok := f.Input.(*logical.Correlate)
	if !ok || c.shared[call] {
		return n
	}
	width := len(call.Input.Schema())
	conjuncts := expr.Conjuncts(f.Cond)
	out := *call
	if call.JoinKind == jobgraph.Left && c.on(ruleOuterJoin) {
		for _, e := range conjuncts {
			if c.rejectsNull(e, width, len(call.Out)) {
				out.JoinKind = jobgraph.Inner
			}
		}
	}
	move, stay := c.split(conjuncts, func(e *expr.Expr) bool { return within(e, 0, width) })
	if len(move) == 0 && out.JoinKind == call.JoinKind {
		return n
	}
	out.Input = filtered(call.Input, move)
	return filtered(&out, stay)
}
