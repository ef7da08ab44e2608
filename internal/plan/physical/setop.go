package physical

import (
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// setOp: UNION ALL is no operator, only edges that end at one input. The others
// are made of joins and aggregates by a rule.
func (b *builder) setOp(n *logical.SetOp) (flow, error) {
	out := flow{schema: n.Out}
	for i := range n.In {
		f, err := b.in(n, i)
		if err != nil {
			return f, err
		}
		out.parts = append(out.parts, f.parts...)
		out.kinds |= f.kinds
	}
	return out, nil
}
