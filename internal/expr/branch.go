package expr

import (
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A piece is the result of one branch for the rows that took it.
type piece struct {
	rows []int32 // nil means all
	v    vec.Vector
}

// evalCase evaluates condition, value, condition, value, …, else: each condition
// on the rows that no earlier one took, each value on the rows that took it.
func evalCase(n *node, x *batch, rows []int32) (vec.Vector, error) {
	var pieces []piece
	rest := rows
	last := len(n.args) - 1
	for i := 0; i < last; i += 2 {
		sel, err := n.args[i].filter(x, rest, false)
		if err != nil {
			return nil, err
		}
		if sel != nil && len(sel) == 0 {
			continue
		}
		v, err := n.args[i+1].get(x, sel)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{sel, v})
		if sel == nil {
			return merge(n.e.Type, pieces, x.n), nil
		}
		if rest = minus(rest, sel, x.n); len(rest) == 0 {
			return merge(n.e.Type, pieces, x.n), nil
		}
	}
	v, err := n.args[last].get(x, rest)
	if err != nil {
		return nil, err
	}
	return merge(n.e.Type, append(pieces, piece{rest, v}), x.n), nil
}

// evalCoalesce evaluates each argument on the rows where those before were NULL.
func evalCoalesce(n *node, x *batch, rows []int32) (vec.Vector, error) {
	var pieces []piece
	rest := rows
	for i, a := range n.args {
		v, err := a.get(x, rest)
		if err != nil {
			return nil, err
		}
		nulls := kernel.NullsOf(v)
		if nulls.None() || i == len(n.args)-1 {
			pieces = append(pieces, piece{rest, v})
			break
		}
		if nulls.All() {
			continue
		}
		sel := narrow(rest, nulls.Bitmap(x.n), x.n)
		if len(sel) == 0 {
			continue
		}
		pieces = append(pieces, piece{sel, v})
		if rest = minus(rest, sel, x.n); len(rest) == 0 {
			break
		}
	}
	return merge(n.e.Type, pieces, x.n), nil
}

// merge puts the pieces together, each row from its piece.
func merge(t types.Type, pieces []piece, n int) vec.Vector {
	if len(pieces) == 1 {
		return pieces[0].v
	}
	if v := mergeConsts(t, pieces, n); v != nil {
		return v
	}
	switch t.Phys() {
	case types.PhysBool:
		return mergeFixed[bool](pieces, n)
	case types.PhysInt8:
		return mergeFixed[int8](pieces, n)
	case types.PhysInt16:
		return mergeFixed[int16](pieces, n)
	case types.PhysInt32:
		return mergeFixed[int32](pieces, n)
	case types.PhysInt64:
		return mergeFixed[int64](pieces, n)
	case types.PhysFloat32:
		return mergeFixed[float32](pieces, n)
	case types.PhysFloat64:
		return mergeFixed[float64](pieces, n)
	case types.PhysInt128:
		return mergeFixed[types.Int128](pieces, n)
	}
	return mergeRows(t, pieces, n)
}

func mergeFixed[T vec.Scalar](pieces []piece, n int) vec.Vector {
	out := make([]T, n)
	var valid vec.Bitmap
	for _, p := range pieces {
		v, nulls := kernel.Num[T](p.v), kernel.NullsOf(p.v)
		for _, r := range p.rows {
			out[r] = v.At(int(r))
		}
		if nulls.None() {
			continue
		}
		if valid == nil {
			valid = vec.NewBitmap(n)
		}
		for _, r := range p.rows {
			if nulls.At(int(r)) {
				valid.SetNull(int(r))
			}
		}
	}
	return &vec.Fixed[T]{Vals: out, Valid: valid}
}

// mergeConsts makes a dictionary of branches that are constant texts.
func mergeConsts(t types.Type, pieces []piece, n int) vec.Vector {
	if t.Phys() != types.PhysBytes {
		return nil
	}
	words := vec.NewBuilder(t)
	codes := make([]uint32, n)
	for i, p := range pieces {
		c, ok := p.v.(*vec.Const)
		if !ok {
			return nil
		}
		words.From(c.Val, 0)
		for _, r := range p.rows {
			codes[r] = uint32(i)
		}
	}
	return &vec.Dict{Codes: codes, Words: words.Finish()}
}

// mergeRows takes values row by row: texts and nested values.
func mergeRows(t types.Type, pieces []piece, n int) vec.Vector {
	if len(pieces) > 255 {
		return mergeMany(t, pieces, n)
	}
	from := make([]uint8, n)
	for i, p := range pieces {
		for _, r := range p.rows {
			from[r] = uint8(i + 1)
		}
	}
	b := vec.NewBuilder(t)
	for r, i := range from {
		if i == 0 {
			b.Null()
		} else {
			b.From(pieces[i-1].v, r)
		}
	}
	return b.Finish()
}

// mergeMany folds the first 200 pieces into one, as often as it takes.
func mergeMany(t types.Type, pieces []piece, n int) vec.Vector {
	head := pieces[:200]
	var rows []int32
	for _, p := range head {
		rows = union(rows, p.rows)
	}
	return mergeRows(t, append([]piece{{rows, mergeRows(t, head, n)}}, pieces[200:]...), n)
}
