// Package parse reads Flink SQL text into the syntax tree of package ast.
//
// The lexer cuts the whole text into tokens; a recursive descent over them
// builds statements, with precedence climbing for expressions (Calcite's
// levels, see binary.go). What holds:
//
//  1. Any bytes are allowed as input: the result is a tree or an *Error, never
//     a panic.
//  2. An *Error says where, which word was found and what could have stood
//     there; a word that looks like a misspelt keyword is named.
//  3. Nesting and the length of operator chains are limited (nestingMax,
//     linksMax), so that no reader of a tree runs out of stack.
//  4. A word that Flink reserves is no name without back-ticks.
//
// The parser keeps its first error and jumps to the end of the tokens, where
// nothing matches any more; so every loop ends, and the functions return what
// they have without asking after each step. Names of what was expected cost
// time, so they are only collected in a second run over a statement that failed.
package parse

import (
	"iter"

	"github.com/millrace-io/millrace/internal/sql/ast"
)

// Limits of a statement.
const (
	nestingMax = 1000   // levels of parentheses, subqueries, types, prefix operators
	linksMax   = 20_000 // operators, joins or set operations one after the other
)

// Script reads statements that are separated by semicolons; the last may lack it.
func Script(src string) ([]ast.Statement, error) {
	var list []ast.Statement
	for s, err := range Statements(src) {
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// Statements reads one statement after the other. After an error, which comes
// with a nil statement, it goes on behind the next semicolon.
func Statements(src string) iter.Seq2[ast.Statement, error] {
	return func(yield func(ast.Statement, error) bool) {
		p := newParser(src)
		for {
			for p.acceptOp(";") {
			}
			if p.tok().kind == tEOF {
				return
			}
			start := p.i
			s, err := run(p, (*parser).terminated)
			if !yield(s, err) {
				return
			}
			if err != nil {
				p.recover(start)
			}
		}
	}
}

// Statement reads one statement, with or without a semicolon at its end.
func Statement(src string) (ast.Statement, error) {
	return whole(src, (*parser).statement)
}

// Query reads one query.
func Query(src string) (*ast.Query, error) {
	return whole(src, (*parser).query)
}

// Expr reads one scalar expression.
func Expr(src string) (ast.Expr, error) {
	return whole(src, (*parser).expr)
}

// Type reads one data type.
func Type(src string) (*ast.TypeName, error) {
	return whole(src, (*parser).typeName)
}

// whole reads src with rule f and requires that nothing follows.
func whole[T any](src string, f func(*parser) T) (T, error) {
	return run(newParser(src), func(p *parser) T {
		x := f(p)
		p.acceptOp(";")
		if p.tok().kind != tEOF {
			p.fail()
		}
		return x
	})
}

// run reads with rule f from where p stands. When that fails it reads again,
// this time noting what was expected. The zero T comes with an error.
func run[T any](p *parser, f func(*parser) T) (T, error) {
	start := p.i
	p.reset(start, false)
	x := f(p)
	if p.err == nil {
		return x, nil
	}
	p.reset(start, true)
	f(p)
	var none T
	return none, p.err
}

// terminated reads a statement and the semicolon or end behind it.
func (p *parser) terminated() ast.Statement {
	s := p.statement()
	if p.tok().kind != tEOF && !p.acceptOp(";") {
		p.fail()
	}
	return s
}

// recover clears the error and moves behind the semicolon of the statement
// that began at token start.
func (p *parser) recover(start int) {
	p.reset(start, false)
	sp := splitter{}
	for p.tok().kind != tEOF {
		done := sp.step(p.tok())
		p.i++
		if done {
			return
		}
	}
}
