package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// setOps takes set operations apart, all but UNION ALL: UNION is a union without
// duplicates, INTERSECT and EXCEPT are semi and anti joins on all columns where
// NULL equals NULL. With ALL, the copies of a row are numbered first, so that the
// third copy meets the third one.
func setOps(_ *context, n logical.Node) logical.Node {
	s, ok := n.(*logical.SetOp)
	if !ok || s.SetKind == logical.Union && s.All {
		return n
	}
	if s.SetKind == logical.Union {
		u := *s
		u.All = true
		return distinct(&u, s.Pos)
	}
	kind := jobgraph.Semi
	if s.SetKind == logical.Except {
		kind = jobgraph.Anti
	}
	left := s.In[0]
	for _, right := range s.In[1:] {
		left = matched(kind, s, left, right)
	}
	return left
}

func distinct(n logical.Node, pos base.Pos) *logical.Aggregate {
	out := slices.Clone(n.Schema())
	for i := range out {
		out[i].Type = out[i].Type.Plain()
	}
	return &logical.Aggregate{Input: n, Keys: upTo(len(out)), Out: out, Pos: pos}
}

func matched(kind jobgraph.JoinKind, s *logical.SetOp, left, right logical.Node) logical.Node {
	out := left.Schema()
	if s.All {
		left, right = numbered(left, s.Pos), numbered(right, s.Pos)
	} else {
		left = distinct(left, s.Pos)
	}
	l, r := left.Schema(), right.Schema()
	var cond []*expr.Expr
	for i := range l {
		cond = append(cond, &expr.Expr{Op: expr.Call, Func: "IS NOT DISTINCT FROM", Type: types.TBoolean.Nullable(false),
			Args: []*expr.Expr{expr.Column(i, l[i].Type), expr.Column(len(l)+i, r[i].Type)}})
	}
	j := &logical.Join{Left: left, Right: right, JoinKind: kind, Cond: expr.And(cond), Out: l, Pos: s.Pos}
	if !s.All {
		return j
	}
	return narrow(j, len(out), 0, 0, out)
}

// numbered appends to each row the number of its copy.
func numbered(n logical.Node, pos base.Pos) logical.Node {
	in := n.Schema()
	out := append(slices.Clone(in), types.Field{Name: "$copy", Type: types.TBigInt.Nullable(false)})
	return &logical.Rank{Input: n, RankKind: jobgraph.RowNumber, Partition: upTo(len(in)), From: 1, To: -1, Number: true, Out: out, Pos: pos}
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
