package scalar

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func resolveMultiset(args []fn.Arg) (*fn.Impl, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("MULTISET takes at least one value")
	}
	t, err := expr.CommonType(typesOf(args)...)
	if err != nil {
		return nil, fmt.Errorf("the elements of MULTISET differ: %w", err)
	}
	impl := &fn.Impl{NullsIn: true, Ret: types.MultisetOf(t).Nullable(false), Eval: evalMultiset}
	for range args {
		impl.Args = append(impl.Args, t)
	}
	return impl, nil
}

// evalMultiset counts equal values of a row, in the order of their first.
func evalMultiset(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	counts := make([]int64, len(args))
	return buildRows(c.Ret, rows, n, func(b *vec.Builder, row int) {
		for i := range args {
			counts[i] = 1
			for k := range i {
				if counts[k] > 0 && kernel.Same(args[k], row, args[i], row) {
					counts[k], counts[i] = counts[k]+1, 0
					break
				}
			}
		}
		for i, count := range counts {
			if count > 0 {
				b.Kid(0).From(args[i], row)
				b.Kid(1).Int(count)
			}
		}
		b.End()
	}), nil
}
