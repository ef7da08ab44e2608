package rule

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// versionedView lets a temporal join with a versioned view (the last row of each
// key by rowtime) read all rows of the view's table: each is a version. The
// operator keeps versions by time anyway; and the result then does not depend on
// the order in which the rows arrive, nor on their end, as in a batch.
func versionedView(_ *context, n logical.Node) logical.Node {
	t, ok := n.(*logical.TemporalJoin)
	if !ok || t.Versions || t.Time.Type.Proctime {
		return n
	}
	keys := logical.EquiOf(t.Cond, len(t.Left.Schema())).Right
	right, ok := versions(t.Right, keys)
	if !ok {
		return n
	}
	out := *t
	out.Right, out.Versions = right, true
	return &out
}

// versions takes the Rank out from below projections.
func versions(n logical.Node, keys []int) (logical.Node, bool) {
	switch x := n.(type) {
	case *logical.Project:
		below := make([]int, len(keys))
		for i, k := range keys {
			if x.Exprs[k].Op != expr.Col {
				return n, false
			}
			below[i] = x.Exprs[k].Index
		}
		in, ok := versions(x.Input, below)
		if !ok {
			return n, false
		}
		return x.With([]logical.Node{in}), true
	case *logical.Rank:
		last := x.RankKind == jobgraph.RowNumber && x.From == 1 && x.To == 1 && !x.Number && len(x.Order) == 1 &&
			x.Order[0].Desc && x.Input.Schema()[x.Order[0].Col].Type.Rowtime
		return x.Input, last && equalSets(x.Partition, keys)
	}
	return n, false
}

func equalSets(a, b []int) bool {
	return !slices.ContainsFunc(a, func(x int) bool { return !has(b, x) }) && !slices.ContainsFunc(b, func(x int) bool { return !has(a, x) })
}
