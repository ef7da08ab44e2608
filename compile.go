package millrace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// compilePlan is COMPILE PLAN … FOR and COMPILE AND EXECUTE PLAN … FOR. The latter
// executes the file that is there, and compiles the statement only if there is none.
func (s *Session) compilePlan(ctx context.Context, a *ast.CompilePlan) (*Result, error) {
	_, err := s.fs.Stat(planPath(a.Path))
	there := err == nil
	if err != nil && !errors.Is(err, fsys.ErrNotExist) {
		return nil, at(a, base.Errorf(base.Pos{}, "plan file '%s': %v", a.Path, err))
	}
	recompile := s.opts.Bool("table.plan.force-recompile")
	switch {
	case there && !recompile && a.AndExecute:
		return s.executePlan(ctx, &ast.ExecutePlan{Source: a.Source, Path: a.Path})
	case there && !recompile && a.IfNotExists:
		return &Result{}, nil
	case there && !recompile:
		e := base.Errorf(base.Pos{}, "there is a plan file '%s' already", a.Path)
		e.Hint = "write COMPILE PLAN … IF NOT EXISTS to keep it, remove it, or SET 'table.plan.force-recompile' = 'true'"
		return nil, at(a, e)
	}
	if err := s.writePlan(a); err != nil || !a.AndExecute {
		return &Result{}, err
	}
	return s.executePlan(ctx, &ast.ExecutePlan{Source: a.Source, Path: a.Path})
}

func planPath(path string) string { return strings.TrimPrefix(path, "file://") }

// writePlan compiles a statement into its file.
func (s *Session) writePlan(a *ast.CompilePlan) error {
	lj, err := s.binder.Job(a.Statement)
	if err != nil {
		return err
	}
	o := s.planOptions("plan", lj.Name)
	o.Parallelism, o.MaxParallelism = jobgraph.AnyParallelism, 0
	g, err := physical.Plan(lj, o)
	if err != nil {
		return err
	}
	if err := s.connects(g); err != nil {
		return at(a, base.Errorf(base.Pos{}, "%v", err))
	}
	from, to := a.Statement.Span()
	text := s.at.source[from:to]
	data, err := jobgraph.NewPlan(g, text, o.Zone, planTables(lj)).Encode()
	if err != nil {
		return err
	}
	if s.opts.String("table.plan.compile.catalog-objects") == "SCHEMA" {
		if data, err = withoutOptions(data); err != nil {
			return err
		}
	}
	if err := s.fs.Put(planPath(a.Path), data); err != nil {
		return at(a, base.Errorf(base.Pos{}, "write plan file '%s': %v", a.Path, err))
	}
	return nil
}

// withoutOptions takes the options of tables out of a plan's file.
func withoutOptions(data []byte) ([]byte, error) {
	p, err := jobgraph.DecodePlan(data)
	if err != nil {
		return nil, err
	}
	for i := range p.Tables {
		p.Tables[i].Options = nil
	}
	return p.Encode()
}

// planTables are the tables that a job reads and writes, in the order of the job.
func planTables(lj *logical.Job) []jobgraph.PlanTable {
	var out []jobgraph.PlanTable
	seen := map[logical.Node]bool{}
	add := func(t *catalog.Table) {
		name := connectName(t)
		if !slices.ContainsFunc(out, func(p jobgraph.PlanTable) bool { return p.Name == name }) {
			out = append(out, jobgraph.PlanTable{Name: name, Path: []string{t.Path.Catalog, t.Path.Database, t.Path.Name}, Temporary: t.Temporary, Options: t.Options})
		}
	}
	var walk func(n logical.Node)
	walk = func(n logical.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		switch n := n.(type) {
		case *logical.Sink:
			add(n.Table)
		case *logical.Scan:
			add(n.Table)
		}
		for _, in := range n.Inputs() {
			walk(in)
		}
	}
	for _, r := range lj.Roots {
		walk(r)
	}
	return out
}

func connectName(t *catalog.Table) string {
	c, _ := logical.ConnectTable(t, nil, false)
	return c.Name
}

// executePlan is EXECUTE PLAN.
func (s *Session) executePlan(ctx context.Context, a *ast.ExecutePlan) (*Result, error) {
	p, err := s.readPlan(a)
	if err != nil {
		return nil, err
	}
	var sinks []string
	for _, op := range p.Job.Ops() {
		if sink, ok := op.Spec.(*jobgraph.Sink); ok {
			sinks = append(sinks, sink.Table.Name[strings.LastIndexByte(sink.Table.Name, '.')+1:])
		}
	}
	j := &Job{Batch: s.batch()}
	if err := s.name(j, slugOf(sinks)); err != nil {
		return nil, err
	}
	o := s.planOptions(j.ID, s.opts.String("pipeline.name"))
	j.plan = func(parallelism int) (*jobgraph.Graph, error) {
		o.Parallelism = parallelism
		return s.planGraph(a, p, o)
	}
	g, err := j.plan(o.Parallelism)
	if err != nil {
		return nil, err
	}
	j.Name = g.Name
	return s.begin(ctx, j, g, nil, nil)
}

// readPlan reads a plan's file, and checks that the session fits it.
func (s *Session) readPlan(a *ast.ExecutePlan) (*jobgraph.Plan, error) {
	fail := func(format string, args ...any) (*jobgraph.Plan, error) {
		return nil, at(a, base.Errorf(base.Pos{}, "plan file '%s': "+format, append([]any{a.Path}, args...)...))
	}
	data, err := readFile(s.fs, planPath(a.Path))
	if errors.Is(err, fsys.ErrNotExist) {
		return fail("there is none; write it with COMPILE PLAN '%s' FOR INSERT …", a.Path)
	}
	if err != nil {
		return fail("%v", err)
	}
	p, err := jobgraph.DecodePlan(data)
	if err != nil {
		return fail("%v", err)
	}
	mode := map[bool]string{true: "BATCH", false: "STREAMING"}[s.batch()]
	if p.Mode != mode {
		return fail("it was compiled for mode %s, and the session's is %s; SET 'execution.runtime-mode' = '%s'", p.Mode, mode, strings.ToLower(p.Mode))
	}
	if zone := s.Zone().String(); p.Zone != zone {
		return fail("it was compiled for the time zone %s, and the session's is %s; SET 'table.local-time-zone' = '%s'", p.Zone, zone, p.Zone)
	}
	return p, nil
}

// planGraph makes the job of a plan, with the tables' options as they are now.
func (s *Session) planGraph(a *ast.ExecutePlan, p *jobgraph.Plan, o physical.Options) (*jobgraph.Graph, error) {
	if o.MaxParallelism == 0 {
		o.MaxParallelism = physical.MaxParallelismOf(o.Parallelism)
	}
	if o.Name == "" {
		o.Name = "insert-into_" + p.Tables[0].Name
	}
	ttl := func(text string) (int64, error) {
		d, err := connect.ParseDuration(text)
		return d.Milliseconds(), err
	}
	as := jobgraph.For{ID: o.ID, Name: o.Name, Parallelism: o.Parallelism, MaxParallelism: o.MaxParallelism, Options: o.Conf, Seed: o.Seed}
	g, err := p.Graph(as, ttl, func(t jobgraph.PlanTable) (map[string]string, error) { return s.planTable(p, t) })
	if err != nil {
		return nil, at(a, base.Errorf(base.Pos{}, "plan file '%s': %v", a.Path, err))
	}
	return g, nil
}

// planTable finds the options of a plan's table, in the catalog or the plan, as
// table.plan.restore.catalog-objects says.
func (s *Session) planTable(p *jobgraph.Plan, t jobgraph.PlanTable) (map[string]string, error) {
	from := s.opts.String("table.plan.restore.catalog-objects")
	found, err := s.cat.Table(t.Path...)
	inPlan := t.Options != nil && !t.Temporary
	switch {
	case err == nil && (from != "ALL_ENFORCED" || t.Temporary):
		return found.Options, sameTable(p.TableOf(t.Name), found, t)
	case inPlan && from != "IDENTIFIER":
		return t.Options, nil
	case t.Temporary:
		return nil, fmt.Errorf("the temporary table %s is not there; create it first, it is not part of the plan", t.Name)
	}
	return nil, fmt.Errorf("the table %s is not there, and its options are not taken from the plan; create it first", t.Name)
}

// sameTable reports how a table of the catalog differs from the one that a plan was
// compiled for. A connector counts columns, so none may be added.
func sameTable(want connect.Table, found *catalog.Table, t jobgraph.PlanTable) error {
	now, _ := logical.ConnectTable(found, found.Options, false)
	if written, _ := logical.ConnectTable(found, found.Options, true); len(written.Schema) == len(want.Schema) {
		now = written
	}
	for i, f := range want.Schema {
		switch {
		case i >= len(now.Schema) || now.Schema[i].Name != f.Name:
			return fmt.Errorf("column %d of the table %s is not '%s' any more, as when the plan was compiled; compile it again", i+1, t.Name, f.Name)
		case !now.Schema[i].Type.Plain().Equal(f.Type.Plain()):
			return fmt.Errorf("column '%s' of the table %s is %s now, and the plan was compiled with %s; compile it again", f.Name, t.Name, now.Schema[i].Type.Plain(), f.Type.Plain())
		}
	}
	switch {
	case len(now.Schema) > len(want.Schema):
		return fmt.Errorf("the table %s has the column '%s', which it had not when the plan was compiled; compile it again", t.Name, now.Schema[len(want.Schema)].Name)
	case !slices.Equal(now.PrimaryKey, want.PrimaryKey):
		return fmt.Errorf("the primary key of the table %s is another than the plan was compiled with; compile it again", t.Name)
	}
	for _, key := range []string{"connector", "format", "value.format"} {
		if was, is := t.Options[key], found.Options[key]; t.Options != nil && was != is {
			return fmt.Errorf("the option '%s' of the table %s is '%s' now, and the plan was compiled with '%s'; compile it again", key, t.Name, is, was)
		}
	}
	return nil
}

// readFile reads a file whole.
func readFile(fs fsys.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
}
