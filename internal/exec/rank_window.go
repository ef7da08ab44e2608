package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// windowRank is a Rank over windows: the rows of each window are kept apart, by its
// end, and put out when the watermark reaches it. Rows of a window that is complete
// are dropped and counted. When memory is short windows leave it, and the partitions of
// one that is used; a window that is not in memory whole is put out by key groups.
type windowRank struct {
	r       *Rank
	buckets *keyed.MultiBuckets
	open    map[int64]*rankRows
	mark    int64
	time    *windowTime
	batch   rankBatch
}

func openWindowRank(r *Rank, shape keyed.Shape) (*windowRank, error) {
	time, err := newWindowTime(&jobgraph.Window{Granule: r.spec.Granule, Zone: r.spec.Zone})
	if err != nil {
		return nil, err
	}
	b, err := keyed.OpenMultiBuckets(r.ctx.State, r.ctx.evicting(shape))
	if err != nil {
		return nil, err
	}
	w := &windowRank{r: r, buckets: b, open: map[int64]*rankRows{}, mark: restoredTime(r.ctx.State, "watermark"), time: time}
	for _, t := range b.Times() {
		w.open[t] = newRankRows(r.shape, b.Get(t), r.ctx.Memory, false)
	}
	return w, nil
}

// complete reports whether the window that ends at end has fired.
func (w *windowRank) complete(end int64) bool {
	return w.mark != noWatermark && w.time.fires(end) <= w.mark
}

func (w *windowRank) process(b *vec.Batch) error {
	if err := w.trim(); err != nil {
		return err
	}
	segments(b, func(part *vec.Batch, mark *vec.Mark) {
		if part.Len() > 0 {
			w.add(part)
		}
		if mark != nil {
			w.fire(mark.Time)
		}
	})
	return nil
}

// trim lets windows leave memory, between two batches.
func (w *windowRank) trim() error {
	lists := int64(0)
	for _, x := range w.open {
		lists += x.lists.bytes
	}
	w.buckets.Trim(lists)
	return w.r.ctx.unfit(w.buckets.Bytes()+lists, w.buckets.Err())
}

func (w *windowRank) add(b *vec.Batch) {
	ends := rowtimes(b.Cols[w.r.spec.WindowEnd])
	rows := make([]int32, 0, b.Len())
	for i := range b.Len() {
		row := b.Row(i)
		if w.late(ends, b, row) {
			continue
		}
		rows = append(rows, int32(row))
	}
	byBucket(ends, rows, 1, func(end int64, part []int32) {
		x := w.open[end]
		if x == nil {
			x = newRankRows(w.r.shape, w.buckets.At(end), w.r.ctx.Memory, false)
			w.open[end] = x
		}
		w.keep(x, b, part)
	})
}

// late drops a row of a complete window.
func (w *windowRank) late(ends *vec.Fixed[int64], b *vec.Batch, row int) bool {
	if ends.Valid.Null(row) {
		return true
	}
	end := ends.Vals[row]
	ctx := w.r.ctx
	drop := w.complete(end)
	if log := ctx.Late; log != nil {
		if !ctx.Env.Streaming {
			drop = drop || log.Drop(ctx.Op, end, b, row)
		} else if drop {
			log.Dropped(ctx.Op, end, b, row)
		}
	}
	if drop {
		ctx.Counters.LateDropped++
	}
	return drop
}

func (w *windowRank) keep(x *rankRows, b *vec.Batch, rows []int32) {
	slots, _ := w.r.group.upsert(&x.m.Table, b.Cols, rows, b.Rows)
	w.batch.slots = slots
	x.prepare(&w.batch, b, rows)
	for i, s := range slots {
		at := x.behind(&w.batch, i)
		if int64(at) >= x.limit && !w.r.ties() {
			continue
		}
		x.lists.insert(s, at, x.keep(&w.batch, i))
		x.prune(s, w.r.spec.RankKind, w.r.changes.drop)
	}
	w.r.changes.forget(x.m)
}

// fire puts out the windows up to a watermark.
func (w *windowRank) fire(mark int64) {
	w.mark = max(w.mark, mark)
	var due []int64
	for end := range w.open {
		if w.complete(end) {
			due = append(due, end)
		}
	}
	slices.Sort(due)
	for _, end := range due {
		x := w.open[end]
		delete(w.open, end)
		next := w.rows(end, x)
		w.r.feed.batches(func() (*vec.Batch, error) {
			b, err := next()
			if b == nil && err == nil {
				x.lists.close()
				w.buckets.Drop(end)
			}
			return b, err
		})
	}
	w.r.feed.watermark(mark)
}

// rows returns a source of the rows of a window.
func (w *windowRank) rows(end int64, x *rankRows) func() (*vec.Batch, error) {
	var walk *keyed.Walk
	some := func() (*vec.Batch, error) { return nil, nil }
	return func() (*vec.Batch, error) {
		if walk == nil {
			walk = w.buckets.Walk(end, !w.buckets.WholeAt(end))
		}
		for {
			if b, err := some(); b != nil || err != nil {
				return b, err
			}
			slots, ok, err := walk.Next()
			if !ok || err != nil {
				return nil, err
			}
			some = w.r.wholeOf(x, slots)
		}
	}
}

func (w *windowRank) snapshot() error {
	saveTime(w.r.ctx.State, "watermark", w.mark)
	return w.buckets.Snapshot()
}

func (w *windowRank) close() {
	for _, x := range w.open {
		x.lists.close()
	}
	w.buckets.Close()
}
