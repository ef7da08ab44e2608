package scalar

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	for _, sign := range []string{"=", "<>", "<", "<=", ">", ">="} {
		fn.Register(compareFunc(sign))
	}
	fn.Register(
		distinctFunc("IS DISTINCT FROM", true, "whether the values differ, where two NULLs do not"),
		distinctFunc("IS NOT DISTINCT FROM", false, "whether the values are the same, as two NULLs are"),
		&fn.Func{Name: "IN", Resolve: resolveIn, Doc: fn.Doc{Category: "comparison", Signature: "x [NOT] IN (a, b, …)",
			Meaning: "whether x is one of the values; unknown if it is not and one of them is NULL", Example: "1 IN (1, 2)"}},
		extreme("GREATEST", 1, "the largest; NULL if one is NULL"),
		extreme("LEAST", -1, "the smallest; NULL if one is NULL"),
	)
}

func compareFunc(sign string) *fn.Func {
	op := kernel.Cmps[sign]
	return &fn.Func{
		Name: sign,
		Doc:  fn.Doc{Category: "comparison", Signature: "a " + sign + " b", Meaning: "compares", Example: "1 " + sign + " 2"},
		Resolve: func(args []fn.Arg) (*fn.Impl, error) {
			t, err := comparedAs(sign, args)
			if err != nil {
				return nil, err
			}
			if op > kernel.Ne && !hasOrder(t) {
				return nil, fmt.Errorf("values of type %s have no order", t.Name())
			}
			return &fn.Impl{Args: []types.Type{t, t}, Ret: boolOf(args), Total: true, Eval: kernel.Compare(op, t)}, nil
		},
	}
}

func comparedAs(name string, args []fn.Arg) (types.Type, error) {
	if len(args) != 2 {
		return types.TNull, fmt.Errorf("%s takes 2 arguments, not %d", name, len(args))
	}
	return expr.ComparedAs(args[0].Type, args[1].Type)
}

func hasOrder(t types.Type) bool {
	return !t.Coded() && t.Kind != types.Map && t.Kind != types.Multiset && t.Kind != types.Array && t.Kind != types.Row
}

// boolOf is BOOLEAN, NOT NULL if all arguments are.
func boolOf(args []fn.Arg) types.Type {
	t := types.TBoolean.Nullable(false)
	for _, a := range args {
		t.NotNull = t.NotNull && a.Type.NotNull
	}
	return t
}

func distinctFunc(name string, differ bool, meaning string) *fn.Func {
	return &fn.Func{
		Name: name,
		Doc:  fn.Doc{Category: "comparison", Signature: "a " + name + " b", Meaning: meaning, Example: "1 " + name + " 2"},
		Resolve: func(args []fn.Arg) (*fn.Impl, error) {
			t, err := comparedAs(name, args)
			if err != nil {
				return nil, err
			}
			equal := kernel.Compare(kernel.Eq, t)
			return &fn.Impl{Args: []types.Type{t, t}, Ret: types.TBoolean.Nullable(false), NullsIn: true,
				Eval: func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
					v, err := equal(c, args, rows, n)
					if err != nil {
						return nil, err
					}
					eq, a, b := kernel.Num[bool](v), kernel.NullsOf(args[0]), kernel.NullsOf(args[1])
					return kernel.Nums(rows, n, func(i int) bool {
						x, y := a.At(i), b.At(i)
						return (x && y || x == y && eq.At(i)) != differ
					}), nil
				}}, nil
		},
	}
}

// resolveIn resolves x IN (a, b, …): NULL where x is NULL, TRUE where it equals
// one, NULL if it equals none and one is NULL, else FALSE.
func resolveIn(args []fn.Arg) (*fn.Impl, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("IN takes a value and a list, not %d arguments", len(args))
	}
	t := args[0].Type
	for _, a := range args[1:] {
		u, err := expr.ComparedAs(t, a.Type)
		if err != nil {
			return nil, err
		}
		t = u
	}
	impl := &fn.Impl{Ret: boolOf(args), NullsIn: true, Eval: evalIn(t)}
	for range args {
		impl.Args = append(impl.Args, t.Nullable(true))
	}
	return impl, nil
}

func evalIn(t types.Type) fn.Eval {
	equal := kernel.Compare(kernel.Eq, t)
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		if v := inSet(c, t, args, rows, n); v != nil {
			return v, nil
		}
		x := kernel.NullsOf(args[0])
		out := &vec.Fixed[bool]{Vals: make([]bool, n)}
		unknown := make([]bool, n)
		for _, a := range args[1:] {
			v, err := equal(c, []vec.Vector{args[0], a}, rows, n)
			if err != nil {
				return nil, err
			}
			eq, nulls := kernel.Num[bool](v), kernel.NullsOf(a)
			kernel.Each(rows, n, func(i int) {
				null := nulls.At(i)
				out.Vals[i] = out.Vals[i] || eq.At(i) && !null
				unknown[i] = unknown[i] || null
			})
		}
		kernel.Each(rows, n, func(i int) {
			if x.At(i) || unknown[i] && !out.Vals[i] {
				if out.Valid == nil {
					out.Valid = vec.NewBitmap(n)
				}
				out.Valid.SetNull(i)
			}
		})
		return out, nil
	}
}

// A set is the constant list of an IN, hashed.
type set struct {
	texts map[string]struct{}
	ints  map[int64]struct{}
	null  bool
}

// inSet evaluates IN over a constant list of integers or texts by a hash table,
// which is made once; nil if the list is not such.
func inSet(c *fn.Call, t types.Type, args []vec.Vector, rows []int32, n int) vec.Vector {
	s, ok := c.State.(*set)
	if !ok {
		s = newSet(c, t, args)
		c.State = s
	}
	if s == nil {
		return nil
	}
	nulls := kernel.NullsOf(args[0])
	var has func(i int) bool
	if s.texts != nil {
		v := kernel.Str(args[0])
		has = func(i int) bool { _, ok := s.texts[string(v.At(i))]; return ok }
	} else {
		v := kernel.Int(args[0])
		has = func(i int) bool { _, ok := s.ints[v.At(i)]; return ok }
	}
	return kernel.NumsNull(rows, n, func(i int) (bool, bool) {
		if nulls.At(i) {
			return false, false
		}
		found := has(i)
		return found, found || !s.null
	})
}

func newSet(c *fn.Call, t types.Type, args []vec.Vector) *set {
	s := &set{}
	switch {
	case t.Phys() == types.PhysBytes:
		s.texts = map[string]struct{}{}
	case t.Phys() >= types.PhysInt8 && t.Phys() <= types.PhysInt64:
		s.ints = map[int64]struct{}{}
	default:
		return nil
	}
	for i, a := range args[1:] {
		if !c.Args[i+1].Const {
			return nil
		}
		value, ok := expr.ValueAt(a, 0)
		switch v := value.(type) {
		case nil:
			s.null = true
		case string:
			s.texts[v] = struct{}{}
		case int64:
			s.ints[v] = struct{}{}
		default:
			return nil
		}
		if !ok {
			return nil
		}
	}
	return s
}

// extreme is GREATEST (sign 1) or LEAST (-1).
func extreme(name string, sign int, meaning string) *fn.Func {
	return &fn.Func{
		Name: name,
		Doc:  fn.Doc{Category: "conditional", Signature: name + "(a, b, …)", Meaning: meaning, Example: name + "(1, 2)"},
		Resolve: func(args []fn.Arg) (*fn.Impl, error) {
			if len(args) == 0 {
				return nil, fmt.Errorf("%s takes at least one argument", name)
			}
			var list []types.Type
			for _, a := range args {
				list = append(list, a.Type)
			}
			t, err := expr.WidestType(list...)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if !hasOrder(t) {
				return nil, fmt.Errorf("%s: values of type %s have no order", name, t.Name())
			}
			impl := &fn.Impl{Ret: t}
			for range args {
				impl.Args = append(impl.Args, t)
			}
			impl.Eval = func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				b := vec.NewBuilder(t)
				next := 0
				kernel.Each(rows, n, func(i int) {
					for ; next < i; next++ {
						b.Null()
					}
					next++
					best := args[0]
					for _, a := range args[1:] {
						if kernel.Order(a, i, best, i)*sign > 0 {
							best = a
						}
					}
					b.From(best, i)
				})
				for ; next < n; next++ {
					b.Null()
				}
				return b.Finish(), nil
			}
			return impl, nil
		},
	}
}
