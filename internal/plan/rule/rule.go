// Package rule improves logical plans. Each rule is in a file of its own and can
// be switched off by its name: without it a plan gives the same rows, only more
// slowly. What the physical planner needs (set operations taken apart, the forms
// of windows) are stages that always run.
package rule

import (
	"maps"
	"slices"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/plan/logical"
)

// Options say which rules run.
type Options struct {
	Batch  bool
	Verify bool // keep the forms that a stream has in batch plans, too
	Reuse  bool // table.optimizer.reuse-sub-plan-enabled
	// ReuseScans is table.optimizer.reuse-source-enabled.
	ReuseScans bool
	Buckets    int64           // table.optimizer.distinct-agg.split.bucket-num, if it is enabled; else 0
	Zone       string          // table.local-time-zone
	Disabled   map[string]bool // by name, see Names
	// Changes tells whether a table's source emits changes: its primary key is then
	// read in any case. nil: none does.
	Changes func(*logical.Scan) bool
	// Statistics asks a table's connector what it knows of the rows. nil: nobody is asked.
	Statistics func(*logical.Scan) *connect.Statistics
}

// A rule rewrites one node whose inputs are done. It returns n itself when it has
// nothing to do.
type rule struct {
	name  string
	apply func(c *context, n logical.Node) logical.Node
}

// rules are applied to every node, in this order, until none changes anything.
var rules = []rule{
	{"fold", fold},
	{"or-factor", orFactor},
	{"filter-merge", filterMerge},
	{"project-merge", projectMerge},
	{"project-remove", projectRemove},
	{"filter-project", filterProject},
	{"rank", rank},
	{"rank-number", rankNumber},
	{"versioned-view", versionedView},
	{"filter-join", filterJoin},
	{"or-implied", orImplied},
	{"join-condition", joinCondition},
	{"join-keys", joinKeys},
	{"temporal-keys", temporalKeys},
	{"filter-aggregate", filterAggregate},
	{"filter-union", filterUnion},
	{"filter-window", filterWindow},
	{"filter-over", filterOver},
	{"filter-correlate", filterCorrelate},
	{"filter-scan", filterScan},
	{"limit-scan", limitScan},
	{"sort-remove", sortRemove},
	{"empty", empty},
}

// stages are rules that look at a whole plan; they have names, too.
const (
	stageReorder  = "join-order"
	stageSemi     = "semi-join"
	stagePrune    = "prune"
	stageReuse    = "reuse"
	stageScans    = "reuse-scan"
	stageSplit    = "split-distinct"
	ruleEquality  = "join-equality" // part of filter-join and join-condition
	ruleOuterJoin = "outer-join"    // part of filter-join
)

// Names are the rules and stages that can be disabled.
func Names() []string {
	names := []string{stageReorder, stageSemi, stagePrune, stageReuse, stageScans, stageSplit, ruleEquality, ruleOuterJoin}
	for _, r := range rules {
		names = append(names, r.name)
	}
	slices.Sort(names)
	return names
}

// passesMax bounds how often all rules run over a plan. A pass that changes
// nothing ends it long before.
const passesMax = 20

type context struct {
	Options
	env    *fn.Env
	shared map[logical.Node]bool // read by several, and worth to be run once
	err    error
}

func (c *context) on(name string) bool { return !c.Disabled[name] }

// Optimize applies the rules to a job. The job is not changed.
func Optimize(job *logical.Job, opts Options) (*logical.Job, error) {
	c := &context{Options: opts, env: &fn.Env{Zone: time.UTC, Streaming: true, Now: func() int64 { return 0 }}}
	if z, err := time.LoadLocation(opts.Zone); err == nil {
		c.env.Zone = z
	}
	out := *job
	out.Roots = slices.Clone(job.Roots)
	if c.Statistics != nil {
		c.each(&out, statistics)
	}
	c.each(&out, setOps)
	c.rewrite(&out)
	if c.on(stageSemi) {
		c.each(&out, semiJoin)
	}
	if c.on(stageReorder) {
		joinOrder(c, &out)
		c.rewrite(&out)
	}
	c.each(&out, forms)
	if c.err != nil {
		return nil, c.err
	}
	if c.Buckets > 0 && !c.Batch && c.on(stageSplit) {
		c.each(&out, splitDistinct)
	}
	if c.on(stagePrune) {
		prune(c, &out)
		c.rewrite(&out)
		prune(c, &out)
		c.each(&out, refresh)
	}
	if c.ReuseScans && !c.Batch && c.on(stageScans) {
		reuseScans(c, &out)
		c.rewrite(&out)
	}
	if c.Reuse && c.on(stageReuse) {
		reuse(&out)
		if c.Batch {
			reread(&out)
		}
	}
	return &out, c.err
}

// rewrite runs the local rules to a fixpoint.
func (c *context) rewrite(job *logical.Job) {
	for range passesMax {
		before := slices.Clone(job.Roots)
		c.shared = sharedNodes(job)
		c.each(job, func(c *context, n logical.Node) logical.Node {
			for _, r := range rules {
				if c.on(r.name) {
					n = r.apply(c, n)
				}
			}
			return n
		})
		if slices.Equal(before, job.Roots) {
			return
		}
	}
}

// each rewrites every node once, inputs first. What is read by several stays so.
func (c *context) each(job *logical.Job, f func(c *context, n logical.Node) logical.Node) {
	done := map[logical.Node]logical.Node{}
	var visit func(n logical.Node) logical.Node
	visit = func(n logical.Node) logical.Node {
		if out, ok := done[n]; ok {
			return out
		}
		out := f(c, withInputs(n, visit))
		if c.shared[n] && out != n {
			c.shared[out] = true
		}
		done[n] = out
		return out
	}
	for i, r := range job.Roots {
		job.Roots[i] = visit(r)
	}
}

// withInputs returns n with its inputs rewritten, n itself if none changes.
func withInputs(n logical.Node, f func(logical.Node) logical.Node) logical.Node {
	old := n.Inputs()
	inputs := make([]logical.Node, len(old))
	for i, in := range old {
		inputs[i] = f(in)
	}
	if slices.Equal(inputs, old) {
		return n
	}
	return n.With(inputs)
}

// sharedNodes are the nodes that several read and that keep state: a filter must
// not be pushed into one for the sake of a single reader, or it runs twice.
func sharedNodes(job *logical.Job) map[logical.Node]bool {
	uses := map[logical.Node]int{}
	var count func(n logical.Node)
	count = func(n logical.Node) {
		if uses[n]++; uses[n] > 1 {
			return
		}
		for _, in := range n.Inputs() {
			count(in)
		}
	}
	for _, r := range job.Roots {
		count(r)
	}
	maps.DeleteFunc(uses, func(n logical.Node, k int) bool { return k < 2 || !stateful(n) })
	out := map[logical.Node]bool{}
	for n := range uses {
		out[n] = true
	}
	return out
}

func stateful(n logical.Node) bool {
	switch n.(type) {
	case *logical.Aggregate, *logical.Join, *logical.TemporalJoin, *logical.Over, *logical.Match, *logical.Rank, *logical.Sort:
		return true
	}
	return slices.ContainsFunc(n.Inputs(), stateful)
}
