package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// WindowJoin joins rows of the same window. Rows wait in a bucket a window, by
// key, on their side; when the watermark passes the window's end they are joined
// and dropped. Rows for windows that are complete are dropped and counted. When memory
// is short windows leave it; one that is not in memory is joined a key group at a time.
// Until a checkpoint rows may wait in the columns in which they came: windowjoin_fresh.go.
type WindowJoin struct {
	Base
	spec  *jobgraph.WindowJoin
	ctx   *Context
	cond  *expr.Program
	sides [2]joinSide
	safe  []bool // by key: NULL equals NULL
	time  *windowTime
	mark  int64
	ident idents
	keys  freshKeys
	found keyed.Keys // those of a window that are looked for on the right
	early []int      // columns of both sides that say which pairs match
	parts windowParts
	pairs pairLists
	refs  [2][]keyed.Ref // of the window that is joined, see joinedWindow
	hits  []bool
	feed  feed
}

// windowParts are the rows of a batch by the end of their window.
type windowParts struct {
	at   map[int64]int // place in list
	list []windowPart
}

type windowPart struct {
	end  int64
	rows []int32
}

func (p *windowParts) reset() {
	clear(p.at)
	p.list = p.list[:0]
}

// of returns the part of a window, until the next call.
func (p *windowParts) of(end int64) *windowPart {
	if p.at == nil {
		p.at = map[int64]int{}
	}
	i, ok := p.at[end]
	if !ok {
		i = len(p.list)
		p.at[end] = i
		if i < cap(p.list) {
			p.list = p.list[:i+1] // with the memory of its rows
		} else {
			p.list = append(p.list, windowPart{})
		}
		p.list[i].end, p.list[i].rows = end, p.list[i].rows[:0]
	}
	return &p.list[i]
}

// pairLists are pairs of rows and their ordinals, a batch at a time.
type pairLists struct {
	l, r   []keyed.Ref
	ol, or []int32
}

func (p *pairLists) reset() { p.l, p.r, p.ol, p.or = p.l[:0], p.r[:0], p.ol[:0], p.or[:0] }

// joinSide is the rows of one input.
type joinSide struct {
	types      []types.Type
	group      *grouping
	start, end int
	rows       *keyed.MultiBuckets
	fresh      freshWindows
	outer      bool // rows without a match come out too
}

// NewWindowJoin returns the operator for a spec.
func NewWindowJoin(spec *jobgraph.WindowJoin) Operator { return &WindowJoin{spec: spec} }

// Open implements Operator.
func (w *WindowJoin) Open(ctx *Context) error {
	w.ctx = ctx
	s := w.spec
	kind := s.JoinKind
	w.sides[0] = joinSide{types: s.LeftTypes, group: newGrouping(s.LeftKeys, s.LeftTypes), start: s.LeftStart, end: s.LeftEnd,
		outer: kind == jobgraph.Left || kind == jobgraph.Full || kind == jobgraph.Anti}
	w.sides[1] = joinSide{types: s.RightTypes, group: newGrouping(s.RightKeys, s.RightTypes), start: s.RightStart, end: s.RightEnd,
		outer: kind == jobgraph.Right || kind == jobgraph.Full}
	w.safe = make([]bool, len(s.LeftKeys))
	copy(w.safe, s.NullSafe)
	var err error
	if w.time, err = newWindowTime(&jobgraph.Window{Granule: s.Granule, Zone: s.Zone}); err != nil {
		return err
	}
	if s.Cond != nil {
		if w.cond, err = expr.Compile(s.Cond, ctx.Env); err != nil {
			return err
		}
		w.early = slices.Clone(expr.Columns(s.Cond))
	}
	for _, c := range []int{s.LeftStart, len(s.LeftTypes) + s.RightStart} {
		if !slices.Contains(w.early, c) {
			w.early = append(w.early, c)
		}
	}
	for i, name := range []string{"left", "right"} {
		side := &w.sides[i]
		side.rows, err = keyed.OpenMultiBuckets(ctx.State, ctx.evicting(keyed.Shape{Name: name, Key: side.group.types, Row: side.types, Groups: ctx.Groups, Memory: ctx.Memory}))
		if err != nil {
			return err
		}
	}
	w.mark = restoredTime(ctx.State, windowMark)
	w.keys.open(s)
	out := s.LeftTypes
	if kind != jobgraph.Semi && kind != jobgraph.Anti {
		out = append(slices.Clone(out), s.RightTypes...)
	}
	w.feed.gather(out)
	return nil
}

// Process implements Operator.
func (w *WindowJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	if err := w.trim(); err != nil {
		return false, err
	}
	side := &w.sides[in]
	rows := w.ident.positions(b)
	if len(rows) > 0 {
		if err := w.sort(side, b, w.matchable(side, b, rows)); err != nil {
			return false, err
		}
		w.take(side, b)
	}
	if m, ok := lastMark(b); ok {
		return w.Watermark(m, out)
	}
	return false, nil
}

// sort sets parts to the rows that are not late.
func (w *WindowJoin) sort(side *joinSide, b *vec.Batch, rows []int32) error {
	w.parts.reset()
	ends, one := endsOf(b.Cols[side.end])
	var part *windowPart
	// The watermark of a row is the mark before it.
	mark, marks := w.mark, b.Marks
	seen := mark // that of the row before, in whose window it was in time
	for _, r := range rows {
		for len(marks) > 0 && marks[0].Row <= r {
			mark = max(mark, marks[0].Time)
			marks = marks[1:]
		}
		at := int(r)
		if one {
			at = 0
		}
		if ends.Valid.Null(at) {
			return errNullTime
		}
		e := ends.Vals[at]
		if part == nil || part.end != e || mark != seen || w.ctx.Late != nil {
			if w.late(e, mark, b, int(r)) {
				continue
			}
			part, seen = w.parts.of(e), mark
		}
		part.rows = append(part.rows, r)
	}
	return nil
}

// endsOf returns the times of a column, or the one that all rows have.
func endsOf(v vec.Vector) (ends *vec.Fixed[int64], one bool) {
	if c, ok := v.(*vec.Const); ok {
		return micros(c.Val), true
	}
	return micros(v), false
}

// trim lets windows leave memory, between two batches.
func (w *WindowJoin) trim() error {
	l, r := w.sides[0].rows, w.sides[1].rows
	held := l.Bytes() + r.Bytes() + w.freshBytes()
	if fresh := w.freshBytes(); fresh > freshBytesMax || fresh > 0 && w.ctx.Memory.Short(held) {
		w.settleAll()
		held = l.Bytes() + r.Bytes()
	}
	l.Trim(r.Bytes())
	r.Trim(l.Bytes())
	return w.ctx.unfit(held, cmp.Or(l.Err(), r.Err()))
}

func (w *WindowJoin) late(end, mark int64, b *vec.Batch, row int) bool {
	late := mark != noWatermark && w.time.fires(end) <= mark
	if log := w.ctx.Late; log != nil {
		switch {
		case !w.ctx.Env.Streaming:
			late = late || log.Drop(w.ctx.Op, end, b, row)
		case late:
			log.Dropped(w.ctx.Op, end, b, row)
		}
	}
	if late {
		w.ctx.Counters.LateDropped++
	}
	return late
}

// matchable leaves out the rows that can match nothing, because a key is NULL,
// where they are not to come out either.
func (w *WindowJoin) matchable(side *joinSide, b *vec.Batch, rows []int32) []int32 {
	if side.outer {
		return rows
	}
	for i, c := range side.group.cols {
		if w.safe[i] || side.types[c].NotNull {
			continue
		}
		col := b.Cols[c]
		var out []int32
		for _, r := range rows {
			if !col.Null(int(r)) {
				out = append(out, r)
			}
		}
		rows = out
	}
	return rows
}

// Watermark implements Operator.
func (w *WindowJoin) Watermark(t int64, out Output) (bool, error) {
	var win *joinedWindow
	w.feed.batches(func() (*vec.Batch, error) {
		for {
			if win == nil {
				end, ok := w.next(t)
				if !ok {
					w.mark = max(w.mark, t)
					return nil, nil
				}
				win = w.open(end)
			}
			b, err := win.step()
			if b != nil || err != nil {
				return b, err
			}
			if more, err := win.next(); more || err != nil {
				return &vec.Batch{}, err
			}
			for i := range w.sides {
				w.sides[i].rows.Drop(win.end)
				w.forget(&w.sides[i], win.end)
			}
			w.refs, w.hits = win.refs, win.hits[0]
			win = nil
		}
	})
	w.feed.watermark(t)
	return w.feed.drain(out)
}

// next returns the first window that is complete at t.
func (w *WindowJoin) next(t int64) (end int64, ok bool) {
	end = math.MaxInt64
	for i := range w.sides {
		side := &w.sides[i]
		if first, any := side.rows.First(); any && first <= end {
			end, ok = first, true
		}
		if fresh := side.fresh.ends; len(fresh) > 0 && fresh[0] <= end {
			end, ok = fresh[0], true
		}
	}
	return end, ok && w.time.fires(end) <= t
}

// Resume implements Operator.
func (w *WindowJoin) Resume(out Output) (bool, error) { return w.feed.drain(out) }

// Snapshot implements Operator.
func (w *WindowJoin) Snapshot(base.Epoch) error {
	saveTime(w.ctx.State, windowMark, w.mark)
	w.settleAll()
	for i := range w.sides {
		if err := w.sides[i].rows.Snapshot(); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Operator.
func (w *WindowJoin) Close() error {
	w.ctx.Memory.Add(-w.freshBytes())
	if w.keys.table != nil {
		w.keys.table.Close()
	}
	for i := range w.sides {
		if r := w.sides[i].rows; r != nil {
			r.Close()
		}
	}
	return nil
}

// joinedWindow joins the rows of one window, a batch of pairs at a time.
//
//	keys of the left side, in their order ── rows × rows of the key on the right
//
// Which rows have matched is kept by ordinal; those that come out without a match,
// or for having one (semi), follow at the end.
type joinedWindow struct {
	w     *WindowJoin
	end   int64
	walk  [2]*keyed.Walk
	whole bool // it is fresh and not joined yet
	side  [2]windowRows
	keys  []keyed.Slot // left
	with  []keyed.Slot // the right key of each
	at    int
	l, r  []keyed.Ref // of the key at hand
	i, j  int
	base  [2]int // ordinals of their first rows
	refs  [2][]keyed.Ref
	hits  [2][]bool
	ord   map[keyed.Slot]int // right: the ordinal of a key's first row
	phase int
	list  []keyed.Ref // rows that come out alone
}

func (w *WindowJoin) open(end int64) *joinedWindow {
	if x := w.fresh(end); x != nil {
		return x
	}
	for i := range w.sides {
		w.settle(&w.sides[i], end)
	}
	x := &joinedWindow{w: w, end: end, phase: 2}
	byGroups := !w.sides[0].rows.WholeAt(end) || !w.sides[1].rows.WholeAt(end)
	for i := range w.sides {
		x.walk[i] = w.sides[i].rows.Walk(end, byGroups)
	}
	return x
}

// next goes on to the next keys, of both sides; false when there are no more.
func (x *joinedWindow) next() (more bool, err error) {
	if x.walk[0] == nil {
		return x.nextFresh()
	}
	*x = joinedWindow{w: x.w, end: x.end, walk: x.walk, r: x.r[:0]}
	x.refs, x.hits[0] = [2][]keyed.Ref{x.w.refs[0][:0], x.w.refs[1][:0]}, x.w.hits[:0]
	var slots [2][]keyed.Slot
	var lists [2]*keyed.Multi
	for i, walk := range x.walk {
		if slots[i], more, err = walk.Next(); err != nil || !more {
			return false, err
		}
		if lists[i] = x.w.sides[i].rows.Get(x.end); lists[i] != nil {
			x.side[i] = lists[i]
		}
	}
	if left := lists[0]; left != nil {
		x.keys = slots[0]
		x.with = make([]keyed.Slot, len(x.keys))
		if lists[1] == nil {
			for i := range x.with {
				x.with[i] = keyed.None
			}
		} else {
			x.findRight(lists[1], left.Keys(x.keys))
		}
	}
	x.outer(slots[1])
	return true, nil
}

// outer lists the rows of the right side, if those without a match come out.
func (x *joinedWindow) outer(keys []keyed.Slot) {
	if x.side[1] == nil || !x.w.sides[1].outer {
		return
	}
	x.ord = map[keyed.Slot]int{}
	for _, s := range keys {
		x.ord[s] = len(x.refs[1])
		x.refs[1] = x.side[1].Rows(x.refs[1], s)
	}
	x.hits[1] = make([]bool, len(x.refs[1]))
}

func (x *joinedWindow) findRight(right *keyed.Multi, cols []vec.Vector) {
	g := x.w.sides[1].group
	n := len(x.keys)
	x.w.found.Prepare(g.types, cols, nil, n)
	right.Find(&x.w.found, x.with)
	if len(g.cols) == 0 {
		return
	}
	for k, c := range cols {
		if x.w.safe[k] {
			continue
		}
		for i := range n {
			if c.Null(i) {
				x.with[i] = keyed.None
			}
		}
	}
}

// step returns the next batch, nil at the end.
func (x *joinedWindow) step() (*vec.Batch, error) {
	kind := x.w.spec.JoinKind
	for x.phase == 0 {
		p := &x.w.pairs
		x.pairs(p)
		if len(p.l) == 0 {
			x.phase = 1
			x.list = x.alone(0, kind == jobgraph.Semi)
			break
		}
		b, err := x.match(p)
		if b != nil || err != nil {
			return b, err
		}
	}
	if x.phase == 1 {
		if len(x.list) > 0 {
			return x.single(0), nil
		}
		x.phase = 2
		x.list = x.alone(1, false)
	}
	if len(x.list) > 0 {
		return x.single(1), nil
	}
	return nil, nil
}

// pairs finds the next pairs of rows with equal keys, and their ordinals.
func (x *joinedWindow) pairs(p *pairLists) {
	p.reset()
	for len(p.l) < vec.BatchRowsMax {
		if x.i == len(x.l) {
			if x.at == len(x.keys) {
				return
			}
			s, m := x.keys[x.at], x.with[x.at]
			x.at++
			x.base[0] = len(x.refs[0])
			x.refs[0] = x.side[0].Rows(x.refs[0], s)
			x.l, x.i, x.j, x.r = x.refs[0][x.base[0]:], 0, 0, x.r[:0]
			if m == keyed.None {
				x.i = len(x.l)
				continue
			}
			x.r = x.side[1].Rows(x.r, m)
			x.base[1] = x.ord[m]
		}
		for x.i < len(x.l) && len(p.l) < vec.BatchRowsMax {
			n := min(len(x.r)-x.j, vec.BatchRowsMax-len(p.l))
			for k := x.j; k < x.j+n; k++ {
				p.l, p.r = append(p.l, x.l[x.i]), append(p.r, x.r[k])
				p.ol, p.or = append(p.ol, int32(x.base[0]+x.i)), append(p.or, int32(x.base[1]+k))
			}
			if x.j += n; x.j == len(x.r) {
				x.i, x.j = x.i+1, 0
			}
		}
	}
}

// match keeps the pairs whose windows start alike and for which the condition
// holds, and returns them if pairs come out. Of the others only the columns are read
// that decide that.
func (x *joinedWindow) match(p *pairLists) (*vec.Batch, error) {
	w := x.w
	n, left := len(p.l), len(w.spec.LeftTypes)
	cols := make([]vec.Vector, left+len(w.spec.RightTypes))
	for _, c := range w.early {
		cols[c] = x.gather(p, c)
	}
	ls, rs := micros(cols[w.spec.LeftStart]), micros(cols[left+w.spec.RightStart])
	sel := make([]int32, 0, n)
	for i := range n {
		if ls.Vals[i] == rs.Vals[i] {
			sel = append(sel, int32(i))
		}
	}
	if w.cond != nil && len(sel) > 0 {
		var err error
		if sel, err = w.cond.Filter(cols, sel, n); err != nil {
			return nil, err
		}
	}
	for len(x.hits[0]) < len(x.refs[0]) {
		x.hits[0] = append(x.hits[0], false)
	}
	for _, i := range sel {
		x.hits[0][p.ol[i]] = true
		if x.hits[1] != nil {
			x.hits[1][p.or[i]] = true
		}
	}
	if kind := w.spec.JoinKind; kind == jobgraph.Semi || kind == jobgraph.Anti || len(sel) == 0 {
		return nil, nil
	}
	if len(sel) < n {
		for k, i := range sel {
			p.l[k], p.r[k] = p.l[i], p.r[i]
		}
		p.l, p.r = p.l[:len(sel)], p.r[:len(sel)]
		for _, c := range w.early {
			cols[c] = vec.Take(cols[c], sel)
		}
	}
	for c := range cols {
		if cols[c] == nil {
			cols[c] = x.gather(p, c)
		}
	}
	return &vec.Batch{Cols: cols, Rows: len(sel)}, nil
}

// gather returns a column of both sides' rows.
func (x *joinedWindow) gather(p *pairLists, col int) vec.Vector {
	if left := len(x.w.spec.LeftTypes); col >= left {
		return x.side[1].Gather(p.r, col-left)
	}
	return x.side[0].Gather(p.l, col)
}

// alone returns the rows of a side that come out by themselves.
func (x *joinedWindow) alone(side int, hit bool) []keyed.Ref {
	if !x.w.sides[side].outer && !hit {
		return nil
	}
	var out []keyed.Ref
	for i, ref := range x.refs[side] {
		if (i < len(x.hits[side]) && x.hits[side][i]) == hit {
			out = append(out, ref)
		}
	}
	return out
}

// single returns a batch of rows of a side, with NULLs for the other.
func (x *joinedWindow) single(side int) *vec.Batch {
	now := x.list[:min(len(x.list), vec.BatchRowsMax)]
	x.list = x.list[len(now):]
	kind := x.w.spec.JoinKind
	b := &vec.Batch{Rows: len(now)}
	for i := range x.w.sides {
		if i == 1 && (kind == jobgraph.Semi || kind == jobgraph.Anti) {
			break
		}
		for c, t := range x.w.sides[i].types {
			if i == side {
				b.Cols = append(b.Cols, x.side[i].Gather(now, c))
			} else {
				b.Cols = append(b.Cols, vec.Nulls(t, len(now)))
			}
		}
	}
	return b
}
