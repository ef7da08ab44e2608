package parse

import (
	"strings"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

func (p *parser) use() ast.Statement {
	p.expect("USE")
	switch {
	case p.accept("MODULES"):
		return &ast.UseModules{Names: list(p, (*parser).name)}
	case p.tok().isWord("CATALOG") && p.ahead(1).isName():
		p.i++
		return &ast.Use{Object: ast.ObjCatalog, Name: p.path()}
	}
	p.note("CATALOG")
	return &ast.Use{Object: ast.ObjDatabase, Name: p.path()}
}

// describable are the kinds that DESCRIBE may name before the object.
var describable = map[string]ast.Object{
	"CATALOG": ast.ObjCatalog, "DATABASE": ast.ObjDatabase, "FUNCTION": ast.ObjFunction,
	"MODEL": ast.ObjModel, "CONNECTION": ast.ObjConnection, "TABLE": ast.ObjTable,
}

func (p *parser) describe() ast.Statement {
	p.take()
	d := &ast.Describe{}
	t, next := p.tok(), p.ahead(1)
	if t.isWord("JOB") && next.kind == tString {
		p.i++
		d.Object, d.ID = ast.ObjJob, p.str()
		return d
	}
	// Some of these words are names of tables too: DESCRIBE model.
	if o, ok := describable[t.up]; ok && t.kind == tWord && (next.isName() || next.isWord("EXTENDED") || o == ast.ObjFunction && next.kind == tWord) {
		p.i++
		d.Object = o
	}
	d.Extended = p.accept("EXTENDED")
	if n := p.pathLen(); d.Object == ast.ObjFunction && n > 0 {
		d.Name = p.funcPath(n) // names of functions are often reserved words
		return d
	}
	d.Name = p.path()
	return d
}

func (p *parser) explain() ast.Statement {
	p.expect("EXPLAIN")
	e := &ast.Explain{}
	switch {
	case p.accept("PLAN", "FOR"):
		e.PlanFor = true
	case p.accept("ANALYZE"):
		e.Analyze = true
	default:
		e.Details = p.explainDetails()
	}
	if p.is("STATEMENT") {
		e.Statement = p.statementSet()
	} else {
		e.Statement = p.statement()
	}
	return e
}

// explainDetails reads [ESTIMATED_COST, CHANGELOG_MODE, …].
func (p *parser) explainDetails() []string {
	const a, b, c, d = "ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE"
	w := p.oneOf(a, b, c, d)
	if w == "" {
		return nil
	}
	l := []string{w}
	for p.acceptOp(",") {
		l = append(l, p.expectOneOf(a, b, c, d))
	}
	return l
}

// set reads SET, SET 'key' = 'value', and the old SET key = value, whose key
// and value are the text as it stands.
func (p *parser) set() ast.Statement {
	p.expect("SET")
	if p.atEnd() {
		return &ast.Set{All: true}
	}
	s := &ast.Set{Key: p.rawUntil("=")}
	p.expectOp("=")
	s.Value = p.rawUntil("")
	return s
}

// resetOption reads RESET, RESET 'key', RESET key.
func (p *parser) resetOption() ast.Statement {
	p.expect("RESET")
	if p.atEnd() {
		return &ast.Reset{All: true}
	}
	return &ast.Reset{Key: p.rawUntil("")}
}

// atEnd reports whether the statement ends here.
func (p *parser) atEnd() bool { return p.isOp(";") || p.tok().kind == tEOF }

// rawUntil reads a string, or the text as it stands up to the operator stop or
// the end of the statement.
func (p *parser) rawUntil(stop string) string {
	t, next := p.tok(), p.ahead(1)
	ends := func(t *token) bool {
		return t.kind == tEOF || t.isPunct(";") || stop != "" && t.isPunct(stop)
	}
	if (t.kind == tString || t.kind == tUnicode) && ends(next) {
		return p.str()
	}
	start := p.i
	for !ends(p.tok()) && !p.tok().open {
		p.i++
	}
	if p.i == start || p.tok().open {
		p.fail(wantString)
		return ""
	}
	s := p.source(start)
	return strings.TrimSpace(p.src[s.Offset:s.End])
}

func (p *parser) loadModule() ast.Statement {
	p.expect("LOAD", "MODULE")
	return &ast.LoadModule{Name: p.name(), Options: p.withOptions()}
}

func (p *parser) unloadModule() ast.Statement {
	p.expect("UNLOAD", "MODULE")
	return &ast.UnloadModule{Name: p.name()}
}

// jar reads ADD JAR 'path' and REMOVE JAR 'path'.
func (p *parser) jar() ast.Statement {
	j := &ast.Jar{Remove: p.take().up == "REMOVE"}
	p.expect("JAR")
	j.Path = p.rawUntil("")
	return j
}

func (p *parser) stopJob() ast.Statement {
	p.expect("STOP", "JOB")
	s := &ast.StopJob{ID: p.str()}
	for p.accept("WITH") {
		switch p.expectOneOf("SAVEPOINT", "DRAIN") {
		case "SAVEPOINT":
			s.Savepoint = true
		case "DRAIN":
			s.Drain = true
		}
	}
	return s
}

// client reads the commands of the SQL client.
func (p *parser) client() ast.Statement {
	c := &ast.Client{}
	switch p.take().up {
	case "CLEAR":
		c.Kind = ast.ClientClear
	case "HELP":
		c.Kind = ast.ClientHelp
	case "SOURCE":
		c.Kind = ast.ClientSource
		c.Arg = p.rawUntil("")
	}
	return c
}
