package exec

import (
	"cmp"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Dedup keeps the first or the last row of each key, by the rowtime or by arrival.
// Of rows with equal times the first to arrive is the first, the last to arrive
// the last.
//
// What it remembers of a key depends on what it has to say later:
//
//	first by arrival             that the key was there
//	last, without -U             the time of the last row
//	last, with -U; at the end    the last (first) row
//	first by rowtime, a stream   the first row, until the watermark has passed its
//	                             time: then it is put out, once
//
// A row at or behind the watermark cannot be a first row by rowtime in a stream: it is
// late, as in Flink. A last row has no such bound.
type Dedup struct {
	Base
	spec  *jobgraph.Dedup
	ctx   *Context
	group *grouping
	ident idents
	feed  feed
	held  heldMark

	// keys has the words of dedupKey under each key; rows, where there are any,
	// the row at hand under the same key.
	keys *keyed.Table
	rows *keyed.Multi
	wait *keyed.MultiBuckets // first rows by rowtime, in buckets by time
	mark int64
	seq  uint64

	spill   *spillReplay // at the end; nil: nothing can be spilled
	changes rowChanges
	swept   int64
}

// The words of a key.
const (
	dedupTime  = iota // rowtime of the row at hand
	dedupState        // dedupNone …
	dedupSeen         // processing time of the last change, ms, for the time to live; 0 while it waits
	_                 // of earlier versions, whose checkpoints have it
	dedupWords
)

const (
	dedupNone    = iota
	dedupWaiting // for the watermark
	dedupDone    // a row was put out
)

// dedupBucket is the width of the buckets of waiting rows, in microseconds.
const dedupBucket = 1_000_000

// NewDedup returns the operator for a spec.
func NewDedup(spec *jobgraph.Dedup) Operator { return &Dedup{spec: spec} }

// waits reports whether rows wait for the watermark.
func (d *Dedup) waits() bool {
	return d.spec.Time >= 0 && !d.spec.KeepLast && d.spec.Emit == jobgraph.OnChange
}

// keeps reports whether the row at hand is kept whole.
func (d *Dedup) keeps() bool {
	if d.spec.Emit == jobgraph.AtEnd {
		return d.spec.Time >= 0 || d.spec.KeepLast
	}
	return d.spec.KeepLast && d.spec.SendBefore
}

// Open implements Operator.
func (d *Dedup) Open(ctx *Context) (err error) {
	d.ctx = ctx
	d.group = newGrouping(d.spec.Keys, d.spec.Types)
	d.mark = restoredTime(ctx.State, "watermark")
	if d.spec.Emit == jobgraph.AtEnd {
		d.spill = newSpillReplay(ctx, "dedup", dedupEnd{d}, d.spec.Keys, d.spec.Types)
		return d.openTables(scratch{ctx.Groups})
	}
	if err := d.openTables(ctx.State); err != nil || !d.waits() {
		return err
	}
	rows := d.rowsShape()
	rows.Name, rows.Extra = "waiting", 2
	if d.wait, err = keyed.OpenMultiBuckets(ctx.State, rows); err != nil {
		return err
	}
	for _, t := range d.wait.Times() {
		m := d.wait.Get(t)
		for s := range m.Each {
			for r := m.First(s); r != 0; r = m.Next(r) {
				d.seq = max(d.seq, m.Extra(r)[1])
			}
		}
	}
	return nil
}

func (d *Dedup) rowsShape() keyed.Shape {
	return keyed.Shape{Name: "rows", Key: d.group.types, Row: d.spec.Types, Extra: dedupWords, Groups: d.ctx.Groups, Memory: d.ctx.Memory}
}

// openTables opens the table of keys, or that of rows.
func (d *Dedup) openTables(store state.Store) (err error) {
	shape := keyed.Shape{Name: "keys", Key: d.group.types, Words: dedupWords, Groups: d.ctx.Groups, Memory: d.ctx.Memory}
	if d.keeps() {
		shape = d.rowsShape()
	}
	if d.spec.Emit == jobgraph.OnChange {
		shape = d.ctx.expiring(shape, dedupSeen, d.spec.TTLMs)
	}
	if d.keeps() {
		d.rows, err = keyed.OpenMulti(store, shape)
	} else {
		d.keys, err = keyed.Open(store, shape)
	}
	return err
}

func (d *Dedup) closeTables() {
	if d.keys != nil {
		d.keys.Close()
	}
	if d.rows != nil {
		d.rows.Close()
	}
}

// Process implements Operator.
func (d *Dedup) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	d.trim()
	rows := d.ident.positions(b)
	switch {
	case len(rows) == 0:
	case d.spec.Emit == jobgraph.AtEnd:
		if err := d.processEnd(b, rows); err != nil {
			return false, err
		}
	case d.wait != nil:
		segments(b, func(part *vec.Batch, mark *vec.Mark) {
			if part.Len() > 0 {
				d.hold(part, d.ident.positions(part))
			}
			if mark != nil {
				d.mark = max(d.mark, mark.Time)
			}
		})
	case d.rows != nil:
		d.replace(b, rows)
	case d.spec.KeepLast:
		d.upsert(b, rows)
	default:
		d.feed.batch(d.first(b, rows))
	}
	if m, ok := lastMark(b); ok {
		d.forward(m)
	}
	return d.drain(out)
}

// trim lets keys leave memory, between two batches.
func (d *Dedup) trim() {
	if d.keys != nil {
		d.keys.Trim()
	}
	if d.rows != nil {
		d.rows.Trim()
	}
}

func (d *Dedup) drain(out Output) (bool, error) {
	if d.spill == nil {
		if err := cmp.Or(tableErr(d.keys), multiErr(d.rows)); err != nil {
			return false, err
		}
	}
	return d.feed.drain(out)
}

// tableErr and multiErr return the error of a table that has outgrown its budget.
func tableErr(t *keyed.Table) error {
	if t == nil {
		return nil
	}
	return t.Err()
}

func multiErr(m *keyed.Multi) error {
	if m == nil {
		return nil
	}
	return m.Err()
}

// nowMs is processing time.
func (d *Dedup) nowMs() int64 {
	if d.spec.TTLMs == 0 {
		return 0
	}
	return d.ctx.Env.Now() / 1000
}

// old reports whether a key's time to live is over.
func (d *Dedup) old(w []uint64, now int64) bool {
	return d.spec.TTLMs > 0 && w[dedupState] == dedupDone && now-int64(w[dedupSeen]) > d.spec.TTLMs
}

// first returns the rows of keys that are new.
func (d *Dedup) first(b *vec.Batch, rows []int32) *vec.Batch {
	slots, made := d.group.upsert(d.keys, b.Cols, rows, b.Rows)
	if len(made) == 0 && d.spec.TTLMs == 0 {
		return noRows
	}
	now := d.nowMs()
	sel := make([]int32, 0, len(made))
	for i, s := range slots {
		w := d.keys.Words(s)
		if w[dedupState] == dedupDone && !d.old(w, now) {
			continue
		}
		w[dedupState], w[dedupSeen] = dedupDone, uint64(now)
		d.keys.Touch(s)
		sel = append(sel, rows[i])
	}
	return &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: sel}
}

// upsert puts out rows that are the last of their keys so far, without -U.
func (d *Dedup) upsert(b *vec.Batch, rows []int32) {
	slots, _ := d.group.upsert(d.keys, b.Cols, rows, b.Rows)
	times := d.times(b)
	now := d.nowMs()
	sel := make([]int32, 0, len(rows))
	kinds := make([]vec.RowKind, b.Rows)
	slab, shift, mask, stride := d.keys.Slab()
	for i, s := range slots {
		w := slab[uint(s)>>shift][(int(s)&mask)*stride:][:dedupWords]
		if d.old(w, now) {
			w[dedupState] = dedupNone
		}
		r := rows[i]
		at := timeAt(times, r)
		if w[dedupState] == dedupDone {
			if at < int64(w[dedupTime]) {
				continue
			}
			kinds[r] = vec.UpdateAfter
		}
		w[dedupTime], w[dedupState], w[dedupSeen] = uint64(at), dedupDone, uint64(now)
		sel = append(sel, r)
	}
	d.keys.Touch(slots...)
	d.feed.batch(&vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: sel, Kinds: kinds})
}

// times returns the rowtime column, nil for arrival.
func (d *Dedup) times(b *vec.Batch) *vec.Fixed[int64] {
	if d.spec.Time < 0 {
		return nil
	}
	return rowtimes(b.Cols[d.spec.Time])
}

// replace keeps the row of each key that is wanted, and puts out the change unless
// results come at the end.
func (d *Dedup) replace(b *vec.Batch, rows []int32) {
	m := d.rows
	slots, _ := d.group.upsert(&m.Table, b.Cols, rows, b.Rows)
	m.Warm(slots)
	times := d.times(b)
	now := d.nowMs()
	sends := d.spec.Emit == jobgraph.OnChange
	if sends {
		d.changes.room(2 * len(rows))
	}
	for i, s := range slots {
		r := rows[i]
		at := timeAt(times, r)
		prev := m.Last(s) // those before it are of this batch, not yet removed
		if prev != 0 {
			w := m.Extra(prev)
			was := int64(w[dedupTime])
			switch {
			case d.old(w, now):
				d.changes.drop(prev)
				prev = 0
			case d.spec.KeepLast && at < was, !d.spec.KeepLast && at >= was:
				continue
			}
		}
		ref := m.Add(s, b.Cols, int(r))
		w := m.Extra(ref)
		w[dedupTime], w[dedupState], w[dedupSeen] = uint64(at), dedupDone, uint64(now)
		if prev == 0 {
			if sends {
				d.changes.add(vec.Insert, ref, 0)
			}
			continue
		}
		if sends {
			d.changes.add(vec.UpdateBefore, prev, 0)
			d.changes.add(vec.UpdateAfter, ref, 0)
		}
		d.changes.drop(prev)
	}
	for sends && d.changes.len() > 0 {
		d.feed.batch(d.changes.take(m, d.spec.Types, false))
	}
	d.changes.forget(m)
}

// forward passes a watermark on.
func (d *Dedup) forward(t int64) {
	switch {
	case d.wait != nil:
		d.fire(t)
	case d.spec.Emit == jobgraph.AtEnd:
		d.held.hold(t)
	default:
		d.feed.watermark(t)
	}
}

// Watermark implements Operator.
func (d *Dedup) Watermark(t int64, out Output) (bool, error) {
	d.forward(t)
	return d.drain(out)
}

// Resume implements Operator.
func (d *Dedup) Resume(out Output) (bool, error) { return d.drain(out) }

// EndInput implements Operator.
func (d *Dedup) EndInput(_ int, out Output) (bool, error) {
	if d.spec.Emit == jobgraph.AtEnd {
		if err := d.finishEnd(); err != nil {
			return false, err
		}
	}
	return d.drain(out)
}

// eachRow returns a source of batches with all rows of a table.
func eachRow(m *keyed.Multi, ts []types.Type) func() (*vec.Batch, error) {
	var refs []keyed.Ref
	for s := range m.Each {
		refs = m.Rows(refs, s)
	}
	return refBatches(m, refs, ts)
}

// refBatches returns a source of batches with rows of a table.
func refBatches(m *keyed.Multi, refs []keyed.Ref, ts []types.Type) func() (*vec.Batch, error) {
	return func() (*vec.Batch, error) {
		n := min(len(refs), vec.BatchRowsMax)
		if n == 0 {
			return nil, nil
		}
		b := &vec.Batch{Cols: gather(m, refs[:n], ts), Rows: n}
		refs = refs[n:]
		return b, nil
	}
}

// Tick implements Operator: it forgets keys whose time to live is over.
func (d *Dedup) Tick(now int64, out Output) (bool, error) {
	now /= 1000
	if d.spec.TTLMs == 0 || now-d.swept < d.spec.TTLMs/2 {
		return false, nil
	}
	d.swept = now
	if d.rows != nil {
		for s := range d.rows.Each {
			if r := d.rows.First(s); r != 0 && d.old(d.rows.Extra(r), now) {
				d.rows.DeleteKey(s)
			}
		}
		return false, nil
	}
	for s := range d.keys.Each {
		if w := d.keys.Words(s); w[dedupState] == dedupDone && d.old(w, now) {
			d.keys.Delete(s)
		}
	}
	return false, nil
}

// Snapshot implements Operator.
func (d *Dedup) Snapshot(base.Epoch) error {
	saveTime(d.ctx.State, "watermark", d.mark)
	if d.keys != nil {
		if err := d.keys.Snapshot(); err != nil {
			return err
		}
	}
	if d.rows != nil {
		if err := d.rows.Snapshot(); err != nil {
			return err
		}
	}
	if d.wait != nil {
		return d.wait.Snapshot()
	}
	return nil
}

// Close implements Operator.
func (d *Dedup) Close() error {
	d.closeTables()
	d.spill.close()
	if d.wait != nil {
		d.wait.Close()
	}
	return nil
}
