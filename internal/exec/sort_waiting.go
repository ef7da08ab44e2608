package exec

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// rowtimes returns a column of microseconds.
func rowtimes(v vec.Vector) *vec.Fixed[int64] { return vec.Flat(v).(*vec.Fixed[int64]) }

func timeAt(times *vec.Fixed[int64], row int32) int64 {
	if times == nil || times.Valid.Null(int(row)) {
		return noWatermark
	}
	return times.Vals[row]
}

// byBucket calls f for the rows of each bucket of time, in their order.
func byBucket(times *vec.Fixed[int64], rows []int32, width int64, f func(t int64, part []int32)) {
	of := func(r int32) int64 {
		t := timeAt(times, r)
		if t < noWatermark+width {
			return noWatermark
		}
		return floorDiv(t, width) * width
	}
	if len(rows) == 0 {
		return
	}
	one := true
	first := of(rows[0])
	for _, r := range rows[1:] {
		if of(r) != first {
			one = false
			break
		}
	}
	if one {
		f(first, rows)
		return
	}
	parts := map[int64][]int32{}
	var order []int64
	for _, r := range rows {
		t := of(r)
		if parts[t] == nil {
			order = append(order, t)
		}
		parts[t] = append(parts[t], r)
	}
	for _, t := range order {
		f(t, parts[t])
	}
}

// A waiting row whose time has come.
type waiting struct {
	time int64
	seq  uint64
	ref  keyed.Ref
	slot keyed.Slot
}

func sortWaiting(list []waiting) {
	slices.SortFunc(list, func(a, b waiting) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq))
	})
}

// The words kept with a row that waits.
const (
	waitTime = iota
	waitSeq
	waitWords
)

// openWaiting opens buckets of rows that wait and returns the greatest sequence in
// them.
func openWaiting(ctx *Context, g *grouping, ts []types.Type) (b *keyed.MultiBuckets, seq uint64, err error) {
	shape := keyed.Shape{Name: "waiting", Key: g.types, Row: ts, Extra: waitWords, Groups: ctx.Groups, Memory: ctx.Memory, InOrder: true}
	if b, err = keyed.OpenMultiBuckets(ctx.State, ctx.evicting(shape)); err != nil {
		return nil, 0, err
	}
	return b, lastWaiting(ctx, b), nil
}

// waitLast is the value of a store that has the greatest sequence of rows that wait.
const waitLast = "waiting.last"

// lastWaiting returns the greatest sequence of the rows: those in memory tell it, of
// the others it was saved.
func lastWaiting(ctx *Context, b *keyed.MultiBuckets) (seq uint64) {
	for _, v := range ctx.State.Values(waitLast) {
		seq = max(seq, binary.BigEndian.Uint64(v))
	}
	for _, t := range b.Times() {
		m := b.Get(t)
		if m == nil {
			continue
		}
		for s := range m.Each {
			for r := m.First(s); r != 0; r = m.Next(r) {
				seq = max(seq, m.Extra(r)[waitSeq])
			}
		}
	}
	return seq
}

// snapshotWaiting saves rows that wait.
func snapshotWaiting(ctx *Context, b *keyed.MultiBuckets, seq uint64) error {
	ctx.State.SetValue(waitLast, binary.BigEndian.AppendUint64(nil, seq))
	return b.Snapshot()
}

// trimWaiting lets rows that wait leave memory, between two batches.
func trimWaiting(ctx *Context, b *keyed.MultiBuckets) error {
	if b == nil {
		return nil
	}
	b.Trim(0)
	return ctx.unfit(b.Bytes(), b.Err())
}

// keepWaiting adds rows to the bucket of time t.
func keepWaiting(wait *keyed.MultiBuckets, t int64, g *grouping, b *vec.Batch, rows []int32, times *vec.Fixed[int64], seq uint64) uint64 {
	m := wait.At(t)
	for i, s := range g.appendTo(m, b.Cols, rows, b.Rows) {
		seq++
		w := m.Extra(m.Add(s, b.Cols, int(rows[i])))
		w[waitTime], w[waitSeq] = uint64(timeAt(times, rows[i])), seq
	}
	wait.Settle(t)
	return seq
}

// dueTimes returns the buckets that have rows up to the watermark.
func dueTimes(b *keyed.MultiBuckets, mark int64) []int64 {
	times := b.Times()
	n, _ := slices.BinarySearch(times, satAdd(mark, 1))
	return times[:n]
}

// dueRows returns the rows of a bucket up to the watermark, by time and arrival.
func dueRows(b *keyed.MultiBuckets, t, mark int64) (m *keyed.Multi, due []waiting, err error) {
	if err := b.BringAll(t); err != nil {
		return nil, nil, err
	}
	if m = b.Get(t); m == nil {
		return nil, nil, nil // it has been dropped meanwhile
	}
	for s := range m.Each {
		for r := m.First(s); r != 0; r = m.Next(r) {
			if w := m.Extra(r); int64(w[waitTime]) <= mark {
				due = append(due, waiting{time: int64(w[waitTime]), seq: w[waitSeq], ref: r, slot: s})
			}
		}
	}
	sortWaiting(due)
	return m, due, nil
}

// leave takes rows out of a bucket, or the bucket whole when its time is over.
func leave(b *keyed.MultiBuckets, t, width, mark int64, due []waiting) {
	if satAdd(t, width-1) <= mark {
		b.Drop(t)
		return
	}
	m := b.Get(t)
	for _, w := range due {
		m.Remove(w.slot, w.ref)
	}
}
