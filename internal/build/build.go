// Package build makes running things from the job graph: operators from specs,
// sources and sinks from connectors, tasks from vertices. It is the only package
// that knows both what is planned and what runs.
package build

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/exec"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	_ "github.com/millrace-io/millrace/internal/expr/fn/scalar" // the functions
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/fsys"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/task"
	"github.com/millrace-io/millrace/vec"
)

// World is what tasks are built into.
type World struct {
	Env      *fn.Env
	Memory   *base.Budget
	Backend  state.Backend
	Files    state.Files
	Resident bool // all state stays in memory
	Spill    func() (fsys.FS, string)
	Late     exec.LateLog
	Epoch    base.Epoch // that the attempt starts from
	// Collect takes the rows of a SELECT.
	Collect func(*vec.Batch) error
	// Source and Writer, where they are not nil, stand in for the connectors; a nil
	// Writer for a sink leaves that one to its connector.
	Source func(*jobgraph.Source) (connect.Source, error)
	Writer func(op string, sink *jobgraph.Sink) connect.Writer
	Looker func(*jobgraph.LookupJoin) (connect.Looker, error)
	// Filters are those of hash joins, of every attempt; nil: there are none.
	Filters *connect.KeyFilters
	// Profile learns what each part does; nil: nothing is measured.
	Profile *Profile
}

// moves reports whether the rows of a subtask come, straight, from splits of a source
// that has several readers.
func moves(g *jobgraph.Graph, vertex int) bool {
	if v := &g.Vertices[vertex]; v.Source != nil {
		return v.Parallelism > 1
	}
	return slices.ContainsFunc(g.Edges, func(e jobgraph.Edge) bool {
		return e.To == vertex && e.Ship == jobgraph.Forward && moves(g, e.From)
	})
}

// Task is a subtask ready to be wired: its Inbox, Edges and Report are missing.
func Task(g *jobgraph.Graph, id task.ID, restore map[string][]state.Handle, mark *task.Marks, w *World, wake func()) (task.Config, error) {
	v := &g.Vertices[id.Vertex]
	cfg := task.Config{ID: id, Restored: mark, Clock: w.Profile.clock()}
	var late []int
	if v.Source != nil {
		late = lateColumns(v)
		src, err := Source(filtered(v.Source, late, id, w), id, w, wake)
		if err != nil {
			return cfg, err
		}
		cfg.Source = src
		if w.Profile != nil {
			w.Profile.source(v.Source.ID, id.Attempt, src)
		}
	}
	for i, op := range v.Ops {
		ctx := &exec.Context{Op: op.ID, Subtask: id.Subtask, Parallelism: v.Parallelism, Groups: g.MaxParallelism,
			Moves: moves(g, id.Vertex), Env: w.Env.For(op.ID, id.Subtask, id.Attempt), Memory: w.Memory.Share(), Resident: w.Resident, Spill: w.Spill, Late: w.Late, Counters: &exec.Counters{}}
		if w.Filters != nil {
			ctx.Filter = func(number int) *connect.KeyFilter { return w.Filters.Get(id.Attempt, number) }
		}
		ctx.Memory.Of, ctx.Memory.At = op.Name, op.Pos
		if w.Resident {
			ctx.Memory.Else = "set 'state.backend.type' to 'lsm', with which state leaves memory"
		}
		if mark != nil {
			ctx.Mark = &mark.Task
		}
		var err error
		prefix := fmt.Sprintf("%s-%d-%d", op.ID, id.Subtask, id.Attempt)
		r := base.RangeOf(id.Subtask, v.Parallelism, g.MaxParallelism)
		files := w.Files
		if w.Profile != nil {
			files = w.Profile.operator(ctx, id.Attempt, files)
		}
		if ctx.State, err = w.Backend.Open(prefix, r, restore[op.ID], files); err != nil {
			return cfg, fmt.Errorf("restore %s: %w", op.Name, err)
		}
		t := task.Op{ID: op.ID, Context: ctx}
		if i == 0 && len(late) > 0 {
			t.Operator = exec.NewLateCalc(op.Spec.(*jobgraph.Calc), late, cfg.Source.Rest)
		} else if err := fill(&t, op, id.Subtask, w); err != nil {
			return cfg, fmt.Errorf("%s: %w", op.Name, err)
		}
		cfg.Ops = append(cfg.Ops, t)
	}
	return cfg, nil
}

// lateColumns returns the columns of a vertex's source that its first operator, a
// calculation, reads only of the rows that pass its filter, and nothing else reads.
func lateColumns(v *jobgraph.Vertex) []int {
	if len(v.Ops) == 0 || v.Source.Project != nil {
		return nil
	}
	calc, ok := v.Ops[0].Spec.(*jobgraph.Calc)
	if !ok {
		return nil
	}
	late := exec.LateColumns(calc)
	if m := v.Source.Watermark; m != nil {
		early := append(expr.Columns(m.Expr), m.Time)
		late = slices.DeleteFunc(late, func(c int) bool { return slices.Contains(early, c) })
	}
	return late
}

// filtered gives a source the columns that come late, and the filters that joins of the
// same attempt publish.
func filtered(s *jobgraph.Source, late []int, id task.ID, w *World) *jobgraph.Source {
	if len(late) == 0 && (w.Filters == nil || len(s.Filters) == 0) {
		return s
	}
	out := *s
	out.Scan.Late = late
	if w.Filters == nil {
		return &out
	}
	for _, f := range s.Filters {
		out.Scan.Filters = append(out.Scan.Filters, connect.ScanFilter{Column: f.Column, Filter: w.Filters.Get(id.Attempt, f.Number)})
	}
	return &out
}

// fill makes the operator of a spec.
func fill(t *task.Op, op jobgraph.Op, subtask int, w *World) error {
	switch s := op.Spec.(type) {
	case *jobgraph.Sink:
		var err error
		t.Writer, t.Operator, err = sink(op.ID, s, subtask, w)
		return err
	case *jobgraph.Collect:
		t.Operator = exec.NewCollect(w.Collect)
		return nil
	case *jobgraph.LookupJoin:
		table, err := lookup(s, w)
		t.Operator = exec.NewLookupJoin(s, table)
		return err
	}
	var err error
	t.Operator, err = Operator(op.Spec)
	return err
}

// Operator makes the operator of a spec that needs nothing from outside.
func Operator(spec jobgraph.Spec) (exec.Operator, error) {
	switch s := spec.(type) {
	case *jobgraph.Calc:
		return exec.NewCalc(s), nil
	case *jobgraph.Expand:
		return exec.NewExpand(s), nil
	case *jobgraph.Values:
		return exec.NewValues(s), nil
	case *jobgraph.GroupAgg:
		return exec.NewGroupAgg(s), nil
	case *jobgraph.WindowTVF:
		return exec.NewWindowTVF(s), nil
	case *jobgraph.WindowAgg:
		return exec.NewWindowAgg(s), nil
	case *jobgraph.WindowJoin:
		return exec.NewWindowJoin(s), nil
	case *jobgraph.Join:
		return exec.NewJoin(s), nil
	case *jobgraph.MultiJoin:
		return exec.NewMultiJoin(s), nil
	case *jobgraph.HashJoin:
		return exec.NewHashJoin(s), nil
	case *jobgraph.IntervalJoin:
		return exec.NewIntervalJoin(s), nil
	case *jobgraph.TemporalJoin:
		return exec.NewTemporalJoin(s), nil
	case *jobgraph.CurrentJoin:
		return exec.NewCurrentJoin(s), nil
	case *jobgraph.Correlate:
		return exec.NewCorrelate(s), nil
	case *jobgraph.Match:
		return exec.NewMatch(s), nil
	case *jobgraph.Rank:
		return exec.NewRank(s), nil
	case *jobgraph.Dedup:
		return exec.NewDedup(s), nil
	case *jobgraph.Over:
		return exec.NewOver(s), nil
	case *jobgraph.Sort:
		return exec.NewSort(s), nil
	case *jobgraph.Limit:
		return exec.NewLimit(s), nil
	case *jobgraph.Normalize:
		return exec.NewNormalize(s), nil
	case *jobgraph.DropBefore:
		return exec.NewDropBefore(s), nil
	case *jobgraph.Materialize:
		return exec.NewMaterialize(s), nil
	case *jobgraph.Keep:
		return exec.NewKeep(s), nil
	case *jobgraph.Stamp:
		return exec.NewStamp(), nil
	case *jobgraph.Conflict:
		return exec.NewConflict(s), nil
	}
	return nil, fmt.Errorf("no operator for %T", spec)
}

func sink(id string, s *jobgraph.Sink, subtask int, w *World) (connect.Writer, exec.Operator, error) {
	if w.Writer != nil {
		if wr := w.Writer(id, s); wr != nil {
			return wr, exec.NewSink(s, wr, connect.AllChanges), nil
		}
	}
	at := *s
	at.Write.Epoch = uint64(w.Epoch)
	out, err := Sink(&at)
	if err != nil {
		return nil, nil, err
	}
	wr, err := out.Writer(subtask)
	if err != nil {
		return nil, nil, err
	}
	return wr, exec.NewSink(s, wr, out.Accepts()), nil
}

// Sink makes the sink of a spec.
func Sink(s *jobgraph.Sink) (connect.Sink, error) {
	c := connect.Lookup(s.Connector)
	if c == nil || c.Sink == nil {
		return nil, fmt.Errorf("connector '%s' cannot be written to", s.Connector)
	}
	return c.Sink(s.Table, s.Write)
}

// Enumerator makes the enumerator of a source; wake says that it has found splits.
func Enumerator(s *jobgraph.Source, saved []byte, wake func()) (connect.Enumerator, error) {
	src, err := open(s, nil)
	if err != nil {
		return nil, err
	}
	return src.Enumerator(saved, wake)
}

func open(s *jobgraph.Source, w *World) (connect.Source, error) {
	if w != nil && w.Source != nil {
		return w.Source(s)
	}
	c := connect.Lookup(s.Connector)
	if c == nil || c.Source == nil {
		return nil, fmt.Errorf("connector '%s' cannot be read", s.Connector)
	}
	return c.Source(s.Table, s.Scan)
}

// Source makes the head of a chain that reads a table; wake wakes the task.
func Source(s *jobgraph.Source, id task.ID, w *World, wake func()) (*task.Source, error) {
	src, err := open(s, w)
	if err != nil {
		return nil, err
	}
	out, env := &task.Source{}, w.Env.For(s.ID, id.Subtask, id.Attempt)
	if out.Reader, err = src.Reader(id.Subtask, wake); err != nil {
		return nil, err
	}
	if out.Transform, err = transform(s, env); err != nil {
		return nil, err
	}
	if s.Watermark != nil {
		out.IntervalUs, out.IdleUs, out.Gap = s.Watermark.IntervalMs*1000, s.Watermark.IdleMs*1000, s.Watermark.Gap
		if a := s.Watermark.Align; a != nil {
			out.Align = &task.Align{Alignment: *a}
		}
		out.Watermarks, err = watermarks(s, env)
		out.Prompt = !src.Bounded()
	}
	return out, err
}

func transform(s *jobgraph.Source, env *fn.Env) (func(*vec.Batch) (*vec.Batch, error), error) {
	if s.Project == nil {
		return func(b *vec.Batch) (*vec.Batch, error) { return b, nil }, nil
	}
	progs, err := expr.CompileAll(s.Project, env)
	if err != nil {
		return nil, err
	}
	return func(b *vec.Batch) (*vec.Batch, error) {
		cols, err := progs.Eval(b.Cols, b.Sel, b.Rows)
		if err != nil {
			return nil, err
		}
		return &vec.Batch{Cols: cols, Rows: b.Rows, Sel: b.Sel, Kinds: b.Kinds, Marks: b.Marks}, nil
	}, nil
}

// watermarks evaluates the watermark expression by row. A rowtime that is NULL is
// an error, as in Flink; a watermark that is NULL is none.
func watermarks(s *jobgraph.Source, env *fn.Env) (func(*vec.Batch) ([]int64, error), error) {
	prog, err := expr.Compile(s.Watermark.Expr, env)
	if err != nil {
		return nil, err
	}
	var out []int64
	return func(b *vec.Batch) ([]int64, error) {
		v, err := prog.Eval(b.Cols, b.Sel, b.Rows)
		if err != nil {
			return nil, err
		}
		times := vec.Flat(v).(*vec.Fixed[int64])
		rowtime := b.Cols[s.Watermark.Time]
		if b.Sel == nil && times.Valid == nil && kernel.NullsOf(rowtime).None() {
			return times.Vals[:b.Rows], nil
		}
		out = out[:0]
		for i := range b.Len() {
			r := b.Row(i)
			if rowtime.Null(r) {
				return nil, fmt.Errorf("%s: the rowtime column '%s' is NULL; filter such rows in a computed column or give it a default",
					s.Table.Name, s.Output[s.Watermark.Time].Name)
			}
			if times.Valid.Null(r) {
				out = append(out, math.MinInt64)
				continue
			}
			out = append(out, times.Vals[r])
		}
		return out, nil
	}, nil
}
