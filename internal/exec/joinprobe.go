package exec

import (
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A joinProbe finds, for the rows of a batch, the rows of the build side with the same key
// that pass the condition, in pieces of bounded size.
type joinProbe struct {
	cond    *expr.Program // over left columns, then right ones; nil: TRUE
	needed  []int         // the columns that cond reads
	batch   *vec.Batch
	ownLeft bool
	own     *side
	other   *side
	store   *rowStore
	index   *joinIndex
	first   []int32 // by ordinal: 1 + the first row with its key; 0: none

	next int   // ordinal of the row that is being matched
	ref  int32 // 1 + where in its list, 0 when it has not begun

	rows []int32 // found: ordinals of the batch's rows, ascending
	refs []int32
}

func (m *joinProbe) compile(e *expr.Expr, env *fn.Env) (err error) {
	m.cond, err = compileCond(e, env)
	if e != nil {
		m.needed = expr.Columns(e)
	}
	return err
}

// start takes a batch.
func (m *joinProbe) start(b *vec.Batch, ownLeft bool, own, other *side, store *rowStore, index *joinIndex) {
	m.batch, m.ownLeft, m.own, m.other, m.store, m.index = b, ownLeft, own, other, store, index
	if cap(m.first) < b.Len() {
		m.first = make([]int32, max(b.Len(), vec.BatchRowsMax))
	}
	m.first = m.first[:b.Len()]
	index.find(own, b, m.first)
	m.next, m.ref = 0, 0
}

// more finds up to about a batch of matches and returns the ordinal of the first row that
// is not matched to its end: rows before it have all of their matches in this and earlier
// pieces.
func (m *joinProbe) more() (int, error) {
	if !m.index.many {
		m.single()
	} else {
		m.several()
	}
	return m.next, m.filter()
}

// single finds matches where every key has one row at most.
func (m *joinProbe) single() {
	n := len(m.first)
	if cap(m.rows) < n {
		m.rows, m.refs = make([]int32, n), make([]int32, n)
	}
	rows, refs := m.rows[:n], m.refs[:n]
	k := 0
	for i, f := range m.first {
		rows[k], refs[k] = int32(i), f-1
		if f != 0 {
			k++
		}
	}
	m.rows, m.refs, m.next = rows[:k], refs[:k], n
}

func (m *joinProbe) several() {
	rows, refs, next := m.rows[:0], m.refs[:0], m.index.next
	n, at := len(m.first), m.next
	for at < n && len(rows) < vec.BatchRowsMax {
		ref := m.ref
		if ref == 0 {
			ref = m.first[at]
		}
		for ref != 0 && len(rows) < vec.BatchRowsMax {
			rows, refs = append(rows, int32(at)), append(refs, ref-1)
			ref = next[ref-1]
		}
		if m.ref = ref; ref == 0 {
			at++
		}
	}
	m.rows, m.refs, m.next = rows, refs, at
}

// filter keeps the matches for which the condition is TRUE.
func (m *joinProbe) filter() error {
	if m.cond == nil || len(m.rows) == 0 {
		return nil
	}
	at := m.rows
	if sel := m.batch.Sel; sel != nil {
		at = make([]int32, len(m.rows))
		for i, r := range m.rows {
			at[i] = sel[r]
		}
	}
	left, right := m.own, m.other
	if !m.ownLeft {
		left, right = right, left
	}
	cols := make([]vec.Vector, len(left.types)+len(right.types))
	for _, c := range m.needed {
		k, fromLeft := c, c < len(left.types)
		if !fromLeft {
			k -= len(left.types)
		}
		if fromLeft == m.ownLeft {
			cols[c] = vec.Take(m.batch.Cols[k], at)
		} else {
			cols[c] = m.store.cols[k].gather(m.refs, false)
		}
	}
	sel, err := m.cond.Filter(cols, nil, len(m.rows))
	if err != nil || sel == nil { // nil: all of them
		return err
	}
	for i, s := range sel {
		m.rows[i], m.refs[i] = m.rows[s], m.refs[s]
	}
	m.rows, m.refs = m.rows[:len(sel)], m.refs[:len(sel)]
	return nil
}

// joinPairs collects what a hash join puts out: rows made of a row of the batch at hand
// and a row of the build side, either of which may be absent.
type joinPairs struct {
	ownLeft bool // the batch is of the left input
	single  bool // semi and anti joins put out one side only
	own     []int32
	refs    []int32
	sent    int
}

func (p *joinPairs) add(own, ref int32) {
	p.own, p.refs = append(p.own, own), append(p.refs, ref)
}

func (p *joinPairs) len() int { return len(p.own) - p.sent }

// batch makes the next batch of the pairs.
func (p *joinPairs) batch(b *vec.Batch, ownTypes []types.Type, other *rowStore, otherTypes []types.Type) *vec.Batch {
	to := min(p.sent+vec.BatchRowsMax, len(p.own))
	rows, refs := p.own[p.sent:to], p.refs[p.sent:to]
	out := &vec.Batch{Rows: len(rows)}
	switch {
	case p.single && p.ownLeft:
		out.Cols = takeOwn(b, ownTypes, rows)
	case p.single:
		out.Cols = stored(other, otherTypes, refs)
	case p.ownLeft:
		out.Cols = append(takeOwn(b, ownTypes, rows), stored(other, otherTypes, refs)...)
	default:
		out.Cols = append(stored(other, otherTypes, refs), takeOwn(b, ownTypes, rows)...)
	}
	if p.sent = to; to == len(p.own) {
		p.own, p.refs, p.sent = p.own[:0], p.refs[:0], 0
	}
	return out
}

// takeOwn takes rows of the batch; its columns as they are where that is all rows.
func takeOwn(b *vec.Batch, ts []types.Type, rows []int32) []vec.Vector {
	if len(rows) != b.Rows {
		return takeOrNull(b.Cols, ts, rows)
	}
	for i, r := range rows {
		if int(r) != i {
			return takeOrNull(b.Cols, ts, rows)
		}
	}
	return append([]vec.Vector(nil), b.Cols...)
}

// stored returns the columns of build rows, of which some may be absent.
func stored(s *rowStore, ts []types.Type, refs []int32) []vec.Vector {
	missing := 0
	for _, r := range refs {
		if r < 0 {
			missing++
		}
	}
	if missing < len(refs) {
		return s.gather(refs, missing > 0)
	}
	out := make([]vec.Vector, len(ts))
	for i, t := range ts {
		out[i] = vec.Nulls(t, len(refs))
	}
	return out
}
