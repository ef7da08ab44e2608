package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Fresh rows
//
// Most windows are small and soon over: their rows come, are joined, and are never asked
// for again. So what has come for a window since the last checkpoint stays as it came, in
// the columns of its batches, and is put into the lists by key only when somebody needs
// them there: a checkpoint, memory that is short, or a window with many rows. A window all
// of whose rows are fresh is joined from the columns.
const (
	freshRowsMax  = vec.BatchRowsMax // of a side of a window
	freshBytesMax = 16 << 20         // of the batches that a join keeps
)

// freshWindows are the fresh rows of one side. No window has fresh rows and also others.
type freshWindows struct {
	of    map[int64]*freshRows // by the window's end
	ends  []int64              // ascending
	spare []*freshRows
	bytes int64 // of the batches
}

// freshRows are those of a window, in the order in which they came. A keyed.Ref is a row's
// ordinal + 1.
type freshRows struct {
	types []types.Type
	parts []freshPart
	n     int
	cols  []vec.Vector // of all rows, where they have been asked for
	at    []int32

	// By key, see freshKeys; nil: all rows have one key.
	list []keyed.Ref
	from []int32 // by slot: where its rows begin in list, and at the end their number
	room []int32 // the memory for from
}

// freshPart is the rows of a batch that belong to one window: those of rows, or, if that
// is nil, those in [from, to).
type freshPart struct {
	b        *freshBatch
	rows     []int32
	from, to int32
}

// freshBatch is a batch that is kept until the last of its parts is gone.
type freshBatch struct {
	b     *vec.Batch
	parts int
	bytes int64
}

// windowRows are the rows of a window on one side, which are joined with those on the
// other.
type windowRows interface {
	Rows(refs []keyed.Ref, s keyed.Slot) []keyed.Ref
	Gather(refs []keyed.Ref, col int) vec.Vector
}

// keep takes the rows of a batch that belong to a window, in place of the lists; it
// reports false where they are to go there.
func (f *freshWindows) keep(side *joinSide, p *windowPart, b *freshBatch) bool {
	rows := f.of[p.end]
	if len(p.rows) > freshRowsMax || rows == nil && side.rows.Has(p.end) {
		return false
	}
	if rows == nil {
		rows = f.add(p.end, side.types)
	}
	if rows.n+len(p.rows) > freshRowsMax {
		return false
	}
	part := freshPart{b: b, from: p.rows[0], to: p.rows[0] + int32(len(p.rows))}
	if p.rows[len(p.rows)-1] != part.to-1 {
		part.rows = slices.Clone(p.rows)
	}
	rows.parts, rows.n = append(rows.parts, part), rows.n+len(p.rows)
	b.parts++
	return true
}

func (f *freshWindows) add(end int64, types []types.Type) *freshRows {
	rows := &freshRows{types: types}
	if n := len(f.spare); n > 0 {
		rows, f.spare = f.spare[n-1], f.spare[:n-1]
	}
	if f.of == nil {
		f.of = map[int64]*freshRows{}
	}
	f.of[end] = rows
	i, _ := slices.BinarySearch(f.ends, end)
	f.ends = slices.Insert(f.ends, i, end)
	return rows
}

// drop forgets the fresh rows of a window, and returns the bytes that are free then.
func (f *freshWindows) drop(end int64) (free int64) {
	rows := f.of[end]
	if rows == nil {
		return 0
	}
	for _, p := range rows.parts {
		if p.b.parts--; p.b.parts == 0 {
			free += p.b.bytes
		}
	}
	f.bytes -= free
	clear(rows.parts)
	clear(rows.cols)
	rows.parts, rows.n, rows.from = rows.parts[:0], 0, nil
	f.spare = append(f.spare, rows)
	delete(f.of, end)
	if i, _ := slices.BinarySearch(f.ends, end); i == 0 {
		f.ends = f.ends[1:]
	} else {
		f.ends = slices.Delete(f.ends, i, i+1)
	}
	return free
}

// positions returns where the rows of a part lie in its batch; valid until the next call.
func (f *freshRows) positions(p *freshPart) []int32 {
	if p.rows != nil {
		return p.rows
	}
	f.at = f.at[:0]
	for r := p.from; r < p.to; r++ {
		f.at = append(f.at, r)
	}
	return f.at
}

// Rows implements windowRows.
func (f *freshRows) Rows(refs []keyed.Ref, s keyed.Slot) []keyed.Ref {
	if f.from != nil {
		return append(refs, f.list[f.from[s]:f.from[s+1]]...)
	}
	for i := range f.n {
		refs = append(refs, keyed.Ref(i+1))
	}
	return refs
}

// freshFew is how many rows a window has for one of which a column is wanted, for it not
// to be worth while to put the column together.
const freshFew = 4

// Gather implements windowRows.
func (f *freshRows) Gather(refs []keyed.Ref, col int) vec.Vector {
	n := len(refs)
	if n*freshFew < f.n {
		return f.few(refs, col)
	}
	all := f.column(col)
	if n == f.n && inOrder(refs) {
		return all
	}
	f.at = f.at[:0]
	for _, r := range refs {
		f.at = append(f.at, int32(r-1))
	}
	return vec.Take(all, f.at)
}

// few is Gather for some of many rows.
func (f *freshRows) few(refs []keyed.Ref, col int) vec.Vector {
	var of *freshPart
	f.at = f.at[:0]
	for _, r := range refs {
		p, at := f.find(int32(r - 1))
		if of != nil && p != of {
			of = nil
			break
		}
		of, f.at = p, append(f.at, int32(at))
	}
	if of != nil {
		return vec.Take(of.b.b.Cols[col], f.at)
	}
	b := vec.NewBuilder(f.types[col])
	for _, r := range refs {
		p, at := f.find(int32(r - 1))
		b.From(p.b.b.Cols[col], at)
	}
	return b.Finish()
}

// inOrder reports whether refs are 1, 2, 3 …
func inOrder(refs []keyed.Ref) bool {
	for i, r := range refs {
		if int(r) != i+1 {
			return false
		}
	}
	return true
}

// find returns the part that has a row, and its position there.
func (f *freshRows) find(row int32) (*freshPart, int) {
	for i := range f.parts {
		p := &f.parts[i]
		n := p.to - p.from // rows or not
		if row >= n {
			row -= n
			continue
		}
		if p.rows != nil {
			return p, int(p.rows[row])
		}
		return p, int(p.from + row)
	}
	panic("exec: a row that no part has")
}

// column returns a column of all rows.
func (f *freshRows) column(col int) vec.Vector {
	if f.cols == nil {
		f.cols = make([]vec.Vector, len(f.types))
	}
	if f.cols[col] != nil {
		return f.cols[col]
	}
	var b *vec.Builder
	for i := range f.parts {
		p := &f.parts[i]
		v := f.part(p, col)
		if len(f.parts) == 1 {
			f.cols[col] = v
			return v
		}
		if b == nil {
			b = vec.NewBuilder(f.types[col])
			b.Reserve(f.n)
		}
		b.FromAll(v, int(p.to-p.from))
	}
	f.cols[col] = b.Finish()
	return f.cols[col]
}

// part returns a column of a part, which may share memory with that of the batch.
func (f *freshRows) part(p *freshPart, col int) vec.Vector {
	v := p.b.b.Cols[col]
	if x, ok := v.(*vec.Fixed[int64]); ok && p.rows == nil && x.Valid == nil {
		return &vec.Fixed[int64]{Vals: x.Vals[p.from:p.to:p.to]}
	}
	return vec.Take(v, f.positions(p))
}

// take puts the rows of a batch by their windows: fresh, or into the lists.
func (w *WindowJoin) take(side *joinSide, b *vec.Batch) {
	held := &freshBatch{b: b}
	for i := range w.parts.list {
		p := &w.parts.list[i]
		if !side.fresh.keep(side, p, held) {
			w.settle(side, p.end)
			w.list(side, p.end, b, p.rows)
		}
	}
	if held.parts > 0 {
		held.bytes = vec.Bytesize(b)
		side.fresh.bytes += held.bytes
		w.ctx.Memory.Add(held.bytes)
	}
}

// list puts rows into the lists of their window.
func (w *WindowJoin) list(side *joinSide, end int64, b *vec.Batch, rows []int32) {
	m := side.rows.At(end)
	slots := side.group.appendTo(m, b.Cols, rows, b.Rows)
	w.refs[0] = grow(w.refs[0], len(rows))
	m.AddRows(slots, b.Cols, rows, w.refs[0])
}

// settle puts the fresh rows of a window into the lists.
func (w *WindowJoin) settle(side *joinSide, end int64) {
	f := side.fresh.of[end]
	if f == nil {
		return
	}
	for i := range f.parts {
		p := &f.parts[i]
		w.list(side, end, p.b.b, f.positions(p))
	}
	w.forget(side, end)
}

// forget drops the fresh rows of a window.
func (w *WindowJoin) forget(side *joinSide, end int64) {
	if free := side.fresh.drop(end); free > 0 {
		w.ctx.Memory.Add(-free)
	}
}

// settleAll puts all fresh rows into the lists.
func (w *WindowJoin) settleAll() {
	for i := range w.sides {
		side := &w.sides[i]
		for len(side.fresh.ends) > 0 {
			w.settle(side, side.fresh.ends[0])
		}
	}
}

// freshBytes is the memory of the batches that are kept.
func (w *WindowJoin) freshBytes() int64 { return w.sides[0].fresh.bytes + w.sides[1].fresh.bytes }

// fresh returns the window that ends at end if all of its rows are fresh.
func (w *WindowJoin) fresh(end int64) *joinedWindow {
	if w.sides[0].rows.Has(end) || w.sides[1].rows.Has(end) {
		return nil
	}
	x := &joinedWindow{w: w, end: end, phase: 2, whole: true}
	for i := range w.sides {
		if f := w.sides[i].fresh.of[end]; f != nil {
			x.side[i] = f
		}
	}
	return x
}

// nextFresh is next for a window of fresh rows.
func (x *joinedWindow) nextFresh() (bool, error) {
	if !x.whole {
		return false, nil
	}
	*x = joinedWindow{w: x.w, end: x.end, side: x.side}
	x.refs, x.hits[0] = [2][]keyed.Ref{x.w.refs[0][:0], x.w.refs[1][:0]}, x.w.hits[:0]
	var lists [2]*freshRows
	for i := range lists {
		lists[i], _ = x.side[i].(*freshRows)
	}
	k := &x.w.keys
	if err := k.find(x.w, lists); err != nil {
		return false, err
	}
	x.keys, x.with = k.left, k.with
	x.outer(k.right)
	return true, nil
}

// freshKeys finds which fresh rows of a window have the same key. The keys of both sides
// are in one table, so a key has one slot.
type freshKeys struct {
	constant bool // the key columns are the bounds of the window, or there are none
	table    *keyed.Table
	keys     keyed.Keys
	cols     []vec.Vector // of a side
	slots    []keyed.Slot // of its rows
	void     []bool       // by slot: a key of the left side that equals nothing

	left, right []keyed.Slot // the keys of a side, by their first rows
	with        []keyed.Slot // by ordinal of left: the right key that equals it, or None
}

// open says which columns are keys: all rows of a window that may match have the same
// bounds.
func (k *freshKeys) open(spec *jobgraph.WindowJoin) {
	k.constant = true
	for i, l := range spec.LeftKeys {
		r := spec.RightKeys[i]
		if (l != spec.LeftEnd || r != spec.RightEnd) && (l != spec.LeftStart || r != spec.RightStart) {
			k.constant = false
		}
	}
}

// find sets the keys of both sides; nil has no rows.
func (k *freshKeys) find(w *WindowJoin, lists [2]*freshRows) error {
	k.left, k.right, k.with = k.left[:0], k.right[:0], k.with[:0]
	if k.constant {
		for i, keys := range []*[]keyed.Slot{&k.left, &k.right} {
			if lists[i] != nil {
				*keys = append(*keys, 0)
			}
		}
		if lists[0] != nil {
			k.with = append(k.with, 0)
			if lists[1] == nil {
				k.with[0] = keyed.None
			}
		}
		return nil
	}
	if err := k.clear(w); err != nil {
		return err
	}
	for i, keys := range []*[]keyed.Slot{&k.left, &k.right} {
		if lists[i] != nil {
			*keys = k.sort(w, i, lists[i], *keys)
		}
	}
	for _, s := range k.left {
		if lists[1] == nil || k.void[s] || lists[1].from[s] == lists[1].from[s+1] {
			s = keyed.None
		}
		k.with = append(k.with, s)
	}
	return nil
}

func (k *freshKeys) clear(w *WindowJoin) (err error) {
	if k.table != nil {
		k.table.Clear()
		return nil
	}
	k.table, err = keyed.Open(scratch{w.ctx.Groups}, keyed.Shape{Name: "fresh", Key: w.sides[1].group.types, Groups: w.ctx.Groups, Memory: w.ctx.Memory, Words: 1})
	return err
}

// sort sets the lists of a side's rows by key, and appends its keys to found. Rows with a
// NULL that equals nothing have a list, too; those of the left side are void.
func (k *freshKeys) sort(w *WindowJoin, side int, f *freshRows, found []keyed.Slot) []keyed.Slot {
	k.cols = k.cols[:0]
	for _, c := range w.sides[side].group.cols {
		k.cols = append(k.cols, f.column(c))
	}
	k.keys.Prepare(w.sides[1].group.types, k.cols, nil, f.n)
	k.slots = grow(k.slots, f.n)
	k.table.Upsert(&k.keys, k.slots)
	n := k.table.Len()
	f.from, f.list = grow(f.room, n+1), grow(f.list, f.n)
	f.room = f.from
	clear(f.from)
	for _, s := range k.slots {
		f.from[s]++
	}
	at := int32(0)
	for s := range f.from {
		at += f.from[s]
		if f.from[s] > 0 {
			found = append(found, keyed.Slot(s))
		}
		f.from[s] = at // where its list ends
	}
	for i := f.n - 1; i >= 0; i-- {
		s := k.slots[i]
		f.from[s]--
		f.list[f.from[s]] = keyed.Ref(i + 1)
	}
	if side == 0 {
		k.voids(w, f.n)
	}
	return found
}

// voids notes the keys of the left side that equal nothing.
func (k *freshKeys) voids(w *WindowJoin, n int) {
	k.void = grow(k.void, k.table.Len())
	clear(k.void)
	for i, c := range k.cols {
		if w.safe[i] {
			continue
		}
		for r := range n {
			if c.Null(r) {
				k.void[k.slots[r]] = true
			}
		}
	}
}
