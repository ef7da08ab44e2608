package millrace

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// statement runs a statement that starts no job, or only one (CREATE TABLE AS).
func (s *Session) statement(ctx context.Context, st ast.Statement) (*Result, error) {
	switch a := st.(type) {
	case *ast.Show:
		return s.show(a)
	case *ast.ShowCreate:
		return s.showCreate(a)
	case *ast.Describe:
		return s.describe(a)
	case *ast.StopJob:
		return s.stopJob(ctx, a)
	case *ast.Truncate:
		return s.truncate(a)
	case *ast.Analyze:
		return s.analyze(ctx, a)
	case *ast.Alter:
		switch a.Action.(type) {
		case *ast.AddPartitions, *ast.DropPartitions:
			return s.alterPartitions(a)
		}
	case *ast.UseModules, *ast.LoadModule, *ast.UnloadModule, *ast.Jar:
		return &Result{}, module(a)
	case *ast.Client:
		return &Result{}, at(a, base.Errorf(base.Pos{}, "this command is one of the shell's: millrace sql"))
	}
	if a, ok := st.(*ast.CreateTable); ok && a.As != nil {
		return s.createAs(ctx, a)
	}
	_, err := s.binder.DDL(st)
	return &Result{}, err
}

func (s *Session) set(a *ast.Set) (*Result, error) {
	if a.All {
		all := s.opts.All()
		var rows [][]string
		for _, k := range slices.Sorted(maps.Keys(all)) {
			rows = append(rows, []string{k, all[k]})
		}
		return listing([]string{"key", "value"}, rows), nil
	}
	if fixed, ok := s.cfg.Options[a.Key]; ok {
		s.cfg.Log(fmt.Sprintf("SET '%s' has no effect: a flag sets it to '%s'", a.Key, fixed))
		return &Result{}, nil
	}
	if err := s.setOption(a.Key, a.Value); err != nil {
		return nil, at(a, err)
	}
	return &Result{}, s.refresh()
}

func (s *Session) reset(a *ast.Reset) (*Result, error) {
	key := a.Key
	if a.All {
		key = ""
	}
	if err := s.opts.Reset(key); err != nil {
		return nil, at(a, err)
	}
	if err := s.settle(); err != nil {
		return nil, at(a, err)
	}
	return &Result{}, s.refresh()
}

// at gives an error without a place the statement's.
func at(n ast.Node, err error) error {
	if u, ok := err.(*base.Error); ok && u.Pos == (base.Pos{}) {
		p := n.Position()
		u.Pos = base.Pos{Line: p.Line, Col: p.Col}
	}
	return err
}

// null is the cell of a listing that is NULL.
const null = "\x00"

// listing makes a result of strings.
func listing(cols []string, rows [][]string) *Result {
	res := &Result{Kind: Listing}
	var builders []*vec.Builder
	for _, c := range cols {
		res.Schema = append(res.Schema, types.Field{Name: c, Type: types.TString})
		builders = append(builders, vec.NewBuilder(types.TString))
	}
	for _, row := range rows {
		for i, cell := range row {
			if cell == null {
				builders[i].Null()
			} else {
				builders[i].String(cell)
			}
		}
	}
	b := &vec.Batch{Rows: len(rows)}
	for _, col := range builders {
		b.Cols = append(b.Cols, col.Finish())
	}
	res.Rows = []*vec.Batch{b}
	return res
}

func names(col string, list []string) *Result {
	rows := make([][]string, len(list))
	for i, n := range list {
		rows[i] = []string{n}
	}
	return listing([]string{col}, rows)
}
