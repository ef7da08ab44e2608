package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// HashJoin joins two inputs that end: it reads the build side whole, then streams
// the other past it.
//
// Rows of the build side lie in a rowStore, which a joinIndex finds by key. They are
// marked when they match, if the join shows those that have not, or each of them once (a
// semi or anti join that builds its left side).
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
	store *rowStore
	index *joinIndex // nil until the build side has ended
	hit   []uint64   // by row of store: marked
	match joinProbe
	pairs joinPairs
	keys  keyed.Keys
	rows  []int32
	hash  []uint64
	ident idents
	held  heldMark

	batch *vec.Batch // of the probe side, at hand; nil: none
	at    int        // ordinal of its row at hand
	hits  int        // matches of the row at hand, so far

	ended bool
	left  []int32 // unmatched build rows, still to come out
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
	j.newTable()
	return nil
}

// newTable makes an empty table for the build side.
func (j *HashJoin) newTable() {
	j.dropTable()
	j.store = newRowStore(j.sides[j.build].types, j.ctx.Memory)
}

func (j *HashJoin) dropTable() {
	if j.index != nil {
		j.index.close(j.ctx)
		j.index = nil
	}
	if j.store != nil {
		j.store.close()
	}
	j.ctx.Memory.Add(int64(-8 * len(j.hit)))
	j.hit = nil
}

// seal makes the index of the rows that are built.
func (j *HashJoin) seal() (err error) {
	if j.index, err = newJoinIndex(j.ctx, &j.sides[j.build], j.store); err != nil {
		return err
	}
	if j.marks {
		j.hit = make([]uint64, (j.store.n+63)/64)
		j.ctx.Memory.Add(int64(8 * len(j.hit)))
	}
	return nil
}

// size is what the build side takes, with the index that it will need.
func (j *HashJoin) size() int64 { return j.store.bytes + bytesFor(j.store.n) }

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
	if j.exists() {
		return false, j.pass(b, out)
	}
	return j.Resume(out)
}

// exists reports whether probe rows come out, once each, by whether there is a match.
func (j *HashJoin) exists() bool {
	return j.build == 1 && (j.semi || j.anti) && j.match.cond == nil && j.stage == nil
}

// pass emits the rows of the probe side that a semi or anti join lets pass.
func (j *HashJoin) pass(b *vec.Batch, out Output) error {
	j.batch = nil
	sel := make([]int32, b.Len())
	n := 0
	for i, f := range j.match.first {
		sel[n] = int32(b.Row(i))
		if (f != 0) == j.semi {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return out.Emit(&vec.Batch{Cols: b.Cols, Rows: b.Rows, Sel: sel[:n]})
}

// begin takes a batch of the probe side.
func (j *HashJoin) begin(b *vec.Batch) {
	probe := 1 - j.build
	j.batch, j.at, j.hits = b, 0, 0
	j.pairs.ownLeft, j.pairs.single = probe == 0, j.semi || j.anti
	j.match.start(b, probe == 0, &j.sides[probe], &j.sides[j.build], j.store, j.index)
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
		rows = j.rows
	}
	j.store.add(b.Cols, rows)
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
		case j.pairs.len() >= vec.BatchRowsMax || j.pairs.len() > 0 && j.batch != nil && j.at == len(j.match.first):
			return true, nil
		case j.batch != nil && j.at < len(j.match.first):
			if err := j.piece(); err != nil {
				return false, err
			}
		case j.batch != nil:
			j.batch = nil
		case len(j.left) > 0:
			n := min(len(j.left), vec.BatchRowsMax)
			for _, r := range j.left[:n] {
				j.pairs.add(absent, r)
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
	b := j.batch
	if b == nil {
		b = &vec.Batch{} // build rows alone
	}
	return out.Emit(j.pairs.batch(b, j.sides[1-j.build].types, j.store, j.sides[j.build].types))
}

// piece handles the next matches of the batch.
func (j *HashJoin) piece() error {
	upto, err := j.match.more()
	if err != nil {
		return err
	}
	if j.plain() {
		j.takeAll(upto)
		return nil
	}
	b, n, k := j.batch, len(j.match.first), 0
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
			j.pairs.add(int32(b.Row(j.at)), absent)
		}
		j.at++
		j.hits = 0
	}
}

// plain reports whether what comes out is the matches and nothing else.
func (j *HashJoin) plain() bool {
	return !j.marks && !j.semi && !j.anti && !j.outer[1-j.build]
}

// takeAll takes all matches of the piece, whose rows before upto are done with.
func (j *HashJoin) takeAll(upto int) {
	m, p := &j.match, &j.pairs
	if sel := j.batch.Sel; sel == nil {
		p.own = append(p.own, m.rows...)
	} else {
		for _, r := range m.rows {
			p.own = append(p.own, sel[r])
		}
	}
	p.refs = append(p.refs, m.refs...)
	j.at = upto
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
func (j *HashJoin) found(row int32, refs []int32) {
	if j.marks {
		for _, r := range refs {
			word, bit := &j.hit[r>>6], uint64(1)<<(r&63)
			if j.semi && *word&bit == 0 {
				j.pairs.add(absent, r)
			}
			*word |= bit
		}
	}
	if !j.semi && !j.anti {
		for _, r := range refs {
			j.pairs.add(row, r)
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
		j.publish()
		if j.disk.on() {
			return false, nil
		}
		return false, j.seal()
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
	for r := range j.store.n {
		if j.hit[r>>6]>>(r&63)&1 == 0 {
			j.left = append(j.left, int32(r))
		}
	}
	j.pairs.ownLeft, j.pairs.single = j.build == 1, j.anti
}

// Close implements Operator.
func (j *HashJoin) Close() error {
	j.dropTable()
	j.disk.remove()
	if j.stage != nil {
		j.stage.close()
	}
	return nil
}
