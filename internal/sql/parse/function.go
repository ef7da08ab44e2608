package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// createFunction reads CREATE FUNCTION, by class or with a SQL body.
func (p *parser) createFunction(w createWords) ast.Statement {
	f := &ast.CreateFunction{
		OrReplace: w.orReplace, Temporary: w.temporary, System: w.system,
		IfNotExists: p.ifNotExists(), Name: p.path(),
	}
	if p.isOp("(") || p.is("RETURNS") {
		p.sqlFunction(f)
		return f
	}
	p.expect("AS")
	f.Class = p.str()
	f.Language = p.language()
	if p.accept("USING") {
		f.Using = list(p, (*parser).resource)
	}
	f.Options = p.withOptions()
	return f
}

// sqlFunction reads (x INT, …) RETURNS type [LANGUAGE SQL] RETURN expr.
func (p *parser) sqlFunction(f *ast.CreateFunction) {
	if p.acceptOp("(") && !p.acceptOp(")") {
		f.Params = list(p, func(p *parser) ast.FuncParam {
			return ast.FuncParam{Pos: p.pos(), Name: p.name(), Type: p.typeName()}
		})
		p.expectOp(")")
	}
	p.expect("RETURNS")
	f.Returns = p.typeName()
	f.Language = p.language()
	p.expectOneOf("RETURN", "AS")
	f.Body = p.expr()
}

// language reads [LANGUAGE word].
func (p *parser) language() string {
	if !p.accept("LANGUAGE") {
		return ""
	}
	t := p.tok()
	p.note("JAVA", "SCALA", "PYTHON", "SQL")
	if t.kind != tWord || structural[t.up] {
		p.fail()
		return ""
	}
	p.i++
	return t.up
}

// resource reads JAR 'path'.
func (p *parser) resource() ast.Resource {
	r := ast.Resource{Pos: p.pos(), Kind: p.expectOneOf("JAR", "ARTIFACT", "FILE", "ARCHIVE")}
	r.Path = p.str()
	return r
}
