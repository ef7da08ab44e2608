package millrace

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/catalog"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/plan/explain"
	"github.com/millrace-io/millrace/internal/plan/physical"
	"github.com/millrace-io/millrace/internal/sql/ast"
	"github.com/millrace-io/millrace/internal/sql/print"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// statement runs a statement that starts no job, or only one (CREATE TABLE AS).
func (s *Session) statement(ctx context.Context, st ast.Statement) (*Result, error) {
	switch a := st.(type) {
	case *ast.Show:
		return s.show(a)
	case *ast.ShowCreate:
		return s.showCreate(a)
	case *ast.Describe:
		return s.describe(a)
	}
	job, err := s.binder.DDL(st)
	if err != nil || job == nil {
		return &Result{}, err
	}
	return s.start(ctx, job, nil)
}

func (s *Session) set(a *ast.Set) (*Result, error) {
	if a.All {
		all := s.opts.All()
		var rows [][]string
		for _, k := range slices.Sorted(maps.Keys(all)) {
			rows = append(rows, []string{k, all[k]})
		}
		return listing([]string{"key", "value"}, rows), nil
	}
	if fixed, ok := s.cfg.Options[a.Key]; ok {
		s.cfg.Log(fmt.Sprintf("SET '%s' has no effect: a flag sets it to '%s'", a.Key, fixed))
		return &Result{}, nil
	}
	if err := s.setOption(a.Key, a.Value); err != nil {
		return nil, at(a, err)
	}
	return &Result{}, s.refresh()
}

func (s *Session) reset(a *ast.Reset) (*Result, error) {
	key := a.Key
	if a.All {
		key = ""
	}
	if err := s.opts.Reset(key); err != nil {
		return nil, at(a, err)
	}
	if err := s.settle(); err != nil {
		return nil, at(a, err)
	}
	return &Result{}, s.refresh()
}

// at gives an error without a place the statement's.
func at(n ast.Node, err error) error {
	if u, ok := err.(*base.Error); ok && u.Pos == (base.Pos{}) {
		p := n.Position()
		u.Pos = base.Pos{Line: p.Line, Col: p.Col}
	}
	return err
}

func (s *Session) explain(a *ast.Explain) (*Result, error) {
	lj, err := s.binder.Job(a.Statement)
	if err != nil {
		return nil, err
	}
	c, err := physical.Compile(lj, s.planOptions("explain", lj.Name))
	if err != nil {
		return nil, err
	}
	res := listing([]string{"result"}, [][]string{{explain.Text(c.Before, c.Graph)}})
	res.Kind = Plan
	return res, nil
}

// listing makes a result of strings.
func listing(cols []string, rows [][]string) *Result {
	res := &Result{Kind: Listing}
	var builders []*vec.Builder
	for _, c := range cols {
		res.Schema = append(res.Schema, types.Field{Name: c, Type: types.TString})
		builders = append(builders, vec.NewBuilder(types.TString))
	}
	for _, row := range rows {
		for i, cell := range row {
			builders[i].String(cell)
		}
	}
	b := &vec.Batch{Rows: len(rows)}
	for _, col := range builders {
		b.Cols = append(b.Cols, col.Finish())
	}
	res.Rows = []*vec.Batch{b}
	return res
}

func names(col string, list []string) *Result {
	rows := make([][]string, len(list))
	for i, n := range list {
		rows[i] = []string{n}
	}
	return listing([]string{col}, rows)
}

func (s *Session) show(a *ast.Show) (*Result, error) {
	cat, db := s.cat.Current()
	if in := a.In.Strings(); len(in) > 0 && a.Kind != ast.ShowColumns && a.Kind != ast.ShowPartitions {
		db = in[len(in)-1]
		if len(in) > 1 {
			cat = in[0]
		}
		if a.Kind == ast.ShowDatabases {
			cat = db
		}
	}
	list := func(col string, kinds ...ast.Object) (*Result, error) {
		var out []string
		for _, k := range kinds {
			l, err := s.cat.List(k, cat, db)
			if err != nil {
				return nil, at(a, err)
			}
			out = append(out, l...)
		}
		slices.Sort(out)
		return names(col, s.like(a, slices.Compact(out))), nil
	}
	switch a.Kind {
	case ast.ShowTables:
		return list("table name", ast.ObjTable, ast.ObjView)
	case ast.ShowViews:
		return list("view name", ast.ObjView)
	case ast.ShowCatalogs:
		return names("catalog name", s.like(a, s.cat.Catalogs())), nil
	case ast.ShowCurrentCatalog:
		return names("current catalog name", []string{cat}), nil
	case ast.ShowCurrentDatabase:
		return names("current database name", []string{db}), nil
	case ast.ShowDatabases:
		l, err := s.cat.Databases(cat)
		return names("database name", s.like(a, l)), at(a, err)
	case ast.ShowFunctions, ast.ShowUserFunctions:
		l := s.cat.FunctionNames()
		if a.Kind == ast.ShowFunctions {
			for _, n := range fn.Names() {
				l = append(l, strings.ToLower(n))
			}
		}
		slices.Sort(l)
		return names("function name", s.like(a, l)), nil
	case ast.ShowColumns:
		return s.describe(&ast.Describe{Source: a.Source, Object: ast.ObjTable, Name: a.In})
	}
	return nil, at(a, base.Errorf(base.Pos{}, "SHOW of this kind is not supported yet"))
}

// like filters names as SHOW … [NOT] LIKE 'pattern' says.
func (s *Session) like(a *ast.Show, list []string) []string {
	if a.Like == nil {
		return list
	}
	fold := func(n string) string {
		if a.Like.ILike {
			return strings.ToLower(n)
		}
		return n
	}
	pattern, err := kernel.NewLike([]byte(fold(a.Like.Pattern)), 0)
	if err != nil {
		return nil // without an escape every pattern is good
	}
	return slices.DeleteFunc(slices.Clone(list), func(n string) bool {
		return pattern.Match([]byte(fold(n))) == a.Like.Not
	})
}

func (s *Session) showCreate(a *ast.ShowCreate) (*Result, error) {
	o, err := s.cat.Relation(a.Name.Strings()...)
	if err != nil {
		return nil, at(a, err)
	}
	text := ""
	switch o := o.(type) {
	case *catalog.Table:
		text = showTable(o)
	case *catalog.View:
		text = "CREATE VIEW " + o.Path.Quoted() + " AS\n" + o.Text
		if o.Temporary {
			text = "CREATE TEMPORARY VIEW " + o.Path.Quoted() + " AS\n" + o.Text
		}
	}
	res := listing([]string{"result"}, [][]string{{text}})
	res.Kind = Plan
	return res, nil
}

// showTable writes a table as the statement that makes it.
func showTable(t *catalog.Table) string {
	var lines []string
	quote := func(n string) string { return "`" + strings.ReplaceAll(n, "`", "``") + "`" }
	for _, c := range t.Columns {
		line := quote(c.Name) + " "
		switch c.Kind {
		case catalog.Computed:
			line += "AS " + print.Expr(c.Expr)
		default:
			line += c.Type.Plain().String()
			if c.Kind == catalog.Metadata {
				line += " METADATA"
				if c.Key != "" && c.Key != c.Name {
					line += " FROM '" + c.Key + "'"
				}
				if c.Virtual {
					line += " VIRTUAL"
				}
			}
		}
		lines = append(lines, line)
	}
	if w := t.Watermark; w != nil {
		lines = append(lines, "WATERMARK FOR "+quote(t.Columns[w.Column].Name)+" AS "+print.Expr(w.Expr))
	}
	cols := func(list []int) string {
		var out []string
		for _, c := range list {
			out = append(out, quote(t.Columns[c].Name))
		}
		return strings.Join(out, ", ")
	}
	if len(t.PrimaryKey) > 0 {
		lines = append(lines, "PRIMARY KEY ("+cols(t.PrimaryKey)+") NOT ENFORCED")
	}
	head := "CREATE TABLE "
	if t.Temporary {
		head = "CREATE TEMPORARY TABLE "
	}
	text := head + t.Path.Quoted() + " (\n  " + strings.Join(lines, ",\n  ") + "\n)"
	if len(t.PartitionBy) > 0 {
		text += "\nPARTITIONED BY (" + cols(t.PartitionBy) + ")"
	}
	if len(t.Options) > 0 {
		var opts []string
		for _, k := range slices.Sorted(maps.Keys(t.Options)) {
			opts = append(opts, fmt.Sprintf("  '%s' = '%s'", k, strings.ReplaceAll(t.Options[k], "'", "''")))
		}
		text += "\nWITH (\n" + strings.Join(opts, ",\n") + "\n)"
	}
	return text
}

// describe lists the columns of a table or view, as Flink does.
func (s *Session) describe(a *ast.Describe) (*Result, error) {
	if a.Object != ast.ObjTable && a.Object != ast.ObjView {
		return nil, at(a, base.Errorf(base.Pos{}, "DESCRIBE of this kind of object is not supported yet"))
	}
	o, err := s.cat.Relation(a.Name.Strings()...)
	if err != nil {
		return nil, at(a, err)
	}
	cols := []string{"name", "type", "null", "key", "extras", "watermark"}
	var rows [][]string
	switch o := o.(type) {
	case *catalog.View:
		for _, f := range o.Schema {
			rows = append(rows, describeRow(f.Name, f.Type))
		}
	case *catalog.Table:
		for i, c := range o.Columns {
			row := describeRow(c.Name, c.Type)
			if slices.Contains(o.PrimaryKey, i) {
				row[3] = "PRI(" + strings.Join(pick(o.ColumnNames(), o.PrimaryKey), ", ") + ")"
			}
			switch c.Kind {
			case catalog.Computed:
				row[4] = "AS " + print.Expr(c.Expr)
			case catalog.Metadata:
				row[4] = "METADATA"
				if c.Key != "" {
					row[4] += " FROM '" + c.Key + "'"
				}
				if c.Virtual {
					row[4] += " VIRTUAL"
				}
			}
			if o.Watermark != nil && o.Watermark.Column == i {
				row[5] = print.Expr(o.Watermark.Expr)
			}
			rows = append(rows, row)
		}
	}
	return listing(cols, rows), nil
}

func describeRow(name string, t types.Type) []string {
	text := t.Plain().Name()
	switch {
	case t.Rowtime:
		text += " *ROWTIME*"
	case t.Proctime:
		text += " *PROCTIME*"
	}
	null := "TRUE"
	if t.NotNull {
		null = "FALSE"
	}
	return []string{name, text, null, "", "", ""}
}

func pick(list []string, at []int) []string {
	var out []string
	for _, i := range at {
		out = append(out, list[i])
	}
	return out
}
