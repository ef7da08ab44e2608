package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// joinKeys computes what a join's condition compares for equality below the join,
// so that it can be a key: a.x + 1 = b.y.
func joinKeys(c *context, n logical.Node) logical.Node {
	j, ok := n.(*logical.Join)
	if !ok || j.Cond == nil {
		return n
	}
	nl := len(j.Left.Schema())
	nr := len(j.Right.Schema())
	left := newSide(j.Left)
	right := newSide(j.Right)
	conjuncts := expr.Conjuncts(j.Cond)
	for i, e := range conjuncts {
		if !e.Is("=") && !e.Is("IS NOT DISTINCT FROM") || len(e.Args) != 2 || expr.Volatile(e, c.env) {
			continue
		}
		a, b := e.Args[0], e.Args[1]
		if onSide(b, 0, nl) && onSide(a, nl, nl+nr) {
			a, b = b, a
		}
		if !onSide(a, 0, nl) || !onSide(b, nl, nl+nr) || a.Op == expr.Col && b.Op == expr.Col || !sameKey(a.Type, b.Type) {
			continue
		}
		l := left.column(a)
		r := right.column(shifted(b, -nl))
		eq := *e
		// The new columns have their numbers when both sides' widths are known; until
		// then they are negative, left ones odd, right ones even.
		eq.Args = []*expr.Expr{expr.Column(-1-2*l, a.Type), expr.Column(-2-2*r, b.Type)}
		conjuncts[i] = &eq
	}
	if left.same() && right.same() {
		return n
	}
	wide := len(left.exprs)
	for i, e := range conjuncts {
		conjuncts[i] = expr.Remap(e, func(col int) int {
			switch {
			case col < 0 && col%2 != 0:
				return (-1 - col) / 2
			case col < 0:
				return wide + (-2-col)/2
			case col >= nl:
				return col - nl + wide
			}
			return col
		})
	}
	out := *j
	out.Left, out.Right, out.Cond = left.node(), right.node(), expr.And(conjuncts)
	if j.JoinKind == jobgraph.Semi || j.JoinKind == jobgraph.Anti {
		out.Out = out.Left.Schema()
		return narrow(&out, nl, 0, 0, j.Out)
	}
	out.Out = joinSchema(&out)
	return narrow(&out, nl, wide, nr, j.Out)
}

// sameKey reports whether values of two types that are equal are so as keys. Texts of
// other lengths are: they are compared as they are.
func sameKey(a, b types.Type) bool { return a.Equal(b) || a.Character() && b.Character() }

func onSide(e *expr.Expr, lo, hi int) bool {
	return len(expr.Columns(e)) > 0 && within(e, lo, hi)
}

// joinSchema is both sides' columns, nullable where the join fills them up.
func joinSchema(j *logical.Join) types.Schema {
	var out types.Schema
	for _, f := range j.Left.Schema() {
		if j.JoinKind == jobgraph.Right || j.JoinKind == jobgraph.Full {
			f.Type = f.Type.Nullable(true)
		}
		out = append(out, f)
	}
	for _, f := range j.Right.Schema() {
		if j.JoinKind == jobgraph.Left || j.JoinKind == jobgraph.Full {
			f.Type = f.Type.Nullable(true)
		}
		out = append(out, f)
	}
	return out
}

// narrow projects a join to the columns it had before keys were added to its
// sides: [0, left) and [at, at+right).
func narrow(n logical.Node, left, at, right int, out types.Schema) logical.Node {
	var exprs []*expr.Expr
	for i := range left {
		exprs = append(exprs, expr.Column(i, out[i].Type))
	}
	for i := range right {
		exprs = append(exprs, expr.Column(at+i, out[left+i].Type))
	}
	return &logical.Project{Input: n, Exprs: exprs, Out: out}
}

// a side of a join to which columns are added.
type side struct {
	in     logical.Node
	exprs  []*expr.Expr
	schema types.Schema
}

func newSide(in logical.Node) *side {
	s := &side{in: in, schema: append(types.Schema(nil), in.Schema()...)}
	for i, f := range s.schema {
		s.exprs = append(s.exprs, expr.Column(i, f.Type))
	}
	return s
}

// column returns the column that holds e, added if need be.
func (s *side) column(e *expr.Expr) int {
	if e.Op == expr.Col {
		return e.Index
	}
	for i := len(s.in.Schema()); i < len(s.exprs); i++ {
		if expr.Equal(s.exprs[i], e) {
			return i
		}
	}
	s.exprs = append(s.exprs, e)
	s.schema = append(s.schema, types.Field{Name: "$k" + itoa(len(s.exprs)-1), Type: e.Type.Plain()})
	return len(s.exprs) - 1
}

func (s *side) same() bool { return len(s.exprs) == len(s.in.Schema()) }

func (s *side) node() logical.Node {
	if s.same() {
		return s.in
	}
	return &logical.Project{Input: s.in, Exprs: s.exprs, Out: s.schema}
}
