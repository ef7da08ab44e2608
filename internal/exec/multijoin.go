package exec

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/base"
	"github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/internal/state/keyed"
	"github.com/millrace-io/millrace/vec"
)

// MultiJoin joins several changing tables that have one key in common. Each input keeps
// its current rows under that key, once; a change of one is joined with the rows of all
// others. Joins of two, one after the other, would keep the rows of the first again for
// each that they meet.
type MultiJoin struct {
	Base
	spec   *jobgraph.MultiJoin
	ctx    *Context
	inputs []side
	keys   keyed.Keys
	slots  [][]keyed.Slot // by input and ordinal, of the others; of the own: where rows are kept
	swept  int64

	in    int
	batch *vec.Batch // nil: there is none
	at    int        // ordinal of the row at hand
	combo []keyed.Ref
	begun bool // combo is of the row at hand: the next to put out

	own    []int32 // what is to be put out: rows of the batch
	refs   [][]keyed.Ref
	kinds  []vec.RowKind
	mark   int64
	marked bool // mark is to be forwarded
}

// NewMultiJoin returns the operator.
func NewMultiJoin(spec *jobgraph.MultiJoin) *MultiJoin { return &MultiJoin{spec: spec} }

// Open implements Operator.
func (j *MultiJoin) Open(ctx *Context) error {
	j.ctx = ctx
	n := len(j.spec.Inputs)
	j.slots, j.refs, j.combo = make([][]keyed.Slot, n), make([][]keyed.Ref, n), make([]keyed.Ref, n)
	for i, in := range j.spec.Inputs {
		s := newSide(in.Keys, in.Types, nil)
		extra := 0
		if in.TTLMs > 0 {
			extra = 1 // multiStamp
		}
		var err error
		if s.rows, err = keyed.OpenMulti(ctx.State, ctx.expiring(s.shape(multiInput(i), ctx, extra), multiStamp, in.TTLMs)); err != nil {
			return err
		}
		j.inputs = append(j.inputs, s)
	}
	return nil
}

// multiStamp is the extra word of the time of writing, of an input with a time to live.
const multiStamp = 0

// multiInput is what the rows of an input are called in the store.
func multiInput(i int) string { return fmt.Sprintf("input %d", i) }

// Process implements Operator.
func (j *MultiJoin) Process(in int, b *vec.Batch, out Output) (bool, error) {
	j.mark, j.marked = lastMark(b)
	if b.Len() > 0 {
		j.begin(in, b)
	}
	return j.Resume(out)
}

// begin takes a batch and finds its keys in the other inputs.
func (j *MultiJoin) begin(in int, b *vec.Batch) {
	j.in, j.batch, j.at, j.begun = in, b, 0, false
	j.inputs[in].prepare(&j.keys, b)
	for i := range j.inputs {
		j.inputs[i].rows.Trim()
	}
	for i := range j.inputs {
		if i != in {
			j.slots[i] = grow(j.slots[i], b.Len())
			j.inputs[i].rows.Find(&j.keys, j.slots[i])
		}
	}
	if s := &j.inputs[in]; s.anyVoid(b) {
		for k := range b.Len() {
			if s.void(b, b.Row(k)) {
				j.slots[j.another()][k] = keyed.None // it meets nothing
			}
		}
	}
}

// another is an input that is not the one of the batch.
func (j *MultiJoin) another() int {
	if j.in == 0 {
		return 1
	}
	return 0
}

// Resume implements Operator.
func (j *MultiJoin) Resume(out Output) (bool, error) {
	for range EmitBatchesMax {
		if j.batch == nil {
			break
		}
		j.combine()
		if len(j.own) > 0 {
			if err := out.Emit(j.joined()); err != nil {
				return false, err
			}
		}
		if j.at == j.batch.Len() {
			j.keep()
			j.batch = nil
		}
	}
	if j.batch != nil {
		return true, nil
	}
	for i := range j.inputs {
		if err := j.inputs[i].rows.Err(); err != nil {
			return false, err
		}
	}
	if !j.marked {
		return false, nil
	}
	j.marked = false
	return false, out.Watermark(j.mark)
}

// combine collects what the next rows of the batch come to with the rows of the others.
func (j *MultiJoin) combine() {
	b := j.batch
	for n := b.Len(); j.at < n && len(j.own) < vec.BatchRowsMax; {
		if !j.begun && !j.first() {
			j.at++
			continue
		}
		row := b.Row(j.at)
		kind := b.Kind(row)
		if !kind.Adds() && !j.spec.SendBefore {
			kind = vec.Delete
		}
		for j.begun = true; j.begun && len(j.own) < vec.BatchRowsMax; j.begun = j.next() {
			j.own = append(j.own, int32(row))
			j.kinds = append(j.kinds, kind)
			for i, r := range j.combo {
				if i != j.in {
					j.refs[i] = append(j.refs[i], r)
				}
			}
		}
		if !j.begun {
			j.at++
		}
	}
}

// first takes the first rows that the row at hand meets, and reports whether there are
// some in every input.
func (j *MultiJoin) first() bool {
	for i := range j.inputs {
		if i != j.in && j.slots[i][j.at] == keyed.None {
			return false
		}
	}
	for i := range j.inputs {
		if i != j.in {
			j.combo[i] = j.inputs[i].rows.First(j.slots[i][j.at])
		}
	}
	return true
}

// next takes the next rows that the row at hand meets: the last input's go first.
func (j *MultiJoin) next() bool {
	for i := len(j.inputs) - 1; i >= 0; i-- {
		if i == j.in {
			continue
		}
		rows := j.inputs[i].rows
		if j.combo[i] = rows.Next(j.combo[i]); j.combo[i] != 0 {
			return true
		}
		j.combo[i] = rows.First(j.slots[i][j.at])
	}
	return false
}

// joined makes a batch of what was collected.
func (j *MultiJoin) joined() *vec.Batch {
	out := &vec.Batch{Rows: len(j.own)}
	for i := range j.inputs {
		s := &j.inputs[i]
		if i == j.in {
			out.Cols = append(out.Cols, takeAll(j.batch.Cols, j.own)...)
			continue
		}
		out.Cols = append(out.Cols, gather(s.rows, j.refs[i], s.types)...)
		j.refs[i] = j.refs[i][:0]
	}
	if j.batch.Kinds != nil {
		out.Kinds = append([]vec.RowKind(nil), j.kinds...)
	}
	j.own, j.kinds = j.own[:0], j.kinds[:0]
	return out
}

// keep keeps the rows of the batch, and forgets those that it takes back.
func (j *MultiJoin) keep() {
	b, s := j.batch, &j.inputs[j.in]
	stamped, now := j.spec.Inputs[j.in].TTLMs > 0, uint64(0)
	if stamped {
		now = uint64(j.ctx.Env.Now() / 1000)
	}
	void := s.anyVoid(b)
	for i := range b.Len() {
		row := b.Row(i)
		if void && s.void(b, row) {
			continue // can never match: nothing to remember
		}
		adds := b.Kind(row).Adds()
		slot := s.rows.SlotOne(&j.keys, i, adds)
		switch {
		case adds:
			r := s.rows.Add(slot, b.Cols, row)
			if stamped {
				s.rows.Extra(r)[multiStamp] = now
			}
		case slot != keyed.None:
			if r := s.rows.FindRow(slot, b.Cols, row); r != 0 {
				s.rows.Remove(slot, r)
			}
		}
	}
}

// Tick implements Operator: rows whose time to live is over are forgotten.
func (j *MultiJoin) Tick(now int64, _ Output) (bool, error) {
	now /= 1000
	least := int64(0)
	for _, in := range j.spec.Inputs {
		if in.TTLMs > 0 && (least == 0 || in.TTLMs < least) {
			least = in.TTLMs
		}
	}
	if least == 0 || now-j.swept < least/2 {
		return false, nil
	}
	j.swept = now
	for i, in := range j.spec.Inputs {
		if in.TTLMs > 0 {
			forget(j.inputs[i].rows, multiStamp, now-in.TTLMs, nil)
		}
	}
	return false, nil
}

// Snapshot implements Operator.
func (j *MultiJoin) Snapshot(base.Epoch) error {
	for i := range j.inputs {
		if err := j.inputs[i].rows.Snapshot(); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Operator.
func (j *MultiJoin) Close() error {
	for i := range j.inputs {
		j.inputs[i].rows.Close()
	}
	return nil
}

// StateTables implements Stateful.
func (j *MultiJoin) StateTables() []StateTable {
	var out []StateTable
	for i := range j.inputs {
		s := &j.inputs[i]
		name := multiInput(i)
		cols := append(wholeRows(i, s.types, s.keys), stampIf(j.spec.Inputs[i].TTLMs, "last_change", multiStamp)...)
		out = append(out, StateTable{Name: name, Of: -1, Store: name, Columns: cols, keys: s.keys})
	}
	return out
}
