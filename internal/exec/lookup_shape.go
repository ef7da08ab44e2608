package exec

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// A shaper makes the rows of a join's right side of those that a table gives: the
// table's computed columns first, then what the query says of it.
type shaper struct {
	source, project *expr.Programs // nil: the columns as they are
	filter          *expr.Program  // nil: all rows
}

func newShaper(source []*expr.Expr, calc jobgraph.Calc, env *fn.Env) (s shaper, err error) {
	if source != nil {
		if s.source, err = expr.CompileAll(source, env); err != nil {
			return s, err
		}
	}
	if calc.Filter != nil {
		if s.filter, err = expr.Compile(calc.Filter, env); err != nil {
			return s, err
		}
	}
	if calc.Project != nil {
		s.project, err = expr.CompileAll(calc.Project, env)
	}
	return s, err
}

// apply returns the columns of the rows that pass, and which those are; nil: all.
func (s *shaper) apply(b *vec.Batch) (cols []vec.Vector, passed []int32, err error) {
	b = vec.Compact(b)
	cols, n := b.Cols, b.Rows
	if s.source != nil {
		if cols, err = s.source.Eval(cols, nil, n); err != nil {
			return nil, nil, err
		}
	}
	if s.filter != nil {
		if passed, err = s.filter.Filter(cols, nil, n); err != nil {
			return nil, nil, err
		}
		if passed != nil {
			cols, n = takeAll(cols, passed), len(passed)
		}
	}
	if s.project != nil {
		cols, err = s.project.Eval(cols, nil, n)
	}
	return cols, passed, err
}
