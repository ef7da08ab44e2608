package parse

import "github.com/millrace-io/millrace/internal/sql/ast"

// The levels of binding, from weak to strong, as Calcite has them
// (SqlStdOperatorTable). Binary operators of one level read from the left.
const (
	precMultisetUnion     = 14 // MULTISET UNION, EXCEPT
	precMultisetIntersect = 18
	precOr                = 22
	precAnd               = 24
	precNot               = 26
	precIs                = 28 // IS NULL …, behind its operand
	precCompare           = 30 // = < … ANY, IS DISTINCT FROM, OVERLAPS …, MEMBER OF
	precRange             = 32 // BETWEEN, IN, LIKE
	precAdd               = 40
	precMul               = 60 // also ||
	precUnary             = 80
)

// binaryOp is an operator between two expressions.
type binaryOp struct {
	op   ast.BinaryOp
	prec int
}

// punctOps are the operators written with signs.
var punctOps = map[string]binaryOp{
	"=":  {ast.OpEq, precCompare},
	"<>": {ast.OpNe, precCompare},
	"!=": {ast.OpNe, precCompare},
	"<":  {ast.OpLt, precCompare},
	"<=": {ast.OpLe, precCompare},
	">":  {ast.OpGt, precCompare},
	">=": {ast.OpGe, precCompare},
	"+":  {ast.OpAdd, precAdd},
	"-":  {ast.OpSub, precAdd},
	"*":  {ast.OpMul, precMul},
	"/":  {ast.OpDiv, precMul},
	"%":  {ast.OpMod, precMul},
	"||": {ast.OpConcat, precMul},
}

// wordOps are the operators written with one word.
var wordOps = map[string]binaryOp{
	"OR":       {ast.OpOr, precOr},
	"AND":      {ast.OpAnd, precAnd},
	"OVERLAPS": {ast.OpOverlaps, precCompare},
	"CONTAINS": {ast.OpContains, precCompare},
	"EQUALS":   {ast.OpPeriodEquals, precCompare},
	"PRECEDES": {ast.OpPrecedes, precCompare},
	"SUCCEEDS": {ast.OpSucceeds, precCompare},
}

// infix reads the operator behind x and what follows it. It returns nil, with
// nothing read, when none comes or it binds weaker than min.
func (p *parser) infix(x ast.Expr, min int) ast.Expr {
	t := p.tok()
	if t.kind == tPunct {
		o, ok := punctOps[t.text]
		if !ok || o.prec < min {
			return nil
		}
		p.i++
		if o.prec == precCompare {
			if q := p.quantified(x, o.op, t.pos); q != nil {
				return q
			}
		}
		return &ast.Binary{Pos: t.pos, Op: o.op, L: x, R: p.binary(o.prec + 1)}
	}
	p.guess("AND", "OR", "IS", "IN", "BETWEEN", "LIKE", "NOT")
	if t.kind != tWord {
		return nil
	}
	if o, ok := wordOps[t.up]; ok {
		if o.prec < min {
			return nil
		}
		p.i++
		return &ast.Binary{Pos: t.pos, Op: o.op, L: x, R: p.binary(o.prec + 1)}
	}
	return p.wordInfix(x, min)
}

// wordInfix is infix for the operators of several words.
func (p *parser) wordInfix(x ast.Expr, min int) ast.Expr {
	t := p.tok()
	switch t.up {
	case "IS":
		return p.isTest(x, min)
	case "NOT":
		if min <= precRange && rangeWords[p.ahead(1).up] && p.ahead(1).kind == tWord {
			p.i++
			return p.rangeOp(x, t.pos, true)
		}
	case "BETWEEN", "IN", "LIKE", "SIMILAR":
		if min <= precRange {
			return p.rangeOp(x, t.pos, false)
		}
	case "ILIKE", "RLIKE":
		// Not reserved: an alias when no expression follows.
		if min <= precRange && p.patternAhead() {
			return p.rangeOp(x, t.pos, false)
		}
	case "IMMEDIATELY":
		return p.immediately(x, min)
	case "MEMBER", "SUBMULTISET":
		if min <= precCompare {
			p.i++
			p.expect("OF")
			op := ast.OpMemberOf
			if t.up == "SUBMULTISET" {
				op = ast.OpSubmultisetOf
			}
			return &ast.Binary{Pos: t.pos, Op: op, L: x, R: p.binary(precCompare + 1)}
		}
	case "MULTISET":
		return p.multisetOp(x, min)
	}
	return nil
}

// patternAhead reports whether a pattern can begin at the next token.
func (p *parser) patternAhead() bool {
	p.i++
	ok := p.atExprStart()
	p.i--
	return ok
}

var rangeWords = wordSet("BETWEEN IN LIKE SIMILAR ILIKE RLIKE")

// rangeOp reads [NOT] BETWEEN, IN, LIKE, SIMILAR TO; NOT has been read.
func (p *parser) rangeOp(x ast.Expr, pos ast.Pos, not bool) ast.Expr {
	switch w := p.take().up; w {
	case "BETWEEN":
		return p.between(x, pos, not)
	case "IN":
		in := &ast.In{Pos: pos, X: x, Not: not}
		in.List, in.Query = p.listOrQuery()
		return in
	case "SIMILAR":
		p.expect("TO")
		return p.like(x, pos, not, ast.LikeSimilar)
	case "ILIKE":
		return p.like(x, pos, not, ast.LikeILike)
	case "RLIKE":
		return p.like(x, pos, not, ast.LikeRLike)
	}
	return p.like(x, pos, not, ast.LikeLike)
}

func (p *parser) between(x ast.Expr, pos ast.Pos, not bool) ast.Expr {
	b := &ast.Between{Pos: pos, X: x, Not: not}
	if p.accept("SYMMETRIC") {
		b.Symmetric = true
	} else {
		p.accept("ASYMMETRIC")
	}
	b.Low = p.binary(precRange + 1)
	p.expect("AND")
	b.High = p.binary(precRange + 1)
	return b
}

func (p *parser) like(x ast.Expr, pos ast.Pos, not bool, k ast.LikeKind) ast.Expr {
	l := &ast.Like{Pos: pos, X: x, Not: not, Kind: k, Pattern: p.binary(precRange + 1)}
	if p.accept("ESCAPE") {
		l.Escape = p.binary(precRange + 1)
	}
	return l
}

// listOrQuery reads (a, b) or (query); one of the results is set.
func (p *parser) listOrQuery() ([]ast.Expr, *ast.Query) {
	p.expectOp("(")
	if atQuery(p.tok(), p.ahead(1)) {
		q := p.query()
		p.expectOp(")")
		return nil, q
	}
	p.note("SELECT")
	start := p.i
	x := p.expr()
	// ((SELECT …) UNION …): what was read as a value is the query, or its first part.
	if s, ok := x.(*ast.Subquery); ok && !p.isOp(",") {
		q := s.Query
		if p.atTail() {
			q = p.queryFrom(q, start)
		}
		p.expectOp(")")
		return nil, q
	}
	l := []ast.Expr{x}
	for p.acceptOp(",") {
		l = append(l, p.expr())
	}
	p.expectOp(")")
	return l, nil
}

// quantified reads ANY, SOME, ALL behind a comparison; nil when none comes.
func (p *parser) quantified(x ast.Expr, op ast.BinaryOp, pos ast.Pos) ast.Expr {
	q := &ast.Quantified{Pos: pos, X: x, Op: op}
	t := p.tok()
	switch {
	case !p.ahead(1).isPunct("("):
		return nil
	case t.isWord("ANY"), t.isWord("SOME"):
	case t.isWord("ALL"):
		q.Quantifier = ast.All
	default:
		return nil
	}
	p.i++
	q.List, q.Query = p.listOrQuery()
	return q
}

// isTest reads IS [NOT] NULL, TRUE, JSON …, DISTINCT FROM.
func (p *parser) isTest(x ast.Expr, min int) ast.Expr {
	pos := p.pos()
	n := 1
	if p.ahead(1).isWord("NOT") {
		n = 2
	}
	if p.ahead(n).isWord("DISTINCT") {
		if min > precCompare {
			return nil
		}
		p.i += n + 1
		p.expect("FROM")
		op := ast.OpIsDistinctFrom
		if n == 2 {
			op = ast.OpIsNotDistinctFrom
		}
		return &ast.Binary{Pos: pos, Op: op, L: x, R: p.binary(precCompare + 1)}
	}
	if min > precIs {
		return nil
	}
	p.i += n
	is := &ast.Is{Pos: pos, X: x, Not: n == 2}
	switch p.expectOneOf("NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT", "JSON", "EMPTY", "A") {
	case "TRUE":
		is.Kind = ast.IsTrue
	case "FALSE":
		is.Kind = ast.IsFalse
	case "UNKNOWN":
		is.Kind = ast.IsUnknown
	case "EMPTY":
		is.Kind = ast.IsEmpty
	case "A":
		p.expect("SET")
		is.Kind = ast.IsASet
	case "JSON":
		is.Kind = isJSON[p.oneOf("VALUE", "OBJECT", "ARRAY", "SCALAR")]
	}
	return is
}

var isJSON = map[string]ast.IsKind{
	"": ast.IsJSON, "VALUE": ast.IsJSON, "OBJECT": ast.IsJSONObject,
	"ARRAY": ast.IsJSONArray, "SCALAR": ast.IsJSONScalar,
}

// immediately reads IMMEDIATELY PRECEDES and SUCCEEDS.
func (p *parser) immediately(x ast.Expr, min int) ast.Expr {
	pos := p.pos()
	op := ast.OpImmediatelyPrecedes
	switch next := p.ahead(1); {
	case min > precCompare:
		return nil
	case next.isWord("PRECEDES"):
	case next.isWord("SUCCEEDS"):
		op = ast.OpImmediatelySucceeds
	default:
		return nil
	}
	p.i += 2
	return &ast.Binary{Pos: pos, Op: op, L: x, R: p.binary(precCompare + 1)}
}

// multisetOp reads MULTISET UNION, INTERSECT, EXCEPT [ALL|DISTINCT].
func (p *parser) multisetOp(x ast.Expr, min int) ast.Expr {
	pos := p.pos()
	prec := precMultisetUnion
	var distinct, all ast.BinaryOp
	switch p.ahead(1).up {
	case "UNION":
		distinct, all = ast.OpMultisetUnion, ast.OpMultisetUnionAll
	case "EXCEPT":
		distinct, all = ast.OpMultisetExcept, ast.OpMultisetExceptAll
	case "INTERSECT":
		distinct, all = ast.OpMultisetIntersect, ast.OpMultisetIntersectAll
		prec = precMultisetIntersect
	default:
		return nil
	}
	if prec < min {
		return nil
	}
	p.i += 2
	op := all
	if p.accept("DISTINCT") {
		op = distinct
	} else {
		p.accept("ALL")
	}
	return &ast.Binary{Pos: pos, Op: op, L: x, R: p.binary(prec + 1)}
}
