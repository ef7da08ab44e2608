package exec

import (
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// localState is what a local phase knows about how much good it does. When a
// bundle's groups are nearly as many as its rows, aggregating first is in vain:
// for the next batches each row becomes a partial of its own, without a table,
// and after them it tries again.
type localState struct {
	rows, groups int // of the sample
	skip         int // batches to pass on
	row          *groupTable
	slots        []keyed.Slot
}

const (
	localSampleRows  = 1 << 16 // rows before it judges
	localSkipBatches = 256
	localReduces     = 0.8     // groups a row that still count as good
	localGroupsMax   = 1 << 17 // groups of a bundle when nothing else ends it
)

func newLocalState() *localState { return &localState{} }

func (g *GroupAgg) localRows(b *vec.Batch, rows []int32) error {
	l := g.local
	if g.bundle.rows == 0 && l.skip > 0 && len(g.accs.Blobs) == 0 && len(g.accs.shapes) == 0 {
		l.skip--
		return g.passRows(b, rows)
	}
	if g.bundle.rows == 0 {
		g.bundle.started = -1
	}
	g.bundle.rows += len(rows)
	slots := g.slots(b, rows)
	if err := g.put(g.input(b), slots, rows); err != nil {
		return err
	}
	l.rows += len(rows)
	g.bundle.crowded = g.tab.Table.Len() >= localGroupsMax
	return nil
}

// passRows emits each row as a partial of its own.
func (g *GroupAgg) passRows(b *vec.Batch, rows []int32) error {
	l := g.local
	n := len(rows)
	for len(l.slots) < n {
		l.slots = append(l.slots, keyed.Slot(len(l.slots)))
	}
	l.row = &groupTable{}
	l.row.Flat(n, g.accs.Words)
	if err := g.accs.apply(l.row, g.input(b), l.slots[:n], rows); err != nil {
		return err
	}
	cols := takeAll(pick(b.Cols, g.spec.Keys), rows)
	g.feed.batch(&vec.Batch{Cols: append(cols, g.accs.export(l.row, l.slots[:n])...), Rows: n})
	return nil
}

// flushLocal queues the partials of the bundle's groups and forgets them.
func (g *GroupAgg) flushLocal() {
	l := g.local
	l.groups += g.tab.Table.Len()
	if l.rows >= localSampleRows {
		if float64(l.groups) > localReduces*float64(l.rows) {
			l.skip = localSkipBatches
		}
		l.rows, l.groups = 0, 0
	}
	if g.tab.Table.Len() == 0 {
		return
	}
	g.emitGroups(g.tab, func(slots []keyed.Slot) ([]vec.Vector, error) {
		return g.accs.export(g.tab, slots), nil
	}, func() {
		g.group.coded.forget()
		g.tab = g.accs.renew(g.tab, g.ctx.Memory)
	})
}

// emitGroups queues all groups of a table: keys, then what values makes of them.
// done is called when the last batch has been made.
func (g *GroupAgg) emitGroups(t *groupTable, values func([]keyed.Slot) ([]vec.Vector, error), done func()) {
	var slots []keyed.Slot
	t.On(t.Table)
	for s := range t.Table.Each {
		if g.end == nil || !g.accs.Retracts || len(g.spec.Keys) == 0 || int64(*t.Word(s, g.accs.Rows)) > 0 {
			slots = append(slots, s)
		}
	}
	g.feed.batches(func() (*vec.Batch, error) {
		if len(slots) == 0 {
			done()
			return nil, nil
		}
		now := slots[:min(len(slots), vec.BatchRowsMax)]
		slots = slots[len(now):]
		vals, err := values(now)
		if err != nil {
			return nil, err
		}
		return &vec.Batch{Cols: append(g.group.outKeys(t.Table, now), vals...), Rows: len(now)}, nil
	})
}
