package exec

import (
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// Calc filters rows, then computes columns. A filter sets the selection; when it
// lets few rows pass they are copied together first, so that what follows does
// not walk over columns that are mostly gaps.
type Calc struct {
	Base
	spec    *jobgraph.Calc
	program *expr.Programs // the filter, if there is one, and the columns
	used    []int          // the columns that Project reads
	mark    int64
	marked  bool
	asks    bool // for the watermark
	late    []int
	rest    Rest
	feed    feed // what waits, if it asks
}

// calcDense is how many positions a selected row may stand for before the rows
// are copied together.
const calcDense = 4

// A Rest makes columns of some rows of the batch that is being processed, ascending and
// close together, or for nil of all.
type Rest func(rows []int32) ([]vec.Vector, error)

// NewCalc returns the operator for a spec.
func NewCalc(spec *jobgraph.Calc) Operator { return &Calc{spec: spec} }

// NewLateCalc returns the operator for a spec with LateColumns, whose batches may have nil
// in their places: rest makes them of the rows that pass the filter.
func NewLateCalc(spec *jobgraph.Calc, late []int, rest Rest) Operator {
	return &Calc{spec: spec, late: late, rest: rest}
}

// LateColumns returns the columns, of those of the input, that a calculation reads only of
// rows that have passed its filter.
func LateColumns(spec *jobgraph.Calc) []int {
	if spec.Filter == nil || spec.Project == nil || asksWatermark(spec) {
		return nil
	}
	var late []int
	first := expr.Columns(spec.Filter)
	for _, e := range spec.Project {
		for _, c := range expr.Columns(e) {
			if !slices.Contains(first, c) && !slices.Contains(late, c) {
				late = append(late, c)
			}
		}
	}
	return late
}

// Open implements Operator.
func (c *Calc) Open(ctx *Context) error {
	env := *ctx.Env
	env.Watermark = func() (int64, bool) { return c.mark, c.marked }
	c.asks = asksWatermark(c.spec)
	list := c.spec.Project
	if c.spec.Filter != nil {
		list = append([]*expr.Expr{c.spec.Filter}, list...)
	}
	seen := map[int]bool{}
	for _, e := range c.spec.Project {
		for _, i := range expr.Columns(e) {
			seen[i] = true
		}
	}
	for i := range seen {
		c.used = append(c.used, i)
	}
	var err error
	c.program, err = expr.CompileAll(list, &env)
	return err
}

// Process implements Operator.
func (c *Calc) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if c.asks {
		return c.apart(b, out)
	}
	last, marked := lastMark(b)
	res, err := c.apply(b)
	if err != nil {
		return false, err
	}
	if marked {
		c.mark, c.marked = last, true
	}
	if res.Len() > 0 {
		return false, out.Emit(res)
	}
	if marked {
		return false, out.Watermark(last)
	}
	return false, nil
}

// Watermark implements Operator.
func (c *Calc) Watermark(t int64, out Output) (bool, error) {
	if t < math.MaxInt64 {
		c.mark, c.marked = t, true
	}
	return false, out.Watermark(t)
}

func (c *Calc) apply(b *vec.Batch) (*vec.Batch, error) {
	res := *b
	if c.spec.Filter == nil && c.spec.Project == nil {
		return &res, nil
	}
	if c.spec.Filter == nil {
		cols, err := c.program.Eval(res.Cols, res.Sel, res.Rows)
		res.Cols = cols
		return &res, err
	}
	var err error
	if res.Sel, err = c.program.Filter(b.Cols, b.Sel, b.Rows); err != nil {
		return nil, err
	}
	if res.Sel != nil && len(res.Sel) == 0 {
		return &res, nil
	}
	copied := true
	switch {
	case c.rest != nil && b.Cols[c.late[0]] == nil:
		if err := c.complete(&res); err != nil {
			return nil, err
		}
	case res.Sel != nil && len(res.Sel)*calcDense < res.Rows:
		res = *c.compact(&res)
	default:
		copied = false
	}
	if c.spec.Project == nil {
		return &res, nil
	}
	res.Cols, err = c.program.Rest(res.Cols, res.Sel, res.Rows, copied)
	return &res, err
}

// compact copies the selected rows together, of the columns that are read.
func (c *Calc) compact(b *vec.Batch) *vec.Batch {
	if c.spec.Project == nil {
		return vec.Compact(b)
	}
	few := *b
	few.Cols = nil
	out := vec.Compact(&few)
	out.Cols = make([]vec.Vector, len(b.Cols))
	for _, i := range c.used {
		if b.Cols[i] != nil {
			out.Cols[i] = vec.Take(b.Cols[i], b.Sel)
		}
	}
	return out
}

// complete adds the late columns to a batch that was filtered, and copies the rows of the
// others together: the late ones come that way.
func (c *Calc) complete(b *vec.Batch) error {
	cols, err := c.rest(b.Sel)
	if err != nil {
		return err
	}
	if b.Sel != nil {
		*b = *c.compact(b)
	} else {
		b.Cols = slices.Clone(b.Cols)
	}
	for i, at := range c.late {
		b.Cols[at] = cols[i]
	}
	return nil
}
