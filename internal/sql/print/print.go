// Package print writes syntax trees as SQL text.
//
// The text is canonical: keywords in upper case, every identifier in
// back-ticks as Flink's SHOW CREATE has it, only the parentheses that
// precedence needs, one line, except that DDL and statement sets put a column,
// option or statement on each line. Reading the text gives the same tree but
// for positions: parse(print(t)) = t for every t that parse returned.
package print

import (
	"strconv"
	"strings"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// Statement returns the text of a statement, without a semicolon.
func Statement(s ast.Statement) string {
	var p printer
	p.statement(s)
	return p.String()
}

// Query returns the text of a query.
func Query(q *ast.Query) string {
	var p printer
	p.query(q)
	return p.String()
}

// Expr returns the text of an expression.
func Expr(x ast.Expr) string {
	var p printer
	p.expr(x, 0)
	return p.String()
}

// Type returns the text of a data type.
func Type(t *ast.TypeName) string {
	var p printer
	p.typeName(t)
	return p.String()
}

// Path returns a path with each part in back-ticks.
func Path(path ast.Path) string {
	var p printer
	p.path(path)
	return p.String()
}

// Name returns an identifier in back-ticks.
func Name(text string) string {
	return "`" + strings.ReplaceAll(text, "`", "``") + "`"
}

// String returns a string literal.
func String(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// printer collects the text.
type printer struct {
	strings.Builder
}

// put writes words as they are.
func (p *printer) put(words ...string) {
	for _, w := range words {
		p.WriteString(w)
	}
}

// when writes s if cond holds.
func (p *printer) when(cond bool, s string) {
	if cond {
		p.WriteString(s)
	}
}

func (p *printer) int(n int) { p.WriteString(strconv.Itoa(n)) }

func (p *printer) name(n ast.Name) { p.WriteString(Name(n.Text)) }

func (p *printer) str(s string) { p.WriteString(String(s)) }

func (p *printer) path(path ast.Path) {
	for i, n := range path {
		p.when(i > 0, ".")
		p.name(n)
	}
}

// list writes items separated by sep.
func list[T any](p *printer, items []T, sep string, item func(T)) {
	for i, it := range items {
		p.when(i > 0, sep)
		item(it)
	}
}

// parens writes items in parentheses.
func parens[T any](p *printer, items []T, item func(T)) {
	p.put("(")
	list(p, items, ", ", item)
	p.put(")")
}

func (p *printer) names(names []ast.Name) { parens(p, names, p.name) }

// alias writes AS name when there is one.
func (p *printer) alias(n ast.Name) {
	if n.Text != "" {
		p.put(" AS ")
		p.name(n)
	}
}

func (p *printer) comment(s *string) {
	if s != nil {
		p.put(" COMMENT ")
		p.str(*s)
	}
}

func (p *printer) option(o ast.Option) {
	p.str(o.Key)
	p.put(" = ")
	p.str(o.Value)
}

// options writes (k = v, …).
func (p *printer) options(o []ast.Option) { parens(p, o, p.option) }

// with writes WITH (…) when there are options.
func (p *printer) with(o []ast.Option) {
	if len(o) > 0 {
		p.put(" WITH ")
		p.options(o)
	}
}

// hints writes /*+ … */ with a blank before it when there are hints.
func (p *printer) hints(hints []ast.Hint) {
	if len(hints) == 0 {
		return
	}
	p.put(" /*+ ")
	list(p, hints, ", ", p.hint)
	p.put(" */")
}

func (p *printer) hint(h ast.Hint) {
	p.put(h.Name)
	if len(h.Args)+len(h.Options) == 0 {
		return
	}
	p.put("(")
	list(p, h.Args, ", ", func(a string) {
		if isWord(a) {
			p.put(Name(a))
		} else {
			p.str(a)
		}
	})
	p.when(len(h.Args) > 0 && len(h.Options) > 0, ", ")
	list(p, h.Options, ", ", func(o ast.Option) {
		p.str(o.Key)
		p.put("=")
		p.str(o.Value)
	})
	p.put(")")
}

// isWord reports whether s is a plain ASCII identifier.
func isWord(s string) bool {
	for i, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
