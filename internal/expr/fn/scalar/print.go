package scalar

import (
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	fn.Register(volatile(kernel.Define("PRINT", doc("conversion", "PRINT(s, x)", "x; and a line of s and x is written to standard error, to look into a running query", "PRINT('price: ', 5)"),
		kernel.Sig{Args: []kernel.Want{kernel.Text, kernel.Anything}, NullsIn: true,
			Of:   func(args []types.Type) types.Type { return args[1] },
			Make: func(args []types.Type, _ types.Type) fn.Eval { return printLines(args[0], args[1]) }})))
}

// printLines writes a line for each row, those of a batch at once, and passes the values
// on. Where nobody takes the lines, none are made.
func printLines(prefix, t types.Type) fn.Eval {
	return func(c *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
		if c.Env == nil || c.Env.Print == nil {
			return args[1], nil
		}
		lines := state[[]byte](c)
		*lines = (*lines)[:0]
		kernel.Each(rows, n, func(i int) {
			*lines = kernel.AppendText(*lines, prefix, args[0], i, c.Env.Zone)
			*lines = kernel.AppendText(*lines, t, args[1], i, c.Env.Zone)
			*lines = append(*lines, '\n')
		})
		c.Env.Print(*lines)
		return args[1], nil
	}
}
