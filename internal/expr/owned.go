package expr

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// owned are the functions that the evaluator itself evaluates.
var owned = map[string]bool{"AND": true, "OR": true, "CASE": true, "COALESCE": true, "CAST": true, "TRY_CAST": true,
	"REINTERPRET": true, "FIELD": true}

// compileOwned gives a node of an owned function, its arguments compiled, its
// evaluation.
func (p *Programs) compileOwned(n *node) error {
	switch n.e.Func {
	case "AND", "OR":
		plainFirst(n.args)
		n.eval = evalLogic
	case "CASE":
		n.eval = evalCase
	case "COALESCE":
		n.eval = evalCoalesce
	case "REINTERPRET":
		n.eval = func(n *node, x *batch, rows []int32) (vec.Vector, error) { return n.args[0].get(x, rows) }
	case "FIELD":
		return compileField(n)
	case "CAST", "TRY_CAST":
		from := n.e.Args[0].Type
		cast, err := kernel.Cast(from, n.e.Type, n.e.Func == "TRY_CAST", p.env)
		if err != nil {
			return err
		}
		n.impl = &fn.Impl{Args: []types.Type{from}, Ret: n.e.Type, Eval: cast}
		n.call = &fn.Call{Env: p.env, Ret: n.e.Type, Args: argsOf(n.e.Args)}
		n.eval = evalCall
	}
	return nil
}

// plainFirst puts those arguments of AND or OR first that cost little and cannot fail: they
// decide for many rows, and the others see the rest.
func plainFirst(args []*node) {
	slices.SortStableFunc(args, func(a, b *node) int {
		switch pa, pb := a.plain(), b.plain(); {
		case pa == pb:
			return 0
		case pa:
			return -1
		}
		return 1
	})
}

// plain reports whether a node only compares columns and constants.
func (n *node) plain() bool {
	switch n.e.Op {
	case Col, Lit:
		return true
	}
	if _, compares := kernel.Cmps[n.e.Func]; !compares && !plainFuncs[n.e.Func] {
		return false
	}
	return !slices.ContainsFunc(n.args, func(a *node) bool { return !a.plain() })
}

var plainFuncs = map[string]bool{"AND": true, "OR": true, "NOT": true, "IN": true, "IS NULL": true, "IS NOT NULL": true, "LOWER": true, "UPPER": true}

func compileField(n *node) error {
	t := n.e.Args[0].Type
	i, ok := n.e.Args[1].Value.(int64)
	if t.Kind != types.Row || !ok || i < 0 || int(i) >= len(t.Fields) {
		return fmt.Errorf("FIELD takes a ROW and the constant index of a field, not %s", t)
	}
	n.eval = func(n *node, x *batch, rows []int32) (vec.Vector, error) {
		v, err := n.args[0].get(x, rows)
		if err != nil {
			return nil, err
		}
		if c, ok := v.(*vec.Const); ok {
			return &vec.Const{Val: vec.Flat(fieldOf(c.Val, int(i), 1)), N: x.n}, nil
		}
		return fieldOf(vec.Flat(v), int(i), x.n), nil
	}
	return nil
}

// fieldOf returns a field of a column of rows: NULL where the row is.
func fieldOf(v vec.Vector, i, n int) vec.Vector {
	r := v.(*vec.Row)
	if r.Valid == nil {
		return r.Fields[i]
	}
	f := vec.Flat(r.Fields[i])
	return kernel.WithValid(f, vec.And(vec.Validity(f), r.Valid, n))
}
