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
	fn.Register(
		&fn.Func{Name: "ARRAY", Resolve: resolveArray, Doc: doc("collection", "ARRAY[a, b, …]", "an array of the values", "ARRAY[1, 2]")},
		&fn.Func{Name: "MULTISET", Resolve: resolveMultiset, Doc: doc("collection", "MULTISET[a, b, …]", "a multiset of the values: each with how often it is there", "MULTISET[1, 1, 2]")},
		&fn.Func{Name: "MAP", Resolve: resolveMap, Doc: doc("collection", "MAP[k1, v1, …]", "a map of keys and values", "MAP['a', 1]")},
		&fn.Func{Name: "ROW", Resolve: resolveRow, Doc: doc("collection", "ROW(a, b, …)", "a row of the values", "ROW(1, 2)")},
		&fn.Func{Name: "ITEM", Resolve: resolveItem, Doc: doc("collection", "array[i] | map[key] | variant[i] | variant['field']", "the i-th element from 1, the value of a key; NULL if there is none. An error for a VARIANT that is no array, or no object", "ARRAY[1, 2][2]")},
		kernel.Define("CARDINALITY", doc("collection", "CARDINALITY(array or map)", "the number of elements", "CARDINALITY(ARRAY[1, 2])"),
			kernel.Sig{Args: []kernel.Want{container}, Ret: types.TInt, Eval: evalCardinality}),
		kernel.Define("ELEMENT", doc("collection", "ELEMENT(array)", "the only element; NULL if there is none, an error if there are more", "ELEMENT(ARRAY[1])"),
			kernel.Sig{Args: []kernel.Want{kernel.List}, Of: elemOf, MayBeNull: true, Eval: evalElement}),
		kernel.Define("TYPEOF", doc("conversion", "TYPEOF(x [, serializable])", "the type of an expression", "TYPEOF(1)"),
			kernel.Sig{Args: []kernel.Want{kernel.Anything, kernel.Logical}, Opt: 1, Ret: types.TString, NullsIn: true, MayBeNull: true, Eval: evalTypeOf}),
	)
}

var container = kernel.Want{Name: "ARRAY, MAP or MULTISET", Null: types.ArrayOf(types.TInt), To: func(t types.Type) (types.Type, bool) {
	return t, t.Kind == types.Array || t.Kind == types.Map || t.Kind == types.Multiset
}}

// elemOf is the type of an element of the first argument.
func elemOf(args []types.Type) types.Type { return *args[0].Elem }

func typesOf(args []fn.Arg) []types.Type {
	var list []types.Type
	for _, a := range args {
		list = append(list, a.Type)
	}
	return list
}

func resolveArray(args []fn.Arg) (*fn.Impl, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("ARRAY takes at least one value; an empty array is CAST(NULL AS ARRAY<type>) or a function's result")
	}
	t, err := expr.CommonType(typesOf(args)...)
	if err != nil {
		return nil, fmt.Errorf("the elements of ARRAY differ: %w", err)
	}
	impl := &fn.Impl{Ret: types.ArrayOf(t).Nullable(false), NullsIn: true, Eval: evalArray}
	for range args {
		impl.Args = append(impl.Args, t)
	}
	return impl, nil
}

func evalArray(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	return buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		for _, a := range args {
			b.Kid(0).From(a, i)
		}
		b.End()
	}), nil
}

func resolveMap(args []fn.Arg) (*fn.Impl, error) {
	if len(args) == 0 || len(args)%2 == 1 {
		return nil, fmt.Errorf("MAP takes keys and values in turn, not %d of them", len(args))
	}
	var keys, values []types.Type
	for i, a := range args {
		if i%2 == 0 {
			keys = append(keys, a.Type)
		} else {
			values = append(values, a.Type)
		}
	}
	k, err := expr.CommonType(keys...)
	if err != nil {
		return nil, fmt.Errorf("the keys of MAP differ: %w", err)
	}
	v, err := expr.CommonType(values...)
	if err != nil {
		return nil, fmt.Errorf("the values of MAP differ: %w", err)
	}
	impl := &fn.Impl{Ret: types.MapOf(k, v).Nullable(false), NullsIn: true, Eval: evalMap}
	for range keys {
		impl.Args = append(impl.Args, k, v)
	}
	return impl, nil
}

// evalMap keeps the last of equal keys.
func evalMap(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	return buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		for k := 0; k < len(args); k += 2 {
			if !overwritten(args, k, i) {
				b.Kid(0).From(args[k], i)
				b.Kid(1).From(args[k+1], i)
			}
		}
		b.End()
	}), nil
}

func overwritten(args []vec.Vector, k, row int) bool {
	for j := k + 2; j < len(args); j += 2 {
		if kernel.Same(args[k], row, args[j], row) {
			return true
		}
	}
	return false
}

func resolveRow(args []fn.Arg) (*fn.Impl, error) {
	impl := &fn.Impl{Args: typesOf(args), NullsIn: true}
	var fields []types.Field
	for i, a := range args {
		fields = append(fields, types.Field{Name: fmt.Sprintf("EXPR$%d", i), Type: a.Type.Plain()})
	}
	impl.Ret = types.RowOf(fields...).Nullable(false)
	impl.Eval = func(_ *fn.Call, args []vec.Vector, _ []int32, n int) (vec.Vector, error) {
		r := &vec.Row{N: n}
		for _, a := range args {
			r.Fields = append(r.Fields, vec.Flat(a))
		}
		return r, nil
	}
	return impl, nil
}

func resolveItem(args []fn.Arg) (*fn.Impl, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("an element is taken by one index, not %d", len(args)-1)
	}
	t := args[0].Type
	switch {
	case t.Kind == types.Array && (args[1].Type.Integer() || args[1].Type.Kind == types.Null):
		if i, ok := args[1].Value.(int64); ok && i < 1 {
			return nil, fmt.Errorf("array elements count from 1, so there is none at %d", i)
		}
		return &fn.Impl{Args: []types.Type{t, types.TBigInt.Nullable(!args[1].Type.NotNull)}, Ret: t.Elem.Nullable(true), Eval: evalItem}, nil
	case t.Kind == types.Variant:
		return itemOfVariant(args)
	case t.Kind == types.Map:
		key, err := expr.ComparedAs(*t.Key, args[1].Type)
		if err != nil || !key.Equal(t.Key.Plain()) && !(key.Character() && t.Key.Character()) {
			key = *t.Key
		}
		return &fn.Impl{Args: []types.Type{t, key.Nullable(!args[1].Type.NotNull)}, Ret: t.Elem.Nullable(true), Eval: evalLookup}, nil
	}
	return nil, fmt.Errorf("an element is taken of an ARRAY by an integer, of a MAP by a key or of a VARIANT by either, not of %s by %s", t.Name(), args[1].Type.Name())
}

func evalItem(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	list, index := kernel.Lists(args[0]), kernel.Num[int64](args[1])
	return gather(c, list, rows, n, func(i, from, to int) int32 {
		if k := index.At(i); k >= 1 && k <= int64(to-from) {
			return int32(from) + int32(k) - 1
		}
		return -1
	}), nil
}

func evalLookup(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	m := kernel.Lists(args[0])
	return gather(c, m, rows, n, func(i, from, to int) int32 { return int32(kernel.Find(m.Key, from, to, args[1], i)) }), nil
}

// gather takes an element of each row, at the place that f finds in its extent.
func gather(c *fn.Call, list kernel.ListView, rows []int32, n int, f func(i, from, to int) int32) vec.Vector {
	at := make([]int32, n)
	for i := range at {
		at[i] = -1
	}
	kernel.Each(rows, n, func(i int) {
		from, to := list.At(i)
		at[i] = f(i, from, to)
	})
	return kernel.Gather(c.Ret, list.Elem, at)
}

func evalCardinality(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	list := kernel.Lists(args[0])
	return kernel.Nums(rows, n, func(i int) int32 { from, to := list.At(i); return int32(to - from) }), nil
}

func evalElement(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	var err error
	v := gather(c, kernel.Lists(args[0]), rows, n, func(_, from, to int) int32 {
		switch {
		case to-from > 1:
			err = fmt.Errorf("ELEMENT of an array of %d elements", to-from)
		case to > from:
			return int32(from)
		}
		return -1
	})
	return v, err
}

func evalTypeOf(c *fn.Call, _ []vec.Vector, _ []int32, n int) (vec.Vector, error) {
	return &vec.Const{Val: expr.Vector(types.TString, c.Args[0].Type.Plain().String()), N: n}, nil
}
