package logical

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
)

// WindowColumn follows a column of n down to the window table function that made
// it: window_start, window_end or window_time. It looks through plain column
// references, filters, aggregates' keys, OVER, ranks and joins.
func WindowColumn(n Node, col int) (w *WindowTVF, prop jobgraph.WindowProp, ok bool) {
	for {
		switch x := n.(type) {
		case *WindowTVF:
			base := len(x.Input.Schema())
			if col >= base {
				return x, jobgraph.WindowProp(col - base), true
			}
			n = x.Input
		case *Project:
			if x.Exprs[col].Op != expr.Col {
				return nil, 0, false
			}
			n, col = x.Input, x.Exprs[col].Index
		case *Filter:
			n = x.Input
		case *Aggregate:
			if col >= len(x.Keys) || x.Window != nil {
				return nil, 0, false
			}
			n, col = x.Input, x.Keys[col]
		case *Over:
			if col >= len(x.Input.Schema()) {
				return nil, 0, false
			}
			n = x.Input
		case *Correlate:
			if col >= len(x.Input.Schema()) {
				return nil, 0, false
			}
			n = x.Input
		case *Rank:
			if col >= len(x.Input.Schema()) {
				return nil, 0, false
			}
			n = x.Input
		case *Join:
			if left := len(x.Left.Schema()); col < left {
				n = x.Left
			} else {
				n, col = x.Right, col-left
			}
		default:
			return nil, 0, false
		}
	}
}
