package physical

import (
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/cost"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/rule"
)

func (b *builder) join(n *logical.Join) (flow, error) {
	if m := b.joinsOfOneKey(n); m != nil {
		return b.multiJoin(n, m)
	}
	left, err := b.in(n, 0)
	if err != nil {
		return left, err
	}
	right, err := b.in(n, 1)
	if err != nil {
		return right, err
	}
	e := n.Equi()
	byTime := b.changes.Info(n).ByTime && (!b.opts.Batch || b.opts.Verify)
	switch {
	case n.Window != nil && byTime:
		return b.windowJoin(n, e, left, right), nil
	case n.Interval != nil && byTime:
		return b.intervalJoin(n, e, left, right), nil
	case b.opts.Batch:
		return b.hashJoin(n, e, left, right), nil
	}
	return b.streamJoin(n, e, left, right), nil
}

// lies is how the rows of a join lie: by the left keys, unless the left side may
// be NULL where the right one is not.
func lies(kind jobgraph.JoinKind, e logical.Equi, nl int) []int {
	if len(e.Left) == 0 {
		return nil
	}
	switch kind {
	case jobgraph.Inner, jobgraph.Left, jobgraph.Semi, jobgraph.Anti:
		return e.Left
	case jobgraph.Right:
		out := slices.Clone(e.Right)
		for i := range out {
			out[i] += nl
		}
		return out
	}
	return nil
}

func (b *builder) streamJoin(n *logical.Join, e logical.Equi, left, right flow) flow {
	info, li, ri := b.changes.Info(n), b.changes.Info(n.Left), b.changes.Info(n.Right)
	lt, rt := ttl(n.Hints, 0, b.set.ttlMs), ttl(n.Hints, 1, b.set.ttlMs)
	spec := &jobgraph.Join{JoinKind: n.JoinKind, LeftKeys: e.Left, RightKeys: e.Right, NullSafe: e.AnyNullSafe(), Cond: e.Rest,
		LeftTypes: left.schema.Types(), RightTypes: right.schema.Types(),
		LeftUnique: unique(li, e.Left), RightUnique: unique(ri, e.Right),
		LeftAppend: left.kinds.Append(), RightAppend: right.kinds.Append(),
		LeftOne: oneRow(li), RightOne: oneRow(ri), SendBefore: info.Before(), LeftTTLMs: lt, RightTTLMs: rt}
	op := b.op(n, "", spec, n.Out, left.schema, right.schema)
	return b.apply(op, info.Kinds, lies(n.JoinKind, e, len(left.schema)),
		input{flow: left, dist: hashed(e.Left)}, input{flow: right, dist: hashed(e.Right)})
}

// oneRow reports whether a relation has one row at most: no column is needed to tell
// its rows apart.
func oneRow(i *changelog.Info) bool {
	return slices.ContainsFunc(i.Keys, func(k []int) bool { return len(k) == 0 })
}

// unique picks the unique key of a join's input: one that holds the join keys if
// there is one, so that a row's changes stay under one join key.
func unique(i *changelog.Info, keys []int) []int {
	holds := func(k []int) bool {
		return !slices.ContainsFunc(keys, func(c int) bool { return !slices.Contains(k, c) })
	}
	for _, list := range [][][]int{i.Upsert, i.Keys} {
		for _, k := range list {
			if holds(k) && len(k) > 0 {
				return k
			}
		}
	}
	for _, k := range i.Keys {
		if len(k) > 0 {
			return k
		}
	}
	return nil
}

func (b *builder) windowJoin(n *logical.Join, e logical.Equi, left, right flow) flow {
	w := n.Window
	var lk, rk []int
	var safe []bool
	for i := range e.Left {
		if e.Left[i] == w.LeftStart && e.Right[i] == w.RightStart || e.Left[i] == w.LeftEnd && e.Right[i] == w.RightEnd {
			continue
		}
		lk, rk, safe = append(lk, e.Left[i]), append(rk, e.Right[i]), append(safe, e.NullSafe[i])
	}
	if !slices.Contains(safe, true) {
		safe = nil
	}
	if len(lk) == 0 { // nothing but the window: spread the windows over the subtasks
		lk, rk = []int{w.LeftEnd}, []int{w.RightEnd}
	}
	spec := &jobgraph.WindowJoin{JoinKind: n.JoinKind, LeftKeys: lk, RightKeys: rk, NullSafe: safe,
		LeftStart: w.LeftStart, LeftEnd: w.LeftEnd, RightStart: w.RightStart, RightEnd: w.RightEnd, Granule: w.Granule, Zone: w.Zone,
		Cond: e.Rest, LeftTypes: left.schema.Types(), RightTypes: right.schema.Types()}
	op := b.op(n, "", spec, n.Out, left.schema, right.schema)
	return b.apply(op, changelog.InsertOnly, lies(n.JoinKind, logical.Equi{Left: lk, Right: rk}, len(left.schema)),
		input{flow: left, dist: hashed(lk)}, input{flow: right, dist: hashed(rk)})
}

func (b *builder) intervalJoin(n *logical.Join, e logical.Equi, left, right flow) flow {
	i := n.Interval
	_, rest, _ := rule.Bounds(n)
	spec := &jobgraph.IntervalJoin{JoinKind: n.JoinKind, LeftKeys: e.Left, RightKeys: e.Right, LeftTime: i.LeftTime, RightTime: i.RightTime,
		Lower: i.Lower, Upper: i.Upper, Cond: rest, LeftTypes: left.schema.Types(), RightTypes: right.schema.Types()}
	op := b.op(n, "", spec, n.Out, left.schema, right.schema)
	return b.apply(op, changelog.InsertOnly, lies(n.JoinKind, e, len(left.schema)),
		input{flow: left, dist: hashed(e.Left)}, input{flow: right, dist: hashed(e.Right)})
}

// hashJoin joins complete inputs: the smaller side is read whole first. A small
// build side is sent to every subtask of the other, if the join's kind allows.
func (b *builder) hashJoin(n *logical.Join, e logical.Equi, left, right flow) flow {
	ls, rs := cost.Of(n.Left), cost.Of(n.Right)
	buildLeft := cost.BuildLeft(n.JoinKind, ls, rs)
	if side := buildHint(n.Hints); side != "" && n.JoinKind != jobgraph.Semi && n.JoinKind != jobgraph.Anti {
		buildLeft = side == "LEFT"
	}
	build, probe, bs := right, left, rs
	if buildLeft {
		build, probe, bs = left, right, ls
	}
	spec := &jobgraph.HashJoin{JoinKind: n.JoinKind, BuildLeft: buildLeft, LeftKeys: e.Left, RightKeys: e.Right,
		NullSafe: e.AnyNullSafe(), Cond: e.Rest, LeftTypes: left.schema.Types(), RightTypes: right.schema.Types()}
	shared := b.shares(build) || b.shares(probe)
	b.joinFilters(n, spec, shared)
	op := b.op(n, "", spec, n.Out, left.schema, right.schema)
	bi := input{flow: build, dist: hashed(e.Right), priority: 0}
	pi := input{flow: probe, dist: hashed(e.Left), priority: 1}
	if buildLeft {
		bi.dist, pi.dist = hashed(e.Left), hashed(e.Right)
	}
	hash := lies(n.JoinKind, e, len(left.schema))
	if cost.Broadcasts(n.JoinKind, buildLeft) && b.opts.Parallelism > 1 &&
		(len(e.Left) == 0 || bs.Known && bs.Bytes() <= float64(b.set.broadcastMax) && !hinted(n.Hints, "SHUFFLE_HASH") || hinted(n.Hints, "BROADCAST")) {
		bi.dist, pi.dist = dist{ship: jobgraph.Broadcast}, anyhow
		spec.Whole = true
		hash = hashOf(probe)
		if buildLeft {
			hash = nil
		}
	}
	if shared {
		bi.blocking, pi.blocking = true, true
	}
	ins := []input{pi, bi}
	if buildLeft {
		ins = []input{bi, pi}
	}
	return b.apply(op, changelog.InsertOnly, hash, ins...)
}

// shares reports whether what flows comes, by edges that are not blocking, from a
// vertex that others read as well. A join that reads one side first stops the
// other side's vertices meanwhile; if one of those also feeds what the join waits
// for, by whatever way and other joins, nothing moves any more. So both sides are
// written to disk first.
func (b *builder) shares(f flow) bool {
	for v := range b.ancestors(f) {
		if b.sealed[v] {
			return true
		}
	}
	return false
}

func (b *builder) ancestors(f flow) map[int]bool {
	seen := map[int]bool{}
	var visit func(v int)
	visit = func(v int) {
		if seen[v] {
			return
		}
		seen[v] = true
		for _, e := range b.g.Edges {
			if e.To == v && !e.Blocking {
				visit(e.From)
			}
		}
	}
	for _, p := range f.parts {
		visit(p.vertex)
	}
	return seen
}

func (b *builder) temporalJoin(n *logical.TemporalJoin) (flow, error) {
	if n.Time.Type.Proctime {
		return b.currentJoin(n)
	}
	left, err := b.in(n, 0)
	if err != nil {
		return left, err
	}
	right, err := b.in(n, 1)
	if err != nil {
		return right, err
	}
	e := logical.EquiOf(n.Cond, len(left.schema))
	info := b.changes.Info(n)
	if n.Time.Op != expr.Col || !n.Time.Type.Rowtime {
		return left, base.Errorf(n.Pos, "Temporal table join currently only supports 'FOR SYSTEM_TIME AS OF' left table's time attribute field")
	}
	rightTime := -1
	for i, f := range right.schema {
		if f.Type.Rowtime {
			rightTime = i
			break
		}
	}
	key := n.Versions || comparesKey(b.changes.Info(n.Right).Keys, e.Right)
	if rightTime < 0 || !key {
		e := base.Errorf(n.Pos, "FOR SYSTEM_TIME AS OF an event time needs a table that keeps versions, with a PRIMARY KEY that ON compares whole and a WATERMARK, but %s", missing(rightTime < 0, !key))
		e.Hint = "declare what is missing, compare the key in ON, or join a view that numbers the rows of each key by time, descending, and keeps number 1"
		return left, e
	}
	spec := &jobgraph.TemporalJoin{JoinKind: n.JoinKind, LeftKeys: e.Left, RightKeys: e.Right, LeftTime: n.Time.Index, RightTime: rightTime,
		Cond: e.Rest, LeftTypes: left.schema.Types(), RightTypes: right.schema.Types()}
	op := b.op(n, "", spec, n.Out, left.schema, right.schema)
	return b.apply(op, info.Kinds, lies(n.JoinKind, e, len(left.schema)),
		input{flow: left, dist: hashed(e.Left)}, input{flow: right, dist: hashed(e.Right)}), nil
}

func missing(time, key bool) string {
	switch {
	case time && key:
		return "it has neither"
	case time:
		return "it has no WATERMARK"
	}
	return "no PRIMARY KEY of it is compared whole"
}
