package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/millrace-io/millrace"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/evolve"
	"github.com/millrace-io/millrace/internal/fsys/local"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/statedata"
)

type diffCommand struct {
	Old        string            `arg:"" type:"existingfile" help:"The script as it was; left out if --checkpoint says what the job was."`
	New        string            `arg:"" optional:"" type:"existingfile" help:"The script as it is to be."`
	Checkpoint string            `placeholder:"PATH" help:"A checkpoint, a savepoint or a job's folder: what the job was, and how much state each operator has."`
	Set        map[string]string `help:"Options: KEY=VALUE." mapsep:"none"`
}

// Run says what becomes of the state when a job goes on with another script. It fails
// when the new job would not go on with all of it.
func (c *diffCommand) Run(w *world) error {
	if c.New == "" {
		if c.Checkpoint == "" {
			return usageError{errors.New("two scripts are compared, or one with a checkpoint: millrace diff OLD.sql NEW.sql, or millrace diff NEW.sql --checkpoint PATH")}
		}
		c.Old, c.New = "", c.Old
	}
	news, err := c.graphs(w, c.New)
	if err != nil {
		return err
	}
	var olds []*jobgraph.Graph
	var found *checkpoint.Found
	if c.Checkpoint != "" {
		if found, err = checkpoint.Find(local.New(""), c.Checkpoint, "", func(line string) { fmt.Fprintln(w.err, line) }); err != nil {
			return err
		}
	}
	switch {
	case c.Old != "":
		if olds, err = c.graphs(w, c.Old); err != nil {
			return err
		}
	default:
		g, err := found.Plan(found.Manifest)
		if err != nil {
			return err
		}
		olds = []*jobgraph.Graph{g}
	}
	whole := true
	for i, now := range news {
		old := jobWas(olds, news, i)
		if old == nil {
			fmt.Fprintf(w.out, "job %s: new\n", now.ID)
			continue
		}
		had := statedata.OfJob(old)
		if found != nil {
			if had, err = statedata.Kept(found, old); err != nil {
				return err
			}
		}
		if !printReport(w, evolve.Compare(old, now, had), now, found) {
			whole = false
		}
	}
	if !whole {
		return errSilent
	}
	return nil
}

// jobWas is the old job that a new one was: by its id, or the one that is left.
func jobWas(olds, news []*jobgraph.Graph, i int) *jobgraph.Graph {
	has := func(gs []*jobgraph.Graph, id string) bool {
		for _, g := range gs {
			if g.ID == id {
				return true
			}
		}
		return false
	}
	var left []*jobgraph.Graph
	for _, g := range olds {
		if g.ID == news[i].ID {
			return g
		}
		if !has(news, g.ID) {
			left = append(left, g)
		}
	}
	for _, g := range news[:i] {
		if !has(olds, g.ID) && len(left) > 0 {
			left = left[1:]
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left[0]
}

// graphs plans the jobs of a script, as streams. Nothing runs.
func (c *diffCommand) graphs(w *world, file string) ([]*jobgraph.Graph, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{err}
	}
	cfg, err := (&jobFlags{Mode: "streaming", Set: c.Set, Quiet: true}).config(w)
	if err != nil {
		return nil, err
	}
	s, err := millrace.Open(cfg)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var out []*jobgraph.Graph
	for st, err := range s.Script(file, string(text)) {
		if err != nil {
			return nil, err
		}
		switch st.AST.(type) {
		case *ast.Insert, *ast.StatementSet, *ast.Execute:
			g, err := s.Graph(st)
			if err != nil {
				return nil, err
			}
			out = append(out, g)
			continue
		case *ast.Query, *ast.Show, *ast.Describe, *ast.ShowCreate, *ast.Explain, *ast.CompilePlan, *ast.ExecutePlan:
			continue
		}
		if _, err := s.Execute(context.Background(), st, nil); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, usageError{fmt.Errorf("%s has no INSERT: there is no job that could keep its state", file)}
	}
	return out, nil
}

// printReport shows what becomes of a job, and reports whether it goes on with all.
func printReport(w *world, r *evolve.Report, g *jobgraph.Graph, found *checkpoint.Found) (whole bool) {
	whole = true
	fmt.Fprintf(w.out, "job %s\n", g.ID)
	for _, i := range r.Items {
		lost := i.Verdict == evolve.Refused || i.Verdict == evolve.Lost && i.Kind == "operator"
		whole = whole && !lost
		fmt.Fprintf(w.out, "  %-8s  %-8s  %s%s\n", i.Verdict, i.Kind, i.Name, stateOf(found, i.Old))
		if len(i.Why) > 0 {
			fmt.Fprintf(w.out, "            %s\n", strings.Join(i.Why, "\n            "))
		}
	}
	return whole
}

// stateOf says how much state an operator has.
func stateOf(found *checkpoint.Found, id string) string {
	if found == nil || len(found.Manifest.Operators[id]) == 0 {
		return ""
	}
	var n int64
	for _, h := range found.Manifest.Operators[id] {
		n += h.Bytes
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s bytes)", grouped(n))
}
