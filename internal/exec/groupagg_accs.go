package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// accs puts rows into the accumulators of groups, for all calls of an operator.
//
// A batch becomes an accInput once: its columns flat, its filters as plain
// bools. Then apply takes any of its rows, with the slots of their groups. The
// rows of each filter are listed once and given to all of its calls.
type accs struct {
	*agg.Layout
	filters []accFilter
	shapes  []*setShape
	heaps   [][]groupHeaps // by set: its MINs and MAXs, when rows leave
	inputs  []bool         // the columns that are read
	partial []int          // by call: columns of a partial row

	up, down []moved
	step     setStep // of rows: it borrows their slices
	poured   setStep // of other sets' values: it has its own
	slots    []keyed.Slot
	rows     []int32
	add, sub moved
}

// accFilter is the calls that see their rows themselves, by filter.
type accFilter struct {
	col   int // -1: all rows
	calls []int
}

// accInput is a batch made ready for accs.
type accInput struct {
	cols  []vec.Vector // flat where a call reads them
	pass  [][]bool     // by column: TRUE, for those that are filters
	kinds []vec.RowKind
	packs []vec.Vector // see agg.Pack
}

// groupTable is the groups of an operator, or of a slice of a window.
type groupTable struct {
	agg.Groups
	sets   []*valueSet
	multis []*keyed.Multi // where the sets are saved; none if they are not
	keep   bool           // it is saved
	bytes  int64          // counted for the sets
}

func newAccs(calls []jobgraph.AggCall, columns int, retracts, rows, share bool) (*accs, error) {
	l, err := agg.NewLayout(calls, retracts, rows, share)
	if err != nil {
		return nil, err
	}
	a := &accs{Layout: l, inputs: make([]bool, columns)}
	for _, s := range l.Sets {
		a.shapes = append(a.shapes, &setShape{col: s.Col, typ: s.Type, form: formOf(s.Type, s.Nulls), filters: s.Filters, counts: retracts})
		a.read(s.Col)
		for _, f := range s.Filters {
			a.read(f)
		}
	}
	for _, p := range l.Packs {
		for _, c := range p.Cols {
			a.read(c)
		}
		for _, k := range p.Order {
			a.read(k.Col)
		}
	}
	a.heaps = make([][]groupHeaps, len(l.Sets))
	nums := 0
	for i, c := range l.Calls {
		a.partial = append(a.partial, 0)
		if c.Shared {
			continue
		}
		if c.Set >= 0 {
			if x, ok := c.Agg.(agg.Extreme); ok {
				a.heaps[c.Set] = append(a.heaps[c.Set], groupHeaps{sign: x.Sign(), num: c.Num})
			}
			nums = max(nums, len(l.Sets[c.Set].Filters))
			continue
		}
		a.partial[i] = len(c.Partial())
		a.read(c.Arg)
		a.read(c.Filter)
		f := slices.IndexFunc(a.filters, func(f accFilter) bool { return f.col == c.Filter })
		if f < 0 {
			f = len(a.filters)
			a.filters = append(a.filters, accFilter{col: c.Filter})
		}
		a.filters[f].calls = append(a.filters[f].calls, i)
	}
	a.up, a.down = make([]moved, nums), make([]moved, nums)
	return a, nil
}

func (a *accs) read(col int) {
	if col >= 0 && col < len(a.inputs) {
		a.inputs[col] = true
	}
}

// newGroups returns an empty groupTable over a table.
func (a *accs) newGroups(t *keyed.Table, multis []*keyed.Multi, keep bool) *groupTable {
	g := &groupTable{multis: multis, keep: keep}
	g.Table = t
	for i, s := range a.shapes {
		g.sets = append(g.sets, newValueSet(s, keep, a.heaps[i]))
	}
	return g
}

// renew empties a table that is not saved.
func (a *accs) renew(t *groupTable, m *base.Budget) *groupTable {
	t.Table.Clear()
	for _, set := range t.sets {
		set.reset()
	}
	t.account(m)
	return t
}

// input makes a batch ready.
func (a *accs) input(b *vec.Batch) *accInput {
	in := &accInput{cols: make([]vec.Vector, len(b.Cols)), pass: make([][]bool, len(b.Cols)), kinds: b.Kinds}
	for i, c := range b.Cols {
		if i < len(a.inputs) && a.inputs[i] {
			in.cols[i] = vec.Flat(c)
		}
	}
	for _, p := range a.Packs {
		in.packs = append(in.packs, in.pack(p, b.Rows))
	}
	for _, f := range a.filters {
		in.filter(f.col)
	}
	for _, s := range a.shapes {
		for _, f := range s.filters {
			in.filter(f)
		}
	}
	return in
}

// col returns a column of the batch, or a pack.
func (in *accInput) col(i int) vec.Vector {
	if i >= agg.PackBase {
		return in.packs[i-agg.PackBase]
	}
	return in.cols[i]
}

// pack makes the column of a call of several columns.
func (in *accInput) pack(p agg.Pack, n int) vec.Vector {
	row := &vec.Row{Fields: pick(in.cols, p.Cols), N: n}
	if !p.Nulls {
		row.Valid = vec.Validity(in.cols[p.Cols[0]])
	}
	if len(p.Order) == 0 {
		return row
	}
	keys := &vec.Bytes{Offs: make([]uint32, 1, n+1)}
	var by []vec.Vector
	var orders []keyenc.Order
	for _, k := range p.Order {
		by, orders = append(by, in.cols[k.Col]), append(orders, keyenc.Order{Desc: k.Desc, NullsLast: k.NullsLast})
	}
	for i := range n {
		keys.Data = keyenc.AppendSortKey(keys.Data, by, orders, i)
		keys.Offs = append(keys.Offs, uint32(len(keys.Data)))
	}
	row.Fields = append(row.Fields, keys)
	return row
}

func (in *accInput) filter(col int) {
	if col < 0 || in.pass[col] != nil {
		return
	}
	c := in.cols[col].(*vec.Fixed[bool])
	pass := c.Vals
	if c.Valid != nil {
		pass = slices.Clone(pass)
		for i := range pass {
			pass[i] = pass[i] && !c.Valid.Null(i)
		}
	}
	in.pass[col] = pass
}

// apply puts rows into their groups, or takes them out, by their kinds. The
// order of rows within a group is kept among those that come, and among those
// that leave; all that come are first.
func (a *accs) apply(t *groupTable, in *accInput, slots []keyed.Slot, rows []int32) error {
	if in.kinds == nil {
		a.pass(t, in, slots, rows, 1)
		return t.Err
	}
	a.add.reset()
	a.sub.reset()
	for i, r := range rows {
		m := &a.add
		if !in.kinds[r].Adds() {
			m = &a.sub
		}
		m.slots, m.rows = append(m.slots, slots[i]), append(m.rows, r)
	}
	if len(a.add.slots) > 0 {
		a.pass(t, in, a.add.slots, a.add.rows, 1)
	}
	if len(a.sub.slots) > 0 {
		a.pass(t, in, a.sub.slots, a.sub.rows, -1)
	}
	return t.Err
}

func (a *accs) pass(t *groupTable, in *accInput, slots []keyed.Slot, rows []int32, sign int32) {
	if a.Rows >= 0 {
		t.Count(slots, a.Rows, int64(sign))
	}
	for _, f := range a.filters {
		s, r := slots, rows
		if f.col >= 0 {
			if s, r = a.passing(in.pass[f.col], slots, rows); len(s) == 0 {
				continue
			}
		}
		for _, i := range f.calls {
			c := &a.Calls[i]
			var col vec.Vector
			if c.Arg >= 0 {
				col = in.col(c.Arg)
			}
			if sign > 0 {
				c.Add(&t.Groups, s, r, col)
			} else {
				c.Retract(&t.Groups, s, r, col)
			}
		}
	}
	for i, set := range t.sets {
		st := &a.step
		st.slots, st.rows, st.col, st.deltas, st.sign = slots, rows, in.col(set.shape.col), nil, sign
		st.masks = in.masks(st.masks[:0], set.shape.filters, rows)
		a.runSet(t, i, st)
	}
}

// passing lists the rows that a filter lets pass; valid until the next call.
func (a *accs) passing(pass []bool, slots []keyed.Slot, rows []int32) ([]keyed.Slot, []int32) {
	if cap(a.rows) < len(rows) {
		a.slots, a.rows = make([]keyed.Slot, len(rows)), make([]int32, len(rows))
	}
	s, r := a.slots[:len(rows)], a.rows[:len(rows)]
	n := 0
	for i, row := range rows {
		s[n], r[n] = slots[i], row
		if pass[row] {
			n++
		}
	}
	return s[:n], r[:n]
}

// masks appends by row which filters it passes.
func (in *accInput) masks(dst []uint64, filters []int, rows []int32) []uint64 {
	all := uint64(0)
	for k, f := range filters {
		if f < 0 {
			all |= 1 << k
		}
	}
	for range rows {
		dst = append(dst, all)
	}
	for k, f := range filters {
		if f < 0 {
			continue
		}
		pass := in.pass[f]
		for i, r := range rows {
			if pass[r] {
				dst[i] |= 1 << k
			}
		}
	}
	return dst
}

// runSet passes a step through a set, and what came and went to the calls.
func (a *accs) runSet(t *groupTable, i int, st *setStep) {
	set := t.sets[i]
	for k := range set.shape.filters {
		a.up[k].reset()
		a.down[k].reset()
	}
	set.run(st, a.up, a.down)
	x := 0
	for k := range a.Calls {
		c := &a.Calls[k]
		if c.Set != i {
			continue
		}
		up, down := &a.up[c.Num], &a.down[c.Num]
		if len(up.slots) > 0 {
			c.Add(&t.Groups, up.slots, up.rows, st.col)
		}
		if e, ok := c.Agg.(agg.Extreme); ok {
			a.settle(t, set, x, e, down.slots)
			x++
			continue
		}
		if len(down.slots) > 0 {
			c.Retract(&t.Groups, down.slots, down.rows, st.col)
		}
	}
}

// settle sets the MIN or MAX of groups that have lost a value.
func (a *accs) settle(t *groupTable, set *valueSet, x int, e agg.Extreme, slots []keyed.Slot) {
	if len(slots) == 0 {
		return
	}
	var left moved
	var list []int32
	for _, s := range slots {
		e.Drop(&t.Groups, s)
		if b := set.best(x, s); b >= 0 {
			left.slots, left.rows = append(left.slots, s), append(left.rows, int32(len(list)))
			list = append(list, b)
		}
	}
	e.Add(&t.Groups, left.slots, left.rows, set.column(list))
}

// export returns the partial rows of groups.
func (a *accs) export(t *groupTable, slots []keyed.Slot) []vec.Vector {
	var out []vec.Vector
	if a.Retracts {
		n := make([]int64, len(slots))
		for i, s := range slots {
			n[i] = int64(*t.Word(s, a.Rows))
		}
		out = append(out, &vec.Fixed[int64]{Vals: n})
	}
	for i := range a.Calls {
		if c := &a.Calls[i]; c.Set < 0 && !c.Shared {
			out = append(out, c.Export(&t.Groups, slots)...)
		}
	}
	for _, set := range t.sets {
		b := &vec.Bytes{Offs: make([]uint32, 1, len(slots)+1)}
		for _, s := range slots {
			b.Data = set.export(b.Data, s)
			b.Offs = append(b.Offs, uint32(len(b.Data)))
		}
		out = append(out, b)
	}
	return out
}

// merge puts partial rows into groups; cols are flat and only those of the
// partials.
func (a *accs) merge(t *groupTable, cols []vec.Vector, slots []keyed.Slot, rows []int32) error {
	switch {
	case a.Retracts:
		n := cols[0].(*vec.Fixed[int64]).Vals
		for i, s := range slots {
			*t.Word(s, a.Rows) += uint64(n[rows[i]])
		}
		cols = cols[1:]
	case a.Rows >= 0:
		t.Count(slots, a.Rows, 1)
	}
	for i := range a.Calls {
		if c := &a.Calls[i]; c.Set < 0 && !c.Shared {
			n := a.partial[i]
			c.Merge(&t.Groups, slots, rows, cols[:n])
			cols = cols[n:]
		}
	}
	for i, set := range t.sets {
		a.poured.decode(set.shape, slots, rows, cols[i].(*vec.Bytes))
		a.runSet(t, i, &a.poured)
	}
	return t.Err
}

// mergeSlots puts the groups of one table into those of another, as the panes of
// a window are put together: from[i] goes to to[i].
func (a *accs) mergeSlots(src *groupTable, from []keyed.Slot, dst *groupTable, to []keyed.Slot, ident []int32) error {
	if a.Rows >= 0 {
		for i, s := range from {
			*dst.Word(to[i], a.Rows) += *src.Word(s, a.Rows)
		}
	}
	for i := range a.Calls {
		if c := &a.Calls[i]; c.Set < 0 && !c.Shared {
			c.Merge(&dst.Groups, to, ident, lend(c.Agg, &src.Groups, from))
		}
	}
	var list []int32
	for i, set := range src.sets {
		for k, s := range from {
			list = set.entries(list[:0], s)
			if len(list) == 0 {
				continue
			}
			a.poured.pour(set, list, to[k])
			a.runSet(dst, i, &a.poured)
		}
	}
	return dst.Err
}

// lend is Export for columns that are not kept.
func lend(a agg.Agg, g *agg.Groups, slots []keyed.Slot) []vec.Vector {
	if l, ok := a.(agg.Lender); ok {
		return l.Lend(g, slots)
	}
	return a.Export(g, slots)
}

// results collects the results of calls, for groups in several goes.
type results struct{ outs []agg.Out }

func (a *accs) readResults(r *results, t *groupTable, slots []keyed.Slot) {
	if r.outs == nil {
		r.outs = make([]agg.Out, len(a.Calls))
	}
	for i := range a.Calls {
		a.Calls[i].Read(&t.Groups, slots, &r.outs[i])
	}
}

func (a *accs) finish(r *results) []vec.Vector {
	if r.outs == nil {
		r.outs = make([]agg.Out, len(a.Calls))
	}
	out := make([]vec.Vector, len(a.Calls))
	for i := range a.Calls {
		out[i] = a.Calls[i].Finish(&r.outs[i])
	}
	return out
}

// account counts the memory of the sets; the tables count their own.
func (t *groupTable) account(m *base.Budget) {
	bytes := int64(0)
	for _, set := range t.sets {
		bytes += set.bytesUsed()
	}
	if bytes != t.bytes {
		m.Add(bytes - t.bytes)
		t.bytes = bytes
	}
}

// close gives the memory back.
func (t *groupTable) close(m *base.Budget) {
	m.Add(-t.bytes)
	t.Table.Close()
	for _, x := range t.multis {
		x.Close()
	}
}

// dropGroup deletes a group with all that belongs to it.
func (t *groupTable) dropGroup(s keyed.Slot) {
	for i, set := range t.sets {
		var m *keyed.Multi
		if t.multis != nil {
			m = t.multis[i]
		}
		set.dropGroup(s, m)
	}
	t.Table.Delete(s)
}

// saveSets writes the sets to their Multis, before the table is saved.
func (t *groupTable) saveSets(keyTypes []types.Type, nowMs int64) {
	for i, set := range t.sets {
		set.now = nowMs
		set.save(t.Table, t.multis[i], keyTypes)
	}
}
