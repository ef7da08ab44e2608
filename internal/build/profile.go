package build

import (
	"sync"
	"sync/atomic"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
)

// A Profile is what the parts of a job have done: for each operator, source (both by
// id) and edge (by its place in the graph) the sum over its subtasks. Tasks register
// their counters when they are built; they are read when the job has ended, so nothing
// is added up while it runs. Of a job that was restarted the last attempt counts.
type Profile struct {
	mu      sync.Mutex
	attempt int
	ops     map[string][]opCounters
	sources map[string][]*task.Source
	edges   map[int]*edgeCounters
}

// Done is what a part has done. Times are those in which the part was at work.
type Done struct {
	RowsIn, RowsOut, Late int64
	BusyNs, BusyNsMost    int64 // of all subtasks, and of the busiest
	Subtasks              int
	MemoryPeak            int64 // bytes: the peaks of its subtasks together
	Spilled               int64 // bytes that it wrote to disk for lack of memory
}

type opCounters struct {
	*exec.Counters
	memory  *base.Budget
	spilled *atomic.Int64
}

type edgeCounters struct {
	sent    []*task.Edge
	memory  *base.Budget
	spilled atomic.Int64
}

// NewProfile returns an empty profile.
func NewProfile() *Profile {
	p := &Profile{}
	p.reset()
	return p
}

func (p *Profile) reset() {
	p.ops, p.sources, p.edges = map[string][]opCounters{}, map[string][]*task.Source{}, map[int]*edgeCounters{}
}

// begins forgets earlier attempts.
func (p *Profile) begins(attempt int) {
	if attempt > p.attempt {
		p.attempt = attempt
		p.reset()
	}
}

// operator makes the context of an operator one whose memory and files are counted,
// and returns the files for its state.
func (p *Profile) operator(ctx *exec.Context, attempt int, files state.Files) state.Files {
	c := opCounters{ctx.Counters, ctx.Memory.Share(), new(atomic.Int64)}
	ctx.Memory = c.memory
	ctx.Spill = counted(ctx.Spill, c.spilled)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begins(attempt)
	p.ops[ctx.Op] = append(p.ops[ctx.Op], c)
	return stateFiles{files, c.spilled}
}

func (p *Profile) source(id string, attempt int, s *task.Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begins(attempt)
	p.sources[id] = append(p.sources[id], s)
}

// Edges registers the edges of a task, which are wired by now.
func (p *Profile) Edges(g *jobgraph.Graph, cfg *task.Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begins(cfg.ID.Attempt)
	k := 0
	for i, e := range g.Edges {
		if e.From == cfg.ID.Vertex {
			c := p.edge(i, nil)
			c.sent = append(c.sent, &cfg.Edges[k])
			k++
		}
	}
}

// Waiting returns memory and files, both counted, for what waits on an edge.
func (p *Profile) Waiting(edge, attempt int, w *World) (*base.Budget, func() (fsys.FS, string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begins(attempt)
	c := p.edge(edge, w.Memory)
	return c.memory, counted(w.Spill, &c.spilled)
}

func (p *Profile) edge(i int, memory *base.Budget) *edgeCounters {
	if p.edges[i] == nil {
		p.edges[i] = &edgeCounters{memory: memory.Share()}
	}
	return p.edges[i]
}

// Part returns what an operator or a source has done, once the job has ended.
func (p *Profile) Part(id string) (d Done, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.ops[id] {
		d.busy(c.BusyNs)
		d.RowsIn, d.RowsOut, d.Late = d.RowsIn+c.RowsIn, d.RowsOut+c.RowsOut, d.Late+c.LateDropped
		d.MemoryPeak, d.Spilled = d.MemoryPeak+c.memory.Peak(), d.Spilled+c.spilled.Load()
	}
	for _, s := range p.sources[id] {
		d.busy(s.BusyNs)
		d.RowsOut += s.Rows
	}
	return d, d.Subtasks > 0
}

// Edge returns what an edge has carried, once the job has ended.
func (p *Profile) Edge(i int) (d Done, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.edges[i]
	if c == nil {
		return d, false
	}
	for _, e := range c.sent {
		d.busy(e.BusyNs)
		d.RowsOut += e.Rows
	}
	d.MemoryPeak, d.Spilled = c.memory.Peak(), c.spilled.Load()
	return d, true
}

func (d *Done) busy(ns int64) {
	d.BusyNs, d.BusyNsMost = d.BusyNs+ns, max(d.BusyNsMost, ns)
	d.Subtasks++
}

// clock is what a task measures with: none unless there is a profile.
func (p *Profile) clock() func() int64 {
	if p == nil {
		return nil
	}
	return env.Nanos
}

// counted counts the bytes written to the file stores that place returns.
func counted(place func() (fsys.FS, string), written *atomic.Int64) func() (fsys.FS, string) {
	if place == nil {
		return nil
	}
	return func() (fsys.FS, string) {
		fs, dir := place()
		return fsys.Meter{FS: fs, Written: written}, dir
	}
}

// stateFiles counts the bytes of the files that a store puts.
type stateFiles struct {
	state.Files
	written *atomic.Int64
}

func (f stateFiles) Put(name string, data []byte) error {
	f.written.Add(int64(len(data)))
	return f.Files.Put(name, data)
}
