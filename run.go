package millrace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/cluster"
	"github.com/millrace-io/millrace/internal/control"
	"github.com/millrace-io/millrace/internal/env"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/job"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// impl is the session's inside.
type impl struct {
	cat    *catalog.Catalog
	opts   *bind.Options
	binder *bind.Binder
	env    *fn.Env
	memory *base.Budget
	fs     fsys.FS
	spills atomic.Int64
	runs   atomic.Int64 // jobs that were started: each draws other random numbers
	seed   uint64
	at     Statement // being executed

	control *control.Server
}

// running is a Job's inside.
type running struct {
	base   string // the id without the number that tells jobs of one base apart
	local  *cluster.Local
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
	final  cluster.Status
	began  int64 // microseconds
	// plan plans the job for a parallelism; it is called before the job runs.
	plan func(parallelism int) (*jobgraph.Graph, error)
	// profile measures the job; nil: nothing does.
	profile *build.Profile
	// stopped: by STOP JOB, so its end is no failure. saved: with a savepoint.
	stopped, saved atomic.Bool
	savepoints     string // folder for them, where none is named
	endpoint       *control.Endpoint
	over           atomic.Int64 // microseconds: when it ended
}

// Open returns a session.
func Open(cfg Config) (*Session, error) {
	s := &Session{cfg: cfg}
	if s.cfg.Log == nil {
		s.cfg.Log = func(string) {}
	}
	if s.cfg.Clock != nil {
		s.cfg.Now = s.cfg.Clock.Now
	}
	if s.cfg.Now == nil {
		s.cfg.Now = env.Now
	}
	if s.cfg.Print == nil {
		s.cfg.Print = env.Print
	}
	s.cat, s.fs, s.seed = catalog.New(), local.New(""), env.Seed()
	s.cat.Open = func(path string) (fsys.FS, string, error) { return s.fs, strings.TrimPrefix(path, "file://"), nil }
	s.opts = bind.NewOptions()
	s.control = control.NewServer(commanded{s})
	if err := s.settle(); err != nil {
		return nil, usage(err)
	}
	return s, s.refresh()
}

// usage makes an error a user's, who gave a wrong option outside a script.
func usage(err error) error { return &base.Error{Msg: err.Error()} }

// settle puts the options that win, and those that lose, in their places around
// what SET has changed.
func (s *Session) settle() error {
	set := s.opts.All()
	for _, k := range slices.Sorted(maps.Keys(s.cfg.Defaults)) {
		if _, ok := set[k]; !ok {
			if err := s.setOption(k, s.cfg.Defaults[k]); err != nil {
				return err
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.cfg.Options)) {
		if err := s.setOption(k, s.cfg.Options[k]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) setOption(key, value string) error {
	warning, err := s.opts.Set(key, value)
	if warning != "" {
		s.cfg.Log(warning)
	}
	return err
}

// Script splits a text into its statements. An error ends it.
func (s *Session) Script(file, text string) iter.Seq2[Statement, error] {
	return func(yield func(Statement, error) bool) {
		for st, err := range parse.Statements(text) {
			if err != nil {
				yield(Statement{}, inFile(file, err))
				return
			}
			from, to := st.Span()
			if !yield(Statement{AST: st, Text: text[from:to], File: file, source: text}, nil) {
				return
			}
		}
	}
}

// inFile names the file in a user's error.
func inFile(file string, err error) error {
	var p *parse.Error
	if errors.As(err, &p) {
		return &base.Error{File: file, Pos: base.Pos{Line: p.Pos.Line, Col: p.Pos.Col}, Msg: p.Msg, Hint: p.Hint}
	}
	var u *base.Error
	if errors.As(err, &u) && u.File == "" {
		u.File = file
	}
	return err
}

// refresh follows a change of options.
func (s *Session) refresh() error {
	s.env = &fn.Env{Zone: s.opts.Zone(), QueryStart: s.cfg.Now(), Now: s.cfg.Now, Streaming: !s.batch(), Seed: s.seed, Print: s.cfg.Print}
	s.memory = s.budget()
	s.binder = bind.New(s.cat, s.env, bind.WithOptions(s.opts))
	return nil
}

func (s *Session) batch() bool { return s.opts.Batch() }

// Zone is the session's time zone.
func (s *Session) Zone() *time.Location { return s.opts.Zone() }

// Execute runs a statement. The rows of a SELECT go to rows, which may be nil.
// INSERTs go on running when Execute returns, unless table.dml-sync is set; a
// SELECT too: see Job.Wait.
func (s *Session) Execute(ctx context.Context, st Statement, rows RowsFunc) (*Result, error) {
	s.at = st
	s.env.QueryStart = s.cfg.Now()
	res, err := s.execute(ctx, st, rows)
	if err != nil {
		return nil, inFile(st.File, err)
	}
	return res, nil
}

func (s *Session) execute(ctx context.Context, st Statement, rows RowsFunc) (*Result, error) {
	switch a := st.AST.(type) {
	case *ast.Query, *ast.Insert, *ast.StatementSet, *ast.Execute, *ast.Update, *ast.Delete:
		job, err := s.binder.Job(a)
		if err != nil {
			return nil, err
		}
		return s.start(ctx, job, rows)
	case *ast.Set:
		return s.set(a)
	case *ast.Reset:
		return s.reset(a)
	case *ast.Explain:
		return s.explain(ctx, a)
	case *ast.CompilePlan:
		return s.compilePlan(ctx, a)
	case *ast.ExecutePlan:
		return s.executePlan(ctx, a)
	}
	return s.statement(ctx, st.AST)
}

// start plans a job and runs it.
func (s *Session) start(ctx context.Context, lj *logical.Job, rows RowsFunc) (*Result, error) {
	var schema types.Schema
	if _, query := lj.Roots[0].(*logical.Collect); query {
		schema = lj.Roots[0].Schema()
	}
	j := &Job{Batch: s.batch(), Name: lj.Name}
	if err := s.name(j, slug(lj)); err != nil {
		return nil, err
	}
	o := s.planOptions(j.ID, lj.Name)
	j.plan = func(parallelism int) (*jobgraph.Graph, error) {
		o.Parallelism = parallelism
		return physical.Plan(lj, o)
	}
	g, err := j.plan(o.Parallelism)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, j, g, schema, rows)
}

// begin runs a graph; schema is that of a SELECT's rows, else nil.
func (s *Session) begin(ctx context.Context, j *Job, g *jobgraph.Graph, schema types.Schema, rows RowsFunc) (*Result, error) {
	if err := s.connects(g); err != nil {
		return nil, &base.Error{Pos: s.at.pos(), Msg: err.Error()}
	}
	res := &Result{Kind: Insert, Job: j}
	if schema != nil {
		res.Kind, res.Schema = Query, schema
	}
	if err := s.launch(ctx, j, g, res.Schema, rows); err != nil {
		return nil, err
	}
	if schema == nil && s.opts.Bool("table.dml-sync") {
		return res, j.Wait(ctx)
	}
	return res, nil
}

// connects asks the connectors for the job's sources and sinks: what is wrong with
// the options of a table is the script's fault, and is said before anything runs.
func (s *Session) connects(g *jobgraph.Graph) error {
	for _, v := range g.Vertices {
		if src := v.Source; src != nil {
			if c := connect.Lookup(src.Connector); c != nil && c.Source != nil {
				source, err := c.Source(src.Table, src.Scan)
				if err != nil {
					return err
				}
				if s.batch() && !source.Bounded() {
					return fmt.Errorf("table '%s' never ends, and a batch gives its result at the end; bound it by an option of connector '%s', or SET 'execution.runtime-mode' = 'streaming'",
						src.Table.Name, src.Connector)
				}
			}
		}
		for _, op := range v.Ops {
			if sink, ok := op.Spec.(*jobgraph.Sink); ok {
				if _, err := build.Sink(sink); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// pos is where the statement stands in the script.
func (st Statement) pos() base.Pos {
	from, _ := st.AST.Span()
	before := st.source[:min(from, len(st.source))]
	line := strings.LastIndexByte(before, '\n') + 1
	return base.Pos{Line: 1 + strings.Count(before, "\n"), Col: 1 + utf8.RuneCountInString(before[line:])}
}

// inScript names the script in an error of one of its expressions or clauses, which
// happens while the job runs.
func inScript(file string, err error) error {
	var e *expr.Error
	if errors.As(err, &e) && e.Pos != (base.Pos{}) && strings.HasPrefix(err.Error(), e.Error()) {
		return fmt.Errorf("%s:%w", file, err)
	}
	var m *base.ExceededError
	if errors.As(err, &m) && m.Pos != (base.Pos{}) && strings.HasPrefix(err.Error(), m.Error()) {
		return fmt.Errorf("%s:%w", file, err)
	}
	return err
}

func (s *Session) planOptions(id, name string) physical.Options {
	conf := s.opts.All()
	p := runtime.GOMAXPROCS(0)
	for _, key := range []string{"table.exec.resource.default-parallelism", bind.OptParallelism} {
		if _, ok := conf[key]; ok && s.opts.Int(key) > 0 {
			p = int(s.opts.Int(key))
		}
	}
	o := physical.Options{Batch: s.batch(), Parallelism: p, MaxParallelism: max(int(s.opts.Int(bind.OptMaxParallelism)), 0), ID: id, Name: name,
		Conf: conf, Zone: s.Zone().String(), Seed: seedOf(id)}
	o.Verify = s.cfg.verify != nil
	return o
}

// seedOf is the seed of sources that generate: the same for each run of a job, so
// that one that is restored gets the same rows.
func seedOf(job string) uint64 { return xxh3.HashString(job) }

func (s *Session) graph(lj *logical.Job, id string) (*jobgraph.Graph, error) {
	return physical.Plan(lj, s.planOptions(id, lj.Name))
}

// world is what the tasks of a job are built into. Its state files, if it takes no
// checkpoints, go into a folder of the session.
func (s *Session) world() *build.World {
	fs, dir := s.spill()
	w := &build.World{Env: s.env.For("", 0, int(s.runs.Add(1))), Filters: &connect.KeyFilters{}, Memory: s.memory, Spill: s.spill, Files: &checkpoint.Storage{FS: fs, Dir: dir}}
	switch s.opts.String("state.backend.type") {
	case "mem", "hashmap":
		w.Resident = true
	}
	w.Backend = lsm.Backend{Background: func(f func()) { go f() }, Memory: s.memory, DeltaBytes: lsm.DeltaBytes(s.memory), Blocks: &lsm.Cache{Memory: s.memory, Bytes: lsm.CacheBytes(s.memory)}}
	return w
}

// budget is the memory that the jobs of the session share. Without a size they have
// no limit, but state that can leaves memory before the machine's is used up.
func (s *Session) budget() *base.Budget {
	size := cmp.Or(s.opts.Size("memory.size"), s.opts.Size("taskmanager.memory.process.size"))
	if size > 0 {
		env.LimitMemory(size)
		return &base.Budget{Limit: size}
	}
	return &base.Budget{EvictAt: env.MachineMemory() / 2}
}

// launch runs a graph in the background.
func (s *Session) launch(ctx context.Context, j *Job, g *jobgraph.Graph, schema types.Schema, rows RowsFunc) error {
	l := &cluster.Local{Graph: g, Clock: s.cfg.Clock, Log: func(line string) { s.cfg.Log(j.ID + ": " + line) }}
	world := s.world()
	world.Collect = func(b *vec.Batch) error {
		if rows == nil {
			return nil
		}
		return rows(schema, b)
	}
	world.Profile = j.profile
	l.World = world
	if v := s.cfg.verify; v != nil {
		v.prepare(g, world, s.Zone())
	}
	l.Options = job.Options{FailuresMax: int(s.opts.Int("execution.checkpointing.tolerable-failed-checkpoints")), Random: env.Float,
		Unaligned: s.opts.Bool("execution.checkpointing.unaligned.enabled"), AlignedUs: s.opts.Duration("execution.checkpointing.aligned-checkpoint-timeout").Microseconds(), RetryUs: time.Second.Microseconds(),
		IntervalUs: s.opts.Duration("execution.checkpointing.interval").Microseconds(), MinPauseUs: s.opts.Duration("execution.checkpointing.min-pause").Microseconds(),
		TimeoutUs: s.opts.Duration("execution.checkpointing.timeout").Microseconds()}
	dir := s.checkpointDir()
	switch {
	case j.profile != nil:
		l.Options.IntervalUs = 0
	case dir == "" && s.restoreFrom() != "" && s.cfg.verify == nil:
		return usage(errors.New("a restore needs a folder, where the job keeps its checkpoints: give --checkpoint-dir or set 'execution.checkpointing.dir'"))
	case dir == "" && l.Options.IntervalUs > 0 && !j.Batch && s.cfg.verify == nil:
		s.cfg.Log("'execution.checkpointing.interval' is set, but there is no folder for checkpoints: none are taken; give --checkpoint-dir or set 'execution.checkpointing.dir'")
		l.Options.IntervalUs = 0
	case dir != "" && !j.Batch && s.cfg.verify == nil && schema == nil:
		if err := s.checkpoints(j, l, dir); err != nil {
			return err
		}
	}
	l.Options.Restart = s.restart(l.Storage != nil)
	if l.Options.Run == "" {
		l.Options.Run = newRun()
	}
	nameRun(g, l.Options.Run)
	ctx, cancel := context.WithCancel(ctx)
	j.local, j.cancel, j.ended, j.began = l, cancel, make(chan struct{}), env.Now()
	j.savepoints = cmp.Or(strings.TrimPrefix(s.opts.String("execution.checkpointing.savepoint-dir"), "file://"), dir)
	s.mu.Lock()
	s.jobs = append(s.jobs, j)
	s.mu.Unlock()
	file := s.at.File
	go func() {
		defer j.leave()
		defer cancel()
		out, err := l.Run(ctx)
		if err == nil {
			err = out.Err
		}
		if j.stopped.Load() && errors.Is(err, context.Canceled) {
			err = nil
		}
		if j.endpoint != nil {
			err = errors.Join(err, j.endpoint.Leave())
		}
		if l.Storage != nil {
			err = errors.Join(err, l.Storage.Lease.Release())
		}
		j.err, j.final = inScript(file, err), l.Status()
	}()
	return nil
}

// leave tells all who wait that the job has ended.
func (j *Job) leave() {
	j.over.Store(env.Now())
	if j.endpoint != nil {
		j.endpoint.Close() // before those who wait for the end go on, and the process with them
	}
	close(j.ended)
}

// checkpointDir is the folder for checkpoints, "" for none.
func (s *Session) checkpointDir() string {
	if s.cfg.CheckpointDir != "" {
		return s.cfg.CheckpointDir
	}
	return strings.TrimPrefix(s.opts.String("execution.checkpointing.dir"), "file://")
}

// newRun names a run of a job.
func newRun() string { return fmt.Sprintf("%08x", uint32(env.Seed())) }

// nameRun makes the names of what sinks write those of one run: another run of the
// job, at the same time or later, has others.
func nameRun(g *jobgraph.Graph, run string) {
	for _, v := range g.Vertices {
		for _, op := range v.Ops {
			if sink, ok := op.Spec.(*jobgraph.Sink); ok {
				sink.Write.JobID += "-" + run
			}
		}
	}
}

// spill returns a folder for what does not fit in memory.
func (s *Session) spill() (fsys.FS, string) {
	dir := s.opts.String("io.tmp.dirs")
	if dir == "" {
		dir = env.TempDir()
	}
	return local.Scratch(""), path.Join(dir, "millrace-spill-"+strconv.FormatUint(s.seed, 36), strconv.FormatInt(s.spills.Add(1), 10))
}

// Close drops what the session has on disk for itself. Jobs must have ended.
func (s *Session) Close() error {
	s.control.Wait()
	_, dir := s.spill()
	return s.fs.RemoveAll(path.Dir(dir))
}

// Wait waits for the job's end. When ctx ends first, the job is cancelled: it takes
// a last checkpoint, if it takes any.
func (j *Job) Wait(ctx context.Context) error {
	select {
	case <-j.ended:
	case <-ctx.Done():
		j.cancel()
		<-j.ended
	}
	return j.err
}

// Cancel ends the job after a last checkpoint, if it takes any.
func (j *Job) Cancel() { j.cancel() }

// Ended is closed when the job has ended.
func (j *Job) Ended() <-chan struct{} { return j.ended }

// Status returns the job's figures.
func (j *Job) Status() cluster.Status {
	select {
	case <-j.ended:
		return j.final
	default:
		return j.local.Status()
	}
}
