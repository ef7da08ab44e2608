package parse

import (
	"slices"
	"strings"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// stringLiteral reads a string, and those that go on with it on later lines.
func (p *parser) stringLiteral() ast.Expr {
	x := &ast.Literal{Pos: p.pos(), Kind: ast.LitString}
	line := x.Line
	x.Text = p.str()
	for p.tok().kind == tString && p.pos().Line > line && p.err == nil {
		line = p.pos().Line
		x.Text += p.str()
	}
	return x
}

// timeLiteral reads DATE '…', TIME '…', TIMESTAMP '…' and TIMESTAMP WITH
// LOCAL TIME ZONE '…'; nil when no string follows.
func (p *parser) timeLiteral(k ast.LiteralKind) ast.Expr {
	pos := p.pos()
	n := 1
	switch {
	case k != ast.LitTimestamp || p.ahead(1).kind == tString:
	case p.ahead(1).isWord("WITH") && p.ahead(2).isWord("LOCAL"):
		n, k = 5, ast.LitTimestampLTZ
	case p.ahead(1).isWord("WITHOUT"):
		n = 4
	}
	if p.ahead(n).kind != tString {
		return nil
	}
	p.i += n
	return &ast.Literal{Pos: pos, Kind: k, Text: p.take().text}
}

// interval reads INTERVAL [-] '1' DAY TO SECOND, or INTERVAL expr DAY.
func (p *parser) interval() ast.Expr {
	x := &ast.Interval{Pos: p.take().pos}
	if p.tok().isPunct("-") && p.ahead(1).kind == tString {
		p.i++
		x.Negative = true
	} else if p.tok().isPunct("+") && p.ahead(1).kind == tString {
		p.i++
	}
	if t := p.tok(); t.kind == tString || t.kind == tUnicode {
		x.Text = p.str()
	} else {
		p.note(wantString)
		x.X = p.binary(precUnary)
	}
	x.Range = p.intervalRange()
	return x
}

// unitNames are the units of an interval by their words.
var unitNames = map[string]ast.TimeUnit{
	"YEAR": ast.Year, "YEARS": ast.Year, "QUARTER": ast.Quarter, "QUARTERS": ast.Quarter,
	"MONTH": ast.Month, "MONTHS": ast.Month, "WEEK": ast.Week, "WEEKS": ast.Week,
	"DAY": ast.Day, "DAYS": ast.Day, "HOUR": ast.Hour, "HOURS": ast.Hour,
	"MINUTE": ast.Minute, "MINUTES": ast.Minute, "SECOND": ast.Second, "SECONDS": ast.Second,
	"MILLISECOND": ast.Millisecond, "MICROSECOND": ast.Microsecond, "NANOSECOND": ast.Nanosecond,
}

// ranges are the units that may stand behind TO.
var ranges = map[ast.TimeUnit][]ast.TimeUnit{
	ast.Year: {ast.Month}, ast.Day: {ast.Hour, ast.Minute, ast.Second}, ast.Hour: {ast.Minute, ast.Second}, ast.Minute: {ast.Second},
}

// unit reads a unit of an interval.
func (p *parser) unit() ast.TimeUnit {
	u := unitNames[p.tok().up]
	if u == "" || p.tok().kind != tWord {
		p.note("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
		p.guess("QUARTER", "WEEK")
		p.fail()
		return ast.Day
	}
	p.i++
	return u
}

// intervalRange reads DAY(3) TO SECOND(6).
func (p *parser) intervalRange() ast.IntervalRange {
	r := ast.IntervalRange{Pos: p.pos(), FromPrecision: -1, FractPrecision: -1}
	r.From = p.unit()
	if p.acceptOp("(") {
		r.FromPrecision = p.whole()
		if r.From == ast.Second && p.acceptOp(",") {
			r.FractPrecision = p.whole()
		}
		p.expectOp(")")
	}
	if !p.tok().isWord("TO") || unitNames[p.ahead(1).up] == "" {
		return r
	}
	p.i++
	to := p.tok()
	if r.To = p.unit(); !slices.Contains(ranges[r.From], r.To) {
		p.failAt(to, "no interval goes from "+string(r.From)+" to "+string(r.To)+": the unit behind TO is the smaller one, of the same kind (YEAR TO MONTH, DAY TO SECOND)")
	}
	if r.To == ast.Second && p.acceptOp("(") {
		r.FractPrecision = p.whole()
		p.expectOp(")")
	}
	return r
}

// symbol reads a word as an argument: a unit in singular, or any other name of
// one (DOW, EPOCH …).
func (p *parser) symbol() ast.Expr {
	t := p.tok()
	if t.kind != tWord || structural[t.up] {
		p.fail("a time unit")
		return noExpr()
	}
	p.i++
	s := &ast.Symbol{Pos: t.pos, Text: strings.TrimPrefix(t.up, "SQL_TSI_")}
	if u := unitNames[s.Text]; u != "" {
		s.Text = string(u)
	}
	return s
}
