package exec

import (
	"slices"

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
type Join struct {
	Base
	spec    *jobgraph.Join
	sides   [2]side
	counts  [2]bool // rows carry the number of their matches
	outer   [2]bool
	semi    bool
	anti    bool
	unique  [2][]int
	match   matcher
	pairs   pairs
	own     keyed.Keys
	matched int // of the row at hand, so far
	at      int // ordinal of the row at hand
	in      int
	busy    bool
	todo    []*vec.Batch // of input in, after the one at hand
	mark    *vec.Mark    // to forward when the batches are done
}

// NewJoin returns the operator.
func NewJoin(spec *jobgraph.Join) *Join { return &Join{spec: spec} }

// Open implements Operator.
func (j *Join) Open(ctx *Context) error {
	s := j.spec
	j.sides[0], j.sides[1] = newSide(s.LeftKeys, s.LeftTypes, s.NullSafe), newSide(s.RightKeys, s.RightTypes, s.NullSafe)
	j.outer[0], j.outer[1] = outer(s.JoinKind)
	j.semi, j.anti = s.JoinKind == jobgraph.Semi, s.JoinKind == jobgraph.Anti
	j.counts = [2]bool{j.outer[0] || j.semi || j.anti, j.outer[1]}
	j.unique = [2][]int{s.LeftUnique, s.RightUnique}
	if s.LeftAppend {
		j.unique[0] = nil
	}
	if s.RightAppend {
		j.unique[1] = nil
	}
	var err error
	if err = j.match.compile(s.Cond, ctx.Env); err != nil {
		return err
	}
	for i, name := range [2]string{"left", "right"} {
		extra := 0
		if j.counts[i] {
			extra = 1
		}
		if j.sides[i].rows, err = keyed.OpenMulti(ctx.State, j.sides[i].shape(name, ctx, extra)); err != nil {
			return err
		}
	}
	return nil
}

// Process implements Operator.
func (j *Join) Process(in int, b *vec.Batch, out Output) (bool, error) {
	j.mark = nil
	if n := len(b.Marks); n > 0 {
		j.mark = &b.Marks[n-1]
	}
	j.in, j.todo = in, []*vec.Batch{b}
	if j.unique[in] != nil && b.Kinds != nil && !slices.Contains(b.Kinds, vec.UpdateBefore) {
		j.todo = singles(b)
	}
	return j.Resume(out)
}

// singles cuts a batch into rows: each may have to be preceded by the row that it
// replaces, see begin.
func singles(b *vec.Batch) []*vec.Batch {
	out := make([]*vec.Batch, b.Len())
	for i := range out {
		out[i] = &vec.Batch{Cols: b.Cols, Rows: b.Rows, Kinds: b.Kinds, Sel: []int32{int32(b.Row(i))}}
	}
	return out
}

// begin starts the next batch.
func (j *Join) begin() {
	b, s := j.todo[0], &j.sides[j.in]
	j.todo = j.todo[1:]
	s.prepare(&j.own, b)
	if j.unique[j.in] != nil && b.Len() == 1 && b.Kind(b.Row(0)).Adds() {
		if full := j.replacing(b); full != b {
			b = full
			s.prepare(&j.own, b)
		}
	}
	j.at, j.matched, j.busy = 0, 0, true
	j.pairs.ownLeft, j.pairs.single = j.in == 0, j.semi || j.anti
	j.match.start(b, j.in == 0, s, &j.sides[1-j.in])
}

// replacing returns a batch of one row preceded by the retraction of the row with
// the same unique key, if there is one: an input that is known by that key sends an
// update without what was before.
func (j *Join) replacing(b *vec.Batch) *vec.Batch {
	s, row := &j.sides[j.in], b.Row(0)
	slot := s.rows.SlotOne(&j.own, 0, false)
	if slot == keyed.None {
		return b
	}
	for r := s.rows.First(slot); r != 0; r = s.rows.Next(r) {
		old := gather(s.rows, []keyed.Ref{r}, s.types)
		if !sameKey(old, 0, b.Cols, row, j.unique[j.in]) {
			continue
		}
		out := &vec.Batch{Rows: 2, Kinds: []vec.RowKind{vec.Delete, vec.UpdateAfter}}
		for c, t := range s.types {
			col := vec.NewBuilder(t)
			col.From(old[c], 0)
			col.From(b.Cols[c], row)
			out.Cols = append(out.Cols, col.Finish())
		}
		return out
	}
	return b
}

func sameKey(a []vec.Vector, i int, b []vec.Vector, k int, cols []int) bool {
	for _, c := range cols {
		if vec.Compare(a[c], i, b[c], k) != 0 {
			return false
		}
	}
	return true
}

// Resume implements Operator.
func (j *Join) Resume(out Output) (bool, error) {
	for range EmitBatchesMax / 2 {
		if !j.busy {
			if len(j.todo) == 0 {
				return false, nil
			}
			j.begin()
		}
		if err := j.piece(); err != nil {
			return false, err
		}
		last := !j.busy && len(j.todo) == 0
		if j.pairs.len() > 0 && (!j.busy || j.pairs.len() >= vec.BatchRowsMax) {
			if err := j.emit(out); err != nil {
				return false, err
			}
		}
		if last && j.mark != nil {
			return false, out.Watermark(j.mark.Time)
		}
	}
	return j.busy || len(j.todo) > 0, nil
}

func (j *Join) emit(out Output) error {
	other := 1 - j.in
	return out.Emit(j.pairs.batch(j.match.batch, j.sides[j.in].types, j.sides[other].rows, j.sides[other].types))
}

// piece handles the matches of the next run of rows.
func (j *Join) piece() error {
	upto, err := j.match.more()
	if err != nil {
		return err
	}
	b, n := j.match.batch, len(j.match.slots)
	k := 0
	for {
		from := k
		for k < len(j.match.rows) && int(j.match.rows[k]) == j.at {
			k++
		}
		if j.at < n {
			j.change(b.Kind(b.Row(j.at)), int32(b.Row(j.at)), j.match.refs[from:k])
			j.matched += k - from
		}
		if j.at >= upto {
			break // its matches go on in the next piece, or there are no more rows
		}
		j.settle(b, j.at)
		j.at++
		j.matched = 0
	}
	j.busy = j.at < n
	return nil
}

// change puts out the pairs of a row with matches of the other side.
func (j *Join) change(kind vec.RowKind, row int32, refs []keyed.Ref) {
	if len(refs) == 0 {
		return
	}
	other := 1 - j.in
	switch {
	case j.semi || j.anti:
		if j.in == 1 {
			for _, r := range refs {
				j.flip(kind.Adds(), r)
			}
		}
		return
	case j.outer[other] && kind.Adds():
		for _, r := range refs {
			if j.count(other, r, 1) == 1 {
				j.pairs.add(vec.Delete, absent, r)
			}
		}
	}
	pair := kind
	if j.outer[0] || j.outer[1] {
		if pair = vec.Delete; kind.Adds() {
			pair = vec.Insert
		}
	}
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

// flip counts a match of a left row and shows or hides it when that decides.
func (j *Join) flip(adds bool, left keyed.Ref) {
	if adds {
		if j.count(0, left, 1) == 1 {
			if j.semi {
				j.pairs.add(vec.Insert, absent, left)
			} else {
				j.pairs.add(vec.Delete, absent, left)
			}
		}
	} else if j.count(0, left, -1) == 0 {
		if j.semi {
			j.pairs.add(vec.Delete, absent, left)
		} else {
			j.pairs.add(vec.Insert, absent, left)
		}
	}
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
	switch {
	case j.in == 0 && (j.semi && j.matched > 0 || j.anti && j.matched == 0):
		j.pairs.add(kind, int32(row), 0)
	case j.outer[j.in] && j.matched == 0:
		if kind.Adds() {
			kind = vec.Insert
		} else {
			kind = vec.Delete
		}
		j.pairs.add(kind, int32(row), 0)
	}
	if len(s.strict) > 0 && s.void(b, row) {
		return // can never match: nothing to remember
	}
	slot := s.rows.SlotOne(&j.own, i, b.Kind(row).Adds())
	if b.Kind(row).Adds() {
		j.keep(s, slot, b, row)
	} else if slot != keyed.None {
		if r := s.rows.FindRow(slot, b.Cols, row); r != 0 {
			s.rows.Remove(slot, r)
		}
	}
}

func (j *Join) keep(s *side, slot keyed.Slot, b *vec.Batch, row int) {
	r := s.rows.Add(slot, b.Cols, row)
	if j.counts[j.in] {
		s.rows.Extra(r)[0] = uint64(j.matched)
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
