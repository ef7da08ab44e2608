package exec

import (
	"math"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/vec"
)

// Stamp appends to each row the watermark that its sender had reached, in
// microseconds: the receiver behind an exchange, whose own watermark is that of
// its slowest sender, learns so which changes belong together.
type Stamp struct {
	Base
	ctx   *Context
	mark  int64
	ident idents
}

// NewStamp returns the operator.
func NewStamp() Operator { return &Stamp{} }

// Open implements Operator.
func (s *Stamp) Open(ctx *Context) error {
	s.ctx, s.mark = ctx, restoredTime(ctx.State, "watermark")
	return nil
}

// Process implements Operator.
func (s *Stamp) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	times := make([]int64, b.Rows)
	marks := b.Marks
	for _, r := range s.ident.positions(b) {
		for len(marks) > 0 && marks[0].Row <= r {
			s.mark, marks = max(s.mark, marks[0].Time), marks[1:]
		}
		times[r] = s.mark
	}
	if m, ok := lastMark(b); ok {
		s.mark = max(s.mark, m)
	}
	res := *b
	res.Cols = append(b.Cols[:len(b.Cols):len(b.Cols)], &vec.Fixed[int64]{Vals: times})
	return false, out.Emit(&res)
}

// Watermark implements Operator.
func (s *Stamp) Watermark(t int64, out Output) (bool, error) {
	s.mark = max(s.mark, t)
	return false, out.Watermark(t)
}

// Snapshot implements Operator.
func (s *Stamp) Snapshot(base.Epoch) error {
	if s.mark > math.MinInt64 {
		saveTime(s.ctx.State, "watermark", s.mark)
	}
	return nil
}
