package exec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// Sink gives the rows of its input to a connector's writer. The task prepares
// the writer when an epoch ends; see task.Op.
type Sink struct {
	Base
	spec   *jobgraph.Sink
	writer connect.Writer
	accept connect.Changes
	limits []constraint
}

// NewSink returns the operator for a writer of a sink that accepts such changes.
func NewSink(spec *jobgraph.Sink, w connect.Writer, accept connect.Changes) *Sink {
	return &Sink{spec: spec, writer: w, accept: accept, limits: constraints(spec)}
}

// Process implements Operator.
func (s *Sink) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	var last *vec.Mark
	if n := len(b.Marks); n > 0 {
		last = &b.Marks[n-1]
	}
	b, err := s.enforce(b)
	if err != nil {
		return false, err
	}
	if b.Len() > 0 {
		b = vec.Compact(b)
		if err := s.check(b); err != nil {
			return false, err
		}
		if err := s.writer.Write(b); err != nil {
			return false, fmt.Errorf("write to %s: %w", s.spec.Table.Name, err)
		}
	}
	if last != nil {
		return false, out.Watermark(last.Time)
	}
	return false, nil
}

// enforce sees to what the types of the columns promise.
func (s *Sink) enforce(b *vec.Batch) (*vec.Batch, error) {
	for _, c := range s.spec.NotNull {
		col := b.Cols[c]
		bad := false
		for i := 0; i < b.Len() && !bad; i++ {
			bad = col.Null(b.Row(i))
		}
		if !bad {
			continue
		}
		if !s.spec.DropNull {
			return nil, s.nullAt(s.spec.Table.Schema[c].Name)
		}
		kept := *b
		kept.Sel = make([]int32, 0, b.Len())
		for i := range b.Len() {
			if r := b.Row(i); !col.Null(r) {
				kept.Sel = append(kept.Sel, int32(r))
			}
		}
		b = &kept
	}
	var err error
	for _, c := range s.limits {
		if c.nulls {
			if b, err = s.withoutNulls(b, c); err != nil {
				return nil, err
			}
		}
	}
	return s.enforceLengths(b)
}

func (s *Sink) enforceLengths(b *vec.Batch) (*vec.Batch, error) {
	if s.spec.Lengths == "" {
		return b, nil
	}
	cols := b.Cols
	for _, c := range s.limits {
		switch {
		case !c.lengths:
		case s.spec.Lengths == jobgraph.LengthsFail:
			if err := s.checkLengths(b, c); err != nil {
				return nil, err
			}
		default:
			if &cols[0] == &b.Cols[0] {
				cols = slices.Clone(cols)
			}
			cols[c.col] = fitted(cols[c.col], c.typ, s.spec.Nested)
		}
	}
	out := *b
	out.Cols = cols
	return &out, nil
}

// check asserts that the planner sends no change that the sink cannot take.
func (s *Sink) check(b *vec.Batch) error {
	if s.accept == connect.AllChanges || b.Kinds == nil {
		return nil
	}
	for _, k := range b.Kinds {
		if k == vec.UpdateBefore || s.accept == connect.AppendOnly && k != vec.Insert {
			return fmt.Errorf("%s cannot take the change %s; this is a bug in the plan (%s)", s.spec.Table.Name, k, strings.ToLower(s.spec.Connector))
		}
	}
	return nil
}

// Collect hands rows to whoever runs the job.
type Collect struct {
	Base
	take func(*vec.Batch) error
}

// NewCollect returns an operator that gives its rows to take, compact.
func NewCollect(take func(*vec.Batch) error) *Collect { return &Collect{take: take} }

// Process implements Operator.
func (c *Collect) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if b.Len() > 0 {
		if err := c.take(vec.Compact(b)); err != nil {
			return false, err
		}
	}
	if n := len(b.Marks); n > 0 {
		return false, out.Watermark(b.Marks[n-1].Time)
	}
	return false, nil
}
