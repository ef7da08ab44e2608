package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// schema reads (columns, watermarks, constraints).
func (p *parser) schema() ast.Schema {
	var s ast.Schema
	p.expectOp("(")
	p.schemaElement(&s)
	for p.acceptOp(",") {
		p.schemaElement(&s)
	}
	p.expectOp(")")
	return s
}

// schemaElement reads one column, watermark or constraint into s.
func (p *parser) schemaElement(s *ast.Schema) {
	switch {
	case p.is("WATERMARK"):
		s.Watermarks = append(s.Watermarks, p.watermark())
	case p.is("PRIMARY"), p.is("UNIQUE"), p.is("CONSTRAINT"):
		c := p.constraint()
		c.Columns = p.names()
		p.enforcement(c)
		s.Constraints = append(s.Constraints, *c)
	default:
		p.note("a column")
		s.Columns = append(s.Columns, p.column())
	}
}

func (p *parser) watermark() ast.Watermark {
	w := ast.Watermark{Pos: p.pos()}
	p.expect("WATERMARK", "FOR")
	w.Column = p.path()
	p.expect("AS")
	w.Expr = p.expr()
	return w
}

// constraint reads [CONSTRAINT name] PRIMARY KEY or UNIQUE.
func (p *parser) constraint() *ast.Constraint {
	c := &ast.Constraint{Pos: p.pos()}
	if p.accept("CONSTRAINT") {
		c.Name = p.name()
	}
	if p.accept("UNIQUE") {
		c.Unique = true
	} else {
		p.expect("PRIMARY", "KEY")
	}
	return c
}

// enforcement reads [NOT] ENFORCED.
func (p *parser) enforcement(c *ast.Constraint) {
	switch {
	case p.accept("ENFORCED"):
		c.Enforced = ast.Enforced
	case p.accept("NOT", "ENFORCED"):
		c.Enforced = ast.NotEnforced
	}
}

// column reads a column's definition.
func (p *parser) column() ast.Column {
	c := ast.Column{Pos: p.pos(), Name: p.path()}
	switch t := p.tok(); {
	case p.accept("AS"):
		c.Kind = ast.ColComputed
		c.Expr = p.expr()
	case t.isPunct(","), t.isPunct(")"):
		c.Kind = ast.ColName
		return c
	default:
		c.Type = p.typeName()
		p.columnKind(&c)
	}
	c.Comment = p.comment()
	p.columnPlace(&c)
	return c
}

// columnKind reads what may follow a column's type.
func (p *parser) columnKind(c *ast.Column) {
	if p.accept("METADATA") {
		c.Kind = ast.ColMetadata
		if p.accept("FROM") {
			s := p.str()
			c.MetadataKey = &s
		}
		c.Virtual = p.accept("VIRTUAL")
		return
	}
	if p.is("CONSTRAINT") || p.is("PRIMARY") || p.is("UNIQUE") {
		c.Constraint = p.constraint()
		p.enforcement(c.Constraint)
	}
}

// columnPlace reads FIRST or AFTER column, which ALTER TABLE gives a column.
func (p *parser) columnPlace(c *ast.Column) {
	switch t := p.tok(); {
	case t.isWord("FIRST"):
		p.i++
		c.First = true
	case t.isWord("AFTER"):
		p.i++
		c.After = p.path()
	}
}
