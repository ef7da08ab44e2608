package exec

import (
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
// are each on their own; so are those whose results are told more than once.
func NewWindowAgg(spec *jobgraph.WindowAgg) Operator {
	if spec.Emit != nil {
		return newWindowEmit(spec)
	}
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
// last window. When memory is short slices leave it: see windowagg_cold.go. CUMULATE puts each slice into the first of its window when it is
// complete, so there are at most two at a time. When late rows are logged
// (Context.Late) or emitted (the spec's Late), each window is a slice of its own, since a row may then count in
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
// Local adds rows to slices and emits a slice's groups as partial rows before
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
	lates *lateRows

	buckets *keyed.Buckets
	multis  []*keyed.MultiBuckets
	slices  map[int64]*groupTable
	order   []int64       // the slices, ascending
	panes   *groupTable   // where slices are put together
	poured  []keyed.Slot  // of the slice that is put into it
	ends    []int64       // …, and its slices
	parts   []*groupTable // …
	fired   firedWindow   // the window that is put out
	flushed []keyed.Slot  // of the slice that a local phase puts out
	spare   []*groupTable // empty ones, to be used again
	tree    *paneTree     // of a HOP with many slices
	running *runningWindow

	mark  int64        // the watermark
	ahead *aheadGroups // what was told beyond it
	next  int64        // the end of the first window that has rows and is not complete
	work  windowWork
	held  int // groups that a local phase holds
	feed  feed
	sent  int64 // the last watermark that went out
}

// windowWork is a batch that is being worked off.
type windowWork struct {
	b    *vec.Batch
	in   *accInput
	rows []int32
	ends []int64 // by ordinal: the slice
	at   int     // ordinals below are done
	mark int     // marks below are done

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
	spareTables   = 4
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
	w.alone = (ctx.Late != nil || w.spec.Late) && w.spec.Window.WKind != jobgraph.Tumble
	w.lates = newLateRows(w.spec)
	w.slices = map[int64]*groupTable{}
	w.mark, w.next, w.sent = noWatermark, noWindow, noWatermark
	w.gather()
	if w.spec.Phase == jobgraph.Local {
		// No mark is kept: after a restore other splits are read here, perhaps behind
		// the mark that this subtask had.
		return nil
	}
	if w.panes, err = w.scratch(); err != nil {
		return err
	}
	if w.spec.Window.WKind == jobgraph.Hop && !w.alone {
		w.tree = newPaneTree(w)
	}
	w.running = newRunningWindow(w)
	return w.restore()
}

// gather lets the results of small windows go out together. Late rows are not as wide.
func (w *WindowAgg) gather() {
	if w.spec.Late {
		return
	}
	out := pickTypes(w.spec.InputTypes, w.spec.Keys)
	if w.spec.Phase == jobgraph.Local {
		w.feed.gather(append(append(out, w.accs.Partial()...), sliceType))
		return
	}
	w.feed.gather(withResults(out, w.spec))
}

// withResults appends the types of results, and those of the columns about their window.
func withResults(out []types.Type, spec *jobgraph.WindowAgg) []types.Type {
	for _, a := range spec.Aggs {
		out = append(out, a.Ret)
	}
	for range spec.Props {
		out = append(out, propType)
	}
	return out
}

// The types of a window's columns, and of a slice's end.
var propType, sliceType = types.TimestampOf(3), bigint

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

// borrow returns an empty table that is not saved; giveBack lets it be borrowed again,
// for windows come and go.
func (w *WindowAgg) borrow() (*groupTable, error) {
	if n := len(w.spare); n > 0 {
		t := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return t, nil
	}
	return w.scratch()
}

func (w *WindowAgg) giveBack(t *groupTable) {
	if len(w.spare) < spareTables && !w.ctx.Memory.Short(math.MaxInt64) {
		w.spare = append(w.spare, w.accs.renew(t, w.ctx.Memory))
		return
	}
	t.close(w.ctx.Memory)
}

func (w *WindowAgg) restore() error {
	var err error
	if w.buckets, err = keyed.OpenBuckets(w.ctx.State, w.ctx.evicting(w.shape())); err != nil {
		return err
	}
	for i, s := range w.accs.shapes {
		m, err := keyed.OpenMultiBuckets(w.ctx.State, w.ctx.evicting(setShapeOf(w.ctx, s, i, w.group.types)))
		if err != nil {
			return err
		}
		w.multis = append(w.multis, m)
	}
	w.mark = restoredTime(w.ctx.State, windowMark)
	w.ahead = restoreAhead(w.ctx, w.mark)
	for _, t := range w.buckets.Times() {
		tab := w.slice(t)
		if !w.ctx.Resident {
			continue // its groups come when they are asked for
		}
		for i, set := range tab.sets {
			set.load(tab.Table, tab.multis[i], w.group.types)
		}
	}
	w.findNext(noWatermark)
	return nil
}

// slice returns the groups of a slice, made if there are none.
func (w *WindowAgg) slice(end int64) *groupTable {
	if t := w.slices[end]; t != nil {
		return t
	}
	var t *groupTable
	if w.buckets == nil { // Local
		t, _ = w.borrow()
	} else {
		multis := make([]*keyed.Multi, len(w.multis))
		for i, m := range w.multis {
			multis[i] = m.At(end)
		}
		t = w.accs.newGroups(w.buckets.At(end), multis, true)
		w.followSets(t, end)
	}
	w.slices[end] = t
	i, _ := slices.BinarySearch(w.order, end)
	w.order = slices.Insert(w.order, i, end)
	return t
}

// dropSlice forgets a slice.
func (w *WindowAgg) dropSlice(end int64) {
	w.running.leave(end)
	t := w.slices[end]
	delete(w.slices, end)
	w.tree.forget(end)
	if i, ok := slices.BinarySearch(w.order, end); ok && i == 0 {
		w.order = w.order[1:]
	} else if ok {
		w.order = slices.Delete(w.order, i, i+1)
	}
	if w.buckets == nil {
		w.held -= t.Table.Len()
		w.giveBack(t)
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
	if fire {
		w.setMark(t)
	}
}

// Tick implements Operator.
func (w *WindowAgg) Tick(now int64, out Output) (bool, error) {
	if !w.spec.Window.Proctime {
		return false, nil
	}
	w.advance(now-w.spec.Window.Granule, true) // the last instant of a window is over, too
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
		w.feed.batches(w.flushAll())
	}
	return w.feed.drain(out)
}

// Resume implements Operator.
func (w *WindowAgg) Resume(out Output) (bool, error) { return w.feed.drain(out) }

// Snapshot implements Operator.
func (w *WindowAgg) Snapshot(base.Epoch) error {
	if w.spec.Phase == jobgraph.Local {
		return nil
	}
	w.saveMarks()
	for _, t := range w.slices {
		t.saveSets(w.group.types, 0)
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
	for _, t := range w.spare {
		t.close(w.ctx.Memory)
	}
	if w.buckets == nil {
		return nil
	}
	w.buckets.Close()
	for _, m := range w.multis {
		m.Close()
	}
	w.tree.close()
	w.running.clear()
	if w.panes != nil {
		w.panes.close(w.ctx.Memory)
	}
	return nil
}

// props makes the columns about a window, in microseconds; they are the same for all
// rows of a window.
func props(list []jobgraph.WindowProp, start, end, rowtime int64, n int) []vec.Vector {
	out := make([]vec.Vector, len(list))
	cols := make([]constTime, len(list))
	for i, p := range list {
		x := start
		switch p {
		case jobgraph.WindowEnd:
			x = end
		case jobgraph.WindowTime:
			x = rowtime
		}
		out[i] = cols[i].column(x, n)
	}
	return out
}

// A constTime is a column of one time, in one piece of memory: small windows have several.
type constTime struct {
	vec.Const
	val  vec.Fixed[int64]
	time [1]int64
}

func (c *constTime) column(t int64, n int) vec.Vector {
	c.time[0] = t
	c.val.Vals = c.time[:]
	c.Const = vec.Const{Val: &c.val, N: n}
	return &c.Const
}

var bigint = types.TBigInt.Nullable(false)
