package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// insert reads INSERT INTO or INSERT OVERWRITE.
func (p *parser) insert() *ast.Insert {
	start := p.i
	p.expect("INSERT")
	n := &ast.Insert{}
	n.Overwrite = p.expectOneOf("INTO", "OVERWRITE") == "OVERWRITE"
	n.Table = p.path()
	if p.tok().isPunct("(") && p.ahead(1).kind == tString {
		n.Args = parenList(p, (*parser).expr)
	}
	n.Hints = p.hints()
	// Flink has PARTITION before the columns, Calcite behind them.
	for {
		if n.Partition == nil && p.accept("PARTITION") {
			n.Partition = p.partitionValues()
		} else if n.Columns == nil && p.columnsAhead() {
			n.Columns = parenList(p, (*parser).path)
		} else {
			break
		}
	}
	n.Query = p.query()
	if p.accept("EMIT", "LATE") {
		p.expect("INTO")
		n.Late = p.path()
	}
	if p.accept("ON", "CONFLICT") {
		p.expect("DO")
		switch p.expectOneOf("NOTHING", "ERROR", "DEDUPLICATE") {
		case "NOTHING":
			n.OnConflict = ast.ConflictNothing
		case "ERROR":
			n.OnConflict = ast.ConflictError
		case "DEDUPLICATE":
			n.OnConflict = ast.ConflictDeduplicate
		}
	}
	n.Source = p.source(start)
	return n
}

// columnsAhead reports whether (a, b) comes next and not (query).
func (p *parser) columnsAhead() bool {
	return p.isOp("(") && !p.ahead(1).isPunct("(") && !atQuery(p.ahead(1), p.ahead(2))
}

func (p *parser) update() ast.Statement {
	p.expect("UPDATE")
	u := &ast.Update{Table: p.path(), Hints: p.hints()}
	if !p.is("SET") {
		u.Alias = p.asAlias()
	}
	p.expect("SET")
	u.Set = list(p, func(p *parser) ast.Assignment {
		a := ast.Assignment{Pos: p.pos(), Column: p.path()}
		p.expectOp("=")
		a.Value = p.expr()
		return a
	})
	if p.accept("WHERE") {
		u.Where = p.expr()
	}
	return u
}

func (p *parser) deleteFrom() ast.Statement {
	p.expect("DELETE", "FROM")
	d := &ast.Delete{Table: p.path(), Hints: p.hints()}
	d.Alias = p.asAlias()
	if p.accept("WHERE") {
		d.Where = p.expr()
	}
	return d
}

func (p *parser) truncate() ast.Statement {
	p.expect("TRUNCATE", "TABLE")
	return &ast.Truncate{Table: p.path()}
}

func (p *parser) analyze() ast.Statement {
	p.expect("ANALYZE", "TABLE")
	a := &ast.Analyze{Table: p.path()}
	if p.accept("PARTITION") {
		a.Partition = p.partitionValues()
	}
	p.expect("COMPUTE", "STATISTICS")
	if !p.accept("FOR") {
		return a
	}
	if p.accept("ALL") {
		p.expect("COLUMNS")
		a.AllColumns = true
		return a
	}
	p.expect("COLUMNS")
	a.Columns = list(p, (*parser).name)
	return a
}

func (p *parser) callProcedure() ast.Statement {
	p.expect("CALL")
	pos := p.pos()
	n := p.pathLen()
	if n == 0 || !p.ahead(n).isPunct("(") {
		p.fail("a procedure with its arguments in parentheses")
		return &ast.CallProcedure{}
	}
	return &ast.CallProcedure{Call: p.call(p.funcPath(n), pos)}
}

// statementSet reads STATEMENT SET BEGIN insert; … END.
func (p *parser) statementSet() *ast.StatementSet {
	start := p.i
	p.expect("STATEMENT", "SET", "BEGIN")
	s := &ast.StatementSet{}
	p.inserts(s)
	s.Source = p.source(start)
	return s
}

// interactiveSet reads BEGIN STATEMENT SET; insert; … END.
func (p *parser) interactiveSet() ast.Statement {
	p.expect("BEGIN", "STATEMENT", "SET")
	p.expectOp(";")
	s := &ast.StatementSet{Interactive: true}
	p.inserts(s)
	return s
}

// inserts reads insert; … END.
func (p *parser) inserts(s *ast.StatementSet) {
	for p.err == nil {
		for p.tok().isPunct(";") {
			p.i++
		}
		if len(s.Inserts) > 0 && p.accept("END") {
			return
		}
		if !p.is("INSERT") {
			p.fail()
			return
		}
		s.Inserts = append(s.Inserts, p.insert())
		p.expectOp(";")
	}
}

// execute reads EXECUTE PLAN 'path', EXECUTE STATEMENT SET …, EXECUTE insert.
func (p *parser) execute() ast.Statement {
	p.expect("EXECUTE")
	switch {
	case p.tok().isWord("PLAN") && p.ahead(1).kind == tString:
		p.i++
		return &ast.ExecutePlan{Path: p.str()}
	case p.is("STATEMENT"):
		return p.statementSet()
	case p.is("INSERT"):
		return &ast.Execute{Statement: p.insert()}
	case atQuery(p.tok(), p.ahead(1)), p.isOp("("):
		return &ast.Execute{Statement: p.query()}
	}
	p.note("PLAN", "SELECT")
	p.fail()
	return &ast.Execute{}
}

// compilePlan reads COMPILE PLAN 'path' [IF NOT EXISTS] FOR statement and
// COMPILE AND EXECUTE PLAN 'path' FOR statement.
func (p *parser) compilePlan() ast.Statement {
	p.expect("COMPILE")
	c := &ast.CompilePlan{AndExecute: p.accept("AND", "EXECUTE")}
	p.expect("PLAN")
	c.Path = p.str()
	c.IfNotExists = p.ifNotExists()
	p.expect("FOR")
	if p.is("STATEMENT") {
		c.Statement = p.statementSet()
	} else {
		c.Statement = p.insert()
	}
	return c
}
