package exec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
)

// A matchPart is what a partition remembers. Rows are numbered in order; an attempt
// takes rows without a gap up to the last one, and the rows of a variable are side
// by side. So an attempt is a first row and, for each variable, where its rows end;
// the rows themselves are kept once.
//
//	rows      first … next-1, as refs: those from the first that is in open or done
//	open      attempts, by first row, and for one of these in the order of their making
//	done      matches that wait until no attempt with an earlier first row is open
//
// With no attempt open nothing waits, and no row is kept.
type matchPart struct {
	slot  keyed.Slot
	next  uint64
	refs  []keyed.Ref // append only, or replaced: matches hold on to parts of it
	open  []*attempt
	done  doneHeap
	timer int64 // the registered one, or noTimer
	timed int64 // that which the store has, or noTimer
	dirty bool
	bytes int64 // as the budget counts it
}

const noTimer = int64(math.MaxInt64)

// What the parts of a partition take, about, in bytes.
const (
	matchPartBytes = 128
	attemptBytes   = 96 // with its place in the list; and 4 a variable, 8 a word of accumulators
	finishedBytes  = 48 // and 4 a variable
	matchRefBytes  = 4
)

// account counts the memory of a part against the budget.
func (m *Match) account(p *matchPart) {
	ends := 4 * m.auto.vars
	now := matchPartBytes + len(p.open)*(attemptBytes+ends+8*m.exprs.accs) + len(p.done)*(finishedBytes+ends) + cap(p.refs)*matchRefBytes
	m.count(p, int64(now))
}

// forget gives the memory of a part back.
func (m *Match) forget(p *matchPart) { m.count(p, 0) }

func (m *Match) count(p *matchPart, now int64) {
	m.ctx.Memory.Add(now - p.bytes)
	m.bytes += now - p.bytes
	p.bytes = now
}

// exceeded returns the error of rows and attempts that are more than the budget
// allows.
func (m *Match) exceeded() error {
	all := m.table.Bytes() + m.rows.Bytes() + m.bytes
	if m.end == nil {
		return m.ctx.unfit(all, m.cold.err)
	}
	err := m.ctx.overdrawn(all)
	if err != nil {
		if evicted := m.end.sort.evict(); evicted != nil || m.ctx.Memory.Add(0) {
			return evicted
		}
	}
	return err
}

// An attempt is a match that is not finished.
type attempt struct {
	state int
	first uint64 // row
	time  int64  // of that row
	ends  []uint32
	accs  []uint64 // of the aggregates that conditions read
}

// rows returns where the rows of a variable begin and end, counted from the first
// of the attempt, which has n.
func varRows(ends []uint32, v int, n uint32) (from, to uint32) {
	switch {
	case v == jobgraph.AllVars:
		return 0, n
	case v > 0:
		from = ends[v-1]
	}
	return from, ends[v]
}

// take gives the n'th row to variable v.
func take(ends []uint32, v int, n uint32) {
	for i := v; i < len(ends); i++ {
		ends[i] = n + 1
	}
}

// A finished match; the last of ends is the number of its rows.
type finished struct {
	first uint64
	ends  []uint32
}

func (f *finished) rows() uint32 { return f.ends[len(f.ends)-1] }

// base is the number of the first row that is kept.
func (p *matchPart) base() uint64 { return p.next - uint64(len(p.refs)) }

// A doneHeap is a binary heap by first row that treats equals as Java's
// PriorityQueue does: of several matches with one first row, which are found when
// an earlier attempt blocks them, that decides which one is told.
type doneHeap []*finished

func (h *doneHeap) add(x *finished) {
	*h = append(*h, x)
	q, k := *h, len(*h)-1
	for k > 0 {
		parent := (k - 1) >> 1
		if x.first >= q[parent].first {
			break
		}
		q[k] = q[parent]
		k = parent
	}
	q[k] = x
}

func (h *doneHeap) poll() *finished {
	q := *h
	top, n := q[0], len(q)-1
	x := q[n]
	*h = q[:n]
	if n > 0 {
		h.down(0, x)
	}
	return top
}

func (h *doneHeap) down(k int, x *finished) {
	q := *h
	for n := len(q); k < n>>1; {
		child := 2*k + 1
		if right := child + 1; right < n && q[child].first > q[right].first {
			child = right
		}
		if x.first <= q[child].first {
			break
		}
		q[k] = q[child]
		k = child
	}
	q[k] = x
}

func (h *doneHeap) removeIf(f func(*finished) bool) {
	n := len(*h)
	if *h = slices.DeleteFunc(*h, f); len(*h) == n {
		return
	}
	for i := len(*h)>>1 - 1; i >= 0; i-- {
		h.down(i, (*h)[i])
	}
}

// The durable form of a part, in uvarints:
//
//	version, next row, variables, words of accumulators, attempts, matches
//	an attempt   state, first row, its time (8 bytes), ends, accumulators (8 bytes each)
//	a match      first row, ends
const matchPartVersion = 1

func (p *matchPart) encode(dst []byte, vars, accs int) []byte {
	for _, x := range []int{matchPartVersion, int(p.next), vars, accs, len(p.open), len(p.done)} {
		dst = binary.AppendUvarint(dst, uint64(x))
	}
	ends := func(list []uint32) {
		for _, e := range list {
			dst = binary.AppendUvarint(dst, uint64(e))
		}
	}
	for _, a := range p.open {
		dst = binary.AppendUvarint(dst, uint64(a.state))
		dst = binary.AppendUvarint(dst, a.first)
		dst = binary.BigEndian.AppendUint64(dst, uint64(a.time))
		ends(a.ends)
		for _, w := range a.accs {
			dst = binary.BigEndian.AppendUint64(dst, w)
		}
	}
	for _, f := range p.done {
		dst = binary.AppendUvarint(dst, f.first)
		ends(f.ends)
	}
	return dst
}

var errMatchState = errors.New("the state of MATCH_RECOGNIZE is damaged")

func (p *matchPart) decode(b []byte, a *matchAutomaton, accs int) error {
	bad := false
	next := func() uint64 {
		x, n := binary.Uvarint(b)
		if n <= 0 {
			bad, b = true, nil
			return 0
		}
		b = b[n:]
		return x
	}
	word := func() uint64 {
		if len(b) < 8 {
			bad, b = true, nil
			return 0
		}
		x := binary.BigEndian.Uint64(b)
		b = b[8:]
		return x
	}
	ends := func() []uint32 {
		out := make([]uint32, a.vars)
		for i := range out {
			out[i] = uint32(next())
		}
		return out
	}
	if v := next(); v != matchPartVersion {
		return fmt.Errorf("%w: version %d", errMatchState, v)
	}
	p.next = next()
	if v, w := next(), next(); !bad && (v != uint64(a.vars) || w != uint64(accs)) {
		return fmt.Errorf("%w: it is of a pattern of %d variables and %d words, not %d and %d", errMatchState, v, w, a.vars, accs)
	}
	open, done := next(), next()
	for range open {
		if bad {
			break
		}
		at := &attempt{state: int(next()), first: next(), time: int64(word()), ends: ends()}
		for range accs {
			at.accs = append(at.accs, word())
		}
		if at.state <= matchEnd || at.state >= len(a.states) {
			return fmt.Errorf("%w: state %d of %d", errMatchState, at.state, len(a.states))
		}
		p.open = append(p.open, at)
	}
	for range done {
		if bad {
			break
		}
		p.done = append(p.done, &finished{first: next(), ends: ends()})
	}
	if bad || len(b) > 0 {
		return errMatchState
	}
	return nil
}
