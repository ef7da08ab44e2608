package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/expr/agg"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// column returns the argument's column, nil for COUNT(*).
func (c *overCall) column(p *overPart) vec.Vector {
	if a := c.arg(); a >= 0 {
		return p.cols[a]
	}
	return nil
}

// run computes a running aggregate: each row is added once, and read after it, or
// after its last peer.
func (c *overCall) run(p *overPart, g *agg.Groups) (vec.Vector, error) {
	col := c.column(p)
	var rows []int32
	var slots []keyed.Slot
	var out agg.Out
	first := c.firsts(p)
	for s, slot := range p.slots {
		for i := p.starts[s]; i < p.starts[s+1]; {
			next := i + 1
			if !c.spec.Frame.Rows {
				next = p.ends[i]
			}
			rows = c.passes(p, rows, i, next)
			if first != nil {
				rows = slices.DeleteFunc(rows, func(r int32) bool { return !first[r] })
			}
			for len(slots) < max(len(rows), int(next-i)) {
				slots = append(slots, slot)
			}
			if slots[0] != slot {
				for k := range slots {
					slots[k] = slot
				}
			}
			if len(rows) > 0 {
				c.agg.Add(g, slots[:len(rows)], rows, col)
			}
			c.agg.Read(g, slots[:next-i], &out)
			i = next
		}
	}
	if g.Err != nil {
		return nil, g.Err
	}
	v := c.agg.Finish(&out)
	return v, out.Err()
}

// firsts returns which rows have a value that the partition has not had before,
// nil without DISTINCT.
func (c *overCall) firsts(p *overPart) []bool {
	if c.seen == nil {
		return nil
	}
	out := make([]bool, p.n)
	rows := c.passes(p, nil, 0, int32(p.n))
	if len(rows) == 0 {
		return out
	}
	c.recall(p, rows)
	for _, r := range c.unseen(append(pick(p.cols, c.seenCols), p.cols[c.arg()]), rows, p.n) {
		out[r] = true
	}
	if c.seenRows != nil {
		rows = keepIf(rows, func(r int32) bool { return out[r] })
		slots, _ := c.seenGroup.upsert(&c.seenRows.Table, p.cols, rows, p.n)
		c.seenRows.AddRows(slots, []vec.Vector{p.cols[c.arg()]}, rows, nil)
	}
	return out
}

// unseen returns those of the rows whose keys, partition and value, are new, and
// remembers them.
func (c *overCall) unseen(keys []vec.Vector, rows []int32, n int) (out []int32) {
	c.seenKeys.Prepare(c.seenTypes(), keys, rows, n)
	slots := make([]keyed.Slot, len(rows))
	c.seen.Upsert(&c.seenKeys, slots)
	for i, s := range slots {
		if w := c.seen.Words(s); w[0] == 0 {
			w[0] = 1
			out = append(out, rows[i])
		}
	}
	return out
}

// slide computes an aggregate over frames that move: rows that enter are added, and
// those that leave taken out.
func (c *overCall) slide(p *overPart, g *agg.Groups) (vec.Vector, error) {
	col := c.column(p)
	ids, err := c.ids(p)
	if err != nil {
		return nil, err
	}
	counts := make([]int32, len(ids))
	var rows, enter []int32
	var slots []keyed.Slot
	var out agg.Out
	for s, slot := range p.slots {
		lo, hi := p.starts[s], p.starts[s]
		slots = slots[:0]
		for i := p.starts[s]; i < p.starts[s+1]; i++ {
			if c.hi[i] > hi {
				// What lies between the frames never counts.
				rows = c.passes(p, rows, max(hi, c.lo[i]), c.hi[i])
				enter = rows
				if ids != nil {
					enter = keepIf(enter, func(r int32) bool { counts[ids[r]]++; return counts[ids[r]] == 1 })
				}
				c.step(g, &slots, slot, enter, col, false)
			}
			if upto := min(c.lo[i], hi); upto > lo {
				rows = c.passes(p, rows, lo, upto)
				if ids != nil {
					rows = keepIf(rows, func(r int32) bool { counts[ids[r]]--; return counts[ids[r]] == 0 })
				}
				c.step(g, &slots, slot, rows, col, true)
			}
			lo, hi = max(lo, c.lo[i]), max(hi, c.hi[i])
			slots = one(slots, slot)
			c.agg.Read(g, slots[:1], &out)
		}
		if ids != nil {
			for r := lo; r < hi; r++ {
				counts[ids[r]] = 0
			}
		}
	}
	if g.Err != nil {
		return nil, g.Err
	}
	v := c.agg.Finish(&out)
	return v, out.Err()
}

func keepIf(rows []int32, keep func(int32) bool) []int32 {
	return slices.DeleteFunc(rows, func(r int32) bool { return !keep(r) })
}

func one(slots []keyed.Slot, s keyed.Slot) []keyed.Slot {
	if len(slots) == 0 {
		slots = append(slots, s)
	}
	return slots
}

// step adds rows to a slot, or takes them out.
func (c *overCall) step(g *agg.Groups, slots *[]keyed.Slot, slot keyed.Slot, rows []int32, col vec.Vector, out bool) {
	if len(rows) == 0 {
		return
	}
	for len(*slots) < len(rows) {
		*slots = append(*slots, slot)
	}
	if out {
		c.agg.Retract(g, (*slots)[:len(rows)], rows, col)
		return
	}
	c.agg.Add(g, (*slots)[:len(rows)], rows, col)
}

// ids numbers the values of the argument, for DISTINCT; nil otherwise.
func (c *overCall) ids(p *overPart) ([]int32, error) {
	if !c.spec.Distinct || c.arg() < 0 {
		return nil, nil
	}
	t, err := keyed.Open(scratch{1}, keyed.Shape{Name: "ids", Key: []types.Type{c.types[c.arg()]}, Words: 1, Groups: 1})
	if err != nil {
		return nil, err
	}
	var keys keyed.Keys
	keys.Prepare([]types.Type{c.types[c.arg()]}, []vec.Vector{p.cols[c.arg()]}, nil, p.n)
	slots := make([]keyed.Slot, p.n)
	t.Upsert(&keys, slots)
	out := make([]int32, p.n)
	for i, s := range slots {
		out[i] = int32(s)
	}
	return out, nil
}
