package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// pivot reads PIVOT (aggregates FOR columns IN (values)).
func (p *parser) pivot(in ast.TableExpr) ast.TableExpr {
	v := &ast.Pivot{Pos: p.pos(), Input: in}
	p.expect("PIVOT")
	p.expectOp("(")
	v.Aggs = list(p, (*parser).selectItem)
	p.expect("FOR")
	v.For = p.nameOrNames()
	p.expect("IN")
	v.Values = parenList(p, func(p *parser) ast.PivotValue {
		pv := ast.PivotValue{Pos: p.pos()}
		x := p.expr()
		pv.Exprs = []ast.Expr{x}
		if r, ok := x.(*ast.Row); ok && !r.Explicit && len(v.For) > 1 {
			pv.Exprs = r.Elems
		}
		pv.Alias = p.asAlias()
		return pv
	})
	p.expectOp(")")
	return v
}

// nameOrNames reads a or (a, b).
func (p *parser) nameOrNames() []ast.Name {
	if p.isOp("(") {
		return p.names()
	}
	return []ast.Name{p.name()}
}

// unpivot reads UNPIVOT [INCLUDE|EXCLUDE NULLS] (values FOR names IN (columns AS literals)).
func (p *parser) unpivot(in ast.TableExpr) ast.TableExpr {
	u := &ast.Unpivot{Pos: p.pos(), Input: in}
	p.expect("UNPIVOT")
	switch p.oneOf("INCLUDE", "EXCLUDE") {
	case "INCLUDE":
		u.IncludeNulls = true
		p.expect("NULLS")
	case "EXCLUDE":
		u.ExcludeNulls = true
		p.expect("NULLS")
	}
	p.expectOp("(")
	u.Values = p.nameOrNames()
	p.expect("FOR")
	u.For = p.nameOrNames()
	p.expect("IN")
	u.In = parenList(p, (*parser).unpivotItem)
	p.expectOp(")")
	return u
}

func (p *parser) unpivotItem() ast.UnpivotItem {
	it := ast.UnpivotItem{Pos: p.pos(), Columns: p.nameOrNames()}
	if !p.accept("AS") {
		return it
	}
	if p.isOp("(") {
		it.As = parenList(p, (*parser).expr)
	} else {
		it.As = []ast.Expr{p.expr()}
	}
	return it
}
