package print

import "github.com/millrace-io/millrace/internal/sql/ast"

func (p *printer) typeName(t *ast.TypeName) {
	switch t.Name {
	case "":
		p.path(t.Path)
	case "TIMESTAMP_LTZ", "TIMESTAMP_TZ":
		p.put("TIMESTAMP")
		p.typeArgs(t.Args)
		p.when(t.Name == "TIMESTAMP_LTZ", " WITH LOCAL TIME ZONE")
		p.when(t.Name == "TIMESTAMP_TZ", " WITH TIME ZONE")
	case "INTERVAL":
		p.put("INTERVAL ")
		p.intervalRange(t.Interval)
	case "ARRAY", "MULTISET":
		p.put(t.Name, "<")
		p.typeName(t.Elem)
		p.put(">")
	case "MAP":
		p.put("MAP<")
		p.typeName(t.Key)
		p.put(", ")
		p.typeName(t.Elem)
		p.put(">")
	case "ROW":
		p.put("ROW<")
		list(p, t.Fields, ", ", p.rowField)
		p.put(">")
	case "STRUCTURED":
		p.put("STRUCTURED<", String(t.Class))
		for _, f := range t.Fields {
			p.put(", ")
			p.rowField(f)
		}
		p.put(">")
	case "RAW":
		p.put("RAW(", String(t.Class), ", ", String(t.Snapshot), ")")
	default:
		p.put(t.Name)
		p.typeArgs(t.Args)
	}
	p.put([...]string{ast.NullUnset: "", ast.NotNull: " NOT NULL", ast.Nullable: " NULL"}[t.Nulls])
}

func (p *printer) typeArgs(args []int) {
	if len(args) > 0 {
		parens(p, args, p.int)
	}
}

func (p *printer) rowField(f ast.RowField) {
	p.name(f.Name)
	p.put(" ")
	p.typeName(f.Type)
	if f.Comment != nil {
		p.put(" ", String(*f.Comment))
	}
}
