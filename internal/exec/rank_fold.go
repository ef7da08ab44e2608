package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// rankFoldMin is how many rows a batch must have to be folded. Of smaller ones each
// version of a partition is told, as Flink does.
const rankFoldMin = 16

// A rankFold is what the partitions that a batch changes had in their range before it.
// A receiver that needs no -U is told what the batch comes to, and not the steps: a row
// that enters a Top-10 else moves up to nine others, each of which is told with its new
// number, and the next row the same again.
type rankFold struct {
	on    bool
	known []uint64 // by slot: it is in slots
	slots []keyed.Slot
	ends  []int // of refs, by ordinal of the slot
	refs  []keyed.Ref
}

// foldsBatch reports whether a batch of n rows is folded.
func (r *Rank) foldsBatch(n int) bool {
	return n >= rankFoldMin && !r.spec.SendBefore && r.spec.Emit == jobgraph.OnChange && !r.ties() && !r.isFirst() && r.to-r.from < shortRange
}

// inRange returns the entries of a slot in the range.
func (r *Rank) inRange(refs []keyed.Ref, s keyed.Slot) []keyed.Ref {
	n := int64(r.rows.lists.len(s))
	for num := r.from; num <= min(r.to, n); num++ {
		refs = append(refs, r.ref(s, num))
	}
	return refs
}

// note remembers what a partition has, if it has not changed in this batch yet.
func (f *rankFold) note(r *Rank, s keyed.Slot) {
	w, bit := int(s)>>6, uint64(1)<<(s&63)
	if w >= len(f.known) {
		f.known = append(f.known, make([]uint64, max(w+1-len(f.known), len(f.known)))...)
	}
	if f.known[w]&bit != 0 {
		return
	}
	f.known[w] |= bit
	f.slots = append(f.slots, s)
	f.refs = r.inRange(f.refs, s)
	f.ends = append(f.ends, len(f.refs))
}

// tellFolded tells what has become of the partitions. Deletions come first, of all of
// them: receivers that know rows by a key of their own may find one of another partition.
func (r *Rank) tellFolded() {
	f := &r.fold
	from := 0
	for i, s := range f.slots {
		was := f.refs[from:f.ends[i]]
		from = f.ends[i]
		r.now = r.inRange(r.now[:0], s)
		for k, ref := range was {
			if r.goes(was, r.now, k) {
				r.changes.add(vec.Delete, ref, r.from+int64(k))
			}
		}
	}
	from = 0
	for i, s := range f.slots {
		was := f.refs[from:f.ends[i]]
		from = f.ends[i]
		r.now = r.inRange(r.now[:0], s)
		for k, ref := range r.now {
			num := r.from + int64(k)
			switch {
			case !r.byNumber():
				if !slices.Contains(was, ref) {
					r.changes.add(vec.Insert, ref, 0)
				}
			case k >= len(was) || r.goes(was, r.now, k):
				r.changes.add(vec.Insert, ref, num)
			case was[k] != ref:
				r.changes.add(vec.UpdateAfter, ref, num)
			}
		}
		f.known[s>>6] &^= 1 << (s & 63)
	}
	f.slots, f.ends, f.refs = f.slots[:0], f.ends[:0], f.refs[:0]
}

// goes reports whether the k'th of the rows that were told is taken back: it is none of
// those that are now, or its number is.
func (r *Rank) goes(was, now []keyed.Ref, k int) bool {
	return r.byNumber() && k >= len(now) || !slices.Contains(now, was[k])
}
