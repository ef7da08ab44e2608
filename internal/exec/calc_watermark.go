package exec

import (
	"math"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// asksWatermark reports whether CURRENT_WATERMARK is in a calculation.
func asksWatermark(spec *jobgraph.Calc) bool {
	found := false
	for _, e := range append([]*expr.Expr{spec.Filter}, spec.Project...) {
		if e != nil {
			expr.Walk(e, func(x *expr.Expr) bool {
				found = found || x.Op == expr.Call && x.Func == "CURRENT_WATERMARK"
				return !found
			})
		}
	}
	return found
}

// apart calculates the rows between two marks of a batch at a time: each sees the
// watermark before it. All other calculations leave a batch whole.
func (c *Calc) apart(b *vec.Batch, out Output) (bool, error) {
	var err error
	segments(b, func(part *vec.Batch, mark *vec.Mark) {
		if part.Len() > 0 && err == nil {
			var res *vec.Batch
			if res, err = c.apply(part); err == nil && res.Len() > 0 {
				c.feed.batch(res)
			}
		}
		if mark != nil && mark.Time < math.MaxInt64 {
			c.mark, c.marked = mark.Time, true
		}
		if mark != nil {
			c.feed.watermark(mark.Time)
		}
	})
	if err != nil {
		return false, err
	}
	return c.feed.drain(out)
}

// Resume implements Operator.
func (c *Calc) Resume(out Output) (bool, error) { return c.feed.drain(out) }
