package changelog

import (
	"cmp"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// rank chooses how a Rank works (Flink's RankProcessStrategy and RankUtil).
func (p *Plan) rank(n *logical.Rank, info *Info) error {
	in := p.infos[n.Input]
	r := &info.Rank
	r.Dedup, r.Time, r.KeepLast = dedup(n)
	r.Dedup = r.Dedup && in.modify.Append()
	if n.Window != nil && in.modify.Append() {
		info.modify, info.ByTime = I, true
		return nil
	}
	r.Input, r.Key = p.rankInput(n.Input, n.Partition, n.Order)
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

// rankInput is how a Top-N takes its input, and the key by which it knows rows that
// are only ever updated.
func (p *Plan) rankInput(input logical.Node, partition []int, order []jobgraph.SortKey) (jobgraph.RankInput, []int) {
	in := p.infos[input]
	if in.modify.Append() {
		return jobgraph.RankAppend, nil
	}
	for _, k := range in.Upsert {
		if in.onlyAfter && subset(partition, k) && p.forwardOnly(input, order) {
			return jobgraph.RankUpdateFast, k
		}
	}
	return jobgraph.RankRetract, nil
}

// forwardOnly reports whether a row's changes only ever move it towards the
// front of its partition.
func (p *Plan) forwardOnly(input logical.Node, order []jobgraph.SortKey) bool {
	return !slices.ContainsFunc(order, func(k jobgraph.SortKey) bool {
		switch p.monotone(input, k.Col) {
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
		switch a := n.Aggs[col-len(n.Keys)]; a.Func {
		case "COUNT", "MAX":
			return rising
		case "MIN":
			return falling
		case "SUM":
			return sumMotion(n.Input, a.Args[0])
		}
	}
	return unknown
}

// sumMotion is how the sum of a column changes with each row: by its sign, as far as
// constants and the conditions of filters tell it.
func sumMotion(input logical.Node, col int) motion {
	switch n := input.(type) {
	case *logical.Project:
		switch e := n.Exprs[col]; e.Op {
		case expr.Col:
			return sumMotion(n.Input, e.Index)
		case expr.Lit:
			return signOf(e)
		}
	case *logical.Filter:
		for _, c := range expr.Conjuncts(n.Cond) {
			if len(c.Args) != 2 || c.Args[0].Op != expr.Col || c.Args[0].Index != col || c.Args[1].Op != expr.Lit {
				continue
			}
			switch sign := signOf(c.Args[1]); {
			case sign == rising && (c.Is(">") || c.Is(">=") || c.Is("=")):
				return rising
			case (sign == falling || zero(c.Args[1])) && (c.Is("<") || c.Is("<=") || c.Is("=")):
				return falling
			}
		}
		return sumMotion(n.Input, col)
	}
	return unknown
}

// signOf is rising for a constant that is not negative, falling for a negative one.
func signOf(e *expr.Expr) motion {
	sign := 0
	switch v := e.Value.(type) {
	case int64:
		sign = cmp.Compare(v, 0)
	case float64:
		if v != v {
			return unknown
		}
		sign = cmp.Compare(v, 0)
	case types.Int128:
		sign = v.Cmp(types.Int128{})
	default:
		return unknown
	}
	if sign < 0 {
		return falling
	}
	return rising
}

func zero(e *expr.Expr) bool {
	switch v := e.Value.(type) {
	case int64:
		return v == 0
	case float64:
		return v == 0
	case types.Int128:
		return v == types.Int128{}
	}
	return false
}
