package cli

import (
	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/sql/ast"
)

type explainCommand struct {
	scriptFlags
	Mode string            `enum:"streaming,batch," default:"" help:"streaming or batch."`
	Set  map[string]string `help:"Options: KEY=VALUE." mapsep:"none"`
}

// Run shows the plan of every statement that would run as a job. Statements that
// change the catalog or the options are carried out, in this process only.
func (c *explainCommand) Run(w *world) error {
	name, text, err := c.text(w)
	if err != nil {
		return err
	}
	cfg, err := (&jobFlags{Mode: c.Mode, Set: c.Set, Quiet: true}).config(w)
	if err != nil {
		return err
	}
	s, err := millrace.Open(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	r := &runner{w: w, s: s}
	for st, err := range s.Script(name, text) {
		if err != nil {
			return err
		}
		switch a := st.AST.(type) {
		case *ast.Query, *ast.Insert, *ast.StatementSet, *ast.Execute, *ast.CompilePlan, *ast.ExecutePlan:
			st.AST = &ast.Explain{Statement: st.AST, Details: []string{"CHANGELOG_MODE"}}
		case *ast.Explain:
			a.Analyze = false // nothing runs
		case *ast.Show, *ast.Describe, *ast.ShowCreate:
			continue
		}
		res, err := s.Execute(w.ctx, st, nil)
		if err != nil {
			return err
		}
		if res.Kind == millrace.Plan {
			if err := r.text(res); err != nil {
				return err
			}
		}
	}
	return nil
}
