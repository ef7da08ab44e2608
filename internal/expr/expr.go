// Package expr holds typed expressions: the tree that the planner works on and
// that the job graph carries, and its compilation to vector kernels.
package expr

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/types"
)

// An Op is what a node of an expression does.
type Op uint8

// The kinds of nodes.
const (
	Col  Op = iota // the input column Index
	Lit            // the constant Value
	Call           // the function Func of Args
)

// An Expr is a typed expression: a tree of columns, constants and calls. It is
// plain data, so that the job graph can carry it. Nodes are not changed once
// built; rewriting copies.
//
// A few calls belong to the evaluator because they do not evaluate all of their
// arguments on all rows: AND, OR, CASE (condition, value, …, else), COALESCE, IF.
// CAST and TRY_CAST take one argument, Type is their target. REINTERPRET changes
// only the type. Operators are functions named by their sign: + - * / % = <> < <=
// > >= || and so on, NOT, IS NULL, IS NOT NULL, IS DISTINCT FROM, LIKE, IN …
// FIELD takes a ROW and a constant index; ITEM an array or map and a key.
type Expr struct {
	Op    Op
	Type  types.Type
	Index int     `json:",omitempty"`
	Value any     `json:",omitempty"` // nil (NULL), bool, int64, float64, types.Int128, string
	Func  string  `json:",omitempty"`
	Args  []*Expr `json:",omitempty"`

	Pos  base.Pos `json:"-"` // where in the statement it came from
	Name string   `json:"-"` // of a column: what the statement called it, for errors; "" if it did not
}
