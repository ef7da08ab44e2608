package exec

import (
	"slices"

	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// uniqueRows finds a side's rows in memory by its unique columns. It is not durable:
// it follows from the rows.
type uniqueRows struct {
	cols  []int
	types []types.Type
	index *keyed.Table // word 0: the row
	keys  keyed.Keys
	some  keyed.Keys // of rows in memory
}

// openUnique makes the indexes of the inputs that may send updates without what was
// before. The plan sees to it that such an input's unique columns hold its join
// keys, and that there is no other condition.
func (j *Join) openUnique() error {
	for i, cols := range [2][]int{j.spec.LeftUnique, j.spec.RightUnique} {
		if !j.byUnique(i) {
			continue
		}
		u := &uniqueRows{cols: cols, types: pickTypes(j.sides[i].types, cols)}
		var err error
		if u.index, err = keyed.Open(scratch{1}, keyed.Shape{Name: "unique", Key: u.types, Words: 1, Groups: 1, Memory: j.ctx.Memory}); err != nil {
			return err
		}
		m := j.sides[i].rows
		u.list(m, slices.Collect(m.Each))
		m.Follow(keyed.Follower{
			Came:   func(slots []keyed.Slot) { u.list(m, slots) },
			Leaves: func(s keyed.Slot) bool { u.unlist(m, s); return true },
			Held:   u.index.Held,
		})
		j.unique[i] = u
	}
	return nil
}

// list puts the rows of keys into the index.
func (u *uniqueRows) list(m *keyed.Multi, slots []keyed.Slot) {
	var refs []keyed.Ref
	for _, s := range slots {
		refs = m.Rows(refs, s)
	}
	for n := 0; n < len(refs); n += vec.BatchRowsMax {
		u.load(m, refs[n:min(n+vec.BatchRowsMax, len(refs))])
	}
}

// unlist takes the rows of a key out of the index.
func (u *uniqueRows) unlist(m *keyed.Multi, s keyed.Slot) {
	for r := m.First(s); r != 0; r = m.Next(r) {
		u.forget(m, r)
	}
}

// byUnique reports whether the rows of an input are known by a unique key, which
// holds the join key.
func (j *Join) byUnique(in int) bool {
	s := j.spec
	cols, onlyInserts := s.LeftUnique, s.LeftAppend
	if in == 1 {
		cols, onlyInserts = s.RightUnique, s.RightAppend
	}
	return !s.SendBefore && cols != nil && s.Cond == nil && !onlyInserts && holds(cols, j.sides[in].keys)
}

// holds reports whether all of the columns keys are among cols.
func holds(cols, keys []int) bool {
	return !slices.ContainsFunc(keys, func(k int) bool { return !slices.Contains(cols, k) })
}

func (u *uniqueRows) load(m *keyed.Multi, refs []keyed.Ref) {
	cols := make([]vec.Vector, len(u.cols))
	for i, c := range u.cols {
		cols[i] = m.Gather(refs, c)
	}
	u.some.Prepare(u.types, cols, nil, len(refs))
	slots := make([]keyed.Slot, len(refs))
	u.index.Upsert(&u.some, slots)
	for i, s := range slots {
		u.index.Words(s)[0] = uint64(refs[i])
	}
}

// forget takes a row out of the index.
func (u *uniqueRows) forget(m *keyed.Multi, r keyed.Ref) {
	cols := make([]vec.Vector, len(u.cols))
	for i, c := range u.cols {
		cols[i] = m.Gather([]keyed.Ref{r}, c)
	}
	u.some.Prepare(u.types, cols, nil, 1)
	if s := u.index.SlotOne(&u.some, 0, false); s != keyed.None && u.index.Words(s)[0] == uint64(r) {
		u.index.Delete(s)
	}
}

// byKey handles rows of an input that is known by its unique columns, a run of them
// at a time. A row that replaces one keeps its matches, which depend on the unique
// columns alone: each pair is told again (+U) and no count changes.
func (j *Join) byKey() (bool, error) {
	u, s, b := j.unique[j.in], &j.sides[j.in], j.batch
	if j.at == 0 {
		u.keys.Prepare(u.types, pick(b.Cols, u.cols), b.Sel, b.Rows)
	}
	other := j.sides[1-j.in].rows
	for ; j.at < b.Len(); j.at++ {
		if j.pairs.len() >= vec.BatchRowsMax {
			return true, nil
		}
		row := b.Row(j.at)
		kind := b.Kind(row)
		var refs []keyed.Ref
		if slot := j.match.slots[j.at]; slot != keyed.None {
			j.match.refs = other.Rows(j.match.refs[:0], slot)
			refs = j.match.refs
		}
		j.matched = len(refs)
		void := len(s.strict) > 0 && s.void(b, row)
		s.rows.SlotOne(&j.own, j.at, false) // the row may be out of memory
		at := u.index.SlotOne(&u.keys, j.at, kind.Adds() && !void)
		old := keyed.Ref(0)
		if at != keyed.None {
			old = keyed.Ref(u.index.Words(at)[0])
		}
		switch {
		case old != 0 && kind.Adds():
			j.again(int32(row), refs)
		default:
			j.change(kind, int32(row), refs)
			j.alone(kind, int32(row))
		}
		if kind.Adds() && !void {
			slot := s.rows.SlotOne(&j.own, j.at, true)
			u.index.Words(at)[0] = uint64(j.store(slot, b, row))
		}
		if old != 0 {
			s.rows.Remove(s.rows.SlotOf(old), old)
			if !kind.Adds() {
				u.index.Delete(at)
			}
		}
	}
	j.matched = 0
	return false, nil
}

// again tells a row that has replaced another with the same matches.
func (j *Join) again(row int32, refs []keyed.Ref) {
	switch {
	case j.semi || j.anti:
		if j.in == 0 && j.semi == (len(refs) > 0) {
			j.pairs.add(vec.UpdateAfter, row, 0)
		}
	case len(refs) == 0:
		if j.outer[j.in] {
			j.pairs.add(vec.UpdateAfter, row, 0)
		}
	default:
		for _, r := range refs {
			j.pairs.add(vec.UpdateAfter, row, r)
		}
	}
}
