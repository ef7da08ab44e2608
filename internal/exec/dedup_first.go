package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// hold keeps rows that may be the first of their keys until the watermark passes.
func (d *Dedup) hold(b *vec.Batch, rows []int32) {
	slots, _ := d.group.upsert(d.keys, b.Cols, rows, b.Rows)
	times := d.times(b)
	now := d.nowMs()
	var keep []int32
	for i, s := range slots {
		w := d.keys.Words(s)
		if d.old(w, now) {
			w[dedupState] = dedupNone
		}
		at := timeAt(times, rows[i])
		if w[dedupState] != dedupNone && at >= int64(w[dedupTime]) {
			continue
		}
		if at <= d.mark {
			d.late(b, rows[i])
			continue
		}
		w[dedupTime], w[dedupState], w[dedupSeen] = uint64(at), dedupWaiting, 0
		d.keys.Touch(s)
		keep = append(keep, rows[i])
	}
	byBucket(times, keep, dedupBucket, func(t int64, part []int32) {
		m := d.wait.At(t)
		slots, _ := d.group.upsert(&m.Table, b.Cols, part, b.Rows)
		for i, s := range slots {
			d.seq++
			x := m.Extra(m.Add(s, b.Cols, int(part[i])))
			x[0], x[1] = uint64(timeAt(times, part[i])), d.seq
		}
	})
}

// late counts a row that would have been the first, had it come in time.
func (d *Dedup) late(b *vec.Batch, row int32) {
	d.ctx.Counters.LateDropped++
	if d.ctx.Late != nil {
		d.ctx.Late.Dropped(d.ctx.Op, 0, b, int(row))
	}
}

// fire puts out the first rows up to the watermark.
func (d *Dedup) fire(mark int64) {
	d.mark = max(d.mark, mark)
	for _, t := range d.wait.Times() {
		if t > d.mark {
			break
		}
		d.fireBucket(t)
	}
	d.feed.watermark(mark)
}

func (d *Dedup) fireBucket(t int64) {
	m := d.wait.Get(t)
	var due []waiting
	for s := range m.Each {
		for r := m.First(s); r != 0; r = m.Next(r) {
			if x := m.Extra(r); int64(x[0]) <= d.mark {
				due = append(due, waiting{time: int64(x[0]), seq: x[1], ref: r, slot: s})
			}
		}
	}
	sortWaiting(due)
	slots := make([]keyed.Slot, len(due))
	for i := range due {
		slots[i] = due[i].slot
	}
	firsts := d.due(m.Keys(slots), due)
	for n := 0; n < len(firsts); n += vec.BatchRowsMax {
		refs := firsts[n:min(n+vec.BatchRowsMax, len(firsts))]
		d.feed.batch(&vec.Batch{Cols: gather(m, refs, d.spec.Types), Rows: len(refs)})
	}
	if t+dedupBucket-1 <= d.mark {
		d.wait.Drop(t)
		return
	}
	for _, w := range due {
		m.Remove(w.slot, w.ref)
	}
}

// due returns the rows that are still the first of their keys, and notes that
// these have come out.
func (d *Dedup) due(keys []vec.Vector, due []waiting) []keyed.Ref {
	var refs []keyed.Ref
	slots, _ := d.group.upsertKeys(d.keys, keys, len(due))
	now := d.nowMs()
	for i, s := range slots {
		w := d.keys.Words(s)
		if w[dedupState] == dedupWaiting && int64(w[dedupTime]) == due[i].time {
			w[dedupState], w[dedupSeen] = dedupDone, uint64(now)
			d.keys.Touch(s)
			refs = append(refs, due[i].ref)
		}
	}
	return refs
}
