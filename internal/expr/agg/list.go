package agg

import (
	"bytes"
	"fmt"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// end is what the values of a list become.
type end uint8

const (
	endArray end = iota
	endMultiset
	endJoin
	endPick
	endBitmap
	endPercentile
	endJSONArray
	endJSONObject
)

// list keeps all values in the order of arrival: words n, blob of the values one
// after the other. A retraction takes out the first that is equal; one that finds
// none is owed, in words m, blob, and cancels the next that comes: partials of a
// local phase may have their parts in that order. It serves the functions whose
// result has all values, and FIRST_VALUE and LAST_VALUE when what comes first may
// go away.
type list struct {
	onBlob
	owes  bool // values are taken out
	arg   types.Type
	end   end
	pick  pick
	nulls bool // NULLs are values
	sep   string
	sorts bool // values are ROWs with the key to sort by last
	parts int  // values are ROWs of so many arguments; 0: values as they are
	p     float64
	fold  fold
	buf   []byte
}

func newList(e end, nulls bool) func(jobgraph.AggCall, bool) (Agg, error) {
	return func(call jobgraph.AggCall, retracts bool) (Agg, error) {
		if len(call.ArgTypes) == 0 {
			return nil, fmt.Errorf("%s needs an argument", call.Func)
		}
		a := &list{onBlob: onBlob{ret: call.Ret}, owes: retracts, arg: call.ArgTypes[0], end: e, nulls: nulls, sep: ","}
		if len(call.Consts) > 1 {
			switch x := call.Consts[1].(type) {
			case string:
				a.sep = x
			case float64:
				a.p = x
			}
		}
		if a.sorts = len(call.Order) > 0; a.sorts || packed(call) {
			a.parts = len(call.ArgTypes[0].Fields)
			if a.sorts {
				a.parts--
			}
		}
		return a, nil
	}
}

// Words implements Agg.
func (a *list) Words() int {
	if a.owes {
		return 4
	}
	return 2
}

// Blobs implements Agg.
func (a *list) Blobs() []int {
	if a.owes {
		return []int{1, 3}
	}
	return []int{1}
}

// Partial implements Agg.
func (a *list) Partial() []types.Type {
	out := a.onBlob.Partial()
	if a.owes {
		out = append(out, out...)
	}
	return out
}

// Export implements Agg.
func (a *list) Export(g *Groups, slots []keyed.Slot) []vec.Vector {
	out := a.onBlob.Export(g, slots)
	if a.owes {
		debt := onBlob{off: a.off + 2}
		out = append(out, debt.Export(g, slots)...)
	}
	return out
}

// Add appends; runs of rows to one group are written once.
func (a *list) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	var one []byte
	for i := 0; i < len(slots); {
		s, n := slots[i], 0
		buf := append(a.buf[:0], a.values(g, s, 0)...)
		for ; i < len(slots) && slots[i] == s; i++ {
			r := int(rows[i])
			if !a.nulls && col.Null(r) {
				continue
			}
			if a.owes && *g.Word(s, a.off+2) != 0 {
				one = AppendValue(one[:0], col, r)
				if a.cut(g, s, 2, one) {
					continue
				}
			}
			buf = AppendValue(buf, col, r)
			n++
		}
		a.buf = buf
		a.set(g, s, 0, n, buf)
	}
}

// values returns the values of a group, or those owed (at 2).
func (a *list) values(g *Groups, s keyed.Slot, at int) []byte {
	if *g.Word(s, a.off+at) == 0 {
		return nil
	}
	return g.Table.Blob(s, a.off+at+1)
}

func (a *list) set(g *Groups, s keyed.Slot, at, n int, buf []byte) {
	if n == 0 {
		return
	}
	*g.Word(s, a.off+at) += uint64(n)
	g.Table.SetBlob(s, a.off+at+1, buf)
}

// cut takes the first value that is equal out, and reports whether there was one.
func (a *list) cut(g *Groups, s keyed.Slot, word int, one []byte) bool {
	all := a.values(g, s, word)
	for at := 0; at < len(all); {
		n := skipValue(all[at:], a.arg)
		if bytes.Equal(all[at:at+n], one) {
			a.set(g, s, word, -1, append(append([]byte(nil), all[:at]...), all[at+n:]...))
			return true
		}
		at += n
	}
	return false
}

// Retract takes values out.
func (a *list) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	var one []byte
	for i, s := range slots {
		r := int(rows[i])
		if !a.nulls && col.Null(r) {
			continue
		}
		one = AppendValue(one[:0], col, r)
		a.take(g, s, one)
	}
}

// take takes a value out, or owes it.
func (a *list) take(g *Groups, s keyed.Slot, one []byte) {
	if a.cut(g, s, 0, one) {
		return
	}
	a.set(g, s, 2, 1, append(append([]byte(nil), a.values(g, s, 2)...), one...))
}

func (a *list) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	for i, s := range slots {
		r := int(rows[i])
		came := cols[1].(*vec.Bytes).At(r)
		if !a.owes {
			a.buf = append(append(a.buf[:0], a.values(g, s, 0)...), came...)
			a.set(g, s, 0, int(word(cols[0])[r]), a.buf)
			continue
		}
		for len(came) > 0 {
			n := skipValue(came, a.arg)
			if *g.Word(s, a.off+2) == 0 || !a.cut(g, s, 2, came[:n]) {
				a.set(g, s, 0, 1, append(append([]byte(nil), a.values(g, s, 0)...), came[:n]...))
			}
			came = came[n:]
		}
		for left := cols[3].(*vec.Bytes).At(r); len(left) > 0; {
			n := skipValue(left, a.arg)
			a.take(g, s, left[:n])
			left = left[n:]
		}
	}
}

func (a *list) Read(g *Groups, slots []keyed.Slot, out *Out) {
	b := out.builder(a.ret)
	for _, s := range slots {
		n := int(*g.Word(s, a.off))
		all := a.values(g, s, 0)
		typ := a.arg
		if a.sorts {
			all, typ = a.sorted(all), a.arg.Fields[0].Type
		}
		switch {
		case a.end >= endPercentile:
			if err := a.finish(b, all, n); err != nil {
				g.Err = err
			}
		case a.end == endBitmap:
			if err := a.bitmap(b, all, n); err != nil {
				g.Err = err
			}
		case a.end == endMultiset:
			a.count(b, all, n)
		case n == 0:
			b.Null()
		case a.end == endArray:
			for range n {
				all = BuildValue(b.Kid(0), all, typ)
			}
			b.End()
		case a.end == endJoin:
			a.join(b, all, typ)
		default:
			if a.pick == pickSingle && n > 1 {
				g.Err = errSingle
			}
			for at := 0; a.pick == pickLast && n > 1; n-- {
				at = skipValue(all, a.arg)
				all = all[at:]
			}
			BuildValue(b, all, a.arg)
		}
	}
}

// join builds LISTAGG's text.
func (a *list) join(b *vec.Builder, all []byte, typ types.Type) {
	a.buf = a.buf[:0]
	for at := 0; at < len(all); {
		n := skipValue(all[at:], typ)
		if at > 0 {
			a.buf = append(a.buf, a.sep...)
		}
		_, w := uvarint(all[at+1:])
		a.buf = append(a.buf, all[at+1+w:at+n]...)
		at += n
	}
	b.Bytes(a.buf)
}

// count builds a multiset, equal values together, in the order of their first.
func (a *list) count(b *vec.Builder, all []byte, n int) {
	at := make(map[string]int, n)
	var vals [][]byte
	var counts []int64
	for range n {
		w := skipValue(all, a.arg)
		k, ok := at[string(all[:w])]
		if !ok {
			k = len(vals)
			at[string(all[:w])] = k
			vals, counts = append(vals, all[:w]), append(counts, 0)
		}
		counts[k]++
		all = all[w:]
	}
	for i, v := range vals {
		BuildValue(b.Kid(0), v, a.arg)
		b.Kid(1).Int(counts[i])
	}
	b.End()
}
