package physical

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/cost"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/types"
)

// filterPass is the share of rows that a join's filter may be expected to let pass, for
// it to be worth its while.
const filterPass = 0.9

// joinFilters has the keys of a hash join's build side told to the scans of the other
// side, where the join drops rows without a match. The scans wait for the keys, so none of
// them may feed what the build side waits for: nothing that both sides share.
func (b *builder) joinFilters(n *logical.Join, spec *jobgraph.HashJoin, shared bool) {
	if shared || b.opts.Verify || !dropsProbe(n.JoinKind, spec.BuildLeft) || !b.set.filters {
		return
	}
	probe, keys, probeKeys := n.Left, spec.RightKeys, spec.LeftKeys
	build := n.Right
	if spec.BuildLeft {
		probe, keys, probeKeys, build = n.Right, spec.LeftKeys, spec.RightKeys, n.Left
	}
	for i, k := range keys {
		if len(spec.NullSafe) > 0 && spec.NullSafe[i] || !integer(build.Schema()[k].Type) || !cost.Reduces(probe, probeKeys[i], build, k, filterPass) {
			continue
		}
		var to []scanColumn
		b.scansOf(probe, probeKeys[i], &to)
		number := b.filterCount
		for _, t := range to {
			t.source.Filters = append(t.source.Filters, jobgraph.SourceFilter{Number: number, Column: t.column})
		}
		if len(to) > 0 {
			b.filterCount++
			spec.Filters = append(spec.Filters, jobgraph.JoinFilter{Number: number, Key: i})
		}
	}
}

// dropsProbe reports whether a hash join drops the rows that it does not build and that
// have no match.
func dropsProbe(kind jobgraph.JoinKind, buildLeft bool) bool {
	switch kind {
	case jobgraph.Inner, jobgraph.Semi:
		return true
	case jobgraph.Left, jobgraph.Anti:
		return buildLeft
	case jobgraph.Right:
		return !buildLeft
	}
	return false
}

func integer(t types.Type) bool {
	switch t.Phys() {
	case types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		return true
	}
	return false
}

// A scanColumn is a column of a source, by its position in the connector's table.
type scanColumn struct {
	source *jobgraph.Source
	column int
}

// scansOf finds the scans whose rows may be dropped by a column of a relation: rows of the
// relation with a value that is not wanted come from rows with that value, and from no
// others. An inner join's key has the values of both sides.
func (b *builder) scansOf(n logical.Node, col int, to *[]scanColumn) {
	if b.uses[n] > 1 {
		return
	}
	switch x := n.(type) {
	case *logical.Scan:
		b.scanColumn(x, col, to)
	case *logical.Filter:
		b.scansOf(x.Input, col, to)
	case *logical.Project:
		if e := x.Exprs[col]; e.Op == expr.Col {
			b.scansOf(x.Input, e.Index, to)
		}
	case *logical.Aggregate:
		if x.Sets == nil && x.Window == nil && col < len(x.Keys) {
			b.scansOf(x.Input, x.Keys[col], to)
		}
	case *logical.Join:
		b.scansOfJoin(x, col, to)
	case *logical.SetOp:
		if x.SetKind == logical.Union && x.All {
			for _, in := range x.In {
				b.scansOf(in, col, to)
			}
		}
	}
}

func (b *builder) scansOfJoin(x *logical.Join, col int, to *[]scanColumn) {
	if x.Window != nil || x.Interval != nil {
		return
	}
	eq, nl := x.Equi(), len(x.Left.Schema())
	inner := x.JoinKind == jobgraph.Inner
	if col < nl {
		if inner || x.JoinKind == jobgraph.Semi || x.JoinKind == jobgraph.Anti || x.JoinKind == jobgraph.Left {
			b.scansOf(x.Left, col, to)
		}
		if at := slices.Index(eq.Left, col); at >= 0 && !eq.NullSafe[at] && (inner || x.JoinKind == jobgraph.Semi) {
			b.scansOf(x.Right, eq.Right[at], to)
		}
		return
	}
	if inner || x.JoinKind == jobgraph.Right {
		b.scansOf(x.Right, col-nl, to)
	}
	if at := slices.Index(eq.Right, col-nl); at >= 0 && !eq.NullSafe[at] && inner {
		b.scansOf(x.Left, eq.Left[at], to)
	}
}

// scanColumn finds the source of a scan whose connector knows its rows: those are files of
// a format that can skip.
func (b *builder) scanColumn(n *logical.Scan, col int, to *[]scanColumn) {
	src := b.sources[n]
	if src == nil || n.Stats == nil || src.Scan.Limit >= 0 || !b.changes.Info(n).Kinds.Append() || b.changes.Info(n).Fold {
		return
	}
	at := col
	if src.Project != nil {
		e := src.Project[col]
		if e.Op != expr.Col {
			return
		}
		at = e.Index
	}
	*to = append(*to, scanColumn{src, src.Scan.Columns[at]})
}
