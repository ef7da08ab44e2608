package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// Join joins two changing tables. Each side keeps its current rows under the join
// key; a change of one side is joined with the other side's rows.
//
// On a side that may show rows without a match (outer, semi and anti joins) each
// row is kept with the number of its matches: when the number leaves or reaches
// zero, the row padded with NULLs is retracted or put out. The order of changes is
// that of Flink's StreamingJoinOperator and StreamingSemiAntiJoinOperator: first
// what the other side's rows lose, then the new pairs.
//
// A batch is worked off in one of three ways:
//
//	whole    inserts into an inner join: all matches, then all rows are kept
//	in turn  anything else: the matches are found in pieces of bounded size, and
//	         each row is handled with its own
//	by key   an input that is known by a unique key, and so sends updates without
//	         what was before: join_upsert.go
//
// Of an input of one row, such as a global aggregate, a batch is first folded to what
// it comes to, if it has much to meet: join_fold.go.
type Join struct {
	Base
	spec   *jobgraph.Join
	ctx    *Context
	sides  [2]side
	counts [2]bool // rows carry the number of their matches
	outer  [2]bool
	semi   bool
	anti   bool
	ttl    [2]int64
	stamp  [2]int // the extra word of the time of writing, with a time to live
	unique [2]*uniqueRows
	match  matcher
	pairs  pairs
	own    keyed.Keys
	slots  []keyed.Slot
	keep   []int32
	ident  idents

	in      int
	batch   *vec.Batch // nil: there is none
	next    func() (more bool, err error)
	at      int // ordinal of the row at hand
	matched int // its matches so far
	mark    int64
	marked  bool // mark is to be forwarded
	swept   int64
}

// NewJoin returns the operator.
func NewJoin(spec *jobgraph.Join) *Join { return &Join{spec: spec} }

// Open implements Operator.
func (j *Join) Open(ctx *Context) error {
	s := j.spec
	j.ctx = ctx
	j.sides[0], j.sides[1] = newSide(s.LeftKeys, s.LeftTypes, s.NullSafe), newSide(s.RightKeys, s.RightTypes, s.NullSafe)
	j.outer[0], j.outer[1] = outer(s.JoinKind)
	j.semi, j.anti = s.JoinKind == jobgraph.Semi, s.JoinKind == jobgraph.Anti
	j.counts = [2]bool{j.outer[0] || j.semi || j.anti, j.outer[1]}
	j.ttl = [2]int64{s.LeftTTLMs, s.RightTTLMs}
	if err := j.match.compile(s.Cond, ctx.Env); err != nil {
		return err
	}
	for i, name := range [2]string{"left", "right"} {
		extra := 0
		if j.counts[i] {
			extra++
		}
		if j.ttl[i] > 0 {
			j.stamp[i] = extra
			extra++
		}
		shape := ctx.expiring(j.sides[i].shape(name, ctx, extra), j.stamp[i], j.ttl[i])
		var err error
		if j.sides[i].rows, err = keyed.OpenMulti(ctx.State, shape); err != nil {
			return err
		}
	}
	return j.openUnique()
}

// Process implements Operator.
func (j *Join) Process(in int, b *vec.Batch, out Output) (bool, error) {
	j.mark, j.marked = lastMark(b)
	if b.Len() > 0 {
		j.begin(in, b)
	}
	return j.Resume(out)
}

// begin takes a batch.
func (j *Join) begin(in int, b *vec.Batch) {
	j.in, j.batch, j.at, j.matched = in, b, 0, 0
	j.pairs.ownLeft, j.pairs.single = in == 0, j.semi || j.anti
	j.sides[0].rows.Trim()
	j.sides[1].rows.Trim()
	j.match.start(b, in == 0, &j.sides[in], &j.sides[1-in])
	if j.one(in) && j.manyPairs() {
		b = foldOne(b)
		j.batch = b
		j.match.start(b, in == 0, &j.sides[in], &j.sides[1-in])
	}
	switch {
	case j.unique[in] != nil:
		j.sides[in].prepare(&j.own, b)
		j.next = j.byKey
	case b.Kinds == nil && j.spec.JoinKind == jobgraph.Inner:
		j.next = j.whole
	default:
		j.sides[in].prepare(&j.own, b)
		j.next = j.inTurn
	}
}

// Resume implements Operator.
func (j *Join) Resume(out Output) (bool, error) {
	for range EmitBatchesMax {
		for j.batch != nil && j.pairs.len() < vec.BatchRowsMax {
			more, err := j.next()
			if err != nil {
				return false, err
			}
			if more {
				continue
			}
			if j.pairs.len() == 0 {
				j.batch = nil
			}
			break
		}
		if j.batch == nil {
			return false, j.finish(out)
		}
		other := 1 - j.in
		if err := out.Emit(j.pairs.batch(j.batch, j.sides[j.in].types, j.sides[other].rows, j.sides[other].types)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// finish ends a batch.
func (j *Join) finish(out Output) error {
	if err := j.sides[j.in].rows.Err(); err != nil {
		return err
	}
	if !j.marked {
		return nil
	}
	j.marked = false
	return out.Watermark(j.mark)
}

// whole finds matches of inserts, and keeps the rows when it has all.
func (j *Join) whole() (bool, error) {
	n := len(j.match.slots)
	if j.at == n {
		return false, nil
	}
	var err error
	if j.at, err = j.match.more(); err != nil {
		return false, err
	}
	for _, r := range j.match.rows {
		j.pairs.own = append(j.pairs.own, int32(j.batch.Row(int(r))))
	}
	j.pairs.refs = append(j.pairs.refs, j.match.refs...)
	if j.at < n {
		return true, nil
	}
	j.keepAll()
	return false, nil
}

// keepAll keeps the rows of the batch, but for those that can never match.
func (j *Join) keepAll() {
	s, b := &j.sides[j.in], j.batch
	rows := j.ident.positions(b)
	if s.anyVoid(b) {
		j.keep = j.keep[:0]
		for _, r := range rows {
			if !s.void(b, int(r)) {
				j.keep = append(j.keep, r)
			}
		}
		rows = j.keep
	}
	if len(rows) == 0 {
		return
	}
	k := &j.match.keys // of the batch's rows, unless some are left out
	if len(rows) < b.Len() {
		k = &j.own
		s.prepare(k, &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: rows})
	}
	j.slots = grow(j.slots, len(rows))
	if j.ttl[j.in] == 0 {
		s.rows.Append(k, j.slots)
		s.rows.AddRows(j.slots, b.Cols, rows, nil)
		return
	}
	s.rows.Upsert(k, j.slots)
	now := uint64(j.ctx.Env.Now() / 1000)
	for i, r := range rows {
		ref := s.rows.Add(j.slots[i], b.Cols, int(r))
		s.rows.Extra(ref)[j.stamp[j.in]] = now
	}
}

// inTurn handles the matches of the next run of rows.
func (j *Join) inTurn() (bool, error) {
	b, n := j.batch, len(j.match.slots)
	if j.at == n {
		return false, nil
	}
	upto, err := j.match.more()
	if err != nil {
		return false, err
	}
	k := 0
	for {
		from := k
		for k < len(j.match.rows) && int(j.match.rows[k]) == j.at {
			k++
		}
		if j.at < n {
			row := b.Row(j.at)
			j.change(b.Kind(row), int32(row), j.match.refs[from:k])
			j.matched += k - from
		}
		if j.at >= upto {
			break // its matches go on in the next piece, or there are no more rows
		}
		j.settle(b, j.at)
		j.at++
		j.matched = 0
	}
	return j.at < n, nil
}

// change puts out the pairs of a row with matches of the other side.
func (j *Join) change(kind vec.RowKind, row int32, refs []keyed.Ref) {
	if len(refs) == 0 {
		return
	}
	other := 1 - j.in
	if j.semi || j.anti {
		if j.in == 1 {
			for _, r := range refs {
				j.flip(kind, r)
			}
		}
		return
	}
	if j.outer[other] && kind.Adds() {
		for _, r := range refs {
			if j.count(other, r, 1) == 1 {
				j.pairs.add(vec.Delete, absent, r)
			}
		}
	}
	pair := j.kindOf(kind)
	for _, r := range refs {
		j.pairs.add(pair, row, r)
	}
	if j.outer[other] && !kind.Adds() {
		for _, r := range refs {
			if j.count(other, r, -1) == 0 {
				j.pairs.add(vec.Insert, absent, r)
			}
		}
	}
}

// kindOf returns the kind of the pairs of a change, as Flink's: the change's own,
// but where the pairs take the place of padded rows.
func (j *Join) kindOf(kind vec.RowKind) vec.RowKind {
	switch {
	case kind.Adds() && (j.outer[0] || j.outer[1]):
		return vec.Insert
	case !kind.Adds() && (j.outer[j.in] || !j.spec.SendBefore):
		return vec.Delete
	}
	return kind
}

// flip counts a match of a left row and shows or hides it when that decides.
func (j *Join) flip(kind vec.RowKind, left keyed.Ref) {
	by, edge := int64(1), int64(1)
	if !kind.Adds() {
		by, edge = -1, 0
	}
	if j.count(0, left, by) != edge {
		return
	}
	switch {
	case j.anti && kind.Adds():
		kind = vec.Delete
	case j.anti:
		kind = vec.Insert
	case !kind.Adds() && !j.spec.SendBefore:
		kind = vec.Delete
	}
	j.pairs.add(kind, absent, left)
}

// count changes the number of matches of a row and returns it.
func (j *Join) count(side int, r keyed.Ref, by int64) int64 {
	m := j.sides[side].rows
	extra := m.Extra(r)
	extra[0] += uint64(by)
	m.TouchRow(m.SlotOf(r), r)
	return int64(extra[0])
}

// settle ends a row whose matches are all known: it is put out alone if it has
// none, and kept or forgotten.
func (j *Join) settle(b *vec.Batch, i int) {
	row := b.Row(i)
	kind := b.Kind(row)
	s := &j.sides[j.in]
	j.alone(kind, int32(row))
	if len(s.strict) > 0 && s.void(b, row) {
		return // can never match: nothing to remember
	}
	slot := s.rows.SlotOne(&j.own, i, kind.Adds())
	if kind.Adds() {
		j.store(slot, b, row)
	} else if slot != keyed.None {
		if r := s.rows.FindRow(slot, b.Cols, row); r != 0 {
			s.rows.Remove(slot, r)
		}
	}
}

// alone puts out the row at hand by itself, if its number of matches says so.
func (j *Join) alone(kind vec.RowKind, row int32) {
	switch {
	case j.in == 0 && (j.semi && j.matched > 0 || j.anti && j.matched == 0):
		if kind == vec.UpdateBefore && !j.spec.SendBefore {
			kind = vec.Delete
		}
		j.pairs.add(kind, row, 0)
	case j.outer[j.in] && j.matched == 0:
		if kind.Adds() {
			kind = vec.Insert
		} else {
			kind = vec.Delete
		}
		j.pairs.add(kind, row, 0)
	}
}

// store keeps a row with the number of its matches.
func (j *Join) store(slot keyed.Slot, b *vec.Batch, row int) keyed.Ref {
	m := j.sides[j.in].rows
	r := m.Add(slot, b.Cols, row)
	if j.counts[j.in] {
		m.Extra(r)[0] = uint64(j.matched)
	}
	if j.ttl[j.in] > 0 {
		m.Extra(r)[j.stamp[j.in]] = uint64(j.ctx.Env.Now() / 1000)
	}
	return r
}

// Tick implements Operator: rows whose time to live is over are forgotten.
func (j *Join) Tick(now int64, _ Output) (bool, error) {
	now /= 1000
	for in, ttl := range j.ttl {
		if ttl > 0 && now-j.swept >= ttl/2 {
			j.sweep(in, now-ttl)
		}
	}
	if ttl := max(j.ttl[0], j.ttl[1]); ttl > 0 && now-j.swept >= ttl/2 {
		j.swept = now
	}
	return false, nil
}

// sweep forgets the rows of a side that were written before a time.
func (j *Join) sweep(in int, before int64) {
	m := j.sides[in].rows
	var leaves func(keyed.Ref)
	if u := j.unique[in]; u != nil {
		leaves = func(r keyed.Ref) { u.forget(m, r) }
	}
	forget(m, j.stamp[in], before, leaves)
}

// forget removes rows that were written before a time, which is in one of their extra
// words; leaves, unless it is nil, is told of each. The rows of a key are in the order of their times.
func forget(m *keyed.Multi, stamp int, before int64, leaves func(keyed.Ref)) {
	for s := range m.Each {
		for r := m.First(s); r != 0 && int64(m.Extra(r)[stamp]) < before; {
			next := m.Next(r)
			if leaves != nil {
				leaves(r)
			}
			m.Remove(s, r)
			r = next
		}
	}
}

// Snapshot implements Operator.
func (j *Join) Snapshot(base.Epoch) error {
	for i := range j.sides {
		if err := j.sides[i].rows.Snapshot(); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Operator.
func (j *Join) Close() error {
	for i := range j.sides {
		if m := j.sides[i].rows; m != nil {
			m.Close()
		}
		if u := j.unique[i]; u != nil {
			u.index.Close()
		}
	}
	return nil
}
