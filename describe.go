package millrace

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/plan/bind"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/print"
	"github.com/millrace-io/millrace/types"
)

func (s *Session) describe(a *ast.Describe) (*Result, error) {
	var rows [][]string
	var err error
	switch a.Object {
	case ast.ObjTable, ast.ObjView:
		rows, err = s.columns(a.Name)
		return columnListing(rows), at(a, err)
	case ast.ObjJob:
		return s.describeJob(a)
	case ast.ObjCatalog:
		rows, err = s.describeCatalog(a)
	case ast.ObjDatabase:
		rows, err = s.describeDatabase(a)
	case ast.ObjFunction:
		rows, err = s.describeFunction(a)
	default:
		err = base.Errorf(base.Pos{}, "DESCRIBE %s is not supported", a.Object)
	}
	if err != nil {
		return nil, at(a, err)
	}
	return listing([]string{"info name", "info value"}, rows), nil
}

// showColumns is DESCRIBE of the columns that LIKE keeps.
func (s *Session) showColumns(a *ast.Show) (*Result, error) {
	rows, err := s.columns(a.In)
	if err != nil {
		return nil, at(a, err)
	}
	if a.Like != nil {
		var all []string
		for _, r := range rows {
			all = append(all, r[0])
		}
		kept, err := like(a.Like, all)
		if err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(r []string) bool { return !slices.Contains(kept, r[0]) })
	}
	return columnListing(rows), nil
}

// columnListing shows columns as Flink does; comments are shown where there are any.
func columnListing(rows [][]string) *Result {
	cols := []string{"name", "type", "null", "key", "extras", "watermark", "comment"}
	if !slices.ContainsFunc(rows, func(r []string) bool { return r[6] != null }) {
		cols = cols[:6]
		for i := range rows {
			rows[i] = rows[i][:6]
		}
	}
	return listing(cols, rows)
}

// columns describes the columns of a table or view.
func (s *Session) columns(name ast.Path) ([][]string, error) {
	o, err := s.cat.Relation(name.Strings()...)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	switch o := o.(type) {
	case *catalog.View:
		for _, f := range o.Schema {
			rows = append(rows, columnRow(f.Name, f.Type, f.Comment))
		}
	case *catalog.Table:
		var key []string
		for _, c := range o.PrimaryKey {
			key = append(key, o.Columns[c].Name)
		}
		for i := range o.Columns {
			c := &o.Columns[i]
			row := columnRow(c.Name, c.Type, c.Comment)
			if slices.Contains(o.PrimaryKey, i) {
				row[3] = "PRI(" + strings.Join(key, ", ") + ")"
			}
			if x := c.Extras(); x != "" {
				row[4] = x
			}
			if o.Watermark != nil && o.Watermark.Column == i {
				row[5] = print.Expr(o.Watermark.Expr)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func columnRow(name string, t types.Type, comment string) []string {
	text := t.Plain().Name()
	switch {
	case t.Rowtime:
		text += " *ROWTIME*"
	case t.Proctime:
		text += " *PROCTIME*"
	}
	row := []string{name, text, "TRUE", null, null, null, null}
	if t.NotNull {
		row[2] = "FALSE"
	}
	if comment != "" {
		row[6] = comment
	}
	return row
}

func (s *Session) describeCatalog(a *ast.Describe) ([][]string, error) {
	name := a.Name.Last()
	d, err := s.cat.Definition(name)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"name", name}, {"type", d.Options["type"]}, {"comment", d.Comment}}
	return withOptions(rows, a.Extended, d.Options), nil
}

func withOptions(rows [][]string, extended bool, options map[string]string) [][]string {
	if extended {
		for _, k := range slices.Sorted(maps.Keys(options)) {
			rows = append(rows, []string{"option:" + k, options[k]})
		}
	}
	return rows
}

func (s *Session) describeDatabase(a *ast.Describe) ([][]string, error) {
	d, cat, name, err := s.cat.Database(a.Name.Strings())
	if err != nil {
		return nil, err
	}
	return withOptions([][]string{{"catalog", cat}, {"name", name}, {"comment", d.Comment}}, a.Extended, d.Options), nil
}

// describeFunction tells what Flink tells of a function; EXTENDED also what it
// does, with an example.
func (s *Session) describeFunction(a *ast.Describe) ([][]string, error) {
	f, err := s.cat.Function(a.Name.Strings()...)
	if err != nil {
		return nil, err
	}
	if f != nil {
		return userFunction(f, a.Extended), nil
	}
	rows := [][]string{{"is system function", "true"}, {"is temporary", "false"}}
	b, ok := bind.FunctionNamed(a.Name.Last())
	if !ok || len(a.Name) > 1 {
		return nil, base.Errorf(base.Pos{}, "unknown function '%s'", a.Name)
	}
	if !a.Extended {
		return rows, nil
	}
	volatile := false
	if f := fn.Lookup(b.Name); f != nil {
		volatile = f.Volatile
	}
	rows = append(rows, []string{"kind", strings.ToUpper(b.Kind)}, []string{"requirements", "[]"}, []string{"is deterministic", strconv.FormatBool(!volatile)},
		[]string{"supports constant folding", strconv.FormatBool(!volatile && b.Kind == "scalar")})
	text, t, gives, err := b.Result(s.env)
	if err != nil {
		return nil, err
	}
	list := [][]string{{"also", strings.Join(b.Aliases, ", ")}, {"signature", b.Signature}, {"meaning", b.Meaning}, {"example", b.Example}}
	if gives {
		list = append(list, []string{"result", text}, []string{"type", t.String()})
	}
	for _, x := range list {
		if x[1] != "" {
			rows = append(rows, x)
		}
	}
	return rows, nil
}

func userFunction(f *catalog.Function, extended bool) [][]string {
	language, class := f.Language, f.Class
	switch {
	case f.Body != nil:
		language = "SQL"
	case language == "":
		language = "JAVA" // as Flink has it where nothing is said
	}
	rows := [][]string{{"is system function", "false"}, {"is temporary", strconv.FormatBool(f.Temporary)}, {"class name", class}, {"function language", language}, {"resource uris", "[]"}}
	if extended && f.Body != nil {
		var params []string
		for _, p := range f.Params {
			params = append(params, p.Name+" "+p.Type.String())
		}
		rows = append(rows, []string{"kind", "SCALAR"}, []string{"signature", f.Path.Name + "(" + strings.Join(params, ", ") + ") => " + f.Returns.String()},
			[]string{"body", print.Expr(f.Body)})
	}
	return rows
}
