package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// The changes of a partition whose rows have numbers 1, 2, 3 …
//
// With the number in the output, or with From > 1 in Flink, each number whose row
// has changed is told: -U old, +U new, downwards from where the change was. Without
// it only rows that leave (-D) and enter (+I) the range are told.
//
// A receiver that needs no -U knows rows by a key. That may be the number or the
// row's own key, so what leaves is deleted first, by both:
//
//	numbers  A1 B2 C3, N = 3; X comes first      rows go by number   by their key
//	-D C3                                        3 is free           C is gone
//	+U X1, +U A2, +I B3                          X1 A2 B3            X1 A2 B3

// shortRange is up to how many numbers a range without the number in the output
// tells changes as Flink does, number by number: in long ones that is much for nothing.
const shortRange = 16

// byNumber tells if changes are told number by number.
func (r *Rank) byNumber() bool {
	return r.spec.Number || r.from > 1 && r.spec.SendBefore && r.to-r.from < shortRange
}

// emitInsert tells that a row has come to number p; it is in the list, and the one
// that it pushes out at the end still too.
func (r *Rank) emitInsert(s keyed.Slot, p int64) {
	n := int64(r.rows.lists.len(s))
	if p > r.to {
		return
	}
	if !r.byNumber() {
		if n > r.to {
			r.tell(vec.Delete, s, r.to, 0)
		}
		switch {
		case p >= r.from:
			r.tell(vec.Insert, s, p-1, 0)
		case n >= r.from:
			r.tell(vec.Insert, s, r.from-1, 0)
		}
		return
	}
	last := min(n, r.to)
	if !r.spec.SendBefore && n > r.to {
		r.tell(vec.Delete, s, r.to, r.to)
	}
	for num := max(p, r.from); num <= last; num++ {
		kind := vec.UpdateAfter
		switch {
		case num == n:
			kind = vec.Insert
		case r.spec.SendBefore:
			r.tell(vec.UpdateBefore, s, num, num)
		case num == r.to:
			kind = vec.Insert
		}
		r.tell(kind, s, num-1, num)
	}
}

// emitRemove tells that the row of number p goes; it is still in the list.
func (r *Rank) emitRemove(s keyed.Slot, p int64) {
	n := int64(r.rows.lists.len(s))
	if p > r.to {
		return
	}
	if !r.byNumber() {
		switch {
		case p >= r.from:
			r.tell(vec.Delete, s, p-1, 0)
		case n >= r.from:
			r.tell(vec.Delete, s, r.from-1, 0)
		}
		if n > r.to {
			r.tell(vec.Insert, s, r.to, 0)
		}
		return
	}
	start := max(p, r.from)
	if !r.spec.SendBefore && start <= n {
		r.tell(vec.Delete, s, start-1, start)
		if n <= r.to && n > start {
			r.tell(vec.Delete, s, n-1, n)
		}
	}
	for num := start; num <= min(n, r.to); num++ {
		switch {
		case num == n:
			if r.spec.SendBefore {
				r.tell(vec.Delete, s, num-1, num)
			}
		case r.spec.SendBefore:
			r.tell(vec.UpdateBefore, s, num-1, num)
			r.tell(vec.UpdateAfter, s, num, num)
		default:
			r.tell(vec.UpdateAfter, s, num, num)
		}
	}
}

// emitMove tells that the row of number p has been replaced by one of number q; it
// is in the list, was is not.
func (r *Rank) emitMove(s keyed.Slot, p, q int64, was keyed.Ref) {
	in := func(num int64) bool { return num >= r.from && num <= r.to }
	if !r.byNumber() {
		switch {
		case in(p) && in(q):
			r.update(was, r.ref(s, q), 0)
		case in(p):
			r.changes.add(vec.Delete, was, 0)
			if q < r.from {
				r.tell(vec.Insert, s, r.from-1, 0)
			} else {
				r.tell(vec.Insert, s, r.to-1, 0)
			}
		case in(q):
			if p < r.from {
				r.tell(vec.Delete, s, r.from-2, 0)
			} else {
				r.tell(vec.Delete, s, r.to, 0)
			}
			r.tell(vec.Insert, s, q-1, 0)
		case p < r.from && q > r.to:
			r.tell(vec.Delete, s, r.from-2, 0)
			r.tell(vec.Insert, s, r.to-1, 0)
		case p > r.to && q < r.from:
			r.tell(vec.Delete, s, r.to, 0)
			r.tell(vec.Insert, s, r.from-1, 0)
		}
		return
	}
	// What was at a number: the version itself at p, its neighbours between.
	old := func(num int64) keyed.Ref {
		switch {
		case num == p:
			return was
		case q < p:
			return r.ref(s, num+1)
		}
		return r.ref(s, num-1)
	}
	lo, hi := max(min(p, q), r.from), min(max(p, q), r.to)
	if !r.spec.SendBefore && lo <= hi {
		switch { // what leaves the range is known by its own key, too
		case in(p) && !in(q):
			r.changes.add(vec.Delete, was, p)
		case in(q) && p < r.from:
			r.changes.add(vec.Delete, old(lo), lo)
		case in(q) && p > r.to:
			r.changes.add(vec.Delete, old(hi), hi)
		}
	}
	if r.spec.SendBefore && q < p && in(p) && in(q) {
		// The row is taken back from where it was before it is told where it is.
		r.changes.add(vec.UpdateBefore, old(q), q)
		r.changes.add(vec.UpdateBefore, was, p)
		r.changes.add(vec.UpdateAfter, r.ref(s, q), q)
		for num := q + 1; num < p; num++ {
			r.update(old(num), r.ref(s, num), num)
		}
		r.changes.add(vec.UpdateAfter, r.ref(s, p), p)
		return
	}
	for num := lo; num <= hi; num++ {
		r.update(old(num), r.ref(s, num), num)
	}
}

func (r *Rank) update(old, now keyed.Ref, num int64) {
	if r.spec.SendBefore {
		r.changes.add(vec.UpdateBefore, old, num)
	}
	r.changes.add(vec.UpdateAfter, now, num)
}

// ref returns the row of a number.
func (r *Rank) ref(s keyed.Slot, num int64) keyed.Ref { return r.rows.lists.at(s, int(num-1)).ref }

// tell puts out the row at a position, from 0.
func (r *Rank) tell(kind vec.RowKind, s keyed.Slot, at, num int64) {
	r.changes.add(kind, r.rows.lists.at(s, int(at)).ref, num)
}

// rankPlace is a row with its number.
type rankPlace struct {
	ref keyed.Ref
	num int64
}

// places appends the rows of a partition that are wanted, with their numbers.
func (r *Rank) places(x *rankRows, s keyed.Slot, out []rankPlace) []rankPlace {
	n := x.lists.len(s)
	if !r.ties() {
		for num := r.from; num <= min(r.to, int64(n)); num++ {
			out = append(out, rankPlace{x.lists.at(s, int(num-1)).ref, num})
		}
		return out
	}
	num, prev := int64(0), keyed.Ref(0)
	for i := range n {
		e := x.lists.at(s, i).ref
		if prev == 0 || x.compareRows(prev, e) != 0 {
			if num++; r.spec.RankKind == jobgraph.RankNumber {
				num = int64(i) + 1
			}
		}
		if prev = e; num > r.to {
			break
		}
		if num >= r.from {
			out = append(out, rankPlace{e, num})
		}
	}
	return out
}

// compared handles a row of a rank with ties: the partition is ranked before and
// after, and what differs is told.
func (r *Rank) compared(i int, adds bool) {
	x, s := r.rows, r.batch.slots[i]
	r.before = r.places(x, s, r.before[:0])
	r.silent(i, adds)
	r.after = r.places(x, s, r.after[:0])
	now := make(map[keyed.Ref]int64, len(r.after))
	for _, p := range r.after {
		now[p.ref] = p.num
	}
	was := make(map[keyed.Ref]int64, len(r.before))
	for _, p := range r.before {
		was[p.ref] = p.num
		if _, ok := now[p.ref]; !ok {
			r.changes.add(vec.Delete, p.ref, p.num)
		}
	}
	for _, p := range r.after {
		num, ok := was[p.ref]
		switch {
		case !ok:
			r.changes.add(vec.Insert, p.ref, p.num)
		case num != p.num && r.spec.Number:
			if r.spec.SendBefore {
				r.changes.add(vec.UpdateBefore, p.ref, num)
			}
			r.changes.add(vec.UpdateAfter, p.ref, p.num)
		}
	}
}
