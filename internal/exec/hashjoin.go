package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// HashJoin joins two inputs that end: it reads the build side whole, then streams
// the other past it.
//
// Rows of the build side carry a word that says whether they have matched, when
// the join shows those that have not, or each of them once (a semi or anti join
// that builds its left side).
type HashJoin struct {
	Base
	spec   *jobgraph.HashJoin
	ctx    *Context
	build  int // the input that is built
	sides  [2]side
	outer  [2]bool
	semi   bool
	anti   bool
	marks  bool // build rows are marked when they match
	match  matcher
	pairs  pairs
	keys   keyed.Keys
	slots  []keyed.Slot
	hits   int // matches of the row at hand, so far
	at     int
	busy   bool
	left   []keyed.Ref // unmatched build rows, at the end
	ending bool
}

// NewHashJoin returns the operator.
func NewHashJoin(spec *jobgraph.HashJoin) *HashJoin { return &HashJoin{spec: spec} }

// Open implements Operator.
func (j *HashJoin) Open(ctx *Context) error {
	s := j.spec
	j.ctx = ctx
	if !s.BuildLeft {
		j.build = 1
	}
	j.sides[0], j.sides[1] = newSide(s.LeftKeys, s.LeftTypes, s.NullSafe), newSide(s.RightKeys, s.RightTypes, s.NullSafe)
	j.outer[0], j.outer[1] = outer(s.JoinKind)
	j.semi, j.anti = s.JoinKind == jobgraph.Semi, s.JoinKind == jobgraph.Anti
	j.marks = j.outer[j.build] || (j.semi || j.anti) && j.build == 0
	extra := 0
	if j.marks {
		extra = 1
	}
	var err error
	if err = j.match.compile(s.Cond, ctx.Env); err != nil {
		return err
	}
	j.sides[j.build].rows, err = keyed.OpenMulti(ctx.State, j.sides[j.build].shape("build", ctx, extra))
	return err
}

// Process implements Operator.
func (j *HashJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	if in == j.build {
		return false, j.add(b)
	}
	j.at, j.hits, j.busy = 0, 0, true
	j.pairs.ownLeft, j.pairs.single = in == 0, j.semi || j.anti
	j.match.start(b, in == 0, &j.sides[in], &j.sides[j.build])
	return j.Resume(out)
}

func (j *HashJoin) add(b *vec.Batch) error {
	s := &j.sides[j.build]
	s.prepare(&j.keys, b)
	if cap(j.slots) < b.Len() {
		j.slots = make([]keyed.Slot, max(b.Len(), vec.BatchRowsMax))
	}
	j.slots = j.slots[:b.Len()]
	s.rows.Upsert(&j.keys, j.slots)
	for i := range b.Len() {
		row := b.Row(i)
		if !s.void(b, row) || j.marks && (j.outer[j.build] || j.anti) {
			s.rows.Add(j.slots[i], b.Cols, row)
		}
	}
	return nil
}

// Resume implements Operator.
func (j *HashJoin) Resume(out Output) (bool, error) {
	for range EmitBatchesMax / 2 {
		if j.ending {
			return j.unmatched(out)
		}
		if !j.busy {
			return false, nil
		}
		if err := j.piece(); err != nil {
			return false, err
		}
		if j.pairs.len() > 0 && (!j.busy || j.pairs.len() >= vec.BatchRowsMax) {
			if err := j.emit(out); err != nil {
				return false, err
			}
		}
	}
	return j.busy, nil
}

func (j *HashJoin) emit(out Output) error {
	probe := 1 - j.build
	var cols *vec.Batch
	if j.match.batch != nil {
		cols = j.match.batch
	} else {
		cols = &vec.Batch{}
	}
	return out.Emit(j.pairs.batch(cols, j.sides[probe].types, j.sides[j.build].rows, j.sides[j.build].types))
}

func (j *HashJoin) piece() error {
	upto, err := j.match.more()
	if err != nil {
		return err
	}
	b, n, k := j.match.batch, len(j.match.slots), 0
	for {
		from := k
		for k < len(j.match.rows) && int(j.match.rows[k]) == j.at {
			k++
		}
		if j.at < n {
			j.found(int32(b.Row(j.at)), j.match.refs[from:k])
			j.hits += k - from
		}
		if j.at >= upto {
			break
		}
		if j.hits == 0 && j.outer[1-j.build] || j.build == 1 && (j.semi && j.hits > 0 || j.anti && j.hits == 0) {
			j.pairs.add(vec.Insert, int32(b.Row(j.at)), 0)
		}
		j.at++
		j.hits = 0
	}
	j.busy = j.at < n
	return nil
}

// found takes matches of a probe row.
func (j *HashJoin) found(row int32, refs []keyed.Ref) {
	rows := j.sides[j.build].rows
	for _, r := range refs {
		if j.marks {
			extra := rows.Extra(r)
			first := extra[0] == 0
			extra[0] = 1
			if j.semi && first {
				j.pairs.add(vec.Insert, absent, r)
			}
		}
		if !j.semi && !j.anti {
			j.pairs.add(vec.Insert, row, r)
		}
	}
}

// EndInput implements Operator: after the probe side, build rows that have not
// matched come out.
func (j *HashJoin) EndInput(in int, out Output) (bool, error) {
	if in == j.build || !j.outer[j.build] && !(j.anti && j.build == 0) {
		return false, nil
	}
	rows := j.sides[j.build].rows
	for slot := range rows.Each {
		for r := rows.First(slot); r != 0; r = rows.Next(r) {
			if rows.Extra(r)[0] == 0 {
				j.left = append(j.left, r)
			}
		}
	}
	j.ending = true
	j.pairs.ownLeft, j.pairs.single = j.build == 1, j.anti
	return j.unmatched(out)
}

func (j *HashJoin) unmatched(out Output) (bool, error) {
	for range EmitBatchesMax {
		if len(j.left) == 0 {
			return false, nil
		}
		n := min(len(j.left), vec.BatchRowsMax)
		for _, r := range j.left[:n] {
			j.pairs.add(vec.Insert, absent, r)
		}
		j.left = j.left[n:]
		if err := j.emit(out); err != nil {
			return false, err
		}
	}
	return len(j.left) > 0, nil
}
