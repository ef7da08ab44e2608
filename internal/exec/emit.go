package exec

import (
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A feed hands out what an operator has to emit, bounded by EmitBatchesMax a
// call: batches made by next, one after the other, then a watermark. It is what
// most Resume methods go on with.
type feed struct {
	queue []*feedItem
	free  []*feedItem // to be used again
	small *gathering  // of batches that are small; nil: they go out as they are
}

// feedItem is a source of batches (nil ends it), or a watermark.
type feedItem struct {
	next func() (*vec.Batch, error)
	mark int64
}

// batches queues what next makes until it returns nil.
func (f *feed) batches(next func() (*vec.Batch, error)) {
	f.queue = append(f.queue, f.item(feedItem{next: next}))
}

func (f *feed) item(x feedItem) *feedItem {
	n := len(f.free)
	if n == 0 {
		it := new(feedItem)
		*it = x
		return it
	}
	it := f.free[n-1]
	f.free = f.free[:n-1]
	*it = x
	return it
}

// done takes an item out.
func (f *feed) done(it *feedItem) {
	i := slices.Index(f.queue, it) // it may have put others before itself
	f.queue = slices.Delete(f.queue, i, i+1)
	it.next = nil
	f.free = append(f.free, it)
}

// batch queues one batch.
func (f *feed) batch(b *vec.Batch) {
	f.batches(once(b))
}

// pieces queues work that queues what it makes, until it has no more to do.
func (f *feed) pieces(next func() (more bool, err error)) {
	f.batches(func() (*vec.Batch, error) {
		later := f.queue
		f.queue = nil
		more, err := next()
		f.queue = append(f.queue, later...)
		if !more {
			return nil, err
		}
		return &vec.Batch{}, err
	})
}

// some queues a batch, unless it is nil.
func (f *feed) some(b *vec.Batch) {
	if b != nil {
		f.batch(b)
	}
}

// again is a batch without rows: a source that returns it is called again.
var again = &vec.Batch{}

func once(b *vec.Batch) func() (*vec.Batch, error) {
	return func() (*vec.Batch, error) {
		out := b
		b = nil
		return out, nil
	}
}

// splitBatch cuts a batch that is too long; a pair -U +U is not torn.
func splitBatch(b *vec.Batch) (head, rest *vec.Batch) {
	n := vec.BatchRowsMax
	if b.Kinds != nil && b.Kinds[n-1] == vec.UpdateBefore {
		n++
	}
	head, rest = &vec.Batch{Rows: n}, &vec.Batch{Rows: b.Rows - n}
	for _, c := range b.Cols {
		head.Cols = append(head.Cols, vec.Slice(c, 0, n))
		rest.Cols = append(rest.Cols, vec.Slice(c, n, b.Rows))
	}
	if b.Kinds != nil {
		head.Kinds, rest.Kinds = b.Kinds[:n:n], b.Kinds[n:]
	}
	for _, m := range b.Marks {
		if int(m.Row) < n {
			head.Marks = append(head.Marks, m)
			continue
		}
		rest.Marks = append(rest.Marks, vec.Mark{Row: m.Row - int32(n), Time: m.Time})
	}
	return head, rest
}

// front queues what next makes before the item that is being worked off, which returned
// a batch without rows to be called again, or nil.
func (f *feed) front(next func() (*vec.Batch, error)) {
	f.queue = slices.Insert(f.queue, 0, f.item(feedItem{next: next}))
}

// frontMark does so with a watermark.
func (f *feed) frontMark(t int64) {
	f.queue = slices.Insert(f.queue, 0, f.item(feedItem{mark: t}))
}

// watermark queues a watermark; of several in a row the last counts.
func (f *feed) watermark(t int64) {
	if n := len(f.queue); n > 0 && f.queue[n-1].next == nil {
		f.queue[n-1].mark = t
		return
	}
	f.queue = append(f.queue, f.item(feedItem{mark: t}))
}

// drain emits up to EmitBatchesMax batches and reports whether there are more.
func (f *feed) drain(out Output) (more bool, err error) {
	for sent := 0; len(f.queue) > 0 || f.small.rows() > 0; {
		if sent == EmitBatchesMax {
			return true, nil
		}
		b, err := f.next(out)
		if err != nil {
			return false, err
		}
		if b == nil {
			continue
		}
		sent++
		if err := out.Emit(b); err != nil {
			return false, err
		}
	}
	return false, nil
}

// next takes a step: it returns a batch that is to be emitted, or nil. Watermarks it
// sends by itself.
func (f *feed) next(out Output) (*vec.Batch, error) {
	if len(f.queue) == 0 {
		return f.small.take(), nil
	}
	it := f.queue[0]
	if it.next == nil {
		t := it.mark
		if f.done(it); f.small.watermark(t) {
			return nil, nil
		}
		return nil, out.Watermark(t)
	}
	b, err := it.next()
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		f.done(it)
		return nil, nil
	case b.Len() == 0:
		return nil, nil
	case b.Rows > vec.BatchRowsMax+1 && b.Sel == nil:
		var rest *vec.Batch
		b, rest = splitBatch(b)
		f.front(once(rest))
	}
	if f.small.takes(b) {
		if f.small.add(b); !f.small.full() {
			return nil, nil
		}
		return f.small.take(), nil
	}
	if f.small.rows() > 0 {
		f.front(once(b))
		return f.small.take(), nil
	}
	return b, nil
}

// lastMark returns the last watermark in a batch.
func lastMark(b *vec.Batch) (int64, bool) {
	if n := len(b.Marks); n > 0 {
		return b.Marks[n-1].Time, true
	}
	return 0, false
}

// takeAll returns the rows of columns at the given positions.
func takeAll(cols []vec.Vector, rows []int32) []vec.Vector {
	out := make([]vec.Vector, len(cols))
	for i, c := range cols {
		out[i] = vec.Take(c, rows)
	}
	return out
}

// pick returns some of the columns.
func pick(cols []vec.Vector, which []int) []vec.Vector {
	out := make([]vec.Vector, len(which))
	for i, c := range which {
		out[i] = cols[c]
	}
	return out
}

// pickTypes returns some of the types.
func pickTypes(ts []types.Type, which []int) []types.Type {
	out := make([]types.Type, len(which))
	for i, c := range which {
		out[i] = ts[c]
	}
	return out
}

// idents are positions 0, 1, 2 …, made once and shared; never written.
type idents struct{ all []int32 }

func (d *idents) upTo(n int) []int32 {
	for i := len(d.all); i < n; i++ {
		d.all = append(d.all, int32(i))
	}
	return d.all[:n]
}

// positions returns the column positions of the rows of a batch that count.
func (d *idents) positions(b *vec.Batch) []int32 {
	if b.Sel != nil {
		return b.Sel
	}
	return d.upTo(b.Rows)
}

// A grouping finds the slots of the groups that rows belong to. No key columns
// mean one group, under a constant key.
type grouping struct {
	cols  []int
	types []types.Type
	keys  keyed.Keys
	slots []keyed.Slot
	coded keyCodes
}

var noKey = vec.Vector(&vec.Const{Val: &vec.Fixed[int64]{Vals: []int64{0}}, N: 1})

func newGrouping(cols []int, input []types.Type) *grouping {
	g := &grouping{cols: cols, types: pickTypes(input, cols)}
	if len(cols) == 0 {
		g.types = []types.Type{types.TBigInt.Nullable(false)}
	}
	return g
}

// upsert returns the slots for rows of columns in t, made where they are absent,
// and those that were made; both valid until the next call.
func (g *grouping) upsert(t *keyed.Table, cols []vec.Vector, rows []int32, n int) (slots, made []keyed.Slot) {
	if g.coded.fits(cols, g.cols) {
		return g.upsertCodes(t, cols, rows, n), nil
	}
	g.prepare(cols, rows, n)
	made = t.Upsert(&g.keys, g.slots)
	return g.spread(len(rows)), made
}

// appendTo is upsert for rows that are added to those of a key without a look at them.
func (g *grouping) appendTo(m *keyed.Multi, cols []vec.Vector, rows []int32, n int) []keyed.Slot {
	g.prepare(cols, rows, n)
	m.Append(&g.keys, g.slots)
	return g.spread(len(rows))
}

// upsertKeys is upsert for columns that are the keys already, all rows of them.
func (g *grouping) upsertKeys(t *keyed.Table, keys []vec.Vector, n int) (slots, made []keyed.Slot) {
	g.keys.Prepare(g.types, keys, nil, n)
	g.slots = grow(g.slots, n)
	made = t.Upsert(&g.keys, g.slots)
	return g.slots, made
}

// upsertOf is upsert for the keys of slots of another table.
func (g *grouping) upsertOf(t, from *keyed.Table, slots []keyed.Slot) (at, made []keyed.Slot) {
	g.keys.Of(from, slots)
	g.slots = grow(g.slots, len(slots))
	made = t.Upsert(&g.keys, g.slots)
	return g.slots, made
}

// find is upsert that makes nothing.
func (g *grouping) find(t *keyed.Table, cols []vec.Vector, rows []int32, n int) []keyed.Slot {
	g.prepare(cols, rows, n)
	t.Find(&g.keys, g.slots)
	return g.spread(len(rows))
}

func (g *grouping) prepare(cols []vec.Vector, rows []int32, n int) {
	if len(g.cols) == 0 {
		g.keys.Prepare(g.types, []vec.Vector{vec.Flat(noKey)}, nil, 1)
		g.slots = grow(g.slots, max(1, len(rows)))[:1]
		return
	}
	g.keys.Prepare(g.types, pick(cols, g.cols), rows, n)
	g.slots = grow(g.slots, len(rows))
}

func (g *grouping) spread(n int) []keyed.Slot {
	if len(g.cols) > 0 {
		return g.slots
	}
	s := g.slots[0]
	g.slots = grow(g.slots, n)
	for i := range g.slots {
		g.slots[i] = s
	}
	return g.slots
}

// outKeys returns the key columns of slots as they are emitted.
func (g *grouping) outKeys(t *keyed.Table, slots []keyed.Slot) []vec.Vector {
	if len(g.cols) == 0 {
		return nil
	}
	return t.Keys(slots)
}

// grow returns s with length n; what it held is lost if it must be made anew.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// noWatermark is before every watermark.
const noWatermark = math.MinInt64
