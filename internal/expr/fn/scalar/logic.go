package scalar

import (
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(
		kernel.Define("NOT", doc("logical", "NOT a", "FALSE of TRUE, TRUE of FALSE, unknown of unknown", "NOT TRUE"),
			kernel.Sig{Args: []kernel.Want{kernel.Logical}, Ret: types.TBoolean, Total: true,
				Eval: kernel.Unary(func(b bool) bool { return !b })}),
		nullTest("IS NULL", true, "TRUE only for NULL"),
		nullTest("IS NOT NULL", false, "TRUE for all but NULL"),
		truthTest("IS TRUE", true, true), truthTest("IS NOT TRUE", true, false),
		truthTest("IS FALSE", false, true), truthTest("IS NOT FALSE", false, false),
	)
}

func doc(category, signature, meaning, example string) fn.Doc {
	return fn.Doc{Category: category, Signature: signature, Meaning: meaning, Example: example}
}

func nullTest(name string, want bool, meaning string) *fn.Func {
	return kernel.Define(name, doc("comparison", "x "+name, meaning, "1 "+name),
		kernel.Sig{Args: []kernel.Want{kernel.Anything}, Ret: types.TBoolean, NullsIn: true, NeverNull: true,
			Eval: func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				v := kernel.NullsOf(args[0])
				if v.None() || v.All() {
					one := &vec.Fixed[bool]{Vals: []bool{v.All() == want}}
					return &vec.Const{Val: one, N: n}, nil
				}
				return kernel.Nums(rows, n, func(i int) bool { return v.At(i) == want }), nil
			}})
}

// truthTest is IS [NOT] TRUE and IS [NOT] FALSE: of is what is asked for, yes
// what the answer is where it holds.
func truthTest(name string, of, yes bool) *fn.Func {
	return kernel.Define(name, doc("logical", "b "+name, "never unknown", "TRUE "+name),
		kernel.Sig{Args: []kernel.Want{kernel.Logical}, Ret: types.TBoolean, NullsIn: true, NeverNull: true,
			Eval: func(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
				b, nulls := kernel.Num[bool](args[0]), kernel.NullsOf(args[0])
				return kernel.Nums(rows, n, func(i int) bool { return (!nulls.At(i) && b.At(i) == of) == yes }), nil
			}})
}
