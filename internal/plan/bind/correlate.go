package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// A rowCall is a table function in FROM whose arguments may read the columns of
// what stands before it: UNNEST(…), LATERAL TABLE(f(…)).
type rowCall struct {
	node       ast.Node
	name       string
	args       []ast.Expr
	ordinality bool
	alias      *ast.Alias
}

// rowCallOf returns nil for everything else, and for window table functions.
func rowCallOf(t ast.TableExpr) *rowCall {
	switch t := t.(type) {
	case *ast.Unnest:
		return &rowCall{node: t, name: "UNNEST", args: t.Args, ordinality: t.Ordinality, alias: t.Alias}
	case *ast.TableFunc:
		if len(t.Call.Name) == 1 {
			if f := fn.LookupTable(t.Call.Name[0].Text); f != nil {
				return &rowCall{node: t.Call, name: f.Name, args: t.Call.Args, alias: t.Alias}
			}
		}
	}
	return nil
}

// start is what stands before the first element of FROM: one row without columns
// that could be named, or the rows around a LATERAL query.
func (f *fromBinder) start() *scope {
	if f.base != nil {
		return &scope{node: f.base, outer: f.outer, reach: true}
	}
	return &scope{node: oneRowOfNothing(), outer: f.outer}
}

// lower turns columns of the rows around a LATERAL query into columns of the node
// that it is bound over, which keeps them in front.
func lower(e *expr.Expr) *expr.Expr {
	return expr.Remap(e, func(i int) int {
		if i >= outerBase {
			return i - outerBase
		}
		return i
	})
}

// correlate calls a table function for each row of l.
func (f *fromBinder) correlate(l *scope, c *rowCall, kind jobgraph.JoinKind) (*scope, error) {
	sc := &scope{outer: f.outer, reach: f.base != nil, fields: slices.Clone(l.fields)}
	x := exprBinder{b: f.b, sc: &scope{node: l.node, outer: f.outer, reach: f.outer != nil, fields: l.fields}, clause: c.name}
	args, err := x.list(c.args)
	if err != nil {
		return nil, err
	}
	switch {
	case f.base != nil:
		for i, a := range args {
			args[i] = lower(a)
		}
	case slices.ContainsFunc(args, correlated):
		if l, args, err = f.joinAround(c.node, l, args); err != nil {
			return nil, err
		}
	}
	impl, args, err := expr.ResolveTable(c.name, args...)
	if err != nil {
		return nil, at(c.node, err)
	}
	out, rel, err := c.columns(impl.Out)
	if err != nil {
		return nil, err
	}
	n := &logical.Correlate{Input: l.node, JoinKind: kind, Func: c.name, Args: args, Ordinality: c.ordinality, Pos: posOf(c.node)}
	n.Out = slices.Clone(l.node.Schema())
	for _, col := range out {
		if kind == jobgraph.Left {
			col.Type.NotNull = false
		}
		sc.fields = append(sc.fields, field{rel: rel, name: col.Name, expr: expr.Column(len(n.Out), col.Type)})
		n.Out = append(n.Out, col)
	}
	sc.node = n
	return sc, nil
}

// columns names what a function returns. An alias without a column list names the
// column, too, if there is but one (the ordinality aside), as Calcite does.
func (c *rowCall) columns(of types.Schema) (types.Schema, *relation, error) {
	var out types.Schema
	for _, col := range of {
		out = append(out, types.Field{Name: col.Name, Type: col.Type.Plain()})
	}
	single := len(out) == 1
	if c.ordinality {
		out = append(out, types.Field{Name: "ORDINALITY", Type: types.TInt.Nullable(false)})
	}
	if c.alias == nil {
		return out, &relation{}, nil
	}
	rel := &relation{name: c.alias.Name.Text}
	if len(c.alias.Columns) > 0 {
		out, err := columnNames(c.alias.Name, out, c.alias.Columns)
		return out, rel, err
	}
	if single {
		out[0].Name = c.alias.Name.Text
	}
	return out, rel, nil
}

// correlateJoin is l JOIN f(…): the function sees the columns of l. Without any it
// may be joined like a table.
func (f *fromBinder) correlateJoin(j *ast.Join, kind jobgraph.JoinKind, l *scope, c *rowCall) (*scope, error) {
	if j.Natural || len(j.Using) > 0 {
		r, err := f.within(j.Right)
		if err != nil {
			return nil, err
		}
		return f.plainJoin(j, kind, l, r)
	}
	sc, err := f.correlate(l, c, kind)
	if err != nil || j.On == nil {
		return sc, err
	}
	cond, err := f.on(j, sc)
	if err != nil || cond.IsTrue() {
		return sc, err
	}
	if kind == jobgraph.Inner {
		sc.node = &logical.Filter{Input: sc.node, Cond: cond}
		return sc, nil
	}
	reads := func(e *expr.Expr) bool { return len(expr.Columns(e)) > 0 }
	if f.base == nil && !slices.ContainsFunc(sc.node.(*logical.Correlate).Args, reads) {
		r, err := f.within(j.Right)
		if err != nil {
			return nil, err
		}
		return f.plainJoin(j, kind, l, r)
	}
	return nil, errAt(j.On, "LEFT JOIN with a table function takes ON TRUE only")
}

// on binds the condition of a join over what it gives.
func (f *fromBinder) on(j *ast.Join, sc *scope) (*expr.Expr, error) {
	x := exprBinder{b: f.b, sc: sc, clause: "ON"}
	cond, err := x.condition(j.On)
	if err != nil {
		return nil, err
	}
	if f.base == nil && correlated(cond) {
		return nil, unsupported(j.On, "a join condition that reads columns of the query around")
	}
	return expr.Fold(lower(cond), f.b.env)
}
