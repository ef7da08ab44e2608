package millrace

import "github.com/millrace-io/millrace/internal/sql/ast"

func (s *Session) partitions(a *ast.Show) ([]string, error) { return nil, nil }
