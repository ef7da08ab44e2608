package logical

import "github.com/millrace-io/millrace/internal/base"

// PosOf returns where in the statement a relation comes from; the zero Pos if that is
// not known.
func PosOf(n Node) base.Pos {
	switch n := n.(type) {
	case *Scan:
		return n.Pos
	case *Join:
		return n.Pos
	case *TemporalJoin:
		return n.Pos
	case *Aggregate:
		return n.Pos
	case *WindowTVF:
		return n.Pos
	case *Correlate:
		return n.Pos
	case *Over:
		return n.Pos
	case *Match:
		return n.Pos
	case *Sort:
		return n.Pos
	case *SetOp:
		return n.Pos
	case *Rank:
		return n.Pos
	case *Sink:
		return n.Pos
	}
	return base.Pos{}
}
