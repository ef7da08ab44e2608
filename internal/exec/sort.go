package exec

import (
	"cmp"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Sort orders all rows and puts From..To of them out, once, at the end of input
// (sortBuffer); or, by rowtime, as the watermark passes them (sortStream). Equal
// rows keep their order of arrival.
type Sort struct {
	Base
	spec     *jobgraph.Sort
	ctx      *Context
	from, to int64
	ident    idents
	feed     feed
	held     heldMark
	buffer   *sortBuffer
	stream   *sortStream
}

// NewSort returns the operator for a spec.
func NewSort(spec *jobgraph.Sort) Operator { return &Sort{spec: spec} }

// Open implements Operator.
func (s *Sort) Open(ctx *Context) (err error) {
	s.ctx = ctx
	s.from, s.to = bounds(s.spec.From, s.spec.To)
	if s.spec.Time >= 0 {
		s.stream, err = openSortStream(s)
		return err
	}
	s.buffer = newSortBuffer(ctx, "sort", s.spec.Order, s.spec.Types, s.to)
	return nil
}

// Process implements Operator.
func (s *Sort) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if s.stream != nil {
		if err := trimWaiting(s.ctx, s.stream.rows); err != nil {
			return false, err
		}
		segments(b, func(part *vec.Batch, mark *vec.Mark) {
			s.feed.pieces(func() (bool, error) {
				if part.Len() > 0 {
					s.stream.add(part)
				}
				if mark != nil {
					s.stream.fire(mark.Time)
				}
				return false, nil
			})
		})
		return s.drain(out)
	}
	if err := s.buffer.add(b, undropped(s.ctx, b, s.ident.positions(b))); err != nil {
		return false, err
	}
	s.held.holdLast(b)
	return false, nil
}

// undropped returns the rows that a verified batch run shall not drop because the
// stream has dropped them as late.
func undropped(ctx *Context, b *vec.Batch, rows []int32) []int32 {
	if ctx.Late == nil || ctx.Env.Streaming {
		return rows
	}
	kept := make([]int32, 0, len(rows))
	for _, r := range rows {
		if ctx.Late.Drop(ctx.Op, 0, b, int(r)) {
			ctx.Counters.LateDropped++
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// tooLate drops a row that lies at or below the watermark.
func tooLate(ctx *Context, b *vec.Batch, row int) {
	ctx.Counters.LateDropped++
	if ctx.Late != nil {
		ctx.Late.Dropped(ctx.Op, 0, b, row)
	}
}

func (s *Sort) drain(out Output) (bool, error) { return s.feed.drain(out) }

// Watermark implements Operator.
func (s *Sort) Watermark(t int64, out Output) (bool, error) {
	if s.stream != nil {
		s.stream.fire(t)
	} else {
		s.held.hold(t)
	}
	return s.drain(out)
}

// EndInput implements Operator.
func (s *Sort) EndInput(_ int, out Output) (bool, error) {
	if s.buffer != nil {
		if err := s.buffer.finish(); err != nil {
			return false, err
		}
		skip, left := s.from-1, s.to
		s.feed.batches(func() (*vec.Batch, error) {
			b, err := s.buffer.next()
			if b == nil || err != nil {
				return nil, err
			}
			n := int64(b.Rows)
			lo, hi := min(skip, n), min(left, n)
			skip, left = skip-lo, left-hi
			if lo == 0 && hi == n {
				return b, nil
			}
			if lo >= hi {
				b.Rows, b.Cols = 0, nil
				if left == 0 {
					return nil, nil
				}
				return b, nil
			}
			for i, c := range b.Cols {
				b.Cols[i] = vec.Slice(c, int(lo), int(hi))
			}
			b.Rows = int(hi - lo)
			return b, nil
		})
		s.held.release(&s.feed)
	}
	return s.drain(out)
}

// Resume implements Operator.
func (s *Sort) Resume(out Output) (bool, error) { return s.drain(out) }

// Snapshot implements Operator.
func (s *Sort) Snapshot(base.Epoch) error {
	if s.stream != nil {
		return s.stream.snapshot()
	}
	return nil
}

// Close implements Operator.
func (s *Sort) Close() error {
	if s.buffer != nil {
		s.buffer.close()
	}
	if s.stream != nil {
		s.stream.rows.Close()
	}
	return nil
}

// sortStream holds rows back, in buckets by time, until the watermark passes. A row
// is late, as in Flink, when one of its time or a later one has been put out: one
// that only lies behind the watermark still finds its place.
type sortStream struct {
	s     *Sort
	order *ordering
	rows  *keyed.MultiBuckets
	group *grouping
	mark  int64
	told  int64 // the time of the last row put out
	seq   uint64
}

// sortBucket is the width of the buckets, in microseconds.
const sortBucket = 1_000_000

func openSortStream(s *Sort) (*sortStream, error) {
	x := &sortStream{s: s, order: newOrdering(s.spec.Order, s.spec.Types), group: newGrouping(nil, s.spec.Types)}
	x.mark, x.told = restoredTime(s.ctx.State, "watermark"), restoredTime(s.ctx.State, "told")
	var err error
	x.rows, x.seq, err = openWaiting(s.ctx, x.group, s.spec.Types)
	return x, err
}

func (x *sortStream) add(b *vec.Batch) {
	times := rowtimes(b.Cols[x.s.spec.Time])
	rows := make([]int32, 0, b.Len())
	for i := range b.Len() {
		r := b.Row(i)
		if times.Valid.Null(r) || times.Vals[r] <= x.told {
			tooLate(x.s.ctx, b, r)
			continue
		}
		rows = append(rows, int32(r))
	}
	byBucket(times, rows, sortBucket, func(t int64, part []int32) {
		x.seq = keepWaiting(x.rows, t, x.group, b, part, times, x.seq)
	})
}

// fire queues the rows up to a watermark, a bucket at a time.
func (x *sortStream) fire(mark int64) {
	x.mark = max(x.mark, mark)
	now, times := x.mark, dueTimes(x.rows, x.mark)
	var m *keyed.Multi
	var due []waiting
	var refs []keyed.Ref
	begun := false
	x.s.feed.batches(func() (*vec.Batch, error) {
		for len(refs) == 0 {
			if begun {
				leave(x.rows, times[0], sortBucket, now, due)
				times = times[1:]
			}
			if begun = len(times) > 0; !begun {
				return nil, nil
			}
			var err error
			if m, due, err = dueRows(x.rows, times[0], now); err != nil {
				return nil, err
			}
			refs = x.inOrder(m, due)
		}
		part := refs[:min(vec.BatchRowsMax, len(refs))]
		refs = refs[len(part):]
		return &vec.Batch{Cols: gather(m, part, x.s.spec.Types), Rows: len(part)}, nil
	})
	x.s.feed.watermark(mark)
}

// inOrder returns due rows as they are put out.
func (x *sortStream) inOrder(m *keyed.Multi, due []waiting) []keyed.Ref {
	if n := len(due); n > 0 {
		x.told = due[n-1].time
	}
	refs := make([]keyed.Ref, len(due))
	for i, w := range due {
		refs[i] = w.ref
	}
	if len(x.order.keys) > 1 {
		x.further(m, due, refs)
	}
	return refs
}

// further orders rows of one time by the other keys.
func (x *sortStream) further(m *keyed.Multi, due []waiting, refs []keyed.Ref) {
	for from := 0; from < len(due); {
		to := from + 1
		for to < len(due) && due[to].time == due[from].time {
			to++
		}
		if part := refs[from:to]; len(part) > 1 {
			rows := make([]int32, len(part))
			for i := range rows {
				rows[i] = int32(i)
			}
			cols := make([]vec.Vector, len(x.order.keys))
			for k, key := range x.order.keys {
				cols[k] = m.Gather(part, key.Col)
			}
			slices.SortStableFunc(rows, func(a, b int32) int {
				c := 0
				for k := range cols {
					c = cmp.Or(c, x.order.value(k, cols[k], int(a), cols[k], int(b)))
				}
				return c
			})
			old := slices.Clone(part)
			for i, r := range rows {
				part[i] = old[r]
			}
		}
		from = to
	}
}

func (x *sortStream) snapshot() error {
	saveTime(x.s.ctx.State, "watermark", x.mark)
	saveTime(x.s.ctx.State, "told", x.told)
	return snapshotWaiting(x.s.ctx, x.rows, x.seq)
}
