package millrace

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// explainAnalyze is EXPLAIN ANALYZE: it runs the statement to its end, measures, and
// shows the operators with what each has done. The rows of a SELECT are dropped, those
// of an INSERT are written. There are no checkpoints: what a job like it left is
// neither read nor touched.
func (s *Session) explainAnalyze(ctx context.Context, a *ast.Explain) (*Result, error) {
	j := &Job{Batch: s.batch()}
	g, err := s.analyzed(a, j)
	if err != nil {
		return nil, err
	}
	if err := s.connects(g); err != nil {
		return nil, at(a.Statement, base.Errorf(base.Pos{}, "%v", err))
	}
	if err := s.ends(a, g); err != nil {
		return nil, err
	}
	whole := s.memory
	defer func() { s.memory = whole }()
	s.memory = whole.Share()
	j.profile = build.NewProfile()
	began, cpu := env.Nanos(), env.CPUNanos()
	if err := s.launch(ctx, j, g, nil, nil); err != nil {
		return nil, err
	}
	if err := j.Wait(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	run := analyzedRun{g: g, p: j.profile, status: j.Status(), tookNs: env.Nanos() - began, cpuNs: env.CPUNanos() - cpu, peak: s.memory.Peak()}
	return planText(explain.Ran(g, run.part, run.edge) + "\n" + run.summary(s.batch())), nil
}

// analyzed plans the statement as the job j.
func (s *Session) analyzed(a *ast.Explain, j *Job) (*jobgraph.Graph, error) {
	switch st := a.Statement.(type) {
	case *ast.CompilePlan:
		e := base.Errorf(base.Pos{}, "EXPLAIN ANALYZE runs a statement, and COMPILE PLAN runs nothing")
		e.Hint = "write EXPLAIN ANALYZE before the INSERT itself"
		return nil, at(st, e)
	case *ast.ExecutePlan:
		p, err := s.readPlan(st)
		if err != nil {
			return nil, err
		}
		if err := s.name(j, "analyze-plan"); err != nil {
			return nil, err
		}
		return s.planGraph(st, p, s.planOptions(j.ID, s.opts.String("pipeline.name")))
	}
	lj, err := s.binder.Job(a.Statement)
	if err != nil {
		return nil, err
	}
	j.Name = lj.Name
	if err := s.name(j, "analyze-"+slug(lj)); err != nil {
		return nil, err
	}
	return s.graph(lj, j.ID)
}

// ends reports a table that never ends: then the statement would not, either.
func (s *Session) ends(a *ast.Explain, g *jobgraph.Graph) error {
	for _, v := range g.Vertices {
		if v.Source == nil {
			continue
		}
		c := connect.Lookup(v.Source.Connector)
		if c == nil || c.Source == nil {
			continue // the run says it
		}
		source, err := c.Source(v.Source.Table, v.Source.Scan)
		if err != nil {
			return err
		}
		if !source.Bounded() {
			e := base.Errorf(base.Pos{}, "EXPLAIN ANALYZE runs the statement to its end, and table '%s' never ends", v.Source.Table.Name)
			e.Hint = fmt.Sprintf("bound the table by an option of connector '%s', in the statement by a hint: /*+ OPTIONS('…' = '…') */", v.Source.Connector)
			return at(a, e)
		}
	}
	return nil
}

// analyzedRun is a run that was measured.
type analyzedRun struct {
	g             *jobgraph.Graph
	p             *build.Profile
	status        cluster.Status
	tookNs, cpuNs int64
	peak          int64
}

// part says what an operator or source has done, "" if no subtask had it.
func (r *analyzedRun) part(id string) string {
	d, ok := r.p.Part(id)
	if !ok {
		return ""
	}
	var out []string
	source, last := false, false
	for _, v := range r.g.Vertices {
		source = source || v.Source != nil && v.Source.ID == id
		n := len(v.Ops)
		if n > 0 && v.Ops[n-1].ID == id {
			switch v.Ops[n-1].Spec.(type) {
			case *jobgraph.Sink, *jobgraph.Collect:
				last = true
			}
		}
	}
	if !source {
		out = append(out, fmt.Sprintf("rows in %d", d.RowsIn))
	}
	if !last {
		out = append(out, fmt.Sprintf("rows out %d", d.RowsOut))
	}
	if d.Late > 0 {
		out = append(out, fmt.Sprintf("late rows dropped %d", d.Late))
	}
	return strings.Join(append(out, spent(d)...), ", ")
}

// edge says what an exchange has carried.
func (r *analyzedRun) edge(i int) string {
	d, ok := r.p.Edge(i)
	if !ok {
		return ""
	}
	return strings.Join(append([]string{fmt.Sprintf("rows %d", d.RowsOut)}, spent(d)...), ", ")
}

func spent(d build.Done) []string {
	t := "time " + took(d.BusyNs)
	if d.Subtasks > 1 {
		t += fmt.Sprintf(" (%d subtasks, at most %s)", d.Subtasks, took(d.BusyNsMost))
	}
	out := []string{t}
	if d.MemoryPeak > 0 {
		out = append(out, "memory "+size(d.MemoryPeak))
	}
	if d.Spilled > 0 {
		out = append(out, "spilled "+size(d.Spilled))
	}
	return out
}

// summary is about the run as a whole.
func (r *analyzedRun) summary(batch bool) string {
	var b strings.Builder
	mode := "streaming"
	if batch {
		mode = "batch"
	}
	var spilled int64
	for _, v := range r.g.Vertices {
		for _, op := range v.Ops {
			d, _ := r.p.Part(op.ID)
			spilled += d.Spilled
		}
	}
	for i := range r.g.Edges {
		d, _ := r.p.Edge(i)
		spilled += d.Spilled
	}
	fmt.Fprintf(&b, "== Run ==\nmode: %s\ntime: %s\n", mode, took(r.tookNs))
	if r.cpuNs > 0 {
		fmt.Fprintf(&b, "CPU time of the process: %s\n", took(r.cpuNs))
	}
	fmt.Fprintf(&b, "rows: %d in, %d out\n", r.status.SourceRows, r.status.SinkRows)
	fmt.Fprintf(&b, "memory at most: %s\nspilled: %s\n", size(r.peak), size(spilled))
	if n := r.status.Attempt - 1; n > 0 {
		fmt.Fprintf(&b, "restarts: %d; the counters are those of the last attempt\n", n)
	}
	return b.String()
}

// took writes a duration with three digits.
func took(ns int64) string {
	d := time.Duration(ns)
	for unit := time.Second; unit > 1; unit /= 1000 {
		if d >= 100*unit {
			return d.Round(unit).String()
		}
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

// size writes a number of bytes.
func size(n int64) string {
	const step = 1024
	switch {
	case n < step:
		return fmt.Sprintf("%d B", n)
	case n < step*step:
		return fmt.Sprintf("%.1f KB", float64(n)/step)
	case n < step*step*step:
		return fmt.Sprintf("%.1f MB", float64(n)/(step*step))
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(step*step*step))
}
