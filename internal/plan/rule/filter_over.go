package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterOver moves a filter on whole partitions below OVER and Top-N.
func filterOver(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok || c.shared[f.Input] {
		return n
	}
	var partition []int
	switch in := f.Input.(type) {
	case *logical.Over:
		partition = in.Partition
	case *logical.Rank:
		partition = in.Partition
	default:
		return n
	}
	move, stay := c.split(expr.Conjuncts(f.Cond), func(e *expr.Expr) bool { return len(expr.Columns(e)) > 0 && only(e, partition) })
	if len(move) == 0 {
		return n
	}
	return filtered(f.Input.With([]logical.Node{filtered(f.Input.Inputs()[0], move)}), stay)
}
