package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Values emits constant rows, once: before the watermark that ends time, which is
// the first thing that a task without inputs is told. Whether it has is state.
type Values struct {
	Base
	spec  *jobgraph.Values
	env   *Context
	state state.Store
	done  bool
	feed  feed
}

const valuesDone = "done"

// NewValues returns the operator for a spec.
func NewValues(spec *jobgraph.Values) Operator { return &Values{spec: spec} }

// Open implements Operator.
func (v *Values) Open(ctx *Context) error {
	v.env, v.state = ctx, ctx.State
	v.done = len(ctx.State.Values(valuesDone)) > 0
	return nil
}

// Process implements Operator; there is no input.
func (v *Values) Process(int, *vec.Batch, Output) (bool, error) { panic("exec: rows for Values") }

// Watermark implements Operator.
func (v *Values) Watermark(t int64, out Output) (bool, error) {
	if err := v.start(); err != nil {
		return false, err
	}
	v.feed.watermark(t)
	return v.feed.drain(out)
}

// EndInput implements Operator.
func (v *Values) EndInput(_ int, out Output) (bool, error) {
	if err := v.start(); err != nil {
		return false, err
	}
	return v.feed.drain(out)
}

// Resume implements Operator.
func (v *Values) Resume(out Output) (bool, error) { return v.feed.drain(out) }

// Snapshot implements Operator.
func (v *Values) Snapshot(base.Epoch) error {
	if v.done {
		v.state.SetValue(valuesDone, []byte{1})
	}
	return nil
}

func (v *Values) start() error {
	if v.done {
		return nil
	}
	v.done = true
	cols, err := v.columns()
	if err != nil {
		return err
	}
	n := len(v.spec.Rows)
	for from := 0; from < n; from += vec.BatchRowsMax {
		to := min(n, from+vec.BatchRowsMax)
		b := &vec.Batch{Rows: to - from}
		for _, c := range cols {
			b.Cols = append(b.Cols, vec.Slice(c, from, to))
		}
		v.feed.batch(b)
	}
	return nil
}

// columns evaluates the rows. A constant of a type that is not the column's has
// been cast by the planner.
func (v *Values) columns() ([]vec.Vector, error) {
	build := make([]*vec.Builder, len(v.spec.Types))
	for i, t := range v.spec.Types {
		build[i] = vec.NewBuilder(t)
	}
	for _, row := range v.spec.Rows {
		for i, e := range row {
			if e.Type.Kind == types.Null {
				build[i].Null()
				continue
			}
			p, err := expr.Compile(e, v.env.Env)
			if err != nil {
				return nil, err
			}
			c, err := p.Eval(nil, nil, 1)
			if err != nil {
				return nil, err
			}
			build[i].From(c, 0)
		}
	}
	cols := make([]vec.Vector, len(build))
	for i, b := range build {
		cols[i] = b.Finish()
	}
	return cols, nil
}
