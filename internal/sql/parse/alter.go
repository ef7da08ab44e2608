package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// alterActions are the actions that ALTER of each kind of object may take, by
// the word that begins them.
var alterActions = map[ast.Object][]string{
	ast.ObjTable:             {"RENAME", "SET", "RESET", "ADD", "MODIFY", "DROP"},
	ast.ObjView:              {"RENAME", "AS"},
	ast.ObjMaterializedTable: {"SUSPEND", "RESUME", "REFRESH", "SET", "RESET", "ADD", "MODIFY", "DROP", "RENAME", "AS"},
	ast.ObjFunction:          {"AS"},
	ast.ObjCatalog:           {"SET", "RESET", "COMMENT"},
	ast.ObjDatabase:          {"SET", "RESET"},
	ast.ObjModel:             {"RENAME", "SET", "RESET"},
	ast.ObjConnection:        {"RENAME", "SET", "RESET"},
}

func (p *parser) alter() ast.Statement {
	p.expect("ALTER")
	a := &ast.Alter{}
	a.Temporary = p.accept("TEMPORARY")
	a.System = p.accept("SYSTEM")
	a.Object = p.object()
	a.IfExists = p.ifExists()
	a.Name = p.path()
	pos := p.pos()
	switch p.expectOneOf(alterActions[a.Object]...) {
	case "RENAME":
		a.Action = p.rename(pos)
	case "SET":
		a.Action = p.alterSet(pos, a.Object)
	case "RESET":
		a.Action = &ast.ResetOptions{Pos: pos, Keys: parenList(p, (*parser).str)}
	case "COMMENT":
		a.Action = &ast.SetComment{Pos: pos, Comment: p.str()}
	case "AS":
		a.Action = p.alterAs(pos, a.Object)
	case "ADD":
		a.Action = p.alterAdd(pos)
	case "MODIFY":
		a.Action = p.alterModify(pos)
	case "DROP":
		a.Action = p.alterDrop(pos)
	case "SUSPEND":
		a.Action = &ast.Suspend{Pos: pos}
	case "RESUME":
		a.Action = &ast.Resume{Pos: pos, Options: p.withOptions()}
	case "REFRESH":
		r := &ast.Refresh{Pos: pos}
		if p.is("PARTITION") {
			s := p.partitionSpec()
			r.Partition = &s
		}
		a.Action = r
	}
	return a
}

// object reads a kind of object.
func (p *parser) object() ast.Object {
	for _, o := range []ast.Object{
		ast.ObjTable, ast.ObjView, ast.ObjFunction, ast.ObjCatalog, ast.ObjDatabase, ast.ObjModel, ast.ObjConnection,
	} {
		if p.accept(o.String()) {
			return o
		}
	}
	if p.accept("MATERIALIZED", "TABLE") {
		return ast.ObjMaterializedTable
	}
	p.fail()
	return ast.ObjTable
}

// rename reads TO name, or column TO name.
func (p *parser) rename(pos ast.Pos) ast.AlterAction {
	if p.accept("TO") {
		return &ast.RenameTo{Pos: pos, To: p.path()}
	}
	r := &ast.RenameColumn{Pos: pos, From: p.path()}
	p.expect("TO")
	r.To = p.path()
	return r
}

func (p *parser) alterSet(pos ast.Pos, o ast.Object) ast.AlterAction {
	if o == ast.ObjMaterializedTable {
		switch p.oneOf("FRESHNESS", "REFRESH_MODE") {
		case "FRESHNESS":
			p.expectOp("=")
			return &ast.SetFreshness{Pos: pos, Freshness: p.expr()}
		case "REFRESH_MODE":
			p.expectOp("=")
			return &ast.SetRefreshMode{Pos: pos, Mode: p.expectOneOf("CONTINUOUS", "FULL")}
		}
	}
	return &ast.SetOptions{Pos: pos, Options: p.options()}
}

func (p *parser) alterAs(pos ast.Pos, o ast.Object) ast.AlterAction {
	if o != ast.ObjFunction {
		return &ast.SetQuery{Pos: pos, Query: p.query()}
	}
	return &ast.SetFunction{Pos: pos, Class: p.str(), Language: p.language()}
}

func (p *parser) alterAdd(pos ast.Pos) ast.AlterAction {
	switch {
	case p.is("PARTITION"), p.tok().isWord("IF") && p.ahead(1).isWord("NOT"):
		a := &ast.AddPartitions{Pos: pos, IfNotExists: p.ifNotExists()}
		for {
			s := p.partitionSpec()
			s.Options = p.withOptions()
			a.Partitions = append(a.Partitions, s)
			if p.acceptOp(",") || p.is("PARTITION") {
				continue
			}
			return a
		}
	case p.accept("DISTRIBUTION"):
		return &ast.AddDistribution{Pos: pos, Distribution: p.distribution()}
	}
	return &ast.AddSchema{Pos: pos, Schema: p.alterSchema()}
}

func (p *parser) alterModify(pos ast.Pos) ast.AlterAction {
	if p.accept("DISTRIBUTION") {
		return &ast.ModifyDistribution{Pos: pos, Distribution: p.distribution()}
	}
	return &ast.ModifySchema{Pos: pos, Schema: p.alterSchema()}
}

// alterSchema reads one element of a schema or several in parentheses.
func (p *parser) alterSchema() ast.Schema {
	if p.isOp("(") {
		return p.schema()
	}
	var s ast.Schema
	p.schemaElement(&s)
	return s
}

func (p *parser) alterDrop(pos ast.Pos) ast.AlterAction {
	switch {
	case p.accept("PRIMARY", "KEY"):
		return &ast.DropPrimaryKey{Pos: pos}
	case p.accept("CONSTRAINT"):
		return &ast.DropConstraint{Pos: pos, Name: p.name()}
	case p.accept("WATERMARK"):
		return &ast.DropWatermark{Pos: pos}
	case p.accept("DISTRIBUTION"):
		return &ast.DropDistribution{Pos: pos}
	case p.is("PARTITION"), p.tok().isWord("IF") && p.ahead(1).isWord("EXISTS"):
		return &ast.DropPartitions{Pos: pos, IfExists: p.ifExists(), Partitions: list(p, (*parser).partitionSpec)}
	case p.isOp("("):
		return &ast.DropColumns{Pos: pos, Columns: parenList(p, (*parser).path)}
	}
	return &ast.DropColumns{Pos: pos, Columns: []ast.Path{p.path()}}
}

// partitionSpec reads PARTITION (…).
func (p *parser) partitionSpec() ast.PartitionSpec {
	s := ast.PartitionSpec{Pos: p.pos()}
	p.expect("PARTITION")
	s.Values = p.partitionValues()
	return s
}

// partitionValues reads (column [= value], …).
func (p *parser) partitionValues() []ast.PartitionValue {
	return parenList(p, func(p *parser) ast.PartitionValue {
		v := ast.PartitionValue{Pos: p.pos(), Column: p.name()}
		if p.acceptOp("=") {
			v.Value = p.expr()
		}
		return v
	})
}

func (p *parser) drop() ast.Statement {
	p.expect("DROP")
	d := &ast.Drop{Temporary: p.accept("TEMPORARY"), System: p.accept("SYSTEM")}
	d.Object = p.object()
	d.IfExists = p.ifExists()
	d.Name = p.path()
	if d.Object == ast.ObjDatabase {
		switch p.oneOf("CASCADE", "RESTRICT") {
		case "CASCADE":
			d.Behavior = ast.Cascade
		case "RESTRICT":
			d.Behavior = ast.Restrict
		}
	}
	return d
}
