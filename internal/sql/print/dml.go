package print

import "github.com/millrace-io/millrace/internal/sql/ast"

// dml writes the statements that change tables.
func (p *printer) dml(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Insert:
		p.insert(s)
	case *ast.Update:
		p.put("UPDATE ")
		p.path(s.Table)
		p.hints(s.Hints)
		p.alias(s.Alias)
		p.put(" SET ")
		list(p, s.Set, ", ", func(a ast.Assignment) {
			p.path(a.Column)
			p.put(" = ")
			p.top(a.Value)
		})
		p.where(s.Where)
	case *ast.Delete:
		p.put("DELETE FROM ")
		p.path(s.Table)
		p.hints(s.Hints)
		p.alias(s.Alias)
		p.where(s.Where)
	case *ast.Truncate:
		p.put("TRUNCATE TABLE ")
		p.path(s.Table)
	case *ast.Analyze:
		p.analyze(s)
	}
}

func (p *printer) where(x ast.Expr) {
	if x != nil {
		p.put(" WHERE ")
		p.top(x)
	}
}

func (p *printer) insert(n *ast.Insert) {
	p.put("INSERT ")
	if n.Overwrite {
		p.put("OVERWRITE ")
	} else {
		p.put("INTO ")
	}
	p.path(n.Table)
	if n.Args != nil {
		p.exprs(n.Args)
	}
	p.hints(n.Hints)
	if len(n.Partition) > 0 {
		p.put(" ")
		p.partitionValues(n.Partition)
	}
	if len(n.Columns) > 0 {
		p.put(" ")
		parens(p, n.Columns, p.path)
	}
	p.put(" ")
	p.query(n.Query)
	if len(n.Late) > 0 {
		p.put(" EMIT LATE INTO ")
		p.path(n.Late)
	}
	p.put([...]string{
		ast.ConflictUnset: "", ast.ConflictNothing: " ON CONFLICT DO NOTHING",
		ast.ConflictError: " ON CONFLICT DO ERROR", ast.ConflictDeduplicate: " ON CONFLICT DO DEDUPLICATE",
	}[n.OnConflict])
}

func (p *printer) analyze(a *ast.Analyze) {
	p.put("ANALYZE TABLE ")
	p.path(a.Table)
	if len(a.Partition) > 0 {
		p.put(" ")
		p.partitionValues(a.Partition)
	}
	p.put(" COMPUTE STATISTICS")
	switch {
	case a.AllColumns:
		p.put(" FOR ALL COLUMNS")
	case len(a.Columns) > 0:
		p.put(" FOR COLUMNS ")
		list(p, a.Columns, ", ", p.name)
	}
}
