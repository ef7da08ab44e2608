package physical

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/rule"
)

// currentJoin joins with a table as it is now (FOR SYSTEM_TIME AS OF a processing
// time). There are three ways:
//
//	LookupJoin   a connector that finds rows by key is asked; a table that ends and
//	             does not change is read whole, again and again if its options say so
//	CurrentJoin  anything else is read as a stream next to the left side
//	HashJoin     in a batch, which reads every table whole, unless it must be asked
func (b *builder) currentJoin(n *logical.TemporalJoin) (flow, error) {
	left, err := b.in(n, 0)
	if err != nil {
		return left, err
	}
	e := logical.EquiOf(n.Cond, len(left.schema))
	if t, ok := tableOf(n.Right); ok {
		cache, asked, err := b.lookedUp(t, n.Right)
		if err != nil {
			return flow{}, base.Errorf(n.Pos, "Table '%s': %v", t.scan.Table.Path.Name, err)
		}
		if asked || cache.Kind == connect.CacheFull && !b.opts.Batch {
			return b.lookupJoin(n, e, left, t, cache)
		}
	}
	right, err := b.in(n, 1)
	if err != nil {
		return right, err
	}
	if b.opts.Batch {
		j := &logical.Join{Left: n.Left, Right: n.Right, JoinKind: n.JoinKind, Cond: n.Cond, Hints: n.Hints, Out: n.Out, Pos: n.Pos}
		b.paths[j] = b.paths[n]
		return b.hashJoin(j, e, left, right), nil
	}
	if err := b.hasCurrent(n, e); err != nil {
		return flow{}, err
	}
	spec := &jobgraph.CurrentJoin{JoinKind: n.JoinKind, LeftKeys: e.Left, RightKeys: e.Right, Cond: e.Rest,
		LeftTypes: left.schema.Types(), RightTypes: right.schema.Types(), Await: b.ends(n.Right), Keep: !left.kinds.Append(),
		LeftTTLMs: ttl(n.Hints, 0, b.ttl()), RightTTLMs: ttl(n.Hints, 1, b.ttl())}
	op := b.op(n, "", spec, n.Out, left.schema, right.schema)
	li, ri := input{flow: left, dist: hashed(e.Left)}, input{flow: right, dist: hashed(e.Right)}
	if spec.Await {
		li.priority = 1
	}
	return b.apply(op, b.changes.Info(n).Kinds, lies(n.JoinKind, e, len(left.schema)), li, ri), nil
}

// hasCurrent checks that there is such a thing as the table now: it ends, or its rows
// change, or have a key that ON compares. An endless stream of inserts has only a past,
// all of whose rows would be kept, and joined.
func (b *builder) hasCurrent(n *logical.TemporalJoin, e logical.Equi) error {
	info := b.changes.Info(n.Right)
	if b.ends(n.Right) || !info.Append() || comparesKey(info.Keys, e.Right) {
		return nil
	}
	name := "the right side"
	if t, ok := tableOf(n.Right); ok {
		name = "table '" + t.scan.Table.Path.Name + "'"
	}
	err := base.Errorf(n.Pos, "FOR SYSTEM_TIME AS OF a processing time needs a table that is looked up, ends, or has versions, but %s is an endless stream of inserts", name)
	err.Hint = "join a table whose connector finds rows by key, or a view that numbers the rows of each key by time, descending, and keeps number 1"
	return err
}

// comparesKey reports whether one of the keys is compared whole.
func comparesKey(keys [][]int, compared []int) bool {
	return slices.ContainsFunc(keys, func(k []int) bool {
		return !slices.ContainsFunc(k, func(c int) bool { return !slices.Contains(compared, c) })
	})
}

// A lookedTable is a relation that is a table, filtered and projected.
type lookedTable struct {
	scan    *logical.Scan
	filter  []*expr.Expr // over the scan's columns
	project []*expr.Expr
}

// tableOf looks through filters and projections for the table.
func tableOf(n logical.Node) (*lookedTable, bool) {
	switch x := n.(type) {
	case *logical.Scan:
		t := &lookedTable{scan: x}
		for i, f := range x.Out {
			t.project = append(t.project, expr.Column(i, f.Type))
		}
		return t, true
	case *logical.Filter:
		t, ok := tableOf(x.Input)
		if ok {
			t.filter = append(t.filter, expr.Conjuncts(rule.Substitute(x.Cond, t.project))...)
		}
		return t, ok
	case *logical.Project:
		t, ok := tableOf(x.Input)
		if !ok {
			return nil, false
		}
		above := make([]*expr.Expr, len(x.Exprs))
		for i, e := range x.Exprs {
			above[i] = rule.Substitute(e, t.project)
		}
		t.project = above
		return t, true
	}
	return nil, false
}

// lookedUp says what is kept of a table, and whether its connector is asked by key.
// A table that neither is asked nor read whole has CacheNone.
func (b *builder) lookedUp(t *lookedTable, n logical.Node) (cache connect.Cache, asked bool, err error) {
	options := connect.Options(t.scan.Options)
	c := connect.Lookup(options["connector"])
	canAsk := c != nil && c.Lookup != nil
	def := connect.CacheNone
	if !canAsk && b.changes.Info(n).Append() && b.ends(t.scan) {
		def = connect.CacheFull
	}
	if cache, err = connect.CacheOf(options, def); err != nil {
		return cache, false, err
	}
	if _, said := options["lookup.cache"]; said && !canAsk && cache.Kind != connect.CacheFull {
		return cache, false, fmt.Errorf("connector '%s' cannot be asked by key, so a lookup join reads the table whole; set 'lookup.cache' = 'FULL' or leave it out", options["connector"])
	}
	return cache, canAsk && cache.Kind != connect.CacheFull, nil
}

// ends reports whether the tables that a relation reads end by themselves.
func (b *builder) ends(n logical.Node) bool {
	if s, ok := n.(*logical.Scan); ok {
		c := connect.Lookup(s.Options["connector"])
		if c == nil || c.Source == nil {
			return true // a stand-in of a test
		}
		table, _ := logical.ConnectTable(s.Table, s.Options, false)
		src, err := c.Source(table, connect.Scan{Columns: []int{}, Limit: -1, Parallelism: 1, Zone: b.opts.Zone})
		return err == nil && src.Bounded()
	}
	return !slices.ContainsFunc(n.Inputs(), func(in logical.Node) bool { return !b.ends(in) })
}

func (b *builder) lookupJoin(n *logical.TemporalJoin, e logical.Equi, left flow, t *lookedTable, cache connect.Cache) (flow, error) {
	src, _, err := b.source(t.scan)
	if err != nil {
		return flow{}, err
	}
	src.Watermark = nil
	src.Scan.Bounded, src.Scan.Parallelism = true, 1
	spec := &jobgraph.LookupJoin{JoinKind: n.JoinKind, LeftKeys: e.Left, RightKeys: e.Right, Cond: e.Rest,
		LeftTypes: left.schema.Types(), RightTypes: n.Right.Schema().Types(), Source: src,
		Calc: jobgraph.Calc{Filter: expr.And(t.filter), Project: t.project}, Cache: cache, Keep: !left.kinds.Append(), TTLMs: ttl(n.Hints, 0, b.ttl())}
	if len(t.filter) == 0 {
		spec.Calc.Filter = nil
	}
	if cache.Kind != connect.CacheFull {
		if err := askedBy(spec, t, n, e); err != nil {
			return flow{}, err
		}
	}
	shuffle, err := b.lookupOptions(spec, n)
	if err != nil {
		return flow{}, err
	}
	d := anyhow
	hash := hashOf(left)
	if shuffle || spec.Keep { // what is kept of a row must be where the row is taken back
		d = hashed(e.Left)
		hash = e.Left
	}
	op := b.op(n, "", spec, n.Out, left.schema)
	return b.apply(op, b.changes.Info(n).Kinds, hash, input{flow: left, dist: d}), nil
}

// askedBy splits the keys of a join into columns of the table, by which its connector
// is asked, and the rest, which is compared afterwards.
func askedBy(s *jobgraph.LookupJoin, t *lookedTable, n *logical.TemporalJoin, e logical.Equi) error {
	_, at := logical.ConnectTable(t.scan.Table, t.scan.Options, false)
	var left, right []int
	rest := expr.Conjuncts(s.Cond)
	nl := len(s.LeftTypes)
	for i, k := range e.Right {
		p := t.project[k]
		col := -1
		if p.Op == expr.Col && t.scan.Table.Columns[t.scan.Columns[p.Index]].Kind == catalog.Physical {
			col = at[t.scan.Columns[p.Index]]
		}
		if col >= 0 && !slices.Contains(s.Lookup.Keys, col) {
			left, right = append(left, e.Left[i]), append(right, k)
			s.Lookup.Keys = append(s.Lookup.Keys, col)
			continue
		}
		l, r := expr.Column(e.Left[i], s.LeftTypes[e.Left[i]]), expr.Column(nl+k, s.RightTypes[k])
		eq, err := expr.NewCall("=", l, r)
		if err != nil {
			return err
		}
		rest = append(rest, eq)
	}
	if len(left) == 0 {
		return base.Errorf(n.Pos, "table '%s' is asked by key, so the join needs a condition column = value with a column of it", t.scan.Table.Path.Name)
	}
	s.LeftKeys, s.RightKeys = left, right
	if s.Cond = nil; len(rest) > 0 {
		s.Cond = expr.And(rest)
	}
	s.Lookup.Columns, s.Lookup.Predicates = s.Source.Scan.Columns, s.Source.Scan.Predicates
	s.Lookup.Zone = s.Source.Scan.Zone
	return nil
}

// lookupOptions reads the session's options and the LOOKUP hint, which goes before
// them. It reports whether rows are to be sent to subtasks by key.
func (b *builder) lookupOptions(s *jobgraph.LookupJoin, n *logical.TemporalJoin) (shuffle bool, err error) {
	o := connect.Options{}
	for _, k := range []string{"output-mode", "buffer-capacity", "timeout"} {
		if v, ok := b.opts.Conf["table.exec.async-lookup."+k]; ok {
			o[strings.TrimPrefix(k, "buffer-")] = v
		}
	}
	for _, h := range n.Hints {
		if h.Name != "LOOKUP" {
			continue
		}
		for k, v := range h.KV {
			if !slices.Contains(lookupHints, k) {
				e := base.Errorf(n.Pos, "hint LOOKUP knows no '%s'", k)
				if near := connect.Near(k, lookupHints); near != "" {
					e.Hint = "did you mean '" + near + "'?"
				}
				return false, e
			}
			o[k] = v
		}
	}
	fail := func(err error) (bool, error) {
		return false, base.Errorf(n.Pos, "hint LOOKUP or table.exec.async-lookup: %v", err)
	}
	async, err := o.Bool("async", true)
	if err != nil {
		return fail(err)
	}
	mode := strings.ToUpper(o.String("output-mode", "ORDERED"))
	if mode != "ORDERED" && mode != "ALLOW_UNORDERED" {
		return fail(fmt.Errorf("output-mode '%s' is none of ORDERED, ALLOW_UNORDERED", o["output-mode"]))
	}
	s.Ordered = mode == "ORDERED" || !async || s.Keep
	capacity, err := o.Int("capacity", 100)
	if err != nil || capacity < 1 || capacity > math.MaxInt32 {
		return fail(fmt.Errorf("capacity '%s' is not a positive number", o["capacity"]))
	}
	timeout, err := o.Duration("timeout", 180_000_000_000)
	if err != nil {
		return fail(err)
	}
	if async && s.Cache.Kind != connect.CacheFull {
		s.Capacity, s.TimeoutMs = int(capacity), timeout.Milliseconds()
	}
	if err := retries(s, o); err != nil {
		return fail(err)
	}
	return o.Bool("shuffle", false)
}

var lookupHints = []string{"table", "async", "output-mode", "capacity", "timeout", "retry-predicate", "retry-strategy", "fixed-delay", "max-attempts", "shuffle"}

// retries reads when a row without an answer is asked for again.
func retries(s *jobgraph.LookupJoin, o connect.Options) error {
	keys := []string{"retry-predicate", "retry-strategy", "fixed-delay", "max-attempts"}
	given := 0
	for _, k := range keys {
		if _, ok := o[k]; ok {
			given++
		}
	}
	switch {
	case given == 0:
		return nil
	case given < len(keys):
		return &base.Error{Msg: "retries need 'retry-predicate', 'retry-strategy', 'fixed-delay' and 'max-attempts'"}
	case !strings.EqualFold(o["retry-predicate"], "lookup_miss"):
		return fmt.Errorf("retry-predicate '%s' is not lookup_miss", o["retry-predicate"])
	case !strings.EqualFold(o["retry-strategy"], "fixed_delay"):
		return fmt.Errorf("retry-strategy '%s' is not fixed_delay", o["retry-strategy"])
	}
	delay, err := o.Duration("fixed-delay", 0)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(o["max-attempts"])
	if err != nil || n < 1 {
		return fmt.Errorf("max-attempts '%s' is not a positive number", o["max-attempts"])
	}
	if s.Cache.Kind == connect.CacheFull && s.Cache.Every == 0 {
		return nil // a table that is read once has nothing new to say
	}
	s.RetryDelayMs, s.RetryMax = delay.Milliseconds(), n
	return nil
}
