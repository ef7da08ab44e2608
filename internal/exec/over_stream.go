package exec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// overStream computes rows as the watermark passes them, in the order of their
// times. Calls are of two sorts:
//
//	running   frames from the beginning to the current row, and the numbering
//	          functions: an entry a partition has the accumulators, how many rows
//	          and how many groups of peers there were
//	sliding   frames with a beginning, and LAG: the rows that later frames may still
//	          reach are kept (past), and computed again in front of new ones
//
// Rows of one time become due together, so all peers are at hand at once.
//
// What is late is Flink's: with a running call a row at or behind the watermark; with
// frames that have a beginning alone a row that is not behind the last of its own
// partition, as long as that is known.
type overStream struct {
	o     *Over
	order *ordering
	group *grouping
	mark  int64
	fired int64 // the mark up to which rows have been put out
	seq   uint64
	wait  *keyed.MultiBuckets // nil by processing time

	running *overCalls
	accs    *keyed.Table // by partition: groups, then the accumulators
	last    int          // the word of the time of the last row, -1: it does not matter

	sliding *overCalls
	past    *keyed.Multi // by partition, in order; extra: the time
	columns []int        // the input's columns that past keeps
	keep    int64        // at least so many rows
	reach   int64        // and those within so many microseconds
	swept   int64
}

const (
	overGroups = iota // words of an entry
	overCount
	overHead
)

// micros31 is how far the beginning of a frame by RANGE lies before its row at most,
// in microseconds.
func micros31(b jobgraph.FrameBound) int64 {
	if b.Months {
		return -b.Offset * 31 * types.Day
	}
	return -b.Offset
}

func openOverStream(o *Over) (overMode, error) {
	ctx, spec := o.ctx, o.spec
	x := &overStream{o: o, order: newOrdering(spec.Order, spec.Types), group: newGrouping(spec.Partition, spec.Types), reach: -1}
	x.mark = restoredTime(ctx.State, "watermark")
	x.swept, x.fired = x.mark, x.mark
	var err error
	if !o.proctime() {
		if x.wait, x.seq, err = openWaiting(ctx, x.group, spec.Types); err != nil {
			return nil, err
		}
	}
	x.last = -1
	if err := x.openRunning(); err != nil {
		return nil, err
	}
	return x, x.openSliding()
}

// framed reports whether all calls have frames with a beginning.
func (x *overStream) framed() bool {
	return !slices.ContainsFunc(x.o.spec.Calls, func(c jobgraph.OverCall) bool {
		return c.Frame.From.Unbounded || c.Func == "LAG"
	})
}

func (x *overStream) openRunning() (err error) {
	ctx, spec := x.o.ctx, x.o.spec
	x.running, err = newOverCalls(spec, spec.Types, x.order, func(c *overCall) bool { return c.running || c.numbers() }, ctx.Memory)
	if err != nil {
		return err
	}
	shape := keyed.Shape{Name: "accumulators", Key: x.group.types, Words: overHead, Groups: ctx.Groups, Memory: ctx.Memory}
	for i, c := range x.running.list {
		switch c.spec.Func {
		case "PERCENT_RANK", "CUME_DIST", "NTILE":
			return fmt.Errorf("%s needs the whole partition: it is not supported in a stream", c.spec.Func)
		}
		if c.agg == nil {
			continue
		}
		for _, b := range c.agg.Blobs() {
			shape.Blobs = append(shape.Blobs, shape.Words+b)
		}
		c.agg.Bind(shape.Words)
		shape.Words += c.agg.Words()
		if c.seen != nil {
			if err := c.openSeen(ctx, fmt.Sprintf("distinct-%d", x.running.at[i]), x.group); err != nil {
				return err
			}
		}
	}
	if x.wait != nil && len(x.running.list) == 0 && x.framed() {
		x.last = shape.Words
		shape.Words++
	}
	x.accs, err = keyed.Open(ctx.State, ctx.evicting(shape))
	return err
}

func (x *overStream) openSliding() (err error) {
	ctx, spec := x.o.ctx, x.o.spec
	x.sliding, err = newOverCalls(spec, spec.Types, x.order, func(c *overCall) bool { return !c.running && !c.numbers() }, ctx.Memory)
	if err != nil || len(x.sliding.list) == 0 {
		return err
	}
	need := map[int]bool{}
	for _, k := range spec.Order {
		need[k.Col] = true
	}
	for _, c := range x.sliding.list {
		for _, a := range c.spec.Args {
			need[a] = true
		}
		if c.spec.Filter >= 0 {
			need[c.spec.Filter] = true
		}
		f := c.spec.Frame
		switch {
		case c.shifts():
			if c.distance() < 0 {
				return errors.New("LEAD needs rows that have not come yet: it is not supported in a stream")
			}
			x.keep = max(x.keep, int64(c.distance()))
		case f.To.Unbounded || f.To.Offset > 0:
			return errors.New("OVER frames that end in FOLLOWING are not supported in a stream")
		case f.From.Unbounded:
			return errors.New("OVER frames that begin at UNBOUNDED PRECEDING and end before the current row are not supported in a stream")
		case f.Rows:
			x.keep = max(x.keep, -f.From.Offset)
		default:
			x.reach = max(x.reach, micros31(f.From))
		}
	}
	var ts []types.Type
	for c, t := range spec.Types {
		if need[c] {
			x.columns, ts = append(x.columns, c), append(ts, t)
		}
	}
	shape := keyed.Shape{Name: "past", Key: x.group.types, Row: ts, Extra: 1, Groups: ctx.Groups, Memory: ctx.Memory}
	if x.wait != nil && x.keep == 0 {
		// By what has been put out, for the watermark may be ahead of that.
		shape.Expiry = &keyed.Expiry{Word: 0, TTL: x.pastFor(), Now: func() int64 { return x.fired }}
	}
	x.past, err = keyed.OpenMulti(ctx.State, ctx.evicting(shape))
	return err
}

// pastFor is for how long a row is needed, at most: its partition's last one may be a
// reach behind it, and late rows be taken for half as long again and meet it.
func (x *overStream) pastFor() int64 {
	if x.last < 0 {
		return x.reach
	}
	return 2*x.reach + x.reach/2 + 1
}

func (x *overStream) process(b *vec.Batch) error {
	var err error
	x.accs.Trim()
	if x.past != nil {
		x.past.Trim()
	}
	if err := x.trimSeen(); err != nil {
		return err
	}
	if err := trimWaiting(x.o.ctx, x.wait); err != nil {
		return err
	}
	segments(b, func(part *vec.Batch, mark *vec.Mark) {
		if part.Len() > 0 && err == nil {
			err = x.add(part)
		}
		if mark != nil {
			x.mark = max(x.mark, mark.Time)
		}
	})
	if m, ok := lastMark(b); ok && err == nil {
		err = x.watermark(m) // once: the marks before it only tell what is late
	}
	if err == nil {
		err = cmp.Or(tableErr(x.accs), multiErr(x.past))
	}
	return err
}

func (x *overStream) add(b *vec.Batch) error {
	if x.wait == nil {
		return x.now(b)
	}
	times := rowtimes(b.Cols[x.o.spec.Time])
	rows := make([]int32, 0, b.Len())
	for i := range b.Len() {
		r := b.Row(i)
		if times.Valid.Null(r) || times.Vals[r] <= x.mark && x.last < 0 {
			tooLate(x.o.ctx, b, r)
			continue
		}
		if times.Vals[r] <= x.mark {
			late, err := x.overtaken(b, r, times.Vals[r])
			if err != nil {
				return err
			}
			if late {
				tooLate(x.o.ctx, b, r)
				continue
			}
		}
		rows = append(rows, int32(r))
	}
	byBucket(times, rows, sortBucket, func(t int64, part []int32) {
		x.seq = keepWaiting(x.wait, t, x.group, b, part, times, x.seq)
	})
	return nil
}

// overtaken reports whether a row's partition has put out one of its time or later.
// What the watermark has passed is put out first.
func (x *overStream) overtaken(b *vec.Batch, row int, time int64) (bool, error) {
	if err := x.fireRows(); err != nil {
		return false, err
	}
	at := []int32{int32(row)}
	slot := x.group.find(x.accs, b.Cols, at, b.Rows)[0]
	if slot == keyed.None {
		return false, nil
	}
	last := int64(x.accs.Words(slot)[x.last])
	if !x.forgotten(last) {
		return time <= last, nil
	}
	if past := x.group.find(&x.past.Table, b.Cols, at, b.Rows)[0]; past != keyed.None {
		x.clear(past)
	}
	return false, nil
}

// forgotten reports whether a partition with this last time begins anew: Flink cleans
// up the rows that a frame by RANGE reaches half of that later than it has to.
func (x *overStream) forgotten(last int64) bool {
	return x.last >= 0 && x.reach >= 0 && x.keep == 0 && x.mark > satAdd(last, x.reach+x.reach/2)
}

// clear forgets the rows of a partition.
func (x *overStream) clear(s keyed.Slot) {
	for x.past.Count(s) > 0 {
		x.past.Remove(s, x.past.First(s))
	}
}

// now computes rows by processing time, as they come.
func (x *overStream) now(b *vec.Batch) error {
	rows := x.o.ident.positions(b)
	flat := flatBatch(b, rows)
	times := make([]int64, len(rows))
	now := x.o.ctx.Env.Now()
	for i := range times {
		times[i] = now
	}
	return x.compute(flat, times)
}

func (x *overStream) fire(mark int64) error {
	x.mark = max(x.mark, mark)
	if err := x.fireRows(); err != nil {
		return err
	}
	if x.wait != nil {
		x.sweep()
	}
	x.o.feed.watermark(mark)
	return nil
}

// fireRows puts out the rows that the watermark has passed, each time that it goes on.
func (x *overStream) fireRows() error {
	if x.wait == nil || x.fired >= x.mark {
		return nil
	}
	for times := dueTimes(x.wait, x.mark); len(times) > 0; {
		var err error
		if times, err = x.next(times); err != nil {
			return err
		}
	}
	x.fired = x.mark
	return nil
}

// next puts out the rows of the first buckets and returns those that are left. Small
// ones are computed together: what a partition keeps is gone through once for all of
// them. Where partitions have values of a DISTINCT no more than those of one bucket are
// to be in memory.
func (x *overStream) next(times []int64) (left []int64, err error) {
	var parts []*vec.Batch
	var stamps []int64
	var at []place
	for more := true; more && len(times) > 0 && len(stamps) < vec.BatchRowsMax; times = times[1:] {
		m, due, err := dueRows(x.wait, times[0], x.mark)
		if err != nil {
			return nil, err
		}
		if len(due) == 0 {
			continue
		}
		refs := make([]keyed.Ref, len(due))
		for i, w := range due {
			refs[i], stamps, at = w.ref, append(stamps, w.time), append(at, placeOf(len(parts), i))
		}
		parts = append(parts, &vec.Batch{Rows: len(refs), Cols: gather(m, refs, x.o.spec.Types)})
		leave(x.wait, times[0], sortBucket, x.mark, due)
		more = !x.sees()
	}
	switch len(parts) {
	case 0:
		return times, nil
	case 1:
		return times, x.compute(parts[0], stamps)
	}
	b := &vec.Batch{Rows: len(stamps), Cols: make([]vec.Vector, len(x.o.spec.Types))}
	for c, t := range x.o.spec.Types {
		b.Cols[c] = collect(parts, c, t, at)
	}
	return times, x.compute(b, stamps)
}

// sees reports whether there is a DISTINCT that remembers values.
func (x *overStream) sees() bool {
	return slices.ContainsFunc(x.running.list, func(c *overCall) bool { return c.seenRows != nil })
}

// compute puts out rows, in the order of their times, with their results.
func (x *overStream) compute(b *vec.Batch, times []int64) error {
	n := b.Rows
	perm := ordinals(n)
	slots, _ := x.group.upsert(x.accs, b.Cols, perm, n)
	slots = slices.Clone(slots)
	words := x.order.words(b.Cols, nil, n, nil)
	slices.SortStableFunc(perm, func(i, j int32) int {
		if c := cmp.Or(cmp.Compare(slots[i], slots[j]), cmp.Compare(times[i], times[j])); c != 0 {
			return c
		}
		for k := 1; k < len(words); k++ {
			if c := cmp.Compare(words[k][i], words[k][j]); c != 0 {
				return c
			}
			if c := x.order.keys[k].Col; x.order.loose(k, words[k][i]) {
				if d := x.order.value(k, b.Cols[c], int(i), b.Cols[c], int(j)); d != 0 {
					return d
				}
			}
		}
		return 0
	})
	p := &overPart{n: n, cols: takeAll(b.Cols, perm)}
	for i, r := range perm {
		if i == 0 || slots[r] != p.slots[len(p.slots)-1] {
			p.starts, p.slots = append(p.starts, int32(i)), append(p.slots, slots[r])
		}
	}
	p.starts = append(p.starts, int32(n))
	results := make([]vec.Vector, len(x.o.spec.Calls))
	back := make([]int32, n) // where the row at i has gone
	for i, r := range perm {
		back[r] = int32(i)
	}
	if err := x.run(p, times, perm, results, back); err != nil {
		return err
	}
	if x.past != nil {
		if err := x.slide(p, times, perm, results, back); err != nil {
			return err
		}
	}
	cols := append(slices.Clone(b.Cols), results...)
	for _, out := range cutBatches(cols, nil, n) {
		x.o.feed.batch(out)
	}
	return nil
}

// run computes the running calls.
func (x *overStream) run(p *overPart, times []int64, perm []int32, results []vec.Vector, back []int32) error {
	p.prepare(x.order)
	if x.wait == nil {
		alone(p) // by processing time each row has its own
	}
	p.rows, p.groups = make([]int64, len(p.slots)), make([]int64, len(p.slots))
	for i, s := range p.slots {
		w := x.accs.Words(s)
		p.rows[i], p.groups[i] = int64(w[overCount]), int64(w[overGroups])
	}
	cols, err := x.running.eval(p, x.accs)
	if err != nil {
		return err
	}
	for i, c := range cols {
		results[x.running.at[i]] = vec.Take(c, back)
	}
	for i, s := range p.slots {
		w := x.accs.Words(s)
		last := p.starts[i+1] - 1
		w[overCount] += uint64(p.starts[i+1] - p.starts[i])
		w[overGroups] += uint64(p.group[last]) + 1
		if x.last >= 0 {
			w[x.last] = uint64(times[perm[last]])
		}
	}
	x.accs.Touch(p.slots...)
	return nil
}

// alone makes each row its own only peer.
func alone(p *overPart) {
	for i := range p.n {
		from, _ := p.bounds(i)
		p.peers[i], p.ends[i], p.group[i] = int32(i), int32(i)+1, int32(i)-from
	}
}

// slide computes the sliding calls over the rows kept and the new ones, and keeps
// what later frames may reach.
func (x *overStream) slide(p *overPart, times []int64, perm []int32, results []vec.Vector, back []int32) error {
	keys := x.accs.Keys(p.slots)
	slots, _ := x.group.upsertKeys(&x.past.Table, keys, len(p.slots))
	slots = slices.Clone(slots)
	full := &overPart{n: 0}
	var refs []keyed.Ref
	var at []place
	fresh := make([]int32, p.n) // where row i of p is in full
	for i, s := range slots {
		full.starts = append(full.starts, int32(len(at)))
		for r := x.past.First(s); r != 0; r = x.past.Next(r) {
			at = append(at, placeOf(0, len(refs)))
			refs = append(refs, r)
		}
		for k := p.starts[i]; k < p.starts[i+1]; k++ {
			fresh[k] = int32(len(at))
			at = append(at, placeOf(1, int(k)))
		}
	}
	full.n = len(at)
	full.starts = append(full.starts, int32(full.n))
	old := &vec.Batch{Rows: len(refs), Cols: make([]vec.Vector, len(p.cols))}
	full.cols = make([]vec.Vector, len(p.cols))
	stamps := x.stamps(p, times, perm)
	for k, c := range x.columns {
		old.Cols[c] = x.past.Gather(refs, k)
		full.cols[c] = collect([]*vec.Batch{old, {Rows: p.n, Cols: stamps}}, c, x.o.spec.Types[c], at)
	}
	cols, err := x.sliding.whole(full, false)
	if err != nil {
		return err
	}
	where := make([]int32, p.n)
	for i, k := range back {
		where[i] = fresh[k]
	}
	for i, c := range cols {
		results[x.sliding.at[i]] = vec.Take(c, where)
	}
	x.remember(p, stamps, times, perm, slots)
	return nil
}

// stamps returns the new rows' columns; by processing time, with the time itself.
func (x *overStream) stamps(p *overPart, times []int64, perm []int32) []vec.Vector {
	if x.wait != nil {
		return p.cols
	}
	cols := slices.Clone(p.cols)
	now := make([]int64, p.n)
	for i, r := range perm {
		now[i] = times[r]
	}
	cols[x.o.spec.Order[0].Col] = &vec.Fixed[int64]{Vals: now}
	return cols
}

// remember keeps the new rows and forgets those that no frame will reach.
func (x *overStream) remember(p *overPart, cols []vec.Vector, times []int64, perm []int32, slots []keyed.Slot) {
	row := pick(cols, x.columns)
	for i, s := range slots {
		for k := p.starts[i]; k < p.starts[i+1]; k++ {
			r := x.past.Add(s, row, int(k))
			x.past.Extra(r)[0] = uint64(times[perm[k]])
		}
		x.trim(s, times[perm[p.starts[i+1]-1]])
	}
}

// trim forgets the rows of a partition, from the oldest, that no later row's frame
// can reach; now is before the time of all that come.
func (x *overStream) trim(s keyed.Slot, now int64) {
	for n := int64(x.past.Count(s)); n > x.keep; n-- {
		r := x.past.First(s)
		if x.reach >= 0 && int64(x.past.Extra(r)[0]) >= satAdd(now, -x.reach) {
			return
		}
		x.past.Remove(s, r)
	}
}

// sweep trims all partitions, or forgets those that begin anew, when time has gone on by as much as a frame reaches.
func (x *overStream) sweep() {
	if x.past == nil || x.reach < 0 || x.mark < satAdd(x.swept, max(x.reach, sortBucket)) {
		return
	}
	x.swept = x.mark
	var slots []keyed.Slot
	for s := range x.past.Each {
		slots = append(slots, s)
	}
	for _, s := range slots {
		switch {
		case x.last < 0:
			x.trim(s, x.mark)
		case x.past.Count(s) > 0 && x.forgotten(int64(x.past.Extra(x.past.Last(s))[0])):
			x.clear(s)
		}
	}
}

// watermark is fire, some buckets at a time: the last one makes all due that waits.
func (x *overStream) watermark(t int64) error {
	x.mark = max(x.mark, t)
	if x.wait == nil || x.fired >= x.mark {
		return x.fire(t)
	}
	times := dueTimes(x.wait, x.mark)
	x.o.feed.pieces(func() (bool, error) {
		if len(times) > 0 {
			x.accs.Trim() // not the past: what came late for a new partition would seem over
			if err := x.trimSeen(); err != nil {
				return false, err
			}
			var err error
			times, err = x.next(times)
			return true, err
		}
		return false, x.fire(t)
	})
	return nil
}

func (x *overStream) end() error { return nil }

func (x *overStream) snapshot() error {
	saveTime(x.o.ctx.State, "watermark", x.mark)
	var errs []error
	if x.wait != nil {
		errs = append(errs, snapshotWaiting(x.o.ctx, x.wait, x.seq))
	}
	errs = append(errs, x.accs.Snapshot())
	if x.past != nil {
		errs = append(errs, x.past.Snapshot())
	}
	for _, c := range x.running.list {
		if c.seenRows != nil {
			errs = append(errs, c.seenRows.Snapshot())
		}
	}
	return errors.Join(errs...)
}

func (x *overStream) close() {
	if x.wait != nil {
		x.wait.Close()
	}
	x.accs.Close()
	if x.past != nil {
		x.past.Close()
	}
	x.running.close()
	x.sliding.close()
}
