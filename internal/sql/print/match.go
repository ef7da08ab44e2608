package print

import "github.com/millrace-io/millrace/internal/sql/ast"

func (p *printer) match(m *ast.MatchRecognize) {
	p.input(m.Input)
	p.put(" MATCH_RECOGNIZE (")
	if len(m.PartitionBy) > 0 {
		p.put("PARTITION BY ")
		list(p, m.PartitionBy, ", ", p.top)
		p.put(" ")
	}
	if len(m.OrderBy) > 0 {
		p.put("ORDER BY ")
		list(p, m.OrderBy, ", ", p.sortItem)
		p.put(" ")
	}
	if len(m.Measures) > 0 {
		p.put("MEASURES ")
		list(p, m.Measures, ", ", p.selectItem)
		p.put(" ")
	}
	p.when(m.OneRow, "ONE ROW PER MATCH ")
	p.when(m.AllRows, "ALL ROWS PER MATCH ")
	p.afterMatch(m.AfterMatch)
	p.put("PATTERN (")
	p.when(m.StrictStart, "^ ")
	p.pattern(m.Pattern)
	p.when(m.StrictEnd, " $")
	p.put(")")
	if m.Within != nil {
		p.put(" WITHIN ")
		p.top(m.Within)
	}
	if len(m.Subsets) > 0 {
		p.put(" SUBSET ")
		list(p, m.Subsets, ", ", func(s ast.PatternSubset) {
			p.name(s.Name)
			p.put(" = ")
			p.names(s.Of)
		})
	}
	p.put(" DEFINE ")
	list(p, m.Defines, ", ", func(d ast.PatternDefine) {
		p.name(d.Name)
		p.put(" AS ")
		p.top(d.Cond)
	})
	p.put(")")
	p.tableAlias(m.Alias)
}

func (p *printer) afterMatch(a *ast.AfterMatch) {
	if a == nil {
		return
	}
	p.put("AFTER MATCH SKIP ")
	switch a.Skip {
	case ast.SkipPastLastRow:
		p.put("PAST LAST ROW ")
	case ast.SkipToNextRow:
		p.put("TO NEXT ROW ")
	case ast.SkipToFirst:
		p.put("TO FIRST ", Name(a.Symbol.Text), " ")
	case ast.SkipToLast:
		p.put("TO LAST ", Name(a.Symbol.Text), " ")
	}
}

func (p *printer) pattern(x ast.Pattern) {
	switch x := x.(type) {
	case *ast.PatternVar:
		p.name(x.Name)
	case *ast.PatternAlt:
		list(p, x.Items, " | ", func(it ast.Pattern) {
			_, alt := it.(*ast.PatternAlt)
			p.patternInParens(it, alt)
		})
	case *ast.PatternSeq:
		list(p, x.Items, " ", func(it ast.Pattern) { p.patternInParens(it, compound(it)) })
	case *ast.PatternRepeat:
		_, twice := x.Item.(*ast.PatternRepeat)
		p.patternInParens(x.Item, twice || compound(x.Item))
		p.repetition(x)
	case *ast.PatternExclude:
		p.put("{- ")
		p.pattern(x.Item)
		p.put(" -}")
	case *ast.PatternPermute:
		p.put("PERMUTE")
		parens(p, x.Items, p.pattern)
	}
}

// compound reports whether x is a sequence or alternation.
func compound(x ast.Pattern) bool {
	switch x.(type) {
	case *ast.PatternSeq, *ast.PatternAlt:
		return true
	}
	return false
}

func (p *printer) patternInParens(x ast.Pattern, yes bool) {
	p.when(yes, "(")
	p.pattern(x)
	p.when(yes, ")")
}

func (p *printer) repetition(x *ast.PatternRepeat) {
	switch {
	case x.Min == 0 && x.Max == -1:
		p.put("*")
	case x.Min == 1 && x.Max == -1:
		p.put("+")
	case x.Min == 0 && x.Max == 1:
		p.put("?")
	default:
		p.put("{")
		p.int(x.Min)
		if x.Max != x.Min {
			p.put(",")
			if x.Max >= 0 {
				p.int(x.Max)
			}
		}
		p.put("}")
	}
	p.when(x.Reluctant, "?")
}
