package scalar

import (
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/expr/roar"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	one := []kernel.Want{kernel.Bitmap}
	const set = "BITMAP_BUILD(ARRAY[1, 2])"
	fn.Register(
		kernel.Define("BITMAP_BUILD", doc("bitmap", "BITMAP_BUILD(array)", "the set of an array's integers, without NULLs", set),
			kernel.Sig{Args: []kernel.Want{ints}, Ret: types.TBitmap, Eval: evalBitmapBuild}),
		bitmapOp("BITMAP_AND", "what is in both", roar.And),
		bitmapOp("BITMAP_OR", "what is in one or both", roar.Or),
		bitmapOp("BITMAP_XOR", "what is in one and not in both", roar.Xor),
		bitmapOp("BITMAP_ANDNOT", "what is in a and not in b", roar.AndNot),
		kernel.Define("BITMAP_CARDINALITY", doc("bitmap", "BITMAP_CARDINALITY(b)", "how many integers are in b", "BITMAP_CARDINALITY("+set+")"),
			kernel.Sig{Args: one, Ret: types.TBigInt, Eval: evalBitmapLen}),
		kernel.Define("BITMAP_FROM_BYTES", doc("bitmap", "BITMAP_FROM_BYTES(bytes)", "the set that is in the portable form of Roaring; an error if that is none",
			"BITMAP_FROM_BYTES(x'3a30000001000000000001001000000001000200')"),
			kernel.Sig{Args: []kernel.Want{kernel.Raw}, Ret: types.TBitmap, Eval: evalBitmapRead}),
		kernel.Define("BITMAP_TO_BYTES", doc("bitmap", "BITMAP_TO_BYTES(b)", "b in the portable form of Roaring", "BITMAP_CARDINALITY(BITMAP_FROM_BYTES(BITMAP_TO_BYTES("+set+")))"),
			kernel.Sig{Args: one, Ret: types.TBytes, Eval: func(_ *fn.Call, args []vec.Vector, _ []int32, _ int) (vec.Vector, error) { return args[0], nil }}),
		kernel.Define("BITMAP_TO_STRING", doc("bitmap", "BITMAP_TO_STRING(b)", "b as text; negative integers count from 2^31 on", "BITMAP_TO_STRING("+set+")"),
			kernel.Sig{Args: one, Ret: types.TString, Eval: kernel.TextToText(roar.AppendText)}),
		kernel.Define("BITMAP_TO_ARRAY", doc("bitmap", "BITMAP_TO_ARRAY(b)", "the integers of b in order; negative ones follow the others", "BITMAP_TO_ARRAY("+set+")"),
			kernel.Sig{Args: one, Ret: types.ArrayOf(types.TInt), Eval: evalBitmapArray}),
	)
}

// ints takes arrays of integers that fit in INT.
var ints = kernel.Want{Name: "ARRAY<INT>", Null: types.ArrayOf(types.TInt), To: func(t types.Type) (types.Type, bool) {
	if t.Kind != types.Array || !t.Elem.Integer() || t.Elem.Kind > types.Int {
		return t, false
	}
	return types.ArrayOf(types.TInt.Nullable(!t.Elem.NotNull)), true
}}

func evalBitmapBuild(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	list := kernel.Lists(args[0])
	elem, nulls, set := kernel.Num[int32](list.Elem), kernel.NullsOf(list.Elem), roar.New()
	return kernel.Strs(rows, n, func(dst []byte, i int) []byte {
		set.Clear()
		from, to := list.At(i)
		for e := from; e < to; e++ {
			if !nulls.At(e) {
				set.Add(elem.At(e))
			}
		}
		return set.Append(dst)
	}), nil
}

func bitmapOp(name, meaning string, op roar.Op) *fn.Func {
	example := "BITMAP_TO_STRING(" + name + "(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2, 3])))"
	return kernel.Define(name, doc("bitmap", name+"(a, b)", meaning, example),
		kernel.Sig{Args: []kernel.Want{kernel.Bitmap, kernel.Bitmap}, Ret: types.TBitmap,
			Eval: func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				a, b := kernel.Str(args[0]), kernel.Str(args[1])
				var x, y roar.Set
				return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
					if err := x.Load(a.At(i)); err != nil {
						return nil, false, err
					}
					if err := y.Load(b.At(i)); err != nil {
						return nil, false, err
					}
					x.Apply(op, &y)
					return x.Append(dst), true, nil
				})
			}})
}

func evalBitmapLen(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	var x roar.Set
	return kernel.NumsErr(rows, n, func(i int) (int64, error) {
		if err := x.Load(s.At(i)); err != nil {
			return 0, err
		}
		return x.Len(), nil
	})
}

func evalBitmapRead(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	var x roar.Set
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		if err := x.Read(s.At(i)); err != nil {
			return nil, false, err
		}
		return x.Append(dst), true, nil
	})
}

func evalBitmapArray(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s := kernel.Str(args[0])
	var x roar.Set
	var err error
	out, elems := &vec.List{Offs: make([]uint32, 1, n+1)}, &vec.Fixed[int32]{}
	kernel.Each(rows, n, func(i int) {
		for len(out.Offs) <= i {
			out.Offs = append(out.Offs, uint32(len(elems.Vals)))
		}
		if e := x.Load(s.At(i)); e != nil {
			err = e
		} else {
			x.Each(func(k int32) { elems.Vals = append(elems.Vals, k) })
		}
		out.Offs = append(out.Offs, uint32(len(elems.Vals)))
	})
	for len(out.Offs) <= n {
		out.Offs = append(out.Offs, uint32(len(elems.Vals)))
	}
	out.Elem = elems
	return out, err
}
