// Package ast is the syntax tree of Flink SQL: plain structs that the parser
// fills, the printer writes out and the binder reads. It knows no catalog and
// no types; a name is a path of parts as it was written.
//
// What every reader may rely on:
//
//  1. Every node says where it stands in the source (the embedded Pos), so
//     that a binder's error can point at it: at its first word, or at its
//     operator when that stands behind an operand (a + b, a IS NULL, a[1]).
//  2. Keywords are gone: what a keyword chose is a constant or a bool. Words
//     kept as text (units, hint names, type names) are in upper case.
//  3. Parentheses are gone: the tree has the shape that precedence gives, and
//     the printer puts back those that are needed. A parenthesised list
//     of two or more expressions is a Row.
//  4. Special syntax of functions is normalised into a Call with plain
//     arguments, EXTRACT(DAY FROM x) into EXTRACT(Symbol DAY, x); see Call.
//  5. Identifiers keep their case and have lost their back-ticks.
//  6. A nil pointer, nil interface or empty slice says "not written".
//
// Families of nodes, one a file: expr.go, window.go, query.go, from.go,
// match.go, types.go, ddl.go, alter.go, dml.go, misc.go.
package ast

import "strings"

// Pos is a place in the source text. Every node embeds one.
type Pos struct {
	Line   int // from 1
	Col    int // from 1, in runes
	Offset int // from 0, in bytes
}

// Position returns the place itself; embedding makes it every node's method.
func (p Pos) Position() Pos { return p }

// Node is anything with a place in the source.
type Node interface {
	Position() Pos
}

// Source is the stretch of source text that a statement or query was read
// from: src[Offset:End], without the semicolon that ends it.
type Source struct {
	Pos
	End int // byte offset after the last character
}

// Span returns the byte offsets of the text, end exclusive.
func (s Source) Span() (start, end int) { return s.Offset, s.End }

// SetSource says which text the node was read from; the parser calls it.
func (s *Source) SetSource(src Source) { *s = src }

// Statement is one SQL statement. A *Query is a statement too.
type Statement interface {
	Node
	// Span returns the byte offsets of the statement's text in the source.
	Span() (start, end int)
	SetSource(Source)
	statement()
}

// Name is one part of a path: an identifier without its back-ticks.
// Text is empty where an optional name was not written.
type Name struct {
	Pos
	Text string
}

// Path is a name of one or more parts: catalog.database.table, alias.column.
type Path []Name

// Position returns where the first part starts.
func (p Path) Position() Pos {
	if len(p) == 0 {
		return Pos{}
	}
	return p[0].Pos
}

// Strings returns the parts' texts.
func (p Path) Strings() []string {
	s := make([]string, len(p))
	for i, n := range p {
		s[i] = n.Text
	}
	return s
}

// String joins the parts with dots and quotes nothing: for messages, not for SQL.
func (p Path) String() string { return strings.Join(p.Strings(), ".") }

// Last returns the text of the last part, "" for an empty path.
func (p Path) Last() string {
	if len(p) == 0 {
		return ""
	}
	return p[len(p)-1].Text
}

// Option is one 'key' = 'value' of a WITH, SET or hint list.
type Option struct {
	Pos
	Key   string
	Value string
}

// Hint is one hint of /*+ A('k'='v'), B(x, y) */. At most one of Options and
// Args is filled.
type Hint struct {
	Pos
	Name    string // upper case: STATE_TTL, LOOKUP, BROADCAST, OPTIONS …
	Options []Option
	Args    []string // bare or quoted words: BROADCAST(a, b)
}
