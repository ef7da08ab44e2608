package parse

import (
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// simpleTypes are the types of one word and at most max numbers in parentheses.
var simpleTypes = map[string]struct {
	name string
	max  int
}{
	"BOOLEAN": {"BOOLEAN", 0}, "TINYINT": {"TINYINT", 0}, "SMALLINT": {"SMALLINT", 0},
	"INT": {"INT", 0}, "INTEGER": {"INT", 0}, "BIGINT": {"BIGINT", 0},
	"FLOAT": {"FLOAT", 0}, "REAL": {"FLOAT", 0},
	"DECIMAL": {"DECIMAL", 2}, "DEC": {"DECIMAL", 2}, "NUMERIC": {"DECIMAL", 2},
	"STRING": {"STRING", 0}, "BYTES": {"BYTES", 0},
	"BINARY": {"BINARY", 1}, "VARBINARY": {"VARBINARY", 1}, "VARCHAR": {"VARCHAR", 1},
	"DATE": {"DATE", 0}, "TIMESTAMP_LTZ": {"TIMESTAMP_LTZ", 1},
	"VARIANT": {"VARIANT", 0}, "BITMAP": {"BITMAP", 0}, "DESCRIPTOR": {"DESCRIPTOR", 0},
	"NULL": {"NULL", 0},
}

// typeName reads a data type with its nullability.
func (p *parser) typeName() *ast.TypeName {
	if !p.enter() {
		return &ast.TypeName{}
	}
	defer p.leave()
	t := p.plainType()
	for p.err == nil {
		p.nullability(t)
		w := p.tok()
		if !w.isWord("ARRAY") && !w.isWord("MULTISET") || p.multisetOpAhead() || !p.link(&p.tableLinks) {
			break
		}
		p.i++
		t = &ast.TypeName{Pos: w.pos, Name: w.up, Elem: t}
	}
	return t
}

// multisetOpAhead reports whether MULTISET begins an operator.
func (p *parser) multisetOpAhead() bool {
	next := p.ahead(1)
	return next.isWord("UNION") || next.isWord("INTERSECT") || next.isWord("EXCEPT")
}

// nullability reads [NOT NULL | NULL] into t. NULL ON EMPTY behind a type is
// another clause.
func (p *parser) nullability(t *ast.TypeName) {
	switch {
	case p.tok().isWord("NOT") && p.ahead(1).isWord("NULL"):
		p.i += 2
		t.Nulls = ast.NotNull
	case p.tok().isWord("NULL") && !p.ahead(1).isWord("ON"):
		p.i++
		t.Nulls = ast.Nullable
	}
}

// plainType reads a type without nullability and postfix ARRAY.
func (p *parser) plainType() *ast.TypeName {
	tok := p.tok()
	t := &ast.TypeName{Pos: tok.pos, Name: tok.up}
	if tok.kind != tWord {
		if tok.kind == tQuoted {
			return p.userType(t)
		}
		p.fail(wantType)
		return t
	}
	if s, ok := simpleTypes[tok.up]; ok {
		p.i++
		t.Name = s.name
		t.Args = p.typeArgs(s.max)
		if tok.up == "VARCHAR" || tok.up == "BINARY" {
			p.varying(t)
		}
		return t
	}
	switch tok.up {
	case "CHAR", "CHARACTER":
		p.i++
		t.Name = "CHAR"
		p.varying(t)
		if t.Args == nil {
			t.Args = p.typeArgs(1)
		}
	case "DOUBLE":
		p.i++
		p.accept("PRECISION")
	case "TIME", "TIMESTAMP":
		p.timeType(t)
	case "INTERVAL":
		p.i++
		r := p.intervalRange()
		t.Interval = &r
	case "ARRAY", "MULTISET":
		p.i++
		p.expectOp("<")
		t.Elem = p.typeName()
		p.expectOp(">")
	case "MAP":
		p.i++
		p.expectOp("<")
		t.Key = p.typeName()
		p.expectOp(",")
		t.Elem = p.typeName()
		p.expectOp(">")
	case "ROW":
		p.rowType(t)
	case "STRUCTURED":
		p.structuredType(t)
	case "RAW":
		p.rawType(t)
	default:
		return p.userType(t)
	}
	return t
}

// typeArgs reads up to max numbers in parentheses.
func (p *parser) typeArgs(max int) []int {
	if max == 0 || !p.acceptOp("(") {
		return nil
	}
	args := []int{p.whole()}
	for len(args) < max && p.acceptOp(",") {
		args = append(args, p.whole())
	}
	p.expectOp(")")
	return args
}

// varying reads VARYING behind CHAR and BINARY.
func (p *parser) varying(t *ast.TypeName) {
	if len(t.Args) == 0 && t.Name != "VARCHAR" && p.accept("VARYING") {
		t.Name = "VAR" + t.Name
		t.Args = p.typeArgs(1)
	}
}

// timeType reads TIME and TIMESTAMP with precision and zone.
func (p *parser) timeType(t *ast.TypeName) {
	p.i++
	t.Args = p.typeArgs(1)
	switch {
	case p.accept("WITHOUT", "TIME", "ZONE"):
	case t.Name == "TIMESTAMP" && p.accept("WITH", "LOCAL", "TIME", "ZONE"):
		t.Name = "TIMESTAMP_LTZ"
	case t.Name == "TIMESTAMP" && p.accept("WITH", "TIME", "ZONE"):
		t.Name = "TIMESTAMP_TZ"
	}
}

// rowType reads ROW<a INT 'comment', …>, ROW(a INT, …), ROW<>.
func (p *parser) rowType(t *ast.TypeName) {
	p.i++
	end := ">"
	switch {
	case p.acceptOp("<>"):
		return
	case p.acceptOp("("):
		end = ")"
	default:
		p.expectOp("<")
	}
	if !p.isOp(end) {
		t.Fields = list(p, (*parser).rowField)
	}
	p.expectOp(end)
}

func (p *parser) rowField() ast.RowField {
	f := ast.RowField{Pos: p.pos(), Name: p.name(), Type: p.typeName()}
	p.accept("COMMENT")
	if p.tok().kind == tString {
		s := p.str()
		f.Comment = &s
	}
	return f
}

// structuredType reads STRUCTURED<'class', a INT, …>.
func (p *parser) structuredType(t *ast.TypeName) {
	p.i++
	p.expectOp("<")
	t.Class = p.str()
	for p.acceptOp(",") {
		t.Fields = append(t.Fields, p.rowField())
	}
	p.expectOp(">")
}

// rawType reads RAW('class', 'snapshot').
func (p *parser) rawType(t *ast.TypeName) {
	p.i++
	p.expectOp("(")
	t.Class = p.str()
	p.expectOp(",")
	t.Snapshot = p.str()
	p.expectOp(")")
}

// userType reads the path of a user's type.
func (p *parser) userType(t *ast.TypeName) *ast.TypeName {
	p.guess("BOOLEAN", "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE",
		"DECIMAL", "NUMERIC", "STRING", "VARCHAR", "CHAR", "BYTES", "VARBINARY", "DATE", "TIME",
		"TIMESTAMP", "TIMESTAMP_LTZ", "ARRAY", "MAP", "ROW")
	t.Name = ""
	if !p.tok().isName() {
		p.fail(wantType)
		return t
	}
	first := p.tok()
	t.Path = p.path()
	if len(t.Path) == 1 && p.tok().isPunct("(") {
		if kw := near(first.up, slices.Sorted(maps.Keys(simpleTypes))); kw != "" {
			p.failAt(first, "unknown type '"+first.text+"'; did you mean "+kw+"?")
		} else {
			p.failAt(first, "unknown type '"+first.text+"'")
		}
	}
	return t
}
