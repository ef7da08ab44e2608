package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// GroupAgg groups by columns and aggregates.
//
// # State
//
// A table by key has an entry a group: the row count, the accumulators of the
// calls, with a time to live the time of the last change. Value sets hang on it
// where DISTINCT calls, or MIN and MAX over rows that leave, need them. A group
// whose count falls to 0 is deleted.
//
// # What is emitted
//
//	OnChange        for each row the change that it makes: +I; -U +U; -D
//	OnChange, Fold  the same once a group and bundle of rows
//	Local           the accumulators of a bundle's groups, then forgets them
//	AtEnd           each group once, when the input has ended
//
// What does not change a result is not emitted (with a time to live it is, so
// that receivers do not forget the row before this one does).
//
// A change looks at the group before and after it. Row by row, a batch is worked
// off in rounds: the k'th row of each group is in round k, so a round meets no
// group twice, and the loops stay loops over columns. See rounds.
type GroupAgg struct {
	Base
	spec  *jobgraph.GroupAgg
	ctx   *Context
	accs  *accs
	group *grouping
	tab   *groupTable
	seen  int // the word of the last change, -1 without a time to live
	swept int64

	feed   feed
	ident  idents
	rounds rounds
	bundle *bundle // Fold and Local
	local  *localState
	end    *endState // AtEnd
}

// NewGroupAgg returns the operator for a spec.
func NewGroupAgg(spec *jobgraph.GroupAgg) Operator { return &GroupAgg{spec: spec, seen: -1} }

const groupTableName = "groups"

// Open implements Operator.
func (g *GroupAgg) Open(ctx *Context) error {
	g.ctx = ctx
	atEnd, local := g.spec.Emit == jobgraph.AtEnd, g.spec.Phase == jobgraph.Local
	var err error
	rows := !atEnd && !local
	share := g.spec.Phase == jobgraph.Single
	if g.accs, err = newAccs(g.spec.Aggs, len(g.spec.InputTypes), g.spec.Retracts, rows, share); err != nil {
		return err
	}
	g.group = newGrouping(g.spec.Keys, g.spec.InputTypes)
	g.group.coded.on = atEnd || local
	if g.spec.TTLMs > 0 && rows {
		g.seen = g.accs.Words
		g.accs.Words++
	}
	switch {
	case local:
		g.local = newLocalState()
		g.bundle = &bundle{}
		g.tab, err = g.openScratch()
	case atEnd:
		g.tab, err = g.openScratch()
		g.end = &endState{cut: newSpillCut(ctx, "groups", g.partialTypes())}
	default:
		if g.spec.Fold {
			g.bundle = &bundle{}
		}
		if g.tab, err = g.openState(); err == nil {
			g.followSets()
		}
	}
	return err
}

func (g *GroupAgg) shape() keyed.Shape {
	return keyed.Shape{Name: groupTableName, Key: g.group.types, Words: max(1, g.accs.Words), Blobs: g.accs.Blobs,
		Groups: g.ctx.Groups, Memory: g.ctx.Memory}
}

func (g *GroupAgg) openScratch() (*groupTable, error) {
	t, err := keyed.Open(scratch{g.ctx.Groups}, g.shape())
	if err != nil {
		return nil, err
	}
	return g.accs.newGroups(t, nil, false), nil
}

func (g *GroupAgg) openState() (*groupTable, error) {
	t, err := keyed.Open(g.ctx.State, g.ctx.expiring(g.shape(), g.seen, g.spec.TTLMs))
	if err != nil {
		return nil, err
	}
	multis, err := g.openSets()
	if err != nil {
		return nil, err
	}
	tab := g.accs.newGroups(t, multis, true)
	for i, set := range tab.sets {
		set.load(t, multis[i], g.group.types)
	}
	return tab, nil
}

// openSets opens the Multis that the sets are saved in.
func (g *GroupAgg) openSets() ([]*keyed.Multi, error) {
	multis := make([]*keyed.Multi, len(g.accs.shapes))
	for i, s := range g.accs.shapes {
		s.timed = g.seen >= 0
		shape := setShapeOf(g.ctx, s, i, g.group.types)
		m, err := keyed.OpenMulti(g.ctx.State, g.ctx.expiring(shape, shape.Extra-1, 2*g.spec.TTLMs))
		if err != nil {
			return nil, err
		}
		multis[i] = m
	}
	return multis, nil
}

// Process implements Operator.
func (g *GroupAgg) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if err := g.process(b); err != nil {
		return false, err
	}
	return g.feed.drain(out)
}

func (g *GroupAgg) process(b *vec.Batch) error {
	last, marked := lastMark(b)
	if marked && g.bundle != nil {
		g.bundle.mark, g.bundle.marked = last, true
	}
	if b.Len() > 0 {
		if g.bundle == nil || g.bundle.rows == 0 {
			g.tab.Table.Trim()
		}
		if err := g.rowsIn(b); err != nil {
			return err
		}
		g.tab.account(g.ctx.Memory)
		if g.end == nil && g.local == nil && (g.ctx.Resident || len(g.tab.sets) > 0 && g.ctx.Memory.Over()) {
			if err := g.ctx.overdrawn(g.tab.Table.Bytes() + g.tab.bytes); err != nil {
				return err
			}
		}
	}
	switch {
	case g.end != nil:
		if marked {
			g.end.held.hold(last)
		}
	case g.bundle == nil:
		if marked {
			g.feed.watermark(last)
		}
	case g.bundle.full(g.spec):
		return g.flush()
	case g.bundle.rows == 0 && marked:
		g.bundle.marked = false
		g.feed.watermark(last)
	}
	return nil
}

func (g *GroupAgg) rowsIn(b *vec.Batch) error {
	rows := g.ident.positions(b)
	switch {
	case g.local != nil:
		return g.localRows(b, rows)
	case g.end != nil:
		return g.endRows(b, rows)
	case g.bundle != nil:
		return g.foldRows(b, rows)
	}
	return g.changeRows(b, rows)
}

// put gives rows, or partial rows, to their groups.
func (g *GroupAgg) put(in *accInput, slots []keyed.Slot, rows []int32) error {
	if g.spec.Phase == jobgraph.Global {
		return g.accs.merge(g.tab, in.cols, slots, rows)
	}
	return g.accs.apply(g.tab, in, slots, rows)
}

// input makes a batch ready for put.
func (g *GroupAgg) input(b *vec.Batch) *accInput {
	if g.spec.Phase != jobgraph.Global {
		return g.accs.input(b)
	}
	in := &accInput{}
	for _, c := range b.Cols[len(g.spec.Keys):] {
		in.cols = append(in.cols, vec.Flat(c))
	}
	return in
}

// slots finds the groups of rows, and starts those anew whose time is over.
func (g *GroupAgg) slots(b *vec.Batch, rows []int32) []keyed.Slot {
	slots, made := g.group.upsert(g.tab.Table, b.Cols, rows, b.Rows)
	g.tab.On(g.tab.Table)
	if g.seen >= 0 {
		if g.tab.keep {
			g.beginAnew(made)
		}
		g.expire(slots)
	}
	return slots
}

// expire resets groups that were not written for longer than the time to live,
// and notes the time for all.
func (g *GroupAgg) expire(slots []keyed.Slot) {
	now := g.ctx.Env.Now() / 1000
	for _, s := range slots {
		w := g.tab.Word(s, g.seen)
		if *w != 0 && now-int64(*w) > g.spec.TTLMs {
			g.reset(s)
		}
		*w = uint64(now)
	}
}

// reset makes a group as if it had never been.
func (g *GroupAgg) reset(s keyed.Slot) {
	clear(g.tab.Table.Words(s))
	for i, set := range g.tab.sets {
		set.dropGroup(s, g.tab.multis[i])
	}
}

// Watermark implements Operator.
func (g *GroupAgg) Watermark(t int64, out Output) (bool, error) {
	if g.bundle != nil {
		g.bundle.mark, g.bundle.marked = t, true
		if err := g.flush(); err != nil {
			return false, err
		}
		return g.feed.drain(out)
	}
	if g.end != nil {
		g.end.held.hold(t) // it goes out behind the results
		return false, nil
	}
	g.feed.watermark(t)
	return g.feed.drain(out)
}

// EndInput implements Operator.
func (g *GroupAgg) EndInput(_ int, out Output) (bool, error) {
	if g.end != nil {
		if err := g.emitEnd(); err != nil {
			return false, err
		}
		g.end.held.release(&g.feed)
		return g.feed.drain(out)
	}
	return g.Flush(out)
}

// Tick implements Operator.
func (g *GroupAgg) Tick(now int64, out Output) (bool, error) {
	if g.bundle != nil && g.bundle.due(g.spec, now) {
		return g.Flush(out)
	}
	g.sweep(now / 1000)
	return false, nil
}

// sweep deletes groups whose time is over, a few times within it.
func (g *GroupAgg) sweep(nowMs int64) {
	if g.seen < 0 || g.bundle != nil && g.bundle.rows > 0 {
		return
	}
	if g.swept == 0 {
		g.swept = nowMs
	}
	if nowMs-g.swept < g.spec.TTLMs/2 {
		return
	}
	g.swept = nowMs
	var gone []keyed.Slot
	g.tab.On(g.tab.Table)
	for s := range g.tab.Table.Each {
		if nowMs-int64(*g.tab.Word(s, g.seen)) > g.spec.TTLMs {
			gone = append(gone, s)
		}
	}
	for _, s := range gone {
		g.tab.dropGroup(s)
	}
	g.renewSets()
}

// Resume implements Operator.
func (g *GroupAgg) Resume(out Output) (bool, error) { return g.feed.drain(out) }

// Flush implements Operator.
func (g *GroupAgg) Flush(out Output) (bool, error) {
	if g.bundle != nil {
		if err := g.flush(); err != nil {
			return false, err
		}
	}
	return g.feed.drain(out)
}

func (g *GroupAgg) flush() error {
	if g.local != nil {
		g.flushLocal()
	} else {
		g.flushFold()
	}
	if g.bundle.marked {
		g.feed.watermark(g.bundle.mark)
	}
	*g.bundle = bundle{chunks: g.bundle.chunks[:0], touched: g.bundle.touched, started: -1}
	return nil
}

// Snapshot implements Operator.
func (g *GroupAgg) Snapshot(base.Epoch) error {
	if !g.tab.keep {
		return nil
	}
	g.tab.saveSets(g.group.types, g.nowMs())
	for _, m := range g.tab.multis {
		if err := m.Snapshot(); err != nil {
			return err
		}
	}
	return g.tab.Table.Snapshot()
}

// Close implements Operator.
func (g *GroupAgg) Close() error {
	if g.tab != nil {
		g.tab.close(g.ctx.Memory)
	}
	if g.end != nil {
		g.end.cut.remove()
	}
	return nil
}

// A bundle is the rows of a mini-batch, until it is flushed.
type bundle struct {
	rows    int
	started int64 // processing time in microseconds; -1: not known yet
	mark    int64 // a watermark that waits for the flush
	marked  bool
	crowded bool // it has too many groups to wait
	chunks  []foldChunk
	touched []uint64 // bits by slot
}

// full reports whether it has as many rows as it may.
func (b *bundle) full(s *jobgraph.GroupAgg) bool {
	if s.Emit == jobgraph.AtEnd && s.FoldRows == 0 {
		return b.crowded
	}
	return b.rows > 0 && (b.crowded || b.rows >= s.FoldRows)
}

// due reports whether its first row has waited long enough.
func (b *bundle) due(s *jobgraph.GroupAgg, now int64) bool {
	if b.rows == 0 || s.FoldMs <= 0 {
		return false
	}
	if b.started < 0 {
		b.started = now
	}
	return now-b.started >= s.FoldMs*1000
}
