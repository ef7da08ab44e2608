package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/plan/logical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/types"
)

// DDL checks a statement that changes the catalog and carries it out. CREATE
// TABLE … AS returns the job that fills the table; others return nil.
func (b *Binder) DDL(s ast.Statement) (*logical.Job, error) {
	b.begin()
	switch s := s.(type) {
	case *ast.CreateTable:
		return b.createTable(s)
	case *ast.CreateView:
		return nil, b.createView(s)
	case *ast.CreateFunction:
		return nil, b.createFunction(s)
	case *ast.CreateDatabase:
		options, err := once(s.Options)
		if err != nil {
			return nil, err
		}
		return nil, at(s.Name, b.cat.CreateDatabase(s.Name.Strings(), catalog.Database{Comment: comment(s.Comment), Options: options}, s.IfNotExists))
	case *ast.CreateCatalog:
		options, err := once(s.Options)
		if err != nil {
			return nil, err
		}
		return nil, at(s.Name, b.cat.CreateCatalog(s.Name.Text, catalog.Definition{Comment: comment(s.Comment), Options: options}, s.IfNotExists))
	case *ast.Use:
		if s.Object == ast.ObjCatalog {
			return nil, at(s.Name, b.cat.UseCatalog(s.Name.Last()))
		}
		return nil, at(s.Name, b.cat.Use(s.Name.Strings()...))
	case *ast.Drop:
		return nil, at(s.Name, b.drop(s))
	case *ast.Alter:
		return nil, b.alter(s)
	}
	return nil, unsupported(s, kindOf(s))
}

func comment(c *string) string {
	if c == nil {
		return ""
	}
	return *c
}

// once is the map of options of which each is given once.
func once(list []ast.Option) (map[string]string, error) {
	out := map[string]string{}
	for _, o := range list {
		if _, ok := out[o.Key]; ok {
			return nil, errAt(o, "option '%s' is given twice", o.Key)
		}
		out[o.Key] = o.Value
	}
	return out, nil
}

func (b *Binder) drop(s *ast.Drop) error {
	switch s.Object {
	case ast.ObjDatabase:
		return b.cat.DropDatabase(s.Name.Strings(), s.IfExists, s.Behavior == ast.Cascade)
	case ast.ObjCatalog:
		return b.cat.DropCatalog(s.Name.Last(), s.IfExists)
	case ast.ObjFunction:
		if s.System {
			return b.cat.DropSystemFunction(s.Name.Last(), s.IfExists)
		}
	case ast.ObjTable, ast.ObjView:
	default:
		return unsupported(s, "DROP "+s.Object.String())
	}
	return b.cat.Drop(s.Object, s.Name.Strings(), s.Temporary, s.IfExists)
}

func mode(ifNotExists, orReplace bool) catalog.Mode {
	switch {
	case orReplace:
		return catalog.OrReplace
	case ifNotExists:
		return catalog.IfNotExists
	}
	return catalog.MustNotExist
}

func (b *Binder) createView(s *ast.CreateView) error {
	p, err := b.cat.Path(s.Name.Strings()...)
	if err != nil {
		return at(s.Name, err)
	}
	v, err := b.defineView(p, s)
	if err != nil {
		return err
	}
	_, err = b.cat.Create(v, mode(s.IfNotExists, s.OrReplace))
	return at(s.Name, err)
}

// defineView checks CREATE VIEW. The names in its query become full ones, as in
// Flink: what they mean does not depend on who asks.
func (b *Binder) defineView(p catalog.Path, s *ast.CreateView) (*catalog.View, error) {
	v := &catalog.View{Path: p, Query: s.As, Comment: comment(s.Comment), Temporary: s.Temporary, Pos: posOf(s)}
	v.Catalog, v.Database = b.cat.Current()
	schema, names, err := b.viewBody(s.As)
	if err != nil {
		return nil, err
	}
	v.Schema, v.Names = schema, names
	if len(s.Columns) > 0 && len(s.Columns) != len(v.Schema) {
		return nil, errAt(s.Columns[0], "view '%s' names %d columns, but its query has %d", p.Name, len(s.Columns), len(v.Schema))
	}
	for i, c := range s.Columns {
		v.Columns = append(v.Columns, c.Name.Text)
		v.Schema[i].Name, v.Schema[i].Comment = c.Name.Text, comment(c.Comment)
	}
	for i, f := range v.Schema {
		if v.Schema.Index(f.Name) != i {
			return nil, errAt(s, "view '%s' has two columns named '%s'; give one of them an alias", p.Name, f.Name)
		}
	}
	return v, nil
}

// viewBody binds a view's query and returns its columns and the names in it that
// became full.
func (b *Binder) viewBody(q *ast.Query) (types.Schema, []*ast.Path, error) {
	b.names = &[]fullName{}
	defer func() { b.names = nil }()
	r, err := b.query(q, nil)
	if err != nil {
		return nil, nil, err
	}
	var names []*ast.Path
	for _, n := range *b.names {
		*n.at = n.full
		names = append(names, n.at)
	}
	return slices.Clone(r.schema()), names, nil
}

// A fullName is a name in a view's query and what it stands for.
type fullName struct {
	at   *ast.Path
	full ast.Path
}

// note remembers the full name of an object that a view's query names.
func (b *Binder) note(at *ast.Path, p catalog.Path) {
	if b.names == nil || len(*at) == 0 {
		return
	}
	pos := (*at)[0].Pos
	*b.names = append(*b.names, fullName{at, ast.Path{{Pos: pos, Text: p.Catalog}, {Pos: pos, Text: p.Database}, {Pos: pos, Text: p.Name}}})
}

func (b *Binder) createFunction(s *ast.CreateFunction) error {
	p, err := b.cat.Path(s.Name.Strings()...)
	if err != nil {
		return at(s.Name, err)
	}
	f, err := b.defineFunction(p, s)
	if err != nil {
		return err
	}
	_, err = b.cat.Create(f, mode(s.IfNotExists, s.OrReplace))
	return at(s.Name, err)
}

// classHint is what to do with a function of another language.
const classHint = "write the function in SQL: CREATE FUNCTION f(x INT) RETURNS INT RETURN x + 1; or in Go, and register it in a program of your own: package udf, docs/udf.md"

// defineFunction checks CREATE FUNCTION.
func (b *Binder) defineFunction(p catalog.Path, s *ast.CreateFunction) (*catalog.Function, error) {
	if len(s.Using) > 0 {
		return nil, hinted(errAt(s.Using[0], "USING %s: there is no Java here to load '%s' into", s.Using[0].Kind, s.Using[0].Path), classHint)
	}
	if len(s.Options) > 0 {
		return nil, errAt(s.Options[0], "a function takes no options here")
	}
	f := &catalog.Function{Path: p, Class: s.Class, Language: s.Language, Temporary: s.Temporary, System: s.System, Body: s.Body, Pos: posOf(s)}
	if name := goFunction(s.Class); s.Class != "" && !standsForClass(name) {
		return nil, hinted(errAt(s.Name, "there is no Go function %s for class '%s': classes of Java, Scala or Python are not run here", name, s.Class), classHint)
	}
	for _, prm := range s.Params {
		t, err := dataType(prm.Type)
		if err != nil {
			return nil, err
		}
		f.Params = append(f.Params, types.Field{Name: prm.Name.Text, Type: t})
	}
	if s.Body != nil {
		if s.Language != "" && s.Language != "SQL" {
			return nil, errAt(s, "function '%s' has a body in SQL, not in %s", p.Name, s.Language)
		}
		var err error
		if f.Returns, err = dataType(s.Returns); err != nil {
			return nil, err
		}
		if err := b.checkFunction(s, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// define makes an object from the statement that a file of the catalog holds.
func (b *Binder) define(p catalog.Path, s ast.Statement) (catalog.Object, error) {
	ctes, nullable, names := b.ctes, b.nullable, b.names
	b.ctes, b.nullable, b.names = nil, false, nil
	defer func() { b.ctes, b.nullable, b.names = ctes, nullable, names }()
	switch s := s.(type) {
	case *ast.CreateTable:
		if s.As == nil && s.Like == nil {
			return b.defineTable(p, s)
		}
	case *ast.CreateView:
		return b.defineView(p, s)
	case *ast.CreateFunction:
		return b.defineFunction(p, s)
	}
	return nil, errAt(s, "a catalog's file holds one CREATE TABLE with its columns, CREATE VIEW or CREATE FUNCTION")
}
