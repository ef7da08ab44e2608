package changelog

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// checkVolatile refuses expressions that give another result each time (RAND,
// UUID, the clock) over rows that are taken back later: the -U or -D would not
// be the row that was sent. Receivers that know rows by a key take no -U, and
// see no harm.
func (p *Plan) checkVolatile(n logical.Node) error {
	if p.opts.Batch || p.opts.IgnoreVolatile || !p.infos[n].before {
		return nil
	}
	var exprs []*expr.Expr
	switch n := n.(type) {
	case *logical.Project:
		exprs = n.Exprs
	case *logical.Filter:
		exprs = []*expr.Expr{n.Cond}
	case *logical.Correlate:
		exprs = n.Args
	}
	if len(exprs) == 0 || p.infos[n.Inputs()[0]].Append() {
		return nil
	}
	for _, e := range exprs {
		if !expr.Volatile(e, nil) {
			continue
		}
		err := base.Errorf(position(e), "%s gives another result each time, and its rows change: what is taken back would not be what was sent", expr.String(e, n.Inputs()[0].Schema().Names()))
		err.Hint = "compute it before the aggregate or join, write to a table with the key of the query, or SET 'table.optimizer.non-deterministic-update.strategy' = 'IGNORE' to live with it"
		return err
	}
	return nil
}

// position is the first known place of an expression.
func position(e *expr.Expr) base.Pos {
	var at base.Pos
	expr.Walk(e, func(e *expr.Expr) bool {
		if at == (base.Pos{}) {
			at = e.Pos
		}
		return at == (base.Pos{})
	})
	return at
}
