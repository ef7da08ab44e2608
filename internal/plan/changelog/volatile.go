package changelog

import (
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// checkVolatile looks for expressions that give another result each time (RAND,
// UUID, the clock) over rows that are taken back later: the -U or -D would not be the
// row that was sent. What a projection or a filter computed is kept then; the rest is
// refused. Receivers that know rows by a key take no -U, and see no harm.
func (p *Plan) checkVolatile(n logical.Node) error {
	info := p.infos[n]
	if p.opts.Batch || p.opts.IgnoreVolatile {
		return nil
	}
	var exprs []*expr.Expr
	switch n := n.(type) {
	case *logical.Project:
		info.Keep = info.before && !p.infos[n.Input].Append() && slices.ContainsFunc(n.Exprs, volatile)
		return nil
	case *logical.Filter:
		info.Keep = !p.infos[n.Input].Append() && volatile(n.Cond)
		return nil
	case *logical.Join:
		exprs = expr.Conjuncts(n.Cond)
	case *logical.Correlate:
		exprs = n.Args
	}
	if !slices.ContainsFunc(n.Inputs(), func(in logical.Node) bool { return !p.infos[in].Append() }) {
		return nil
	}
	for _, e := range exprs {
		if !volatile(e) {
			continue
		}
		err := base.Errorf(position(e), "%s gives another result each time, and its rows change: what is taken back would not be what was sent", expr.String(e, inputNames(n)))
		err.Hint = "compute it in a SELECT before, where its result is kept, or SET 'table.optimizer.non-deterministic-update.strategy' = 'IGNORE' to live with it"
		return err
	}
	return nil
}

func volatile(e *expr.Expr) bool { return expr.Volatile(e, nil) }

func inputNames(n logical.Node) []string {
	var out []string
	for _, in := range n.Inputs() {
		out = append(out, in.Schema().Names()...)
	}
	return out
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
