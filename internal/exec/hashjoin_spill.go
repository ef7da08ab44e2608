package exec

import (
	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/vec"
)

// Grace hash join (Kitsuregawa et al., 1983): rows of both sides with equal keys go
// to the same part, so the parts can be joined one by one. A part whose build side
// is still too large is cut again, by other bits of the hash.
//
// Rows of one key never part, and a join without keys has one key. A build side
// that can be cut no more is joined in pieces that fit: for each the probe side is
// read again. What a probe row shows by itself, for having no match or just one,
// hangs on all pieces, so a bit of each says whether it has had one.

// A hashStage is a part that is being joined.
type hashStage struct {
	*spillPart
	mem   *base.Budget
	read  bool     // a piece of the build side has been read
	ended bool     // the probe side has been read past it
	last  bool     // it is the last
	twice bool     // there was one before it
	row   int      // number of the probe row at hand
	hits  []uint64 // by number: it has had a match; empty when there is one piece
}

// probed takes what was found for the next probe row; before tells whether it had
// a match in an earlier piece.
func (s *hashStage) probed(hit bool) (before, last bool) {
	if s.last && !s.twice {
		return false, true
	}
	word, bit := s.row>>6, uint64(1)<<(s.row&63)
	s.row++
	if word == len(s.hits) {
		s.hits = append(s.hits, 0)
		s.mem.Add(8)
	}
	before = s.hits[word]&bit != 0
	if hit {
		s.hits[word] |= bit
	}
	return before, s.last
}

func (s *hashStage) close() {
	s.mem.Add(int64(-8 * len(s.hits)))
	s.hits = nil
	s.remove()
}

// full moves the build side to disk when memory is used up.
func (j *HashJoin) full() error {
	if !j.ctx.crowded(j.size()) {
		return nil
	}
	if j.ctx.Spill == nil {
		if m := j.ctx.Memory; m.Used() > m.Limit {
			return m.Exceeded(j.ctx.Op)
		}
		return nil
	}
	level := 0
	if len(j.sides[j.build].keys) == 0 {
		level = spillLevelsMax - 1 // there is nothing to cut by
	}
	return j.spill(level)
}

// spill writes the rows that are built to parts, and empties the table.
func (j *HashJoin) spill(level int) error {
	j.disk.start(level)
	next := j.store.each()
	for b := next(); b != nil; b = next() {
		if err := j.write(j.build, b); err != nil {
			return err
		}
	}
	j.newTable()
	return nil
}

// write puts rows of an input into their parts.
func (j *HashJoin) write(in int, b *vec.Batch) error {
	rows := j.ident.positions(b)
	if len(j.sides[in].keys) == 0 {
		j.hash = grow(j.hash, len(rows))
		clear(j.hash)
		return j.disk.write(in, j.hash, flatCols(b.Cols), rows)
	}
	j.sides[in].prepare(&j.keys, b)
	return j.disk.write(in, j.keys.Hash, flatCols(b.Cols), rows)
}

// advance does the next step of the part at hand: reads a piece of its build side,
// or takes a batch of its probe side, or ends the piece.
func (j *HashJoin) advance() error {
	s := j.stage
	switch {
	case s == nil:
		j.stage = &hashStage{spillPart: j.disk.next(), mem: j.ctx.Memory}
		return nil
	case !s.read:
		s.read = true
		return j.load(s)
	}
	cols, n, err := s.spillPart.read(1 - j.build)
	if err != nil {
		return err
	}
	if n > 0 {
		j.begin(&vec.Batch{Cols: cols, Rows: n})
		return nil
	}
	return j.endPiece(s)
}

// endPiece puts out what of the build side has not matched, and goes on to the next
// piece or part.
func (j *HashJoin) endPiece(s *hashStage) error {
	if !s.ended {
		s.ended = true
		j.unmatched()
		return nil // which come out before the table is emptied
	}
	if s.last {
		s.close()
		j.stage = nil
	} else {
		s.read, s.ended, s.twice, s.row = false, false, true, 0
		s.rewind(1 - j.build)
	}
	j.newTable()
	return nil
}

// load reads the build side of a part. When it does not fit it is cut again, or the
// rest waits until this piece has been joined.
func (j *HashJoin) load(s *hashStage) error {
	for {
		cols, n, err := s.spillPart.read(j.build)
		if err != nil {
			return err
		}
		if n == 0 {
			s.last = true
			return j.seal()
		}
		j.add(&vec.Batch{Cols: cols, Rows: n})
		if !j.ctx.crowded(j.size()) {
			continue
		}
		if s.level < spillLevelsMax {
			return j.again(s)
		}
		s.last = !s.more(j.build)
		return j.seal()
	}
}

// again cuts a part whose build side does not fit.
func (j *HashJoin) again(s *hashStage) error {
	if err := j.spill(s.level); err != nil {
		return err
	}
	for in := range s.files {
		for {
			cols, n, err := s.spillPart.read(in)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if err := j.write(in, &vec.Batch{Cols: cols, Rows: n}); err != nil {
				return err
			}
		}
	}
	s.close()
	j.stage = nil
	return j.disk.done()
}
