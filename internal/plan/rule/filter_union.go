package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterUnion filters each input of a UNION ALL.
func filterUnion(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	u, ok := f.Input.(*logical.SetOp)
	if !ok || c.shared[u] || u.SetKind != logical.Union || !u.All || expr.Volatile(f.Cond, c.env) {
		return n
	}
	inputs := make([]logical.Node, len(u.In))
	for i, in := range u.In {
		inputs[i] = &logical.Filter{Input: in, Cond: f.Cond}
	}
	return u.With(inputs)
}
