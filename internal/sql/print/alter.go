package print

import "github.com/millrace-io/millrace/internal/sql/ast"

func (p *printer) alter(a *ast.Alter) {
	p.put("ALTER ")
	p.when(a.Temporary, "TEMPORARY ")
	p.when(a.System, "SYSTEM ")
	p.put(a.Object.String(), " ")
	p.when(a.IfExists, "IF EXISTS ")
	p.path(a.Name)
	p.put(" ")
	p.alterAction(a.Action)
}

func (p *printer) alterAction(a ast.AlterAction) {
	switch a := a.(type) {
	case *ast.RenameTo:
		p.put("RENAME TO ")
		p.path(a.To)
	case *ast.SetOptions:
		p.put("SET ")
		p.options(a.Options)
	case *ast.ResetOptions:
		p.put("RESET ")
		parens(p, a.Keys, p.str)
	case *ast.SetComment:
		p.put("COMMENT ", String(a.Comment))
	case *ast.SetQuery:
		p.put("AS ")
		p.query(a.Query)
	case *ast.SetFunction:
		p.put("AS ", String(a.Class))
		p.language(a.Language)
	case *ast.SetFreshness:
		p.put("SET FRESHNESS = ")
		p.top(a.Freshness)
	case *ast.SetRefreshMode:
		p.put("SET REFRESH_MODE = ", a.Mode)
	case *ast.Suspend:
		p.put("SUSPEND")
	case *ast.Resume:
		p.put("RESUME")
		p.with(a.Options)
	case *ast.Refresh:
		p.put("REFRESH")
		if a.Partition != nil {
			p.put(" ")
			p.partition(*a.Partition)
		}
	default:
		p.alterSchema(a)
	}
}

// alterSchema writes the actions on columns, partitions and distribution.
func (p *printer) alterSchema(a ast.AlterAction) {
	switch a := a.(type) {
	case *ast.AddSchema:
		p.put("ADD (")
		p.schema(&a.Schema, ", ")
		p.put(")")
	case *ast.ModifySchema:
		p.put("MODIFY (")
		p.schema(&a.Schema, ", ")
		p.put(")")
	case *ast.RenameColumn:
		p.put("RENAME ")
		p.path(a.From)
		p.put(" TO ")
		p.path(a.To)
	case *ast.DropColumns:
		p.put("DROP ")
		parens(p, a.Columns, p.path)
	case *ast.DropPrimaryKey:
		p.put("DROP PRIMARY KEY")
	case *ast.DropConstraint:
		p.put("DROP CONSTRAINT ")
		p.name(a.Name)
	case *ast.DropWatermark:
		p.put("DROP WATERMARK")
	case *ast.DropDistribution:
		p.put("DROP DISTRIBUTION")
	case *ast.AddDistribution:
		p.put("ADD DISTRIBUTION ")
		p.distribution(a.Distribution)
	case *ast.ModifyDistribution:
		p.put("MODIFY DISTRIBUTION ")
		p.distribution(a.Distribution)
	case *ast.AddPartitions:
		p.put("ADD ")
		p.when(a.IfNotExists, "IF NOT EXISTS ")
		list(p, a.Partitions, " ", p.partition)
	case *ast.DropPartitions:
		p.put("DROP ")
		p.when(a.IfExists, "IF EXISTS ")
		list(p, a.Partitions, ", ", p.partition)
	}
}

// partition writes PARTITION (…) with its options.
func (p *printer) partition(s ast.PartitionSpec) {
	p.partitionValues(s.Values)
	p.with(s.Options)
}

func (p *printer) partitionValues(v []ast.PartitionValue) {
	p.put("PARTITION ")
	parens(p, v, func(v ast.PartitionValue) {
		p.name(v.Column)
		if v.Value != nil {
			p.put(" = ")
			p.top(v.Value)
		}
	})
}
