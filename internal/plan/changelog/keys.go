package changelog

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// keysMax is how many keys of a relation are remembered; joins multiply them.
const keysMax = 8

// keysOf derives the unique keys of a relation from its inputs' keys: sets of
// columns that no two of its current rows share. The empty set means at most one
// row. upsert asks for those keys only by which changes find each other: the
// changes of one key stay on one subtask and in order.
func (p *Plan) keysOf(n logical.Node, upsert bool) [][]int {
	in := func(i int) [][]int {
		info := p.Info(n.Inputs()[i])
		if upsert {
			return info.Upsert
		}
		return info.Keys
	}
	switch n := n.(type) {
	case *logical.Scan:
		return scanKeys(n)
	case *logical.Values:
		if len(n.Rows) <= 1 {
			return [][]int{{}}
		}
		return nil
	case *logical.Filter, *logical.Sort, *logical.Sink, *logical.Collect:
		return in(0)
	case *logical.Over:
		return p.within(n.Input, in(0), n.Partition, upsert)
	case *logical.Project:
		return projectKeys(n, in(0))
	case *logical.WindowTVF:
		if n.Window.WKind == jobgraph.Tumble || n.Window.WKind == jobgraph.Session {
			return in(0)
		}
		return withAll(in(0), len(n.Input.Schema()))
	case *logical.Correlate:
		// An update may give fewer rows than there were, whose -U then has no +U: by
		// no key do its changes find each other.
		if !n.Ordinality || upsert && !p.Info(n.Input).modify.Append() {
			return nil
		}
		return withAll(in(0), len(n.Out)-1)
	case *logical.Aggregate:
		return aggregateKeys(n)
	case *logical.Rank:
		keys := p.within(n.Input, in(0), n.Partition, upsert)
		if n.From == 1 && n.To == 1 && n.RankKind == jobgraph.RowNumber {
			if upsert && !p.opts.Batch {
				// The row of a partition is replaced by +U alone: by another key
				// the one before would stay.
				return [][]int{slices.Clone(n.Partition)}
			}
			keys = append([][]int{slices.Clone(n.Partition)}, keys...)
		} else if n.Number && n.RankKind == jobgraph.RowNumber {
			keys = append(slices.Clone(keys), append(slices.Clone(n.Partition), len(n.Out)-1))
		}
		return tidy(keys)
	case *logical.Join:
		e := n.Equi()
		return p.joinKeys(n.JoinKind, e, in(0), in(1), n, upsert)
	case *logical.TemporalJoin:
		if n.Time.Type.Proctime && !p.oneMatch(n) {
			return nil
		}
		return p.within(n.Left, in(0), logical.EquiOf(n.Cond, len(n.Left.Schema())).Left, upsert)
	case *logical.SetOp:
		if n.All {
			return nil
		}
		return [][]int{upTo(len(n.Out))}
	}
	return nil
}

func scanKeys(n *logical.Scan) [][]int {
	var key []int
	for _, c := range n.Table.PrimaryKey {
		i := slices.Index(n.Columns, c)
		if i < 0 {
			return nil
		}
		key = append(key, i)
	}
	if key == nil {
		return nil
	}
	return tidy([][]int{key})
}

func projectKeys(n *logical.Project, in [][]int) [][]int {
	to := map[int]int{}
	for i, e := range n.Exprs {
		if e.Op == expr.Col {
			if _, dup := to[e.Index]; !dup {
				to[e.Index] = i
			}
		}
	}
	var out [][]int
	for _, key := range in {
		mapped := make([]int, 0, len(key))
		for _, c := range key {
			if i, ok := to[c]; ok {
				mapped = append(mapped, i)
			}
		}
		if len(mapped) == len(key) {
			out = append(out, mapped)
		}
	}
	return tidy(out)
}

func aggregateKeys(n *logical.Aggregate) [][]int {
	key := upTo(len(n.Keys))
	if n.Sets != nil {
		return [][]int{append(key, len(n.Out)-1)}
	}
	if n.Window == nil {
		return [][]int{key}
	}
	var out [][]int
	for i, prop := range n.Props {
		if prop != jobgraph.WindowStart || n.Window.WKind != jobgraph.Cumulate {
			out = append(out, append(slices.Clone(key), len(n.Keys)+len(n.Aggs)+i))
		}
	}
	return out
}

// joinKeys: a side's keys stay keys when each of its rows meets at most one row
// of the other; a pair of keys, one of each side, always is one.
func (p *Plan) joinKeys(kind jobgraph.JoinKind, e logical.Equi, left, right [][]int, n *logical.Join, upsert bool) [][]int {
	if kind == jobgraph.Semi || kind == jobgraph.Anti {
		return p.within(n.Left, left, e.Left, upsert)
	}
	nl := len(n.Left.Schema())
	leftOnce, rightOnce := covered(left, e.Left), covered(right, e.Right)
	left = p.within(n.Left, left, e.Left, upsert)
	right = p.within(n.Right, right, e.Right, upsert)
	var out [][]int
	shifted := make([][]int, len(right))
	for i, r := range right {
		shifted[i] = shift(r, nl)
	}
	if rightOnce && (kind == jobgraph.Inner || kind == jobgraph.Left) {
		out = append(out, left...)
	}
	if leftOnce && (kind == jobgraph.Inner || kind == jobgraph.Right) {
		out = append(out, shifted...)
	}
	for _, l := range left {
		for _, r := range shifted {
			out = append(out, append(slices.Clone(l), r...))
		}
	}
	return tidy(out)
}

// within drops, of a changing input, the keys that do not hold the columns that
// rows are spread by: two changes to one such key might overtake each other.
func (p *Plan) within(input logical.Node, keys [][]int, spread []int, upsert bool) [][]int {
	if !upsert || p.Info(input).modify.Append() {
		return keys
	}
	var out [][]int
	for _, k := range keys {
		if subset(spread, k) {
			out = append(out, k)
		}
	}
	return out
}

// covered reports whether some key lies within cols.
func covered(keys [][]int, cols []int) bool {
	return slices.ContainsFunc(keys, func(k []int) bool { return subset(k, cols) })
}

func subset(a, b []int) bool {
	return !slices.ContainsFunc(a, func(x int) bool { return !slices.Contains(b, x) })
}

func withAll(keys [][]int, col int) [][]int {
	out := make([][]int, len(keys))
	for i, k := range keys {
		out[i] = append(slices.Clone(k), col)
	}
	return out
}

// tidy sorts keys, and drops those that hold another.
func tidy(keys [][]int) [][]int {
	var out [][]int
	for _, k := range keys {
		k = slices.Clone(k)
		slices.Sort(k)
		k = slices.Compact(k)
		if covered(out, k) || len(out) == keysMax {
			continue
		}
		out = slices.DeleteFunc(out, func(o []int) bool { return subset(k, o) })
		out = append(out, k)
	}
	return out
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func shift(cols []int, by int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = c + by
	}
	return out
}

// oneMatch reports whether a table as it is now has at most one row for a left row.
func (p *Plan) oneMatch(n *logical.TemporalJoin) bool {
	keys := logical.EquiOf(n.Cond, len(n.Left.Schema())).Right
	return slices.ContainsFunc(p.infos[n.Right].Keys, func(k []int) bool { return subset(k, keys) })
}
