package bind

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// subqueriesOn takes those conditions out of ON that are subqueries, and returns the
// rest. In an inner join they mean in WHERE what they mean in ON. In an outer join they
// filter the side that may be missing, before the join, if they are about that alone.
func (f *fromBinder) subqueriesOn(j *ast.Join, kind jobgraph.JoinKind, l, r *scope) (ast.Expr, error) {
	if (kind == jobgraph.Right || kind == jobgraph.Full) && len(f.later) > 0 {
		return nil, unsupported(f.later[0], "a subquery in ON before a RIGHT or FULL JOIN")
	}
	var rest ast.Expr
	for _, c := range conjuncts(j.On) {
		var err error
		switch {
		case !subqueryCondition(c) && rest == nil:
			rest = c
		case !subqueryCondition(c):
			rest = &ast.Binary{Pos: c.Position(), Op: ast.OpAnd, L: rest, R: c}
		case kind == jobgraph.Inner && f.nested == 0 && f.base == nil:
			f.later = append(f.later, c)
		case kind == jobgraph.Left:
			err = f.filterSide(r, c)
		case kind == jobgraph.Right:
			err = f.filterSide(l, c)
		default:
			err = unsupported(c, "a subquery in ON of this join")
		}
		if err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// filterSide keeps the rows of a side of a join for which a condition holds.
func (f *fromBinder) filterSide(side *scope, c ast.Expr) error {
	k := &block{b: f.b, sc: side}
	node, err := k.subqueryJoin(side.node, c, false)
	if err != nil {
		return hinted(err, "a subquery in ON of an outer join may only be about the side that may be missing")
	}
	side.node = node
	return nil
}
