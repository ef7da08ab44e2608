package print

import "github.com/millrace-io/millrace/internal/sql/ast"

func (p *printer) createTable(c *ast.CreateTable) {
	switch {
	case c.Replace:
		p.put("REPLACE TABLE ")
	default:
		p.put("CREATE ")
		p.when(c.OrReplace, "OR REPLACE ")
		p.when(c.Temporary, "TEMPORARY ")
		p.put("TABLE ")
		p.when(c.IfNotExists, "IF NOT EXISTS ")
	}
	p.path(c.Name)
	p.schemaLines(&c.Schema)
	p.tableTail(c.Comment, c.Distributed, c.PartitionBy, c.Options)
	if c.Like != nil {
		p.put("\nLIKE ")
		p.tableLike(c.Like)
	}
	if c.As != nil {
		p.put("\nAS ")
		p.query(c.As)
	}
}

// schemaLines writes the parentheses with an element a line, or nothing for
// an empty schema.
func (p *printer) schemaLines(s *ast.Schema) {
	if len(s.Columns)+len(s.Watermarks)+len(s.Constraints) == 0 {
		return
	}
	p.put(" (\n  ")
	p.schema(s, ",\n  ")
	p.put("\n)")
}

// schema writes the elements of a schema separated by sep.
func (p *printer) schema(s *ast.Schema, sep string) {
	list(p, s.Columns, sep, p.column)
	p.when(len(s.Columns) > 0 && len(s.Watermarks) > 0, sep)
	list(p, s.Watermarks, sep, func(w ast.Watermark) {
		p.put("WATERMARK FOR ")
		p.path(w.Column)
		p.put(" AS ")
		p.top(w.Expr)
	})
	p.when(len(s.Columns)+len(s.Watermarks) > 0 && len(s.Constraints) > 0, sep)
	list(p, s.Constraints, sep, func(c ast.Constraint) { p.constraint(&c) })
}

func (p *printer) column(c ast.Column) {
	p.path(c.Name)
	switch c.Kind {
	case ast.ColName:
		return
	case ast.ColComputed:
		p.put(" AS ")
		p.top(c.Expr)
	default:
		p.put(" ")
		p.typeName(c.Type)
	}
	if c.Kind == ast.ColMetadata {
		p.put(" METADATA")
		if c.MetadataKey != nil {
			p.put(" FROM ", String(*c.MetadataKey))
		}
		p.when(c.Virtual, " VIRTUAL")
	}
	if c.Constraint != nil {
		p.put(" ")
		p.constraint(c.Constraint)
	}
	p.comment(c.Comment)
	p.when(c.First, " FIRST")
	if len(c.After) > 0 {
		p.put(" AFTER ")
		p.path(c.After)
	}
}

func (p *printer) constraint(c *ast.Constraint) {
	if c.Name.Text != "" {
		p.put("CONSTRAINT ")
		p.name(c.Name)
		p.put(" ")
	}
	if c.Unique {
		p.put("UNIQUE")
	} else {
		p.put("PRIMARY KEY")
	}
	if len(c.Columns) > 0 {
		p.put(" ")
		p.names(c.Columns)
	}
	p.put([...]string{ast.EnforcedUnset: "", ast.Enforced: " ENFORCED", ast.NotEnforced: " NOT ENFORCED"}[c.Enforced])
}

// tableTail writes the clauses behind a table's columns, each on its line.
func (p *printer) tableTail(comment *string, d *ast.Distribution, by []ast.Name, o []ast.Option) {
	if comment != nil {
		p.put("\nCOMMENT ", String(*comment))
	}
	if d != nil {
		p.put("\nDISTRIBUTED ")
		p.distribution(d)
	}
	if len(by) > 0 {
		p.put("\nPARTITIONED BY ")
		p.names(by)
	}
	if len(o) > 0 {
		p.put("\nWITH (\n  ")
		list(p, o, ",\n  ", p.option)
		p.put("\n)")
	}
}

// distribution writes BY HASH (…) INTO n BUCKETS.
func (p *printer) distribution(d *ast.Distribution) {
	if len(d.Columns) > 0 {
		p.put("BY ", d.Kind)
		p.names(d.Columns)
	}
	if d.Buckets > 0 || len(d.Columns) == 0 {
		p.when(len(d.Columns) > 0, " ")
		p.put("INTO ")
		p.int(d.Buckets)
		p.put(" BUCKETS")
	}
}

var likeModes = [...]string{ast.Including: "INCLUDING ", ast.Excluding: "EXCLUDING ", ast.Overwriting: "OVERWRITING "}

func (p *printer) tableLike(l *ast.TableLike) {
	p.path(l.Table)
	if len(l.Options) == 0 {
		return
	}
	p.put(" (\n  ")
	list(p, l.Options, "\n  ", func(o ast.LikeOption) { p.put(likeModes[o.Mode], o.What) })
	p.put("\n)")
}

func (p *printer) createMaterialized(c *ast.CreateMaterializedTable) {
	p.put("CREATE ")
	p.when(c.OrAlter, "OR ALTER ")
	p.when(c.OrReplace, "OR REPLACE ")
	p.put("MATERIALIZED TABLE ")
	p.when(c.IfNotExists, "IF NOT EXISTS ")
	p.path(c.Name)
	p.schemaLines(&c.Schema)
	p.tableTail(c.Comment, c.Distributed, c.PartitionBy, c.Options)
	if c.Freshness != nil {
		p.put("\nFRESHNESS = ")
		p.top(c.Freshness)
	}
	p.when(c.RefreshMode != "", "\nREFRESH_MODE = "+c.RefreshMode)
	if c.StartMode != nil {
		p.put("\nSTART_MODE = ", c.StartMode.Mode)
		if c.StartMode.Arg != nil {
			p.put("(")
			p.top(c.StartMode.Arg)
			p.put(")")
		}
	}
	p.put("\nAS ")
	p.query(c.As)
}

func (p *printer) createView(v *ast.CreateView) {
	p.put("CREATE ")
	p.when(v.OrReplace, "OR REPLACE ")
	p.when(v.Temporary, "TEMPORARY ")
	p.put("VIEW ")
	p.when(v.IfNotExists, "IF NOT EXISTS ")
	p.path(v.Name)
	if len(v.Columns) > 0 {
		p.put(" (\n  ")
		list(p, v.Columns, ",\n  ", func(c ast.ViewColumn) {
			p.name(c.Name)
			p.comment(c.Comment)
		})
		p.put("\n)")
	}
	if v.Comment != nil {
		p.put("\nCOMMENT ", String(*v.Comment))
	}
	p.put("\nAS ")
	p.query(v.As)
}

func (p *printer) createFunction(f *ast.CreateFunction) {
	p.put("CREATE ")
	p.when(f.OrReplace, "OR REPLACE ")
	p.when(f.Temporary, "TEMPORARY ")
	p.when(f.System, "SYSTEM ")
	p.put("FUNCTION ")
	p.when(f.IfNotExists, "IF NOT EXISTS ")
	p.path(f.Name)
	if f.Returns != nil {
		parens(p, f.Params, func(x ast.FuncParam) {
			p.name(x.Name)
			p.put(" ")
			p.typeName(x.Type)
		})
		p.put(" RETURNS ")
		p.typeName(f.Returns)
		p.language(f.Language)
		p.put(" RETURN ")
		p.top(f.Body)
		return
	}
	p.put(" AS ", String(f.Class))
	p.language(f.Language)
	if len(f.Using) > 0 {
		p.put(" USING ")
		list(p, f.Using, ", ", func(r ast.Resource) { p.put(r.Kind, " ", String(r.Path)) })
	}
	p.with(f.Options)
}

func (p *printer) language(l string) {
	p.when(l != "", " LANGUAGE "+l)
}

func (p *printer) createModel(c *ast.CreateModel) {
	p.put("CREATE ")
	p.when(c.Temporary, "TEMPORARY ")
	p.put("MODEL ")
	p.when(c.IfNotExists, "IF NOT EXISTS ")
	p.path(c.Name)
	if len(c.Input) > 0 {
		p.put("\nINPUT ")
		parens(p, c.Input, p.column)
	}
	if len(c.Output) > 0 {
		p.put("\nOUTPUT ")
		parens(p, c.Output, p.column)
	}
	p.tableTail(c.Comment, nil, nil, c.Options)
	if c.As != nil {
		p.put("\nAS ")
		p.query(c.As)
	}
}

// createNamed writes CREATE of an object that has only a comment and options.
func (p *printer) createNamed(kind string, ifNotExists bool, name ast.Path, comment *string, o []ast.Option) {
	p.put("CREATE ", kind, " ")
	p.when(ifNotExists, "IF NOT EXISTS ")
	p.path(name)
	p.tableTail(comment, nil, nil, o)
}
