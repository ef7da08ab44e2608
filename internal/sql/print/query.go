package print

import "github.com/millrace-io/millrace/internal/sql/ast"

// inner writes a query in parentheses.
func (p *printer) inner(q *ast.Query) {
	p.put("(")
	p.query(q)
	p.put(")")
}

func (p *printer) query(q *ast.Query) {
	if q.With != nil {
		p.put("WITH ")
		p.when(q.With.Recursive, "RECURSIVE ")
		list(p, q.With.Items, ", ", p.cte)
		p.put(" ")
	}
	p.body(q.Body)
	if len(q.OrderBy) > 0 {
		p.put(" ORDER BY ")
		list(p, q.OrderBy, ", ", p.sortItem)
	}
	if q.Limit != nil {
		p.put(" LIMIT ")
		p.top(q.Limit)
	}
	if q.Offset != nil {
		p.put(" OFFSET ")
		p.top(q.Offset)
	}
}

func (p *printer) cte(c ast.CTE) {
	p.name(c.Name)
	p.when(len(c.Columns) > 0, " ")
	if len(c.Columns) > 0 {
		p.names(c.Columns)
	}
	p.put(" AS ")
	p.inner(c.Query)
}

// setPrec is how strongly a set operation binds.
func setPrec(k ast.SetKind) int {
	if k == ast.Intersect {
		return 1
	}
	return 0
}

var setText = [...]string{ast.Union: " UNION ", ast.Intersect: " INTERSECT ", ast.Except: " EXCEPT "}

func (p *printer) body(b ast.Body) {
	switch b := b.(type) {
	case *ast.Query:
		p.inner(b)
	case *ast.Select:
		p.selectBlock(b)
	case *ast.SetOp:
		l := setPrec(b.Kind)
		p.setOperand(b.Left, l)
		p.put(setText[b.Kind])
		p.when(b.All, "ALL ")
		p.setOperand(b.Right, l+1)
	case *ast.Values:
		p.put("VALUES ")
		list(p, b.Rows, ", ", func(row []ast.Expr) {
			p.when(len(row) == 0, "ROW")
			p.exprs(row)
		})
	case *ast.ExplicitTable:
		p.put("TABLE ")
		p.path(b.Name)
	}
}

// setOperand writes an operand of a set operation, in parentheses when it is
// one that binds weaker than min.
func (p *printer) setOperand(b ast.Body, min int) {
	if s, ok := b.(*ast.SetOp); ok && setPrec(s.Kind) < min {
		p.put("(")
		p.body(b)
		p.put(")")
		return
	}
	p.body(b)
}

func (p *printer) selectBlock(s *ast.Select) {
	p.put("SELECT")
	p.hints(s.Hints)
	p.when(s.Distinct, " DISTINCT")
	p.put(" ")
	list(p, s.Items, ", ", p.selectItem)
	if s.From != nil {
		p.put(" FROM ")
		p.table(s.From)
	}
	if s.Where != nil {
		p.put(" WHERE ")
		p.top(s.Where)
	}
	if s.GroupBy != nil {
		p.groupBy(s.GroupBy)
	}
	if s.Having != nil {
		p.put(" HAVING ")
		p.top(s.Having)
	}
	if len(s.Windows) > 0 {
		p.put(" WINDOW ")
		list(p, s.Windows, ", ", func(w ast.NamedWindow) {
			p.name(w.Name)
			p.put(" AS ")
			p.windowParens(w.Spec)
		})
	}
	if s.Qualify != nil {
		p.put(" QUALIFY ")
		p.top(s.Qualify)
	}
}

func (p *printer) selectItem(it ast.SelectItem) {
	p.top(it.X)
	p.alias(it.Alias)
}

func (p *printer) groupBy(g *ast.GroupBy) {
	p.put(" GROUP BY")
	p.when(g.Distinct, " DISTINCT")
	p.when(g.All, " ALL")
	p.when(len(g.Items) > 0, " ")
	list(p, g.Items, ", ", p.groupItem)
}

func (p *printer) groupItem(g ast.GroupItem) {
	switch g.Kind {
	case ast.GroupExprs:
		if len(g.Exprs) == 1 {
			p.top(g.Exprs[0])
		} else {
			p.exprs(g.Exprs)
		}
		return
	case ast.GroupRollup:
		p.put("ROLLUP ")
	case ast.GroupCube:
		p.put("CUBE ")
	case ast.GroupSets:
		p.put("GROUPING SETS ")
	}
	parens(p, g.Sets, p.groupItem)
}

func (p *printer) sortItem(s ast.SortItem) {
	p.top(s.X)
	p.when(s.Desc, " DESC")
	p.put([...]string{ast.NullsDefault: "", ast.NullsFirst: " NULLS FIRST", ast.NullsLast: " NULLS LAST"}[s.Nulls])
}

// window writes what follows OVER.
func (p *printer) window(w *ast.WindowSpec) {
	if w.Ref.Text != "" && len(w.PartitionBy)+len(w.OrderBy) == 0 && w.Frame == nil {
		p.name(w.Ref)
		return
	}
	p.windowParens(w)
}

func (p *printer) windowParens(w *ast.WindowSpec) {
	p.put("(")
	sep := ""
	if w.Ref.Text != "" {
		p.name(w.Ref)
		sep = " "
	}
	if len(w.PartitionBy) > 0 {
		p.put(sep, "PARTITION BY ")
		list(p, w.PartitionBy, ", ", p.top)
		sep = " "
	}
	if len(w.OrderBy) > 0 {
		p.put(sep, "ORDER BY ")
		list(p, w.OrderBy, ", ", p.sortItem)
		sep = " "
	}
	if w.Frame != nil {
		p.put(sep)
		p.frame(w.Frame)
	}
	p.put(")")
}

func (p *printer) frame(f *ast.Frame) {
	p.put([...]string{ast.FrameRows: "ROWS ", ast.FrameRange: "RANGE "}[f.Unit])
	if f.End == nil {
		p.bound(f.Start)
		return
	}
	p.put("BETWEEN ")
	p.bound(f.Start)
	p.put(" AND ")
	p.bound(*f.End)
}

func (p *printer) bound(b ast.Bound) {
	if b.Offset != nil {
		p.expr(b.Offset, precRange+1)
		p.put(" ")
	}
	p.put([...]string{
		ast.UnboundedPreceding: "UNBOUNDED PRECEDING", ast.Preceding: "PRECEDING", ast.CurrentRow: "CURRENT ROW",
		ast.Following: "FOLLOWING", ast.UnboundedFollowing: "UNBOUNDED FOLLOWING",
	}[b.Kind])
}
