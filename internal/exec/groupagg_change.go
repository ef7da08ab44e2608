package exec

import (
	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// rounds orders the rows of a batch so that no round meets a group twice: the
// k'th row of a group is in round k. Within a round rows keep their order.
type rounds struct {
	count []int32 // by slot: rows so far; 0 again when done
	rank  []int32 // by row
	order []int32 // rows by round
	ends  []int32 // of each round, in order
	prev  []int32 // by row: the row of its group in the round before, or -1
	last  []int32 // by slot: the last row + 1; stale between batches
}

// sort orders the rows of a batch by their slots.
func (r *rounds) sort(slots []keyed.Slot) {
	n := len(slots)
	r.rank, r.order, r.prev = grow(r.rank, n), grow(r.order, n), grow(r.prev, n)
	r.ends = r.ends[:0]
	for i, s := range slots {
		for len(r.count) <= int(s) {
			r.count, r.last = append(r.count, 0), append(r.last, 0)
		}
		k := r.count[s]
		r.count[s]++
		r.rank[i] = k
		r.prev[i] = -1
		if k > 0 {
			r.prev[i] = r.last[s]
		}
		r.last[s] = int32(i)
		if int(k) == len(r.ends) {
			r.ends = append(r.ends, 0)
		}
		r.ends[k]++
	}
	from := int32(0)
	for k, c := range r.ends {
		r.ends[k] = from // where the round begins, for now
		from += c
	}
	for i, k := range r.rank {
		r.order[r.ends[k]] = int32(i)
		r.ends[k]++
	}
	for _, s := range slots {
		r.count[s] = 0
	}
}

// changeRows emits the change that each row makes.
func (g *GroupAgg) changeRows(b *vec.Batch, rows []int32) error {
	slots := g.slots(b, rows)
	in := g.input(b)
	c, err := g.rounds.changes(g.tab, g.accs, slots, rows, func(slots []keyed.Slot, rows []int32) error {
		if in.kinds != nil {
			slots, rows = g.known(in, slots, rows)
		}
		return g.put(in, slots, rows)
	})
	if err != nil {
		return err
	}
	g.settleGroups(slots)
	c.always, c.pairs = g.seen >= 0, g.spec.SendBefore
	c.diff(len(rows))
	if len(c.kinds) == 0 {
		return nil
	}
	g.emitChanges(c, pick(b.Cols, g.spec.Keys), rows)
	return nil
}

// changes puts rows into groups, round by round, and returns the states around each.
//
// States are read before the first round and after each, one after the other:
// state of row i after it is at after[i], and before it at that of the row of its
// group in the round before, or where the group was read first.
func (r *rounds) changes(t *groupTable, a *accs, slots []keyed.Slot, rows []int32, put func([]keyed.Slot, []int32) error) (*changes, error) {
	r.sort(slots)
	n := len(rows)
	var res results
	count := make([]uint64, 0, 2*n)
	before, after := make([]int32, n), make([]int32, n)
	var rs []keyed.Slot
	var rr []int32
	from := int32(0)
	for k, end := range r.ends {
		rs, rr = rs[:0], rr[:0]
		for _, i := range r.order[from:end] {
			rs, rr = append(rs, slots[i]), append(rr, rows[i])
		}
		if k == 0 {
			for j, i := range r.order[:end] {
				before[i] = int32(j)
			}
			count = t.Gather(count, rs, a.Rows)
			a.readResults(&res, t, rs)
		} else {
			for _, i := range r.order[from:end] {
				before[i] = after[r.prev[i]]
			}
		}
		if err := put(rs, rr); err != nil {
			return nil, err
		}
		for j, i := range r.order[from:end] {
			after[i] = int32(len(count) + j)
		}
		count = t.Gather(count, rs, a.Rows)
		a.readResults(&res, t, rs)
		from = end
	}
	return &changes{before: before, after: after, count: count, vals: a.finish(&res)}, t.Err
}

// emitChanges queues changes in batches of the usual size; a pair is not torn.
// Change i is of the group whose key is in row rows[i] of keys.
func (g *GroupAgg) emitChanges(c *changes, keys []vec.Vector, rows []int32) {
	for at := 0; at < len(c.kinds); {
		to := min(at+vec.BatchRowsMax, len(c.kinds))
		if to < len(c.kinds) && c.kinds[to-1] == vec.UpdateBefore {
			to++
		}
		of := make([]int32, to-at)
		for i, o := range c.of[at:to] {
			of[i] = rows[o]
		}
		b := &vec.Batch{Cols: append(takeAll(keys, of), takeAll(c.vals, c.src[at:to])...), Rows: to - at, Kinds: c.kinds[at:to:to]}
		if allInserts(b.Kinds) {
			b.Kinds = nil
		}
		g.feed.batch(b)
		at = to
	}
}

// known leaves out what is taken from groups that do not exist.
func (g *GroupAgg) known(in *accInput, slots []keyed.Slot, rows []int32) ([]keyed.Slot, []int32) {
	for i, r := range rows {
		if in.kinds[r].Adds() || int64(*g.tab.Word(slots[i], g.accs.Rows)) > 0 {
			continue
		}
		var m moved
		for i, r := range rows {
			if in.kinds[r].Adds() || int64(*g.tab.Word(slots[i], g.accs.Rows)) > 0 {
				m.slots, m.rows = append(m.slots, slots[i]), append(m.rows, r)
			}
		}
		return m.slots, m.rows
	}
	return slots, rows
}

// settleGroups remembers that groups have changed, and deletes those without rows.
func (g *GroupAgg) settleGroups(slots []keyed.Slot) {
	if !g.spec.Retracts {
		g.tab.Table.Touch(slots...)
		return
	}
	for _, s := range slots {
		if g.rounds.count[s] != 0 {
			continue // seen already
		}
		g.rounds.count[s] = 1
		if *g.tab.Word(s, g.accs.Rows) != 0 {
			g.tab.Table.Touch(s)
			continue
		}
		g.tab.dropGroup(s)
	}
	for _, s := range slots {
		g.rounds.count[s] = 0
	}
}

func allInserts(kinds []vec.RowKind) bool {
	for _, k := range kinds {
		if k != vec.Insert {
			return false
		}
	}
	return true
}

// changes makes the changes of groups from their states before and after.
type changes struct {
	before, after []int32 // positions of states
	count         []uint64
	vals          []vec.Vector
	always        bool // emit what has not changed too
	pairs         bool // -U before +U

	src   []int32 // the states to emit,
	of    []int32 // for which of the before and after
	kinds []vec.RowKind
}

func (c *changes) diff(n int) {
	same := c.same(n)
	c.src, c.of, c.kinds = make([]int32, 0, 2*n), make([]int32, 0, 2*n), make([]vec.RowKind, 0, 2*n)
	for i := range n {
		was, is := int64(c.count[c.before[i]]) > 0, int64(c.count[c.after[i]]) > 0
		switch {
		case !was && is:
			c.put(i, c.after[i], vec.Insert)
		case was && !is:
			c.put(i, c.before[i], vec.Delete)
		case was && (c.always || !same[i]):
			if c.pairs {
				c.put(i, c.before[i], vec.UpdateBefore)
			}
			c.put(i, c.after[i], vec.UpdateAfter)
		}
	}
}

func (c *changes) put(i int, src int32, k vec.RowKind) {
	c.src, c.of, c.kinds = append(c.src, src), append(c.of, int32(i)), append(c.kinds, k)
}

// same reports for each change whether it leaves all values as they are.
func (c *changes) same(n int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = true
	}
	for _, v := range c.vals {
		sameRows(out, v, v, c.before, c.after)
	}
	return out
}

// sameRows clears out[i] where row x[i] of a is not row y[i] of b. NULLs are the
// same, and doubles with the same meaning.
func sameRows(out []bool, a, b vec.Vector, x, y []int32) {
	switch a := a.(type) {
	case *vec.Fixed[int64]:
		sameFixed(out, a, b, x, y)
	case *vec.Fixed[int32]:
		sameFixed(out, a, b, x, y)
	case *vec.Fixed[int16]:
		sameFixed(out, a, b, x, y)
	case *vec.Fixed[int8]:
		sameFixed(out, a, b, x, y)
	case *vec.Fixed[float64]:
		sameFloat(out, a, b, x, y)
	case *vec.Fixed[float32]:
		sameFloat(out, a, b, x, y)
	case *vec.Fixed[bool]:
		sameFixed(out, a, b, x, y)
	case *vec.Fixed[types.Int128]:
		sameFixed(out, a, b, x, y)
	default:
		var p, q []byte
		for i := range out {
			if out[i] {
				p, q = appendValue(p[:0], a, x[i]), appendValue(q[:0], b, y[i])
				out[i] = string(p) == string(q)
			}
		}
	}
}

func sameFixed[T vec.Scalar](out []bool, a *vec.Fixed[T], bv vec.Vector, x, y []int32) {
	b := bv.(*vec.Fixed[T])
	for i := range out {
		p, q := x[i], y[i]
		null := a.Valid.Null(int(p))
		if null != b.Valid.Null(int(q)) || !null && a.Vals[p] != b.Vals[q] {
			out[i] = false
		}
	}
}

func sameFloat[T float32 | float64](out []bool, a *vec.Fixed[T], bv vec.Vector, x, y []int32) {
	b := bv.(*vec.Fixed[T])
	for i := range out {
		p, q := x[i], y[i]
		null := a.Valid.Null(int(p))
		if null != b.Valid.Null(int(q)) {
			out[i] = false
			continue
		}
		if u, v := a.Vals[p], b.Vals[q]; !null && u != v && (u == u || v == v) {
			out[i] = false
		}
	}
}

func appendValue(dst []byte, v vec.Vector, row int32) []byte {
	return agg.AppendValue(dst, v, int(row))
}
