package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// sortItem reads expr [ASC|DESC] [NULLS FIRST|LAST].
func (p *parser) sortItem() ast.SortItem {
	s := ast.SortItem{Pos: p.pos(), X: p.expr()}
	s.Desc = p.accept("DESC")
	if !s.Desc {
		p.accept("ASC")
	}
	if p.accept("NULLS") {
		s.Nulls = ast.NullsFirst
		if p.expectOneOf("FIRST", "LAST") == "LAST" {
			s.Nulls = ast.NullsLast
		}
	}
	return s
}

// windowSpec reads what follows OVER: a name or a window in parentheses.
func (p *parser) windowSpec() *ast.WindowSpec {
	if p.tok().isName() {
		return &ast.WindowSpec{Pos: p.pos(), Ref: p.name()}
	}
	return p.windowParens()
}

func (p *parser) windowParens() *ast.WindowSpec {
	w := &ast.WindowSpec{Pos: p.pos()}
	p.expectOp("(")
	if p.tok().isName() {
		p.mayBe("PARTITION", "ORDER", "ROWS", "RANGE")
		w.Ref = p.name()
	}
	if p.accept("PARTITION", "BY") {
		w.PartitionBy = list(p, (*parser).expr)
	}
	if p.accept("ORDER", "BY") {
		w.OrderBy = list(p, (*parser).sortItem)
	}
	w.Frame = p.frame()
	p.expectOp(")")
	return w
}

func (p *parser) frame() *ast.Frame {
	f := &ast.Frame{Pos: p.pos()}
	switch p.oneOf("ROWS", "RANGE") {
	case "ROWS":
		f.Unit = ast.FrameRows
	case "RANGE":
		f.Unit = ast.FrameRange
	default:
		return nil
	}
	if p.accept("BETWEEN") {
		f.Start = p.bound()
		p.expect("AND")
		end := p.bound()
		f.End = &end
		return f
	}
	f.Start = p.bound()
	return f
}

func (p *parser) bound() ast.Bound {
	b := ast.Bound{Pos: p.pos()}
	switch {
	case p.accept("CURRENT", "ROW"):
		b.Kind = ast.CurrentRow
	case p.accept("UNBOUNDED"):
		b.Kind = ast.UnboundedPreceding
		if p.expectOneOf("PRECEDING", "FOLLOWING") == "FOLLOWING" {
			b.Kind = ast.UnboundedFollowing
		}
	default:
		b.Offset = p.binary(precRange + 1) // above AND
		b.Kind = ast.Preceding
		if p.expectOneOf("PRECEDING", "FOLLOWING") == "FOLLOWING" {
			b.Kind = ast.Following
		}
	}
	return b
}
