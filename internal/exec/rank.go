package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Rank keeps the rows numbered From..To of each partition in an order (Top-N).
//
// It keeps a partition's rows in a table and their order in a list beside it, both
// bounded by To where no row can come back from beyond (see keepsAll). What a
// change puts out is worked out from the positions before and after; the order of
// the changes is that of Flink's AppendOnlyTopNFunction, UpdatableTopNFunction and
// RetractableTopNFunction (rank_emit.go), or where no -U is asked for, what a batch
// comes to (rank_fold.go). The one row of a top-1 over rows that only come or improve
// has neither list nor positions (rank_first.go).
//
// Over windows each window has a table and lists of its own, and puts its rows out
// when the watermark reaches its end (rank_window.go).
type Rank struct {
	Base
	spec     *jobgraph.Rank
	ctx      *Context
	from, to int64
	shape    *rankShape
	group    *grouping
	ident    idents
	feed     feed
	held     heldMark
	changes  rowChanges

	rows   *rankRows
	batch  rankBatch
	at     int // ordinal of the next row of batch
	made   []keyed.Slot
	before []rankPlace // of a partition, before and after a change; ties only
	after  []rankPlace
	fold   rankFold
	now    []keyed.Ref // of a partition in a fold
	window *windowRank
	spill  *spillReplay // at the end; nil: nothing can be spilled
	swept  int64
}

// NewRank returns the operator for a spec.
func NewRank(spec *jobgraph.Rank) Operator { return &Rank{spec: spec} }

// keepsAll reports whether rows beyond To may move up: then all are kept.
func (r *Rank) keepsAll() bool { return r.spec.Input == jobgraph.RankRetract && r.spec.WindowEnd < 0 }

// isFirst reports whether it is a top-1 of rows that only come or improve.
func (r *Rank) isFirst() bool {
	return r.from == 1 && r.to == 1 && r.spec.RankKind == jobgraph.RowNumber && !r.keepsAll() && r.spec.WindowEnd < 0
}

// ties reports whether rows can share a number.
func (r *Rank) ties() bool { return r.spec.RankKind != jobgraph.RowNumber }

// Open implements Operator.
func (r *Rank) Open(ctx *Context) error {
	r.ctx = ctx
	r.from, r.to = bounds(r.spec.From, r.spec.To)
	r.group = newGrouping(r.spec.Partition, r.spec.Types)
	p := &rankShape{order: newOrdering(r.spec.Order, r.spec.Types), types: r.spec.Types, limit: noBound, ages: r.ages()}
	switch {
	case r.spec.Input == jobgraph.RankUpdateFast && r.spec.WindowEnd < 0:
		p.tag = r.spec.UniqueKey
	case r.keepsAll():
		p.tag = make([]int, len(r.spec.Types))
		for i := range p.tag {
			p.tag[i] = i
		}
	}
	p.tagTs = pickTypes(r.spec.Types, p.tag)
	if !r.keepsAll() && (!r.ties() || r.spec.Emit == jobgraph.AtEnd || r.spec.WindowEnd >= 0) {
		p.limit = r.to
	}
	r.shape = p
	if r.spec.WindowEnd >= 0 {
		var err error
		r.window, err = openWindowRank(r, r.rowsShape())
		return err
	}
	if r.spec.Emit == jobgraph.AtEnd {
		r.spill = newSpillReplay(ctx, "rank", rankEnd{r}, r.spec.Partition, r.spec.Types)
		return r.openRows(scratch{ctx.Groups})
	}
	return r.openRows(ctx.State)
}

// rowsShape is the table of rows.
func (r *Rank) rowsShape() keyed.Shape {
	return keyed.Shape{Name: "rows", Key: r.group.types, Row: r.spec.Types, Extra: r.shape.extraWords(), Groups: r.ctx.Groups, Memory: r.ctx.Memory}
}

// ages reports whether partitions have a time to live.
func (r *Rank) ages() bool { return r.spec.TTLMs > 0 && r.spec.WindowEnd < 0 && !r.atEnd() }

// openRows reads the rows that a store has.
func (r *Rank) openRows(store state.Store) error {
	shape := r.rowsShape()
	if !r.atEnd() {
		shape = r.ctx.expiringKeys(shape, len(r.shape.order.keys), r.spec.TTLMs)
	}
	m, err := keyed.OpenMulti(store, shape)
	if err != nil {
		return err
	}
	r.rows = newRankRows(r.shape, m, r.ctx.Memory, r.isFirst())
	return nil
}

func (r *Rank) closeRows() {
	if r.rows != nil {
		r.rows.lists.close()
		r.rows.m.Close()
	}
}

// Process implements Operator.
func (r *Rank) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	if r.window != nil {
		if err := r.window.process(b); err != nil {
			return false, err
		}
		return r.drain(out)
	}
	switch {
	case b.Len() == 0:
	case r.atEnd():
		if err := r.processEnd(b); err != nil {
			return false, err
		}
	default:
		r.rows.m.Trim()
		r.start(b, r.ident.positions(b))
		r.feed.batches(r.next)
	}
	if m, ok := lastMark(b); ok {
		r.forward(m)
	}
	return r.drain(out)
}

func (r *Rank) drain(out Output) (bool, error) {
	if r.rows != nil && r.spill == nil {
		if err := r.rows.m.Err(); err != nil {
			return false, err
		}
	}
	return r.feed.drain(out)
}

// start takes rows of a batch.
func (r *Rank) start(b *vec.Batch, rows []int32) {
	m := &r.rows.m.Table
	if r.ages() {
		r.rows.now = r.ctx.Env.Now() / 1000
		r.rows.expire(r.group.find(m, b.Cols, rows, b.Rows), r.spec.TTLMs)
	}
	slots, made := r.group.upsert(m, b.Cols, rows, b.Rows)
	if r.isFirst() {
		r.rows.m.Warm(slots)
	}
	r.batch.slots = slots
	r.made = append(r.made[:0], made...)
	r.rows.prepare(&r.batch, b, rows)
	r.at = 0
	r.fold.on = r.foldsBatch(len(rows))
}

// next handles rows until there is a batch to put out.
func (r *Rank) next() (*vec.Batch, error) {
	if r.fold.on {
		for r.step() {
		}
		r.tellFolded()
		r.fold.on = false
	}
	for r.changes.len() < vec.BatchRowsMax && r.step() {
	}
	if r.changes.len() == 0 {
		r.settle()
		return nil, nil
	}
	return r.changes.take(r.rows.m, r.spec.Types, r.spec.Number), nil
}

// settle ends a batch: what it has replaced is forgotten, and the partitions that
// it has named in vain.
func (r *Rank) settle() {
	for _, s := range r.made {
		if r.rows.m.Count(s) == 0 {
			r.rows.m.DeleteKey(s)
		}
	}
	r.made = r.made[:0]
	r.changes.forget(r.rows.m)
	if r.ages() {
		r.rows.touch(r.batch.slots, r.spec.TTLMs)
	}
}

// step handles the next row of the batch; false: there is none.
func (r *Rank) step() bool {
	i := r.at
	if i == len(r.batch.rows) {
		return false
	}
	r.at++
	if r.isFirst() {
		r.first(i)
		return true
	}
	adds := r.batch.b.Kind(int(r.batch.rows[i])).Adds()
	switch {
	case r.spec.Emit == jobgraph.AtEnd:
		r.silent(i, adds)
	case r.fold.on:
		r.fold.note(r, r.batch.slots[i])
		r.silent(i, adds)
	case r.ties():
		r.compared(i, adds)
	case !adds:
		r.remove(i)
	default:
		r.add(i)
	}
	return true
}

// silent changes the rows without telling.
func (r *Rank) silent(i int, adds bool) {
	x, s := r.rows, r.batch.slots[i]
	at := -1
	switch {
	case r.spec.Input == jobgraph.RankUpdateFast:
		at = x.findKey(&r.batch, i)
	case !adds:
		at = x.find(&r.batch, i)
	}
	if at >= 0 {
		r.changes.drop(x.lists.at(s, at).ref)
		x.lists.remove(s, at)
	}
	if !adds {
		return
	}
	at = x.behind(&r.batch, i)
	if int64(at) >= x.limit && r.spec.RankKind == jobgraph.RowNumber {
		return
	}
	x.lists.insert(s, at, x.keep(&r.batch, i))
	x.prune(s, r.spec.RankKind, r.changes.drop)
}

// add handles a row that comes or, known by its unique key, changes.
func (r *Rank) add(i int) {
	x, s := r.rows, r.batch.slots[i]
	if r.spec.Input == jobgraph.RankUpdateFast {
		if old := x.findKey(&r.batch, i); old >= 0 {
			r.move(i, old)
			return
		}
	}
	at := x.behind(&r.batch, i)
	if int64(at) >= x.limit {
		return
	}
	x.lists.insert(s, at, x.keep(&r.batch, i))
	r.emitInsert(s, int64(at)+1)
	if n := x.lists.len(s); int64(n) > x.limit {
		r.changes.drop(x.lists.at(s, n-1).ref)
		x.lists.remove(s, n-1)
	}
}

// remove handles a row that goes.
func (r *Rank) remove(i int) {
	x, s := r.rows, r.batch.slots[i]
	at := -1
	if r.spec.Input == jobgraph.RankUpdateFast {
		at = x.findKey(&r.batch, i)
	} else if x.tag != nil {
		at = x.find(&r.batch, i)
	}
	if at < 0 {
		return // it was never here, or its time to live is over
	}
	r.emitRemove(s, int64(at)+1)
	r.changes.drop(x.lists.at(s, at).ref)
	x.lists.remove(s, at)
}

// move replaces the row at a position by a new version.
func (r *Rank) move(i, old int) {
	x, s := r.rows, r.batch.slots[i]
	was := x.lists.at(s, old).ref
	x.lists.remove(s, old)
	at := x.behind(&r.batch, i)
	x.lists.insert(s, at, x.keep(&r.batch, i))
	r.emitMove(s, int64(old)+1, int64(at)+1, was)
	r.changes.drop(was)
}

// EndInput implements Operator.
func (r *Rank) EndInput(_ int, out Output) (bool, error) {
	if r.atEnd() {
		if err := r.finishEnd(); err != nil {
			return false, err
		}
	}
	return r.drain(out)
}

// forward passes a watermark on, behind what it causes.
func (r *Rank) forward(t int64) {
	switch {
	case r.window != nil:
		r.window.fire(t)
	case r.spec.Emit == jobgraph.AtEnd:
		r.held.hold(t)
	default:
		r.feed.watermark(t)
	}
}

// Watermark implements Operator.
func (r *Rank) Watermark(t int64, out Output) (bool, error) {
	r.forward(t)
	return r.drain(out)
}

// Tick implements Operator.
func (r *Rank) Tick(now int64, _ Output) (bool, error) {
	now /= 1000
	if r.ages() && now-r.swept >= r.spec.TTLMs/2 {
		r.swept = now
		r.rows.sweep(now, r.spec.TTLMs)
	}
	return false, nil
}

// Resume implements Operator.
func (r *Rank) Resume(out Output) (bool, error) { return r.drain(out) }

// Snapshot implements Operator.
func (r *Rank) Snapshot(base.Epoch) error {
	if r.window != nil {
		return r.window.snapshot()
	}
	return r.rows.m.Snapshot()
}

// Close implements Operator.
func (r *Rank) Close() error {
	r.closeRows()
	r.spill.close()
	if r.window != nil {
		r.window.close()
	}
	return nil
}
