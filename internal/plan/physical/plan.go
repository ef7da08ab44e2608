package physical

import (
	"fmt"
	"maps"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/changelog"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/rule"
	"github.com/millrace-io/millrace/types"
)

// Plan makes the job graph of a job. Its errors are users' errors.
func Plan(job *logical.Job, opts Options) (*jobgraph.Graph, error) {
	c, err := Compile(job, opts)
	if err != nil {
		return nil, err
	}
	return c.Graph, nil
}

// Compiled is a plan with its stages, for EXPLAIN and for tests.
type Compiled struct {
	Before  *logical.Job // as bound
	After   *logical.Job // after the rules
	Changes *changelog.Plan
	Graph   *jobgraph.Graph
	// Nodes are, by id, the relations that operators and sources emit.
	Nodes map[string]logical.Node
}

// Compile makes the job graph of a job and keeps the stages.
func Compile(job *logical.Job, opts Options) (*Compiled, error) {
	if opts.Parallelism <= 0 {
		opts.Parallelism = 1
	}
	if opts.MaxParallelism <= 0 {
		opts.MaxParallelism = MaxParallelismOf(opts.Parallelism)
	}
	if opts.Parallelism > opts.MaxParallelism {
		return nil, &base.Error{Msg: fmt.Sprintf("'parallelism.default' %d is more than 'pipeline.max-parallelism' %d", opts.Parallelism, opts.MaxParallelism)}
	}
	if opts.Zone == "" {
		opts.Zone = zoneOf(opts.Conf)
	}
	set, err := opts.settings()
	if err != nil {
		return nil, err
	}
	ro := opts.Rules
	ro.Batch = opts.Batch
	if len(set.rulesOff) > 0 {
		ro.Disabled = maps.Clone(set.rulesOff)
		maps.Copy(ro.Disabled, opts.Rules.Disabled)
	}
	ro.Verify = opts.Verify
	ro.Reuse, ro.ReuseScans = set.reuse, set.reuse && set.reuseScans
	ro.Zone, ro.Buckets = opts.Zone, set.buckets
	ro.Changes = func(n *logical.Scan) bool {
		if opts.SourceKinds != nil {
			return !opts.SourceKinds(n).Append()
		}
		return !changelog.SourceKinds(n).Append()
	}
	if opts.Batch && set.statistics {
		ro.Statistics = statistics(opts.Zone)
	}
	after, err := rule.Optimize(job, ro)
	if err != nil {
		return nil, err
	}
	changes, err := changelog.Infer(after, changelog.Options{
		Batch: opts.Batch, SourceKinds: opts.SourceKinds, SinkTakes: opts.SinkTakes,
		RequireOnConflict: set.conflict, Materialize: set.materialize, Duplicates: set.duplicates,
		IgnoreVolatile: opts.Conf["table.optimizer.non-deterministic-update.strategy"] == "IGNORE",
	})
	if err != nil {
		return nil, err
	}
	b := newBuilder(opts, set, changes)
	if opts.Batch && !opts.Verify {
		b.marked = marked(after.Roots)
	}
	for _, root := range after.Roots {
		b.count(root)
		b.path(root, "")
	}
	for _, root := range after.Roots {
		if _, err := b.build(root); err != nil {
			return nil, err
		}
	}
	b.g.Name = opts.Name
	if b.g.Name == "" {
		b.g.Name = job.Name
	}
	b.nameVertices()
	if err := b.g.Check(); err != nil {
		return nil, fmt.Errorf("the planner made a graph that cannot run: %w", err)
	}
	if err := b.g.CheckTypes(); err != nil {
		return nil, fmt.Errorf("the planner made a graph that cannot run: %w", err)
	}
	return &Compiled{Before: job, After: after, Changes: changes, Graph: b.g, Nodes: b.nodes}, nil
}

func zoneOf(conf map[string]string) string {
	if z := conf["table.local-time-zone"]; z != "" && z != "default" {
		return z
	}
	return "UTC"
}

// A builder makes the graph, inputs first.
type builder struct {
	opts    Options
	set     settings
	changes *changelog.Plan
	g       *jobgraph.Graph
	sealed  map[int]bool
	marked  map[*logical.Scan]bool // scans of a batch that have a watermark
	uses    map[logical.Node]int
	done    map[logical.Node]flow
	paths   map[logical.Node]string
	ids     map[string]int
	nodes   map[string]logical.Node
	sources map[*logical.Scan]*jobgraph.Source
	// filterCount is how many filters of joins there are.
	filterCount int
}

func newBuilder(opts Options, set settings, changes *changelog.Plan) *builder {
	conf := maps.Clone(opts.Conf)
	return &builder{
		opts: opts, set: set, changes: changes,
		g: &jobgraph.Graph{ID: opts.ID, Batch: opts.Batch, Parallelism: opts.Parallelism,
			MaxParallelism: opts.MaxParallelism, Options: conf},
		sealed: map[int]bool{}, uses: map[logical.Node]int{}, done: map[logical.Node]flow{},
		paths: map[logical.Node]string{}, ids: map[string]int{}, nodes: map[string]logical.Node{},
		sources: map[*logical.Scan]*jobgraph.Source{},
	}
}

// count counts the receivers of each relation.
func (b *builder) count(n logical.Node) {
	b.uses[n]++
	if b.uses[n] > 1 {
		return
	}
	for _, in := range n.Inputs() {
		b.count(in)
	}
}

// build makes the operators of a relation, once. What several receivers read is
// sealed: its last vertex ends there.
func (b *builder) build(n logical.Node) (flow, error) {
	if f, ok := b.done[n]; ok {
		return f, nil
	}
	f, err := b.relation(n)
	if err != nil {
		return flow{}, err
	}
	if b.uses[n] > 1 {
		b.seal(f)
	}
	b.done[n] = f
	return f, nil
}

// in builds input i of n, with a DropBefore where the changelog asks for one.
func (b *builder) in(n logical.Node, i int) (flow, error) {
	f, err := b.build(n.Inputs()[i])
	if err != nil || !b.changes.Info(n).Drop[i] {
		return f, err
	}
	return b.dropBefore(n, f, b.changes.Info(n).Lone[i]), nil
}

// dropBefore takes -U away; lone says that it deletes where no +U comes with it.
func (b *builder) dropBefore(n logical.Node, f flow, lone bool) flow {
	op := b.op(n, "DropBefore", &jobgraph.DropBefore{Delete: lone}, f.schema, f.schema)
	kinds := f.kinds &^ changelog.UB
	if lone {
		kinds |= changelog.D
	}
	return b.apply(op, kinds, hashOf(f), input{flow: f, dist: anyhow})
}

// hashOf is how a flow of one part lies.
func hashOf(f flow) []int {
	if len(f.parts) == 1 {
		return f.parts[0].hash
	}
	return nil
}

func (b *builder) relation(n logical.Node) (flow, error) {
	switch n := n.(type) {
	case *logical.Scan:
		return b.scan(n)
	case *logical.Values:
		return b.values(n)
	case *logical.Filter:
		return b.filter(n)
	case *logical.Project:
		return b.project(n)
	case *logical.Aggregate:
		return b.aggregate(n)
	case *logical.WindowTVF:
		return b.windowTVF(n)
	case *logical.Correlate:
		return b.correlate(n)
	case *logical.Join:
		return b.join(n)
	case *logical.TemporalJoin:
		return b.temporalJoin(n)
	case *logical.Over:
		return b.over(n)
	case *logical.Match:
		return b.match(n)
	case *logical.Sort:
		return b.sort(n)
	case *logical.Rank:
		return b.rank(n)
	case *logical.SetOp:
		return b.setOp(n)
	case *logical.Sink:
		return b.sink(n)
	case *logical.Collect:
		return b.collect(n)
	}
	return flow{}, fmt.Errorf("no physical plan for %T", n)
}

// op makes an operator that stands for a relation. part tells several operators
// of one relation apart; it is no part of the state's identity for the main one.
func (b *builder) op(n logical.Node, part string, spec jobgraph.Spec, out types.Schema, inputs ...types.Schema) jobgraph.Op {
	op := jobgraph.Op{Spec: spec, Output: out, Pos: logical.PosOf(n)}
	path := b.paths[n]
	if part != "" {
		path += "/" + part
	}
	b.finish(&op, inputs, path)
	if part == "" {
		b.nodes[op.ID] = n
	}
	return op
}

// finish names an operator.
func (b *builder) finish(op *jobgraph.Op, inputs []types.Schema, path string) {
	op.Name = explain.Op(op.Spec, inputs, op.Output)
	op.ID = b.id(path)
}

// nameVertices gives vertices the names that the dashboard shows.
func (b *builder) nameVertices() {
	for i := range b.g.Vertices {
		v := &b.g.Vertices[i]
		var parts []string
		if v.Source != nil {
			parts = append(parts, "Source: "+shortName(v.Source.Table.Name))
		}
		for _, op := range v.Ops {
			name, _, _ := strings.Cut(op.Name, "(")
			if s, ok := op.Spec.(*jobgraph.Sink); ok {
				name = "Sink: " + shortName(s.Table.Name)
			}
			parts = append(parts, name)
		}
		v.Name = strings.Join(parts, " -> ")
	}
}

func shortName(table string) string { return table[strings.LastIndexByte(table, '.')+1:] }
