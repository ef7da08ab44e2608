package changelog

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// rank chooses how a Rank works (Flink's RankProcessStrategy and RankUtil).
func (p *Plan) rank(n *logical.Rank, info *Info) error {
	in := p.infos[n.Input]
	r := &info.Rank
	r.Dedup, r.Time, r.KeepLast = dedup(n)
	r.Dedup = r.Dedup && in.modify.Append()
	switch {
	case n.Window != nil && in.modify.Append():
		info.modify, info.ByTime = I, true
		return nil
	case in.modify.Append():
		r.Input = jobgraph.RankAppend
	default:
		r.Input = jobgraph.RankRetract
		for _, k := range in.Upsert {
			if in.onlyAfter && subset(n.Partition, k) && p.forwardOnly(n) {
				r.Input, r.Key = jobgraph.RankUpdateFast, k
				break
			}
		}
	}
	info.modify = I | UA | D
	if p.opts.Batch || r.Dedup && !r.KeepLast {
		info.modify = I
	}
	return nil
}

// dedup reports whether a Rank keeps one row by a single time attribute.
func dedup(n *logical.Rank) (ok bool, time int, last bool) {
	if n.RankKind != jobgraph.RowNumber || n.From != 1 || n.To != 1 || n.Number || len(n.Order) != 1 || n.Window != nil {
		return false, -1, false
	}
	t := n.Input.Schema()[n.Order[0].Col].Type
	switch {
	case t.Rowtime:
		return true, n.Order[0].Col, n.Order[0].Desc
	case t.Proctime:
		return true, -1, n.Order[0].Desc
	}
	return false, -1, false
}

// forwardOnly reports whether a row's changes only ever move it towards the
// front of its partition.
func (p *Plan) forwardOnly(n *logical.Rank) bool {
	return !slices.ContainsFunc(n.Order, func(k jobgraph.SortKey) bool {
		switch p.monotone(n.Input, k.Col) {
		case constant:
			return false
		case rising:
			return !k.Desc
		case falling:
			return k.Desc
		}
		return true
	})
}

// motion is how a column of a row changes while the row is updated.
type motion uint8

const (
	unknown motion = iota
	constant
	rising
	falling
)

func (p *Plan) monotone(n logical.Node, col int) motion {
	if p.infos[n].modify.Append() {
		return constant
	}
	switch n := n.(type) {
	case *logical.Filter:
		if p.filterSplits(n) {
			return unknown // rows leave, too
		}
		return p.monotone(n.Input, col)
	case *logical.Project:
		if e := n.Exprs[col]; e.Op == expr.Col {
			return p.monotone(n.Input, e.Index)
		}
	case *logical.Aggregate:
		if n.Window != nil || !p.infos[n.Input].modify.Append() || n.Sets != nil {
			return unknown
		}
		if col < len(n.Keys) {
			return constant
		}
		switch n.Aggs[col-len(n.Keys)].Func {
		case "COUNT", "MAX":
			return rising
		case "MIN":
			return falling
		}
	}
	return unknown
}
