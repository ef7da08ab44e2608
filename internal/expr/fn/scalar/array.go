package scalar

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	collection := func(name, signature, meaning, example string, resolve func([]fn.Arg) (*fn.Impl, error)) *fn.Func {
		return &fn.Func{Name: name, Resolve: resolve, Doc: doc("collection", signature, meaning, example)}
	}
	fn.Register(
		collection("ARRAY_APPEND", "ARRAY_APPEND(a, x)", "a with x at its end", "ARRAY_APPEND(ARRAY[1], 2)", withElem("ARRAY_APPEND", true, evalAppend)),
		collection("ARRAY_PREPEND", "ARRAY_PREPEND(a, x)", "a with x at its front", "ARRAY_PREPEND(ARRAY[1], 2)", withElem("ARRAY_PREPEND", true, evalPrepend)),
		collection("ARRAY_REMOVE", "ARRAY_REMOVE(a, x)", "a without all that equals x", "ARRAY_REMOVE(ARRAY[1, 2], 2)", withElem("ARRAY_REMOVE", false, evalRemove)),
		collection("ARRAY_CONTAINS", "ARRAY_CONTAINS(a, x)", "whether x, which may be NULL, is in a", "ARRAY_CONTAINS(ARRAY[1, 2], 2)", searches("ARRAY_CONTAINS", types.TBoolean, true, evalContains)),
		collection("ARRAY_POSITION", "ARRAY_POSITION(a, x)", "the first place of x, from 1; 0 if it is not in a", "ARRAY_POSITION(ARRAY[1, 2], 2)", searches("ARRAY_POSITION", types.TInt, false, evalArrayPosition)),
		collection("ARRAY_UNION", "ARRAY_UNION(a, b)", "what is in a or b, once each", "ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", sameArrays("ARRAY_UNION", evalUnion)),
		collection("ARRAY_CONCAT", "ARRAY_CONCAT(a, b, …)", "the arrays one after the other", "ARRAY_CONCAT(ARRAY[1], ARRAY[2])", sameArrays("ARRAY_CONCAT", evalArrayConcat)),
		collection("ARRAY_INTERSECT", "ARRAY_INTERSECT(a, b)", "what is in both, once each", "ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3])", sameArrays("ARRAY_INTERSECT", evalKeep(true))),
		collection("ARRAY_EXCEPT", "ARRAY_EXCEPT(a, b)", "what is in a and not in b, once each", "ARRAY_EXCEPT(ARRAY[1, 2], ARRAY[2])", sameArrays("ARRAY_EXCEPT", evalKeep(false))),
		arrayFunc("ARRAY_DISTINCT", "ARRAY_DISTINCT(a)", "a without repetitions", "ARRAY_DISTINCT(ARRAY[1, 1])", evalDistinct),
		arrayFunc("ARRAY_REVERSE", "ARRAY_REVERSE(a)", "a from its end to its front", "ARRAY_REVERSE(ARRAY[1, 2])", evalArrayReverse),
		arrayFunc("ARRAY_SLICE", "ARRAY_SLICE(a, from [, to])", "the elements between two places from 1, or from the end if negative", "ARRAY_SLICE(ARRAY[1, 2, 3], 1, 2)", evalSlice, kernel.Int32, kernel.Int32),
		arrayFunc("ARRAY_SORT", "ARRAY_SORT(a [, ascending [, nulls first]])", "a in order; NULL counts as the least by default", "ARRAY_SORT(ARRAY[2, 1])", evalSort, kernel.Logical, kernel.Logical),
		arrayBest("ARRAY_MAX", "the largest element", 1), arrayBest("ARRAY_MIN", "the smallest element", -1),
		kernel.Define("ARRAY_JOIN", doc("collection", "ARRAY_JOIN(a, separator [, text of NULL])", "the texts with a separator between; NULL is left out, or is a text", "ARRAY_JOIN(ARRAY['a', 'b'], ',')"),
			kernel.Sig{Args: []kernel.Want{texts, kernel.Text, kernel.Text}, Opt: 1, Ret: types.TString, Eval: evalArrayJoin}),
	)
}

var texts = kernel.Want{Name: "ARRAY<STRING>", Null: types.ArrayOf(types.TString), To: func(t types.Type) (types.Type, bool) {
	return t, t.Kind == types.Array && t.Elem.Character()
}}

// arrayFunc is a function from an array, with optional arguments, to an array
// of the same type. The first of more than one extra argument may be required
// only by ARRAY_SLICE.
func arrayFunc(name, signature, meaning, example string, eval fn.Eval, more ...kernel.Want) *fn.Func {
	opt := len(more)
	if name == "ARRAY_SLICE" {
		opt = 1
	}
	return kernel.Define(name, doc("collection", signature, meaning, example),
		kernel.Sig{Args: append([]kernel.Want{kernel.List}, more...), Opt: opt, Of: sameType, Eval: eval})
}

// elemType returns the type that an array's elements and one more value share.
func elemType(name string, args []fn.Arg) (types.Type, error) {
	if len(args) != 2 || args[0].Type.Kind != types.Array {
		return types.TNull, fmt.Errorf("%s takes an ARRAY and a value, not %s", name, kernel.Given(args))
	}
	t, err := expr.CommonType(*args[0].Type.Elem, args[1].Type)
	if err != nil {
		return t, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// withElem resolves a function of an array and a value, which may be NULL, to an
// array. adds: the value becomes part of it.
func withElem(name string, adds bool, eval fn.Eval) func([]fn.Arg) (*fn.Impl, error) {
	return func(args []fn.Arg) (*fn.Impl, error) {
		t, err := elemType(name, args)
		if err != nil {
			return nil, err
		}
		elem := t
		if !adds {
			elem.NotNull = args[0].Type.Elem.NotNull
		}
		array := types.ArrayOf(elem).Nullable(!args[0].Type.NotNull)
		return &fn.Impl{Args: []types.Type{array, t}, Ret: array, NullsIn: true, Eval: nullFirst(eval)}, nil
	}
}

// searches resolves a search for a value in an array; nulls: for NULL too.
func searches(name string, ret types.Type, nulls bool, eval fn.Eval) func([]fn.Arg) (*fn.Impl, error) {
	return func(args []fn.Arg) (*fn.Impl, error) {
		t, err := elemType(name, args)
		if err != nil {
			return nil, err
		}
		impl := &fn.Impl{Args: []types.Type{types.ArrayOf(t), t}, Ret: ret.Nullable(!args[0].Type.NotNull), NullsIn: nulls, Eval: eval}
		if nulls {
			impl.Eval = nullFirst(eval)
		} else {
			impl.Ret.NotNull = impl.Ret.NotNull && args[1].Type.NotNull
		}
		return impl, nil
	}
}

// nullFirst makes the result NULL where the first argument is.
func nullFirst(eval fn.Eval) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		nulls := kernel.NullsOf(args[0])
		if nulls.All() {
			return vec.Nulls(c.Ret, n), nil
		}
		v, err := eval(c, args, rows, n)
		if err != nil || nulls.None() {
			return v, err
		}
		v = vec.Flat(v)
		return kernel.WithValid(v, vec.And(vec.Validity(v), nulls.Bitmap(n), n)), nil
	}
}

// sameArrays resolves a function of arrays of one type.
func sameArrays(name string, eval fn.Eval) func([]fn.Arg) (*fn.Impl, error) {
	return func(args []fn.Arg) (*fn.Impl, error) {
		if len(args) == 0 || name != "ARRAY_CONCAT" && len(args) != 2 {
			return nil, fmt.Errorf("%s takes two arrays, not %s", name, kernel.Given(args))
		}
		t, err := expr.CommonType(typesOf(args)...)
		if err != nil || t.Kind != types.Array {
			return nil, fmt.Errorf("%s takes arrays of one type, not %s", name, kernel.Given(args))
		}
		impl := &fn.Impl{Ret: t, Eval: eval}
		for range args {
			impl.Args = append(impl.Args, t)
		}
		return impl, nil
	}
}

// lists makes a column of arrays: f appends a row's elements to the builder.
func lists(c *fn.Call, rows []int32, n int, f func(b *vec.Builder, i int)) (vec.Vector, error) {
	return buildRows(c.Ret, rows, n, func(b *vec.Builder, i int) {
		f(b.Kid(0), i)
		b.End()
	}), nil
}

func copyRange(b *vec.Builder, v vec.Vector, from, to int) {
	for ; from < to; from++ {
		b.From(v, from)
	}
}

func evalAppend(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		from, to := a.At(i)
		copyRange(b, a.Elem, from, to)
		b.From(args[1], i)
	})
}

func evalPrepend(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		b.From(args[1], i)
		from, to := a.At(i)
		copyRange(b, a.Elem, from, to)
	})
}

func evalRemove(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		for k, to := a.At(i); k < to; k++ {
			if !kernel.Same(a.Elem, k, args[1], i) {
				b.From(a.Elem, k)
			}
		}
	})
}

func evalContains(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	return kernel.Nums(rows, n, func(i int) bool {
		from, to := a.At(i)
		return kernel.Find(a.Elem, from, to, args[1], i) >= 0
	}), nil
}

func evalArrayPosition(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	return kernel.Nums(rows, n, func(i int) int32 {
		from, to := a.At(i)
		if at := kernel.Find(a.Elem, from, to, args[1], i); at >= 0 {
			return int32(at-from) + 1
		}
		return 0
	}), nil
}

// first reports whether the element at k is the first of its kind from from on.
func first(a kernel.ListView, from, k int) bool { return kernel.Find(a.Elem, from, k, a.Elem, k) < 0 }

func evalDistinct(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		from, to := a.At(i)
		for k := from; k < to; k++ {
			if first(a, from, k) {
				b.From(a.Elem, k)
			}
		}
	})
}

func evalUnion(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	x, y := kernel.Lists(args[0]), kernel.Lists(args[1])
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		from, to := x.At(i)
		for k := from; k < to; k++ {
			if first(x, from, k) {
				b.From(x.Elem, k)
			}
		}
		other, end := y.At(i)
		for k := other; k < end; k++ {
			if first(y, other, k) && kernel.Find(x.Elem, from, to, y.Elem, k) < 0 {
				b.From(y.Elem, k)
			}
		}
	})
}

func evalArrayConcat(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	var views []kernel.ListView
	for _, a := range args {
		views = append(views, kernel.Lists(a))
	}
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		for _, v := range views {
			from, to := v.At(i)
			copyRange(b, v.Elem, from, to)
		}
	})
}

// evalKeep keeps what is, or is not, in the second array.
func evalKeep(in bool) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		x, y := kernel.Lists(args[0]), kernel.Lists(args[1])
		return lists(c, rows, n, func(b *vec.Builder, i int) {
			from, to := x.At(i)
			other, end := y.At(i)
			for k := from; k < to; k++ {
				if first(x, from, k) && kernel.Find(y.Elem, other, end, x.Elem, k) >= 0 == in {
					b.From(x.Elem, k)
				}
			}
		})
	}
}

func evalArrayReverse(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		from, to := a.At(i)
		for k := to - 1; k >= from; k-- {
			b.From(a.Elem, k)
		}
	})
}

func evalSlice(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a, low := kernel.Lists(args[0]), kernel.Num[int32](args[1])
	high := func(int) int32 { return 1<<31 - 1 }
	if len(args) == 3 {
		high = kernel.Num[int32](args[2]).At
	}
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		from, to := a.At(i)
		size := to - from
		lo, hi := place1(int(low.At(i)), size), min(place1(int(high(i)), size), size)
		copyRange(b, a.Elem, from+max(lo, 1)-1, from+max(hi, 0))
	})
}

// place1 turns a place counted from the end into one counted from 1.
func place1(k, size int) int {
	if k < 0 {
		return size + k + 1
	}
	return k
}

func evalSort(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a := kernel.Lists(args[0])
	up := func(int) bool { return true }
	if len(args) > 1 {
		up = kernel.Num[bool](args[1]).At
	}
	nullsFirst := up
	if len(args) > 2 {
		nullsFirst = kernel.Num[bool](args[2]).At
	}
	var order []int
	return lists(c, rows, n, func(b *vec.Builder, i int) {
		order = order[:0]
		for k, to := a.At(i); k < to; k++ {
			order = append(order, k)
		}
		slices.SortStableFunc(order, func(x, y int) int { return orderElems(a.Elem, x, y, up(i), nullsFirst(i)) })
		for _, k := range order {
			b.From(a.Elem, k)
		}
	})
}

func orderElems(v vec.Vector, x, y int, up, nullsFirst bool) int {
	xn, yn := v.Null(x), v.Null(y)
	switch {
	case xn && yn:
		return 0
	case xn == nullsFirst && (xn || yn):
		return -1
	case xn || yn:
		return 1
	}
	if up {
		return kernel.Order(v, x, v, y)
	}
	return kernel.Order(v, y, v, x)
}

func arrayBest(name, meaning string, sign int) *fn.Func {
	return kernel.Define(name, doc("collection", name+"(a)", meaning+"; NULL is passed over", name+"(ARRAY[1, 2])"),
		kernel.Sig{Args: []kernel.Want{kernel.List}, Of: elemOf, MayBeNull: true,
			Eval: func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				a := kernel.Lists(args[0])
				return gather(c, a, rows, n, func(_, from, to int) int32 {
					best := -1
					for k := from; k < to; k++ {
						if !a.Elem.Null(k) && (best < 0 || kernel.Order(a.Elem, k, a.Elem, best)*sign > 0) {
							best = k
						}
					}
					return int32(best)
				}), nil
			}})
}

func evalArrayJoin(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	a, sep := kernel.Lists(args[0]), kernel.Str(args[1])
	elem, nulls := kernel.Str(a.Elem), kernel.NullsOf(a.Elem)
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
		some := false
		for k, to := a.At(i); k < to; k++ {
			text := elem.At(k)
			if nulls.At(k) {
				if len(args) < 3 {
					continue
				}
				text = kernel.Str(args[2]).At(i)
			}
			if some {
				dst = append(dst, sep.At(i)...)
			}
			some = true
			dst = append(dst, text...)
		}
		return dst
	}), nil
}
