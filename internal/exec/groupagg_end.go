package exec

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// endState is a batch query's aggregation. When the groups have filled the memory
// budget they are written, as partial rows, to one of spillParts files by their
// hash, and the table begins anew. At the end each file is merged by itself; one
// that fills the memory again is split by the next bits of the hash.
type endState struct {
	parts  []*spillPart // of the level being written; nil: nothing was spilled
	work   []*spillPart // to be merged
	names  int
	mark   int64 // a watermark that waits for the end
	marked bool
}

// spillPart is partial rows whose hashes agree in the bits of the levels above.
type spillPart struct {
	file  *spillFile
	level int
}

const (
	spillBits   = 4
	spillParts  = 1 << spillBits
	spillLevels = 5
	// spillMinGroups is how many groups a table must have to be worth spilling.
	spillMinGroups = 1024
)

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
	if g.ctx.Spill == nil || level >= spillLevels {
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

// spill writes all groups to the files of a level and clears the table.
func (g *GroupAgg) spill(level int) error {
	e := g.end
	if e.parts == nil {
		for range spillParts {
			f, err := newSpillFile(g.ctx, fmt.Sprintf("groups-%d", e.names), g.partialTypes())
			if err != nil {
				return err
			}
			e.names++
			e.parts = append(e.parts, &spillPart{file: f, level: level})
		}
	}
	var slots []keyed.Slot
	for s := range g.tab.Table.Each {
		slots = append(slots, s)
	}
	g.tab.On(g.tab.Table)
	for len(slots) > 0 {
		now := slots[:min(len(slots), vec.BatchRowsMax)]
		slots = slots[len(now):]
		if err := g.spillSlots(now, level); err != nil {
			return err
		}
	}
	g.clear()
	return nil
}

func (g *GroupAgg) spillSlots(slots []keyed.Slot, level int) error {
	keys := g.tab.Table.Keys(slots)
	g.group.keys.Prepare(g.group.types, keys, nil, len(slots))
	var of [spillParts][]int32
	for i, h := range g.group.keys.Hash {
		// The table uses the low half and the key group the high one; a product
		// mixes both.
		p := (h * 0x9E3779B97F4A7C15) >> (64 - spillBits*(level+1)) & (spillParts - 1)
		of[p] = append(of[p], int32(i))
	}
	cols := append(keys, g.accs.export(g.tab, slots)...)
	for p, rows := range of {
		if err := g.end.parts[p].file.write(cols, rows); err != nil {
			return err
		}
	}
	return nil
}

func (g *GroupAgg) clear() {
	g.tab = g.accs.renew(g.tab, g.ctx.Memory)
}

// emitEnd queues all groups.
func (g *GroupAgg) emitEnd() error {
	e := g.end
	if e.parts == nil {
		if len(g.spec.Keys) == 0 {
			g.group.upsert(g.tab.Table, nil, []int32{0}, 1)
		}
		g.emitResults()
		return nil
	}
	if err := g.spill(0); err != nil {
		return err
	}
	if err := e.closeParts(); err != nil {
		return err
	}
	g.feed.batches(g.nextPart)
	return nil
}

// closeParts makes the files being written work.
func (e *endState) closeParts() error {
	for _, p := range e.parts {
		if err := p.file.finish(); err != nil {
			return err
		}
	}
	e.work = append(e.parts, e.work...)
	e.parts = nil
	return nil
}

func (g *GroupAgg) emitResults() {
	g.emitGroups(g.tab, func(slots []keyed.Slot) ([]vec.Vector, error) {
		var res results
		g.accs.readResults(&res, g.tab, slots)
		return g.accs.finish(&res), g.tab.Err
	}, g.clear)
}

// nextPart merges the next file and queues its groups before itself.
func (g *GroupAgg) nextPart() (*vec.Batch, error) {
	e := g.end
	if len(e.work) == 0 {
		return nil, nil
	}
	part := e.work[0]
	e.work = e.work[1:]
	k := len(g.group.types)
	for {
		cols, n, err := part.file.read()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		rows := g.ident.upTo(n)
		g.group.keys.Prepare(g.group.types, cols[:k], nil, n)
		g.group.slots = grow(g.group.slots, n)
		g.tab.Table.Upsert(&g.group.keys, g.group.slots)
		g.tab.On(g.tab.Table)
		if err := g.accs.merge(g.tab, cols[k:], g.group.slots, rows); err != nil {
			return nil, err
		}
		if err := g.spillIfFull(part.level + 1); err != nil {
			return nil, err
		}
	}
	part.file.remove()
	if e.parts != nil {
		if err := g.spill(part.level + 1); err != nil {
			return nil, err
		}
		return &vec.Batch{}, e.closeParts()
	}
	rest := g.feed.queue
	g.feed.queue = nil
	g.emitResults()
	g.feed.queue = append(g.feed.queue, rest...)
	return &vec.Batch{}, nil
}

// bytesUsed is about how much memory a set takes.
func (v *valueSet) bytesUsed() int64 {
	return int64(len(v.ents))<<entryShift*48 + int64(len(v.index))*8 + int64(cap(v.arena)) + int64(cap(v.nums))*4 + int64(cap(v.heads))*4
}
