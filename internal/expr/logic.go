package expr

import (
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/vec"
)

// evalLogic is AND and OR in three-valued logic. An argument is evaluated only
// on the rows that the earlier ones have not decided: for AND those that are
// not FALSE, for OR those that are not TRUE.
func evalLogic(n *node, x *batch, rows []int32) (vec.Vector, error) {
	decides := n.e.Func == "OR"
	first, err := n.args[0].get(x, rows)
	if err != nil {
		return nil, err
	}
	out := &vec.Fixed[bool]{Vals: make([]bool, x.n)}
	rest := open(out, first, rows, x.n, decides)
	for _, a := range n.args[1:] {
		if len(rest) == 0 {
			break
		}
		v, err := a.get(x, rest)
		if err != nil {
			return nil, err
		}
		rest = decide(out, v, rest, decides)
	}
	return out, nil
}

// open copies the first argument to out and returns the rows it leaves open.
func open(out *vec.Fixed[bool], v vec.Vector, rows []int32, n int, decides bool) []int32 {
	vals, nulls := kernel.Num[bool](v), kernel.NullsOf(v)
	rest := make([]int32, 0, count(rows, n))
	kernel.Each(rows, n, func(i int) {
		switch {
		case nulls.At(i):
			out.Vals[i] = !decides
			null(out, i)
		case vals.At(i) == decides:
			out.Vals[i] = decides
			return
		default:
			out.Vals[i] = !decides
		}
		rest = append(rest, int32(i))
	})
	return rest
}

// decide takes another argument into account, on the rows still open.
func decide(out *vec.Fixed[bool], v vec.Vector, rows []int32, decides bool) []int32 {
	vals, nulls := kernel.Num[bool](v), kernel.NullsOf(v)
	rest := rows[:0]
	for _, r := range rows {
		i := int(r)
		switch {
		case nulls.At(i):
			null(out, i)
		case vals.At(i) == decides:
			out.Vals[i] = decides
			if out.Valid != nil {
				out.Valid.SetValid(i)
			}
			continue
		}
		rest = append(rest, r)
	}
	return rest
}

func null(out *vec.Fixed[bool], i int) {
	if out.Valid == nil {
		out.Valid = vec.NewBitmap(len(out.Vals))
	}
	out.Valid.SetNull(i)
}
