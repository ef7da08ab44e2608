package print

import (
	"strings"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// statement writes any statement.
func (p *printer) statement(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Query:
		p.query(s)
	case *ast.CreateTable:
		p.createTable(s)
	case *ast.CreateMaterializedTable:
		p.createMaterialized(s)
	case *ast.CreateView:
		p.createView(s)
	case *ast.CreateFunction:
		p.createFunction(s)
	case *ast.CreateModel:
		p.createModel(s)
	case *ast.CreateCatalog:
		p.createNamed("CATALOG", s.IfNotExists, ast.Path{s.Name}, s.Comment, s.Options)
	case *ast.CreateDatabase:
		p.createNamed("DATABASE", s.IfNotExists, s.Name, s.Comment, s.Options)
	case *ast.CreateConnection:
		kind := "CONNECTION"
		if s.System {
			kind = "SYSTEM " + kind
		}
		if s.Temporary {
			kind = "TEMPORARY " + kind
		}
		p.createNamed(kind, s.IfNotExists, s.Name, s.Comment, s.Options)
	case *ast.Alter:
		p.alter(s)
	case *ast.Drop:
		p.drop(s)
	case *ast.Show, *ast.ShowCreate, *ast.Describe, *ast.Use, *ast.UseModules:
		p.catalogStatement(s)
	case *ast.Insert, *ast.Update, *ast.Delete, *ast.Truncate, *ast.Analyze:
		p.dml(s)
	case *ast.StatementSet, *ast.Execute, *ast.CompilePlan, *ast.ExecutePlan, *ast.Explain:
		p.planStatement(s)
	default:
		p.session(s)
	}
}

func (p *printer) drop(d *ast.Drop) {
	p.put("DROP ")
	p.when(d.Temporary, "TEMPORARY ")
	p.when(d.System, "SYSTEM ")
	p.put(d.Object.String(), " ")
	p.when(d.IfExists, "IF EXISTS ")
	p.path(d.Name)
	p.put([...]string{ast.DropUnset: "", ast.Cascade: " CASCADE", ast.Restrict: " RESTRICT"}[d.Behavior])
}

// catalogStatement writes the statements that look into the catalog.
func (p *printer) catalogStatement(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Show:
		p.show(s)
	case *ast.ShowCreate:
		p.put("SHOW CREATE ", s.Object.String(), " ")
		p.path(s.Name)
	case *ast.Describe:
		p.put("DESCRIBE ")
		if s.Object == ast.ObjJob {
			p.put("JOB ", String(s.ID))
			return
		}
		p.when(s.Object != ast.ObjTable, s.Object.String()+" ")
		p.when(s.Extended, "EXTENDED ")
		p.path(s.Name)
	case *ast.Use:
		p.put("USE ")
		p.when(s.Object == ast.ObjCatalog, "CATALOG ")
		p.path(s.Name)
	case *ast.UseModules:
		p.put("USE MODULES ")
		list(p, s.Names, ", ", p.name)
	}
}

func (p *printer) show(s *ast.Show) {
	p.put("SHOW ", s.Kind.String())
	if len(s.In) > 0 {
		p.when(s.Kind != ast.ShowPartitions, " FROM")
		p.put(" ")
		p.path(s.In)
	}
	if len(s.Partition) > 0 {
		p.put(" ")
		p.partitionValues(s.Partition)
	}
	if s.Like == nil {
		return
	}
	p.when(s.Like.Not, " NOT")
	if s.Like.ILike {
		p.put(" ILIKE ")
	} else {
		p.put(" LIKE ")
	}
	p.str(s.Like.Pattern)
}

// session writes the statements about settings, modules, jobs and the client.
func (p *printer) session(s ast.Statement) {
	switch s := s.(type) {
	case *ast.Set:
		p.put("SET")
		if !s.All {
			p.put(" ", String(s.Key), " = ", String(s.Value))
		}
	case *ast.Reset:
		p.put("RESET")
		p.when(!s.All, " "+String(s.Key))
	case *ast.LoadModule:
		p.put("LOAD MODULE ")
		p.name(s.Name)
		p.with(s.Options)
	case *ast.UnloadModule:
		p.put("UNLOAD MODULE ")
		p.name(s.Name)
	case *ast.Jar:
		if s.Remove {
			p.put("REMOVE JAR ", String(s.Path))
		} else {
			p.put("ADD JAR ", String(s.Path))
		}
	case *ast.StopJob:
		p.put("STOP JOB ", String(s.ID))
		p.when(s.Savepoint, " WITH SAVEPOINT")
		p.when(s.Drain, " WITH DRAIN")
	case *ast.CallProcedure:
		p.put("CALL ")
		p.plainCall(s.Call)
	case *ast.Client:
		p.put([...]string{
			ast.ClientQuit: "QUIT", ast.ClientClear: "CLEAR", ast.ClientHelp: "HELP", ast.ClientSource: "SOURCE ",
		}[s.Kind])
		p.when(s.Kind == ast.ClientSource, String(s.Arg))
	}
}

// planStatement writes the statements that hold others.
func (p *printer) planStatement(s ast.Statement) {
	switch s := s.(type) {
	case *ast.StatementSet:
		p.when(!s.Interactive, "EXECUTE ")
		p.statementSet(s)
	case *ast.Execute:
		p.put("EXECUTE ")
		p.statement(s.Statement)
	case *ast.ExecutePlan:
		p.put("EXECUTE PLAN ", String(s.Path))
	case *ast.CompilePlan:
		p.put("COMPILE ")
		p.when(s.AndExecute, "AND EXECUTE ")
		p.put("PLAN ", String(s.Path))
		p.when(s.IfNotExists, " IF NOT EXISTS")
		p.put(" FOR ")
		p.held(s.Statement)
	case *ast.Explain:
		p.put("EXPLAIN ")
		p.when(s.PlanFor, "PLAN FOR ")
		p.when(s.Analyze, "ANALYZE ")
		p.when(len(s.Details) > 0, strings.Join(s.Details, ", ")+" ")
		p.held(s.Statement)
	}
}

// held writes a statement inside of another, where a set has no EXECUTE.
func (p *printer) held(s ast.Statement) {
	if set, ok := s.(*ast.StatementSet); ok {
		p.statementSet(set)
		return
	}
	p.statement(s)
}

func (p *printer) statementSet(s *ast.StatementSet) {
	if s.Interactive {
		p.put("BEGIN STATEMENT SET;\n")
	} else {
		p.put("STATEMENT SET\nBEGIN\n")
	}
	for _, n := range s.Inserts {
		p.insert(n)
		p.put(";\n")
	}
	p.put("END")
}
