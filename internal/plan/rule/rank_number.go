package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// rankNumber writes the number of a Top-N that keeps one number as a constant, so
// that the operator need not give it.
func rankNumber(_ *context, n logical.Node) logical.Node {
	r, ok := n.(*logical.Rank)
	if !ok || !r.Number || r.From != r.To || r.RankKind != jobgraph.RowNumber {
		return n
	}
	last := len(r.Out) - 1
	below := *r
	below.Number, below.Out = false, r.Input.Schema()
	exprs := make([]*expr.Expr, 0, len(r.Out))
	for i, f := range below.Out {
		exprs = append(exprs, expr.Column(i, f.Type))
	}
	number := expr.Literal(r.Out[last].Type, r.From)
	number.Type = r.Out[last].Type
	return &logical.Project{Input: &below, Exprs: append(exprs, number), Out: r.Out}
}
