package rule

import (
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// sortRemove drops an ORDER BY without LIMIT below what has no order: joins,
// aggregates, unions.
func sortRemove(_ *context, n logical.Node) logical.Node {
	switch n.(type) {
	case *logical.Aggregate, *logical.Join, *logical.SetOp, *logical.Over, *logical.Rank, *logical.WindowTVF:
	default:
		return n
	}
	return withInputs(n, func(in logical.Node) logical.Node {
		if s, ok := in.(*logical.Sort); ok && s.From <= 1 && s.To < 0 {
			return s.Input
		}
		return in
	})
}
