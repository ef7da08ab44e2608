package expr

import (
	"fmt"

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
