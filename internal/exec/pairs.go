package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// A side is one input of a join.
type side struct {
	keys   []int
	keyTs  []types.Type
	types  []types.Type
	strict []int // key columns whose NULL equals nothing
	rows   *keyed.Multi
}

func newSide(keys []int, ts []types.Type, nullSafe []bool) side {
	s := side{keys: keys, types: ts}
	for i, k := range keys {
		s.keyTs = append(s.keyTs, ts[k])
		if nullSafe == nil || !nullSafe[i] {
			s.strict = append(s.strict, k)
		}
	}
	return s
}

func (s *side) shape(name string, ctx *Context, extra int) keyed.Shape {
	return keyed.Shape{Name: name, Key: s.keyTs, Row: s.types, Extra: extra, Groups: ctx.Groups, Memory: ctx.Memory}
}

// prepare hashes the join keys of a batch.
func (s *side) prepare(k *keyed.Keys, b *vec.Batch) {
	cols := make([]vec.Vector, len(s.keys))
	for i, c := range s.keys {
		cols[i] = b.Cols[c]
	}
	k.Prepare(s.keyTs, cols, b.Sel, b.Rows)
}

// void reports whether a row can match nothing, because a key is NULL.
func (s *side) void(b *vec.Batch, row int) bool {
	for _, c := range s.strict {
		if b.Cols[c].Null(row) {
			return true
		}
	}
	return false
}

// anyVoid reports whether some key column may have a NULL.
func (s *side) anyVoid(b *vec.Batch) bool {
	for _, c := range s.strict {
		switch v := b.Cols[c].(type) {
		case *vec.Const:
			if v.Null(0) {
				return true
			}
		case *vec.Dict:
			if vec.Validity(v.Words) != nil {
				return true
			}
		default:
			if vec.Validity(v) != nil {
				return true
			}
		}
	}
	return false
}

// pairs collects what a join puts out: rows made of a row of the batch at hand and
// a row of the other side's state, either of which may be absent.
type pairs struct {
	ownLeft bool // the batch is of the left input
	single  bool // semi and anti joins put out one side only
	own     []int32
	refs    []keyed.Ref
	kinds   []vec.RowKind // empty: all inserts
	sent    int           // by batch
}

// absent is the position of no row.
const absent int32 = -1

func (p *pairs) add(kind vec.RowKind, own int32, ref keyed.Ref) {
	if kind != vec.Insert || len(p.kinds) > 0 {
		for len(p.kinds) < len(p.own) {
			p.kinds = append(p.kinds, vec.Insert)
		}
		p.kinds = append(p.kinds, kind)
	}
	p.own, p.refs = append(p.own, own), append(p.refs, ref)
}

func (p *pairs) len() int { return len(p.own) - p.sent }

// batch makes the next batch of the pairs.
func (p *pairs) batch(b *vec.Batch, ownTypes []types.Type, other *keyed.Multi, otherTypes []types.Type) *vec.Batch {
	to := min(p.sent+vec.BatchRowsMax, len(p.own))
	rows, refs := p.own[p.sent:to], p.refs[p.sent:to]
	out := &vec.Batch{Rows: len(rows)}
	switch {
	case p.single && p.ownLeft:
		out.Cols = takeOrNull(b.Cols, ownTypes, rows)
	case p.single:
		out.Cols = gather(other, refs, otherTypes)
	case p.ownLeft:
		out.Cols = append(takeOrNull(b.Cols, ownTypes, rows), gather(other, refs, otherTypes)...)
	default:
		out.Cols = append(gather(other, refs, otherTypes), takeOrNull(b.Cols, ownTypes, rows)...)
	}
	if len(p.kinds) > 0 {
		out.Kinds = slices.Clone(p.kinds[p.sent:to])
	}
	if p.sent = to; to == len(p.own) {
		p.own, p.refs, p.kinds, p.sent = p.own[:0], p.refs[:0], p.kinds[:0], 0
	}
	return out
}

// gather returns the columns of rows of a table; all NULL when there is no table.
func gather(m *keyed.Multi, refs []keyed.Ref, ts []types.Type) []vec.Vector {
	out := make([]vec.Vector, len(ts))
	for c := range out {
		if m == nil {
			out[c] = vec.Nulls(ts[c], len(refs))
		} else {
			out[c] = m.Gather(refs, c)
		}
	}
	return out
}

// takeOrNull takes rows of a batch; NULLs where the position is absent.
func takeOrNull(cols []vec.Vector, ts []types.Type, rows []int32) []vec.Vector {
	out := make([]vec.Vector, len(ts))
	missing := 0
	for _, r := range rows {
		if r == absent {
			missing++
		}
	}
	switch missing {
	case 0:
		for c := range out {
			out[c] = vec.Take(cols[c], rows)
		}
	case len(rows):
		for c := range out {
			out[c] = vec.Nulls(ts[c], len(rows))
		}
	default:
		for c := range out {
			b := vec.NewBuilder(ts[c])
			for _, r := range rows {
				if r == absent {
					b.Null()
				} else {
					b.From(cols[c], int(r))
				}
			}
			out[c] = b.Finish()
		}
	}
	return out
}

// A matcher finds, for the rows of a batch, the rows of the other side with the
// same key that pass the condition, in pieces of bounded size.
type matcher struct {
	cond    *expr.Program // over left columns, then right ones; nil: TRUE
	needed  []int         // the columns that cond reads
	times   *timeBound    // nil: any
	batch   *vec.Batch
	ownLeft bool
	own     *side
	other   *side
	keys    keyed.Keys
	slots   []keyed.Slot // of the other side, by ordinal

	next int       // ordinal of the row that is being matched
	ref  keyed.Ref // where in its list, 0 when it has not begun

	rows []int32 // found: ordinals of the batch's rows, ascending
	refs []keyed.Ref
}

// A timeBound keeps matches whose other row's time lies within reach of the own
// row's. Both are columns of microseconds.
type timeBound struct {
	own, other int
	reach      reach
}

// compile makes the condition's program.
func (m *matcher) compile(e *expr.Expr, env *fn.Env) (err error) {
	m.cond, err = compileCond(e, env)
	if e != nil {
		m.needed = expr.Columns(e)
	}
	return err
}

func compileCond(e *expr.Expr, env *fn.Env) (*expr.Program, error) {
	if e == nil {
		return nil, nil
	}
	return expr.Compile(e, env)
}

// start takes a batch; the other side's state must not change until it is done.
func (m *matcher) start(b *vec.Batch, ownLeft bool, own, other *side) {
	m.batch, m.ownLeft, m.own, m.other = b, ownLeft, own, other
	own.prepare(&m.keys, b)
	if cap(m.slots) < b.Len() {
		m.slots = make([]keyed.Slot, max(b.Len(), vec.BatchRowsMax))
	}
	m.slots = m.slots[:b.Len()]
	other.rows.Find(&m.keys, m.slots)
	if own.anyVoid(b) {
		for i := range m.slots {
			if m.slots[i] != keyed.None && own.void(b, b.Row(i)) {
				m.slots[i] = keyed.None
			}
		}
	}
	other.rows.Warm(m.slots)
	m.next, m.ref = 0, 0
}

// more finds up to about a batch of matches and returns the ordinal of the first
// row that is not matched to its end: rows before it have all of their matches in
// this and earlier pieces.
func (m *matcher) more() (int, error) {
	m.rows, m.refs = m.rows[:0], m.refs[:0]
	n := len(m.slots)
	for m.next < n && len(m.rows) < vec.BatchRowsMax {
		slot := m.slots[m.next]
		if slot == keyed.None {
			m.next++
			continue
		}
		ref := m.ref
		if ref == 0 {
			ref = m.other.rows.First(slot)
		}
		for ref != 0 && len(m.rows) < vec.BatchRowsMax {
			m.rows, m.refs = append(m.rows, int32(m.next)), append(m.refs, ref)
			ref = m.other.rows.Next(ref)
		}
		if m.ref = ref; ref == 0 {
			m.next++
		}
	}
	return m.next, m.filter()
}

// near keeps the matches that are close in time.
func (m *matcher) near() {
	if m.times == nil || len(m.rows) == 0 {
		return
	}
	own := vec.Flat(m.batch.Cols[m.times.own]).(*vec.Fixed[int64])
	other := m.other.rows.Gather(m.refs, m.times.other).(*vec.Fixed[int64])
	n := 0
	for i, r := range m.rows {
		at := m.batch.Row(int(r))
		d := other.Vals[i] - own.Vals[at]
		if !own.Valid.Null(at) && !other.Valid.Null(i) && d >= m.times.reach.from && d <= m.times.reach.to {
			m.rows[n], m.refs[n] = r, m.refs[i]
			n++
		}
	}
	m.rows, m.refs = m.rows[:n], m.refs[:n]
}

// filter keeps the matches for which the condition is TRUE.
func (m *matcher) filter() error {
	m.near()
	if m.cond == nil || len(m.rows) == 0 {
		return nil
	}
	at := make([]int32, len(m.rows))
	for i, r := range m.rows {
		at[i] = int32(m.batch.Row(int(r)))
	}
	needed := m.needed
	left, right := m.own, m.other
	if !m.ownLeft {
		left, right = right, left
	}
	cols := make([]vec.Vector, len(left.types)+len(right.types))
	for _, c := range needed {
		fromLeft := c < len(left.types)
		k := c
		if !fromLeft {
			k -= len(left.types)
		}
		if fromLeft == m.ownLeft {
			cols[c] = vec.Take(m.batch.Cols[k], at)
		} else {
			cols[c] = m.other.rows.Gather(m.refs, k)
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

// outer reports which sides of a join keep rows without a match.
func outer(k jobgraph.JoinKind) (left, right bool) {
	return k == jobgraph.Left || k == jobgraph.Full, k == jobgraph.Right || k == jobgraph.Full
}
