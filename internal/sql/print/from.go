package print

import "github.com/millrace-io/millrace/internal/sql/ast"

func (p *printer) table(t ast.TableExpr) {
	switch t := t.(type) {
	case *ast.TableRef:
		p.path(t.Name)
		p.hints(t.Hints)
		if t.AsOf != nil {
			p.put(" FOR SYSTEM_TIME AS OF ")
			p.top(t.AsOf)
		}
		p.tableAlias(t.Alias)
		p.sample(t.Sample)
	case *ast.Derived:
		p.when(t.Lateral, "LATERAL ")
		p.inner(t.Query)
		p.tableAlias(t.Alias)
		p.sample(t.Sample)
	case *ast.TableFunc:
		p.when(t.Lateral, "LATERAL ")
		if t.Bare {
			p.plainCall(t.Call)
		} else {
			p.put("TABLE(")
			p.plainCall(t.Call)
			p.put(")")
		}
		p.tableAlias(t.Alias)
	case *ast.Unnest:
		p.when(t.Lateral, "LATERAL ")
		p.put("UNNEST")
		p.exprs(t.Args)
		p.when(t.Ordinality, " WITH ORDINALITY")
		p.tableAlias(t.Alias)
	case *ast.Join:
		p.join(t)
	case *ast.MatchRecognize:
		p.match(t)
	case *ast.Pivot:
		p.pivot(t)
	case *ast.Unpivot:
		p.unpivot(t)
	}
}

func (p *printer) tableAlias(a *ast.Alias) {
	if a == nil {
		return
	}
	p.alias(a.Name)
	if len(a.Columns) > 0 {
		p.put(" ")
		p.names(a.Columns)
	}
}

func (p *printer) sample(s *ast.Sample) {
	if s == nil {
		return
	}
	p.put(" TABLESAMPLE ", s.Method, " (")
	p.top(s.Percent)
	p.put(")")
	if s.Repeatable != nil {
		p.put(" REPEATABLE (")
		p.top(s.Repeatable)
		p.put(")")
	}
}

var joinText = [...]string{
	ast.JoinInner: "JOIN ", ast.JoinLeft: "LEFT JOIN ", ast.JoinRight: "RIGHT JOIN ",
	ast.JoinFull: "FULL JOIN ", ast.JoinCross: "CROSS JOIN ", ast.JoinLeftSemi: "LEFT SEMI JOIN ",
	ast.JoinLeftAnti: "LEFT ANTI JOIN ", ast.JoinAsof: "ASOF JOIN ", ast.JoinLeftAsof: "LEFT ASOF JOIN ",
}

func (p *printer) join(j *ast.Join) {
	left, _ := j.Left.(*ast.Join)
	if j.Kind == ast.JoinComma {
		right, _ := j.Right.(*ast.Join)
		p.table(j.Left)
		p.put(", ")
		p.tableInParens(j.Right, right != nil && right.Kind == ast.JoinComma)
		return
	}
	p.tableInParens(j.Left, left != nil && left.Kind == ast.JoinComma)
	p.put(" ")
	p.when(j.Natural, "NATURAL ")
	p.put(joinText[j.Kind])
	_, nested := j.Right.(*ast.Join)
	p.tableInParens(j.Right, nested)
	if j.Match != nil {
		p.put(" MATCH_CONDITION ")
		p.top(j.Match)
	}
	switch {
	case j.On != nil:
		p.put(" ON ")
		p.top(j.On)
	case j.Using != nil:
		p.put(" USING ")
		p.names(j.Using)
	}
}

// tableInParens writes t, in parentheses if yes.
func (p *printer) tableInParens(t ast.TableExpr, yes bool) {
	p.when(yes, "(")
	p.table(t)
	p.when(yes, ")")
}

// input writes the table that PIVOT or MATCH_RECOGNIZE stands behind.
func (p *printer) input(t ast.TableExpr) {
	_, join := t.(*ast.Join)
	p.tableInParens(t, join)
}

func (p *printer) pivot(v *ast.Pivot) {
	p.input(v.Input)
	p.put(" PIVOT (")
	list(p, v.Aggs, ", ", p.selectItem)
	p.put(" FOR ")
	p.names(v.For)
	p.put(" IN ")
	parens(p, v.Values, func(pv ast.PivotValue) {
		if len(pv.Exprs) == 1 {
			p.top(pv.Exprs[0])
		} else {
			p.exprs(pv.Exprs)
		}
		p.alias(pv.Alias)
	})
	p.put(")")
	p.tableAlias(v.Alias)
}

func (p *printer) unpivot(u *ast.Unpivot) {
	p.input(u.Input)
	p.put(" UNPIVOT ")
	p.when(u.IncludeNulls, "INCLUDE NULLS ")
	p.when(u.ExcludeNulls, "EXCLUDE NULLS ")
	p.put("(")
	p.names(u.Values)
	p.put(" FOR ")
	p.names(u.For)
	p.put(" IN ")
	parens(p, u.In, func(it ast.UnpivotItem) {
		p.names(it.Columns)
		if len(it.As) > 0 {
			p.put(" AS ")
			p.exprs(it.As)
		}
	})
	p.put(")")
	p.tableAlias(u.Alias)
}
