package exec

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// A LookupTable is what a lookup join asks: a connector, a cache before it, or a whole
// table read into memory. The times are processing time, in microseconds.
type LookupTable interface {
	// Open comes first.
	Open(ctx *Context) error
	// Ask and Poll are as of connect.Looker. Poll also goes on with what the table
	// does by itself.
	Ask(now int64, id uint64, keys *vec.Batch) error
	Poll(now int64) (connect.Answer, bool, error)
	// Ready reports whether what is asked is answered by the next Polls, without
	// waiting for anybody.
	Ready() bool
	Close() error
}

// LookupJoin joins each row with the rows that a table outside the job has for its
// keys.
//
// A batch that comes is cut into flights of at most Capacity rows. A flight is asked
// for when there is room, and leaves when it is answered: in the order of arrival, or,
// when order does not count, whenever it is ready, but never behind a watermark that
// came after it.
//
//	waiting ─▸ asked ─▸ (paused ─▸ asked)* ─▸ done
//
// A row for which there is no answer may be asked for again, RetryMax times, when it
// has paused. The rows that have not left are part of a checkpoint, and are asked for
// again after a restore; so no barrier waits for a server.
//
// Where the input changes, what each row was joined with is kept (joined.go): the row
// is taken back with that, not with what the table says by then.
type LookupJoin struct {
	Base
	leaver
	spec  *jobgraph.LookupJoin
	table LookupTable
	ctx   *Context
	shape shaper
	cond  *expr.Program
	needs []int // the columns that cond reads
	ident idents

	flights  []*flight // in the order of arrival
	byID     map[uint64]*flight
	id       uint64
	asked    int  // rows that are asked for
	full     bool // a flight waits for room
	flushing bool // until no row is torn
	now      int64
	saved    savedRows
	rising
	feed feed
}

// A flight is rows on their way.
type flight struct {
	leaving      // no rows: the fence alone
	fence   bool // a watermark follows the rows
	mark    int64

	stage stage
	rows  []int32 // that are asked for
	again []int32 // that have had no answer
	tries int
	began int64 // when it was asked for first
	due   int64 // of a paused one
	hit   []bool
}

type stage uint8

const (
	flightWaits stage = iota
	flightAsked
	flightPaused
	flightDone
)

// NewLookupJoin returns the operator.
func NewLookupJoin(spec *jobgraph.LookupJoin, table LookupTable) *LookupJoin {
	return &LookupJoin{spec: spec, table: table, byID: map[uint64]*flight{}}
}

// Open implements Operator.
func (j *LookupJoin) Open(ctx *Context) error {
	s := j.spec
	j.ctx, j.now = ctx, ctx.Env.Now()
	var err error
	if j.leaver, err = newLeaver(ctx, s.JoinKind, s.LeftKeys, s.LeftTypes, s.RightTypes, s.Keep, s.TTLMs); err != nil {
		return err
	}
	if j.shape, err = newShaper(s.Source.Project, s.Calc, ctx.Env); err != nil {
		return err
	}
	if j.cond, err = compileCond(s.Cond, ctx.Env); err != nil {
		return err
	}
	if s.Cond != nil {
		j.needs = expr.Columns(s.Cond)
	}
	if err := j.table.Open(ctx); err != nil {
		return err
	}
	j.saved = newSavedRows(ctx, s.LeftTypes, s.LeftKeys, s.Keep)
	return j.saved.restore(ctx.State, j.take, j.fence)
}

// local reports whether the table is in memory: its answers are there at once, and may
// be long, so they leave piece by piece.
func (j *LookupJoin) local() bool { return j.spec.Cache.Kind == connect.CacheFull }

// Process implements Operator.
func (j *LookupJoin) Process(_ int, b *vec.Batch, out Output) (bool, error) {
	j.trim()
	c := vec.Compact(b)
	from := 0
	for _, m := range c.Marks { // each stays between the rows that it stood between
		j.take(sliceBatch(c, from, int(m.Row)))
		j.fence(m.Time)
		from = int(m.Row)
	}
	j.take(sliceBatch(c, from, c.Rows))
	return j.run(out)
}

// Watermark implements Operator.
func (j *LookupJoin) Watermark(t int64, out Output) (bool, error) {
	if t == math.MaxInt64 {
		return false, nil // the task's to pass on
	}
	j.fence(t)
	return j.run(out)
}

// Tick implements Operator.
func (j *LookupJoin) Tick(now int64, out Output) (bool, error) {
	j.now = now
	j.sweep(now / 1000)
	return j.run(out)
}

// Resume implements Operator.
func (j *LookupJoin) Resume(out Output) (bool, error) { return j.run(out) }

// Arrived implements Waiter.
func (j *LookupJoin) Arrived(out Output) (did, more bool, err error) {
	if did, err = j.pump(); err != nil || !did {
		return false, false, err
	}
	more, err = j.feed.drain(out)
	return true, more, err
}

// Waiting implements Waiter.
func (j *LookupJoin) Waiting() (pending, full bool) { return len(j.flights) > 0, j.full }

// Flush implements Operator: what has left in part leaves whole. The rest is saved.
func (j *LookupJoin) Flush(out Output) (bool, error) {
	j.flushing = true
	return j.run(out)
}

// take makes flights of a batch.
func (j *LookupJoin) take(b *vec.Batch) {
	if b.Len() == 0 {
		return
	}
	c := vec.Compact(&vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: b.Sel, Kinds: b.Kinds})
	step := c.Rows
	if j.spec.Capacity > 0 && !j.local() {
		step = min(step, j.spec.Capacity)
	}
	for from := 0; from < c.Rows; from += step {
		j.flights = append(j.flights, &flight{leaving: leaving{b: sliceBatch(c, from, min(from+step, c.Rows))}})
	}
}

func sliceBatch(b *vec.Batch, from, to int) *vec.Batch {
	if from == 0 && to == b.Rows && len(b.Marks) == 0 {
		return b
	}
	out := &vec.Batch{Rows: to - from}
	for _, c := range b.Cols {
		out.Cols = append(out.Cols, vec.Slice(c, from, to))
	}
	if b.Kinds != nil {
		out.Kinds = b.Kinds[from:to:to]
	}
	return out
}

// fence puts a watermark behind the rows that are on their way.
func (j *LookupJoin) fence(t int64) {
	if !j.rises(t) {
		return
	}
	if n := len(j.flights); n > 0 {
		f := j.flights[n-1]
		f.fence, f.mark = true, t
		return
	}
	j.flights = append(j.flights, &flight{leaving: leaving{b: &vec.Batch{}}, fence: true, mark: t, stage: flightDone})
}

// run does a bounded piece of work and reports whether more can be done at once.
func (j *LookupJoin) run(out Output) (bool, error) {
	if len(j.feed.queue) == 0 {
		if _, err := j.pump(); err != nil {
			return false, err
		}
	}
	more, err := j.feed.drain(out)
	if more || err != nil {
		return more, err
	}
	more = j.local() && j.table.Ready() && len(j.flights) > 0
	if j.flushing && !j.torn() {
		j.flushing, more = false, false
	}
	return more, nil
}

// torn reports whether some of the rows of the first flight's row at hand have left and
// others have not.
func (j *LookupJoin) torn() bool { return len(j.flights) > 0 && j.flights[0].any }

// pollsMax is how many answers are taken before what they made is emitted.
const pollsMax = 64

// pump goes on as far as is possible without waiting: it takes answers, asks what is
// to be asked, and lets leave what may. It reports whether there was anything to do.
func (j *LookupJoin) pump() (did bool, err error) {
	for range pollsMax {
		if err := j.ask(); err != nil {
			return did, err
		}
		a, ok, err := j.table.Poll(j.now)
		if err != nil {
			return did, fmt.Errorf("look up %s: %w", j.spec.Source.Table.Name, err)
		}
		if !ok {
			break
		}
		did = true
		if err := j.answer(a); err != nil {
			return did, err
		}
		if j.local() {
			break // what it gave may be a batch already
		}
	}
	if err := j.ask(); err != nil {
		return did, err
	}
	left, err := j.release()
	return did || left, err
}

// ask asks for flights that wait or whose pause is over, as far as there is room, in
// order.
func (j *LookupJoin) ask() error {
	j.full = false
	for _, f := range j.flights {
		switch {
		case (f.stage == flightAsked || f.stage == flightPaused) && j.spec.TimeoutMs > 0 && j.now-f.began > j.spec.TimeoutMs*1000:
			return fmt.Errorf("look up %s: no answer within %d ms; 'table.exec.async-lookup.timeout' says how long to wait", j.spec.Source.Table.Name, j.spec.TimeoutMs)
		case f.stage == flightWaits:
			f.rows, f.hit, f.began = j.toAsk(f.b), make([]bool, f.b.Rows), j.now
		case f.stage == flightPaused && f.due <= j.now:
			f.rows = f.again
		default:
			continue
		}
		if len(f.rows) == 0 {
			f.stage = flightDone
			continue
		}
		if !j.room(len(f.rows)) {
			j.full = true
			return nil
		}
		if err := j.send(f); err != nil {
			return fmt.Errorf("look up %s: %w", j.spec.Source.Table.Name, err)
		}
	}
	return nil
}

// room reports whether n more rows may be asked for.
func (j *LookupJoin) room(n int) bool {
	switch {
	case j.asked == 0:
		return true
	case j.local():
		return j.asked < 2*vec.BatchRowsMax // while the table is read for the first time
	}
	return j.spec.Capacity > 0 && j.asked+n <= j.spec.Capacity
}

// toAsk are the rows of a batch that a table can have an answer for: no key is NULL,
// and what is taken back is known.
func (j *LookupJoin) toAsk(b *vec.Batch) []int32 {
	if !j.left.anyVoid(b) && (j.kept == nil || b.Kinds == nil) {
		return slices.Clone(j.ident.upTo(b.Rows))
	}
	var out []int32
	for r := range b.Rows {
		if j.asks(b, r) {
			out = append(out, int32(r))
		}
	}
	return out
}

func (j *LookupJoin) send(f *flight) error {
	j.id++
	keys := &vec.Batch{Rows: len(f.rows)}
	for _, k := range j.spec.LeftKeys {
		keys.Cols = append(keys.Cols, vec.Take(f.b.Cols[k], f.rows))
	}
	f.stage, f.tries = flightAsked, f.tries+1
	j.byID[j.id] = f
	j.asked += len(f.rows)
	return j.table.Ask(j.now, j.id, keys)
}

// answer takes an answer to the flight that it is for.
func (j *LookupJoin) answer(a connect.Answer) error {
	f := j.byID[a.ID]
	if f == nil {
		return fmt.Errorf("look up %s: an answer to nothing that was asked", j.spec.Source.Table.Name)
	}
	if a.Rows != nil && a.Rows.Rows > 0 {
		of := make([]int32, len(a.Of))
		for i, k := range a.Of {
			of[i] = f.rows[k]
			f.hit[of[i]] = true
		}
		p, err := j.match(f.b, of, a.Rows)
		if err != nil {
			return err
		}
		f.pieces = append(f.pieces, p)
	}
	if !a.Last {
		return nil
	}
	delete(j.byID, a.ID)
	j.asked -= len(f.rows)
	f.stage, f.again = flightDone, nil
	if f.tries > j.spec.RetryMax {
		return nil
	}
	for _, r := range f.rows {
		if !f.hit[r] {
			f.again = append(f.again, r)
		}
	}
	if len(f.again) == 0 {
		return nil
	}
	if !j.spec.Ordered {
		f = j.split(f)
	}
	f.stage, f.due = flightPaused, j.now+j.spec.RetryDelayMs*1000
	return nil
}

// split makes a flight of its own of the rows that are to be asked for again, so that
// the others need not wait for them. What follows f follows it.
func (j *LookupJoin) split(f *flight) *flight {
	n := &flight{leaving: leaving{b: &vec.Batch{Rows: len(f.again), Cols: takeAll(f.b.Cols, f.again)}}, fence: f.fence, mark: f.mark,
		tries: f.tries, began: f.began, again: slices.Clone(j.ident.upTo(len(f.again))), hit: make([]bool, len(f.again))}
	rest := make([]int32, 0, f.b.Rows-len(f.again))
	place := make([]int32, f.b.Rows)
	for r, k := 0, 0; r < f.b.Rows; r++ {
		if k < len(f.again) && int(f.again[k]) == r {
			k++
			continue
		}
		place[r] = int32(len(rest))
		rest = append(rest, int32(r))
	}
	f.b, f.fence, f.again = &vec.Batch{Rows: len(rest), Cols: takeAll(f.b.Cols, rest)}, false, nil
	for _, p := range f.pieces {
		for i, r := range p.left {
			p.left[i] = place[r]
		}
	}
	j.flights = slices.Insert(j.flights, slices.Index(j.flights, f)+1, n)
	return n
}

// match shapes the rows of an answer and keeps those that pass the conditions.
func (j *LookupJoin) match(left *vec.Batch, of []int32, rows *vec.Batch) (piece, error) {
	cols, sel := rows.Cols, []int32(nil)
	if !j.local() { // a table in memory holds rows in shape
		var err error
		if cols, sel, err = j.shape.apply(rows); err != nil {
			return piece{}, err
		}
		if sel != nil {
			of = takeInts(of, sel)
		}
	}
	p := piece{of, cols}
	if j.cond == nil || len(of) == 0 {
		return p, nil
	}
	both := make([]vec.Vector, len(j.spec.LeftTypes)+len(j.spec.RightTypes))
	for _, c := range j.needs {
		if nl := len(j.spec.LeftTypes); c < nl {
			both[c] = vec.Take(left.Cols[c], of)
		} else {
			both[c] = cols[c-nl]
		}
	}
	sel, err := j.cond.Filter(both, nil, len(of))
	if err != nil || sel == nil {
		return p, err
	}
	return piece{takeInts(of, sel), takeAll(cols, sel)}, nil
}

func takeInts(v, rows []int32) []int32 {
	out := make([]int32, len(rows))
	for i, r := range rows {
		out[i] = v[r]
	}
	return out
}

// release lets leave what may, and reports whether anything did.
func (j *LookupJoin) release() (any bool, err error) {
	stays := j.flights[:0]
	for i, f := range j.flights {
		if n := len(stays); n > 0 && (j.spec.Ordered || stays[n-1].fence) {
			stays = append(stays, j.flights[i:]...)
			break
		}
		if f.stage == flightDone || j.piecewise() {
			if f.tries > 1 && len(f.pieces) > 1 {
				f.pieces = []piece{j.merged(f.pieces)}
			}
			did, err := j.leave(&f.leaving, f.stage == flightDone, &j.feed)
			if err != nil {
				return any, err
			}
			any = any || did
		}
		switch {
		case f.stage != flightDone:
			stays = append(stays, f)
		case f.fence && len(stays) > 0: // rows before it are on their way
			stays = append(stays, &flight{leaving: leaving{b: &vec.Batch{}}, fence: true, mark: f.mark, stage: flightDone})
		case f.fence:
			j.feed.watermark(f.mark)
			any = true
		}
	}
	clear(j.flights[len(stays):])
	j.flights = stays
	return any, nil
}

// piecewise reports whether a flight leaves as its answer comes.
func (j *LookupJoin) piecewise() bool { return j.local() && j.spec.RetryMax == 0 }

// merged puts the answers of several tries into the order of the rows.
func (j *LookupJoin) merged(list []piece) piece {
	type place struct{ left, piece, row int32 }
	var at []place
	for k, p := range list {
		for i, r := range p.left {
			at = append(at, place{r, int32(k), int32(i)})
		}
	}
	slices.SortStableFunc(at, func(a, b place) int { return int(a.left) - int(b.left) })
	out := piece{left: make([]int32, len(at)), cols: make([]vec.Vector, len(j.spec.RightTypes))}
	for c, t := range j.spec.RightTypes {
		b := vec.NewBuilder(t)
		for i, a := range at {
			out.left[i] = a.left
			b.From(list[a.piece].cols[c], int(a.row))
		}
		out.cols[c] = b.Finish()
	}
	return out
}

// Snapshot implements Operator.
func (j *LookupJoin) Snapshot(base.Epoch) error {
	if err := j.saved.start(j.ctx.State); err != nil {
		return err
	}
	for _, f := range j.flights {
		if err := j.saved.add(j.ctx.State, f.b, f.cursor); err != nil {
			return err
		}
		if !f.fence {
			continue
		}
		if err := j.saved.fence(j.ctx.State, f.mark); err != nil {
			return err
		}
	}
	if err := j.saved.end(j.ctx.State); err != nil {
		return err
	}
	return j.snapshot()
}

// Close implements Operator.
func (j *LookupJoin) Close() error {
	j.close()
	return j.table.Close()
}
