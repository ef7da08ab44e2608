package exec

import (
	"encoding/binary"
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// joined keeps what the rows of a changing input were joined with, where asking again
// might give something else: a row is taken back with just that.
//
// The input's rows are kept under the join key, each with a number; the rows that it
// was joined with are kept under the same key with the same number, and found by an
// index in memory, of the keys that are there. A row that was joined with nothing is
// kept only if it was put out.
type joined struct {
	left, right side
	byID        map[joinedID][]keyed.Ref
	last        uint64
	ttlMs       int64 // 0: for good
	swept       int64
	now         uint64 // when the row at hand came, in milliseconds
	ctx         *Context

	batch *vec.Batch // whose keys are prepared
	keys  keyed.Keys
}

// A joinedID is a row of the input: numbers are unique under a key.
type joinedID struct {
	slot keyed.Slot // of the right table
	id   uint64
}

func openJoined(ctx *Context, keys []int, left, right []types.Type, ttlMs int64) (k *joined, err error) {
	k = &joined{ctx: ctx, ttlMs: ttlMs, left: newSide(keys, left, nil), byID: map[joinedID][]keyed.Ref{}}
	k.right = side{keyTs: k.left.keyTs, types: right}
	stamps := 1
	if ttlMs > 0 {
		stamps++ // when the row came
	}
	if k.left.rows, err = keyed.OpenMulti(ctx.State, ctx.expiring(k.left.shape("joined", ctx, stamps), 1, ttlMs)); err != nil {
		return nil, err
	}
	if k.right.rows, err = keyed.OpenMulti(ctx.State, ctx.expiring(k.right.shape("joined with", ctx, stamps), 1, ttlMs)); err != nil {
		return nil, err
	}
	for _, b := range ctx.State.Values(joinedLast) {
		k.last = max(k.last, binary.BigEndian.Uint64(b))
	}
	k.list(slices.Collect(k.right.rows.Each))
	k.right.rows.Follow(keyed.Follower{Came: k.list, Leaves: k.unlist, Held: k.held})
	return k, nil
}

// joinedLast is the value of the store that has the last number.
const joinedLast = "joined.last"

// list puts the rows that rows of some keys were joined with into the index.
func (k *joined) list(slots []keyed.Slot) {
	rows := k.right.rows
	for _, s := range slots {
		for r := rows.First(s); r != 0; r = rows.Next(r) {
			id := joinedID{s, rows.Extra(r)[0]}
			k.byID[id] = append(k.byID[id], r)
		}
	}
}

// unlist takes those of a key out of it.
func (k *joined) unlist(s keyed.Slot) bool {
	for r := k.right.rows.First(s); r != 0; r = k.right.rows.Next(r) {
		delete(k.byID, joinedID{s, k.right.rows.Extra(r)[0]})
	}
	return true
}

// held is about how much memory the index has.
func (k *joined) held() (bytes, free int64) { return int64(len(k.byID)) * 96, 0 }

// prepare hashes the keys of a batch without Sel.
func (k *joined) prepare(b *vec.Batch) {
	if k.batch != b {
		k.batch = b
		k.left.prepare(&k.keys, b)
	}
}

// keep remembers that a row was joined with the rows [from, to) of cols; again tells
// that it was joined with others just before.
func (k *joined) keep(b *vec.Batch, row int32, cols []vec.Vector, from, to int, again bool) {
	k.prepare(b)
	if !again {
		k.last++
		if k.ttlMs > 0 {
			k.now = uint64(k.ctx.Env.Now() / 1000)
		}
		r := k.left.rows.Add(k.left.rows.SlotOne(&k.keys, int(row), true), b.Cols, int(row))
		k.stamp(k.left.rows.Extra(r))
	}
	if from == to {
		return
	}
	slot := k.right.rows.SlotOne(&k.keys, int(row), true)
	id := joinedID{slot, k.last}
	refs := k.byID[id]
	for i := from; i < to; i++ {
		ref := k.right.rows.Add(slot, cols, i)
		k.stamp(k.right.rows.Extra(ref))
		refs = append(refs, ref)
	}
	k.byID[id] = refs
}

// stamp writes the number of the row at hand, and when it came.
func (k *joined) stamp(extra []uint64) {
	extra[0] = k.last
	if k.ttlMs > 0 {
		extra[1] = k.now
	}
}

// takeBack puts out, with the kind of the row that takes it back, what an equal row
// was joined with, and forgets it.
func (k *joined) takeBack(b *vec.Batch, row int32, out *joinedOut) {
	k.prepare(b)
	at := k.left.rows.SlotOne(&k.keys, int(row), false)
	if at == keyed.None {
		return // it was joined with nothing, and not put out
	}
	left := k.left.rows.FindRow(at, b.Cols, int(row))
	if left == 0 {
		return
	}
	slot := k.right.rows.SlotOne(&k.keys, int(row), false)
	id := joinedID{slot, k.left.rows.Extra(left)[0]}
	refs := k.byID[id]
	if len(refs) == 0 {
		out.alone(b, row)
	} else {
		out.pairs(b, row, gather(k.right.rows, refs, k.right.types), 0, len(refs))
	}
	delete(k.byID, id)
	for _, r := range refs {
		k.right.rows.Remove(slot, r)
	}
	k.left.rows.Remove(at, left)
}

// sweep forgets the rows that came too long ago.
func (k *joined) sweep(nowMs int64) {
	if nowMs-k.swept < k.ttlMs/2 {
		return
	}
	k.swept = nowMs
	for _, rows := range [...]*keyed.Multi{k.left.rows, k.right.rows} {
		var gone []keyed.Ref
		for s := range rows.Each {
			for r := rows.First(s); r != 0; r = rows.Next(r) {
				if x := rows.Extra(r); nowMs-int64(x[1]) > k.ttlMs {
					gone = append(gone, r)
					if rows == k.right.rows {
						delete(k.byID, joinedID{s, x[0]})
					}
				}
			}
		}
		for _, r := range gone {
			rows.Remove(rows.SlotOf(r), r)
		}
	}
}

func (k *joined) err() error {
	if err := k.left.rows.Err(); err != nil {
		return err
	}
	return k.right.rows.Err()
}

func (k *joined) snapshot() error {
	k.batch = nil
	k.ctx.State.SetValue(joinedLast, binary.BigEndian.AppendUint64(nil, k.last))
	if err := k.left.rows.Snapshot(); err != nil {
		return err
	}
	return k.right.rows.Snapshot()
}

func (k *joined) close() {
	k.left.rows.Close()
	k.right.rows.Close()
}

// joinedOut makes the batches of a join whose right rows are at hand as columns.
// Where nothing is ever taken back it collects positions, and whole columns are taken
// by them; else it builds row by row, for rows of several origins come mixed.
type joinedOut struct {
	left, right []types.Type
	bs          []*vec.Builder // nil: positions
	kinds       []vec.RowKind
	l, r        []int32
}

func newJoinedOut(left, right []types.Type, changes bool) joinedOut {
	o := joinedOut{left: left, right: right}
	if changes {
		o.renew()
	}
	return o
}

func (o *joinedOut) renew() {
	o.bs = nil
	for _, t := range append(append([]types.Type(nil), o.left...), o.right...) {
		o.bs = append(o.bs, vec.NewBuilder(t))
	}
}

// pairs adds a row of b with the rows [from, to) of cols.
func (o *joinedOut) pairs(b *vec.Batch, row int32, cols []vec.Vector, from, to int) {
	for i := from; i < to; i++ {
		if o.bs == nil {
			o.l, o.r = append(o.l, row), append(o.r, int32(i))
			continue
		}
		o.build(b, row, cols, i)
	}
}

// alone adds a row of b with NULLs.
func (o *joinedOut) alone(b *vec.Batch, row int32) {
	if o.bs == nil {
		o.l, o.r = append(o.l, row), append(o.r, absent)
		return
	}
	o.build(b, row, nil, 0)
}

func (o *joinedOut) build(b *vec.Batch, row int32, cols []vec.Vector, i int) {
	o.kinds = append(o.kinds, b.Kind(int(row)))
	for c := range o.left {
		o.bs[c].From(b.Cols[c], int(row))
	}
	for c := range o.right {
		if to := o.bs[len(o.left)+c]; cols == nil {
			to.Null()
		} else {
			to.From(cols[c], i)
		}
	}
}

// flush returns what was added since the last call, all of it of b and cols, or nil.
func (o *joinedOut) flush(b *vec.Batch, cols []vec.Vector) *vec.Batch {
	var out *vec.Batch
	switch {
	case o.bs == nil && len(o.l) > 0:
		out = &vec.Batch{Rows: len(o.l), Cols: append(takeAll(b.Cols, o.l), takeOrNull(cols, o.right, o.r)...)}
	case len(o.kinds) > 0:
		out = &vec.Batch{Rows: len(o.kinds), Kinds: o.kinds}
		for _, to := range o.bs {
			out.Cols = append(out.Cols, to.Finish())
		}
		o.renew()
	}
	o.l, o.r, o.kinds = o.l[:0], o.r[:0], nil
	return out
}
