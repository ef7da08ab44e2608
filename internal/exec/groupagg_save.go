package exec

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// rowTypes are the columns of the Multi that a set is saved in.
func (s *setShape) rowTypes() []types.Type {
	if s.form == formWord {
		return []types.Type{types.TBigInt}
	}
	return []types.Type{types.TBytes}
}

// extra is the number of words beside each saved value.
func (s *setShape) extra() int {
	n := 1
	if s.counts {
		n = len(s.filters)
	}
	if s.timed {
		n++
	}
	return n
}

// save writes the entries that have changed to multi, under the keys that their
// groups have in table.
func (v *valueSet) save(table *keyed.Table, multi *keyed.Multi, keyTypes []types.Type) {
	v.write(v.dirty, table, multi, keyTypes)
	v.dirty = v.dirty[:0]
}

// write does so for those of some entries that have changed.
func (v *valueSet) write(list []int32, table *keyed.Table, multi *keyed.Multi, keyTypes []types.Type) {
	// What leaves goes first: a Multi drops a key with its last row, and what
	// comes then opens the key again.
	var stay, put, groups []int32
	for _, e := range list {
		ent := v.ent(e)
		if ent.slot == keyed.None || !ent.dirty {
			continue
		}
		ent.dirty = false
		if !v.absent(e) {
			stay = append(stay, e)
			continue
		}
		if ent.ref != 0 {
			v.unsave(e, multi)
		}
		v.release(e)
	}
	for _, e := range stay {
		ent := v.ent(e)
		if ent.ref != 0 {
			v.writeExtra(e, multi)
			multi.TouchRow(v.rows[ent.slot]-1, ent.ref)
			continue
		}
		put = append(put, e)
		for len(v.rows) <= int(ent.slot) {
			v.rows = append(v.rows, 0)
		}
		if v.rows[ent.slot] == 0 {
			v.rows[ent.slot] = -1
			groups = append(groups, int32(ent.slot))
		}
	}
	v.openGroups(groups, table, multi, keyTypes)
	cols := []vec.Vector{v.stored(put)}
	for i, e := range put {
		ent := v.ent(e)
		ent.ref = multi.Add(v.rows[ent.slot]-1, cols, i)
		v.writeExtra(e, multi)
	}
}

// unsave removes the row of an entry; a Multi drops a key with its last row.
func (v *valueSet) unsave(e int32, multi *keyed.Multi) {
	ent := v.ent(e)
	row := v.rows[ent.slot] - 1
	last := multi.Count(row) == 1
	multi.Remove(row, ent.ref)
	ent.ref = 0
	if last {
		v.rows[ent.slot] = 0
	}
}

func (v *valueSet) absent(e int32) bool {
	if !v.shape.counts {
		return false
	}
	n := len(v.shape.filters)
	for _, c := range v.nums[int(e)*n : int(e)*n+n] {
		if c != 0 {
			return false
		}
	}
	return true
}

// openGroups finds the Multi's slots of groups.
func (v *valueSet) openGroups(groups []int32, table *keyed.Table, multi *keyed.Multi, keyTypes []types.Type) {
	if len(groups) == 0 {
		return
	}
	slots := make([]keyed.Slot, len(groups))
	for i, g := range groups {
		slots[i] = keyed.Slot(g)
	}
	var keys keyed.Keys
	keys.Prepare(keyTypes, table.Keys(slots), nil, len(slots))
	rows := make([]keyed.Slot, len(slots))
	multi.Upsert(&keys, rows)
	for i, g := range groups {
		v.rows[g] = rows[i] + 1
	}
}

// stored returns entries' values in the form in which they are saved.
func (v *valueSet) stored(list []int32) vec.Vector {
	if v.shape.form == formWord {
		vals := make([]int64, len(list))
		for i, e := range list {
			vals[i] = int64(v.ent(e).word)
		}
		return &vec.Fixed[int64]{Vals: vals}
	}
	b := &vec.Bytes{Offs: make([]uint32, 1, len(list)+1)}
	for _, e := range list {
		b.Data = append(b.Data, v.bytes(v.ent(e))...)
		b.Offs = append(b.Offs, uint32(len(b.Data)))
	}
	return b
}

func (v *valueSet) writeExtra(e int32, multi *keyed.Multi) {
	ent := v.ent(e)
	words := multi.Extra(ent.ref)
	if v.shape.timed {
		words[len(words)-1] = uint64(v.now)
	}
	if !v.shape.counts {
		words[0] = ent.bits
		return
	}
	n := len(v.shape.filters)
	for k, c := range v.nums[int(e)*n : int(e)*n+n] {
		words[k] = uint64(int64(c))
	}
}

// load reads back what was saved. The groups are in table already.
func (v *valueSet) load(table *keyed.Table, multi *keyed.Multi, keyTypes []types.Type) {
	var rows []keyed.Slot
	for s := range multi.Each {
		rows = append(rows, s)
	}
	if len(rows) == 0 {
		return
	}
	var keys keyed.Keys
	keys.Prepare(keyTypes, multi.Keys(rows), nil, len(rows))
	slots := make([]keyed.Slot, len(rows))
	table.Find(&keys, slots)
	var refs []keyed.Ref
	for i, row := range rows {
		if slots[i] == keyed.None {
			continue
		}
		refs = refs[:0]
		for r := multi.First(row); r != 0; r = multi.Next(r) {
			refs = append(refs, r)
		}
		v.loadGroup(slots[i], row, refs, multi)
	}
}

func (v *valueSet) loadGroup(s, row keyed.Slot, refs []keyed.Ref, multi *keyed.Multi) {
	for len(v.rows) <= int(s) {
		v.rows = append(v.rows, 0)
	}
	v.rows[s] = row + 1
	col := vec.Flat(multi.Gather(refs, 0))
	for i, ref := range refs {
		var e int32
		switch c := col.(type) {
		case *vec.Fixed[int64]:
			e = v.findWord(s, uint64(c.Vals[i]))
		case *vec.Bytes:
			e = v.findBytes(s, c.At(i))
		}
		v.ent(e).ref = ref
		words := multi.Extra(ref)
		if !v.shape.counts {
			v.ent(e).bits = words[0]
			continue
		}
		n := len(v.shape.filters)
		for k := range n {
			v.nums[int(e)*n+k] = int32(int64(words[k]))
		}
	}
}

// setShapeOf is how the i'th set of an operator is saved.
func setShapeOf(ctx *Context, s *setShape, i int, key []types.Type) keyed.Shape {
	return keyed.Shape{Name: fmt.Sprintf("values-%d", i), Key: key, Row: s.rowTypes(), Extra: s.extra(), Groups: ctx.Groups, Memory: ctx.Memory}
}
