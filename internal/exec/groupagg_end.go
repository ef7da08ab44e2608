package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// endState is a batch query's aggregation. When the groups have filled the memory
// budget they are written, as partial rows, to parts by their hash, and the table
// begins anew. At the end each part is merged by itself; one that fills the memory
// again is cut again.
type endState struct {
	cut  spillCut
	held heldMark
}

// spillMinGroups is how many groups a table must have to be worth spilling.
const spillMinGroups = 1024

func (g *GroupAgg) endRows(b *vec.Batch, rows []int32) error {
	slots := g.slots(b, rows)
	if err := g.put(g.input(b), slots, rows); err != nil {
		return err
	}
	return g.spillIfFull(0)
}

func (g *GroupAgg) spillIfFull(level int) error {
	g.tab.account(g.ctx.Memory)
	m := g.ctx.Memory
	if m == nil || m.Limit == 0 || m.Used() < m.Limit/4*3 || g.tab.Table.Len() < spillMinGroups {
		return nil
	}
	if g.ctx.Spill == nil || level >= spillLevelsMax {
		if m.Used() > m.Limit {
			return m.Exceeded(g.ctx.Op)
		}
		return nil
	}
	return g.spill(level)
}

// partialTypes are the columns of a spilled row.
func (g *GroupAgg) partialTypes() []types.Type {
	return append(append([]types.Type{}, g.group.types...), g.accs.Partial()...)
}

// spill writes all groups to parts, cut once more than a level, and clears the
// table.
func (g *GroupAgg) spill(level int) error {
	if !g.end.cut.on() {
		g.end.cut.start(level)
	}
	var slots []keyed.Slot
	for s := range g.tab.Table.Each {
		slots = append(slots, s)
	}
	g.tab.On(g.tab.Table)
	for len(slots) > 0 {
		now := slots[:min(len(slots), vec.BatchRowsMax)]
		slots = slots[len(now):]
		if err := g.spillSlots(now); err != nil {
			return err
		}
	}
	g.clear()
	return nil
}

func (g *GroupAgg) spillSlots(slots []keyed.Slot) error {
	keys := g.tab.Table.Keys(slots)
	g.group.keys.Prepare(g.group.types, keys, nil, len(slots))
	cols := append(keys, g.accs.export(g.tab, slots)...)
	return g.end.cut.write(0, g.group.keys.Hash, cols, g.ident.upTo(len(slots)))
}

func (g *GroupAgg) clear() {
	g.group.coded.forget()
	g.tab = g.accs.renew(g.tab, g.ctx.Memory)
}

// emitEnd queues all groups.
func (g *GroupAgg) emitEnd() error {
	e := g.end
	if !e.cut.on() {
		if len(g.spec.Keys) == 0 {
			g.group.upsert(g.tab.Table, nil, []int32{0}, 1)
		}
		g.emitResults()
		return nil
	}
	if err := g.spill(0); err != nil {
		return err
	}
	if err := e.cut.done(); err != nil {
		return err
	}
	g.feed.batches(g.nextPart)
	return nil
}

func (g *GroupAgg) emitResults() {
	g.emitGroups(g.tab, func(slots []keyed.Slot) ([]vec.Vector, error) {
		var res results
		g.accs.readResults(&res, g.tab, slots)
		return g.accs.finish(&res), g.tab.Err
	}, g.clear)
}

// nextPart merges the next part and queues its groups before itself.
func (g *GroupAgg) nextPart() (*vec.Batch, error) {
	part := g.end.cut.next()
	if part == nil {
		return nil, nil
	}
	defer part.remove()
	for {
		cols, n, err := part.read(0)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		if err := g.mergePartial(cols, n); err != nil {
			return nil, err
		}
		if err := g.spillIfFull(part.level); err != nil {
			return nil, err
		}
	}
	if g.end.cut.on() {
		if err := g.spill(part.level); err != nil {
			return nil, err
		}
		return noRows, g.end.cut.done()
	}
	rest := g.feed.queue
	g.feed.queue = nil
	g.emitResults()
	g.feed.queue = append(g.feed.queue, rest...)
	return noRows, nil
}

// mergePartial merges n partial rows into their groups.
func (g *GroupAgg) mergePartial(cols []vec.Vector, n int) error {
	k := len(g.group.types)
	g.group.keys.Prepare(g.group.types, cols[:k], nil, n)
	g.group.slots = grow(g.group.slots, n)
	g.tab.Table.Upsert(&g.group.keys, g.group.slots)
	g.tab.On(g.tab.Table)
	return g.accs.merge(g.tab, cols[k:], g.group.slots, g.ident.upTo(n))
}

// bytesUsed is about how much memory a set takes.
func (v *valueSet) bytesUsed() int64 {
	return int64(len(v.ents))<<entryShift*48 + int64(len(v.index))*8 + int64(cap(v.arena)) + int64(cap(v.nums))*4 + int64(cap(v.heads))*4
}
