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
	oneMap := []kernel.Want{kernel.MapOf}
	fn.Register(
		kernel.Define("MAP_KEYS", doc("collection", "MAP_KEYS(m)", "the keys", "MAP_KEYS(MAP['a', 1])"),
			kernel.Sig{Args: oneMap, Of: func(a []types.Type) types.Type { return types.ArrayOf(*a[0].Key) }, Eval: evalMapPart(true)}),
		kernel.Define("MAP_VALUES", doc("collection", "MAP_VALUES(m)", "the values", "MAP_VALUES(MAP['a', 1])"),
			kernel.Sig{Args: oneMap, Of: func(a []types.Type) types.Type { return types.ArrayOf(*a[0].Elem) }, Eval: evalMapPart(false)}),
		kernel.Define("MAP_ENTRIES", doc("collection", "MAP_ENTRIES(m)", "an array of rows of key and value", "MAP_ENTRIES(MAP['a', 1])"),
			kernel.Sig{Args: oneMap, Of: func(a []types.Type) types.Type {
				return types.ArrayOf(types.RowOf(types.Field{Name: "key", Type: *a[0].Key}, types.Field{Name: "value", Type: *a[0].Elem}))
			}, Eval: evalEntries}),
		&fn.Func{Name: "MAP_UNION", Resolve: resolveMapUnion, Doc: doc("collection", "MAP_UNION(a, b, …)", "the entries of all; of equal keys the last counts", "MAP_UNION(MAP['a', 1], MAP['b', 2])")},
		&fn.Func{Name: "MAP_FROM_ARRAYS", Resolve: resolveFromArrays, Doc: doc("collection", "MAP_FROM_ARRAYS(keys, values)", "a map of two arrays of one length", "MAP_FROM_ARRAYS(ARRAY['a'], ARRAY[1])")},
	)
}

// flatMap returns a column of maps without Const or Dict.
func flatMap(v vec.Vector) *vec.Map {
	m, ok := vec.Flat(v).(*vec.Map)
	if !ok {
		return &vec.Map{Offs: make([]uint32, v.Len()+1), Key: &vec.Fixed[bool]{}, Elem: &vec.Fixed[bool]{}}
	}
	return m
}

func evalMapPart(keys bool) fn.Eval {
	return func(_ *fn.Call, args []vec.Vector, _ []int32, _ int) (vec.Vector, error) {
		m := flatMap(args[0])
		if keys {
			return &vec.List{Offs: m.Offs, Elem: m.Key, Valid: m.Valid}, nil
		}
		return &vec.List{Offs: m.Offs, Elem: m.Elem, Valid: m.Valid}, nil
	}
}

func evalEntries(_ *fn.Call, args []vec.Vector, _ []int32, _ int) (vec.Vector, error) {
	m := flatMap(args[0])
	row := &vec.Row{Fields: []vec.Vector{m.Key, m.Elem}, N: m.Key.Len()}
	return &vec.List{Offs: m.Offs, Elem: row, Valid: m.Valid}, nil
}

func resolveMapUnion(args []fn.Arg) (*fn.Impl, error) {
	t, err := expr.CommonType(typesOf(args)...)
	if err != nil || t.Kind != types.Map {
		return nil, fmt.Errorf("MAP_UNION takes maps of one type, not %s", kernel.Given(args))
	}
	impl := &fn.Impl{Ret: t, Eval: evalMapUnion}
	for range args {
		impl.Args = append(impl.Args, t)
	}
	return impl, nil
}

func evalMapUnion(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	var views []kernel.ListView
	for _, a := range args {
		views = append(views, kernel.Lists(a))
	}
	return buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		for v, m := range views {
			for k, to := m.At(i); k < to; k++ {
				if !inLater(views[v+1:], i, m.Key, k) {
					b.Kid(0).From(m.Key, k)
					b.Kid(1).From(m.Elem, k)
				}
			}
		}
		b.End()
	}), nil
}

func inLater(views []kernel.ListView, row int, key vec.Vector, k int) bool {
	for _, m := range views {
		from, to := m.At(row)
		if kernel.Find(m.Key, from, to, key, k) >= 0 {
			return true
		}
	}
	return false
}

func resolveFromArrays(args []fn.Arg) (*fn.Impl, error) {
	if len(args) != 2 || args[0].Type.Kind != types.Array || args[1].Type.Kind != types.Array {
		return nil, fmt.Errorf("MAP_FROM_ARRAYS takes an array of keys and one of values, not %s", kernel.Given(args))
	}
	ret := types.MapOf(*args[0].Type.Elem, *args[1].Type.Elem)
	ret.NotNull = args[0].Type.NotNull && args[1].Type.NotNull
	return &fn.Impl{Args: typesOf(args), Ret: ret, Eval: evalFromArrays}, nil
}

func evalFromArrays(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	keys, values := kernel.Lists(args[0]), kernel.Lists(args[1])
	var err error
	v := buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		from, to := keys.At(i)
		other, end := values.At(i)
		if to-from != end-other {
			err = fmt.Errorf("MAP_FROM_ARRAYS of %d keys and %d values", to-from, end-other)
		}
		for k := from; k < to && err == nil; k++ {
			if kernel.Find(keys.Elem, k+1, to, keys.Elem, k) < 0 {
				b.Kid(0).From(keys.Elem, k)
				b.Kid(1).From(values.Elem, other+k-from)
			}
		}
		b.End()
	})
	return v, err
}
