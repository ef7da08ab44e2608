package scalar

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/internal/expr/variant"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	args := []kernel.Want{kernel.Text, kernel.Logical}
	fn.Register(
		kernel.Define("PARSE_JSON", doc("variant", "PARSE_JSON(s [, allow repeated fields])",
			"a text of JSON as a VARIANT; an error if it is none, or if a field is there twice, of which otherwise the last counts", `PARSE_JSON('{"b": 1.50, "a": [true, null]}')`),
			kernel.Sig{Args: args, Opt: 1, Ret: types.TVariant, Eval: evalParseJSON}),
		kernel.Define("TRY_PARSE_JSON", doc("variant", "TRY_PARSE_JSON(s [, allow repeated fields])",
			"PARSE_JSON that gives NULL where that fails", `TRY_PARSE_JSON('{"a": 1')`),
			kernel.Sig{Args: args, Opt: 1, Ret: types.TVariant, MayBeNull: true, Eval: evalTryParseJSON}),
	)
}

// jsonVariant is the scratch of a call that makes VARIANTs.
type jsonVariant struct {
	doc kernel.JSON
	b   variant.Builder
}

// repeatsOf reads the argument that says whether a field may be there twice.
func repeatsOf(args []vec.Vector) func(i int) bool {
	if len(args) < 2 {
		return func(int) bool { return false }
	}
	return kernel.Num[bool](args[1]).At
}

func evalParseJSON(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, repeats, j := kernel.Str(args[0]), repeatsOf(args), state[jsonVariant](c)
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		out, err := j.doc.Variant(dst, &j.b, kernel.TextOf(s.At(i)), repeats(i))
		return out, true, err
	})
}

func evalTryParseJSON(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, repeats, j := kernel.Str(args[0]), repeatsOf(args), state[jsonVariant](c)
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		out, err := j.doc.Variant(dst, &j.b, kernel.TextOf(s.At(i)), repeats(i))
		return out, err == nil
	}), nil
}

// itemOfVariant resolves v['field'] and v[i].
func itemOfVariant(args []fn.Arg) (*fn.Impl, error) {
	t, key := args[0].Type, args[1].Type
	impl := &fn.Impl{Ret: types.TVariant}
	switch {
	case key.Character():
		impl.Args, impl.Eval = []types.Type{t, key}, evalVariantField
	case key.Integer():
		if i, ok := args[1].Value.(int64); ok && i < 1 {
			return nil, fmt.Errorf("array elements count from 1, so there is none at %d", i)
		}
		impl.Args, impl.Eval = []types.Type{t, types.TBigInt.Nullable(!key.NotNull)}, evalVariantElem
	default:
		return nil, fmt.Errorf("a part of a VARIANT is taken by the name of a field or by an integer, not by %s", key.Name())
	}
	return impl, nil
}

func evalVariantField(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	v, name := kernel.Str(args[0]), kernel.Str(args[1])
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		x := variant.Of(v.At(i))
		if x.Kind() != variant.Object {
			return nil, false, fmt.Errorf("the field %q is asked of a VARIANT that is no object: %.200s", name.At(i), x.AppendJSON(nil))
		}
		part, ok := x.Field(name.At(i))
		if !ok {
			return nil, false, nil
		}
		return part.Append(dst), true, nil
	})
}

func evalVariantElem(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	v, index := kernel.Str(args[0]), kernel.Num[int64](args[1])
	return kernel.StrsErr(rows, n, func(dst []byte, i int) ([]byte, bool, error) {
		x := variant.Of(v.At(i))
		if x.Kind() != variant.Array {
			return nil, false, fmt.Errorf("element %d is asked of a VARIANT that is no array: %.200s", index.At(i), x.AppendJSON(nil))
		}
		k := index.At(i)
		if k < 1 || k > int64(x.Len()) {
			return nil, false, nil
		}
		part, _ := x.Elem(int(k) - 1)
		return part.Append(dst), true, nil
	})
}
