package formattest

import (
	"fmt"
	"math/rand/v2"

	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Wide has as many columns as tables have that were made by programs.
func Wide(columns int) types.Schema {
	var s types.Schema
	for i := range columns {
		s = append(s, types.Field{Name: fmt.Sprintf("column_%d", i), Type: types.TBigInt})
	}
	return s
}

// WideRows returns n rows of integers of up to four digits.
func WideRows(s types.Schema, n int) *vec.Batch {
	rng := rand.New(rand.NewPCG(5, 6))
	out := &vec.Batch{Rows: n}
	for _, f := range s {
		b := vec.NewBuilder(f.Type)
		for range n {
			b.Int(int64(rng.IntN(9000)))
		}
		out.Cols = append(out.Cols, b.Finish())
	}
	return out
}
