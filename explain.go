package millrace

import (
	"context"
	"slices"

	"github.com/millrace-io/millrace/internal/build"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

// explain is EXPLAIN.
func (s *Session) explain(ctx context.Context, a *ast.Explain) (*Result, error) {
	if a.Analyze {
		return s.explainAnalyze(ctx, a)
	}
	has := func(word string) bool { return slices.Contains(a.Details, word) }
	d := explain.Details{Changes: has("CHANGELOG_MODE"), JSON: has("JSON_EXECUTION_PLAN"), Advice: has("PLAN_ADVICE"), Delivery: s.delivery}
	if plan, ok := a.Statement.(*ast.ExecutePlan); ok {
		p, err := s.readPlan(plan)
		if err != nil {
			return nil, err
		}
		g, err := s.planGraph(plan, p, s.planOptions("explain", s.opts.String("pipeline.name")))
		if err != nil {
			return nil, err
		}
		return planText(explain.Text(nil, g, d)), nil
	}
	if c, ok := a.Statement.(*ast.CompilePlan); ok {
		a.Statement = c.Statement
	}
	lj, err := s.binder.Job(a.Statement)
	if err != nil {
		return nil, err
	}
	c, err := physical.Compile(lj, s.planOptions("explain", lj.Name))
	if err != nil {
		return nil, err
	}
	return planText(explain.Text(c.Before, c.Graph, c.Details(d, has("ESTIMATED_COST")))), nil
}

func planText(text string) *Result {
	res := listing([]string{"result"}, [][]string{{text}})
	res.Kind = Plan
	return res
}

// delivery says what a failure does to the rows of a sink.
func (s *Session) delivery(sink *jobgraph.Sink) string {
	out, err := build.Sink(sink)
	if err != nil {
		return "nothing: " + err.Error()
	}
	c, err := out.Committer()
	switch {
	case err != nil:
		return "nothing: " + err.Error()
	case c != nil && s.batch():
		return "exactly once: rows appear when the job has ended"
	case c != nil:
		return "exactly once: rows appear with the checkpoint that they belong to"
	}
	return "at least once: rows appear as they are written, and some come again after a failure"
}
