package rule

import "github.com/millrace-io/millrace/internal/plan/logical"

// reread gives each receiver in a batch a scan of its own where reuse has made equal ones
// one: what several read at their own pace has to be kept whole for the slowest, which
// costs more than to read files again. It is for tables whose connector knows their rows,
// so they are there to be read twice; what computes more than filters and projections
// stays shared.
func reread(job *logical.Job) {
	uses := map[logical.Node]int{}
	var count func(n logical.Node)
	count = func(n logical.Node) {
		if uses[n]++; uses[n] == 1 {
			for _, in := range n.Inputs() {
				count(in)
			}
		}
	}
	for _, r := range job.Roots {
		count(r)
	}
	done := map[logical.Node]logical.Node{}
	var visit func(n logical.Node) logical.Node
	visit = func(n logical.Node) logical.Node {
		if readsAgain(n) {
			if uses[n] > 1 {
				return copied(n)
			}
			return withInputs(n, visit)
		}
		if out, ok := done[n]; ok {
			return out
		}
		done[n] = withInputs(n, visit)
		return done[n]
	}
	for i, r := range job.Roots {
		job.Roots[i] = visit(r)
	}
}

// readsAgain reports whether a relation is a scan, filtered and projected, of a table that
// can as well be read again.
func readsAgain(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Scan:
		return n.Stats != nil
	case *logical.Filter:
		return readsAgain(n.Input)
	case *logical.Project:
		return readsAgain(n.Input)
	}
	return false
}

func copied(n logical.Node) logical.Node {
	var inputs []logical.Node
	for _, in := range n.Inputs() {
		inputs = append(inputs, copied(in))
	}
	return n.With(inputs)
}
