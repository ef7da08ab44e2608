package exec

import (
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A rowKeeper is an operator that keeps rows by key and, in batch mode, can do its
// work key by key.
type rowKeeper interface {
	// held returns the bytes that it holds.
	held() int64
	// kept returns a source of what it keeps: rows from which restore makes it
	// again, in the order in which restore is to get them.
	kept() func() (*vec.Batch, error)
	// clear forgets everything.
	clear() error
	// restore takes rows of kept back.
	restore(b *vec.Batch, rows []int32) error
	// take handles rows of the input and returns what they put out at once, or nil.
	take(b *vec.Batch, rows []int32) (*vec.Batch, error)
	// results returns a source of what the end of the input puts out.
	results() func() (*vec.Batch, error)
}

// A spillReplay lets a rowKeeper do with less memory. When that is used up, what it
// keeps is written to parts by a hash of the key, and then the input as it comes;
// at the end each part is read from the front: what was kept is restored, the input
// is taken as if it came now, and the results of the part follow.
//
// A row on disk has its kind as a last column, or replayKept.
type spillReplay struct {
	keeper rowKeeper
	cut    spillCut
	keys   []int
	keyTs  []types.Type
	hash   []uint64
	ident  idents
	part   *spillPart // being read
	out    func() (*vec.Batch, error)
}

const replayKept = int8(vec.Delete + 1)

// newSpillReplay returns nil where nothing can be spilled: without a folder, and
// without a key to cut by.
func newSpillReplay(ctx *Context, name string, k rowKeeper, keys []int, ts []types.Type) *spillReplay {
	if ctx.Spill == nil || ctx.Memory == nil || ctx.Env.Streaming || len(keys) == 0 {
		return nil
	}
	row := append(append([]types.Type(nil), ts...), types.Of(types.TinyInt))
	return &spillReplay{keeper: k, cut: newSpillCut(ctx, name, row), keys: keys, keyTs: pickTypes(ts, keys)}
}

// on reports whether rows go to disk.
func (s *spillReplay) on() bool { return s != nil && s.cut.on() }

// relieve spills when the memory is used up.
func (s *spillReplay) relieve() error {
	if s == nil || !s.cut.ctx.crowded(s.keeper.held()) {
		return nil
	}
	return s.spill(0)
}

// spill writes all that is kept, and forgets it.
func (s *spillReplay) spill(level int) error {
	s.cut.start(level)
	next := s.keeper.kept()
	for {
		b, err := next()
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := s.put(b.Cols, s.ident.upTo(b.Rows), b.Rows, func(int32) int8 { return replayKept }); err != nil {
			return err
		}
	}
	return s.keeper.clear()
}

// write puts rows of the input on disk.
func (s *spillReplay) write(b *vec.Batch, rows []int32) error {
	return s.put(flatCols(b.Cols), rows, b.Rows, func(r int32) int8 { return int8(b.Kind(int(r))) })
}

func (s *spillReplay) put(cols []vec.Vector, rows []int32, n int, kind func(r int32) int8) error {
	s.hash = grow(s.hash, len(rows))
	keyenc.Hash(pick(cols, s.keys), s.keyTs, rows, n, s.hash)
	kinds := make([]int8, n)
	for _, r := range rows {
		kinds[r] = kind(r)
	}
	all := append(append([]vec.Vector(nil), cols...), &vec.Fixed[int8]{Vals: kinds})
	return s.cut.write(0, s.hash, all, rows)
}

// end returns a source of the results of all parts.
func (s *spillReplay) end() (func() (*vec.Batch, error), error) {
	if err := s.cut.done(); err != nil {
		return nil, err
	}
	return s.next, nil
}

// next goes on with the part at hand.
func (s *spillReplay) next() (*vec.Batch, error) {
	switch {
	case s.out != nil:
		b, err := s.out()
		if b != nil || err != nil {
			return b, err
		}
		s.out = nil
		return &vec.Batch{}, s.keeper.clear()
	case s.part == nil:
		if s.part = s.cut.next(); s.part == nil {
			return nil, nil
		}
	}
	b, rows, kept, err := s.read()
	if err != nil {
		return nil, err
	}
	if b == nil {
		s.part.remove()
		s.part, s.out = nil, s.keeper.results()
		return &vec.Batch{}, nil
	}
	if kept > 0 {
		if err := s.keeper.restore(b, rows[:kept]); err != nil {
			return nil, err
		}
	}
	out := &vec.Batch{}
	if kept < len(rows) {
		if done, err := s.keeper.take(b, rows[kept:]); err != nil {
			return nil, err
		} else if done != nil {
			out = done
		}
	}
	return out, s.again()
}

// read returns the next rows of the part, of which the first were kept; nil at its
// end.
func (s *spillReplay) read() (b *vec.Batch, rows []int32, kept int, err error) {
	cols, n, err := s.part.read(0)
	if err != nil || n == 0 {
		return nil, nil, 0, err
	}
	last := len(cols) - 1
	b = &vec.Batch{Cols: cols[:last], Rows: n, Kinds: make([]vec.RowKind, n)}
	for i, k := range cols[last].(*vec.Fixed[int8]).Vals {
		if k == replayKept {
			kept++
			k = int8(vec.Insert)
		}
		b.Kinds[i] = vec.RowKind(k)
	}
	if allInserts(b.Kinds) {
		b.Kinds = nil
	}
	return b, s.ident.upTo(n), kept, nil
}

// again cuts the part at hand once more, when it does not fit either.
func (s *spillReplay) again() error {
	p := s.part
	if !s.cut.ctx.crowded(s.keeper.held()) {
		return nil
	}
	if p.level >= spillLevelsMax {
		if m := s.cut.ctx.Memory; m.Used() > m.Limit {
			return m.Exceeded(s.cut.ctx.Op)
		}
		return nil
	}
	if err := s.spill(p.level); err != nil {
		return err
	}
	for {
		cols, n, err := p.read(0)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		rows := s.ident.upTo(n)
		s.hash = grow(s.hash, n)
		keyenc.Hash(pick(cols, s.keys), s.keyTs, rows, n, s.hash)
		if err := s.cut.write(0, s.hash, cols, rows); err != nil {
			return err
		}
	}
	p.remove()
	s.part = nil
	return s.cut.done()
}

// close deletes what is left on disk.
func (s *spillReplay) close() {
	if s == nil {
		return
	}
	if s.part != nil {
		s.part.remove()
	}
	s.cut.remove()
}
