package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// statementRule reads the statements that begin with one keyword.
type statementRule struct {
	word string
	read func(*parser) ast.Statement
}

// statementRules are in the order in which a message names them.
var statementRules []statementRule

// statementRule by its keyword.
var statementByWord = map[string]func(*parser) ast.Statement{}

func init() {
	query := func(p *parser) ast.Statement { return p.query() }
	statementRules = []statementRule{
		{"SELECT", query},
		{"INSERT", func(p *parser) ast.Statement { return p.insert() }},
		{"CREATE", (*parser).create},
		{"ALTER", (*parser).alter},
		{"DROP", (*parser).drop},
		{"SHOW", (*parser).show},
		{"DESCRIBE", (*parser).describe},
		{"EXPLAIN", (*parser).explain},
		{"SET", (*parser).set},
		{"WITH", query},
		{"VALUES", query},
		{"TABLE", query},
		{"DESC", (*parser).describe},
		{"USE", (*parser).use},
		{"RESET", (*parser).resetOption},
		{"EXECUTE", (*parser).execute},
		{"BEGIN", (*parser).interactiveSet},
		{"COMPILE", (*parser).compilePlan},
		{"UPDATE", (*parser).update},
		{"DELETE", (*parser).deleteFrom},
		{"TRUNCATE", (*parser).truncate},
		{"REPLACE", (*parser).replaceTable},
		{"ANALYZE", (*parser).analyze},
		{"CALL", (*parser).callProcedure},
		{"LOAD", (*parser).loadModule},
		{"UNLOAD", (*parser).unloadModule},
		{"ADD", (*parser).jar},
		{"REMOVE", (*parser).jar},
		{"STOP", (*parser).stopJob},
		{"QUIT", (*parser).client},
		{"EXIT", (*parser).client},
		{"CLEAR", (*parser).client},
		{"HELP", (*parser).client},
		{"SOURCE", (*parser).client},
	}
	for _, r := range statementRules {
		statementByWord[r.word] = r.read
	}
}

// statement reads one statement, up to its semicolon, and sets its Source.
func (p *parser) statement() ast.Statement {
	start := p.i
	if !p.enter() {
		return &ast.Query{}
	}
	defer p.leave()
	p.params = 0
	p.tableLinks = 0
	t := p.tok()
	var s ast.Statement
	if read := statementByWord[t.up]; t.kind == tWord && read != nil {
		s = read(p)
	} else if t.isPunct("(") {
		s = p.query()
	} else {
		for _, r := range statementRules {
			p.guess(r.word)
		}
		p.fail("a statement")
		return &ast.Query{}
	}
	s.SetSource(p.source(start))
	return s
}
