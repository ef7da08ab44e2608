package millrace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/print"
)

// headings are the names of the one column that most kinds of SHOW have, as
// Flink has them.
var headings = map[ast.ShowKind]string{
	ast.ShowTables: "table name", ast.ShowViews: "view name", ast.ShowMaterializedTables: "materialized table name", ast.ShowModels: "model name",
	ast.ShowCatalogs: "catalog name", ast.ShowCurrentCatalog: "current catalog name", ast.ShowDatabases: "database name",
	ast.ShowCurrentDatabase: "current database name", ast.ShowFunctions: "function name", ast.ShowUserFunctions: "function name",
	ast.ShowPartitions: "partition name", ast.ShowProcedures: "procedure name", ast.ShowModules: "module name", ast.ShowJars: "jars",
}

func (s *Session) show(a *ast.Show) (*Result, error) {
	switch a.Kind {
	case ast.ShowColumns:
		return s.showColumns(a)
	case ast.ShowJobs:
		return s.showJobs()
	case ast.ShowFullModules:
		return listing([]string{"module name", "used"}, [][]string{{"core", "true"}}), nil
	}
	list, err := s.shown(a)
	if err != nil {
		return nil, at(a, err)
	}
	if a.Like != nil {
		if list, err = like(a.Like, list); err != nil {
			return nil, err
		}
	}
	return names(headings[a.Kind], list), nil
}

// shown returns the names that a SHOW lists, before LIKE.
func (s *Session) shown(a *ast.Show) ([]string, error) {
	cat, db := s.cat.Current()
	switch a.Kind {
	case ast.ShowCatalogs:
		return s.cat.Catalogs(), nil
	case ast.ShowCurrentCatalog:
		return []string{cat}, nil
	case ast.ShowCurrentDatabase:
		return []string{db}, nil
	case ast.ShowDatabases:
		if len(a.In) > 1 {
			return nil, base.Errorf(base.Pos{}, "'%s' is not the name of a catalog", a.In)
		}
		return s.cat.Databases(a.In.Last())
	case ast.ShowModules:
		return []string{"core"}, nil
	case ast.ShowJars:
		return nil, nil
	case ast.ShowPartitions:
		return s.partitions(a)
	}
	if len(a.In) > 0 {
		var err error
		if _, cat, db, err = s.cat.Database(a.In.Strings()); err != nil {
			return nil, err
		}
	}
	switch a.Kind {
	case ast.ShowTables:
		return s.cat.List(ast.ObjTable, cat, db)
	case ast.ShowViews:
		return s.cat.List(ast.ObjView, cat, db)
	case ast.ShowMaterializedTables, ast.ShowModels, ast.ShowProcedures:
		return nil, nil // there cannot be any
	case ast.ShowFunctions, ast.ShowUserFunctions:
		return s.functions(a.Kind == ast.ShowFunctions, cat, db)
	}
	return nil, base.Errorf(base.Pos{}, "SHOW %s is not supported", a.Kind)
}

// functions lists the functions that can be called in a database.
func (s *Session) functions(builtin bool, cat, db string) ([]string, error) {
	list, err := s.cat.List(ast.ObjFunction, cat, db)
	if err != nil {
		return nil, err
	}
	list = append(list, s.cat.SystemFunctions()...)
	for _, f := range bind.Functions() {
		if builtin || f.User() {
			for _, n := range append([]string{f.Name}, f.Aliases...) {
				list = append(list, strings.ToLower(n))
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// like keeps the names that [NOT] LIKE 'pattern' says. ILIKE does not tell upper
// from lower case.
func like(l *ast.ShowLike, list []string) ([]string, error) {
	fold := func(n string) []byte {
		if l.ILike {
			n = strings.ToLower(n)
		}
		return []byte(n)
	}
	pattern, err := kernel.NewLike(fold(l.Pattern), 0)
	if err != nil {
		return nil, at(l, base.Errorf(base.Pos{}, "%v", err))
	}
	return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return pattern.Match(fold(n)) == l.Not }), nil
}

// showCreate writes the statement that makes an object. It can be run again.
func (s *Session) showCreate(a *ast.ShowCreate) (*Result, error) {
	text, err := s.createText(a)
	if err != nil {
		return nil, at(a, err)
	}
	res := listing([]string{"result"}, [][]string{{text}})
	res.Kind = Plan
	return res, nil
}

func (s *Session) createText(a *ast.ShowCreate) (string, error) {
	switch a.Object {
	case ast.ObjCatalog:
		d, err := s.cat.Definition(a.Name.Last())
		return catalog.CreateSQL(a.Name.Last(), d.Comment, d.Options), err
	case ast.ObjDatabase:
		d, cat, db, err := s.cat.Database(a.Name.Strings())
		return catalog.DatabaseSQL(print.Name(cat)+"."+print.Name(db), &d), err
	case ast.ObjFunction:
		f, err := s.cat.Function(a.Name.Strings()...)
		if err == nil && f == nil {
			err = base.Errorf(base.Pos{}, "unknown function '%s'", a.Name)
		}
		if err != nil {
			return "", err
		}
		if f.System {
			return catalog.SQL(f, func(p catalog.Path) string { return print.Name(p.Name) }), nil
		}
		return catalog.SQL(f, catalog.Path.Quoted), nil
	case ast.ObjTable, ast.ObjView:
	default:
		return "", base.Errorf(base.Pos{}, "SHOW CREATE %s is not supported", a.Object)
	}
	o, err := s.cat.Relation(a.Name.Strings()...)
	if err != nil {
		return "", err
	}
	if is := o.ObjectKind(); is != a.Object {
		return "", &base.Error{Msg: fmt.Sprintf("'%s' is a %s, not a %s", a.Name, strings.ToLower(is.String()), strings.ToLower(a.Object.String())), Hint: "write SHOW CREATE " + is.String()}
	}
	return catalog.SQL(o, catalog.Path.Quoted), nil
}
