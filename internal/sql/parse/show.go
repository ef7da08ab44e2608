package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// showRule is one kind of SHOW: its words and what may follow them.
type showRule struct {
	words []string
	kind  ast.ShowKind
	in    bool // FROM or IN path
	like  bool
}

var showRules = []showRule{
	{[]string{"TABLES"}, ast.ShowTables, true, true},
	{[]string{"CATALOGS"}, ast.ShowCatalogs, false, true},
	{[]string{"DATABASES"}, ast.ShowDatabases, true, true},
	{[]string{"VIEWS"}, ast.ShowViews, true, true},
	{[]string{"FUNCTIONS"}, ast.ShowFunctions, true, true},
	{[]string{"USER", "FUNCTIONS"}, ast.ShowUserFunctions, true, true},
	{[]string{"COLUMNS"}, ast.ShowColumns, true, true},
	{[]string{"MODELS"}, ast.ShowModels, true, true},
	{[]string{"JOBS"}, ast.ShowJobs, false, false},
	{[]string{"MODULES"}, ast.ShowModules, false, false},
	{[]string{"FULL", "MODULES"}, ast.ShowFullModules, false, false},
	{[]string{"JARS"}, ast.ShowJars, false, false},
	{[]string{"PROCEDURES"}, ast.ShowProcedures, true, true},
	{[]string{"CONNECTIONS"}, ast.ShowConnections, true, true},
	{[]string{"MATERIALIZED", "TABLES"}, ast.ShowMaterializedTables, true, true},
	{[]string{"CURRENT", "CATALOG"}, ast.ShowCurrentCatalog, false, false},
	{[]string{"CURRENT", "DATABASE"}, ast.ShowCurrentDatabase, false, false},
}

func (p *parser) show() ast.Statement {
	p.expect("SHOW")
	if p.accept("CREATE") {
		return &ast.ShowCreate{Object: p.object(), Name: p.path()}
	}
	if p.accept("PARTITIONS") {
		s := &ast.Show{Kind: ast.ShowPartitions, In: p.path()}
		if p.accept("PARTITION") {
			s.Partition = p.partitionValues()
		}
		return s
	}
	for _, r := range showRules {
		if p.accept(r.words...) {
			return p.showRest(r)
		}
	}
	p.fail()
	return &ast.Show{}
}

// showRest reads [FROM|IN path] [[NOT] LIKE|ILIKE 'pattern'].
func (p *parser) showRest(r showRule) ast.Statement {
	s := &ast.Show{Kind: r.kind}
	if r.in && p.oneOf("FROM", "IN") != "" {
		s.In = p.path()
	} else if r.kind == ast.ShowColumns {
		p.fail()
	}
	if !r.like {
		return s
	}
	pos := p.pos()
	not := p.accept("NOT")
	switch p.oneOf("LIKE", "ILIKE") {
	case "LIKE":
		s.Like = &ast.ShowLike{Pos: pos, Not: not}
	case "ILIKE":
		s.Like = &ast.ShowLike{Pos: pos, Not: not, ILike: true}
	default:
		if not {
			p.fail()
		}
		return s
	}
	s.Like.Pattern = p.str()
	return s
}
