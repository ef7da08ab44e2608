package expr

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/vec"
)

// Volatile reports whether e gives different results for the same row: it calls
// a function that does, in this environment.
func Volatile(e *Expr, env *fn.Env) bool {
	found := false
	Walk(e, func(e *Expr) bool {
		if e.Op == Call && !owned[e.Func] {
			f := fn.Lookup(e.Func)
			found = found || f != nil && f.Volatile && !(f.Constant && env != nil && !env.Streaming)
		}
		return !found
	})
	return found
}

// Fold replaces what is constant by its value, and AND, OR and CASE whose
// conditions are constant by what remains of them. What fails when evaluated
// (1/0) is left as it is, to fail only if a row reaches it, and so is what has a
// value that no constant holds (arrays, maps, rows).
func Fold(e *Expr, env *fn.Env) (*Expr, error) {
	return Map(e, func(e *Expr) *Expr { return fold(e, env) }), nil
}

func fold(e *Expr, env *fn.Env) *Expr {
	if e.Op != Call || rawText[e.Func] {
		return e
	}
	switch e.Func {
	case "AND", "OR":
		return foldLogic(e)
	case "CASE":
		if short := foldCase(e); short != e {
			return short
		}
	}
	for _, a := range e.Args {
		if a.Op != Lit && !constantTree(a) {
			return e
		}
	}
	if Volatile(e, env) {
		return e
	}
	v, err := EvalConst(e, env)
	if err != nil {
		return e
	}
	value, ok := ValueAt(v, 0)
	if !ok {
		return e
	}
	lit := Literal(e.Type, value)
	lit.Type = e.Type.Nullable(!e.Type.NotNull || value == nil)
	lit.Pos = e.Pos
	return lit
}

// rawText are the functions whose text JSON_OBJECT and JSON_ARRAY take as JSON:
// they have to stay calls for that.
var rawText = map[string]bool{"JSON_OBJECT": true, "JSON_ARRAY": true, "JSON": true}

func constantTree(e *Expr) bool {
	constant := true
	Walk(e, func(e *Expr) bool {
		constant = constant && e.Op != Col
		return constant
	})
	return constant
}

// foldLogic drops the arguments of AND that are TRUE, of OR that are FALSE, and
// is constant when one decides.
func foldLogic(e *Expr) *Expr {
	decides := e.Func == "OR"
	var rest []*Expr
	for _, a := range e.Args {
		switch {
		case a.Op == Lit && a.Value == decides:
			return Bool(decides)
		case a.Op == Lit && a.Value == !decides:
		default:
			rest = append(rest, a)
		}
	}
	switch {
	case len(rest) == 0:
		return Bool(!decides)
	case len(rest) == 1:
		return rest[0]
	case len(rest) == len(e.Args):
		return e
	}
	c := *e
	c.Args = rest
	c.Type = boolType(rest)
	return &c
}

// foldCase drops branches whose condition is constant.
func foldCase(e *Expr) *Expr {
	var rest []*Expr
	last := e.Args[len(e.Args)-1]
	for i := 0; i+1 < len(e.Args); i += 2 {
		c := e.Args[i]
		if c.IsFalse() {
			continue
		}
		if c.IsTrue() {
			last = e.Args[i+1]
			break
		}
		rest = append(rest, c, e.Args[i+1])
	}
	switch {
	case len(rest) == 0 && last.Op == Lit:
		lit := *last // with the nullability of the CASE
		lit.Type = e.Type
		return &lit
	case len(rest) == 0:
		return last
	case len(rest)+1 == len(e.Args):
		return e
	}
	c := *e
	c.Args = append(rest, last)
	return &c
}

// EvalConst returns the value of an expression without columns, as a column of
// length 1.
func EvalConst(e *Expr, env *fn.Env) (vec.Vector, error) {
	if cols := Columns(e); len(cols) > 0 {
		return nil, fmt.Errorf("%s is not constant: it reads column %d", String(e, nil), cols[0])
	}
	p, err := Compile(e, env)
	if err != nil {
		return nil, err
	}
	v, err := p.Eval(nil, nil, 1)
	if err != nil {
		return nil, err
	}
	return vec.Flat(v), nil
}
