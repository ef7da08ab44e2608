package rule

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// filterWindow moves a filter that does not read the window's columns below a
// window table function. A session's bounds depend on all of its rows, so only
// whole partitions may be left out.
func filterWindow(c *context, n logical.Node) logical.Node {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	w, ok := f.Input.(*logical.WindowTVF)
	if !ok || c.shared[w] {
		return n
	}
	width := len(w.Input.Schema())
	move, stay := c.split(expr.Conjuncts(f.Cond), func(e *expr.Expr) bool {
		if w.Window.WKind == jobgraph.Session {
			return len(expr.Columns(e)) > 0 && only(e, w.Window.Session)
		}
		return within(e, 0, width)
	})
	if len(move) == 0 {
		return n
	}
	return filtered(w.With([]logical.Node{filtered(w.Input, move)}), stay)
}
