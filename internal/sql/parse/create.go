package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// createWords are the words between CREATE and the kind of object.
type createWords struct {
	orReplace, orAlter, temporary, system bool
}

func (p *parser) create() ast.Statement {
	p.expect("CREATE")
	var w createWords
	if p.accept("OR") {
		w.orReplace = p.expectOneOf("REPLACE", "ALTER") == "REPLACE"
		w.orAlter = !w.orReplace
	}
	w.temporary = p.accept("TEMPORARY")
	w.system = p.accept("SYSTEM")
	switch {
	case p.accept("MATERIALIZED", "TABLE"):
		return p.createMaterialized(w)
	case w.orAlter:
		p.fail("MATERIALIZED TABLE")
	case w.system && p.accept("FUNCTION"):
		return p.createFunction(w)
	case w.system && p.accept("CONNECTION"):
		return p.createConnection(w)
	case w.system:
		p.fail()
	case p.accept("TABLE"):
		return p.createTable(w)
	case p.accept("VIEW"):
		return p.createView(w)
	case p.accept("FUNCTION"):
		return p.createFunction(w)
	case w.orReplace:
		p.fail()
	case p.accept("MODEL"):
		return p.createModel(w)
	case p.accept("CONNECTION"):
		return p.createConnection(w)
	case w.temporary:
		p.fail()
	case p.accept("CATALOG"):
		return p.createCatalog()
	case p.accept("DATABASE"):
		return p.createDatabase()
	}
	p.fail()
	return &ast.CreateTable{}
}

func (p *parser) ifNotExists() bool { return p.accept("IF", "NOT", "EXISTS") }

func (p *parser) ifExists() bool { return p.accept("IF", "EXISTS") }

// tableTail holds the clauses behind a table's columns. They come in any order.
type tableTail struct {
	comment     *string
	distributed *ast.Distribution
	partitioned []ast.Name
	options     []ast.Option
}

func (p *parser) tableTail() tableTail {
	var t tableTail
	hasOptions := false
	for {
		switch {
		case t.comment == nil && p.is("COMMENT"):
			t.comment = p.comment()
		case t.distributed == nil && p.accept("DISTRIBUTED"):
			t.distributed = p.distribution()
		case t.partitioned == nil && p.accept("PARTITIONED"):
			p.expect("BY")
			t.partitioned = p.names()
		case !hasOptions && p.accept("WITH"):
			hasOptions = true
			t.options = p.options()
		default:
			return t
		}
	}
}

func (p *parser) createTable(w createWords) ast.Statement {
	c := &ast.CreateTable{OrReplace: w.orReplace, Temporary: w.temporary, IfNotExists: p.ifNotExists(), Name: p.path()}
	p.tableBody(c)
	return c
}

// replaceTable reads REPLACE TABLE … AS query.
func (p *parser) replaceTable() ast.Statement {
	p.expect("REPLACE", "TABLE")
	c := &ast.CreateTable{OrReplace: true, Replace: true, Name: p.path()}
	p.tableBody(c)
	return c
}

// tableBody reads what follows a table's name.
func (p *parser) tableBody(c *ast.CreateTable) {
	if p.isOp("(") {
		c.Schema = p.schema()
	}
	t := p.tableTail()
	c.Comment, c.Distributed, c.PartitionBy, c.Options = t.comment, t.distributed, t.partitioned, t.options
	if !c.OrReplace && p.accept("LIKE") {
		c.Like = p.tableLike()
	}
	switch {
	case c.Like == nil && p.accept("AS"):
		c.As = p.query()
	case c.OrReplace:
		p.fail("AS")
	}
}

func (p *parser) tableLike() *ast.TableLike {
	l := &ast.TableLike{Pos: p.pos(), Table: p.path()}
	if !p.acceptOp("(") {
		return l
	}
	for p.err == nil && !p.acceptOp(")") {
		o := ast.LikeOption{Pos: p.pos()}
		switch p.expectOneOf("INCLUDING", "EXCLUDING", "OVERWRITING") {
		case "EXCLUDING":
			o.Mode = ast.Excluding
		case "OVERWRITING":
			o.Mode = ast.Overwriting
		}
		o.What = p.expectOneOf("ALL", "CONSTRAINTS", "DISTRIBUTION", "PARTITIONS", "GENERATED", "OPTIONS", "WATERMARKS", "METADATA")
		l.Options = append(l.Options, o)
	}
	return l
}

// distribution reads BY [HASH|RANGE] (columns) [INTO n BUCKETS], or INTO n
// BUCKETS alone; DISTRIBUTED has been read. The BY is left out behind ALTER's
// ADD DISTRIBUTION.
func (p *parser) distribution() *ast.Distribution {
	d := &ast.Distribution{Pos: p.pos()}
	if p.accept("BY") {
		d.Kind = p.oneOf("HASH", "RANGE")
		d.Columns = p.names()
	} else if !p.is("INTO") {
		p.fail()
	}
	if p.accept("INTO") {
		d.Buckets = p.whole()
		p.expect("BUCKETS")
	}
	return d
}

func (p *parser) createMaterialized(w createWords) ast.Statement {
	c := &ast.CreateMaterializedTable{OrAlter: w.orAlter, OrReplace: w.orReplace, IfNotExists: p.ifNotExists(), Name: p.path()}
	if p.isOp("(") {
		c.Schema = p.schema()
	}
	t := p.tableTail()
	c.Comment, c.Distributed, c.PartitionBy, c.Options = t.comment, t.distributed, t.partitioned, t.options
	for {
		switch {
		case c.Freshness == nil && p.accept("FRESHNESS"):
			p.expectOp("=")
			c.Freshness = p.expr()
		case c.RefreshMode == "" && p.accept("REFRESH_MODE"):
			p.expectOp("=")
			c.RefreshMode = p.expectOneOf("CONTINUOUS", "FULL")
		case c.StartMode == nil && p.accept("START_MODE"):
			p.expectOp("=")
			c.StartMode = p.startMode()
		default:
			p.expect("AS")
			c.As = p.query()
			return c
		}
	}
}

// startMode reads FROM_NOW, FROM_NOW(INTERVAL …), FROM_TIMESTAMP(…).
func (p *parser) startMode() *ast.StartMode {
	t := p.tok()
	if t.kind != tWord || structural[t.up] {
		p.note("FROM_BEGINNING", "FROM_NOW", "FROM_TIMESTAMP")
		p.fail()
		return nil
	}
	p.i++
	m := &ast.StartMode{Pos: t.pos, Mode: t.up}
	if p.acceptOp("(") {
		m.Arg = p.expr()
		p.expectOp(")")
	}
	return m
}

func (p *parser) createView(w createWords) ast.Statement {
	v := &ast.CreateView{OrReplace: w.orReplace, Temporary: w.temporary, IfNotExists: p.ifNotExists(), Name: p.path()}
	if p.isOp("(") {
		v.Columns = parenList(p, func(p *parser) ast.ViewColumn {
			return ast.ViewColumn{Pos: p.pos(), Name: p.name(), Comment: p.comment()}
		})
	}
	v.Comment = p.comment()
	p.expect("AS")
	v.As = p.query()
	return v
}

func (p *parser) createCatalog() ast.Statement {
	c := &ast.CreateCatalog{IfNotExists: p.ifNotExists(), Name: p.name()}
	c.Comment = p.comment()
	c.Options = p.withOptions()
	return c
}

func (p *parser) createDatabase() ast.Statement {
	c := &ast.CreateDatabase{IfNotExists: p.ifNotExists(), Name: p.path()}
	c.Comment = p.comment()
	c.Options = p.withOptions()
	return c
}

func (p *parser) createConnection(w createWords) ast.Statement {
	c := &ast.CreateConnection{Temporary: w.temporary, System: w.system, IfNotExists: p.ifNotExists(), Name: p.path()}
	c.Comment = p.comment()
	c.Options = p.withOptions()
	return c
}

func (p *parser) createModel(w createWords) ast.Statement {
	c := &ast.CreateModel{Temporary: w.temporary, IfNotExists: p.ifNotExists(), Name: p.path()}
	if p.accept("INPUT") {
		c.Input = parenList(p, (*parser).column)
	}
	if p.accept("OUTPUT") {
		c.Output = parenList(p, (*parser).column)
	}
	c.Comment = p.comment()
	c.Options = p.withOptions()
	if p.accept("AS") {
		c.As = p.query()
	}
	return c
}
