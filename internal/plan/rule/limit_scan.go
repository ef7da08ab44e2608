package rule

import (
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// limitScan tells a scan how many rows are needed, when nothing between it and a
// LIMIT drops any.
func limitScan(_ *context, n logical.Node) logical.Node {
	s, ok := n.(*logical.Sort)
	if !ok || len(s.Order) > 0 || s.To < 0 {
		return n
	}
	in, ok := limited(s.Input, s.To)
	if !ok {
		return n
	}
	return s.With([]logical.Node{in})
}

func limited(n logical.Node, rows int64) (logical.Node, bool) {
	switch n := n.(type) {
	case *logical.Project:
		if in, ok := limited(n.Input, rows); ok {
			return n.With([]logical.Node{in}), true
		}
	case *logical.Scan:
		if n.Limit < 0 || n.Limit > rows {
			out := *n
			out.Limit = rows
			return &out, true
		}
	}
	return n, false
}
