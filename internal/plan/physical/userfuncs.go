package physical

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// retractable refuses aggregates over rows that change or leave if a function of the
// program's own cannot take them out.
func retractable(n *logical.Aggregate, f flow) error {
	if f.kinds.Append() {
		return nil
	}
	for _, c := range calls(n) {
		if !agg.Retracts(c.Func) {
			return base.Errorf(n.Pos, "%v", agg.NoRetract(c.Func))
		}
	}
	return nil
}
