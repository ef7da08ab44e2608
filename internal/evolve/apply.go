package evolve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/checkpoint"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/keyenc"
	"github.com/millrace-io/millrace/internal/state"
	"github.com/millrace-io/millrace/internal/state/lsm"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// Rename returns the manifest with what it has under the new job's ids. What is lost
// stays under the id that it had.
func (r *Report) Rename(m *checkpoint.Manifest) *checkpoint.Manifest {
	out := *m
	out.Operators, out.Prepared = map[string][]state.Handle{}, map[string][][]byte{}
	out.Sources, out.Marks = map[string]checkpoint.Source{}, map[string]int64{}
	for id, handles := range m.Operators {
		out.Operators[r.idOf(id)] = handles
	}
	for id, p := range m.Prepared {
		out.Prepared[r.idOf(id)] = p
	}
	for id, s := range m.Sources {
		out.Sources[r.idOf(id)] = s
	}
	for id, was := range r.marks {
		if mark, ok := m.Marks[was]; ok {
			out.Marks[id] = mark
		}
	}
	return &out
}

// RenamePlan gives the old job the ids that Rename has given to its state.
func (r *Report) RenamePlan(old *jobgraph.Graph) {
	for i := range old.Vertices {
		v := &old.Vertices[i]
		if v.Source != nil {
			v.Source.ID = r.idOf(v.Source.ID)
		}
		for k := range v.Ops {
			v.Ops[k].ID = r.idOf(v.Ops[k].ID)
		}
	}
}

// Write writes anew what has to be, of a manifest that Rename has made, in the folder
// that has its files. nowMs is the time.
func (r *Report) Write(m *checkpoint.Manifest, files state.Files, nowMs int64) error {
	anew := map[string]Item{}
	for _, i := range r.Items {
		if i.Verdict == Migrated {
			anew[i.New] = i
		}
	}
	if len(anew) == 0 {
		return nil
	}
	operators := maps.Clone(m.Operators)
	for _, id := range slices.Sorted(maps.Keys(operators)) {
		if err := landed(id, operators[id], files); err != nil {
			return err
		}
		i, ok := anew[id]
		if !ok {
			continue
		}
		handles, err := i.write(operators[id], files, m.Epoch, nowMs)
		if err != nil {
			return fmt.Errorf("write the state of %s anew: %w", i.Name, err)
		}
		operators[id] = handles
	}
	m.Operators = operators
	return nil
}

func (r *Report) idOf(old string) string {
	if id, ok := r.moved[old]; ok {
		return id
	}
	return old
}

// landed is the error if barriers have overtaken rows: those are in the form of the old
// plan.
func landed(id string, handles []state.Handle, files state.Files) error {
	for _, h := range handles {
		s, err := lsm.Backend{}.Open("", h.Range, []state.Handle{h}, files)
		if err != nil {
			return err
		}
		any := false
		t := s.Table(state.InFlight)
		for range t.Scan(nil, nil) {
			any = true
			break
		}
		if err := errors.Join(t.Err(), s.Close()); err != nil {
			return err
		}
		if any {
			return fmt.Errorf("operator %s has rows in flight, which a barrier has overtaken, in the form of the old plan: take a savepoint, which has none, or let the old job go on to a checkpoint with 'execution.checkpointing.unaligned.enabled' = 'false'", id)
		}
	}
	return nil
}

// write writes the tables of an operator anew.
func (it *Item) write(handles []state.Handle, files state.Files, e base.Epoch, nowMs int64) ([]state.Handle, error) {
	var out []state.Handle
	for i, h := range handles {
		next, err := it.writeOne(fmt.Sprintf("%s-anew%d-%d", it.New, e, i), h, files, nowMs)
		if err != nil {
			return nil, err
		}
		out = append(out, next)
	}
	return out, nil
}

func (it *Item) writeOne(prefix string, h state.Handle, files state.Files, nowMs int64) (state.Handle, error) {
	from, err := lsm.Backend{}.Open("", h.Range, []state.Handle{h}, files)
	if err != nil {
		return state.Handle{}, err
	}
	defer from.Close()
	to, err := lsm.Backend{}.Open(prefix, h.Range, nil, files)
	if err != nil {
		return state.Handle{}, err
	}
	defer to.Close()
	for name, v := range h.Values {
		to.SetValue(name, v)
	}
	for i := range it.tables {
		t := &it.tables[i]
		src, dst := from.Table(t.from.Name), to.Table(t.to.Name)
		if t.form.Rows() {
			dst.Suffix(8)
		}
		var val []byte
		for k, v := range src.Scan(nil, nil) {
			if val, err = t.value(val[:0], v, nowMs); err != nil {
				return state.Handle{}, fmt.Errorf("table '%s': %w", t.from.Name, err)
			}
			if err := dst.Put(k, val); err != nil {
				return state.Handle{}, err
			}
		}
		if err := src.Err(); err != nil {
			return state.Handle{}, err
		}
	}
	snap, err := to.Snapshot(1)
	if err != nil {
		return state.Handle{}, err
	}
	return snap.Persist()
}

var errEntry = errors.New("an entry is malformed")

// value writes an entry's value anew: a version byte, the words, then the blobs, or the
// row.
func (t *tableChange) value(dst, val []byte, nowMs int64) ([]byte, error) {
	if t.words == nil && t.row == nil {
		return append(dst, val...), nil // as it is
	}
	n := t.from.Words
	if t.form.Rows() {
		n = t.from.Extra
	}
	if len(val) < 1+8*n {
		return nil, errEntry
	}
	old := make([]uint64, n)
	for i := range old {
		old[i] = binary.LittleEndian.Uint64(val[1+8*i:])
	}
	rest := val[1+8*n:]
	blobs := map[int][]byte{}
	for _, w := range t.from.Blobs {
		if old[w] == 0 {
			continue
		}
		size := int(old[w] - 1)
		if size > len(rest) {
			return nil, errEntry
		}
		blobs[w], rest = rest[:size], rest[size:]
	}
	dst = append(dst, val[0])
	at := len(dst)
	for _, from := range t.words {
		x := uint64(0)
		switch from {
		case empty:
		case now:
			if t.sent < 0 || old[t.sent] == t.sentIs {
				x = uint64(nowMs)
			}
		default:
			x = old[from]
		}
		dst = binary.LittleEndian.AppendUint64(dst, x)
	}
	for _, w := range t.to.Blobs {
		from := t.words[w]
		b, ok := blobs[from]
		if from < 0 || !ok {
			binary.LittleEndian.PutUint64(dst[at+8*w:], 0)
			continue
		}
		if t.row != nil && w == t.image[1] {
			var err error
			if b, err = t.rewrite(nil, b); err != nil {
				return nil, err
			}
		}
		binary.LittleEndian.PutUint64(dst[at+8*w:], uint64(len(b))+1)
		dst = append(dst, b...)
	}
	if !t.form.Rows() {
		return dst, nil
	}
	if t.row == nil {
		return append(dst, rest...), nil
	}
	return t.rewrite(dst, rest)
}

// rewrite appends a row with the new columns.
func (t *tableChange) rewrite(dst, row []byte) ([]byte, error) {
	bs := make([]*vec.Builder, len(t.fromTypes))
	for i, typ := range t.fromTypes {
		bs[i] = vec.NewBuilder(typ)
	}
	if _, err := keyenc.DecodeRow(row, t.fromTypes, bs); err != nil {
		return nil, err
	}
	cols := make([]vec.Vector, len(t.row))
	for i, from := range t.row {
		cols[i] = wider(bs[from].Finish(), t.toTypes[i])
	}
	return keyenc.AppendRow(dst, t.toTypes, cols, 0), nil
}

// wider returns a column of one row with a type that can hold all of the old one's.
func wider(v vec.Vector, to types.Type) vec.Vector {
	if v.Null(0) {
		b := vec.NewBuilder(to)
		b.Null()
		return b.Finish()
	}
	switch to.Phys() {
	case types.PhysInt16, types.PhysInt32, types.PhysInt64:
		if x, ok := wholeAt(v); ok {
			b := vec.NewBuilder(to)
			b.Int(x)
			return b.Finish()
		}
	case types.PhysFloat64:
		if f, ok := v.(*vec.Fixed[float32]); ok {
			return &vec.Fixed[float64]{Vals: []float64{float64(f.Vals[0])}}
		}
	case types.PhysInt128:
		if x, ok := wholeAt(v); ok {
			return &vec.Fixed[types.Int128]{Vals: []types.Int128{{Lo: uint64(x), Hi: x >> 63}}}
		}
	}
	return v
}

func wholeAt(v vec.Vector) (int64, bool) {
	switch v := v.(type) {
	case *vec.Fixed[int8]:
		return int64(v.Vals[0]), true
	case *vec.Fixed[int16]:
		return int64(v.Vals[0]), true
	case *vec.Fixed[int32]:
		return int64(v.Vals[0]), true
	case *vec.Fixed[int64]:
		return v.Vals[0], true
	}
	return 0, false
}
