package agg

import (
	"bytes"

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
)

// list keeps all values in the order of arrival: words n, blob of the values one
// after the other. A retraction takes out the first that is equal. It serves the
// functions whose result has all values, and FIRST_VALUE and LAST_VALUE when what
// comes first may go away.
type list struct {
	onBlob
	arg   types.Type
	end   end
	pick  pick
	nulls bool // NULLs are values
	sep   string
	buf   []byte
}

func newList(e end, nulls bool) func(jobgraph.AggCall, bool) (Agg, error) {
	return func(call jobgraph.AggCall, _ bool) (Agg, error) {
		a := &list{onBlob: onBlob{ret: call.Ret}, arg: call.ArgTypes[0], end: e, nulls: nulls, sep: ","}
		if len(call.Consts) > 1 {
			a.sep, _ = call.Consts[1].(string)
		}
		return a, nil
	}
}

// Add appends; runs of rows to one group are written once.
func (a *list) Add(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	for i := 0; i < len(slots); {
		s, n := slots[i], 0
		a.buf = append(a.buf[:0], g.Table.Blob(s, a.off+1)...)
		if *g.Word(s, a.off) == 0 {
			a.buf = a.buf[:0]
		}
		for ; i < len(slots) && slots[i] == s; i++ {
			r := int(rows[i])
			if !a.nulls && col.Null(r) {
				continue
			}
			a.buf = AppendValue(a.buf, col, r)
			n++
		}
		a.set(g, s, n)
	}
}

func (a *list) set(g *Groups, s keyed.Slot, n int) {
	if n == 0 {
		return
	}
	*g.Word(s, a.off) += uint64(n)
	g.Table.SetBlob(s, a.off+1, a.buf)
}

// Retract takes values out; one that is not there is passed over.
func (a *list) Retract(g *Groups, slots []keyed.Slot, rows []int32, col vec.Vector) {
	var one []byte
	for i, s := range slots {
		r := int(rows[i])
		if *g.Word(s, a.off) == 0 || !a.nulls && col.Null(r) {
			continue
		}
		one = AppendValue(one[:0], col, r)
		all := g.Table.Blob(s, a.off+1)
		for at := 0; at < len(all); {
			n := skipValue(all[at:], a.arg)
			if bytes.Equal(all[at:at+n], one) {
				a.buf = append(append(a.buf[:0], all[:at]...), all[at+n:]...)
				a.set(g, s, -1)
				break
			}
			at += n
		}
	}
}

func (a *list) Merge(g *Groups, slots []keyed.Slot, rows []int32, cols []vec.Vector) {
	n, c := word(cols[0]), cols[1].(*vec.Bytes)
	for i, s := range slots {
		r := rows[i]
		a.buf = a.buf[:0]
		if *g.Word(s, a.off) != 0 {
			a.buf = append(a.buf, g.Table.Blob(s, a.off+1)...)
		}
		a.buf = append(a.buf, c.At(int(r))...)
		a.set(g, s, int(n[r]))
	}
}

func (a *list) Read(g *Groups, slots []keyed.Slot, out *Out) {
	b := out.builder(a.ret)
	for _, s := range slots {
		n := int(*g.Word(s, a.off))
		var all []byte
		if n != 0 {
			all = g.Table.Blob(s, a.off+1)
		}
		switch {
		case a.end == endMultiset:
			a.count(b, all, n)
		case n == 0:
			b.Null()
		case a.end == endArray:
			for range n {
				all = BuildValue(b.Kid(0), all, a.arg)
			}
			b.End()
		case a.end == endJoin:
			a.join(b, all)
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
func (a *list) join(b *vec.Builder, all []byte) {
	a.buf = a.buf[:0]
	for at := 0; at < len(all); {
		n := skipValue(all[at:], a.arg)
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
