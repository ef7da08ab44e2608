package catalog

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/sql/print"
)

// SQL returns the statement that makes an object, in the form that Flink's SHOW
// CREATE has. name writes its path.
func SQL(o Object, name func(Path) string) string {
	switch o := o.(type) {
	case *Table:
		return tableSQL(o, name(o.Path))
	case *View:
		return viewSQL(o, name)
	case *Function:
		return functionSQL(o, name(o.Path))
	}
	return ""
}

// CreateSQL returns the statement that makes a catalog.
func CreateSQL(name, comment string, options map[string]string) string {
	return "CREATE CATALOG " + print.Name(name) + tail(comment, "", options)
}

// DatabaseSQL returns the statement that makes a database, whose name is SQL.
func DatabaseSQL(name string, d *Database) string {
	return "CREATE DATABASE " + name + tail(d.Comment, "", d.Options)
}

// tail writes the clauses behind a name or the columns, a line each.
func tail(comment, clauses string, options map[string]string) string {
	out := ""
	if comment != "" {
		out += "\nCOMMENT " + print.String(comment)
	}
	out += clauses
	if len(options) > 0 {
		var list []string
		for _, k := range slices.Sorted(maps.Keys(options)) {
			list = append(list, "  "+print.String(k)+" = "+print.String(options[k]))
		}
		out += "\nWITH (\n" + strings.Join(list, ",\n") + "\n)"
	}
	return out
}

func create(temporary bool, kind string) string {
	if temporary {
		return "CREATE TEMPORARY " + kind + " "
	}
	return "CREATE " + kind + " "
}

// Extras is what DESCRIBE and CREATE TABLE say behind a column's type or, for a
// computed column, in its place.
func (c *Column) Extras() string {
	switch {
	case c.Kind == Computed:
		return "AS " + print.Expr(c.Expr)
	case c.Kind != Metadata:
		return ""
	}
	out := "METADATA"
	if c.Key != "" {
		out += " FROM " + print.String(c.Key)
	}
	if c.Virtual {
		out += " VIRTUAL"
	}
	return out
}

func tableSQL(t *Table, name string) string {
	var lines []string
	for i := range t.Columns {
		c := &t.Columns[i]
		line := print.Name(c.Name)
		if c.Kind != Computed {
			line += " " + c.Type.Plain().String()
		}
		if x := c.Extras(); x != "" {
			line += " " + x
		}
		if c.Comment != "" {
			line += " COMMENT " + print.String(c.Comment)
		}
		lines = append(lines, line)
	}
	if w := t.Watermark; w != nil {
		lines = append(lines, "WATERMARK FOR "+print.Name(t.Columns[w.Column].Name)+" AS "+print.Expr(w.Expr))
	}
	if len(t.PrimaryKey) > 0 {
		line := "PRIMARY KEY (" + t.names(t.PrimaryKey) + ") NOT ENFORCED"
		if t.KeyName != "" {
			line = "CONSTRAINT " + print.Name(t.KeyName) + " " + line
		}
		lines = append(lines, line)
	}
	clauses := ""
	if d := t.Distribution; d != nil {
		clauses += "\nDISTRIBUTED" + t.distribution()
	}
	if len(t.PartitionBy) > 0 {
		clauses += "\nPARTITIONED BY (" + t.names(t.PartitionBy) + ")"
	}
	return create(t.Temporary, "TABLE") + name + " (\n  " + strings.Join(lines, ",\n  ") + "\n)" + tail(t.Comment, clauses, t.Options)
}

func (t *Table) names(cols []int) string {
	var out []string
	for _, c := range cols {
		out = append(out, print.Name(t.Columns[c].Name))
	}
	return strings.Join(out, ", ")
}

func (t *Table) distribution() string {
	out, d := "", t.Distribution
	if len(d.Columns) > 0 {
		out = " BY " + d.Kind + "(" + t.names(d.Columns) + ")"
	}
	if d.Buckets > 0 {
		out += " INTO " + strconv.Itoa(d.Buckets) + " BUCKETS"
	}
	return out
}

// viewSQL writes the names in the view's query as its own.
func viewSQL(v *View, name func(Path) string) string {
	var lines []string
	for _, f := range v.Schema {
		line := print.Name(f.Name)
		if f.Comment != "" && len(v.Columns) > 0 {
			line += " COMMENT " + print.String(f.Comment)
		}
		lines = append(lines, line)
	}
	short := name(v.Path) != v.Path.Quoted()
	for _, n := range v.Names {
		if old := *n; short && len(old) == 3 && old[0].Text == v.Path.Catalog {
			*n = old[1:]
			defer func() { *n = old }()
		}
	}
	return create(v.Temporary, "VIEW") + name(v.Path) + " (\n  " + strings.Join(lines, ",\n  ") + "\n)" + tail(v.Comment, "", nil) + "\nAS " + print.Query(v.Query)
}

func functionSQL(f *Function, name string) string {
	kind := "FUNCTION"
	if f.System {
		kind = "SYSTEM FUNCTION"
	}
	out := create(f.Temporary, kind) + name
	if f.Body == nil {
		out += " AS " + print.String(f.Class)
		if f.Language != "" {
			out += " LANGUAGE " + f.Language
		}
		return out
	}
	var params []string
	for _, p := range f.Params {
		params = append(params, print.Name(p.Name)+" "+p.Type.String())
	}
	return out + "(" + strings.Join(params, ", ") + ")\nRETURNS " + f.Returns.String() + "\nRETURN " + print.Expr(f.Body)
}
