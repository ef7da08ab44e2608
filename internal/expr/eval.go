package expr

import (
	"math/bits"

	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/vec"
)

// evalCall evaluates the arguments and calls the kernel.
func evalCall(n *node, x *batch, rows []int32) (vec.Vector, error) {
	args := make([]vec.Vector, len(n.args))
	for i, a := range n.args {
		var err error
		if args[i], err = a.get(x, rows); err != nil {
			return nil, err
		}
	}
	if n.steady {
		if v := n.perWord(args, rows); v != nil {
			return v, nil
		}
		if v, err := n.once(args, x.n); v != nil || err != nil {
			return v, failed(n.e, err)
		}
	}
	v, err := n.apply(args, rows, x.n)
	return v, failed(n.e, err)
}

// once computes a single value when all of the arguments are constant columns;
// nil if they are not.
func (n *node) once(args []vec.Vector, rows int) (vec.Vector, error) {
	for _, a := range args {
		if _, ok := a.(*vec.Const); !ok {
			return nil, nil
		}
	}
	if len(args) == 0 || rows == 0 {
		return nil, nil
	}
	one := make([]vec.Vector, len(args))
	for i, a := range args {
		one[i] = a.(*vec.Const).Val
	}
	v, err := n.apply(one, nil, 1)
	if err != nil {
		return nil, err
	}
	return &vec.Const{Val: vec.Flat(v), N: rows}, nil
}

// perWord computes a function of one dictionary column once a word; nil when
// that is not what the arguments are, when there are more words than rows have
// come with the dictionary so far, or when it fails: then it may be for a word that
// no row has.
func (n *node) perWord(args []vec.Vector, rows []int32) vec.Vector {
	var d *vec.Dict
	at := -1
	fixed := true
	for i, a := range args {
		switch a := a.(type) {
		case *vec.Const:
			fixed = fixed && n.args[i].fixed
		case *vec.Dict:
			if d != nil {
				return nil
			}
			d, at = a, i
		default:
			return nil
		}
	}
	if d == nil {
		return nil
	}
	if fixed && n.words == d.Words && n.wordOut != nil {
		return overCodes(d, n.wordOut)
	}
	words := d.Words.Len()
	if n.seen != d.Words {
		n.seen, n.seenRows = d.Words, 0
	}
	n.seenRows += count(rows, len(d.Codes))
	if words > count(rows, len(d.Codes)) && (!fixed || words > n.seenRows) {
		return nil
	}
	list := make([]vec.Vector, len(args))
	for i, a := range args {
		if i == at {
			list[i] = d.Words
		} else {
			list[i] = &vec.Const{Val: a.(*vec.Const).Val, N: words}
		}
	}
	out, err := n.apply(list, nil, words)
	if err != nil {
		return nil
	}
	if fixed {
		n.words, n.wordOut = d.Words, out
	}
	return overCodes(d, out)
}

func overCodes(d *vec.Dict, out vec.Vector) vec.Vector {
	if c, ok := out.(*vec.Const); ok {
		return &vec.Const{Val: c.Val, N: len(d.Codes)}
	}
	return &vec.Dict{Codes: d.Codes, Words: vec.Flat(out)}
}

func count(rows []int32, n int) int {
	if rows == nil {
		return n
	}
	return len(rows)
}

// apply calls the kernel. A strict function sees only rows without NULLs, and
// its result is NULL on the others.
func (n *node) apply(args []vec.Vector, rows []int32, size int) (vec.Vector, error) {
	args = withoutDict(args)
	if n.impl.NullsIn {
		return n.impl.Eval(n.call, args, rows, size)
	}
	valid, none := validity(args, size)
	if none {
		return vec.Nulls(n.e.Type, size), nil
	}
	if valid != nil && !n.impl.Total {
		rows = narrow(rows, valid, size)
	}
	v, err := n.impl.Eval(n.call, args, rows, size)
	if err != nil || valid == nil {
		return v, err
	}
	v = vec.Flat(v)
	return kernel.WithValid(v, vec.And(vec.Validity(v), valid, size)), nil
}

// withoutDict makes dictionary columns flat: what is not computed once a word is
// computed row by row.
func withoutDict(args []vec.Vector) []vec.Vector {
	for i, a := range args {
		if _, ok := a.(*vec.Dict); ok {
			args[i] = vec.Flat(a)
		}
	}
	return args
}

// validity returns where all of the arguments are valid; none says that one of
// them is NULL throughout.
func validity(args []vec.Vector, n int) (valid vec.Bitmap, none bool) {
	for _, a := range args {
		v := kernel.NullsOf(a)
		if v.All() {
			return nil, true
		}
		if !v.None() {
			valid = vec.And(valid, v.Bitmap(n), n)
		}
	}
	return valid, false
}

// narrow returns the rows that are valid, as a new list.
func narrow(rows []int32, valid vec.Bitmap, n int) []int32 {
	if rows != nil {
		return keepValid(rows, valid, make([]int32, len(rows)))
	}
	out := make([]int32, 0, n)
	for w := 0; w<<6 < n; w++ {
		word := valid[w]
		if left := n - w<<6; left < 64 {
			word &= 1<<left - 1
		}
		for ; word != 0; word &= word - 1 {
			out = append(out, int32(w<<6+bits.TrailingZeros64(word)))
		}
	}
	return out
}

// keepValid writes the rows that are valid to out, which may be rows itself.
func keepValid(rows []int32, valid vec.Bitmap, out []int32) []int32 {
	k := 0
	for _, r := range rows {
		out[k] = r
		k += int(valid[r>>6] >> (r & 63) & 1)
	}
	return out[:k]
}
