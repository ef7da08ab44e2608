package exec

import (
	"iter"
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
)

// A keySet names, in the checkpoint, keys of a Multi that must be looked at though
// nothing comes for them: what the operator otherwise knows by their slots. They are
// few, and stay in memory.
type keySet struct {
	rows  *keyed.Multi
	types []types.Type
	table *keyed.Table
	keys  keyed.Keys
}

func openKeySet(ctx *Context, name string, rows *keyed.Multi, ts []types.Type) (*keySet, error) {
	t, err := keyed.Open(ctx.State, keyed.Shape{Name: name, Key: ts, Words: 1, Groups: ctx.Groups, Memory: ctx.Memory})
	return &keySet{rows: rows, types: ts, table: t}, err
}

// slots returns the slots of keys of one table in another.
func (k *keySet) slots(of []keyed.Slot, in *keyed.Table, find func(*keyed.Keys, []keyed.Slot)) []keyed.Slot {
	out := make([]keyed.Slot, len(of))
	if len(of) > 0 {
		k.keys.Prepare(k.types, in.Keys(of), nil, len(of))
		find(&k.keys, out)
	}
	return out
}

// restored returns the slots of the keys that a checkpoint had.
func (k *keySet) restored() []keyed.Slot {
	found := k.slots(slices.Collect(k.table.Each), k.table, k.rows.Find)
	return slices.DeleteFunc(found, func(s keyed.Slot) bool { return s == keyed.None })
}

// snapshot writes the keys of slots, and takes out what is no longer among them.
func (k *keySet) snapshot(slots iter.Seq[keyed.Slot]) error {
	now := k.slots(slices.Collect(slots), &k.rows.Table, func(keys *keyed.Keys, out []keyed.Slot) { k.table.Upsert(keys, out) })
	in := make(map[keyed.Slot]bool, len(now))
	for _, s := range now {
		in[s] = true
	}
	for s := range k.table.Each {
		if !in[s] {
			k.table.Delete(s)
		}
	}
	return k.table.Snapshot()
}

func (k *keySet) close() {
	if k.table != nil {
		k.table.Close()
	}
}
