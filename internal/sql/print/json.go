package print

import (
	"strings"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// json writes the clauses of a JSON function.
func (p *printer) json(j *ast.JSONClauses) {
	if j.Returning != nil {
		p.put(" RETURNING ")
		p.typeName(j.Returning)
	}
	p.put([...]string{
		ast.JSONWrapperUnset: "", ast.JSONWithoutWrapper: " WITHOUT ARRAY WRAPPER",
		ast.JSONWithWrapper:            " WITH UNCONDITIONAL ARRAY WRAPPER",
		ast.JSONWithConditionalWrapper: " WITH CONDITIONAL ARRAY WRAPPER",
	}[j.Wrapper])
	p.put([...]string{
		ast.JSONQuotesUnset: "", ast.JSONKeepQuotes: " KEEP QUOTES", ast.JSONOmitQuotes: " OMIT QUOTES",
	}[j.Quotes])
	p.behavior(j.OnEmpty, " ON EMPTY")
	p.behavior(j.OnError, " ON ERROR")
	p.put([...]string{
		ast.JSONNullUnset: "", ast.JSONNullOnNull: " NULL ON NULL", ast.JSONAbsentOnNull: " ABSENT ON NULL",
	}[j.OnNull])
}

func (p *printer) behavior(b *ast.JSONBehavior, on string) {
	if b == nil {
		return
	}
	if b.Kind == ast.JSONDefault {
		p.put(" DEFAULT ")
		p.top(b.Default)
	} else {
		p.put([...]string{
			ast.JSONNull: " NULL", ast.JSONError: " ERROR", ast.JSONEmptyArray: " EMPTY ARRAY",
			ast.JSONEmptyObject: " EMPTY OBJECT", ast.JSONTrue: " TRUE", ast.JSONFalse: " FALSE",
			ast.JSONUnknown: " UNKNOWN",
		}[b.Kind])
	}
	p.put(on)
}

func upper(s string) string { return strings.ToUpper(s) }
