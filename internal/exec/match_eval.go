package exec

import (
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// matchExprs evaluates the conditions and measures of a match, many at once.
type matchExprs struct {
	spec     *jobgraph.Match
	conds    []*matchCond // by variable, nil: TRUE
	measures *expr.Programs
	aggs     []*matchAgg // by reference, nil for others
	steps    []*matchAgg // those that conditions read and attempts carry
	accs     int         // words of an attempt
	outCols  []int       // what measures read: columns of the last row, and references

	kept []int // the columns of the input that are kept with rows
	at   []int // by column of the input: where it is in kept, or -1
}

// A matchCond is the condition of a variable.
type matchCond struct {
	prog  *expr.Program
	cols  []int // of the row that is tested
	refs  []int
	plain bool // it reads that row alone
}

// A matchAgg is an aggregate over the rows of a variable. Where its accumulator has
// no blobs, an attempt carries it along if conditions read it; otherwise it is
// computed over all rows each time.
type matchAgg struct {
	agg.Agg
	call  *jobgraph.AggCall
	v     int
	off   int // of the words in an attempt, -1: not there
	table *keyed.Table
	keys  keyed.Keys
	slots []keyed.Slot
}

func newMatchExprs(spec *jobgraph.Match, env *fn.Env, mem *base.Budget) (*matchExprs, error) {
	x := &matchExprs{spec: spec, conds: make([]*matchCond, len(spec.Vars)), aggs: make([]*matchAgg, len(spec.Refs))}
	for i, r := range spec.Refs {
		if r.RefKind != jobgraph.MatchAgg {
			continue
		}
		m := &matchAgg{call: r.Call, v: r.Var, off: -1}
		var err error
		if m.Agg, err = agg.New(*r.Call, false); err != nil {
			return nil, err
		}
		m.Bind(0)
		if len(m.Blobs()) > 0 {
			shape := keyed.Shape{Name: "accs", Key: []types.Type{types.TBigInt}, Words: m.Words(), Blobs: m.Blobs(), Groups: 1, Memory: mem}
			if m.table, err = keyed.Open(scratch{1}, shape); err != nil {
				return nil, err
			}
		}
		x.aggs[i] = m
	}
	width := len(spec.Types)
	for i, v := range spec.Vars {
		if v.Cond == nil {
			continue
		}
		c := &matchCond{}
		var err error
		if c.prog, err = expr.Compile(v.Cond, env); err != nil {
			return nil, err
		}
		for _, col := range expr.Columns(v.Cond) {
			if col < width {
				c.cols = append(c.cols, col)
			} else {
				c.refs = append(c.refs, col-width)
			}
		}
		c.plain = len(c.refs) == 0
		x.conds[i] = c
		for _, r := range c.refs {
			if m := x.aggs[r]; m != nil && m.table == nil && m.off < 0 {
				m.off = x.accs
				x.accs += m.Words()
				x.steps = append(x.steps, m)
			}
		}
	}
	for _, e := range spec.Measures {
		x.outCols = append(x.outCols, expr.Columns(e)...)
	}
	slices.Sort(x.outCols)
	x.outCols = slices.Compact(x.outCols)
	x.keep()
	var err error
	x.measures, err = expr.CompileAll(spec.Measures, env)
	return x, err
}

// keep finds the columns of the input that are read of rows other than the one at hand.
func (x *matchExprs) keep() {
	need := make([]bool, len(x.spec.Types))
	for _, c := range x.spec.Partition {
		need[c] = true
	}
	for _, c := range x.outCols {
		if c < len(need) {
			need[c] = true
		}
	}
	for _, r := range x.spec.Refs {
		switch r.RefKind {
		case jobgraph.MatchLast, jobgraph.MatchFirst:
			need[r.Col] = true
		case jobgraph.MatchAgg:
			if len(r.Call.Args) > 0 {
				need[r.Call.Args[0]] = true
			}
		}
	}
	x.at = make([]int, len(need))
	for c, yes := range need {
		x.at[c] = -1
		if yes {
			x.at[c] = len(x.kept)
			x.kept = append(x.kept, c)
		}
	}
}

func (x *matchExprs) close() {
	for _, m := range x.aggs {
		if m != nil && m.table != nil {
			m.table.Close()
		}
	}
}

// A matchView is the rows of an attempt or match as an expression sees them: refs
// from its first row on, and what the variables have of them. In a condition the
// last row is being tested for variable test, and counts as its own and as one of
// all; in a measure test is notTested.
type matchView struct {
	refs []keyed.Ref
	ends []uint32
	n    uint32 // rows taken
	test int
	accs []uint64
	time int64 // MATCH_ROWTIME
}

const notTested = -2

// rows are those of a variable.
func (w *matchView) rows(v int) []keyed.Ref {
	from, to := varRows(w.ends, v, w.n)
	if w.test != notTested && (v == w.test || v == jobgraph.AllVars) {
		to = w.n + 1
	}
	return w.refs[from:to]
}

// ref is the column of a reference.
func (x *matchExprs) ref(i int, rows *keyed.Multi, views []matchView) (vec.Vector, error) {
	r := &x.spec.Refs[i]
	switch r.RefKind {
	case jobgraph.MatchTime:
		out := make([]int64, len(views))
		for k := range views {
			out[k] = views[k].time
		}
		return &vec.Fixed[int64]{Vals: out}, nil
	case jobgraph.MatchAgg:
		if m := x.aggs[i]; m.off >= 0 && views[0].test != notTested {
			return m.step(rows, x, views)
		}
		return x.aggs[i].whole(rows, x, views)
	}
	at := make([]keyed.Ref, len(views))
	for k := range views {
		list := views[k].rows(r.Var)
		if r.Offset >= len(list) {
			continue // NULL
		}
		if r.RefKind == jobgraph.MatchFirst {
			at[k] = list[r.Offset]
		} else {
			at[k] = list[len(list)-1-r.Offset]
		}
	}
	return rows.Gather(at, x.at[r.Col]), nil
}

// arg is the argument's column for some rows; nil for COUNT(*).
func (m *matchAgg) arg(rows *keyed.Multi, x *matchExprs, refs []keyed.Ref) vec.Vector {
	if len(m.call.Args) == 0 {
		return nil
	}
	return rows.Gather(refs, x.at[m.call.Args[0]])
}

// counts reports whether a row that variable v takes is one of the aggregate's.
func (m *matchAgg) counts(v int) bool { return m.v == v || m.v == jobgraph.AllVars }

// step gives the results of accumulators that are carried, the rows that are tested
// included where they count.
func (m *matchAgg) step(rows *keyed.Multi, x *matchExprs, views []matchView) (vec.Vector, error) {
	var g agg.Groups
	g.Flat(len(views), m.Words())
	slots := m.load(&g, len(views), func(i int) []uint64 { return views[i].accs })
	if m.counts(views[0].test) {
		last := make([]keyed.Ref, len(views))
		for i := range views {
			last[i] = views[i].refs[views[i].n]
		}
		m.Add(&g, slots, ordinals(len(views)), m.arg(rows, x, last))
	}
	return m.result(&g, slots)
}

// load fills a table of accumulators from those that attempts carry.
func (m *matchAgg) load(g *agg.Groups, n int, accs func(i int) []uint64) []keyed.Slot {
	m.slots = grow(m.slots, n)
	for i := range m.slots {
		m.slots[i] = keyed.Slot(i)
		if list := accs(i); list != nil {
			for w := range m.Words() {
				*g.Word(keyed.Slot(i), w) = list[m.off+w]
			}
		}
	}
	return m.slots
}

// took adds the row that each attempt has just taken to the accumulators it carries.
func (m *matchAgg) took(rows *keyed.Multi, x *matchExprs, list []*attempt, refs []keyed.Ref) error {
	var g agg.Groups
	g.Flat(len(list), m.Words())
	slots := m.load(&g, len(list), func(i int) []uint64 { return list[i].accs })
	m.Add(&g, slots, ordinals(len(list)), m.arg(rows, x, refs))
	for i, a := range list {
		for w := range m.Words() {
			a.accs[m.off+w] = *g.Word(slots[i], w)
		}
	}
	return g.Err
}

// whole computes the aggregate over all of its rows.
func (m *matchAgg) whole(rows *keyed.Multi, x *matchExprs, views []matchView) (vec.Vector, error) {
	var g agg.Groups
	n := len(views)
	m.slots = grow(m.slots, n)
	if m.table == nil {
		g.Flat(n, m.Words())
		for i := range m.slots {
			m.slots[i] = keyed.Slot(i)
		}
	} else {
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(i)
		}
		m.table.Clear()
		m.keys.Prepare([]types.Type{types.TBigInt}, []vec.Vector{&vec.Fixed[int64]{Vals: ids}}, nil, n)
		m.table.Upsert(&m.keys, m.slots)
		g.On(m.table)
	}
	var refs []keyed.Ref
	var of []keyed.Slot
	flush := func() {
		if len(refs) > 0 {
			m.Add(&g, of, ordinals(len(refs)), m.arg(rows, x, refs))
			refs, of = refs[:0], of[:0]
		}
	}
	for i := range views {
		for _, r := range views[i].rows(m.v) {
			refs, of = append(refs, r), append(of, m.slots[i])
			if len(refs) == vec.BatchRowsMax {
				flush()
			}
		}
	}
	flush()
	return m.result(&g, m.slots)
}

func (m *matchAgg) result(g *agg.Groups, slots []keyed.Slot) (vec.Vector, error) {
	var out agg.Out
	m.Read(g, slots, &out)
	v := m.Finish(&out)
	if g.Err != nil {
		return nil, g.Err
	}
	if err := out.Err(); err != nil {
		return nil, err
	}
	if v.Len() != len(slots) {
		return nil, fmt.Errorf("%s has made %d results for %d matches", m.call.Func, v.Len(), len(slots))
	}
	return v, nil
}

// test evaluates the condition of a variable for views and the rows tested; the
// answer is in place of each view.
func (x *matchExprs) test(c *matchCond, rows *keyed.Multi, b *vec.Batch, at []int32, views []matchView) (func(i int) bool, error) {
	cols := make([]vec.Vector, len(x.spec.Types)+len(x.spec.Refs))
	for _, k := range c.cols {
		cols[k] = vec.Take(b.Cols[k], at)
	}
	for _, r := range c.refs {
		v, err := x.ref(r, rows, views)
		if err != nil {
			return nil, err
		}
		cols[len(x.spec.Types)+r] = v
	}
	return c.eval(cols, len(views))
}

func (c *matchCond) eval(cols []vec.Vector, n int) (func(i int) bool, error) {
	v, err := c.prog.Eval(cols, nil, n)
	if err != nil {
		return nil, err
	}
	yes, ok := vec.Flat(v).(*vec.Fixed[bool])
	if !ok {
		return nil, fmt.Errorf("a condition of MATCH_RECOGNIZE has made %T", v)
	}
	return func(i int) bool { return yes.Vals[i] && !yes.Valid.Null(i) }, nil
}

// output makes the rows of matches.
func (x *matchExprs) output(rows *keyed.Multi, views []matchView) (*vec.Batch, error) {
	last := make([]keyed.Ref, len(views))
	for i := range views {
		last[i] = views[i].refs[views[i].n-1]
	}
	width := len(x.spec.Types)
	cols := make([]vec.Vector, width+len(x.spec.Refs))
	for _, c := range x.outCols {
		if c < width {
			cols[c] = rows.Gather(last, x.at[c])
			continue
		}
		var err error
		if cols[c], err = x.ref(c-width, rows, views); err != nil {
			return nil, err
		}
	}
	out := &vec.Batch{Rows: len(views)}
	for _, c := range x.spec.Partition {
		out.Cols = append(out.Cols, rows.Gather(last, x.at[c]))
	}
	values, err := x.measures.Eval(cols, nil, len(views))
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		out.Cols = append(out.Cols, vec.Flat(v))
	}
	return out, nil
}
