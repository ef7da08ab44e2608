package rule

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// empty carries the knowledge that an input has no rows upwards.
func empty(_ *context, n logical.Node) logical.Node {
	none := func(in logical.Node) bool {
		v, ok := in.(*logical.Values)
		return ok && len(v.Rows) == 0
	}
	nothing := func() logical.Node { return &logical.Values{Out: n.Schema()} }
	switch x := n.(type) {
	case *logical.Filter, *logical.Project, *logical.WindowTVF, *logical.Correlate, *logical.Over, *logical.Match, *logical.Sort, *logical.Rank:
		if none(n.Inputs()[0]) {
			return nothing()
		}
	case *logical.Aggregate:
		if none(x.Input) && len(x.Keys) > 0 && x.Sets == nil {
			return nothing()
		}
	case *logical.Join:
		l, r := none(x.Left), none(x.Right)
		switch x.JoinKind {
		case jobgraph.Inner, jobgraph.Semi:
			if l || r {
				return nothing()
			}
		case jobgraph.Left, jobgraph.Anti:
			if l {
				return nothing()
			}
			if r && x.JoinKind == jobgraph.Anti {
				return x.Left
			}
		}
	case *logical.SetOp:
		if x.SetKind != logical.Union || !x.All {
			return n
		}
		var in []logical.Node
		for _, i := range x.In {
			if !none(i) {
				in = append(in, i)
			}
		}
		switch {
		case len(in) == len(x.In):
			return n
		case len(in) == 0:
			return nothing()
		}
		return x.With(in)
	}
	return n
}
