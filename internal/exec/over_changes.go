package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// overChanges keeps the rows of each partition in order. The partition is computed
// before and after a change, and rows that came, went, or have other results are
// told. That is done change by change, as Flink does, where little is to be computed;
// else the changes of a batch to a partition are taken together, and a partition
// costs its length for each batch that has rows of it.
type overChanges struct {
	o     *Over
	rows  *rankRows
	group *grouping
	calls *overCalls
	batch rankBatch
	gone  []keyed.Ref
	came  vec.RowKind // of a row that is new: +I, or as it came where changes are made one by one
}

func openOverChanges(o *Over) (overMode, error) {
	x := &overChanges{o: o, group: newGrouping(o.spec.Partition, o.spec.Types)}
	order := newOrdering(o.spec.Order, o.spec.Types)
	p := &rankShape{order: order, types: o.spec.Types, limit: noBound, tag: upToInts(len(o.spec.Types)), tagTs: o.spec.Types}
	m, err := keyed.OpenMulti(o.ctx.State, o.ctx.evicting(keyed.Shape{Name: "rows", Key: x.group.types, Row: o.spec.Types, Extra: p.extraWords(),
		Groups: o.ctx.Groups, Memory: o.ctx.Memory}))
	if err != nil {
		return nil, err
	}
	x.rows = newRankRows(p, m, o.ctx.Memory, false)
	x.calls, err = newOverCalls(o.spec, o.spec.Types, order, everyCall, o.ctx.Memory)
	return x, err
}

func upToInts(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func (x *overChanges) process(b *vec.Batch) error {
	if b.Len() > 0 {
		if err := x.change(b); err != nil {
			return err
		}
	}
	if m, ok := lastMark(b); ok {
		x.o.feed.watermark(m)
	}
	return x.rows.m.Err()
}

// change takes a batch's rows partition by partition.
func (x *overChanges) change(b *vec.Batch) error {
	x.rows.m.Trim()
	rows := x.o.ident.positions(b)
	slots, made := x.group.upsert(&x.rows.m.Table, b.Cols, rows, b.Rows)
	x.batch.slots = slots
	x.rows.prepare(&x.batch, b, rows)
	of := map[keyed.Slot][]int{}
	var order []keyed.Slot
	for i, s := range slots {
		if of[s] == nil {
			order = append(order, s)
		}
		of[s] = append(of[s], i)
	}
	if x.few(of) {
		for i, s := range slots {
			if x.came = b.Kind(int(rows[i])); !x.came.Adds() {
				x.came = vec.Insert
			}
			if err := x.partition(s, []int{i}); err != nil {
				return err
			}
		}
		x.came = vec.Insert
	} else {
		for _, s := range order {
			if err := x.partition(s, of[s]); err != nil {
				return err
			}
		}
	}
	for _, s := range made {
		if x.rows.m.Count(s) == 0 {
			x.rows.m.DeleteKey(s)
		}
	}
	for _, r := range x.gone {
		x.rows.m.Remove(x.rows.m.SlotOf(r), r)
	}
	x.gone = x.gone[:0]
	return nil
}

// overRowsMax is how many rows are computed for a batch at most change by change.
const overRowsMax = 4 * vec.BatchRowsMax

// few reports whether the changes of a batch, given by partition, are made one by one.
func (x *overChanges) few(of map[keyed.Slot][]int) bool {
	n := 0
	for s, which := range of {
		n += (x.rows.lists.len(s) + len(which)) * len(which)
	}
	return n <= overRowsMax
}

// partition makes the changes of some rows to their partition.
func (x *overChanges) partition(s keyed.Slot, which []int) error {
	before := x.refs(s)
	old, err := x.compute(before)
	if err != nil {
		return err
	}
	for _, i := range which {
		if x.batch.b.Kind(int(x.batch.rows[i])).Adds() {
			x.rows.lists.insert(s, x.rows.behind(&x.batch, i), x.rows.keep(&x.batch, i))
		} else if at := x.rows.find(&x.batch, i); at >= 0 {
			x.gone = append(x.gone, x.rows.lists.at(s, at).ref)
			x.rows.lists.remove(s, at)
		}
	}
	after := x.refs(s)
	now, err := x.compute(after)
	if err != nil {
		return err
	}
	x.tell(before, old, after, now)
	return nil
}

func (x *overChanges) refs(s keyed.Slot) []keyed.Ref {
	out := make([]keyed.Ref, x.rows.lists.len(s))
	for i := range out {
		out[i] = x.rows.lists.at(s, i).ref
	}
	return out
}

// compute returns the columns of a partition with the results.
func (x *overChanges) compute(refs []keyed.Ref) (*vec.Batch, error) {
	b := &vec.Batch{Rows: len(refs), Cols: gather(x.rows.m, refs, x.o.spec.Types)}
	if len(refs) == 0 {
		return b, nil
	}
	cols, err := x.calls.whole(&overPart{cols: b.Cols, n: len(refs), starts: []int32{0, int32(len(refs))}}, false)
	if err != nil {
		return nil, err
	}
	for _, c := range cols {
		b.Cols = append(b.Cols, vec.Flat(c))
	}
	return b, nil
}

// tell puts out what is different: rows that went, then from front to back those
// that came or have other results.
func (x *overChanges) tell(before []keyed.Ref, old *vec.Batch, after []keyed.Ref, now *vec.Batch) {
	was := make(map[keyed.Ref]int, len(before))
	for i, r := range before {
		was[r] = i
	}
	stays := make(map[keyed.Ref]bool, len(after))
	for _, r := range after {
		stays[r] = true
	}
	var at []place
	var kinds []vec.RowKind
	add := func(kind vec.RowKind, batch, row int) {
		at, kinds = append(at, placeOf(batch, row)), append(kinds, kind)
	}
	for i, r := range before {
		if !stays[r] {
			add(vec.Delete, 0, i)
		}
	}
	for i, r := range after {
		k, ok := was[r]
		switch {
		case !ok:
			add(x.came, 1, i)
		case !x.equal(old, k, now, i):
			if !x.o.spec.AfterOnly {
				add(vec.UpdateBefore, 0, k)
			}
			add(vec.UpdateAfter, 1, i)
		}
	}
	if len(at) == 0 {
		return
	}
	cols := make([]vec.Vector, len(x.o.spec.Types)+len(x.o.spec.Calls))
	from := []*vec.Batch{old, now}
	for c := range cols {
		cols[c] = collect(from, c, x.typeOf(c), at)
	}
	for _, b := range cutBatches(cols, kinds, len(at)) {
		x.o.feed.batch(b)
	}
}

func (x *overChanges) typeOf(c int) types.Type {
	if n := len(x.o.spec.Types); c >= n {
		return x.o.spec.Calls[c-n].Ret
	}
	return x.o.spec.Types[c]
}

func (x *overChanges) equal(old *vec.Batch, i int, now *vec.Batch, k int) bool {
	for c := len(x.o.spec.Types); c < len(now.Cols); c++ {
		if vec.Compare(old.Cols[c], i, now.Cols[c], k) != 0 {
			return false
		}
	}
	return true
}

func (x *overChanges) watermark(t int64) error {
	x.o.feed.watermark(t)
	return nil
}

func (x *overChanges) end() error { return nil }

func (x *overChanges) snapshot() error { return x.rows.m.Snapshot() }

func (x *overChanges) close() {
	x.rows.lists.close()
	x.rows.m.Close()
	x.calls.close()
}
