package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// foldChunk is some groups of a bundle, as they were when it met them.
type foldChunk struct {
	slots []keyed.Slot
	count []uint64
	res   results
}

// foldRows puts rows into their groups; what the groups were before the bundle
// is kept, once for each.
func (g *GroupAgg) foldRows(b *vec.Batch, rows []int32) error {
	bu := g.bundle
	if bu.rows == 0 {
		bu.started = -1
	}
	bu.rows += len(rows)
	slots := g.slots(b, rows)
	var first []keyed.Slot
	for _, s := range slots {
		w := int(s) >> 6
		for len(bu.touched) <= w {
			bu.touched = append(bu.touched, 0)
		}
		if bit := uint64(1) << (s & 63); bu.touched[w]&bit == 0 {
			bu.touched[w] |= bit
			first = append(first, s)
		}
	}
	if len(first) > 0 {
		c := foldChunk{slots: first, count: g.tab.Gather(nil, first, g.accs.Rows)}
		g.accs.readResults(&c.res, g.tab, first)
		bu.chunks = append(bu.chunks, c)
	}
	return g.put(g.input(b), slots, rows)
}

// flushFold queues the changes of the bundle's groups, in the order in which it
// met them.
func (g *GroupAgg) flushFold() {
	for _, c := range g.bundle.chunks {
		for _, s := range c.slots {
			g.bundle.touched[int(s)>>6] &^= 1 << (s & 63)
		}
		done := false
		g.feed.batches(func() (*vec.Batch, error) {
			if done {
				return nil, nil
			}
			done = true
			return g.foldChanges(c)
		})
	}
}

func (g *GroupAgg) foldChanges(c foldChunk) (*vec.Batch, error) {
	n := len(c.slots)
	g.tab.On(g.tab.Table)
	c.count = g.tab.Gather(c.count, c.slots, g.accs.Rows)
	g.accs.readResults(&c.res, g.tab, c.slots)
	all := g.ident.upTo(2 * n)
	d := &changes{before: all[:n], after: all[n:], count: c.count, vals: g.accs.finish(&c.res), always: g.seen >= 0, pairs: g.spec.SendBefore}
	d.diff(n)
	keys := g.group.outKeys(g.tab.Table, c.slots)
	for i, k := range keys {
		keys[i] = vec.Take(vec.Flat(k), d.of)
	}
	if more := int(slices.Max(c.slots)) + 1 - len(g.rounds.count); more > 0 {
		g.rounds.count, g.rounds.last = append(g.rounds.count, make([]int32, more)...), append(g.rounds.last, make([]int32, more)...)
	}
	g.settleGroups(c.slots)
	out := &vec.Batch{Cols: append(keys, takeAll(d.vals, d.src)...), Rows: len(d.kinds), Kinds: d.kinds}
	if allInserts(d.kinds) {
		out.Kinds = nil
	}
	return out, g.tab.Err
}
