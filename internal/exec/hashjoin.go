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
//
// When the build side is more than the memory budget allows, both sides are cut
// into parts on disk by a hash of the keys, and joined part by part when both have
// ended (hashjoin_spill.go).
//
// What is put out at the end may have any time, so watermarks wait for it.
type HashJoin struct {
	Base
	spec  *jobgraph.HashJoin
	ctx   *Context
	build int // the input that is built
	sides [2]side
	outer [2]bool
	semi  bool
	anti  bool
	marks bool // build rows are marked when they match
	match matcher
	pairs pairs
	keys  keyed.Keys
	slots []keyed.Slot
	rows  []int32
	hash  []uint64
	ident idents
	held  heldMark

	batch *vec.Batch // of the probe side, at hand; nil: none
	at    int        // ordinal of its row at hand
	hits  int        // matches of the row at hand, so far

	ended bool
	left  []keyed.Ref // unmatched build rows, still to come out
	disk  spillCut
	stage *hashStage // the part being joined; nil: none
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
	j.disk = newSpillCut(ctx, "join", s.LeftTypes, s.RightTypes)
	j.marks = j.outer[j.build] || (j.semi || j.anti) && j.build == 0
	if err := j.match.compile(s.Cond, ctx.Env); err != nil {
		return err
	}
	return j.newTable()
}

// newTable makes an empty table for the build side.
func (j *HashJoin) newTable() (err error) {
	s := &j.sides[j.build]
	if s.rows != nil {
		s.rows.Close()
	}
	extra := 0
	if j.marks {
		extra = 1
	}
	s.rows, err = keyed.OpenMulti(scratch{j.ctx.Groups}, s.shape("build", j.ctx, extra))
	return err
}

// Process implements Operator.
func (j *HashJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	j.held.holdLast(b)
	switch {
	case b.Len() == 0:
		return false, nil
	case j.disk.on():
		return false, j.write(in, b)
	case in == j.build:
		j.add(b)
		return false, j.full()
	}
	j.begin(b)
	return j.Resume(out)
}

// begin takes a batch of the probe side.
func (j *HashJoin) begin(b *vec.Batch) {
	probe := 1 - j.build
	j.batch, j.at, j.hits = b, 0, 0
	j.pairs.ownLeft, j.pairs.single = probe == 0, j.semi || j.anti
	j.match.start(b, probe == 0, &j.sides[probe], &j.sides[j.build])
}

// add keeps rows of the build side; those that can never match only if they are
// shown without a match.
func (j *HashJoin) add(b *vec.Batch) {
	s := &j.sides[j.build]
	rows := j.ident.positions(b)
	if s.anyVoid(b) && !j.outer[j.build] && !(j.anti && j.build == 0) {
		j.rows = j.rows[:0]
		for _, r := range rows {
			if !s.void(b, int(r)) {
				j.rows = append(j.rows, r)
			}
		}
		if rows = j.rows; len(rows) == 0 {
			return
		}
	}
	s.prepare(&j.keys, &vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: rows})
	j.slots = grow(j.slots, len(rows))
	s.rows.Upsert(&j.keys, j.slots)
	s.rows.AddRows(j.slots, b.Cols, rows, nil)
}

// Resume implements Operator.
func (j *HashJoin) Resume(out Output) (bool, error) {
	for range EmitBatchesMax {
		more, err := j.work()
		if err != nil {
			return false, err
		}
		if !more {
			if j.ended && j.held.any {
				j.held.any = false
				return false, out.Watermark(j.held.time)
			}
			return false, nil
		}
		if err := j.emit(out); err != nil {
			return false, err
		}
	}
	return true, nil
}

// work goes on until there are pairs to put out; false: all is done.
func (j *HashJoin) work() (bool, error) {
	for {
		switch {
		case j.pairs.len() >= vec.BatchRowsMax || j.pairs.len() > 0 && j.batch != nil && j.at == len(j.match.slots):
			return true, nil
		case j.batch != nil && j.at < len(j.match.slots):
			if err := j.piece(); err != nil {
				return false, err
			}
		case j.batch != nil:
			j.batch = nil
		case len(j.left) > 0:
			n := min(len(j.left), vec.BatchRowsMax)
			for _, r := range j.left[:n] {
				j.pairs.add(vec.Insert, absent, r)
			}
			j.left = j.left[n:]
			return true, nil
		case j.ended && (j.stage != nil || len(j.disk.work) > 0):
			if err := j.advance(); err != nil {
				return false, err
			}
		default:
			return false, nil
		}
	}
}

func (j *HashJoin) emit(out Output) error {
	probe := 1 - j.build
	b := j.batch
	if b == nil {
		b = &vec.Batch{} // build rows alone
	}
	return out.Emit(j.pairs.batch(b, j.sides[probe].types, j.sides[j.build].rows, j.sides[j.build].types))
}

// piece handles the next matches of the batch.
func (j *HashJoin) piece() error {
	upto, err := j.match.more()
	if err != nil {
		return err
	}
	b, n, k := j.batch, len(j.match.slots), 0
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
			return nil
		}
		if j.shows(j.hits > 0) {
			j.pairs.add(vec.Insert, int32(b.Row(j.at)), 0)
		}
		j.at++
		j.hits = 0
	}
}

// shows reports whether the probe row at hand, whose matches have been found, comes
// out by itself.
func (j *HashJoin) shows(hit bool) bool {
	last := true
	if j.stage != nil {
		var before bool
		before, last = j.stage.probed(hit)
		if before && j.semi {
			return false
		}
		hit = hit || before
	}
	if j.build == 1 && j.semi {
		return hit
	}
	return last && !hit && (j.outer[1-j.build] || j.build == 1 && j.anti)
}

// found takes matches of a probe row.
func (j *HashJoin) found(row int32, refs []keyed.Ref) {
	rows := j.sides[j.build].rows
	if j.marks {
		for _, r := range refs {
			extra := rows.Extra(r)
			if j.semi && extra[0] == 0 {
				j.pairs.add(vec.Insert, absent, r)
			}
			extra[0] = 1
		}
	}
	if !j.semi && !j.anti {
		for _, r := range refs {
			j.pairs.add(vec.Insert, row, r)
		}
	}
}

// Watermark implements Operator.
func (j *HashJoin) Watermark(t int64, _ Output) (bool, error) {
	j.held.hold(t)
	return false, nil
}

// EndInput implements Operator: after the probe side, build rows that have not
// matched come out, or all parts that are on disk are joined.
func (j *HashJoin) EndInput(in int, out Output) (bool, error) {
	if in == j.build {
		return false, nil
	}
	j.ended = true
	if j.disk.on() {
		if err := j.disk.done(); err != nil {
			return false, err
		}
	} else {
		j.unmatched()
	}
	return j.Resume(out)
}

// unmatched finds the build rows that come out alone.
func (j *HashJoin) unmatched() {
	if !j.outer[j.build] && !(j.anti && j.build == 0) {
		return
	}
	rows := j.sides[j.build].rows
	for slot := range rows.Each {
		for r := rows.First(slot); r != 0; r = rows.Next(r) {
			if rows.Extra(r)[0] == 0 {
				j.left = append(j.left, r)
			}
		}
	}
	j.pairs.ownLeft, j.pairs.single = j.build == 1, j.anti
}

// Close implements Operator.
func (j *HashJoin) Close() error {
	if m := j.sides[j.build].rows; m != nil {
		m.Close()
	}
	j.disk.remove()
	if j.stage != nil {
		j.stage.close()
	}
	return nil
}
