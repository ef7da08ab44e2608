package expr

import (
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Filter returns the rows, of those given, for which the predicate is TRUE,
// ascending. As everywhere nil means all of [0, n): it takes nil for that, and
// returns nil only if it was given nil and every row satisfies. The result is
// the caller's.
func (p *Program) Filter(cols []vec.Vector, rows []int32, n int) ([]int32, error) {
	return p.root.filter(p.set.batch(cols, rows, n), rows, false)
}

// filter narrows rows to where the node is TRUE. It may write over rows if they
// are mine; otherwise its result is fresh, or rows itself when all satisfy.
func (n *node) filter(x *batch, rows []int32, mine bool) ([]int32, error) {
	switch {
	case n.fixed:
		v, err := n.constant()
		if err != nil {
			return nil, err
		}
		if !v.Null(0) && v.(*vec.Fixed[bool]).Vals[0] {
			return rows, nil
		}
		return []int32{}, nil
	case n.e.Op == Call && n.e.Func == "AND":
		return n.filterAnd(x, rows, mine)
	case n.e.Op == Call && n.e.Func == "OR":
		return n.filterOr(x, rows)
	case n.selCmp && !n.known(x, rows):
		return n.filterCmp(x, rows, mine)
	}
	v, err := n.get(x, rows)
	if err != nil {
		return nil, err
	}
	return pick(v, rows, x.n, mine), nil
}

func (n *node) filterAnd(x *batch, rows []int32, mine bool) ([]int32, error) {
	for _, a := range n.args {
		sel, err := a.filter(x, rows, mine)
		if err != nil || sel != nil && len(sel) == 0 {
			return sel, err
		}
		mine = mine || !sameRows(sel, rows)
		rows = sel
	}
	return rows, nil
}

// filterOr asks the later branches only about the rows that the earlier ones
// turned down.
func (n *node) filterOr(x *batch, rows []int32) ([]int32, error) {
	var out []int32
	rest := rows
	for i, a := range n.args {
		sel, err := a.filter(x, rest, false)
		if err != nil {
			return nil, err
		}
		if sel == nil { // all of [0, n)
			return rows, nil
		}
		if i == 0 {
			out = sel
		} else {
			out = union(out, sel)
		}
		rest = minus(rest, sel, x.n)
		if len(rest) == 0 {
			break
		}
	}
	if rows == nil && len(out) == x.n && x.n > 0 {
		return nil, nil
	}
	return out, nil
}

// filterCmp selects by comparing, without a column of booleans between.
func (n *node) filterCmp(x *batch, rows []int32, mine bool) ([]int32, error) {
	a, err := n.args[0].get(x, rows)
	if err != nil {
		return nil, err
	}
	b, err := n.args[1].get(x, rows)
	if err != nil {
		return nil, err
	}
	args := []vec.Vector{a, b}
	if v := n.perWord(args, rows); v != nil {
		return pick(v, rows, x.n, mine), nil
	}
	valid, none := validity(args, x.n)
	if none {
		return []int32{}, nil
	}
	out := rows
	if !mine {
		out = make([]int32, count(rows, x.n))
	}
	sel, ok := kernel.Select(n.cmp, n.phys, a, b, rows, x.n, out)
	if !ok {
		v, err := n.apply(args, rows, x.n)
		if err != nil {
			return nil, failed(n.e, err)
		}
		return pick(v, rows, x.n, mine), nil
	}
	if valid != nil {
		sel = keepValid(sel, valid, sel)
	}
	if rows == nil && len(sel) == x.n && x.n > 0 {
		return nil, nil
	}
	return sel, nil
}

// pick returns the rows where a column of booleans is TRUE.
func pick(v vec.Vector, rows []int32, n int, mine bool) []int32 {
	switch c := v.(type) {
	case *vec.Const:
		if !c.Val.Null(0) && c.Val.(*vec.Fixed[bool]).Vals[0] {
			return rows
		}
		return []int32{}
	case *vec.Dict:
		return pickWords(c, rows, n)
	}
	f := v.(*vec.Fixed[bool])
	out := rows
	if !mine {
		out = make([]int32, count(rows, n))
	}
	k := 0
	if rows == nil {
		for i, b := range f.Vals[:n] {
			out[k] = int32(i)
			if b {
				k++
			}
		}
	} else {
		for _, r := range rows {
			out[k] = r
			if f.Vals[r] {
				k++
			}
		}
	}
	sel := out[:k]
	if f.Valid != nil {
		sel = keepValid(sel, f.Valid, sel)
	}
	if rows == nil && len(sel) == n && n > 0 {
		return nil
	}
	return sel
}

// pickWords is pick for a dictionary of truths.
func pickWords(d *vec.Dict, rows []int32, n int) []int32 {
	words := d.Words.(*vec.Fixed[bool])
	yes := make([]uint8, len(words.Vals))
	for i, w := range words.Vals {
		if w && !words.Valid.Null(i) {
			yes[i] = 1
		}
	}
	out := make([]int32, count(rows, n))
	k := 0
	if rows == nil {
		for i, c := range d.Codes[:n] {
			out[k] = int32(i)
			k += int(yes[c])
		}
		if k == n && n > 0 {
			return nil
		}
		return out[:k]
	}
	for _, r := range rows {
		out[k] = r
		k += int(yes[d.Codes[r]])
	}
	return out[:k]
}

// union merges two ascending lists without a common row.
func union(a, b []int32) []int32 {
	out := make([]int32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// minus returns rows without those in sel, which is part of them.
func minus(rows, sel []int32, n int) []int32 {
	out := make([]int32, 0, count(rows, n)-len(sel))
	k := 0
	keep := func(r int32) {
		if k < len(sel) && sel[k] == r {
			k++
			return
		}
		out = append(out, r)
	}
	if rows == nil {
		for i := range int32(n) {
			keep(i)
		}
		return out
	}
	for _, r := range rows {
		keep(r)
	}
	return out
}

// isBool reports whether a type can be a predicate's.
func isBool(t types.Type) bool { return t.Kind == types.Boolean || t.Kind == types.Null }
