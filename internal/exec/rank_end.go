package exec

import (
	"cmp"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// rankEnd is the rowKeeper of a Rank whose results come at the end. What it keeps
// is rows of its input in the order of their partitions, which they have again when
// they come again in it.
type rankEnd struct{ r *Rank }

func (k rankEnd) held() int64 { return k.r.rows.m.Bytes() + k.r.rows.lists.bytes }

func (k rankEnd) kept() func() (*vec.Batch, error) {
	x := k.r.rows
	var refs []keyed.Ref
	for s := range x.m.Each {
		if k.r.isFirst() {
			refs = append(refs, x.m.Last(s))
			continue
		}
		for i := range x.lists.len(s) {
			refs = append(refs, x.lists.at(s, i).ref)
		}
	}
	return refBatches(x.m, refs, k.r.spec.Types)
}

func (k rankEnd) clear() error {
	k.r.closeRows()
	return k.r.openRows(scratch{k.r.ctx.Groups})
}

func (k rankEnd) restore(b *vec.Batch, rows []int32) error {
	_, err := k.take(b, rows)
	return err
}

// take changes the rows without telling.
func (k rankEnd) take(b *vec.Batch, rows []int32) (*vec.Batch, error) {
	k.r.start(b, rows)
	for k.r.step() {
	}
	k.r.settle()
	return nil, nil
}

func (k rankEnd) results() func() (*vec.Batch, error) { return k.r.whole(k.r.rows) }

// processEnd keeps rows of a batch until the end.
func (r *Rank) processEnd(b *vec.Batch) error {
	rows := r.ident.positions(b)
	if r.spill.on() {
		return r.spill.write(b, rows)
	}
	if _, err := (rankEnd{r}).take(b, rows); err != nil {
		return err
	}
	return r.spill.relieve()
}

// finishEnd queues the results.
func (r *Rank) finishEnd() error {
	next := r.whole(r.rows)
	if r.spill.on() {
		var err error
		if next, err = r.spill.end(); err != nil {
			return err
		}
	}
	r.feed.batches(next)
	r.held.release(&r.feed)
	return nil
}

// whole returns a source of batches with the ranked rows of all partitions.
func (r *Rank) whole(x *rankRows) func() (*vec.Batch, error) {
	return r.wholeOf(x, slices.Collect(x.m.Each))
}

// wholeOf is whole for some partitions.
func (r *Rank) wholeOf(x *rankRows, slots []keyed.Slot) func() (*vec.Batch, error) {
	if r.folds() {
		return r.inOrder(x, slots)
	}
	return func() (*vec.Batch, error) {
		for r.changes.len() < vec.BatchRowsMax && len(slots) > 0 {
			r.ranked(x, slots[0])
			slots = slots[1:]
		}
		if r.changes.len() == 0 {
			return nil, nil
		}
		return r.changes.take(x.m, r.spec.Types, r.spec.Number), nil
	}
}

// folds reports whether all rows stay: it is a changelog that is folded to its end.
func (r *Rank) folds() bool { return r.spec.To < 0 && len(r.spec.Order) == 0 && !r.spec.Number }

// inOrder returns a source of batches with all rows of partitions, in the order in which
// they came to be as they are: as a stream has them in functions that look at the order.
func (r *Rank) inOrder(x *rankRows, slots []keyed.Slot) func() (*vec.Batch, error) {
	var refs []keyed.Ref
	for _, s := range slots {
		for i := range x.lists.len(s) {
			refs = append(refs, x.lists.at(s, i).ref)
		}
	}
	slices.SortFunc(refs, func(a, b keyed.Ref) int { return cmp.Compare(x.m.Age(a), x.m.Age(b)) })
	return refBatches(x.m, refs, r.spec.Types)
}

// ranked puts out the rows of a partition.
func (r *Rank) ranked(x *rankRows, s keyed.Slot) {
	if r.isFirst() {
		r.changes.add(vec.Insert, x.m.Last(s), 1)
		return
	}
	r.after = r.places(x, s, r.after[:0])
	for _, p := range r.after {
		r.changes.add(vec.Insert, p.ref, p.num)
	}
}

// atEnd reports whether results come at the end of the input, without windows.
func (r *Rank) atEnd() bool { return r.spec.Emit == jobgraph.AtEnd && r.window == nil }
