package exec

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// NewWindowAgg returns the operator for a spec. Windows of fixed bounds that are
// cut from time share slices; sessions, and windows that rows bring with them,
// are each on their own.
func NewWindowAgg(spec *jobgraph.WindowAgg) Operator {
	if spec.Window.WKind == jobgraph.Session || spec.Window.Time < 0 {
		return newSessionAgg(spec)
	}
	return &WindowAgg{spec: spec}
}

// WindowAgg groups by window and columns and aggregates, for TUMBLE, HOP and
// CUMULATE. See windowTime for slices.
//
// # State
//
// A bucket a slice, with an entry a group in it. A window's result is its slices
// put together when the watermark reaches its end; a slice is dropped with its
// last window. CUMULATE puts each slice into the first of its window when it is
// complete, so there are at most two at a time. When late rows are logged
// (Context.Late), each window is a slice of its own, since a row may then count in
// one window and not in another that shares the slice.
//
// # Marks
//
// A batch is not cut where a watermark lies in it, only where one fires a window:
//
//	rows   0 ........ 400 ........ 700 ........ 1000
//	marks        ^         ^            ^
//	next end               reached here: add rows before, fire, go on behind it
//
// Rows behind a mark are compared with it, not with the last one before a firing:
// a row whose last window is complete is dropped and counted. A row for which
// only the first of its windows are complete counts in the others.
//
// # Phases
//
// Local adds rows to slices and emits the slices' groups as partial rows before
// any watermark that may fire a window with them; it drops nothing. Global takes
// partial rows, which bring their slice's end.
type WindowAgg struct {
	Base
	spec  *jobgraph.WindowAgg
	ctx   *Context
	time  *windowTime
	accs  *accs
	group *grouping
	alone bool // each window is a slice

	buckets *keyed.Buckets
	multis  []*keyed.MultiBuckets
	slices  map[int64]*groupTable
	panes   *groupTable // where slices are put together

	mark int64 // the watermark
	next int64 // the end of the first window that has rows and is not complete
	work windowWork
	feed feed
	sent int64 // the last watermark that went out
}

// windowWork is a batch that is being worked off.
type windowWork struct {
	b    *vec.Batch
	in   *accInput
	rows []int32
	ends []int64 // by ordinal: the slice
	at   int     // ordinals below are done
	mark int     // marks below are done

	some  []int32 // rows of one slice
	parts []slicePart
	ident idents
}

type slicePart struct {
	end  int64
	rows []int32
}

const (
	noWindow      = math.MaxInt64
	windowMark    = "watermark"
	localSliceMax = 1 << 17 // groups that a local phase holds
)

// Open implements Operator.
func (w *WindowAgg) Open(ctx *Context) error {
	w.ctx = ctx
	var err error
	if w.time, err = newWindowTime(&w.spec.Window); err != nil {
		return err
	}
	columns := len(w.spec.InputTypes)
	if w.accs, err = newAccs(w.spec.Aggs, columns, w.spec.Retracts, false, w.spec.Phase == jobgraph.Single); err != nil {
		return err
	}
	w.group = newGrouping(w.spec.Keys, w.spec.InputTypes)
	w.alone = ctx.Late != nil && w.spec.Window.WKind != jobgraph.Tumble
	w.slices = map[int64]*groupTable{}
	w.mark, w.next, w.sent = noWatermark, noWindow, noWatermark
	if w.spec.Phase == jobgraph.Local {
		w.mark = savedMark(ctx)
		w.sent = w.mark
		return nil
	}
	if w.panes, err = w.scratch(); err != nil {
		return err
	}
	return w.restore()
}

func (w *WindowAgg) shape() keyed.Shape {
	return keyed.Shape{Name: groupTableName, Key: w.group.types, Words: max(1, w.accs.Words), Blobs: w.accs.Blobs,
		Groups: w.ctx.Groups, Memory: w.ctx.Memory}
}

func (w *WindowAgg) scratch() (*groupTable, error) {
	t, err := keyed.Open(scratch{w.ctx.Groups}, w.shape())
	if err != nil {
		return nil, err
	}
	return w.accs.newGroups(t, nil, false), nil
}

func (w *WindowAgg) restore() error {
	var err error
	if w.buckets, err = keyed.OpenBuckets(w.ctx.State, w.shape()); err != nil {
		return err
	}
	for i, s := range w.accs.shapes {
		m, err := keyed.OpenMultiBuckets(w.ctx.State, setShapeOf(w.ctx, s, i, w.group.types))
		if err != nil {
			return err
		}
		w.multis = append(w.multis, m)
	}
	w.mark = savedMark(w.ctx)
	for _, t := range w.buckets.Times() {
		tab := w.slice(t)
		for i, set := range tab.sets {
			set.load(tab.Table, tab.multis[i], w.group.types)
		}
	}
	w.findNext(noWatermark)
	return nil
}

// savedMark returns the watermark that an operator had: the least of its former
// subtasks.
func savedMark(ctx *Context) int64 {
	mark := int64(math.MaxInt64)
	vals := ctx.State.Values(windowMark)
	for _, v := range vals {
		mark = min(mark, int64(binary.BigEndian.Uint64(v)))
	}
	if len(vals) == 0 {
		return noWatermark
	}
	return mark
}

func saveMark(ctx *Context, mark int64) {
	ctx.State.SetValue(windowMark, binary.BigEndian.AppendUint64(nil, uint64(mark)))
}

// slice returns the groups of a slice, made if there are none.
func (w *WindowAgg) slice(end int64) *groupTable {
	if t := w.slices[end]; t != nil {
		return t
	}
	var t *groupTable
	if w.buckets == nil { // Local
		t, _ = w.scratch()
	} else {
		multis := make([]*keyed.Multi, len(w.multis))
		for i, m := range w.multis {
			multis[i] = m.At(end)
		}
		t = w.accs.newGroups(w.buckets.At(end), multis, true)
	}
	w.slices[end] = t
	return t
}

// dropSlice forgets a slice.
func (w *WindowAgg) dropSlice(end int64) {
	t := w.slices[end]
	delete(w.slices, end)
	if w.buckets == nil {
		t.close(w.ctx.Memory)
		return
	}
	if t != nil {
		w.ctx.Memory.Add(-t.bytes)
	}
	w.buckets.Drop(end)
	for _, m := range w.multis {
		m.Drop(end)
	}
}

// Process implements Operator.
func (w *WindowAgg) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if err := w.begin(b); err != nil {
		return false, err
	}
	w.feed.batches(w.step)
	return w.feed.drain(out)
}

// begin sets a batch up as work: the slice of each row.
func (w *WindowAgg) begin(b *vec.Batch) error {
	k := &w.work
	k.b, k.at, k.mark = b, 0, 0
	k.rows = k.ident.positions(b)
	k.ends = k.ends[:0]
	var err error
	switch {
	case len(k.rows) == 0:
		return nil
	case w.spec.Phase == jobgraph.Global:
		k.in = &accInput{}
		n := len(w.spec.Keys)
		for _, c := range b.Cols[n : len(b.Cols)-1] {
			k.in.cols = append(k.in.cols, vec.Flat(c))
		}
		ends := micros(b.Cols[len(b.Cols)-1])
		for _, r := range k.rows {
			k.ends = append(k.ends, ends.Vals[r])
		}
		return nil
	case w.spec.Window.Proctime:
		end := w.time.sliceEnd(w.time.local(w.ctx.Env.Now()))
		for range k.rows {
			k.ends = append(k.ends, end)
		}
	default:
		k.ends, err = w.time.slices(k.ends, micros(b.Cols[w.spec.Window.Time]), k.rows)
	}
	k.in = w.accs.input(b)
	if w.alone && err == nil {
		w.spreadWindows()
	}
	return err
}

// spreadWindows gives each row once to each of its windows.
func (w *WindowAgg) spreadWindows() {
	k := &w.work
	var rows []int32
	var ends []int64
	for i, slice := range k.ends {
		last := w.time.last(slice)
		for e := w.time.first(slice); e <= last; e = w.time.after(e) {
			rows, ends = append(rows, k.rows[i]), append(ends, e)
		}
	}
	k.rows, k.ends = rows, ends
}

// lastOf and firstOf are the windows of a slice; with alone it is the window.
func (w *WindowAgg) lastOf(slice int64) int64 {
	if w.alone {
		return slice
	}
	return w.time.last(slice)
}

func (w *WindowAgg) firstOf(slice int64) int64 {
	if w.alone {
		return slice
	}
	return w.time.first(slice)
}

// open returns the first window of a slice that is not complete.
func (w *WindowAgg) open(slice int64) int64 {
	end, last := w.firstOf(slice), w.lastOf(slice)
	for end <= last && w.time.fires(end) <= w.mark {
		if w.alone {
			return noWindow
		}
		end = w.time.after(end)
	}
	if end > last {
		return noWindow
	}
	return end
}

// step works a batch off up to the next watermark that fires a window; then the
// feed has the firing and, after it, this step again.
func (w *WindowAgg) step() (*vec.Batch, error) {
	k := &w.work
	if k.b == nil {
		return nil, nil
	}
	from := k.at
	to := from
	for k.mark < len(k.b.Marks) {
		m := k.b.Marks[k.mark]
		var held bool
		if to, held = w.stretch(to, m.Row); held {
			return &vec.Batch{}, w.sendMark(from, to)
		}
		k.mark++
		if w.spec.Window.Proctime || w.next == noWindow || w.time.fires(w.next) > m.Time {
			w.mark = max(w.mark, m.Time)
			continue
		}
		if err := w.add(from, to); err != nil {
			return nil, err
		}
		k.at = to
		w.fireFirst(m.Time)
		return &vec.Batch{}, nil
	}
	var held bool
	if to, held = w.stretch(to, math.MaxInt32); held {
		return &vec.Batch{}, w.sendMark(from, to)
	}
	if err := w.add(from, to); err != nil {
		return nil, err
	}
	if m, ok := lastMark(k.b); ok && m > w.sent {
		w.sent = m
		w.feed.front(&feedItem{mark: m})
	}
	k.b, k.in = nil, nil
	if w.spec.Phase == jobgraph.Local && w.crowded() {
		w.feed.batches(w.flushLocal())
	}
	return nil, nil
}

// sendMark sends the watermark that a row of a local phase is late for before it,
// so that the global phase sees that it is late, too.
func (w *WindowAgg) sendMark(from, to int) error {
	if err := w.add(from, to); err != nil {
		return err
	}
	w.work.at = to
	w.fireFirst(w.mark)
	return nil
}

// stretch looks at the rows from an ordinal up to a position, for which the
// watermark is the same: it drops those that are late, by the slice noWindow, and
// finds the first window to fire. It returns the ordinal after them; held says that
// it is a row of a local phase that is late for a watermark that has not gone out.
func (w *WindowAgg) stretch(from int, row int32) (to int, held bool) {
	k := &w.work
	to = len(k.rows)
	if row != math.MaxInt32 {
		n, _ := slices.BinarySearch(k.rows[from:], row)
		to = from + n
	}
	if from == to {
		return to, false
	}
	least, seen := int64(math.MaxInt64), int64(math.MinInt64)
	for i, e := range k.ends[from:to] {
		if e == seen {
			continue
		}
		if w.mark != noWatermark && w.time.fires(e) <= w.mark || w.ctx.Late != nil {
			if w.spec.Phase == jobgraph.Local && w.sent < w.mark {
				to, held = from+i, true
				break
			}
			w.late(from + i)
			continue
		}
		seen = e
		least = min(least, e)
	}
	if least != math.MaxInt64 {
		w.next = min(w.next, w.open(least))
	}
	return to, held
}

// late handles a row some of whose windows may be complete.
func (w *WindowAgg) late(i int) {
	k := &w.work
	slice := k.ends[i]
	if w.spec.Phase == jobgraph.Local || w.spec.Window.Proctime {
		w.next = min(w.next, w.open(slice))
		return
	}
	end := w.open(slice)
	drop := end == noWindow
	if log := w.ctx.Late; log != nil {
		switch {
		case !w.ctx.Env.Streaming:
			drop = drop || log.Drop(w.ctx.Op, slice, k.b, int(k.rows[i]))
		case drop:
			log.Dropped(w.ctx.Op, slice, k.b, int(k.rows[i]))
		}
	}
	switch {
	case drop:
		k.ends[i] = noWindow
		w.ctx.Counters.LateDropped++
	default:
		w.next = min(w.next, end)
		if w.spec.Window.WKind == jobgraph.Cumulate && !w.alone && w.time.fires(slice) <= w.mark {
			k.ends[i] = w.firstSlice(slice) // its slice is in there already
		}
	}
}

// firstSlice returns the first slice of the CUMULATE window that has a slice.
func (w *WindowAgg) firstSlice(slice int64) int64 {
	return floorTo(slice-1, w.spec.Window.Size, w.spec.Window.Offset) + w.time.pane
}

// add puts the rows of some ordinals into their slices.
func (w *WindowAgg) add(from, to int) error {
	k := &w.work
	if from == to {
		return nil
	}
	ends, rows := k.ends[from:to], k.rows[from:to]
	one := true
	for _, e := range ends {
		if e != ends[0] {
			one = false
			break
		}
	}
	if one {
		return w.addSlice(ends[0], rows)
	}
	k.parts = k.parts[:0]
	p := -1
	for i, e := range ends {
		if p < 0 || k.parts[p].end != e {
			p = slices.IndexFunc(k.parts, func(s slicePart) bool { return s.end == e })
			if p < 0 {
				p = len(k.parts)
				if p < cap(k.parts) {
					k.parts = k.parts[:p+1]
					k.parts[p] = slicePart{end: e, rows: k.parts[p].rows[:0]}
				} else {
					k.parts = append(k.parts, slicePart{end: e})
				}
			}
		}
		k.parts[p].rows = append(k.parts[p].rows, rows[i])
	}
	for _, s := range k.parts {
		if err := w.addSlice(s.end, s.rows); err != nil {
			return err
		}
	}
	return nil
}

func (w *WindowAgg) addSlice(end int64, rows []int32) error {
	if end == noWindow {
		return nil
	}
	k := &w.work
	t := w.slice(end)
	slots, _ := w.group.upsert(t.Table, k.b.Cols, rows, k.b.Rows)
	t.On(t.Table)
	if t.keep {
		t.Table.Touch(slots...)
	}
	var err error
	if w.spec.Phase == jobgraph.Global {
		err = w.accs.merge(t, k.in.cols, slots, rows)
	} else {
		err = w.accs.apply(t, k.in, slots, rows)
	}
	t.account(w.ctx.Memory)
	return err
}

// Watermark implements Operator.
func (w *WindowAgg) Watermark(t int64, out Output) (bool, error) {
	w.advance(t, t == math.MaxInt64 || !w.spec.Window.Proctime)
	w.feed.watermark(t)
	w.sent = t
	return w.feed.drain(out)
}

// advance queues what a time fires.
func (w *WindowAgg) advance(t int64, fire bool) {
	if fire && w.next != noWindow && w.time.fires(w.next) <= t {
		w.feed.batches(w.firing(t))
		return
	}
	if !w.spec.Window.Proctime {
		w.mark = max(w.mark, t)
	}
}

// Tick implements Operator.
func (w *WindowAgg) Tick(now int64, out Output) (bool, error) {
	if !w.spec.Window.Proctime {
		return false, nil
	}
	w.advance(now, true)
	return w.feed.drain(out)
}

// EndInput implements Operator: what processing time has not fired comes now.
func (w *WindowAgg) EndInput(_ int, out Output) (bool, error) {
	w.advance(math.MaxInt64, true)
	return w.feed.drain(out)
}

// Flush implements Operator.
func (w *WindowAgg) Flush(out Output) (bool, error) {
	if w.spec.Phase == jobgraph.Local {
		w.feed.batches(w.flushLocal())
	}
	return w.feed.drain(out)
}

// Resume implements Operator.
func (w *WindowAgg) Resume(out Output) (bool, error) { return w.feed.drain(out) }

// Snapshot implements Operator.
func (w *WindowAgg) Snapshot(base.Epoch) error {
	saveMark(w.ctx, w.mark)
	if w.spec.Phase == jobgraph.Local {
		return nil
	}
	for _, t := range w.slices {
		t.saveSets(w.group.types)
	}
	for _, m := range w.multis {
		if err := m.Snapshot(); err != nil {
			return err
		}
	}
	return w.buckets.Snapshot()
}

// Close implements Operator.
func (w *WindowAgg) Close() error {
	for _, t := range w.slices {
		if w.buckets == nil {
			t.close(w.ctx.Memory)
		} else {
			w.ctx.Memory.Add(-t.bytes)
		}
	}
	if w.buckets == nil {
		return nil
	}
	w.buckets.Close()
	for _, m := range w.multis {
		m.Close()
	}
	if w.panes != nil {
		w.panes.close(w.ctx.Memory)
	}
	return nil
}

// props makes the columns about a window, in microseconds; they are the same for all
// rows of a window.
func props(list []jobgraph.WindowProp, start, end, rowtime int64, n int) []vec.Vector {
	out := make([]vec.Vector, len(list))
	for i, p := range list {
		x := start
		switch p {
		case jobgraph.WindowEnd:
			x = end
		case jobgraph.WindowTime:
			x = rowtime
		}
		out[i] = &vec.Const{Val: &vec.Fixed[int64]{Vals: []int64{x}}, N: n}
	}
	return out
}

var bigint = types.TBigInt.Nullable(false)
