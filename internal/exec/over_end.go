package exec

import "github.com/millrace-io/millrace/vec"

// overEnd sorts all rows by partition and order and then computes one partition
// after the other, several small ones at once.
//
// A partition must fit in memory, unless all calls can do with what they have
// accumulated (see overCalls.goOn): then one that does not is computed in pieces, of
// whole groups of peers.
type overEnd struct {
	o     *Over
	sort  *sortBuffer
	parts sortedParts
	calls *overCalls

	pending []*vec.Batch // sorted, of partitions whose end has not been seen
	rows    int
	bytes   int64
	cut     []place // where partitions start in pending
	ended   bool
	held    heldMark

	begun        bool  // the first partition in pending has had rows before
	count, peers int64 // how many, and how many groups of peers
}

// overRows is about how many rows are computed at once.
const overRows = vec.BatchRowsMax

func openOverEnd(o *Over) (overMode, error) {
	e := &overEnd{o: o}
	e.sort, e.parts = newPartSort(o.ctx, "over", o.spec.Partition, o.spec.Order, o.spec.Types)
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
			return e.compute(e.rows, false)
		}
		e.take(b)
		last := e.before(e.cut[len(e.cut)-1])
		full := e.o.ctx.crowded(e.bytes)
		switch {
		case last >= overRows || full && last > 0:
			return e.compute(last, false)
		case full && e.calls.goOn():
			if n := e.lastPeers(); n > 0 {
				return e.compute(n, true)
			}
		}
		if err := e.exceeded(); err != nil {
			return nil, err
		}
	}
}

// exceeded returns the error of a partition that does not fit.
func (e *overEnd) exceeded() error {
	err := e.o.ctx.overdrawn(e.bytes)
	if err != nil {
		if evicted := e.sort.evict(); evicted != nil || e.o.ctx.Memory.Add(0) {
			return evicted
		}
	}
	return err
}

// lastPeers returns where the last group of peers of pending begins, which is of
// one partition.
func (e *overEnd) lastPeers() int {
	order := e.calls.order
	n, row := len(e.pending)-1, e.pending[len(e.pending)-1].Rows-1
	for at := e.rows - 1; at > 0; at-- {
		m, i := n, row-1
		if row == 0 {
			m, i = n-1, e.pending[n-1].Rows-1
		}
		for k, key := range order.keys {
			if order.value(k, e.pending[m].Cols[key.Col], i, e.pending[n].Cols[key.Col], row) != 0 {
				return at
			}
		}
		n, row = m, i
	}
	return 0
}

// take adds sorted rows and finds where partitions start in them.
func (e *overEnd) take(b *vec.Batch) {
	n := len(e.pending)
	words := e.parts.words(b)
	for i := range b.Rows {
		if i > 0 && e.parts.together(b, i-1, b, i, words) || i == 0 && n > 0 && e.parts.together(e.pending[n-1], e.pending[n-1].Rows-1, b, 0, nil) {
			continue
		}
		e.cut = append(e.cut, placeOf(n, i))
	}
	e.pending = append(e.pending, b)
	e.rows += b.Rows
	e.counts(vec.Bytesize(b))
}

// counts counts memory against the budget.
func (e *overEnd) counts(n int64) {
	e.bytes += n
	e.o.ctx.Memory.Add(n)
}

// before returns how many pending rows lie before a place.
func (e *overEnd) before(p place) int {
	n := p.row()
	for _, b := range e.pending[:p.batch()] {
		n += b.Rows
	}
	return n
}

// compute computes the first n pending rows: whole partitions, or rows of one that
// goes on.
func (e *overEnd) compute(n int, goesOn bool) ([]*vec.Batch, error) {
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
	e.counts(-e.bytes)
	for _, b := range rest {
		e.take(b)
	}
	if e.begun {
		p.rows, p.groups = make([]int64, len(p.starts)-1), make([]int64, len(p.starts)-1)
		p.rows[0], p.groups[0] = e.count, e.peers
	}
	cols, err := e.calls.whole(p, e.begun)
	if err != nil {
		return nil, err
	}
	if e.begun = goesOn; goesOn {
		e.count, e.peers = e.count+int64(n), e.peers+int64(p.group[n-1])+1
	} else {
		e.count, e.peers = 0, 0
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
	e.counts(-e.bytes)
	e.sort.close()
	e.calls.close()
}
