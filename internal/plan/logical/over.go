package logical

// Ahead reports whether a call needs rows that come after its own: then its result
// changes when they come.
func (n *Over) Ahead() bool {
	for _, c := range n.Calls {
		switch c.Func {
		case "PERCENT_RANK", "CUME_DIST", "NTILE", "LEAD":
			return true
		case "LAG", "ROW_NUMBER", "RANK", "DENSE_RANK":
			continue
		}
		f := c.Frame
		// A frame that ends before its row has been left by the rows that it holds.
		if f.To.Unbounded || f.To.Offset > 0 || f.From.Unbounded && f.To.Offset < 0 {
			return true
		}
	}
	return false
}

// ByTime reports whether rows are ordered by a time attribute, from the earliest on.
func (n *Over) ByTime() (rowtime, proctime bool) {
	if len(n.Order) == 0 || n.Order[0].Desc {
		return false, false
	}
	t := n.Input.Schema()[n.Order[0].Col].Type
	return t.Rowtime, t.Proctime
}
