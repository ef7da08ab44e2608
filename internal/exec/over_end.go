package exec

import (
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/vec"
)

// overEnd sorts all rows by partition and order and then computes one partition
// after the other, several small ones at once. A partition must fit in memory.
type overEnd struct {
	o     *Over
	sort  *sortBuffer
	parts *ordering // the partition columns
	calls *overCalls

	pending []*vec.Batch // sorted, of partitions whose end has not been seen
	rows    int
	cut     []place // where partitions start in pending
	ended   bool
	held    heldMark
}

// overRows is about how many rows are computed at once.
const overRows = vec.BatchRowsMax

func openOverEnd(o *Over) (overMode, error) {
	var keys []jobgraph.SortKey
	for _, c := range o.spec.Partition {
		keys = append(keys, jobgraph.SortKey{Col: c})
	}
	e := &overEnd{o: o, parts: newOrdering(keys, o.spec.Types)}
	e.sort = newSortBuffer(o.ctx, "over", append(keys, o.spec.Order...), o.spec.Types, noBound)
	var err error
	e.calls, err = newOverCalls(o.spec, o.spec.Types, newOrdering(o.spec.Order, o.spec.Types), everyCall, o.ctx.Memory)
	return e, err
}

func (e *overEnd) process(b *vec.Batch) error {
	if err := e.sort.add(b, undropped(e.o.ctx, b, e.o.ident.positions(b))); err != nil {
		return err
	}
	e.held.holdLast(b)
	return nil
}

func (e *overEnd) watermark(t int64) error {
	e.held.hold(t)
	return nil
}

func (e *overEnd) end() error {
	if err := e.sort.finish(); err != nil {
		return err
	}
	var ready []*vec.Batch
	e.o.feed.batches(func() (*vec.Batch, error) {
		for len(ready) == 0 {
			if e.ended {
				return nil, nil
			}
			var err error
			if ready, err = e.next(); err != nil {
				return nil, err
			}
		}
		b := ready[0]
		ready = ready[1:]
		return b, nil
	})
	e.held.release(&e.o.feed)
	return nil
}

// next reads on until there are whole partitions enough, and computes them.
func (e *overEnd) next() ([]*vec.Batch, error) {
	for {
		b, err := e.sort.next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			e.ended = true
			return e.compute(e.rows)
		}
		e.take(b)
		if last := e.before(e.cut[len(e.cut)-1]); last >= overRows {
			return e.compute(last)
		}
	}
}

// take adds sorted rows and finds where partitions start in them.
func (e *overEnd) take(b *vec.Batch) {
	n := len(e.pending)
	words := e.parts.words(b.Cols, nil, b.Rows, nil)
	for i := range b.Rows {
		if i > 0 && e.together(b, i-1, b, i, words) || i == 0 && n > 0 && e.together(e.pending[n-1], e.pending[n-1].Rows-1, b, 0, nil) {
			continue
		}
		e.cut = append(e.cut, placeOf(n, i))
	}
	e.pending = append(e.pending, b)
	e.rows += b.Rows
}

// together reports whether two rows are of one partition.
func (e *overEnd) together(a *vec.Batch, i int, b *vec.Batch, k int, words [][]uint64) bool {
	for j, key := range e.parts.keys {
		if words != nil {
			if words[j][i] != words[j][k] {
				return false
			}
			if !e.parts.loose(j, words[j][i]) {
				continue
			}
		}
		if e.parts.value(j, a.Cols[key.Col], i, b.Cols[key.Col], k) != 0 {
			return false
		}
	}
	return true
}

// before returns how many pending rows lie before a place.
func (e *overEnd) before(p place) int {
	n := p.row()
	for _, b := range e.pending[:p.batch()] {
		n += b.Rows
	}
	return n
}

// compute computes the first n pending rows, which are whole partitions.
func (e *overEnd) compute(n int) ([]*vec.Batch, error) {
	if n == 0 {
		return nil, nil
	}
	p := &overPart{n: n}
	at := make([]place, 0, n)
	var rest []*vec.Batch
	for k, b := range e.pending {
		m := min(b.Rows, n-len(at))
		for i := range m {
			at = append(at, placeOf(k, i))
		}
		if m < b.Rows {
			left := &vec.Batch{Rows: b.Rows - m}
			for _, c := range b.Cols {
				left.Cols = append(left.Cols, vec.Slice(c, m, b.Rows))
			}
			rest = append(rest, left)
		}
	}
	for c, t := range e.o.spec.Types {
		p.cols = append(p.cols, collect(e.pending, c, t, at))
	}
	for _, c := range e.cut {
		if k := e.before(c); k < n {
			p.starts = append(p.starts, int32(k))
		}
	}
	p.starts = append(p.starts, int32(n))
	e.pending, e.rows, e.cut = nil, 0, nil
	for _, b := range rest {
		e.take(b)
	}
	cols, err := e.calls.whole(p)
	if err != nil {
		return nil, err
	}
	return cutBatches(append(p.cols, cols...), nil, n), nil
}

// cutBatches cuts columns of n rows into batches; kinds may be nil.
func cutBatches(cols []vec.Vector, kinds []vec.RowKind, n int) []*vec.Batch {
	if n <= vec.BatchRowsMax {
		return []*vec.Batch{{Cols: cols, Rows: n, Kinds: kinds}}
	}
	var out []*vec.Batch
	for from := 0; from < n; from += vec.BatchRowsMax {
		to := min(from+vec.BatchRowsMax, n)
		b := &vec.Batch{Rows: to - from}
		for _, c := range cols {
			b.Cols = append(b.Cols, vec.Slice(c, from, to))
		}
		if kinds != nil {
			b.Kinds = kinds[from:to:to]
		}
		out = append(out, b)
	}
	return out
}

func (e *overEnd) snapshot() error { return nil }

func (e *overEnd) close() {
	e.sort.close()
	e.calls.close()
}
