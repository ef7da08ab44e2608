package agg

import (
	"errors"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// pick is which of a group's values is kept.
type pick uint8

const (
	pickFirst pick = iota
	pickLast
	pickSingle // the only one; a second is an error
)

var errSingle = errors.New("the scalar subquery has more than one row")

func newFirst(kind pick) func(jobgraph.AggCall, bool) (Agg, error) {
	return func(call jobgraph.AggCall, retracts bool) (Agg, error) {
		t := call.ArgTypes[0]
		if retracts || !fixed(t) {
			if kind != pickSingle && !retracts {
				return &firstBlob{onBlob: onBlob{ret: call.Ret}, arg: t, kind: kind}, nil
			}
			return &list{onBlob: onBlob{ret: call.Ret}, arg: t, owes: retracts, end: endPick, pick: kind, nulls: kind == pickSingle}, nil
		}
		n := 2
		if wide(t) {
			n = 3
		}
		return &first{inline: inline{n: n, ret: call.Ret}, kind: kind}, nil
	}
}

// first is FIRST_VALUE, LAST_VALUE and SINGLE_VALUE of fixed-width values that
// stay: words has, low[, high]. NULLs are passed over, but for SINGLE_VALUE, for
// which has is 1 for a NULL and 2 for a value.
type first struct {
	inline
	kind pick
}

func (a *first) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	v := g.view(a.off)
	switch c := col.(type) {
	case *vec.Fixed[int64]:
		firstOf(a, g, &v, slots, rows, c, func(x int64) (uint64, uint64) { return uint64(x), 0 })
	case *vec.Fixed[int32]:
		firstOf(a, g, &v, slots, rows, c, func(x int32) (uint64, uint64) { return uint64(int64(x)), 0 })
	case *vec.Fixed[int16]:
		firstOf(a, g, &v, slots, rows, c, func(x int16) (uint64, uint64) { return uint64(int64(x)), 0 })
	case *vec.Fixed[int8]:
		firstOf(a, g, &v, slots, rows, c, func(x int8) (uint64, uint64) { return uint64(int64(x)), 0 })
	case *vec.Fixed[float64]:
		firstOf(a, g, &v, slots, rows, c, func(x float64) (uint64, uint64) { return floatWord(x), 0 })
	case *vec.Fixed[float32]:
		firstOf(a, g, &v, slots, rows, c, func(x float32) (uint64, uint64) { return floatWord(float64(x)), 0 })
	case *vec.Fixed[bool]:
		firstOf(a, g, &v, slots, rows, c, func(x bool) (uint64, uint64) { return boolWord(x), 0 })
	case *vec.Fixed[types.Int128]:
		firstOf(a, g, &v, slots, rows, c, func(x types.Int128) (uint64, uint64) { return x.Lo, uint64(x.Hi) })
	}
}

func firstOf[T vec.Scalar](a *first, g *Groups, v *view, slots []keyed.Slot, rows []int32, c *vec.Fixed[T], words func(T) (uint64, uint64)) {
	for i, s := range slots {
		r := rows[i]
		p := v.at(s)
		null := c.Valid.Null(int(r))
		switch a.kind {
		case pickSingle:
			if p[0] != 0 {
				g.Err = errSingle
				return
			}
			if null {
				p[0] = 1
				continue
			}
		case pickFirst:
			if null || p[0] != 0 {
				continue
			}
		case pickLast:
			if null {
				continue
			}
		}
		lo, hi := words(c.Vals[r])
		p[0], p[1] = 2, lo
		if a.n == 3 {
			p[2] = hi
		}
	}
}

func (a *first) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	v := g.view(a.off)
	has := word(cols[0])
	for i, s := range slots {
		r := rows[i]
		p := v.at(s)
		if has[r] == 0 || a.kind == pickFirst && p[0] != 0 {
			continue
		}
		if a.kind == pickSingle && p[0] != 0 {
			g.Err = errSingle
			return
		}
		for w, c := range cols {
			p[w] = uint64(word(c)[r])
		}
	}
}

func (a *first) Finish(out *Out) vec.Vector {
	w := a.take(out)
	var hi []uint64
	if a.n == 3 {
		hi = w[2]
	}
	for i, h := range w[0] {
		w[0][i] = h >> 1
	}
	return column(a.ret, w[1], hi, validWhere(w[0]))
}

// firstBlob is FIRST_VALUE and LAST_VALUE of values of any length that stay.
type firstBlob struct {
	onBlob
	arg  types.Type
	kind pick
	buf  []byte
}

func (a *firstBlob) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	for i, s := range slots {
		r := int(rows[i])
		has := g.Word(s, a.off)
		if col.Null(r) || a.kind == pickFirst && *has != 0 {
			continue
		}
		*has = 1
		a.buf = AppendValue(a.buf[:0], col, r)
		g.Table.SetBlob(s, a.off+1, a.buf)
	}
}

func (a *firstBlob) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	n, c := word(cols[0]), cols[1].(*vec.Bytes)
	for i, s := range slots {
		r := rows[i]
		has := g.Word(s, a.off)
		if n[r] == 0 || a.kind == pickFirst && *has != 0 {
			continue
		}
		*has = 1
		g.Table.SetBlob(s, a.off+1, c.At(int(r)))
	}
}

func (a *firstBlob) Read(g *Groups, slots []keyed.Slot, out *Out) {
	b := out.builder(a.ret)
	for _, s := range slots {
		if *g.Word(s, a.off) == 0 {
			b.Null()
			continue
		}
		BuildValue(b, g.Table.Blob(s, a.off+1), a.arg)
	}
}
