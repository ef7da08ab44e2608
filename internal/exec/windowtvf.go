package exec

import (
	"sort"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// WindowTVF appends window_start, window_end and window_time to each row, once
// for each window that the row is in. It drops only rows without a rowtime, as
// Flink's does. Sessions are not known before they end: see sessionTVF.
type WindowTVF struct {
	Base
	spec  *jobgraph.WindowTVF
	ctx   *Context
	time  *windowTime
	ident idents
	feed  feed
	ends  []int64
}

// NewWindowTVF returns the operator for a spec.
func NewWindowTVF(spec *jobgraph.WindowTVF) Operator {
	if spec.Window.WKind == jobgraph.Session {
		return &sessionTVF{spec: spec}
	}
	return &WindowTVF{spec: spec}
}

// Open implements Operator.
func (w *WindowTVF) Open(ctx *Context) error {
	w.ctx = ctx
	var err error
	w.time, err = newWindowTime(&w.spec.Window)
	return err
}

// Process implements Operator.
func (w *WindowTVF) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if err := w.process(b); err != nil {
		return false, err
	}
	return w.feed.drain(out)
}

func (w *WindowTVF) process(b *vec.Batch) error {
	rows := w.ident.positions(b)
	ends := w.ends[:0]
	if w.spec.Window.Proctime {
		end := w.time.sliceEnd(w.time.local(w.ctx.Env.Now()))
		for range rows {
			ends = append(ends, end)
		}
	} else if len(rows) > 0 {
		times := micros(b.Cols[w.spec.Window.Time])
		rows = timed(times, rows)
		var err error
		if ends, err = w.time.slices(ends, times, rows); err != nil {
			return err
		}
	}
	w.ends = ends
	if w.spec.Window.WKind == jobgraph.Tumble && len(rows) > 0 {
		w.feed.batch(w.tumble(b, rows, ends))
		return nil
	}
	w.expand(b, rows, ends)
	return nil
}

// timed returns the rows that have a time.
func timed(times *vec.Fixed[int64], rows []int32) []int32 {
	if times.Valid == nil {
		return rows
	}
	out := make([]int32, 0, len(rows))
	for _, r := range rows {
		if !times.Valid.Null(int(r)) {
			out = append(out, r)
		}
	}
	return out
}

// tumble keeps the batch as it is, with three more columns.
func (w *WindowTVF) tumble(b *vec.Batch, rows []int32, ends []int64) *vec.Batch {
	start, end, at := make([]int64, b.Rows), make([]int64, b.Rows), make([]int64, b.Rows)
	for i, r := range rows {
		e := ends[i]
		start[r], end[r], at[r] = w.time.start(e), e, w.time.fires(e)
	}
	out := *b
	if len(rows) < b.Rows {
		out.Sel = append([]int32(nil), rows...)
	}
	out.Cols = append(append([]vec.Vector(nil), b.Cols...), &vec.Fixed[int64]{Vals: start}, &vec.Fixed[int64]{Vals: end}, &vec.Fixed[int64]{Vals: at})
	return &out
}

// expand queues each row once for each window: of HOP the last window first, of
// CUMULATE the shortest first, as Flink does.
func (w *WindowTVF) expand(b *vec.Batch, rows []int32, slices []int64) {
	last, marked := lastMark(b)
	marks := b.Marks
	at := 0
	ends := append([]int64(nil), slices...)
	w.feed.batches(func() (*vec.Batch, error) {
		if at >= len(rows) {
			return nil, nil
		}
		var take []int32
		var start, end, time []int64
		out := &vec.Batch{}
		for ; at < len(rows) && len(take) < vec.BatchRowsMax; at++ {
			for len(marks) > 0 && marks[0].Row <= rows[at] {
				out.Marks = append(out.Marks, vec.Mark{Row: int32(len(take)), Time: marks[0].Time})
				marks = marks[1:]
			}
			first, final := w.time.first(ends[at]), w.time.last(ends[at])
			n := len(take)
			for e := first; e <= final; e = w.time.after(e) {
				take = append(take, rows[at])
				start, end, time = append(start, w.time.start(e)), append(end, e), append(time, w.time.fires(e))
			}
			if w.spec.Window.WKind == jobgraph.Hop {
				for _, s := range [][]int64{start[n:], end[n:], time[n:]} {
					sort.Slice(s, func(i, j int) bool { return s[i] > s[j] })
				}
			}
		}
		out.Rows = len(take)
		out.Cols = append(takeAll(b.Cols, take), &vec.Fixed[int64]{Vals: start}, &vec.Fixed[int64]{Vals: end}, &vec.Fixed[int64]{Vals: time})
		if b.Kinds != nil {
			out.Kinds = make([]vec.RowKind, len(take))
			for i, r := range take {
				out.Kinds[i] = b.Kinds[r]
			}
		}
		return out, nil
	})
	if marked {
		w.feed.watermark(last)
	}
}

// Watermark implements Operator.
func (w *WindowTVF) Watermark(t int64, out Output) (bool, error) {
	w.feed.watermark(t)
	return w.feed.drain(out)
}

// Resume implements Operator.
func (w *WindowTVF) Resume(out Output) (bool, error) { return w.feed.drain(out) }

// sessionTVF is WindowTVF for sessions: rows come out when their session has
// ended. It is a sessionAgg that collects rows, keeps them as an array of ROWs and
// takes that apart again. A late row that would open a session is dropped.
type sessionTVF struct {
	Base
	spec  *jobgraph.WindowTVF
	agg   *sessionAgg
	ident idents
}

// Open implements Operator.
func (w *sessionTVF) Open(ctx *Context) error {
	ts := w.spec.Types
	var fields []types.Field
	for _, t := range ts {
		fields = append(fields, types.Field{Type: t})
	}
	row := types.RowOf(fields...)
	w.agg = newSessionAgg(&jobgraph.WindowAgg{Window: w.spec.Window, Keys: w.spec.Window.Session,
		Aggs:  []jobgraph.AggCall{{Func: "ARRAY_AGG", Args: []int{len(ts)}, ArgTypes: []types.Type{row}, Filter: -1, Ret: types.ArrayOf(row)}},
		Props: []jobgraph.WindowProp{jobgraph.WindowStart, jobgraph.WindowEnd, jobgraph.WindowTime}, InputTypes: append(append([]types.Type(nil), ts...), row)}).(*sessionAgg)
	return w.agg.Open(ctx)
}

// Process implements Operator.
func (w *sessionTVF) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	in := *b
	flat := make([]vec.Vector, len(b.Cols))
	for i, c := range b.Cols {
		flat[i] = vec.Flat(c)
	}
	if !w.spec.Window.Proctime {
		if times := micros(flat[w.spec.Window.Time]); times.Valid != nil {
			in.Sel = timed(times, w.ident.positions(b))
		}
	}
	in.Cols = append(flat, &vec.Row{Fields: flat, N: b.Rows})
	return w.agg.Process(0, &in, w.unpack(out))
}

// unpack returns an output that makes rows of sessions.
func (w *sessionTVF) unpack(out Output) Output { return &sessionRows{w, out} }

type sessionRows struct {
	w   *sessionTVF
	out Output
}

// Watermark implements Output.
func (s *sessionRows) Watermark(t int64) error { return s.out.Watermark(t) }

// Emit implements Output.
func (s *sessionRows) Emit(b *vec.Batch) error {
	k := len(s.w.spec.Window.Session)
	list := b.Cols[k].(*vec.List)
	row := list.Elem.(*vec.Row)
	var of []int32
	for i := range b.Rows {
		for range list.Offs[i+1] - list.Offs[i] {
			of = append(of, int32(i))
		}
	}
	cols := append(append([]vec.Vector(nil), row.Fields...), takeAll(b.Cols[k+1:], of)...)
	for at := 0; at < len(of); at += vec.BatchRowsMax {
		to := min(len(of), at+vec.BatchRowsMax)
		part := &vec.Batch{Rows: to - at}
		for _, c := range cols {
			part.Cols = append(part.Cols, vec.Slice(c, at, to))
		}
		if err := s.out.Emit(part); err != nil {
			return err
		}
	}
	return nil
}

// Watermark implements Operator.
func (w *sessionTVF) Watermark(t int64, out Output) (bool, error) {
	return w.agg.Watermark(t, w.unpack(out))
}

// EndInput implements Operator.
func (w *sessionTVF) EndInput(in int, out Output) (bool, error) {
	return w.agg.EndInput(in, w.unpack(out))
}

// Tick implements Operator.
func (w *sessionTVF) Tick(now int64, out Output) (bool, error) {
	return w.agg.Tick(now, w.unpack(out))
}

// Resume implements Operator.
func (w *sessionTVF) Resume(out Output) (bool, error) { return w.agg.Resume(w.unpack(out)) }

// Close implements Operator.
func (w *sessionTVF) Close() error {
	if w.agg == nil {
		return nil
	}
	return w.agg.Close()
}

// Snapshot implements Operator.
func (w *sessionTVF) Snapshot(e base.Epoch) error { return w.agg.Snapshot(e) }
