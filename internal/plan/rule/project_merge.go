package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// projectMerge makes one projection of two, where nothing is computed twice.
func projectMerge(c *context, n logical.Node) logical.Node {
	p, ok := n.(*logical.Project)
	if !ok {
		return n
	}
	below, ok := p.Input.(*logical.Project)
	if !ok || c.shared[below] || !Mergeable(p.Exprs, below.Exprs) {
		return n
	}
	exprs := make([]*expr.Expr, len(p.Exprs))
	for i, e := range p.Exprs {
		exprs[i] = Substitute(e, below.Exprs)
	}
	return &logical.Project{Input: below.Input, Exprs: exprs, Out: p.Out}
}
