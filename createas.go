package millrace

import (
	"context"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// createAs carries out CREATE and REPLACE TABLE … AS: it makes the table and starts
// the job that fills it. If that job cannot be planned, the catalog is as before;
// if it fails later, the table stays, as in Flink.
func (s *Session) createAs(ctx context.Context, a *ast.CreateTable) (*Result, error) {
	old, err := s.cat.Relation(a.Name.Strings()...)
	if err != nil {
		old = nil // DDL says what is wrong with the name
	}
	job, err := s.binder.DDL(a)
	if err != nil || job == nil {
		return &Result{}, err
	}
	res, err := s.start(ctx, job, nil)
	if res != nil || err == nil {
		return res, err
	}
	made, e := s.cat.Relation(a.Name.Strings()...)
	switch {
	case e != nil:
	case old == nil:
		e = s.cat.Drop(ast.ObjTable, a.Name.Strings(), a.Temporary, false)
	default:
		e = s.cat.Replace(old, made)
	}
	if e != nil {
		s.cfg.Log("the table of a statement that failed is left in the catalog: " + e.Error())
	}
	return nil, err
}
