package bind

import (
	"slices"

	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
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
		return nil, at(s.Name, b.cat.CreateDatabase(s.Name.Strings(), comment(s.Comment), optionMap(s.Options), s.IfNotExists))
	case *ast.CreateCatalog:
		if k := optionMap(s.Options)["type"]; k != "" && k != "generic_in_memory" {
			return nil, unsupported(s, "a catalog of type '"+k+"'")
		}
		return nil, at(s.Name, b.cat.CreateCatalog(s.Name.Text, comment(s.Comment), optionMap(s.Options), s.IfNotExists))
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

func optionMap(list []ast.Option) map[string]string {
	out := map[string]string{}
	for _, o := range list {
		out[o.Key] = o.Value
	}
	return out
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
	v := &catalog.View{Path: p, Query: s.As, Comment: comment(s.Comment), Temporary: s.Temporary, Pos: posOf(s)}
	v.Text = b.text(s.As.Span())
	v.Catalog, v.Database = b.cat.Current()
	r, err := b.query(s.As, nil)
	if err != nil {
		return err
	}
	v.Schema = slices.Clone(r.schema())
	if len(s.Columns) > 0 && len(s.Columns) != len(v.Schema) {
		return errAt(s.Columns[0], "view '%s' names %d columns, but its query has %d", p.Name, len(s.Columns), len(v.Schema))
	}
	for i, c := range s.Columns {
		v.Columns = append(v.Columns, c.Name.Text)
		v.Schema[i].Name, v.Schema[i].Comment = c.Name.Text, comment(c.Comment)
	}
	for i, f := range v.Schema {
		if v.Schema.Index(f.Name) != i {
			return errAt(s, "view '%s' has two columns named '%s'; give one of them an alias", p.Name, f.Name)
		}
	}
	_, err = b.cat.Create(v, mode(s.IfNotExists, s.OrReplace))
	return at(s.Name, err)
}

func (b *Binder) createFunction(s *ast.CreateFunction) error {
	p, err := b.cat.Path(s.Name.Strings()...)
	if err != nil {
		return at(s.Name, err)
	}
	f := &catalog.Function{Path: p, Class: s.Class, Language: s.Language, Temporary: s.Temporary, System: s.System, Body: s.Body, Pos: posOf(s)}
	if name := goFunction(s.Class); s.Class != "" && fn.Lookup(name) == nil {
		return hinted(errAt(s.Name, "there is no function %s for class '%s': classes of Java or Python are not run here", name, s.Class),
			"register a Go function of that name, or write the function in SQL: CREATE FUNCTION f(x INT) RETURNS INT RETURN x + 1")
	}
	for _, prm := range s.Params {
		t, err := dataType(prm.Type)
		if err != nil {
			return err
		}
		f.Params = append(f.Params, types.Field{Name: prm.Name.Text, Type: t})
	}
	if s.Body != nil {
		if f.Returns, err = dataType(s.Returns); err != nil {
			return err
		}
		if err := b.checkFunction(s, f); err != nil {
			return err
		}
	}
	_, err = b.cat.Create(f, mode(s.IfNotExists, s.OrReplace))
	return at(s.Name, err)
}
